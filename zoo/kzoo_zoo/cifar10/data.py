"""Small colour pictures: the real CIFAR-10, files of the user's own, and a drawn sample that needs no download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.data.download import RemoteFile
from kzoo.data.labelled import RealSet, named_classes, read_labelled
from kzoo.data.labels_of_lists import LIST_SUFFIXES
from kzoo.data.splits import ArraySplit, Dataset
from kzoo_zoo.cifar10.batches import find_batch_folder, read_archive, read_batch_folder
from kzoo_zoo.cifar10.scenes import SCENE_CLASSES, draw_scenes

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.data.class_names import ImageSetSettings
    from kzoo.data.splits import Reading
    from kzoo.settings import NoSettings

__all__ = ["CLASS_NAMES", "IMAGE_SIZE", "REMOTE", "read", "sample"]

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
IMAGE_SIZE = (32, 32)

# The file that `keras.datasets.cifar10` downloads, with the checksum that Keras holds it to.
REMOTE = RemoteFile(
    urls=("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    size=170_498_071,
    filename="cifar-10-python.tar.gz",
    subdir="cifar10",
)

_REAL = RealSet(
    CLASS_NAMES,
    frozenset(
        {
            "301d339c7664f5010b8772f5bf910346f22e9601c3affea7f6884f7209861f21",  # the 50,000 to train on
            "78f357d87383c2220aa9603b10be2c4a9f7de6e1ef242c4efd0908ddb999becb",  # the 10,000 to test on
        }
    ),
)

_SAMPLE_TRAIN = 2000
_SAMPLE_TEST = 500


def read(path: Path, settings: ImageSetSettings, reading: Reading) -> Dataset:
    """Read pictures from CIFAR-10's archive or its unpacked folder, an npz file, or images in folders or with a list.

    Only CIFAR-10 itself has the names of its classes: in its own files, and in an npz whose splits are bit for bit its
    own.

    Args:
        path: The file or folder. Any file that is named as none of the other forms is read as the archive; images
            become 32x32 in colour.
        settings: How.
        reading: What it is read for.

    Returns:
        Images uint8 of shape (N, H, W, C), 32x32x3 for CIFAR-10's own files and for images; labels int64 of shape (N,).

    Raises:
        DataError: It is none of these, or damaged, and why.
    """
    names = named_classes(settings, reading, _REAL) or CLASS_NAMES
    if path.is_dir() and (folder := find_batch_folder(path)) is not None:
        return read_batch_folder(folder, class_names=names, known=reading.known, whole=reading.whole)
    if not path.is_dir() and path.suffix.lower() not in {".npz", *LIST_SUFFIXES}:
        return read_archive(path, class_names=names, known=reading.known, whole=reading.whole)
    return read_labelled(path, settings, reading, size=IMAGE_SIZE, mode="RGB", real=_REAL)


def sample(settings: NoSettings) -> Dataset:
    """Return drawn scenes of ten shapes, the same bytes on every call; their classes are the shapes, not CIFAR-10's.

    Returns:
        2,000 training and 500 test images, uint8 of shape (N, 32, 32, 3), of ten classes, evenly divided.
    """
    del settings
    train, test = draw_scenes(_SAMPLE_TRAIN, seed=0), draw_scenes(_SAMPLE_TEST, seed=1)
    return Dataset(
        train=ArraySplit(*train),
        test=ArraySplit(*test),
        class_names=SCENE_CLASSES,
        description=f"{_SAMPLE_TRAIN:,} train, {_SAMPLE_TEST:,} test images: drawn scenes of ten shapes, 32x32x3",
    )
