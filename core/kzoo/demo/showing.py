"""A model ready to answer pages: what each of their questions holds, checked, and what is answered."""

from __future__ import annotations

import binascii
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from kzoo.data.decoding import UnreadableImageError, decode_image, read_image
from kzoo.data.frames import Frame, Source
from kzoo.demo.answers import answered, as_jpeg
from kzoo.demo.cameras import Cameras
from kzoo.errors import KzooError, UsageError
from kzoo.inference.faults import naming
from kzoo.inference.predicting import Result, predict_source, predicted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kzoo.data.frames import Item
    from kzoo.inference.predicting import Predicting
    from kzoo.pipeline import Reader

__all__ = ["MOST_BYTES", "MOST_EXAMPLES", "CameraFrame", "Example", "Left", "Picture", "Row", "Shown"]

MOST_BYTES = 64 * 2**20
"""The largest picture that a page may send."""

MOST_EXAMPLES = 24
"""Pictures of a folder that a page offers."""

_THUMBNAIL = 160  # pixels of the longer side
_FIRST = (480, 640, 3)  # the picture on which a network is compiled before anybody waits for it


class CameraFrame(msgspec.Struct, forbid_unknown_fields=True):
    """A frame of a page's camera.

    Attributes:
        session: Which page.
        picture: An image file, as a ``data:`` address.
        opened: How often the page has opened its camera.
        index: The frame's number; those that were not sent are counted too.
        time: Seconds since the camera was opened.
    """

    session: str
    picture: str
    opened: int
    index: int
    time: float


class Left(msgspec.Struct, forbid_unknown_fields=True):
    """A page whose camera was closed."""

    session: str


class Picture(msgspec.Struct, forbid_unknown_fields=True):
    """A picture: an image file as a ``data:`` address, and its name."""

    picture: str
    name: str


class Example(msgspec.Struct, forbid_unknown_fields=True):
    """One of the pictures that the page offers, by its number."""

    number: int


class Row(msgspec.Struct, forbid_unknown_fields=True):
    """What was filled into a form, by the names of its fields."""

    values: dict[str, str]


class _OnePicture(Source):
    """One picture, which has nothing to do with those before it."""

    def __init__(self, pixels: np.ndarray, name: str) -> None:
        super().__init__(name, "images")
        self._pixels = pixels

    def __iter__(self) -> Iterator[Item]:
        yield Frame(index=0, origin=self.name, pixels=self._pixels)


