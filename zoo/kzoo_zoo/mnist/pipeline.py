"""The MNIST pipeline: handwritten digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from kzoo.pipeline import DataSource, FromPath, FromSample, setting, settings
from kzoo_zoo.classifier import ZooClassifier
from kzoo_zoo.mnist import data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kzoo.engine.batches import Moment

__all__ = ["Mnist"]


@settings
class ShiftSettings:
    """How digits are changed at random."""

    reach: Annotated[int, setting("The longest way that a digit is shifted, in pixels.", ge=0)] = 2


class Mnist(ZooClassifier):
    """Handwritten digits, 28x28 in grayscale, light on dark."""

    name = "mnist"
    networks = "kzoo_zoo.mnist.model"
    augment_settings = ShiftSettings

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return MNIST, files of the user's own, and scikit-learn's digits."""
        del card
        return DataSource(path=FromPath(data.read), sample=FromSample(data.sample), real=data.REMOTE)

    def changed(self, x: Any, moment: Moment, chosen: ShiftSettings) -> Any:
        """Shift every image by up to ``reach`` pixels each way."""
        from kzoo_zoo.mnist.augment import shift

        return shift(x, seed=moment.seed, reach=chosen.reach)
