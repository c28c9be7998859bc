"""The segmentation pipeline: the class of every pixel, by a U-Net trained on masks of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from kzoo.pipeline import Built, DataSource, FromPath, FromSample, Pipeline
from kzoo_zoo.segmentation.settings import (
    STRIDE,
    AugmentSettings,
    MaskSettings,
    NetworkSettings,
    ReaderSettings,
    SampleSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kzoo.data.splits import Dataset, Reading, Split
    from kzoo.engine.batches import Moment
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import BuildSettings, Problem, Reader

__all__ = ["Segmentation"]


class Segmentation(Pipeline):
    """Tells the class of every pixel of a picture."""

    name = "segmentation"
    preprocessing: ClassVar[str] = (
        f"RGB pixels from 0 to 255, or gray where there is one channel, made to fit into `box` of the card with their "
        f"shape kept (Lanczos), at the upper left, the rest to multiples of {STRIDE} filled with the edge's pixels; "
        "the network scales values itself. Outputs are probabilities for each pixel; cut off what was filled. A single "
        "channel is the probability of the second class"
    )
    model_settings: ClassVar[type] = NetworkSettings
    augment_settings: ClassVar[type | None] = AugmentSettings
    reader_settings: ClassVar[type] = ReaderSettings

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return the published pets, pictures and masks of the user's own, and drawn shapes."""
        del card
        from kzoo_zoo.segmentation.pets import IMAGES

        return DataSource(path=FromPath(_read, MaskSettings), sample=FromSample(_sample, SampleSettings), real=IMAGES)

    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return the network for these classes; of two it has one output where the loss compares masks."""
        import tensorflow as tf

        from kzoo_zoo.segmentation import networks
        from kzoo_zoo.segmentation.augment import augmented

        chosen: NetworkSettings = settings.model
        one_mask = problem.outputs == 2 and problem.predicts == "masks"  # noqa: PLR2004 - no and yes
        outputs = 1 if one_mask else problem.outputs
        build = getattr(networks, f"build_{chosen.network}")
        own = {"blocks": chosen.blocks} if chosen.network == "default" else {}
        model = build(
            problem.input_shape, outputs, problem.regularizer, widths=chosen.widths, dropout=chosen.dropout, **own
        )

        def augment(x: Any, y: Any, moment: Moment) -> tuple[Any, Any]:
            return augmented(x, y, moment.seed, settings.augment)

        def encode(y: Any, x: Any = None) -> Any:
            del x
            if one_mask:
                return tf.cast(y[..., None], tf.float32)
            return tf.one_hot(tf.cast(y, tf.int32), problem.outputs)  # of a pixel without a class, zeros

        card = {"box": list(getattr(train, "box", problem.input_shape[:2])), **problem.schema}
        return Built(model=model, augment=None if settings.augment is None else augment, encode=encode, card=card)

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: ReaderSettings) -> Reader:
        """Return what tells the class of every pixel of frames."""
        if forward is None:
            return super().reader(card, forward, settings)
        from kzoo_zoo.segmentation.reader import SegmentationReader

        return SegmentationReader(card, forward, settings)

    def untrained(self, source: str) -> str:
        """Return what to say where a model is needed and there is none."""
        return super().untrained("photo.jpg" if source == "SOURCE" else source)


def _read(path: Path, settings: MaskSettings, reading: Reading) -> Dataset:
    """Read pictures with masks; see `reading.read`."""
    from kzoo_zoo.segmentation import reading as of_files

    return of_files.read(path, settings, reading)


def _sample(settings: SampleSettings) -> Dataset:
    """Return drawn shapes with their masks."""
    from kzoo_zoo.segmentation import reading as of_files

    return of_files.sample(settings)