class Shown:
    """A model, or a pipeline that needs none, which answers the questions of pages.

    Each method that answers takes what a page sent and returns plain data, with ``error`` where there is no answer.

    Args:
        asked: What is shown.
        settings: Those of its reader, by name.
        examples: Pictures to offer.

    Attributes:
        asked: As given.
        fields: What a person fills in for one input; empty where the inputs are pictures.
        examples: Those that are offered, at most `MOST_EXAMPLES`, spread over all: folders often hold a class each.
        left_out: A sentence for each picture that cannot be read, and is not among them.

    Raises:
        UsageError: The pipeline has no such setting or predicts nothing without a model, or it reads no pictures and
            there are examples.
    """

    def __init__(
        self, asked: Predicting, settings: Mapping[str, Any] | None = None, examples: Sequence[Path] = ()
    ) -> None:
        self.asked = asked
        self._readers = asked.readers(settings)
        self._still = self._readers()
        self.fields = tuple(self._still.input_fields())
        if self.fields and examples:
            message = f"--examples are pictures, and `{asked.pipeline.name}` reads rows: {', '.join(self._names())}."
            raise UsageError(message)
        offered = min(len(examples), MOST_EXAMPLES)
        self.examples: list[Path] = []
        self.left_out: list[str] = []
        self._thumbnails: list[dict[str, str]] = []
        for path in (examples[number * len(examples) // offered] for number in range(offered)):
            try:
                picture = as_jpeg(read_image(path), _THUMBNAIL)
            except UnreadableImageError as error:
                self.left_out.append(f"{error} It is not offered as an example.")
            else:
                self.examples.append(path)
                self._thumbnails.append({"name": path.name, "picture": picture})
        self._reading = threading.Lock()
        self._cameras = Cameras(self._loaded, self._reading)

    def load(self) -> None:
        """Load the model, and have it compiled, so that nobody waits for that."""
        reader = self._still
        with naming("", reader):
            reader.load()
        if not self.fields:
            for _ in predict_source(reader, _OnePicture(np.full(_FIRST, 127, np.uint8), "a gray picture")):
                pass

    def thumbnails(self) -> list[dict[str, str]]:
        """Return the examples as a page shows them: ``name`` and ``picture``, a ``data:`` address."""
        return self._thumbnails

    def frame(self, sent: Any) -> dict[str, Any]:
        """Answer a `CameraFrame`; with ``dropped`` alone where a newer one came before its turn did."""

        def answer(asked: CameraFrame) -> dict[str, Any]:
            pixels = decode_image(_bytes_of(asked.picture), "the camera's frame")
            camera = self._cameras.of(asked.session)
            found = camera.read(Frame(index=asked.index, time=asked.time, pixels=pixels), asked.opened)
            if found is None:
                return {"dropped": True}
            return _answered(camera.reader, found)

        return _answer(sent, CameraFrame, answer)

    def closed(self, sent: Any) -> dict[str, Any]:
        """Answer `Left` with the ``notes`` of the reader on what the camera showed."""
        return _answer(sent, Left, lambda asked: {"notes": self._cameras.end(asked.session)})

    def leave(self, session: str) -> None:
        """Forget a page that was left."""
        self._cameras.leave(session)

    def picture(self, sent: Any) -> dict[str, Any]:
        """Answer a `Picture`."""
        return _answer(sent, Picture, lambda a: self._still_of(decode_image(_bytes_of(a.picture), a.name), a.name))

    def example(self, sent: Any) -> dict[str, Any]:
        """Answer an `Example`."""

        def answer(asked: Example) -> dict[str, Any]:
            if not 0 <= asked.number < len(self.examples):
                message = f"There is no example {asked.number}."
                raise UsageError(message)
            path = self.examples[asked.number]
            return self._still_of(read_image(path), path.name)

        return _answer(sent, Example, answer)

    def row(self, sent: Any) -> dict[str, Any]:
        """Answer a `Row`."""

        def answer(asked: Row) -> dict[str, Any]:
            item = self._still.item(asked.values)
            with self._reading:
                (prediction,), (doubts,) = predicted(self._still, [item])
            return _answered(self._still, Result(item, prediction, doubts=doubts))

        return _answer(sent, Row, answer)

    def close(self) -> None:
        """Close the reader of pictures; those of the pages' cameras end with them."""
        self._still.close()

    def _still_of(self, pixels: np.ndarray, name: str) -> dict[str, Any]:
        with self._reading:
            (found,) = predict_source(self._still, source := _OnePicture(pixels, name))
        return {**_answered(self._still, found), "notes": source.notes}

    def _loaded(self) -> Reader:
        reader = self._readers()
        with naming("", reader):
            reader.load()
        return reader

    def _names(self) -> list[str]:
        return [field.name for field in self.fields]


def _answer(sent: Any, kind: type[Any], answer: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Return what is answered, or the error in words."""
    try:
        return answer(msgspec.convert(sent, kind))
    except msgspec.ValidationError as error:
        return {"error": f"The page sent something else than it should: {error}. Load it anew."}
    except KzooError as error:
        return {"error": str(error)}


def _answered(reader: Reader, result: Result) -> dict[str, Any]:
    with naming("", reader):
        return answered(reader, result)


def _bytes_of(address: str) -> bytes:
    """Return what a ``data:`` address holds."""
    _, _, text = address.partition(",")
    if len(text) > MOST_BYTES * 4 // 3:
        message = f"The picture is larger than {MOST_BYTES // 2**20} MB. Make it smaller, or use `kzoo predict`."
        raise KzooError(message)
    try:
        return binascii.a2b_base64(text, strict_mode=True) if text else b""
    except binascii.Error as error:
        message = f"The page sent a picture that is no base64: {error}. Load it anew."
        raise KzooError(message) from error
