"""From settings to a compiled model: components by name, labels in the form they need, the data in its order."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

from kzoo.plugins.build import Context, build, check_fits
from kzoo.errors import KzooError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kzoo.data.splits import Splits
    from kzoo.pipeline import Pipeline
    from kzoo.plugins.registry import Entry, Registry
    from kzoo.runs.config import RunConfig

__all__ = ["GIVEN", "Assembly", "check_components", "check_data_settings", "fitting_task"]

GIVEN = ("regularizer", "predicts", "augmented", "seed", "epoch", "step", "run_seed")
"""Keyword arguments of a pipeline's `build_model` and `augment` that are no settings: they come from here."""

_CLASS_TASKS = ("classification", "ordinal")
_PREDICTS = {"classification": "classes", "ordinal": "classes", "binary": "binary", "regression": "values"}
"""What a loss compares with the labels where its spec does not say."""


def check_components(config: RunConfig, task: str, registry: Registry) -> list[str]:
    """Check the names of all components and that they fit the task; return the cautions to say, before Keras is there.

    Raises:
        UsageError: A name that does not exist, or a component for other tasks, with those that fit.
    """
    asked = [("loss", config.loss), ("optimizer", config.optimizer)]
    asked += [("metric", metric) for metric in config.metrics]
    asked += [("regularizer", config.regularizer)] if config.regularizer else []
    cautions: dict[str, None] = {}
    for kind, reference in asked:
        entry = check_fits(kind, reference, task, registry)
        _check_applies(entry)
        caution = getattr(entry.spec, "cautions", {}).get(task)
        if caution:
            cautions[f"`{entry.name}`: {caution}"] = None
    return list(cautions)


def fitting_task(config: RunConfig, tasks: Sequence[str], registry: Registry) -> str:
    """Return the first of a pipeline's tasks that all components fit.

    Raises:
        UsageError: There is none; says what does not fit the first one.
    """
    first: UsageError | None = None
    for task in tasks:
        try:
            check_components(config, task, registry)
        except UsageError as error:
            first = first or error
        else:
            return task
    assert first is not None, "a pipeline has a task"
    raise first


def check_data_settings(config: RunConfig, pipeline: Pipeline) -> None:
    """Raise `UsageError` for a setting of ``[data]`` that neither kzoo nor the pipeline knows."""
    known = [name for name in _keywords(pipeline.load_path) if name != "say"]
    for name in config.data_settings:
        if name not in known:
            everywhere = ("source", "validation_fraction", "limit")
            near = difflib.get_close_matches(name, [*everywhere, *known], n=1)
            listed = ", ".join(f"data.{other}" for other in (*everywhere, *known))
            hint = f"Did you mean `data.{near[0]}`?" if near else f"There are: {listed}."
            message = f"The pipeline `{pipeline.name}` has no setting `data.{name}`. {hint}"
            raise UsageError(message)


def _check_applies(entry: Entry) -> None:
    """Raise `UsageError` for a regularizer of what a layer puts out: a run sets that of the kernels."""
    if getattr(entry.spec, "applies_to", "weights") == "activity":
        message = (
            f"The regularizer `{entry.name}` (from {entry.origin}) is for what a layer puts out, and a run sets the "
            "regularizer of the kernels. Use it in a network of your own, as in "
            f'`keras.layers.Dense(64, activity_regularizer=kzoo.regularizer("{entry.name}"))`; '
            "`kzoo list-regularizers` shows those for weights."
        )
        raise UsageError(message)


