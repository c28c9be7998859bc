"""Who is told what happens during something that takes long."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Listener", "Silent"]


class Listener(Protocol):
    """Who is told what happens: the command line, a notebook, or nobody."""

    def say(self, text: str) -> None:
        """Take a message that can be missed."""

    def warn(self, text: str) -> None:
        """Take a message that must not be missed."""

    def download(self, done: int, total: int | None, name: str) -> None:
        """Take the progress of a download, in bytes."""

    def progress(self, *, examples: int, batch_size: int, unit: str) -> Any:
        """Return a Keras callback that shows the training and has a method ``close``, or None."""


class Silent:
    """A `Listener` for Python callers: warnings through `warnings`, nothing else."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def warn(self, text: str) -> None:
        """Raise a Python warning."""
        import warnings

        warnings.warn(text, stacklevel=3)

    def download(self, done: int, total: int | None, name: str) -> None:
        """Show nothing."""

    def progress(self, *, examples: int, batch_size: int, unit: str) -> Any:
        """Show nothing."""
        del examples, batch_size, unit
