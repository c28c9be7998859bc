"""The MNIST pipeline: handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from kzoo.data.class_names import ImageSetSettings
from kzoo.pipeline import DataSource, FromPath, FromSample, setting, settings
from kzoo_zoo.classifier import ZooClassifier
from kzoo_zoo.mnist import data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kzoo.data.splits import Split
    from kzoo.engine.batches import Moment
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import BuildSettings, Built, Problem, Reader

__all__ = ["Mnist"]

_LOOKED_AT = 500  # training digits from which is told whether they are as MNIST's
_MOST_OF_THEM = 0.95
_MNIST = (*data.IMAGE_SIZE, 1)


@settings
class ShiftSettings:
    """How digits are changed at random."""

    reach: Annotated[int, setting("The longest way that a digit is shifted, in pixels.", ge=0)] = 2


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
    """Handwritten digits, 28x28 in grayscale, light on dark."""

    name = "mnist"
    networks = "kzoo_zoo.mnist.model"
    preprocessing: ClassVar[str] = (
        "gray pixels from 0 to 255, light on dark, the digit 20 pixels tall and centred by its mass in 28x28; the "
        "network scales them itself"
    )
    augment_settings = ShiftSettings
    reader_settings: ClassVar[type] = DigitSettings

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return MNIST, files of the user's own, and scikit-learn's digits."""
        del card
        return DataSource(path=FromPath(data.read, ImageSetSettings), sample=FromSample(data.sample), real=data.REMOTE)

    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return the network that the settings name, and whether photos are to be prepared for it."""
        import numpy as np

        from kzoo_zoo.mnist.preparing import as_mnist

        built = super().build(problem, train, settings)
        images, _ = train.fetch(np.arange(min(len(train), _LOOKED_AT)))
        pixels = np.asarray(images)
        alike = pixels.shape[-1] == 1 and float(as_mnist(pixels[..., 0]).mean()) >= _MOST_OF_THEM
        if alike:
            return replace(built, card={"as_mnist": True})
        note = (
            "These digits are not as MNIST's, which are 28x28 and light on dark: `kzoo predict` will not prepare "
            "photos for this network, but only resize them."
        )
        return replace(built, card={"as_mnist": False}, notes=(*built.notes, note))

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: DigitSettings) -> Reader:
        """Return what reads digits: as photos where the network knows MNIST's, else as any picture."""
        if forward is None or not settings.prepare or not card.get("as_mnist", tuple(card["input_shape"]) == _MNIST):
            return super().reader(card, forward, settings)
        from kzoo_zoo.mnist.reading import DigitReader

        return DigitReader(card, forward)

    def changed(self, x: Any, moment: Moment, chosen: ShiftSettings) -> Any:
        """Shift every image by up to ``reach`` pixels each way."""
        from kzoo_zoo.mnist.augment import shift

        return shift(x, seed=moment.seed, reach=chosen.reach)
