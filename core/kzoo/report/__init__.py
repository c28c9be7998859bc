"""Pictures of a run and the page that shows them."""

from kzoo.report.write import write_pictures, write_report

__all__ = ["write_pictures", "write_report"]
