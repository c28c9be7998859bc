"""How predictions are written: JSON lines, a table, lines while a video runs, and a CSV file beside them."""

from __future__ import annotations

import contextlib
import csv
from typing import TYPE_CHECKING, Any

from kzoo.cli import output
from kzoo.errors import KzooError
from kzoo.files import csv_cell, replacing
from kzoo.streams import READABLE, visible
from kzoo.tasks.predictions import ValuePrediction

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType
    from typing import Self, TextIO

    from kzoo.data.frames import Item, Source
    from kzoo.inference.predicting import Result

__all__ = ["Printer"]

_WHERE = {"images": ("image",), "video": ("video", "frame", "time"), "camera": ("frame", "time"), "table": ()}
_MOST_WARNED = 5  # inputs of which doubts are written one by one; a video has thousands
_UNITS = {"images": "images", "video": "frames", "camera": "frames", "table": "rows"}


class Printer:
    """Writes results to stdout, what could not be read to stderr, and all of it to a CSV file if one is asked for.

    Images and rows of a table become one table at the end; frames of a video or camera one line each as they come.

    Args:
        top: How many alternatives to show.
        as_json: Write a line of JSON for each input instead, as it comes.
        csv: The CSV file, or None. It appears whole, at the end.
        sources: All sources there will be.

    Attributes:
        unit: What the inputs are called.
        seen: How many inputs there were.
        failed: How many of them could not be read.
        doubted: Against how many predictions something speaks.
    """

    def __init__(self, *, top: int, as_json: bool, csv: Path | None, sources: Sequence[Source]) -> None:
        self.top, self.as_json = top, as_json
        self.seen = self.failed = self.doubted = 0
        kinds = {source.kind for source in sources}
        units = {_UNITS[kind] for kind in kinds}
        self.unit = units.pop() if len(units) == 1 else "inputs"
        self._rows: list[dict[str, Any]] = []
        self._spelled: set[str] = set()  # the columns that are named by the data
        self._lines: _Lines | None = None
        self._file = _CsvFile(csv, sources) if csv else None

    def __enter__(self) -> Self:
        if self._file:
            self._file.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Write the table and finish the CSV file: of what there was before Ctrl-C, and not at all after an error."""
        if self._file:
            self._file.close(kind, error, traceback)
        if self._rows:
            columns = {name: name for row in self._rows for name in row}
            output.emit(self._rows, columns, as_json=False, spelled=self._spelled)
        if self.doubted > _MOST_WARNED:
            more = self.doubted - _MOST_WARNED
            output.warn(
                f"Something speaks against {more:,} more of {self.seen:,} predictions; --json tells it of each."
            )

    def start(self, source: Source) -> None:
        """Be told that the results that follow are this source's."""
        self._lines = _Lines(self._spelled) if source.kind in ("video", "camera") else None

    def write(self, result: Result) -> None:
        """Write one result."""
        self.seen += 1
        where = result.item.columns()
        if result.prediction is None:
            self.failed += 1
            output.error(result.error)
            if self.as_json:
                output.emit_json_line({**where, "error": result.error})
            return
        if result.doubts:
            self._warn(where, result.doubts)
        if isinstance(result.prediction, ValuePrediction):
            self._spelled.update(_in_lines(result.prediction.values))
        if self.as_json:
            told = {"doubts": list(result.doubts)} if result.doubts else {}
            took = {"latency_ms": round(1000 * result.seconds, 2)} if "frame" in where else {}
            output.emit_json_line({**where, **result.prediction.to_dict(self.top), **told, **took})
        elif self._lines:
            self._lines.write(_in_lines({**where, **result.prediction.columns(self.top)}))
        else:
            self._rows.append(_in_lines({**where, **result.prediction.columns(self.top)}))
        if self._file:
            self._file.write(result.item, result.prediction.best_rows(self.top))

    def _warn(self, where: Mapping[str, Any], doubts: Sequence[str]) -> None:
        self.doubted += 1
        if self.doubted <= _MOST_WARNED:
            told = ", ".join(f"{name} {value}" for name, value in _in_lines(where).items())
            output.warn(f"{told}: {' '.join(doubts)}")


def _in_lines(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row whose names have their line breaks written out, of which a table would make blanks."""
    return {
        visible(name, one_line=True): visible(value, one_line=True) if isinstance(value, str) else value
        for name, value in row.items()
    }


class _Lines:
    """A table whose rows are shown as they come, each column as wide as its widest cell up to there.

    Args:
        spelled: The columns whose names are data, and are shown as they are spelled.
    """

    def __init__(self, spelled: Collection[str]) -> None:
        self._widths: dict[str, int] = {}
        self._spelled = spelled

    def write(self, row: Mapping[str, Any]) -> None:
        if list(row) != list(self._widths):
            # As wide as the first row and not only the headings, which would stand beside their columns.
            self._widths = {
                name: max(output.width_of(name), output.width_of(output.cell(value))) for name, value in row.items()
            }
            self._show({name: name if name in self._spelled else name.upper() for name in row})
        self._show(row)

    def _show(self, row: Mapping[str, Any]) -> None:
        cells = {name: output.cell(value) for name, value in row.items()}
        self._widths.update({name: max(self._widths[name], output.width_of(text)) for name, text in cells.items()})
        output.show(
            "  ".join(output.padded_to(text, self._widths[name]) for name, text in cells.items()).rstrip(), flush=True
        )


class _CsvFile:
    """Rows of predictions in a file, written as they come; its columns are those of the first."""

    def __init__(self, path: Path, sources: Sequence[Source]) -> None:
        self._path = path
        self._where = list(dict.fromkeys(name for source in sources for name in _WHERE[source.kind]))
        self._whole: AbstractContextManager[Path] | None = None
        self._text: TextIO | None = None
        self._writer: csv.DictWriter[str] | None = None

    def open(self) -> None:
        self._whole = replacing(self._path)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._whole.__enter__()
            self._text = temporary.open("w", encoding="utf-8", errors=READABLE, newline="")
        except OSError as error:
            raise self._refused(error) from error

    def write(self, item: Item, rows: Sequence[Mapping[str, Any]]) -> None:
        assert self._text is not None
        for row in rows:
            whole = {csv_cell(name): csv_cell(value) for name, value in {**item.columns(), **row}.items()}
            try:
                if self._writer is None:
                    fields = list(dict.fromkeys([*self._where, *whole]))
                    self._writer = csv.DictWriter(self._text, fields, restval="", lineterminator="\n")
                    self._writer.writeheader()
                self._writer.writerow(whole)
            except OSError as error:
                raise self._refused(error) from error

    def close(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._text is None or self._whole is None:
            return
        if kind is not None:
            with contextlib.suppress(OSError):  # the first error tells more
                self._text.close()
            self._whole.__exit__(kind, error, traceback)
            return
        try:
            self._text.close()
            self._whole.__exit__(None, None, None)
        except OSError as refused:
            self._whole.__exit__(type(refused), refused, None)
            raise self._refused(refused) from refused
        output.say(f"Wrote {self._path}.")

    def _refused(self, error: OSError) -> KzooError:
        return KzooError(f"--csv {self._path} cannot be written: {error.strerror}.")
