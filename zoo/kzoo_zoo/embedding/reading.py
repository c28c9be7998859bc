"""Pictures looked up: the vector of each, and the pictures of a gallery nearest to it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from kzoo.data.decoding import UnreadableImageError, read_image
from kzoo.data.frames import Label, write_labels, write_text
from kzoo.pipeline import Reader, picture_shape, setting, settings
from kzoo.tasks.neighbours import VectorPrediction
from kzoo.tasks.vector_measures import unit_vectors
from kzoo_zoo.embedding.gallery import Gallery, gallery_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.data.frames import Frame, Source
    from kzoo.engine.forward import Forward

__all__ = ["SearchSettings", "VectorReader"]

_THUMBNAILS = 5
_NARROWEST = 480
"""A picture of fewer pixels across is enlarged, so that the ones below it can be seen."""
_GAP = 4
_LONGEST_NAME = 12
_SMALLEST_TEXT = 11


@settings
class SearchSettings:
    """What is searched."""

    gallery: Annotated[
        str,
        setting(
            "A folder of pictures, at any depth, of which the most similar are found; by itself the vector is told. A "
            "picture's kind is the folder that it is in."
        ),
    ] = ""


class VectorReader(Reader):
    """Each picture through the network, and its vector to the gallery's.

    Args:
        card: What is stored with the network: ``input_shape``.
        forward: The network.
        settings: What is searched.
    """

    def __init__(self, card: Mapping[str, Any], forward: Forward, settings: SearchSettings) -> None:
        self.forward, self.settings = forward, settings
        self.input_shape = picture_shape(card)
        self._gallery: Gallery | None = None
        self._unsaid: list[str] = []

    def load(self) -> None:
        """Load the network, and the vectors of the gallery."""
        _ = self.forward.model
        if self.settings.gallery:
            folder = Path(self.settings.gallery).expanduser()
            self._gallery = gallery_of(folder, self._unwatched, self.prepare, self.input_shape)
            self._unsaid = list(self._gallery.notes)

    def start(self, source: Source) -> None:
        """Say of the gallery what is to be said, once."""
        source.notes += self._unsaid
        self._unsaid = []

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """Return an RGB picture, uint8 of shape (H, W, 3), as the network's input: resized, gray for one channel."""
        from PIL import Image

        height, width, channels = self.input_shape
        image = Image.fromarray(pixels).convert("L" if channels == 1 else "RGB")
        resized = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
        return resized[..., None] if channels == 1 else resized

    def predict(self, items: Sequence[Frame]) -> list[VectorPrediction]:
        """Return the vector of each picture; its neighbours are sought when they are asked for."""
        vectors = unit_vectors(self.forward(np.stack([self.prepare(frame.pixels) for frame in items])))
        return [VectorPrediction(vector, self._search(vector)) for vector in vectors]

    def draw(self, frame: Frame, prediction: VectorPrediction) -> np.ndarray:  # type: ignore[override]
        """Return the picture, and in a row below it those nearest to it, each with its kind and cosine."""
        found = prediction.nearest(_THUMBNAILS)
        if not found or self._gallery is None:
            return write_text(frame.pixels, prediction.text)
        picture = _enlarged(frame.pixels)
        width = picture.shape[1]
        side = (width - _GAP * (_THUMBNAILS - 1)) // _THUMBNAILS
        row = np.full((_GAP + side, width, 3), 255, np.uint8)
        labels = []
        for place, one in enumerate(found):
            left = place * (side + _GAP)
            row[_GAP:, left : left + side] = _thumbnail(self._gallery.folder / one.image, side)
            name = one.name.rpartition("/")[2][-_LONGEST_NAME:]
            labels.append(Label(f"{name}\n{one.cosine:.2f}", (left / width, 1.0)))
        return write_labels(np.concatenate([picture, row]), labels, size=max(_SMALLEST_TEXT, side // 8))

    def _search(self, vector: np.ndarray) -> Any:
        return None if self._gallery is None else functools.partial(self._gallery.nearest, vector)

    def _unwatched(self, inputs: np.ndarray) -> np.ndarray:
        """Return the vectors of inputs that are no predictions: nothing is said of how far off they are."""
        watch, self.forward.watch = getattr(self.forward, "watch", None), None
        try:
            return np.asarray(self.forward(inputs))
        finally:
            self.forward.watch = watch


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    factor = -(-_NARROWEST // pixels.shape[1])
    return pixels if factor == 1 else pixels.repeat(factor, axis=0).repeat(factor, axis=1)


@functools.lru_cache(maxsize=256)
def _thumbnail(path: Path, side: int) -> np.ndarray:
    """Return a picture of the gallery as a small square; a gray one where it is gone since."""
    try:
        return read_image(path, size=(side, side))
    except UnreadableImageError:
        return np.full((side, side, 3), 127, np.uint8)
