"""The restoration pipeline: a network that undoes the damage that was done to pictures of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kzoo.pipeline import Built, DataSource, FromPath, FromSample, Pipeline
from kzoo_zoo.restoration.settings import (
    AugmentSettings,
    NetworkSettings,
    PictureSettings,
    ReaderSettings,
    SampleSettings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from kzoo.data.splits import Dataset, Reading, Split
    from kzoo.engine.batches import Moment
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import BuildSettings, Problem, Reader
    from kzoo_zoo.restoration.split import PatchSplit

__all__ = ["Restoration"]

_MOST_PATCHES = 16
_FEWEST_IN_ALL = 8192
_DRAWS = 2**31  # an example's number is that of its picture and one of so many draws


class Restoration(Pipeline):
    """Takes noise off pictures, enlarges them, or undoes blur and the traces of JPEG."""

    name = "restoration"
    preprocessing: ClassVar[str] = (
        "RGB pixels from 0 to 255, or gray where there is one channel, as they are; the network scales values itself. "
        "Outputs are pixels between 0 and 1, and a little beyond, which is to be cut off. Larger pictures go through "
        "in tiles that overlap by `reach` of the card on each side"
    )
    model_settings: ClassVar[type] = NetworkSettings
    augment_settings: ClassVar[type | None] = AugmentSettings
    reader_settings: ClassVar[type] = ReaderSettings

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return pictures of the user's own, and the two photos of scikit-learn."""
        del card
        return DataSource(
            path=FromPath(_read, PictureSettings),
            sample=FromSample(_sample, SampleSettings),
            without_real="Any folder of photos will do: --data FOLDER.",
        )

    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return the network for this damage, and what it learns from: patches of all pictures, at chance places."""
        import tensorflow as tf

        from kzoo_zoo.restoration import network
        from kzoo_zoo.restoration.split import PatchSplit

        assert isinstance(train, PatchSplit), "the pipeline's own data"
        chosen: NetworkSettings = settings.model
        scale = train.form.scale
        model = network.build(problem.input_shape, scale, problem.regularizer, width=chosen.width, blocks=chosen.blocks)
        card = {"scale": scale, "reach": network.reach_of(scale, chosen.blocks)}
        patches = train.patches(chosen.patches or _covering(train))
        changed: Any = settings.augment  # AugmentSettings, or None

        def augment(x: Any, y: Any, moment: Moment) -> tuple[Any, Any]:
            from kzoo_zoo.restoration.augment import augmented

            return augmented(x, y, moment.seed, changed)

        def encode(y: Any, x: Any = None) -> Any:
            del x
            return tf.cast(y, tf.float32) / 255

        return Built(
            model=model,
            augment=augment if changed is not None and (changed.mirror or changed.turn) else None,
            encode=encode,
            card=card,
            train=patches,
            batch_order=_anywhere(patches) if changed is not None and changed.places else None,
        )

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: ReaderSettings) -> Reader:
        """Return what restores frames."""
        if forward is None:
            return super().reader(card, forward, settings)
        from kzoo_zoo.restoration.reader import RestorationReader

        return RestorationReader(card, forward, settings)

    def untrained(self, source: str) -> str:
        """Return what to say where a model is needed and there is none."""
        return super().untrained("photo.jpg" if source == "SOURCE" else source)


def _covering(split: PatchSplit) -> int:
    """Return how many patches cover a picture on average, at most 16, but so many that an epoch has 8,192 of them."""
    mean = np.mean([height * width for height, width in (picture.size for picture in split.pictures)])
    covering = int(np.clip(round(float(mean) / split.form.side**2), 1, _MOST_PATCHES))
    return max(covering, -(-_FEWEST_IN_ALL // len(split.pictures)))


def _anywhere(patches: PatchSplit) -> Callable[[Any, int, int], Any]:
    """Return the order of batches in which each picture comes as often as any other, each time at another place."""
    import tensorflow as tf

    count = len(patches.pictures)

    def order(seed: Any, steps: int, batch_size: int) -> Any:
        places, draws = tf.unstack(tf.random.experimental.stateless_split(tf.cast(seed, tf.int64), 2))
        chosen = tf.random.experimental.stateless_shuffle(tf.range(len(patches), dtype=tf.int64), places)
        size = min(batch_size, len(patches))
        chosen = tf.gather(chosen, tf.range(steps * size) % len(patches))
        drawn = tf.random.stateless_uniform((steps * size,), draws, patches.copies, _DRAWS, tf.int64)
        return tf.reshape(chosen % count + count * drawn, (steps, size))

    return order


def _read(path: Path, settings: PictureSettings, reading: Reading) -> Dataset:
    """Read pictures; see `reading.read`."""
    from kzoo_zoo.restoration import reading as of_files

    return of_files.read(path, settings, reading)


def _sample(settings: SampleSettings) -> Dataset:
    """Return pieces of two photos."""
    from kzoo_zoo.restoration import reading as of_files

    return of_files.sample(settings)
