"""Photos in a folder for each class, or with labels in a list: Microsoft's, the user's own, and drawn samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

from kzoo.data.class_names import ClassSettings, ImageSetSettings
from kzoo.data.download import RemoteFile
from kzoo.data.label_rows import COUNTS, DISTRIBUTION, MANY
from kzoo.data.labelled import read_labelled
from kzoo.data.labelled_sets import LabelSettings, has_label_files, read_label_set
from kzoo.data.labels_of_lists import LIST_SUFFIXES
from kzoo.data.listed_images import lists_in
from kzoo.data.splits import ArraySplit, Dataset
from kzoo.data.unpacking import unpacked
from kzoo.data.walking import subfolders
from kzoo.errors import DataError
from kzoo.settings import setting, settings
from kzoo_zoo.cats_vs_dogs.animals import ANIMALS, SIZES, draw_animals, draw_groups, draw_opinions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np

    from kzoo.data.splits import Reading

__all__ = ["REMOTE", "PhotoSettings", "SampleSettings", "read", "sample"]

# The file that Keras's examples download, with the checksum that TensorFlow Datasets holds it to.
REMOTE = RemoteFile(
    urls=(
        "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/kagglecatsanddogs_5340.zip",
    ),
    sha256="b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
    size=824_887_076,
    filename="kagglecatsanddogs_5340.zip",
    subdir="cats_vs_dogs",
)

_SAMPLE_TRAIN = 1200
_SAMPLE_TEST = 300
_SMALLEST, _LARGEST = 16, 1024

_Side = Annotated[int, setting("", ge=_SMALLEST, le=_LARGEST)]


@settings
class SampleSettings(LabelSettings):
    """How the drawn sample is made."""

    image_size: Annotated[
        _Side | tuple[_Side, _Side],
        setting("The side of the square that photos become, in pixels, or [height, width]."),
    ] = 96

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width."""
        return (self.image_size, self.image_size) if isinstance(self.image_size, int) else self.image_size


@settings
class PhotoSettings(SampleSettings, ClassSettings):
    """How folders and archives of photos are read."""

    format: Annotated[
        Literal["voc", "coco", "yolo", ""],
        setting("Where the classes of boxes are the labels: the form of these; found by looking where empty."),
    ] = ""
    fix: Annotated[
        Literal["stop", "clip", "skip"],
        setting("What to do about boxes that are wrong, where the classes of boxes are the labels."),
    ] = "stop"
    unreadable: Annotated[
        Literal["stop", "skip", ""],
        setting(
            "What to do with files that cannot be read: stop and name them, or skip them. By itself those of an "
            "archive are skipped and those of a folder stop."
        ),
    ] = ""


def read(path: Path, settings: PhotoSettings, reading: Reading) -> Dataset:
    """Read a folder with one folder of images for each class, or an archive of such a folder; or other labelled images.

    An archive is unpacked beside the cached data, once. Folders that hold nothing but one folder are gone through: in
    Microsoft's archive the classes are in ``PetImages``.

    What has many labels, or shares of classes, is read by `kzoo.data.labelled_sets.read_label_set`.

    Args:
        path: The folder, a zip or tar archive, or any of `kzoo.data.labelled.FORMS`.
        settings: How; of Microsoft's archive a few files are corrupt.
        reading: What it is read for; told while an archive is unpacked and images are decoded into the cache.

    Returns:
        Images uint8 of shape (N, height, width, 3); labels int64 of shape (N,), or a row of numbers for each image.

    Raises:
        DataError: It is neither, or damaged, or the folders are not laid out so.
    """
    place, unreadable = path, settings.unreadable or "stop"
    if not path.is_dir() and path.suffix.lower() not in {".npz", ".json", *LIST_SUFFIXES}:
        place, unreadable = _class_root(unpacked(path, REMOTE.subdir, reading.say)), settings.unreadable or "skip"
    found = read_label_set(place, settings, reading, size=settings.sides, unreadable=unreadable)
    if found is not None:
        return found
    how = ImageSetSettings(classes=settings.classes, unreadable=unreadable, outside=settings.outside)
    found = read_labelled(place, how, reading, size=settings.sides, resized=True)
    # Two classes are one yes or no.
    return replace(found, task="binary" if len(found.class_names) == len(ANIMALS) else "classification")


def sample(settings: SampleSettings) -> Dataset:
    """Return drawn heads of cats and dogs: the same bytes on every call with the same settings.

    Of many labels there are a cat, a dog, both or neither in a picture; of shares it is what people call the size of
    the head.

    Returns:
        1,200 training and 300 test images, uint8 of shape (N, height, width, 3), half of each class, or with a row of
        numbers for each.
    """
    size = settings.sides
    kind = _SAMPLES.get(settings.labels, _ONE_CLASS)
    return Dataset(
        train=ArraySplit(*kind.draw(_SAMPLE_TRAIN, 0, size)),
        test=ArraySplit(*kind.draw(_SAMPLE_TEST, 1, size)),
        class_names=kind.names,
        description=f"{_SAMPLE_TRAIN:,} train, {_SAMPLE_TEST:,} test drawings of {kind.what}, {size[0]}x{size[1]}x3",
        task=kind.task,
    )


@dataclass(frozen=True)
class _Sample:
    """A sample: what draws it, the names of its classes or labels, what is drawn, in words, and the task."""

    draw: Callable[[int, int, Sequence[int]], tuple[np.ndarray, np.ndarray]]
    names: tuple[str, ...]
    what: str
    task: str


_ONE_CLASS = _Sample(draw_animals, ANIMALS, "cats and dogs", "")
_OPINIONS = _Sample(draw_opinions, SIZES, "heads and what people call their size", "distribution")
_SAMPLES = {
    MANY: _Sample(draw_groups, ANIMALS, "a cat, a dog, both or neither", "multilabel"),
    DISTRIBUTION: _OPINIONS,
    COUNTS: _OPINIONS,
}


def _class_root(folder: Path) -> Path:
    """Return the folder that holds the folders of the classes: the first that holds more than one, going down.

    One that holds a list of labels beside the images is it as well.
    """
    while not (lists_in(folder) or has_label_files(folder)):
        inner = subfolders(folder)
        if not inner:
            message = f"{folder} was unpacked and holds no folders: expected one folder of images for each class."
            raise DataError(message)
        if len(inner) > 1:
            return folder
        folder = inner[0]
    return folder
