"""What the stages of a run share: its folder, data and model, how far it came, and how long each part took."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.models.card import ModelCard
from kzoo.models.input_ranges import InputRanges
from kzoo.settings import read_settings
from kzoo.tasks import Measured
from kzoo.training.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kzoo.data.splits import Split, Splits
    from kzoo.engine.forward import Forward
    from kzoo.engine.interrupt import StopRequest
    from kzoo.engine.listener import Listener
    from kzoo.engine.workers import Workers
    from kzoo.pipeline import Reader
    from kzoo.runs.config import RunConfig
    from kzoo.runs.folder import Run
    from kzoo.runs.state import SavedState
    from kzoo.training.assembly import Assembly
    from kzoo.training.profiling import Profile

__all__ = ["Clock", "Work"]


class Clock:
    """Seconds spent in each part of a run, by name.

    Args:
        profile: Who is told of them as well.
    """

    def __init__(self, profile: Profile | None = None) -> None:
        self.laps: dict[str, float] = {}
        self.profile = profile
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """End the part ``name`` here."""
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 3)
        if self.profile is not None:
            self.profile.lap("the rest of the training" if name == "train" else name, now - self._last)
        self._last = now


@dataclass
class Work:
    """What the stages of one run share, and how far it came.

    Attributes:
        run: Its folder.
        config: Its settings.
        splits: Its data.
        parts: Its model and what that is compiled with.
        listener: Who is told what happens.
        clock: What took how long.
        stop: Who is asked whether to go on.
        strategy: The strategy that the model was made under, or None.
        workers: The processes that train together, or None. What others than the chief write goes to a folder that is
            removed at the end.
        begin: The state that the training goes on from, or None where it begins.
        callbacks: Those of the caller.
        tracking: The trackers.
        ask: Who is asked after each epoch whether to give the run up, and why; None for nobody.
        pruned: Why the run was given up; empty where it was not.
        completed: The stages that came to their end.
        history: The logs of each epoch, once it is trained.
        results: Loss and metrics on the test split, once it is evaluated.
        finished: What the pipeline found out about the trained model, to be stored with it.
    """

    run: Run
    config: RunConfig
    splits: Splits
    parts: Assembly
    listener: Listener
    clock: Clock
    stop: StopRequest
    strategy: Any = None
    workers: Workers | None = None
    begin: SavedState | None = None
    callbacks: tuple[Any, ...] = ()
    tracking: Tracking = field(default_factory=Tracking)
    ask: Callable[[int, Mapping[str, Any]], str] | None = None
    pruned: str = ""
    completed: list[str] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    finished: dict[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def inputs(self) -> dict[str, Any]:
        """The ranges of the training inputs; empty where they cannot be told."""
        ranges = InputRanges.of(self.splits.train, self.splits.input_names)
        return {} if ranges is None else ranges.to_dict()

    @property
    def card(self) -> ModelCard:
        """What is stored inside every model of the run."""
        return ModelCard(
            pipeline=self.config.pipeline,
            task=self.parts.task.name,
            class_names=tuple(self.splits.class_names),
            input_shape=tuple(self.parts.input_shape),
            label_form=self.parts.label_form,
            output_names=tuple(self.splits.output_names),
            data_settings=self.config.data_settings,
            inputs=self.inputs,
            run=self.run.name,
            trained_on=self.splits.provenance.used,
            own={**self.parts.built.card, **self.finished},
        )

    @property
    def advice(self) -> str:
        """What to try where numbers are not finite."""
        where = f" The run is {self.run.path}." if self.is_chief else ""
        return (
            f"Try a smaller learning rate (now {self.config.optimizer}), or another loss (now {self.config.loss})."
            f"{where}"
        )

    def batches(self, split: Split) -> Any:
        """Return the batches of a split that is measured on."""
        from kzoo.engine.batches import ordered_batches

        size, encode, workers = self.config.train.batch_size, self.parts.encode, self.workers
        if workers is None:
            return ordered_batches(split, size, encode)
        return ordered_batches(split, size, encode, part=workers.index, parts=workers.count)

    def measured(self, forward: Forward, split: Split) -> Measured:
        """Return a split with all that its task must know to measure on it."""
        pipeline, card = self.parts.pipeline, self.card.for_reader()

        def reader(chosen: Mapping[str, Any]) -> Reader:
            return pipeline.reader(card, forward, read_settings(pipeline.reader_settings, chosen))

        return Measured(
            forward=forward,
            test=split,
            class_names=self.splits.class_names,
            input_names=self.splits.input_names,
            output_names=self.splits.output_names,
            description=f"{len(split):,} images; {self.splits.provenance.description}",
            batch_size=self.config.train.batch_size,
            reader=reader,
            settings=pipeline.evaluation_settings,
        )

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run: the only one, or the first of several."""
        return self.workers is None or self.workers.is_chief

    def complete(self, *stages: str, **changes: Any) -> None:
        """Record that stages came to their end, with what else changes in the record."""
        with self.stop.held():
            completed = [*self.completed, *stages]
            self.run.update(completed=completed, timings=self.clock.laps, **changes)
            self.completed = completed  # not before: what is not in the record is not done
