"""``--engine``: a model run by another engine than TensorFlow, for the commands that run models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.engine.engines import engine_shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kzoo.models.saved import SavedModel

__all__ = ["exporting", "run_by"]


def exporting(*, quiet: bool) -> Callable[[SavedModel, str], Path]:
    """Return the function that exports a model for an engine; what it says is shown on stderr unless quiet."""

    def export(saved: SavedModel, engine: str) -> Path:
        from kzoo.cli.listening import Terminal
        from kzoo.export.kept import kept_export

        return kept_export(saved, engine, Terminal(quiet=quiet))

    return export


def run_by(saved: SavedModel) -> str:
    """Return in a sentence what runs a model, and which file; before it why what would be faster does not."""
    return " ".join([*saved.left_out, f"Run by {engine_shown(saved.engine)}: {saved.exported or saved.path}."])
