"""The fingers pipeline: how many fingers a hand before a camera shows, and whether there is a hand at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.data.decoding import read_image
from kzoo.errors import DataError, UsageError
from kzoo.pipeline import ImageClassifier
from kzoo_zoo.fingers import data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from kzoo.data.splits import Dataset, Split
    from kzoo.pipeline import Forward, Prediction, Predictor

__all__ = ["Fingers"]


class Fingers(ImageClassifier):
    """Counting fingers: no hand, or 0 to 5 of them.

    The classes are ``none`` and the counts in their order. To a loss that knows an order of classes, ``none`` comes
    before 0: every question "a hand? at least one finger? two? ..." is answered no. Where it must be as far from every
    count, ``emd`` takes a matrix of distances; the recipe ``emd`` has one.
    """

    name = "fingers"
    task = "ordinal"

    _backgrounds: np.ndarray | None = None

    def fetch_real(self, *, download: bool, progress: Any = None) -> Path:
        """Raise: there is no collection of such pictures that may be downloaded for you."""
        del download, progress
        message = (
            "The pipeline `fingers` has no data of its own to download. Name a folder with your own pictures, --data "
            "FOLDER (folders 0 to 5 and none; `kzoo capture fingers --label 3 0` records them), or take the drawn "
            "sample, --data sample."
        )
        raise DataError(message)

    def load_path(
        self, path: Path, *, also: Sequence[str] | str = (), drawn: int = 200, unreadable: str = "stop"
    ) -> Dataset:
        """Read pictures in folders 0 to 5 and none.

        Args:
            path: A folder.
            also: Further ones, read with it.
            drawn: How many drawn hands of each count are added to the training pictures.
            unreadable: What to do with files that cannot be read: ``stop`` and name them, or ``skip`` them.
        """
        if unreadable not in ("stop", "skip"):
            message = f"`data.unreadable` must be stop or skip, not {unreadable!r}."
            raise UsageError(message)
        more = [also] if isinstance(also, str) else list(also)
        if isinstance(drawn, bool) or not isinstance(drawn, int) or drawn < 0:
            message = f"`data.drawn` must be a whole number of at least 0, not {drawn!r}."
            raise UsageError(message)
        roots = [path, *(Path(name).expanduser().resolve() for name in more)]
        return data.load_folders(roots, drawn=drawn, skip=unreadable == "skip")

    def load_sample(self, *, per_class: int = 300) -> Dataset:
        """Return drawn hands, ``per_class`` of each class to train on and a fifth as many to test on."""
        return data.load_sample(per_class=per_class)

    def build_model(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        *,
        regularizer: Any = None,
        network: str = "default",
        widths: Sequence[int] | None = None,
        dropout: float | None = None,
    ) -> Any:
        """Return the network of that name, ``default`` or ``classic``.

        Args:
            input_shape: Height, width and channels of the pictures.
            num_classes: The number of classes.
            regularizer: For the kernels of all convolutions and dense layers, or None.
            network: Which network.
            widths: The channels of the default network's stages; None for its own.
            dropout: The part of the default network's features that is dropped in training; None for its own.
        """
        from kzoo_zoo.fingers import model

        given = {name: value for name, value in (("widths", widths), ("dropout", dropout)) if value is not None}
        if network == "default":
            return model.build_default(input_shape, num_classes, regularizer, **given)  # type: ignore[arg-type]
        if network != "classic":
            message = f"`model.network` must be default or classic, not {network!r}."
            raise UsageError(message)
        if given:
            message = f"`model.{next(iter(given))}` is no setting of the network `classic`."
            raise UsageError(message)
        return model.build_classic(input_shape, num_classes, regularizer)

    def adapt(self, model: Any, train: Split) -> None:
        """Keep the training pictures without a hand: hands are pasted on them."""
        import numpy as np

        del model
        empty = np.flatnonzero(np.asarray(train.labels).reshape(-1) == 0)
        self._backgrounds = np.asarray(train.fetch(empty)[0]) if len(empty) else None

    def augment(
        self,
        x: Any,
        *,
        seed: Any,
        epoch: Any,
        paste: float = 0.6,
        rotation: float = 40.0,
        smallest: float = 0.45,
        strength: float = 1.0,
    ) -> Any:
        """Move, turn and scale the hands, paste many of them on other backgrounds, and change light and sharpness.

        Where ``paste`` is 0 hands are not looked for: pictures are moved, turned and scaled as they are.
        """
        import tensorflow as tf

        from kzoo_zoo.fingers.augment import disturbed, moved, pasted

        del epoch
        seed = tf.cast(seed, tf.int64)
        if paste:
            backgrounds = x if self._backgrounds is None else self._backgrounds
            share = 0.0 if self._backgrounds is None else paste
            x = pasted(x, backgrounds, seed=seed, paste=share, rotation=rotation, smallest=smallest)
        else:
            x = moved(x, seed=seed, rotation=rotation)
        return disturbed(x, seed=seed + 1, strength=strength) if strength else x

    def prepare(self, frame: np.ndarray, input_shape: Sequence[int]) -> np.ndarray:
        """Return the frame as the square that the network sees."""
        from kzoo_zoo.fingers.framing import framed

        return framed(frame, input_shape[:2])

    def draw(self, frame: np.ndarray, prediction: Prediction) -> np.ndarray:
        """Return the frame with the count written on it."""
        from kzoo_zoo.fingers.region import Region

        return Region().drawn(frame, prediction.text)

    def recordable(self) -> tuple[str, ...]:
        """Return ``none`` and the counts."""
        return data.CLASS_NAMES

    def recorded(self, pixels: np.ndarray, *, roi: str = "", mirror: bool = False) -> np.ndarray:
        """Return the region of a frame that is recorded, as `predictor` looks at it."""
        from kzoo_zoo.fingers.region import Region

        return Region.parse(_text_of_roi(roi), mirror=bool(mirror)).cut(pixels)

    def predictor(
        self,
        forward: Forward | None,
        card: Mapping[str, Any],
        *,
        method: str = "",
        roi: str = "",
        mirror: bool = False,
        window: int = 7,
        min_confidence: float = 0.5,
        background: str = "",
        calibration: int = 30,
        threshold: float = 16.0,
    ) -> Predictor:
        """Return what counts: a trained network, or the outline, which needs no training.

        Args:
            forward: The trained network; None where the user named the pipeline.
            card: What is stored with it.
            method: ``network`` or ``classical``; by default the network where there is one.
            roi: The region to look at, ``x,y,w,h`` in pixels or in parts of the frame; all of it by default.
            mirror: Whether frames are turned left to right.
            window: The frames of a video or camera that vote on the count.
            min_confidence: A frame that is less sure abstains.
            background: For the outline: a picture of the empty scene, in place of a calibration.
            calibration: For the outline: the frames over which the empty scene is learned.
            threshold: For the outline: how much a pixel must differ from the empty scene.
        """
        from kzoo_zoo.fingers.classical import OutlineCounter
        from kzoo_zoo.fingers.predictor import FingerPredictor
        from kzoo_zoo.fingers.region import Region

        method = method or ("network" if forward is not None else "classical")
        if method not in ("network", "classical"):
            message = f"`method` must be network or classical, not `{method}`."
            raise UsageError(message)
        if method == "network" and forward is None:
            message = (
                "The method `network` needs a trained one: `kzoo run fingers --data FOLDER`, then `kzoo predict last "
                "SOURCE`. `--method classical` needs no training."
            )
            raise UsageError(message)
        _check_number("window", window, at_least=1, whole=True)
        _check_number("calibration", calibration, at_least=1, whole=True)
        _check_number("min_confidence", min_confidence, at_least=0)
        _check_number("threshold", threshold, at_least=0)
        region = Region.parse(_text_of_roi(roi), mirror=bool(mirror))
        empty = region.cut(read_image(Path(background).expanduser())) if background else None
        return FingerPredictor(
            self,
            forward if method == "network" else None,
            card if method == "network" else {},
            region=region,
            counter=OutlineCounter(calibration=calibration, threshold=threshold, background=empty),
            window=window,
            min_confidence=min_confidence,
        )


def _text_of_roi(roi: Any) -> str:
    return ",".join(map(str, roi)) if isinstance(roi, (list, tuple)) else str(roi)


def _check_number(name: str, value: Any, *, at_least: float, whole: bool = False) -> None:
    right = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool) and value >= at_least
    if not right:
        message = f"`{name}` must be a {'whole ' if whole else ''}number of at least {at_least}, not {value!r}."
        raise UsageError(message)
