"""Losses and metrics that need larger images than a network learns from: they are shown those mirrored at the edge."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from kzoo.wrappers.around_loss import AroundLoss
from kzoo.wrappers.around_metric import AroundMetric

__all__ = ["LargeImageMetric", "OfLargeImages"]


@keras.saving.register_keras_serializable(package="kzoo")
class OfLargeImages(AroundLoss):
    """Shows a loss images with sides of at least so many pixels: smaller ones are mirrored at the lower and right edge.

    Args:
        loss: The loss.
        least: The least side that it takes, in pixels.
        name: By default that of ``loss``.
    """

    def __init__(self, loss: Any, least: int, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(loss, name, **kwargs)
        self.least = least

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of images of shape (N, H, W, C), one value for each or as the loss has it."""
        return self.loss.call(_enlarged(y_true, self.least), _enlarged(y_pred, self.least))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "least": self.least}


@keras.saving.register_keras_serializable(package="kzoo")
class LargeImageMetric(AroundMetric):
    """Shows a metric images with sides of at least so many pixels, as `OfLargeImages` does.

    Args:
        metric: The metric.
        least: The least side that it takes, in pixels.
        name: By default that of ``metric``.
    """

    def __init__(self, metric: Any, least: int, name: str | None = None) -> None:
        super().__init__(metric, name)
        self.least = least

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add one batch of images of shape (N, H, W, C)."""
        images = (_enlarged(one, self.least) for one in (y_true, y_pred))
        return self.metric.update_state(*images, sample_weight=sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "least": self.least}


def _enlarged(images: Any, least: int) -> Any:
    """Return images whose sides are mirrored until they have ``least`` pixels, as ``np.pad`` does it."""
    images = ops.convert_to_tensor(images)
    for axis in (1, 2):
        side = images.shape[axis]
        if side is not None and side < least:
            there_and_back = np.concatenate([np.arange(side), np.arange(side)[::-1]])
            images = ops.take(images, np.resize(there_and_back, least), axis=axis)
    return images
