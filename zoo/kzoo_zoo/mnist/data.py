"""Small gray pictures: the real MNIST, files of the user's own, and a small sample that needs no download."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.download import RemoteFile
from kzoo.data.labelled import RealSet, read_labelled
from kzoo.data.splits import ArraySplit, Dataset

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.data.class_names import ImageSetSettings
    from kzoo.data.splits import Reading
    from kzoo.settings import NoSettings

__all__ = ["CLASS_NAMES", "DIGITS", "IMAGE_SIZE", "REMOTE", "read", "sample"]

DIGITS = "digits"
"""What the schema of the data has where it is known to be digits: MNIST itself, or the sample."""

CLASS_NAMES = tuple("0123456789")
IMAGE_SIZE = (28, 28)

# The file that `keras.datasets.mnist` downloads, with the checksum that Keras holds it to.
REMOTE = RemoteFile(
    urls=("https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",),
    sha256="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    size=11_490_434,
    filename="mnist.npz",
    subdir="mnist",
)

_REAL = RealSet(
    CLASS_NAMES,
    frozenset(
        {
            "bafccc54b14c0f50ac7c43f98df7e54cda883099cd52429980aad084b3e9ead7",  # the 60,000 to train on
            "dd634e9f801437cfa01562ce6d912be730f1b40274fc7818c3292bcad46290cd",  # the 10,000 to test on
        }
    ),
)

_DIGIT_SIZE = 20
_SAMPLE_TEST = 360
_BRIGHTEST = 16  # the digits of scikit-learn count ink in blocks of 4 x 4


def read(path: Path, settings: ImageSetSettings, reading: Reading) -> Dataset:
    """Read pictures from an npz file in Keras's layout, a folder with idx files, or images in folders or with a list.

    Args:
        path: The file or folder. Images become gray and 28x28.
        settings: How.
        reading: What it is read for.

    Returns:
        Images uint8 of shape (N, H, W, C), 28x28x1 for MNIST's own files and for images; labels int64 of shape (N,).
        The schema says of MNIST itself that it is digits.

    Raises:
        DataError: It is none of these, or damaged, and why.
    """
    found = read_labelled(path, settings, reading, size=IMAGE_SIZE, mode="L", real=_REAL)
    return replace(found, schema={**found.schema, DIGITS: True}) if _REAL.is_in(found) else found


def sample(settings: NoSettings) -> Dataset:
    """Return scikit-learn's handwritten digits, 8x8, brought into the frame of MNIST: the same bytes on every call.

    Each digit is enlarged smoothly to 20x20 and laid into 28x28 by its centre of mass, as MNIST's were (LeCun et al.
    1998, "Gradient-based learning applied to document recognition", III.A).

    Returns:
        1,437 training and 360 test images, uint8 of shape (N, 28, 28, 1), of ten classes, evenly divided.
    """
    del settings
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = np.stack([_framed(digit) for digit in digits.images])[..., np.newaxis]
    labels = digits.target.astype(np.int64)
    train, test = train_test_split(np.arange(len(labels)), test_size=_SAMPLE_TEST, stratify=labels, random_state=0)
    train.sort()
    test.sort()
    return Dataset(
        train=ArraySplit(images[train], labels[train]),
        test=ArraySplit(images[test], labels[test]),
        class_names=CLASS_NAMES,
        schema={DIGITS: True},
        description=(
            f"{len(train):,} train, {len(test):,} test images: "
            "scikit-learn's 8x8 handwritten digits, enlarged to 28x28x1"
        ),
    )


def _framed(digit: np.ndarray) -> np.ndarray:
    """Return a digit of shape (8, 8) with values 0 to 16 as uint8 of shape (28, 28)."""
    from PIL import Image

    height, width = IMAGE_SIZE
    ink = Image.fromarray((digit * (255 / _BRIGHTEST)).astype(np.float32))
    frame = np.zeros(IMAGE_SIZE)
    top = (height - _DIGIT_SIZE) // 2
    enlarged = ink.resize((_DIGIT_SIZE, _DIGIT_SIZE), Image.Resampling.BICUBIC)
    frame[top : top + _DIGIT_SIZE, top : top + _DIGIT_SIZE] = np.clip(np.asarray(enlarged), 0, 255)
    rows, columns = np.indices(IMAGE_SIZE)
    # The margin is 4 wide, and no digit is off balance by more: rolling never carries ink around the edge.
    shift = [
        round((extent - 1) / 2 - float((axis * frame).sum() / frame.sum()))
        for axis, extent in ((rows, height), (columns, width))
    ]
    return np.rint(np.roll(frame, shift, axis=(0, 1))).astype(np.uint8)
