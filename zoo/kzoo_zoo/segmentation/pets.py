"""Oxford-IIIT Pet: 7,349 photos of cats and dogs with the outline of each, as its authors publish them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import filelock

from kzoo.data.archives import extract
from kzoo.data.cache import data_home
from kzoo.data.download import RemoteFile
from kzoo.data.texts import reason_of, text_of
from kzoo.errors import DataError
from kzoo_zoo.segmentation.naming import Named
from kzoo_zoo.segmentation.pairs import Pairs
from kzoo_zoo.segmentation.pictures import Found

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.data.splits import Say

__all__ = ["ANNOTATIONS", "CLASSES", "IMAGES", "RIM", "find", "is_archive", "is_pets", "unpacked"]

_HOSTS = ("https://thor.robots.ox.ac.uk/pets", "https://www.robots.ox.ac.uk/~vgg/data/pets/data")

# The SHA-256 that torchvision's prototype and Keras-based projects hold them to; their MD5, which torchvision's
# datasets state, are 95a8c909bbe2e81eed6a22bccdf3f68f and 5c4f3ee8e5d25df40f4fd59a7f44e54c.
ANNOTATIONS = RemoteFile(
    urls=tuple(f"{host}/annotations.tar.gz" for host in _HOSTS),
    sha256="52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91",
    size=None,
    filename="annotations.tar.gz",
    subdir="oxford_pets",
)
IMAGES = RemoteFile(
    urls=tuple(f"{host}/images.tar.gz" for host in _HOSTS),
    sha256="67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
    size=791_918_971,
    filename="images.tar.gz",
    subdir="oxford_pets",
    beside=(ANNOTATIONS,),
)

CLASSES = (Named("background", 2), Named("pet", 1))
"""Those of the trimaps."""

RIM = (3,)
"""The narrow rim between both is of no class."""

_LISTS = {"train": "trainval.txt", "test": "test.txt"}


def is_archive(path: Path) -> bool:
    """Return whether a file is the archive of the photos, with that of the outlines beside it."""
    return path.is_file() and path.name == IMAGES.filename and path.with_name(ANNOTATIONS.filename).is_file()


def is_pets(root: Path) -> bool:
    """Return whether a folder holds both archives unpacked."""
    return (root / "annotations" / "trimaps").is_dir() and (root / "annotations" / _LISTS["train"]).is_file()


def unpacked(path: Path, say: Say) -> Path:
    """Return the folder with what is in both archives, unpacked into the cache if it is not there."""
    folder = data_home() / IMAGES.subdir / "unpacked"
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name("unpacked.lock")):
        for archive, name in ((path, "images"), (path.with_name(ANNOTATIONS.filename), "annotations")):
            if not (folder / name).is_dir():
                say(f"Unpacking {archive} into {folder}, once.")
                extract(archive, folder / f"{name}.new")
                (folder / f"{name}.new" / name).rename(folder / name)
                (folder / f"{name}.new").rmdir()
    return folder


def find(root: Path) -> Pairs:
    """Return the photos of the lists with their trimaps.

    Raises:
        DataError: A list cannot be read.
    """
    pairs = Pairs()
    for split, name in _LISTS.items():
        path = root / "annotations" / name
        try:
            names = [
                line.split()[0] for line in text_of(path).splitlines() if line.strip() and not line.startswith("#")
            ]
        except (OSError, UnicodeDecodeError) as error:
            message = f"The list {path} cannot be read: {reason_of(error)}."
            raise DataError(message) from error
        for one in names:
            image, mask = root / "images" / f"{one}.jpg", root / "annotations" / "trimaps" / f"{one}.png"
            if lacking := next((file for file in (image, mask) if not file.is_file()), None):
                pairs.faults.append(f"{one}: {name} names it, and {lacking.relative_to(root)} is not there")
            else:
                pairs.found.append(Found(image, mask, name=image.name, split=split))
    return pairs