class Assembly:
    """The model of one run and what it is compiled with.

    Made in two steps, so that a wrong argument is refused before any data is read: the constructor builds what needs
    no data, `compile` the rest.

    Attributes:
        label_form: ``dense``, ``sparse``, ``column`` (0 or 1, for a single output), or an empty text where labels are
            not classes.
        predicts: What the loss compares with the labels, one of `kzoo.plugin.INPUTS`.
        monitor_direction: ``min`` or ``max``: which way ``train.monitor`` gets better.
        measured_every: After how many epochs a detector is measured; 0 for never.
        model: The compiled model.
        batches: The training data in its order.
        labels: The function from class indices to labels of `label_form`, or from others to what the loss takes.
        adapted: What the pipeline says of the network that it adapted to the data, or None.
        thawing: What is to be said of frozen layers that are trained later, or None.
        input_shape: The shape of one input.
    """

    def __init__(self, config: RunConfig, pipeline: Pipeline, registry: Registry) -> None:
        from kzoo.wrappers.label_forms import choose_label_form

        self.config, self.pipeline, self.registry = config, pipeline, registry
        spec = registry.get("loss", config.loss.name).spec
        self.label_form = (
            "column"
            if pipeline.task == "binary"
            else choose_label_form(spec.targets, classes=pipeline.task in _CLASS_TASKS)  # type: ignore[attr-defined]
        )
        self.predicts = getattr(spec, "inputs", "") or _PREDICTS.get(pipeline.task, "")
        context = Context(pipeline.task, self.label_form)
        self.loss = build("loss", config.loss, context=context, registry=registry)
        if self.predicts == "thresholds" and pipeline.task in _CLASS_TASKS:
            from kzoo.wrappers.threshold_losses import OfProbabilities

            self.loss = OfProbabilities(self.loss)
        self._build_metrics(0)  # the arguments are checked before any data is read
        self.regularizer = build("regularizer", config.regularizer, registry=registry) if config.regularizer else None
        self._figures = _figures_of(pipeline)
        self.monitor_direction = self._monitor_direction()
        self.measured_every = self._measured_every()
        _check_settings(pipeline.build_model, config.values["model"], "model")
        _check_settings(pipeline.augment, _without(config.values["augment"], "enabled"), "augment")

    def _build_metrics(self, num_classes: int) -> list[Any]:
        from kzoo.wrappers.label_forms import MeanOutput, fit_metric
        from kzoo.wrappers.loss_parts import parts_of

        built: list[Any] = [*parts_of(self.loss)]
        for reference in self.config.metrics:
            spec = self.registry.get("metric", reference.name).spec
            kept = self.label_form == "column" or self.label_form in spec.targets  # type: ignore[attr-defined]
            form = self.label_form if kept else next(iter(sorted(spec.targets)), "")  # type: ignore[attr-defined]
            context = Context(self.pipeline.task, form)
            metric = build("metric", reference, context=context, registry=self.registry, name=reference.slug)
            targets = spec.targets  # type: ignore[attr-defined]
            if self.predicts == "gaussians" != getattr(spec, "inputs", ""):
                metric = MeanOutput(metric)
            built.append(fit_metric(metric, targets, self.label_form, num_classes) if num_classes else metric)
        return built

    def _monitor_direction(self) -> str:
        """Return which way ``train.monitor`` gets better; raise `UsageError` where it names nothing that is logged."""
        monitor = self.config.train.monitor.removeprefix("val_")
        if monitor == "loss":
            return "min"
        if self.config.train.monitor in self._figures:
            return "max"
        for reference in self.config.metrics:
            if reference.slug == monitor:
                direction = getattr(self.registry.get("metric", reference.name).spec, "direction", "")
                if direction:
                    return str(direction)
                message = (
                    f"`train.monitor` is `{self.config.train.monitor}`, and it is not known which way it is better."
                )
                raise UsageError(message)
        logged = ", ".join(f"val_{name}" for name in ("loss", *(m.slug for m in self.config.metrics)))
        logged += "".join(f", {name}" for name in self._figures)
        message = f"`train.monitor` is `{self.config.train.monitor}`, which this run does not log. It logs: {logged}."
        raise UsageError(message)

    def _measured_every(self) -> int:
        """Return after how many epochs a detector is measured, 0 for never.

        Raises:
            UsageError: There is nothing of the kind to measure.
            KzooError: What measures boxes is not installed.
        """
        settings = self.config.train
        every = settings.measure_every or int(settings.monitor in self._figures)
        if not every:
            return 0
        if not self._figures:
            message = f"`train.measure_every` is for detectors, and the task here is {self.pipeline.task}."
            raise UsageError(message)
        from kzoo.detection.average_precision import coco_library

        try:
            coco_library()
        except ImportError as error:
            raise KzooError(str(error)) from error
        return every

    def compile(self, splits: Splits) -> None:
        """Build the model for the data, adapt it and compile it."""
        from kzoo.engine.batches import TrainingBatches, label_transform

        config, settings = self.config, self.config.train
        _check_monitor(config, validated=splits.validation is not None, measured=self.measured_every > 0)
        self.num_classes = len(splits.class_names)
        specimen, label = splits.train.fetch([0])
        self.input_shape = tuple(specimen.shape[1:])
        outputs = self.num_classes or int(label.shape[-1] if len(label.shape) > 1 else 1)
        table = config.values["augment"]
        changed = self.pipeline.augments and table.get("enabled", True)
        arguments = _without(table, "enabled") if changed else None
        told = {"predicts": self.predicts, "augmented": arguments}
        told = {name: value for name, value in told.items() if name in _keywords(self.pipeline.build_model)}
        self.model = self.pipeline.build_model(
            self.input_shape, outputs, regularizer=self.regularizer, **told, **config.values["model"]
        )
        self.adapted = self.pipeline.adapt(self.model, splits.train)
        self.labels = label_transform(self.label_form, self.num_classes) or self.pipeline.targets
        augment = None if arguments is None else self._augment(arguments)
        self.batches = TrainingBatches(splits.train, settings.batch_size, config.seed, augment, self.labels)
        self.optimizer = self._optimizer()
        self.compile_with(self.optimizer)
        self.thawing = self._thawing()

    def _augment(self, arguments: dict[str, Any]) -> Any:
        """Return how training batches are changed, as `TrainingBatches` calls it."""
        taken = _keywords(self.pipeline.augment)

        def augment(x: Any, y: Any, **given: Any) -> Any:
            given = {name: value for name, value in given.items() if name in taken}
            if self.pipeline.augments_labels:
                return self.pipeline.augment(x, y, **given, **arguments)  # type: ignore[call-arg]
            return self.pipeline.augment(x, **given, **arguments), y

        return augment

    def _optimizer(self) -> Any:
        """Return the optimizer, new; its schedule is that of the whole training."""
        steps = self.config.train.epochs * self.batches.steps_per_epoch
        context = Context(self.pipeline.task, self.label_form, steps)
        return build("optimizer", self.config.optimizer, context=context, registry=self.registry)

    def compile_with(self, optimizer: Any) -> None:
        """Compile the model with this optimizer, and all else as the settings say."""
        self.metrics = self._build_metrics(self.num_classes)
        # XLA on the CPU is twice slower than TensorFlow's own kernels, and five seconds later at the first step.
        self.model.compile(
            optimizer=optimizer,
            loss=self.loss,
            metrics=self.metrics,
            jit_compile=False,
            steps_per_execution=self.config.train.steps_per_execution,
        )

    def unfreeze(self, steps: int) -> None:
        """Have all layers trained, by an optimizer that begins anew, with its schedule going on after ``steps`` steps.

        What an optimizer has gathered of the layers that were trained is no measure for those that join them: Adam
        would move these by several times the learning rate. So it begins as at the start of a run.
        """
        from kzoo.training.unfreezing import continued

        self.pipeline.unfreeze(self.model)
        self.compile_with(continued(self._optimizer(), steps))

    def _thawing(self) -> str | None:
        """Return what a user should know of a training that begins with frozen layers, or None."""
        from kzoo.training.unfreezing import count_trainable

        settings = self.config.train
        if not settings.frozen_epochs:
            return None
        now, after = count_trainable(self.model, self.pipeline.unfreeze)
        if now == after:
            message = (
                f"`train.frozen_epochs` is {settings.frozen_epochs}, but this network begins with no frozen layers. "
                "Set which with a setting of [model], if it has one, or train.frozen_epochs=0."
            )
            raise UsageError(message)
        first = f"{now:,} of {after:,} weights are trained"
        if settings.frozen_epochs >= settings.epochs:
            return f"{first} to the end: train.frozen_epochs is {settings.frozen_epochs}, of {settings.epochs} epochs."
        return f"{first} in the first {settings.frozen_epochs} of {settings.epochs} epochs, then all."

    @property
    def augmented(self) -> bool:
        """Whether training batches are changed."""
        return self.batches.augment is not None


