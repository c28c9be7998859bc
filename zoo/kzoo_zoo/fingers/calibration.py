"""What a network says of a picture seen in several ways, and how sure it is: by one temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.frames.video import opencv
from kzoo.tasks.classes import class_probabilities

if TYPE_CHECKING:
    from kzoo.data.splits import Split
    from kzoo.engine.forward import Forward

__all__ = ["fitted_temperature", "seen_in_ways", "temperature_of", "tempered", "turned"]

_COLDEST, _HOTTEST = 0.2, 5.0
_BATCH = 64
_LEAST = 1e-12
_TURN = 20.0
"""By how many degrees pictures are turned to either side; of 12, 20 and 30 best on a webcam, not on the films."""


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities of shape (N, K) at another temperature: above 1 they are less sure, below 1 more.

    Formula: ``p_k ** (1 / T)``, divided by its sum over ``k``: the softmax of the logits divided by ``T`` (Guo et al.
    2017, https://arxiv.org/abs/1706.04599).
    """
    logits = np.log(np.clip(probabilities, _LEAST, None)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return found


def fitted_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature at which the labels are likeliest, from 0.2 to 5.

    Args:
        probabilities: Of shape (N, K).
        labels: The right classes, shape (N,).
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        right = tempered(probabilities, float(np.exp(log_temperature)))[rows, labels]
        return -float(np.log(np.clip(right, _LEAST, None)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=np.log([_COLDEST, _HOTTEST]), method="bounded").x))


def seen_in_ways(forward: Forward, inputs: np.ndarray, num_classes: int) -> np.ndarray:
    """Return the class probabilities of pictures, each the mean of six ways to see it: turned, upright and mirrored.

    A hand that is turned a little or mirrored shows as many fingers: the mean of all is right more often than any.

    Args:
        forward: The network.
        inputs: uint8 of shape (N, H, W, 3).
        num_classes: How many classes it knows.
    """
    ways = [inputs, turned(inputs, _TURN), turned(inputs, -_TURN)]
    ways += [one[:, :, ::-1] for one in ways]
    found = class_probabilities(forward(np.concatenate(ways)), num_classes)
    mean: np.ndarray = found.reshape(len(ways), len(inputs), -1).mean(axis=0)
    return mean


def turned(inputs: np.ndarray, angle: float) -> np.ndarray:
    """Return pictures, uint8 of shape (N, H, W, 3), turned about their middles; their borders go on outwards.

    Args:
        inputs: The pictures.
        angle: In degrees, against the clock.
    """
    cv2 = opencv()
    height, width = inputs.shape[1:3]
    around = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    return np.stack([cv2.warpAffine(one, around, (width, height), borderMode=cv2.BORDER_REPLICATE) for one in inputs])


def temperature_of(forward: Forward, validation: Split, augment: Any, num_classes: int) -> float:
    """Return the temperature of a network, fitted on pictures that it has not learned from.

    They are taken as they are and, changed at random as in training, once more: pictures of the same cameras as those
    learned from are easier than any stranger's, and of them alone a network would seem surer than it is.

    Args:
        forward: The network.
        validation: The pictures.
        augment: What changes them, ``augment(images, step)`` -> images; None where nothing does.
        num_classes: How many classes it knows.
    """
    found, labels = [], []
    for step, begin in enumerate(range(0, len(validation), _BATCH)):
        x, y = validation.fetch(np.arange(begin, min(begin + _BATCH, len(validation))))
        for images in (x,) if augment is None else (x, augment(x, step)):
            found.append(seen_in_ways(forward, np.asarray(images), num_classes))
            labels.append(np.asarray(y).reshape(-1))
    return fitted_temperature(np.concatenate(found), np.concatenate(labels))
