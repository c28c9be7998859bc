"""Frames -> restored ones: in tiles through the network, and into files beside what they were."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.engine.forward import TENSORFLOW
from kzoo.errors import KzooError, UsageError
from kzoo.pipeline import Reader, picture_shape
from kzoo.tasks.restored import Restored
from kzoo_zoo.restoration.result_files import RestoredFolder, before_and_after
from kzoo_zoo.restoration.tiles import in_tiles, stride_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.data.frames import Frame, Source
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import Prediction
    from kzoo_zoo.restoration.settings import ReaderSettings

__all__ = ["RestorationReader"]


class RestorationReader(Reader):
    """Restores pictures of any size.

    A network of one channel restores red, green and blue of a picture in colours each by itself.

    Args:
        card: What is stored with the network: ``input_shape``, ``scale`` and ``reach``.
        forward: The network.
        settings: How.
    """

    def __init__(self, card: Mapping[str, Any], forward: Forward, settings: ReaderSettings) -> None:
        self.forward, self.settings = forward, settings
        self.input_shape = picture_shape(card)
        self.scale, self.reach = (_whole(card, name) for name in ("scale", "reach"))
        self.batch_size = settings.batch
        self.stride = stride_of(self.scale)
        self.any_size = getattr(forward, "engine", TENSORFLOW) == TENSORFLOW
        self.tile = self._tile()
        self._files = RestoredFolder(Path(settings.restored).expanduser()) if settings.restored else None
        self._network: Any = forward
        self._source = ""

    def _tile(self) -> int:
        """Return the side of a tile: of a network of one size that, else what the settings say."""
        tile = self.settings.tile // self.stride * self.stride if self.any_size else self.input_shape[0]
        if tile > 2 * self.reach:
            return tile
        if self.any_size:
            message = (
                f"`tile` is {self.settings.tile}, and the network's pixels depend on what is up to {self.reach} pixels "
                f"away: tiles must be larger than {2 * self.reach}."
            )
            raise UsageError(message)
        message = (
            f"This exported network takes pictures of {tile} x {tile} pixels, and what it says of a pixel depends on "
            f"what is up to {self.reach} pixels away: larger pictures would have seams. Name the run or its .keras "
            f"file, or train with -o data.patch={4 * self.reach * self.scale} and export again."
        )
        raise KzooError(message)

    def load(self) -> None:
        """Load the network."""
        _ = self.forward.model
        made = getattr(self.forward, "made", None) if self.any_size else None
        if made:
            from kzoo_zoo.restoration.network import of_any_size

            # Not watched: of tiles nobody could say to which picture a doubt belongs.
            self._network = made(of_any_size)

    def start(self, source: Source) -> None:
        """Remember what the source is called, for the files of results."""
        self._source = source.name

    def predict(self, items: Sequence[Frame]) -> list[Restored]:
        """Return each frame restored."""
        found = [self._restored(frame.pixels) for frame in items]
        if self.watch is not None:
            self.watch.take(0)  # what an exported network's tiles have left there
        if self._files is not None:
            for frame, one in zip(items, found, strict=True):
                self._files.add(frame, one, self._source)
        return found

    def _restored(self, pixels: np.ndarray) -> Restored:
        if self.input_shape[-1] == pixels.shape[-1]:
            return Restored(self._through(pixels), pixels, self.scale)
        channels = [np.ascontiguousarray(pixels[..., one : one + 1]) for one in range(pixels.shape[-1])]
        if all(np.array_equal(channels[0], one) for one in channels[1:]):
            return Restored(self._through(channels[0]), channels[0], self.scale)
        return Restored(np.concatenate([self._through(one) for one in channels], axis=-1), pixels, self.scale)

    def _through(self, pixels: np.ndarray) -> np.ndarray:
        return in_tiles(
            self._network,
            pixels,
            tile=self.tile,
            reach=self.reach,
            stride=self.stride,
            scale=self.scale,
            least=self.input_shape[0],  # which is all that an exported network takes: both restore alike
        )

    def draw(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        """Return the picture restored; with `beside` before and after, and a part of both magnified."""
        assert isinstance(prediction, Restored)
        del frame
        if self.settings.beside:
            return before_and_after(prediction)
        return np.repeat(prediction.pixels, 3, axis=-1) if prediction.pixels.shape[-1] == 1 else prediction.pixels


def _whole(card: Mapping[str, Any], name: str) -> int:
    """Return a whole number of at least 1 that the card has.

    Raises:
        KzooError: It has something else.
    """
    value = card.get(name)
    if type(value) is not int or not 1 <= value <= 4096:  # noqa: PLR2004 - no network reaches farther
        message = f"The network's card says that its `{name}` is {value!r:.60}, where a whole number is due."
        raise KzooError(message)
    return value
