"""Restoration: pictures without their damage, beside the true ones and beside what other methods make of them."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from kzoo.data.frames import Frame
from kzoo.errors import DataError, KzooError
from kzoo.tasks.image_measures import LEAST_SIDE, nearness, psnr
from kzoo.tasks.image_views import most_detailed, thinned
from kzoo.tasks.task import Measured, Task

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from kzoo.tasks.restored import Restored

__all__ = ["DamagedPicture", "ImageOutcome", "Method", "PicturesWithTruth", "Restoration", "RestoredPicture"]

_MOST_COMPARED = 24
"""Pictures that other methods are tried on: OpenCV takes longer for one than a network for ten."""
_MOST_TRIED = 6
"""Pictures on which the strength of a method is chosen."""


@runtime_checkable
class DamagedPicture(Protocol):
    """A picture and its damaged form, read when they are asked for."""

    @property
    def name(self) -> str:
        """What it is called in tables and pictures."""

    @property
    def path(self) -> Path | None:
        """Its file; None where it is in memory."""

    def damaged(self) -> np.ndarray:
        """Return what is to be restored, uint8 of shape (H / s, W / s, C), always the same."""

    def clean(self) -> np.ndarray:
        """Return the true picture, uint8 of shape (H, W, C)."""


class Method(Protocol):
    """Another way to restore a picture, to compare a network with."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def strengths(self) -> Sequence[float]:
        """What it can be set to; the best for the very pictures it is compared on is taken."""

    def restored(self, pixels: np.ndarray, strength: float) -> np.ndarray:
        """Return a damaged picture, uint8 of shape (H, W, C), restored."""


@runtime_checkable
class PicturesWithTruth(Protocol):
    """A split that knows its pictures as they are, before patches are cut from them, and what else restores them."""

    @property
    def pictures(self) -> Sequence[DamagedPicture]:
        """The pictures of all examples, in their order."""

    @property
    def methods(self) -> Sequence[Method]:
        """Other ways to restore them."""


@dataclass(frozen=True, eq=False)
class RestoredPicture:
    """What came of one picture.

    Attributes:
        picture: The picture.
        size: Height and width of the true picture.
        view: What the network made of it, uint8; of a large picture some pixels.
        place: Row, column and side of the square part that is magnified.
        part: What the network made of that, uint8.
        figures: How near that is to the truth, by the names of `kzoo.tasks.image_measures.nearness`.
        damaged: And how near the damaged picture is; one that is smaller is enlarged by repeating its pixels.
    """

    picture: DamagedPicture
    size: tuple[int, int]
    view: np.ndarray
    place: tuple[int, int, int]
    part: np.ndarray
    figures: Mapping[str, float]
    damaged: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Compared:
    """What another method makes of some of the pictures.

    Attributes:
        name: What it is called.
        strength: What it was set to.
        figures: The means over these pictures.
        gain: How much higher the PSNR of the network is on the same pictures, in decibels.
        pictures: How many they are.
    """

    name: str
    strength: float
    figures: Mapping[str, float]
    gain: float
    pictures: int


