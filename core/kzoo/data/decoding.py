"""One image file -> one array of pixels, whatever it was saved as, or one line that says why not."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features

from kzoo.errors import DataError
from kzoo.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    Opening = Callable[[], AbstractContextManager[IO[bytes]]]

__all__ = [
    "HEIF_SUFFIXES",
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "ImageMode",
    "UnreadableImageError",
    "decode_image",
    "opened",
    "read_image",
]

ImageMode = Literal["RGB", "L"]

_READS_AVIF = bool(features.check("avif"))  # Pillow's own wheels do from 11.3 on
_READS_HEIF = importlib.util.find_spec("pillow_heif") is not None  # imported where there is such a photo

HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
"""How photos of phones are named that the extra ``kzoo[heif]`` reads."""

IMAGE_SUFFIXES = (
    frozenset({".bmp", ".gif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".jpx", ".pgm", ".png"})
    | frozenset({".ppm", ".tga", ".tif", ".tiff", ".webp"})
    | (frozenset({".avif"}) if _READS_AVIF else frozenset())
    | (HEIF_SUFFIXES if _READS_HEIF else frozenset())
)
"""Names that end so are taken for images when a folder is searched; a file named by itself may have any name."""

MAX_PIXELS = 80_000_000
"""Larger images are refused: a file of a few kB can claim any size. Below the limit at which Pillow warns."""

# Such images are refused here, by a lower limit and by name; Pillow's own words beside it would say it twice. Changing
# the filters around each call instead is not safe in threads.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_FORMATS = (
    *("BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP"),
    *(("AVIF",) if _READS_AVIF else ()),
)
"""By content. Pillow knows dozens more, and hands a PostScript file, whatever its name, to the program Ghostscript."""
_TGA = ".tga"  # the format has no mark of its own to begin with: nearly any bytes would do, so its name must say it

_BACKGROUND = (255, 255, 255)

# What people most often save under an image's name, by its first bytes.
_NOT_IMAGES = (
    (b"<!doctype html", "it is a web page, not an image: its download failed"),
    (b"<html", "it is a web page, not an image: its download failed"),
    (b"<?xml", "it is XML (a vector drawing?), not an image of pixels"),
    (b"<svg", "it is a vector drawing, not an image of pixels"),
    (b"%pdf", "it is a PDF document, not an image"),
    (b"%!ps", "it is a PostScript document, not an image"),
    (b"pk\x03\x04", "it is a zip archive, not an image"),
    (b"version https://git-lfs", "it is a Git LFS pointer; run `git lfs pull` to get the image"),
)
_BRANDS = {
    "AVIF": {b"avif", b"avis"},  # first: an AVIF may say as well that it is of the family of both
    "HEIF": {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"},
}
_READS = {"AVIF": _READS_AVIF, "HEIF": _READS_HEIF}
_INSTEAD = {
    "AVIF": "install Pillow 11.3 or newer, or save it as JPEG",
    "HEIF": '`pip install "kzoo[heif]"` reads it; or save it as JPEG',
}
_START = 64


class UnreadableImageError(DataError):
    """An image that cannot be read.

    Args:
        path: The file.
        reason: Why, as the end of a sentence.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be read as an image: {reason}.")
        self.path = path
        self.reason = reason


def read_image(path: Path, *, size: Sequence[int] | None = None, mode: ImageMode = "RGB") -> np.ndarray:
    """Return the pixels of an image file, uint8 of shape (H, W, 3), or (H, W, 1) with mode ``L``.

    The image is turned upright as its EXIF data says. Transparent parts become white: their hidden colour is often
    black or garbage that nobody ever saw, and white is the page they were made to be shown on. Pixels of 16 bits are
    scaled to 8. Of an animation, the first frame counts. What a file is, its content says, not its name.

    Args:
        path: The file.
        size: ``(height, width)`` to resize to, without keeping the ratio of the sides; None keeps the size.
        mode: ``RGB``, or ``L`` for gray.

    Raises:
        DataError: The file is missing, empty, cut off, too large or not an image; one line with its name and why.
    """
    return _pixels(lambda: open_regular(path), path, size, mode)


def decode_image(data: bytes, name: str) -> np.ndarray:
    """Return the pixels of an image file that is in memory, uint8 of shape (H, W, 3), read as `read_image` reads it.

    Args:
        data: What the file holds.
        name: What it is called in messages.

    Raises:
        DataError: It is empty, cut off, too large or not an image; one line with its name and why.
    """
    return _pixels(lambda: io.BytesIO(data), Path(name), None, "RGB")


