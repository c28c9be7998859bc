"""Pictures of a run and the page that shows them."""

from kzoo.report.fragment import result_html
from kzoo.report.write import write_pictures, write_report

__all__ = ["result_html", "write_pictures", "write_report"]
