"""Photos in a folder for each class: Microsoft's cats and dogs, the user's own, and a drawn sample."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import filelock

from kzoo.data.archives import extract
from kzoo.data.cache import data_home
from kzoo.data.download import Progress, RemoteFile, fetch_for
from kzoo.data.images import read_image_folder
from kzoo.data.splits import ArraySplit, Dataset
from kzoo.errors import DataError, UsageError
from kzoo_zoo.cats_vs_dogs.animals import ANIMALS, draw_animals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["IMAGE_SIZE", "REMOTE", "fetch_real", "load_path", "load_sample"]

IMAGE_SIZE = 96
"""The side that photos are resized to unless ``data.image_size`` says otherwise."""

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


def fetch_real(*, download: bool, progress: Progress | None = None) -> Path:
    """Return the cached archive, downloading it first if it is not there and ``download`` is set.

    Raises:
        NetworkUnreachableError: The host could not be reached.
        DataError: It is not cached and ``download`` is not set, or the download failed.
    """
    return fetch_for("cats_vs_dogs", REMOTE, download=download, progress=progress)


def load_path(
    path: Path, *, image_size: Any = IMAGE_SIZE, unreadable: str = "", say: Callable[[str], None] | None = None
) -> Dataset:
    """Read a folder with one folder of images for each class, or an archive of such a folder.

    An archive is unpacked beside the cached data, once. Folders that hold nothing but one folder are gone through: in
    Microsoft's archive the classes are in ``PetImages``.

    Args:
        path: The folder, or a zip or tar archive.
        image_size: The side of the square that every image becomes, in pixels, or ``[height, width]``.
        unreadable: ``stop`` where files cannot be read and name them, or ``skip`` them. By default the files of an
            archive are skipped (Microsoft's has a few that are corrupt) and those of a folder stop.
        say: Called with lines of text while an archive is unpacked and images are decoded into the cache.

    Returns:
        Images uint8 of shape (N, height, width, 3); labels int64 of shape (N,).

    Raises:
        DataError: It is neither, or damaged, or the folders are not laid out so.
        UsageError: A setting has no such value.
    """
    size = _sides(image_size)
    if path.is_dir():
        return read_image_folder(path, size=size, unreadable=unreadable or "stop", say=say)
    return read_image_folder(_class_root(_unpacked(path, say)), size=size, unreadable=unreadable or "skip", say=say)


def load_sample(*, image_size: Any = IMAGE_SIZE) -> Dataset:
    """Return drawn heads of cats and dogs: the same bytes on every call with the same size.

    Returns:
        1,200 training and 300 test images, uint8 of shape (N, height, width, 3), half of each class.
    """
    size = _sides(image_size)
    return Dataset(
        train=ArraySplit(*draw_animals(_SAMPLE_TRAIN, 0, size)),
        test=ArraySplit(*draw_animals(_SAMPLE_TEST, 1, size)),
        class_names=ANIMALS,
        description=f"{_SAMPLE_TRAIN} train, {_SAMPLE_TEST} test drawings of cats and dogs, {size[0]}x{size[1]}x3",
    )


def _sides(image_size: Any) -> tuple[int, int]:
    sides = image_size if isinstance(image_size, list | tuple) else [image_size, image_size]
    whole = len(sides) == 2 and all(type(side) is int and _SMALLEST <= side <= _LARGEST for side in sides)  # noqa: PLR2004
    if not whole:
        message = (
            f"`data.image_size` must be a whole number from {_SMALLEST} to {_LARGEST}, or two of them as "
            f"[height, width], not {image_size!r}."
        )
        raise UsageError(message)
    return sides[0], sides[1]


def _unpacked(archive: Path, say: Callable[[str], None] | None) -> Path:
    """Return the folder with the archive's content, unpacked into the cache if it is not there."""
    state = archive.stat()
    key = hashlib.sha256(f"{archive.resolve()} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:16]
    folder = data_home() / REMOTE.subdir / f"{archive.stem}-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            if say is not None:
                say(f"Unpacking {archive} into {folder}, once.")
            extract(archive, folder)
        return folder


def _class_root(folder: Path) -> Path:
    """Return the folder that holds the folders of the classes: the first that holds more than one, going down."""
    while True:
        inner = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith((".", "__"))]
        if not inner:
            message = f"{folder} was unpacked and holds no folders: expected one folder of images for each class."
            raise DataError(message)
        if len(inner) > 1:
            return folder
        folder = inner[0]
