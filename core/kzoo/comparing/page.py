"""The files of a comparison: pictures, tables for other programs, and the page ``compare.html``."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from kzoo.comparing import figures, words
from kzoo.files import csv_cell, inside, replacing, write_text
from kzoo.report import page
from kzoo.report.write import as_png

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kzoo.comparing.comparison import Comparison

__all__ = ["csv_text", "fragment", "write_files"]


def write_files(found: Comparison) -> list[Path]:
    """Draw the pictures of a comparison into its folder, and write its tables and its page, which holds them.

    Returns:
        The files written, the page last.

    Raises:
        OSError: The folder cannot be written.
        KzooError: A part of it is a link that leads elsewhere.
    """
    folder = found.folder.path
    plots = inside(folder / "plots", folder)
    plots.mkdir(exist_ok=True)
    drawn = _pictures(found)
    written = []
    for name, png in drawn.items():
        path = plots / f"{name}.png"
        with replacing(path) as temporary:
            temporary.write_bytes(png)
        written.append(path)
    for name, rows in (("compare.csv", found.rows), ("runs.csv", found.runs)):
        write_text(folder / name, csv_text(rows))
        written.append(folder / name)
    target = found.folder.page_path
    write_text(target, page.page(f"{found.pipeline}: {' or '.join(found.cells)}", _parts(found, drawn)))
    return [*written, target]


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as the text of a CSV file; what is None becomes an empty cell."""
    stream = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: csv_cell("" if value is None else value) for key, value in row.items()} for row in rows)
    return stream.getvalue()


def fragment(found: Comparison) -> str:
    """Return the table and the intervals as a part of another page: that of a notebook."""
    parts = [page.paragraph(text) for text in (*found.summary, *found.notes)]
    parts.append(_table(found))
    png = as_png(figures.drawn(found.judgement, found.gathered)["intervals"])
    parts.append(page.picture(png, figures.CAPTIONS["intervals"]))
    return f"<div>{''.join(parts)}</div>"


def _pictures(found: Comparison) -> dict[str, bytes]:
    return {name: as_png(figure) for name, figure in figures.drawn(found.judgement, found.gathered).items()}


def _parts(found: Comparison, drawn: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Return the page's parts: what follows, from which numbers, and what it takes to do it again."""
    record = found.gathered.entries[0].record
    told = {
        "date": found.began[:16].replace("T", " ") + " UTC" if found.began else "",
        "pipeline": f"{found.pipeline}, {len(found.cells)} ways to train, seeds {_listed(found.gathered.seeds)}",
        "data": record.data.description,
        "machine": ", ".join(str(record.environment[key]) for key in ("host", "cpu") if record.environment.get(key)),
    }
    first = page.facts(told) + "".join(page.paragraph(text) for text in found.summary)
    first += "".join(page.warning(note) for note in found.notes)
    shown = [
        (caption, page.picture(drawn[name], caption)) for name, caption in figures.CAPTIONS.items() if name in drawn
    ]
    drawn_again = words.resampled(found.judgement)
    return [
        ("", first),
        ("Measures", _table(found)),
        *([("Resampled, as there are ten seeds or more", page.table(drawn_again))] if drawn_again else []),
        *shown,
        ("How it was judged", "".join(page.paragraph(text) for text in words.method(found.judgement, found.pairs))),
        ("Runs", page.table([{key: value for key, value in row.items() if key != "path"} for row in found.runs])),
        ("Command", page.code(found.command)),
    ]


def _table(found: Comparison) -> str:
    """Return the measures as a table."""
    rows = [{words.COLUMNS[key]: value for key, value in row.items()} for row in words.rows(found.judgement)]
    return page.table(rows, list(words.COLUMNS.values()))


def _listed(seeds: Sequence[int]) -> str:
    whole = seeds and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return f"{seeds[0]} to {seeds[-1]}" if whole and len(seeds) > 2 else ", ".join(map(str, seeds))  # noqa: PLR2004
