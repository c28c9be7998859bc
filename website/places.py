"""Where the site's parts are, and what the kinds of components are called in its addresses."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
SOURCE = ROOT / "build" / "site-source"
"""The Markdown that zensical reads: `docs_dir` of mkdocs.yml."""
SITE = ROOT / "build" / "site"
"""What zensical writes: `site_dir` of mkdocs.yml."""
DATA = HERE / "data"
"""What was measured and is committed: agreement, runs, their pictures."""

REPOSITORY = "https://github.com/kzoo-dev/kzoo"
FILES = f"{REPOSITORY}/blob/main/"
"""Where files of the repository are that are no pages of the site."""

FOLDERS = {
    "loss": "losses",
    "metric": "metrics",
    "optimizer": "optimizers",
    "schedule": "schedules",
    "regularizer": "regularizers",
}


def write(name: str, text: str) -> None:
    """Write one page of the source."""
    path = SOURCE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip("\n") + "\n", "utf-8")


def cell(text: str) -> str:
    """Return a text as it stands in a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def prose(text: str) -> str:
    """Return a text of a docstring without what Markdown would read into it: ``[k][i]`` is no link."""
    parts = text.split("`")
    parts[::2] = [part.replace("][", "]\\[") for part in parts[::2]]
    return "`".join(parts)


def stacked(rows: list[str]) -> str:
    """Return the rows of a table whose cells stand below each other on a narrow page."""
    return "\n".join(['<div class="kz-stacked" markdown="1">', "", *rows, "", "</div>"])


def shell(*lines: str) -> str:
    """Return command lines as a block of code."""
    return "\n".join(["```sh", *lines, "```"])
