"""From settings to a compiled model: components by name, labels in the form they need, the data in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.errors import DataError, UsageError
from kzoo.pipeline import BuildSettings, Problem
from kzoo.plugins.build import Context, build
from kzoo.plugins.foreign_code import calling
from kzoo.runs.choices import build_settings
from kzoo.runs.comparison import comparison_of
from kzoo.tasks import task_named
from kzoo.tasks.classes import check_labels
from kzoo.training.class_weights import POWERS, balanced_weights, check_class_weight, of_whole_masks
from kzoo.training.computing import computing, optimizer_of
from kzoo.training.logged import direction_of, logged_names, silent_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kzoo.data.splits import Splits
    from kzoo.pipeline import Built, Pipeline, Started
    from kzoo.plugin import LossSpec
    from kzoo.plugins.registry import Entry, Registry
    from kzoo.runs.config import RunConfig

__all__ = ["Assembly"]


class Assembly:
    """The model of one run and what it is compiled with.

    Made in two steps, so that a wrong argument is refused before any data is read: the constructor builds what needs
    no data, `compile` the rest.

    Args:
        config: All settings.
        pipeline: The pipeline.
        task: The name of the task.
        registry: Where components are found.
        goes_on: Whether the state of a run will be put into the model, so that it need not begin with other weights.

    Attributes:
        task: The task.
        label_form: ``dense``, ``sparse``, ``column`` (0 or 1, for a single output), or an empty text where labels are
            not classes.
        predicts: What the loss compares with the labels, one of `kzoo.plugin.INPUTS`.
        views: Whether it compares two views of each picture, one of `kzoo.plugin.VIEWS`.
        monitor_direction: ``min`` or ``max``: which way ``train.monitor`` gets better.
        measured_every: After how many epochs the task's own figures are measured; 0 for never.
        built: The network and what belongs to it.
        model: The compiled model.
        batches: The training data in its order.
        encode: The function from labels, beside inputs, to what the loss takes; None where they stay.
        cautions: What speaks against a component that is used all the same, a sentence for each; and against what is
            logged.
        silent: The logged values that say nothing of this validation data, each with why; no epoch is best by them.
        computing: In which type of numbers it computes, and whether by XLA.
        started: What the model took from a trained one, or None.
        thawing: What is to be said of frozen layers that are trained later, or None.
        class_weights: What an example of each class counts in training, by name; empty where all count alike.
        unweighed: What to say where they count alike though the settings say otherwise.
        input_shape: The shape of one input.
        outputs: The number of classes, or where labels are not classes of the values in each.
    """

    def __init__(
        self, config: RunConfig, pipeline: Pipeline, task: str, registry: Registry, *, goes_on: bool = False
    ) -> None:
        self.config, self.pipeline, self.registry = config, pipeline, registry
        self._goes_on = goes_on
        self.task = task_named(task)
        check_class_weight(config, self.task, registry)
        self.unweighed = of_whole_masks(config, self.task, registry)
        compared = comparison_of(config.loss, task, registry)
        self.label_form, self.predicts, self.views = compared.label_form, compared.predicts, compared.views
        context = Context(task, self.label_form, fit_loss=self._fit_loss)
        loss = build("loss", config.loss, context=context, registry=registry)
        self.loss = self._fit_loss(loss, registry.loss(config.loss.name))
        self.build_metrics(0)  # the arguments are checked before any data is read
        self._optimizer_reference = optimizer_of(config.train, config.optimizer, registry)
        self.computing = computing(config.train)
        self.regularizer = build("regularizer", config.regularizer, registry=registry) if config.regularizer else None
        self._regularized_layer = registry.regularizer(config.regularizer.name).spec.layer if config.regularizer else ""
        self.monitor_direction = self._monitor_direction()
        self.measured_every = self._measured_every()
        self.settings: BuildSettings = build_settings(config, pipeline)

    def _fit_loss(self, loss: Any, entry: Entry[LossSpec]) -> Any:
        """Return a loss, or one of those in it, wrapped where it wants another form of outputs than there is."""
        return self.task.fit_loss(loss, entry.spec.inputs or self.task.predicts)

    def build_metrics(self, num_classes: int) -> list[Any]:
        """Return new metrics: a part of the loss each, then those of the settings; for 0 classes not yet fitted."""
        from kzoo.wrappers.label_forms import MeanOutput
        from kzoo.wrappers.loss_parts import parts_of

        built: list[Any] = [*parts_of(self.loss)]
        for reference in self.config.metrics:
            spec = self.registry.metric(reference.name).spec
            kept = self.label_form == "column" or self.label_form in spec.targets
            form = self.label_form if kept else next(iter(sorted(spec.targets)), "")
            context = Context(self.task.name, form)
            metric = build("metric", reference, context=context, registry=self.registry, name=reference.slug)
            targets = spec.targets
            if spec.inputs == "gaussians" != self.predicts:
                both = [e.name for e in self.registry.entries("loss") if getattr(e.spec, "inputs", "") == "gaussians"]
                message = (
                    f"The metric `{reference.slug}` measures a predicted mean and variance, and the loss "
                    f"`{self.config.loss.slug}` trains a network that predicts numbers alone. Losses that train both: "
                    f"{', '.join(f'`{name}`' for name in both)}."
                )
                raise UsageError(message)
            if self.predicts == "gaussians" != spec.inputs:
                metric = MeanOutput(metric)
            metric = self.task.fit_measure(metric, spec.inputs)
            fitted = self.task.fit_metric(metric, targets, self.label_form, num_classes) if num_classes else metric
            built.append(fitted)
        for name in (metric.name for metric in built):
            if name == "loss" or name.startswith("val_"):
                message = (
                    f"A metric or a part of the loss would be called `{name}`, which in the log is the loss or what is "
                    "measured on validation data. Give it another name: `name=...` among its arguments."
                )
                raise UsageError(message)
        return built

    def _monitor_direction(self) -> str:
        """Return which way ``train.monitor`` gets better; raise `UsageError` where it names nothing that is logged."""
        monitor = self.config.train.monitor
        parts = tuple(getattr(self.loss, "part_names", ()))
        direction = direction_of(monitor, self.config, self.task, self.registry, parts)
        if direction:
            return direction
        if direction is not None:
            message = f"`train.monitor` is `{monitor}`, and it is not known which way it is better."
            raise UsageError(message)
        logged = ", ".join(logged_names(self.config, self.task, parts))
        message = f"`train.monitor` is `{monitor}`, which this run does not log. It logs: {logged}."
        raise UsageError(message)

    def _measured_every(self) -> int:
        """Return after how many epochs the task's own figures are measured, 0 for never.

        Raises:
            UsageError: There is nothing of the kind to measure.
            KzooError: What measures it is not installed.
        """
        settings = self.config.train
        every = settings.measure_every or int(settings.monitor in self.task.epoch_figures)
        if not every:
            return 0
        if not self.task.epoch_figures:
            message = (
                "`train.measure_every` is for tasks with measures besides their metrics, such as average precision or "
                f"mean IoU, and the task here is {self.task.name}, which has none. Leave it at 0."
            )
            raise UsageError(message)
        self.task.check_measurable()
        return every

    def compile(self, splits: Splits) -> None:
        """Build the model for the data, adapted to it, and compile it."""
        from kzoo.engine.batches import TrainingBatches
        from kzoo.training.rehearsal import rehearse

        config, settings = self.config, self.config.train
        parts = tuple(getattr(self.loss, "part_names", ()))
        self.silent = silent_names(config, self.task, splits, self.predicts, parts, measured=self.measured_every > 0)
        _check_monitor(
            config, validated=splits.validation is not None, measured=self.measured_every > 0, silent=self.silent
        )
        self.num_classes = len(splits.class_names)
        if self.num_classes == 1 and self.label_form:
            message = (
                f"There is only one class to train on, `{splits.class_names[0]}`: every answer would be right and "
                "every loss 0. Give data of at least two classes."
            )
            raise DataError(message)
        if self.label_form:
            check_labels(splits)
        whose = self.registry.pipeline(config.pipeline)
        with calling(whose, "where its data was read (`fetch`)"):
            specimen, label = splits.train.fetch([0])
            self.input_shape = tuple(specimen.shape[1:])
            self.outputs = self.num_classes or int(label.shape[-1] if len(label.shape) > 1 else 1)
        problem = Problem(
            task=self.task.name,
            input_shape=self.input_shape,
            outputs=self.outputs,
            class_names=tuple(splits.class_names),
            predicts=self.predicts,
            regularizer=None if self._regularized_layer else self.regularizer,
            schema=splits.schema,
            views=self.views,
        )
        with self.computing.in_force():
            self.built: Built = self.pipeline.build(problem, splits.train, self.settings)
        self.model = self.built.model
        if self._regularized_layer:
            from kzoo.training.activity import regularize_activity

            regularize_activity(self.model, self.regularizer, self._regularized_layer)
        self.started = self._started(problem)
        self.encode = self.task.encoder(self.label_form, self.num_classes) or self.built.encode
        power = 0 if self.unweighed else POWERS[settings.class_weight]
        weights = balanced_weights(splits.train, splits.class_names, power) if power else None
        self.class_weights = {} if weights is None else dict(zip(splits.class_names, weights.tolist(), strict=True))
        self.batches = TrainingBatches(
            splits.train if self.built.train is None else self.built.train,
            settings.batch_size,
            config.seed,
            self.built.augment,
            self.encode,
            weights,
            self.built.batch_order,
        )
        with calling(whose, "where its batches were made (`augment`, `encode`)"):
            _, _, *_ = self.batches.element_spec
        self.optimizer = self._optimizer()
        self.compile_with(self.optimizer)
        self.cautions = [*rehearse(self), *_of_silent(self.silent, settings.monitor)]
        self.thawing = self._thawing()

    def _started(self, problem: Problem) -> Started | None:
        """Give the model the weights of the trained one that the settings name, and return what was taken."""
        from kzoo.models.starting import start_from

        if self.settings.start is None or self._goes_on or self.built.started is not None:
            return self.built.started
        return start_from(self.model, self.settings.start, problem.class_names)

    def _optimizer(self) -> Any:
        """Return the optimizer, new; its schedule is that of the whole training."""
        steps = self.config.train.epochs * self.batches.steps_per_epoch
        context = Context(self.task.name, self.label_form, steps)
        return build("optimizer", self._optimizer_reference, context=context, registry=self.registry)

    def compile_with(self, optimizer: Any) -> None:
        """Compile the model with this optimizer, and all else as the settings say."""
        self.metrics = self.build_metrics(self.num_classes)
        self.model.compile(
            optimizer=optimizer,
            loss=self.loss,
            metrics=self.metrics,
            jit_compile=self.computing.jit,
            steps_per_execution=self.config.train.steps_per_execution,
        )

    def unfreeze(self, steps: int) -> None:
        """Have all layers trained, by an optimizer that begins anew, with its schedule going on after ``steps`` steps.

        What an optimizer has gathered of the layers that were trained is no measure for those that join them: Adam
        would move these by several times the learning rate. So it begins as at the start of a run.
        """
        from kzoo.training.unfreezing import continued

        self.built.unfreeze(self.model)
        self.compile_with(continued(self._optimizer(), steps))

    def _thawing(self) -> str | None:
        """Return what a user should know of a training that begins with frozen layers, or None."""
        from kzoo.training.unfreezing import count_trainable

        settings = self.config.train
        if not settings.frozen_epochs:
            return None
        now, after = count_trainable(self.model, self.built.unfreeze)
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


def _check_monitor(config: RunConfig, *, validated: bool, measured: bool, silent: Mapping[str, str]) -> None:
    settings = config.train
    if measured and not validated:
        message = (
            "What the task measures after each epoch is measured on validation data, and there is none "
            "(data.validation_fraction is 0). Set train.monitor=loss and train.measure_every=0."
        )
        raise UsageError(message)
    asked = settings.keep == "best" or settings.early_stopping
    if asked and settings.monitor in silent:
        message = (
            f"`train.monitor` is `{settings.monitor}`, which says nothing of this validation data: "
            f"{silent[settings.monitor]}. Or set train.monitor=loss, or train.keep=last and train.early_stopping=0."
        )
        raise UsageError(message)
    if asked and settings.monitor.startswith("val_") and not validated:
        message = (
            f"`train.monitor` is `{settings.monitor}`, but there is no validation data "
            "(data.validation_fraction is 0). Set train.monitor=loss, or train.keep=last and train.early_stopping=0."
        )
        raise UsageError(message)


def _of_silent(silent: Mapping[str, str], monitor: str) -> list[str]:
    """Return what is to be said of logged values that say nothing, in one text at most."""
    if not silent:
        return []
    best = f" No epoch is best by `{monitor}`." if monitor in silent else ""
    named = ", ".join(f"`{name}`" for name in silent)
    return [f"What is logged as {named} says nothing: {'; '.join(dict.fromkeys(silent.values()))}.{best}"]