@dataclass(frozen=True, eq=False)
class ImageOutcome:
    """Pictures restored, beside the true ones.

    Attributes:
        pictures: What came of each picture.
        methods: What else is compared with the network; each is tried on at most 24 of the pictures.
    """

    pictures: Sequence[RestoredPicture]
    methods: Sequence[Method] = field(default_factory=tuple)

    @functools.cached_property
    def compared(self) -> list[Compared]:
        """What the other methods make of the same pictures, spread over all of them."""
        chosen = [self.pictures[number] for number in _spread(len(self.pictures), _MOST_COMPARED)]
        return [_compared(method, chosen) for method in self.methods]

    def metrics(self) -> dict[str, float]:
        """Return PSNR, SSIM and MS-SSIM, the means over pictures, and the PSNR of the damaged pictures.

        Where other methods are compared: ``gain_over_opencv``, how much higher the network's PSNR is than that of the
        best of them on the pictures that it was tried on.
        """
        found = {name: _mean([one.figures[name] for one in self.pictures]) for name in ("psnr", "ssim", "ms_ssim")}
        found["psnr_damaged"] = _mean([one.damaged["psnr"] for one in self.pictures])
        if self.methods:
            found["gain_over_opencv"] = min(one.gain for one in self.compared)
        return found

    def measures(self) -> dict[str, float]:
        """Return the same: none of it needs a compiled loss."""
        return self.metrics()

    def per_class(self) -> dict[str, dict[str, Any]]:
        """Return a row for the network, one for the damaged pictures, and one for each other method."""
        names = ("psnr", "ssim", "ms_ssim")
        rows: dict[str, dict[str, Any]] = {
            "network": {
                **{name: self.metrics_of("figures", name) for name in names},
                "gain": 0.0,
                "pictures": len(self.pictures),
            },
            "damaged": {
                **{name: self.metrics_of("damaged", name) for name in names},
                "gain": self.metrics_of("figures", "psnr") - self.metrics_of("damaged", "psnr"),
                "pictures": len(self.pictures),
            },
        }
        for one in self.compared:
            rows[one.name] = {**one.figures, "gain": one.gain, "pictures": one.pictures}
        return rows

    def metrics_of(self, which: str, name: str) -> float:
        """Return the mean over all pictures of one figure of the network, ``figures``, or of the ``damaged`` ones."""
        return _mean([getattr(one, which)[name] for one in self.pictures])

    def confusion(self) -> None:
        """Return None: there are no classes."""
        return

    def figures(self) -> dict[str, Figure]:
        """Return the pictures that are farthest from the truth and some examples, and the gain of each picture."""
        from kzoo.tasks.image_figures import MOST_PICTURES, gains, sheet

        order = np.argsort([one.figures["psnr"] for one in self.pictures], kind="stable")[:MOST_PICTURES].tolist()
        return {
            "restored": sheet([self.pictures[number] for number in _spread(len(self.pictures), MOST_PICTURES)]),
            "farthest": sheet([self.pictures[number] for number in order]),
            "gains": gains(self),
        }

    def files(self) -> dict[str, str]:
        """Return nothing."""
        return {}


