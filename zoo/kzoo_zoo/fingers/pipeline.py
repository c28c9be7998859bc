"""The fingers pipeline: how many fingers a hand before a camera shows, and whether there is a hand at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from kzoo.data.decoding import read_image
from kzoo.errors import UsageError
from kzoo.pipeline import Built, DataSource, FromPaths, FromSample, Pipeline, setting, settings
from kzoo_zoo.fingers import data

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from kzoo.data.splits import Split
    from kzoo.engine.batches import Moment
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import BuildSettings, Problem, Reader

__all__ = ["Fingers"]

_LATE = 10**6
"""A step at which pictures are changed as much as they ever are."""

Roi = str | tuple[float, ...]


@settings
class HandNetworkSettings:
    """Which network, and how wide."""

    network: Annotated[Literal["default", "classic"], setting("Which network.")] = "default"
    widths: (
        Annotated[tuple[int, ...], setting("The channels of the default network's stages; null for its own.")] | None
    ) = None
    dropout: (
        Annotated[float, setting("The part of the default network's features dropped in training.", ge=0, lt=1)] | None
    ) = None


@settings
class HandAugmentSettings:
    """How pictures of hands are changed at random; see `kzoo_zoo.fingers.augment`."""

    paste: Annotated[
        float,
        setting(
            "The share of hands before a plain wall that get another background; 0 looks for no hands.", ge=0, le=1
        ),
    ] = 0.6
    rotation: Annotated[float, setting("The largest turn, in degrees.")] = 40.0
    smallest: Annotated[float, setting("The least height or width of a hand, as a part of the picture's.", gt=0)] = 0.35
    sleeves: Annotated[
        float, setting("The share of the arms before a plain wall that get a drawn sleeve.", ge=0, le=1)
    ] = 0.4
    backgrounds: Annotated[
        str | tuple[str, ...],
        setting("Folders of further pictures to paste hands on: any photos without hands, also in folders inside."),
    ] = ""
    ramp: Annotated[
        int,
        setting("The steps over which all of this grows from little to what is set; 0 begins with all of it.", ge=0),
    ] = 0
    strength: Annotated[float, setting("How much light and sharpness change; 0 changes neither.", ge=0)] = 1.0


@settings
class RecordSettings:
    """What `kzoo capture` keeps of a frame."""

    roi: Annotated[
        Roi, setting("The region to look at, x,y,w,h in pixels or in parts of the frame; all of it where empty.")
    ] = ""
    mirror: Annotated[bool, setting("Whether frames are turned left to right.")] = False


@settings
class CountSettings(RecordSettings):
    """How fingers are counted."""

    method: Annotated[
        Literal["network", "classical", ""],
        setting("A trained network, or the hand's outline (classical); by itself the network where there is one."),
    ] = ""
    window: Annotated[int, setting("The frames of a video or camera that vote on the count.", ge=1)] = 7
    min_confidence: Annotated[float, setting("A frame that is less sure abstains.", ge=0)] = 0.5
    closer: Annotated[
        bool, setting("For the network: whether a small hand is looked for in large frames, and counted from nearer.")
    ] = False
    background: Annotated[str, setting("For the outline: a picture of the empty scene, in place of a calibration.")] = (
        ""
    )
    calibration: Annotated[int, setting("For the outline: the frames over which the empty scene is learned.", ge=1)] = (
        30
    )
    find: Annotated[
        Literal["auto", "scene", "colour"],
        setting(
            "For the outline: a hand is found before the empty scene (scene), by the frame's own colours (colour), or "
            "before the scene while one is known, else by its colours (auto)."
        ),
    ] = "auto"
    threshold: Annotated[
        float, setting("For the outline: how much a pixel must differ from the empty scene.", ge=0)
    ] = 16.0


class Fingers(Pipeline):
    """Counting fingers: no hand, or 0 to 5 of them.

    The classes are ``none`` and the counts in their order. To a loss that knows an order of classes, ``none`` comes
    before 0: every question "a hand? at least one finger? two? ..." is answered no. Where it must be as far from every
    count, ``emd`` takes a matrix of distances; the recipe ``emd`` has one.
    """

    name = "fingers"
    preprocessing: ClassVar[str] = (
        "RGB pixels from 0 to 255 of the region with the hand, resized to the input; the network scales them itself"
    )
    model_settings: ClassVar[type] = HandNetworkSettings
    augment_settings: ClassVar[type | None] = HandAugmentSettings
    reader_settings: ClassVar[type] = CountSettings
    record_settings: ClassVar[type] = RecordSettings

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return folders of pictures, and drawn hands."""
        del card
        return DataSource(
            path=FromPaths(data.read, data.HandSettings),
            sample=FromSample(data.sample, data.SampleSettings),
            without_real=(
                "Name a folder with your own pictures, --data FOLDER (folders 0 to 5 and none; `kzoo capture fingers "
                "--label 3 0` records them), or take the drawn sample, --data sample."
            ),
        )

    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return the network that the settings name; hands are pasted on the training pictures without one."""
        from kzoo_zoo.fingers import model

        chosen: HandNetworkSettings = settings.model
        given = {n: value for n in ("widths", "dropout") if (value := getattr(chosen, n)) is not None}
        if given and chosen.network != "default":
            message = f"`model.{next(iter(given))}` is no setting of the network `{chosen.network}`."
            raise UsageError(message)
        build = getattr(model, f"build_{chosen.network}")
        network = build(problem.input_shape, problem.outputs, problem.regularizer, **given)
        changes: HandAugmentSettings | None = settings.augment
        augment = None if changes is None else _augmentation(changes, _backgrounds(changes, train))
        return Built(model=network, augment=augment, finish=_calibration(augment))

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: CountSettings) -> Reader:
        """Return what counts: a trained network, or the outline, which needs no training."""
        from kzoo_zoo.fingers.classical import OutlineCounter
        from kzoo_zoo.fingers.counting import CountReader
        from kzoo_zoo.fingers.region import Region

        method = settings.method or ("network" if forward is not None else "classical")
        if method == "network" and forward is None:
            message = (
                "The method `network` needs a trained one: `kzoo run fingers --data FOLDER`, then `kzoo predict last "
                "SOURCE`. `--method classical` needs no training."
            )
            raise UsageError(message)
        region = Region.of(settings.roi, mirror=settings.mirror)
        background = settings.background
        empty = region.cut(read_image(Path(background).expanduser())) if background else None
        return CountReader(
            card if method == "network" else {},
            forward if method == "network" else None,
            region=region,
            counter=OutlineCounter(
                calibration=settings.calibration, threshold=settings.threshold, background=empty, find=settings.find
            ),
            window=settings.window,
            min_confidence=settings.min_confidence,
            closer=settings.closer,
        )

    def record_labels(self) -> tuple[str, ...]:
        """Return ``none`` and the counts."""
        return data.CLASS_NAMES

    def recorded(self, pixels: np.ndarray, settings: RecordSettings) -> np.ndarray:
        """Return the region of a frame that is recorded, as the reader looks at it."""
        from kzoo_zoo.fingers.region import Region

        return Region.of(settings.roi, mirror=settings.mirror).cut(pixels)


def _backgrounds(changes: HandAugmentSettings, train: Split) -> np.ndarray | None:
    """Return the training pictures without a hand and those of the setting, or None where there are neither."""
    import numpy as np

    empty = np.flatnonzero(np.asarray(train.labels).reshape(-1) == 0)
    found = [np.asarray(train.fetch(empty)[0])] if len(empty) else []
    if changes.backgrounds:
        named = (changes.backgrounds,) if isinstance(changes.backgrounds, str) else changes.backgrounds
        found.append(data.read_backgrounds([Path(name).expanduser() for name in named]))
    return np.concatenate(found) if found else None


def _calibration(augment: Any) -> Any:
    """Return what fits the temperature of the trained network, on validation pictures and these changed at random."""

    def finish(forward: Forward, validation: Split) -> dict[str, float]:
        from kzoo.engine.batches import Moment
        from kzoo_zoo.fingers.calibration import temperature_of

        def changed(x: np.ndarray, step: int) -> np.ndarray:
            seed = np.array([step, 0], np.int64)
            found, _ = augment(x, None, Moment(seed=seed, run_seed=seed, epoch=_LATE, step=_LATE))
            return np.asarray(found)

        classes = len(data.CLASS_NAMES)
        fitted = temperature_of(forward, validation, None if augment is None else changed, classes)
        return {"temperature": round(fitted, 4)}

    import numpy as np

    return finish


def _augmentation(changes: HandAugmentSettings, backgrounds: np.ndarray | None) -> Any:
    """Return what moves, turns and scales hands, pastes many on other backgrounds, and changes light and sharpness."""
    from kzoo_zoo.fingers.cutouts import Cutouts

    cutouts = Cutouts()

    def augment(x: Any, y: Any, moment: Moment) -> tuple[Any, Any]:
        import tensorflow as tf

        from kzoo_zoo.fingers.augment import disturbed, moved, pasted

        seed = tf.cast(moment.seed, tf.int64)
        rotation, strength = changes.rotation, changes.strength
        done = tf.cast(moment.step + 1, tf.float32) / max(1, changes.ramp)
        share = tf.minimum(1.0, done) if changes.ramp else 1.0
        if changes.paste or changes.sleeves:
            x = pasted(
                x,
                backgrounds,
                seed=seed,
                labels=y,
                cutouts=cutouts,
                share=share,
                paste=changes.paste,
                rotation=rotation,
                smallest=changes.smallest,
                sleeves=changes.sleeves,
            )
        else:
            x = moved(x, seed=seed, rotation=rotation)
        return disturbed(x, seed=seed + 1, strength=strength, share=share) if strength else x, y

    return augment