def _pixels(opening: Opening, path: Path, size: Sequence[int] | None, mode: ImageMode) -> np.ndarray:
    """Return the pixels of what ``opening`` opens, which is called ``path``."""
    try:
        with opening() as file, _as_image(file, path) as image:
            if size is not None:
                # A JPEG can be decoded at 1/2, 1/4 or 1/8; both sides, as the image may still be turned.
                image.draft(None, (2 * max(size), 2 * max(size)))
            pixels = _decoded(image, mode)
    except UnreadableImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        reason = f"it has more pixels than the limit of {MAX_PIXELS:,}"
        raise UnreadableImageError(path, reason) from error
    except Exception as error:  # a damaged file can make a decoder fail with anything
        raise UnreadableImageError(path, _reason(opening, error)) from error
    if size is not None and pixels.size != (size[1], size[0]):
        # Large steps are first averaged over whole blocks (reducing), which loses nothing and is several times faster.
        pixels = pixels.resize((size[1], size[0]), Image.Resampling.LANCZOS, reducing_gap=3.0)
    array = np.asarray(pixels)
    return array if array.ndim == 3 else array[..., np.newaxis]  # noqa: PLR2004 - rows, columns, channels


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open an image file as Pillow does, to look at its header or decode it: a regular file in one of the formats read.

    Raises:
        UnreadableImageError: It claims more pixels than `MAX_PIXELS`.
        OSError: It is no regular file, or in none of the formats; Pillow may raise others for damaged ones.
    """
    with open_regular(path) as file, _as_image(file, path) as image:
        yield image


@contextlib.contextmanager
def _as_image(file: IO[bytes], path: Path) -> Iterator[Image.Image]:
    start = file.read(_START)
    file.seek(0)
    with Image.open(file, formats=_formats(path, start)) as image:
        _check_size(image, path)
        yield image


def _formats(path: Path, start: bytes) -> tuple[str, ...]:
    """Return the formats that a file may be in, by how it begins and, for TGA, its name."""
    if _READS_HEIF and _photo_of_phone(start) == "HEIF":
        _read_heif()
        return ("HEIF", *_FORMATS)
    return (*_FORMATS, "TGA") if path.suffix.lower() == _TGA else _FORMATS


@functools.cache
def _read_heif() -> None:
    """Let Pillow read HEIF, with the orientation already applied."""
    import pillow_heif

    pillow_heif.register_heif_opener()


def _photo_of_phone(start: bytes) -> str:
    """Return which of the two kinds of photo in the container of MP4 begins so; an empty text for neither."""
    if start[4:8] != b"ftyp":
        return ""
    box = start[: int.from_bytes(start[:4], "big")]
    said = {box[at : at + 4] for at in (8, *range(16, len(box), 4))}
    return next((kind for kind, brands in _BRANDS.items() if brands & said), "")


def _check_size(image: Image.Image, path: Path) -> None:
    """Refuse an image by the size it claims, before room is made for its pixels."""
    if image.width * image.height > MAX_PIXELS:
        reason = f"it has {image.width} x {image.height} pixels, more than the limit of {MAX_PIXELS:,}"
        raise UnreadableImageError(path, reason)


def _decoded(image: Image.Image, mode: ImageMode) -> Image.Image:
    """Return the first frame, upright, opaque, 8 bits deep, in the mode asked for."""
    image.load()
    picture: Image.Image = image
    with contextlib.suppress(Exception):  # damaged EXIF data says nothing about the pixels
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16") or (picture.mode == "I" and image.format in ("PNG", "PPM")):
        deep = np.asarray(picture).astype(np.float64)  # `convert` would clip 16 bits at 255
        picture = Image.fromarray(np.clip(np.rint(deep / 257), 0, 255).astype(np.uint8))
    elif picture.mode in ("I", "F"):
        message = "its pixels are 32-bit numbers, and what counts as white is not said; save it with 8 or 16 bits"
        raise ValueError(message)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        page = Image.new("RGBA", picture.size, (*_BACKGROUND, 255))
        picture = Image.alpha_composite(page, picture)
    return picture if picture.mode == mode else picture.convert(mode)


def _reason(opening: Opening, error: Exception) -> str:
    """Return why a file cannot be read, in the words of its reader and not of its decoder."""
    if isinstance(error, OSError) and error.errno is not None:  # missing, a folder, not permitted
        return error.strerror.lower() if error.strerror else str(error)
    with contextlib.suppress(OSError), opening() as file:
        start = file.read(_START)
        if (known := _not_an_image(start)) is not None:
            return known
        if (kind := _photo_of_phone(start)) and isinstance(error, UnidentifiedImageError):
            return f"it is {'an' if kind == 'AVIF' else 'a'} {kind} photo, and damaged or cut off"
    if isinstance(error, UnidentifiedImageError):
        return f"its content is none of the image formats that are read ({', '.join(_FORMATS)})"
    text = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    cut_off = "truncated" in text.lower() or isinstance(error, EOFError)
    return f"it is cut off ({text})" if cut_off else text


def _not_an_image(start: bytes) -> str | None:
    """Return what a file with this beginning is, if it is something well known that is no image."""
    if not start:
        return "the file is empty"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, reason in _NOT_IMAGES:
        if text.startswith(magic):
            return reason
    if (kind := _photo_of_phone(start)) and not _READS[kind]:
        return f"it is {'an' if kind == 'AVIF' else 'a'} {kind} photo, which is not read here; {_INSTEAD[kind]}"
    return None
