"""Pictures of a run and the page that shows them: drawn from plain numbers, without Keras."""

from kzoo.report.outcome import ClassOutcome, ValueOutcome
from kzoo.report.write import write_pictures, write_report

__all__ = ["ClassOutcome", "ValueOutcome", "write_pictures", "write_report"]
