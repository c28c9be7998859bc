"""What the zoo's image classifiers share: their data comes from a module, and so do their networks."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from kzoo.errors import UsageError
from kzoo.pipeline import Built, ImageClassReader, NoSettings, Pipeline, setting, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from kzoo.data.splits import Split
    from kzoo.engine.batches import Moment
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import BuildSettings, Problem, Reader

__all__ = ["NetworkSettings", "ZooClassifier"]


@settings
class NetworkSettings:
    """Which network, and how wide."""

    network: Annotated[Literal["default", "classic"], setting("Which network.")] = "default"
    widths: (
        Annotated[tuple[int, ...], setting("The channels of the default network's convolutions; null for its own.")]
        | None
    ) = None


class ZooClassifier(Pipeline):
    """An image classifier with the networks ``default`` and ``classic``, which learns from labelled pictures.

    Attributes:
        networks: The name of the module with ``build_default`` and ``build_classic``; it is imported on use, since it
            imports Keras.
        of_networks: Names of the model's settings that are arguments of those networks that have them.
    """

    networks: ClassVar[str]
    model_settings: ClassVar[type] = NetworkSettings
    of_networks: ClassVar[tuple[str, ...]] = ("widths",)
    record_settings: ClassVar[type] = NoSettings

    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return the network that the settings name, adapted to the training pictures."""
        model = self.network(problem, settings.model)
        self.adapt(model, train)
        return Built(model=model, augment=None if settings.augment is None else self.augmentation(settings.augment))

    def network(self, problem: Problem, chosen: Any) -> Any:
        """Return the network that the settings name."""
        there = vars(importlib.import_module(self.networks))
        builders = {name: made for name, made in there.items() if name.startswith("build_")}
        build = builders[f"build_{chosen.network}"]
        own = {name: value for name in self.of_networks if (value := getattr(chosen, name)) is not None}
        if wrong := set(own) - set(inspect.signature(build).parameters):
            unknown = min(wrong)
            having = [name.removeprefix("build_") for name, other in builders.items()
                      if unknown in inspect.signature(other).parameters]  # fmt: skip
            message = f"`model.{unknown}` is no setting of the {chosen.network} network, but of {', '.join(having)}."
            raise UsageError(message)
        return build(problem.input_shape, problem.outputs, problem.regularizer, **own)

    def adapt(self, model: Any, train: Split) -> None:
        """Set what the network learns from the training pictures before training; nothing by default."""

    def augmentation(self, chosen: Any) -> Any:
        """Return the function that changes a batch at random, ``(x, y, moment)`` -> both, for these settings."""
        import tensorflow as tf

        @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
        def augment(x: Any, y: Any, moment: Moment) -> tuple[Any, Any]:
            return self.changed(x, moment, chosen), y

        return augment

    def changed(self, x: Any, moment: Moment, chosen: Any) -> Any:
        """Return a batch of pictures, changed at random; as it is by default."""
        del moment, chosen
        return x

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: Any) -> Reader:
        """Return what sorts pictures into classes."""
        if forward is None:
            return super().reader(card, forward, settings)
        return ImageClassReader(card, forward)

    def record_labels(self) -> tuple[str, ...] | None:
        """Return None: the user's own classes."""
        return None

    def recorded(self, pixels: np.ndarray, settings: Any) -> np.ndarray:
        """Return the whole frame."""
        del settings
        return pixels