def _figures_of(pipeline: Pipeline) -> Collection[str]:
    """Return what can be logged of an epoch's detections; nothing for other tasks."""
    if pipeline.task != "detection":
        return ()
    from kzoo.training.detecting import EPOCH_FIGURES

    return EPOCH_FIGURES


def _check_monitor(config: RunConfig, *, validated: bool, measured: bool) -> None:
    settings = config.train
    if measured and not validated:
        message = (
            "Average precision after each epoch is measured on validation data, and there is none "
            "(data.validation_fraction is 0). Set train.monitor=loss and train.measure_every=0."
        )
        raise UsageError(message)
    if (settings.keep == "best" or settings.early_stopping) and settings.monitor.startswith("val_") and not validated:
        message = (
            f"`train.monitor` is `{settings.monitor}`, but there is no validation data "
            "(data.validation_fraction is 0). Set train.monitor=loss, or train.keep=last and train.early_stopping=0."
        )
        raise UsageError(message)


def _check_settings(function: Any, settings: Any, table: str) -> None:
    """Refuse a setting of ``[model]`` or ``[augment]`` that the pipeline's method has no keyword for."""
    known = [name for name in _keywords(function) if name not in GIVEN]
    for name in settings:
        if name not in known:
            listed = ", ".join(f"{table}.{other}" for other in known) or "none"
            message = f"This pipeline has no setting `{table}.{name}`. Settings of [{table}]: {listed}."
            raise UsageError(message)


def _keywords(function: Any) -> list[str]:
    return [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]


def _without(table: Any, key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}
