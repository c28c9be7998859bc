"""What the author of a tracker derives from: a tracker hands what a run logs on to another place.

A run keeps its own record, ``metrics.csv`` and ``run.json``, whatever trackers there are. ``docs/tracking.md`` has a
tracker in twenty lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Tracker"]


class Tracker:
    """Hands what a run logs on to another place.

    It is made before any data is read, so its constructor only checks its arguments and that what it needs is installed
    (`kzoo.errors.KzooError` where it is not); everything else is for `start`. What a method raises ends nothing: kzoo
    warns, and calls the tracker no more in this run.

    Attributes:
        logged: The last step that the tracked run holds, where `start` went on with one; None where the tracker cannot
            tell. kzoo hands over each step once by it: those that are missing at once, those that are there not again.
    """

    logged: int | None = None

    def start(self, manifest: Mapping[str, Any]) -> str | None:
        """Begin a tracked run, or go on with one.

        Args:
            manifest: What ``run.json`` holds when the training begins, and besides: ``folder``, the path of the run;
                ``name``, pipeline and folder name; ``settings``, all of them in their tables; ``tracked``, which is
                None in a new run, and in one that goes on ``{"id": ..., "step": ...}``: what this method returned when
                the run began, and the number of epochs after which the run goes on.

        Returns:
            What the tracker finds its tracked run again by, as text; None where it needs nothing.
        """

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take the values of an epoch that was gone through to its end.

        Args:
            step: The number of the epoch, from 1.
            values: Numbers by name: ``loss``, ``val_accuracy``, ... They may be NaN or infinite. Of a metric with a
                value for each class there is one number each, ``auroc_per_class/0``.
        """
        raise NotImplementedError

    def artifact(self, path: Path) -> None:
        """Take a file of the run at its end: settings, log, record, model, report, picture. It must not be changed."""

    def finish(self, status: str, results: Mapping[str, float]) -> None:
        """End the tracked run; a run that was stopped may go on later, in another process.

        Args:
            status: ``done``, ``interrupted`` or ``failed``.
            results: Loss and metrics on the test split by name, as in `log`; empty where the run was not tested.
        """
