"""The pipeline for photos of the user's own: cats and dogs by itself, any classes and labels by ``--data``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from kzoo.errors import UsageError
from kzoo.pipeline import Built, DataSource, FromPath, FromSample, setting, settings, unfreeze_all
from kzoo_zoo.cats_vs_dogs import data
from kzoo_zoo.cats_vs_dogs.reading import MANY_LABELS, ThresholdSettings, found_thresholds, reader_of
from kzoo_zoo.classifier import ZooClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kzoo.data.splits import Split
    from kzoo.engine.batches import Moment
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import BuildSettings, Problem, Reader

__all__ = ["CatsVsDogs"]

_TAKES: Mapping[str, tuple[str, ...]] = {
    "default": ("widths", "dropout"),
    "classic": (),
    "transfer": ("dropout", "weights", "unfrozen"),
}

_TASKS: Mapping[str, str] = {"many": MANY_LABELS, "distribution": "distribution", "counts": "distribution"}

_OUTPUTS: Mapping[str, str] = {
    "": "A single output is the probability of the second class",
    "multilabel": "Each output is the probability of a label by itself; the thresholds are in the model's card",
    "distribution": "Each output is the share of a class; they sum to 1",
}


@settings
class PhotoNetworkSettings:
    """Which network, and what it begins with."""

    network: Annotated[Literal["default", "classic", "transfer"], setting("Which network.")] = "default"
    widths: (
        Annotated[tuple[int, ...], setting("The channels of the default network's stages; null for its own.")] | None
    ) = None
    dropout: (
        Annotated[
            float,
            setting("The part of the features before the last layer that is dropped in training.", ge=0, lt=1),
        ]
        | None
    ) = None
    weights: (
        Annotated[
            str,
            setting(
                "For transfer: a file with the backbone's pretrained weights; null downloads those of ImageNet, unless "
                "--from names a trained model."
            ),
        ]
        | None
    ) = None
    unfrozen: (
        Annotated[int, setting("For transfer: how many of the backbone's last layers are trained; none by itself.")]
        | None
    ) = None


@settings
class PhotoAugmentSettings:
    """How photos are changed at random; see `kzoo_zoo.cats_vs_dogs.augment`."""

    rotation: Annotated[float, setting("The largest turn, in degrees.")] = 0.0
    shift: Annotated[float, setting("The longest way, as a part of the photo's side.")] = 0.0
    shear: Annotated[float, setting("The largest angle between an upright line and its image, in degrees.")] = 0.0
    zoom: Annotated[
        tuple[float, float], setting("The smallest and the largest part of the side that is seen; [0.6, 1] enlarges.")
    ] = (1.0, 1.0)
    stretch: Annotated[float, setting("The largest change of the ratio of the sides, as a part.", ge=0)] = 0.0
    mirror: Annotated[bool, setting("Whether half of the photos are mirrored, left and right.")] = True
    colour: Annotated[float, setting("The largest change of brightness, contrast and saturation, as a part.", ge=0)] = (
        0.0
    )


class CatsVsDogs(ZooClassifier):
    """Photos in one folder for each class, or with labels in a list.

    Two classes are one yes or no, more are told apart by softmax; of many labels each has a sigmoid of its own, and
    shares of classes are a softmax.
    """

    name = "cats_vs_dogs"
    networks = "kzoo_zoo.cats_vs_dogs.model"
    preprocessing: ClassVar[str] = (
        "RGB pixels from 0 to 255, resized to the input (Lanczos); the network scales them itself"
    )
    model_settings: ClassVar[type] = PhotoNetworkSettings
    augment_settings = PhotoAugmentSettings
    reader_settings: ClassVar[type] = ThresholdSettings

    def preprocessing_of(self, card: Mapping[str, Any]) -> str:
        """Return how inputs are made and what the outputs are."""
        return f"{self.preprocessing}. {_OUTPUTS.get(card.get('task', ''), _OUTPUTS[''])}"

    def task_of(self, data: Mapping[str, Any]) -> str:
        """Return the task of many labels, or of shares, where ``data.labels`` asks for these."""
        return _TASKS.get(str(data.get("labels")), "")

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return Microsoft's photos, the user's own, and drawn heads."""
        del card
        return DataSource(
            path=FromPath(data.read, data.PhotoSettings),
            sample=FromSample(data.sample, data.SampleSettings),
            real=data.REMOTE,
        )

    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return the network that the settings name; of a pretrained backbone the batch normalizations stay frozen."""
        del train
        chosen: PhotoNetworkSettings = settings.model
        names = ("widths", "dropout", "weights", "unfrozen")
        given: dict[str, Any] = {name: value for name in names if (value := getattr(chosen, name)) is not None}
        if wrong := [name for name in given if name not in _TAKES[chosen.network]]:
            message = f"`model.{wrong[0]}` is no setting of the network `{chosen.network}`."
            raise UsageError(message)
        unfreeze = unfreeze_all
        module = self.networks
        if chosen.network == "transfer":
            from kzoo_zoo.cats_vs_dogs.transfer import unfreeze as unfreeze_backbone

            unfreeze, module = unfreeze_backbone, "kzoo_zoo.cats_vs_dogs.transfer"
            given["bare"] = settings.start is not None
        build = getattr(importlib.import_module(module), f"build_{chosen.network}")
        return Built(
            model=build(problem.input_shape, problem.outputs, problem.regularizer, task=problem.task, **given),
            augment=None if settings.augment is None else self.augmentation(settings.augment),
            unfreeze=unfreeze,
            finish=found_thresholds if problem.task == MANY_LABELS else None,
        )

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: Any) -> Reader:
        """Return what sorts photos into classes, says their labels, or shares of classes."""
        if forward is None:
            raise UsageError(self.untrained("SOURCE"))
        return reader_of(card, forward, settings)

    def changed(self, x: Any, moment: Moment, chosen: PhotoAugmentSettings) -> Any:
        """Move, turn, stretch, mirror and recolour every image; see `augment.warp` and `augment.recolour`."""
        import tensorflow as tf

        from kzoo_zoo.cats_vs_dogs.augment import recolour, warp

        x = warp(
            x,
            seed=moment.seed,
            rotation=chosen.rotation,
            shift=chosen.shift,
            shear=chosen.shear,
            zoom=chosen.zoom,
            stretch=chosen.stretch,
            mirror=chosen.mirror,
        )
        if not chosen.colour:
            return x
        return recolour(x, seed=tf.random.experimental.stateless_fold_in(moment.seed, 1), strength=chosen.colour)
