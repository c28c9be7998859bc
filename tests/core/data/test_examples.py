"""Examples as NumPy has them are those that TensorFlow is given."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo.data.image_rows import StoredSplit
from kzoo.data.splits import ArraySplit, RenumberedSplit, Split
from kzoo_zoo.yolov3.examples import DetectionSplit

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 1, 0, 1])


class Foreign(Split):
    """The split of a plugin, which knows TensorFlow alone."""

    def __len__(self):
        return len(PIXELS)

    def fetch(self, indices):
        return tf.gather(tf.constant(PIXELS), indices), tf.gather(tf.constant(LABELS), indices)

    labels = property(lambda self: LABELS)
    take = join = lambda self, other: self

    def digest(self):
        return ""


def stored(tmp_path):
    path = tmp_path / "pixels.u8"
    path.write_bytes(PIXELS.tobytes())
    return StoredSplit(path, PIXELS.shape[1:], np.arange(len(PIXELS)), LABELS)


def annotated(tmp_path):
    del tmp_path
    boxes = [np.array([[0, 0, 2, 3]], np.float32)] * len(PIXELS)
    return DetectionSplit(
        list(PIXELS), [(6, 4)] * len(PIXELS), boxes, [np.array([label]) for label in LABELS], (8, 8, 3)
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda tmp_path: ArraySplit(PIXELS, LABELS),
        lambda tmp_path: RenumberedSplit(ArraySplit(PIXELS, LABELS), np.array([3, 2])),
        stored,
        annotated,
        lambda tmp_path: Foreign(),
    ],
    ids=["arrays", "renumbered", "stored", "annotated", "foreign"],
)
def test_they_are_equal_bit_for_bit(make, tmp_path):
    split, indices = make(tmp_path), np.array([4, 0, 3])
    expected = [np.asarray(part) for part in split.fetch(tf.constant(indices))]
    found = split.examples(indices)
    for ours, theirs in zip(found, expected, strict=True):
        assert isinstance(ours, np.ndarray)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
