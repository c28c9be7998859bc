"""The MNIST pipeline: handwritten digits, and other small gray pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from kzoo.data.class_names import ImageSetSettings
from kzoo.pipeline import DataSource, FromPath, FromSample, setting, settings
from kzoo_zoo.classifier import ZooClassifier
from kzoo_zoo.mnist import data

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from kzoo.data.splits import Split
    from kzoo.engine.batches import Moment
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import BuildSettings, Built, Problem, Reader

__all__ = ["Mnist"]

_LOOKED_AT = 500  # training pictures from which is told whether they are as MNIST's
_MIRRORED = 5000  # training pictures from which is told whether they may be mirrored
_MOST_OF_THEM = 0.95
_MOST_INK = 0.4  # of a picture; what covers more is no writing
_INK = 64  # pixels that are lighter are ink
_MNIST = (*data.IMAGE_SIZE, 1)


@settings
class PictureNetworkSettings:
    """Which network, and how wide."""

    network: Annotated[
        Literal["default", "general", "classic"],
        setting("Which network: for digits as MNIST's, for pictures of any kind, or the tutorial's."),
    ] = "default"
    widths: (
        Annotated[
            tuple[int, ...], setting("The channels of its convolutions, but for the tutorial's; null for its own.")
        ]
        | None
    ) = None


@settings
class PictureChangeSettings:
    """How training pictures are changed at random."""

    reach: Annotated[int, setting("The longest way that a picture is shifted, in pixels.", ge=0)] = 2
    border: Annotated[
        Literal["black", "reflected"],
        setting("What comes in at the border of a picture: black, as around a digit, or the picture reflected."),
    ] = "black"
    rotation: Annotated[float, setting("The largest turn of a picture, in degrees.", ge=0, le=180)] = 0.0
    zoom: Annotated[
        float, setting("By which part of its size a picture becomes larger or smaller at most.", ge=0, lt=1)
    ] = 0.0
    mirror: Annotated[
        Literal["no", "yes", "auto"],
        setting(
            "Whether every picture is mirrored in every other epoch; with auto where the nearest neighbours of mirror "
            "images show that they stay what they are, which is said."
        ),
    ] = "no"


@settings
class DigitSettings:
    """How photos of digits are read."""

    prepare: Annotated[
        bool,
        setting(
            "Whether a photo is made as MNIST's digits are (light on dark, 20 pixels tall, centred by its mass), where "
            "the network was trained on such; an image that is 28x28 with a dark border stays as it is."
        ),
    ] = True


class Mnist(ZooClassifier):
    """Handwritten digits, or other small pictures, 28x28 in grayscale."""

    name = "mnist"
    networks = "kzoo_zoo.mnist.model"
    preprocessing: ClassVar[str] = (
        "gray pixels from 0 to 255, light on dark, the digit 20 pixels tall and centred by its mass in 28x28; the "
        "network scales them itself"
    )
    model_settings = PictureNetworkSettings
    augment_settings = PictureChangeSettings
    reader_settings: ClassVar[type] = DigitSettings

    def preprocessing_of(self, card: Mapping[str, Any]) -> str:
        """Return how inputs are made: as MNIST's where the network knows such, else pictures of its size."""
        if _prepares(card):
            what = "digit" if card.get(data.DIGITS, True) else "sign"
            return self.preprocessing.replace("digit", what)
        height, width, channels = card["input_shape"]
        colours = "gray" if channels == 1 else "RGB"
        return f"{colours} pixels from 0 to 255, resized to {height}x{width} (Lanczos); the network scales them itself"

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return MNIST, files of the user's own, and scikit-learn's digits."""
        del card
        return DataSource(path=FromPath(data.read, ImageSetSettings), sample=FromSample(data.sample), real=data.REMOTE)

    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return the network that the settings name, and whether photos are to be prepared for it."""
        import numpy as np

        changes, notes = settings.augment, []
        if changes is not None and changes.mirror == "auto":
            from kzoo_zoo.mnist.augment import mirror_test

            test = mirror_test(*train.examples(np.arange(min(len(train), _MIRRORED))))
            changes = replace(changes, mirror="yes" if test.verdict == "same" else "no")
            notes.append(test.words)
        built = super().build(problem, train, replace(settings, augment=changes))
        digits = bool(problem.schema.get(data.DIGITS))
        images, _ = train.examples(np.arange(min(len(train), _LOOKED_AT)))
        prepares = _are_as_mnist(images, digits=digits)
        if not digits and settings.model.network == "default":
            resized = (
                "" if prepares else " `kzoo predict` will not prepare photos for this network, but only resize them."
            )
            notes.append(
                "These pictures are not MNIST's digits, which this network is made for. There is one for pictures of "
                f"any kind: add --recipe general.{resized}"
            )
        card = {"as_mnist": prepares, data.DIGITS: digits}
        return replace(built, card=card, notes=(*built.notes, *notes))

    def adapt(self, model: Any, train: Split) -> None:
        """Whiten the first layer of the network for pictures of any kind by the first few thousand of them."""
        from kzoo_zoo.whitening import whiten_by

        whiten_by(model, train)

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: DigitSettings) -> Reader:
        """Return what reads digits: as photos where the network knows MNIST's, else as any picture."""
        if forward is None or not settings.prepare or not _prepares(card):
            return super().reader(card, forward, settings)
        from kzoo_zoo.mnist.reading import DigitReader

        return DigitReader(card, forward)

    def changed(self, x: Any, moment: Moment, chosen: PictureChangeSettings) -> Any:
        """Turn, zoom, shift and mirror every picture as the settings say."""
        from kzoo_zoo.mnist.augment import changed

        return changed(
            x,
            seed=moment.seed,
            epoch=moment.epoch,
            reach=chosen.reach,
            border=chosen.border,
            mirror=chosen.mirror == "yes",
            rotation=chosen.rotation,
            zoom=chosen.zoom,
        )


def _prepares(card: Mapping[str, Any]) -> bool:
    """Return whether photos are made as MNIST's digits are for a network, which older cards do not say."""
    return bool(card.get("as_mnist", tuple(card["input_shape"]) == _MNIST))


def _are_as_mnist(images: np.ndarray, *, digits: bool) -> bool:
    """Return whether pictures are as MNIST's: light ink within a dark border of 28x28."""
    from kzoo_zoo.mnist.preparing import as_mnist

    if images.shape[-1] != 1 or float(as_mnist(images[..., 0]).mean()) < _MOST_OF_THEM:
        return False
    # Of what is written, little of the frame is ink; a coat before a dark ground must not be made into ink.
    return digits or float((images > _INK).mean()) <= _MOST_INK