class Restoration(Task):
    """Pictures between 0 and 1; networks give the true picture, with sides s times those of the damaged one."""

    name: ClassVar[str] = "restoration"
    rows: ClassVar[str] = "method"
    predicts: ClassVar[str] = "images"
    quality: ClassVar[str] = "psnr"
    compared: ClassVar[Mapping[str, str]] = {"psnr": "higher", "ssim": "higher", "ms_ssim": "higher"}
    pictures: ClassVar[Mapping[str, str]] = {
        "restored": "Test pictures before, after and as they truly are, with a part of each magnified",
        "farthest": "The pictures that are farthest from the truth by PSNR",
        "gains": "How far each test picture is from the truth before and after",
    }
    photos: ClassVar[Collection[str]] = ("restored", "farthest")
    epoch_figures: ClassVar[Mapping[str, str]] = {"val_picture_psnr": "psnr", "val_picture_ssim": "ssim"}
    own_measures: ClassVar[bool] = True

    def fit_loss(self, loss: Any, predicts: str) -> Any:
        """Return the loss, shown patches mirrored at their edges where it needs larger pictures than they are."""
        from kzoo.wrappers.image_sizes import OfLargeImages

        return OfLargeImages(loss, LEAST_SIDE) if predicts == "large_images" else loss

    def fit_measure(self, metric: Any, predicts: str) -> Any:
        """Return the metric, shown patches mirrored at their edges where it needs larger pictures than they are."""
        from kzoo.wrappers.image_sizes import LargeImageMetric

        return LargeImageMetric(metric, LEAST_SIDE) if predicts == "large_images" else metric

    def specimen(self, count: int, outputs: int, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
        """Return stripes and an even gray, shape (count, 16, 17, outputs)."""
        del num_classes
        shape = (count, 16, 17, outputs)
        stripes = np.broadcast_to((np.arange(shape[2]) % 2)[:, None], shape).astype(np.float32)
        return stripes, np.full(shape, 0.5, np.float32)

    def measure(self, measured: Measured) -> ImageOutcome:
        """Return what a network makes of the pictures of a split, in their own sizes, as ``kzoo predict`` would.

        While a network is trained no other methods are compared with it.

        Raises:
            DataError: There is no picture, or one cannot be read.
            KzooError: The pipeline does not tell the pictures.
        """
        split = measured.test
        if not isinstance(split, PicturesWithTruth):
            message = (
                f"The examples ({measured.description}) do not tell their pictures: a split for restoration needs "
                "`pictures` and `methods`, see `kzoo.tasks.images.PicturesWithTruth`."
            )
            raise KzooError(message)
        if not len(split.pictures):
            message = f"There is no picture to measure on in {measured.description}."
            raise DataError(message)
        found = [_restored(one, frame.pixels, said) for one, frame, said in measured.said_of(split.pictures, _frame)]
        changing = bool(getattr(measured.forward, "changing", False))
        return ImageOutcome(found, () if changing else tuple(split.methods))


def _frame(number: int, picture: DamagedPicture) -> Frame:
    return Frame(index=number, pixels=_rgb(picture.damaged()))


def _restored(picture: DamagedPicture, shown: np.ndarray, said: Restored) -> RestoredPicture:
    true = picture.clean()
    damaged = shown[..., : true.shape[-1]]
    if said.pixels.shape != true.shape:
        message = (
            f"{picture.name} has {_size(true)} and {_size(damaged)} where it is damaged, of which the network made "
            f"{_size(said.pixels)}: it was trained to restore another damage, or pictures with other channels."
        )
        raise DataError(message)
    top, left, side = place = most_detailed(true)
    return RestoredPicture(
        picture=picture,
        size=(true.shape[0], true.shape[1]),
        view=thinned(said.pixels).copy(),  # the whole of many large pictures would fill the memory
        place=place,
        part=said.pixels[top : top + side, left : left + side].copy(),
        figures=nearness(true, said.pixels),
        damaged=nearness(true, _repeated(damaged, true)),
    )


def _repeated(damaged: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return a damaged picture as large as the true one, its pixels repeated."""
    scale = true.shape[0] // damaged.shape[0]
    return damaged.repeat(scale, axis=0).repeat(scale, axis=1)


def _compared(method: Method, chosen: Sequence[RestoredPicture]) -> Compared:
    """Return what a method makes of pictures at the strength that is best for some of these, which favours it."""
    tried = [chosen[number].picture for number in _spread(len(chosen), _MOST_TRIED)]
    strength = method.strengths[0]
    if len(method.strengths) > 1:
        scores = [
            _mean([psnr(one.clean(), method.restored(one.damaged(), strength)) for one in tried])
            for strength in method.strengths
        ]
        strength = method.strengths[int(np.argmax(scores))]
    found = [nearness(one.picture.clean(), method.restored(one.picture.damaged(), strength)) for one in chosen]
    gain = _mean([one.figures["psnr"] - other["psnr"] for one, other in zip(chosen, found, strict=True)])
    figures = {name: _mean([one[name] for one in found]) for name in found[0]}
    name = f"{method.name} {strength:g}" if len(method.strengths) > 1 else method.name
    return Compared(name, strength, figures, gain, len(chosen))


def _spread(count: int, most: int) -> list[int]:
    """Return the numbers of at most so many of ``count`` things, spread over all of them."""
    return [int(number) for number in np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))]


def _rgb(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _size(pixels: np.ndarray) -> str:
    return " x ".join(str(side) for side in (pixels.shape[1], pixels.shape[0], pixels.shape[2]))
