"""The CIFAR-10 pipeline: small colour photos of ten classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from kzoo.data.class_names import ImageSetSettings
from kzoo.pipeline import DataSource, FromPath, FromSample, setting, settings
from kzoo_zoo.cifar10 import data
from kzoo_zoo.classifier import ZooClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kzoo.data.splits import Split
    from kzoo.engine.batches import Moment

__all__ = ["Cifar10"]


@settings
class PhotoNetworkSettings:
    """Which network, and how large."""

    network: Annotated[
        Literal["default", "staged", "classic"],
        setting("Which network: a small one, one of several convolutions in each stage for Muon, or the tutorial's."),
    ] = "default"
    widths: (
        Annotated[
            tuple[int, ...], setting("The channels of its stages, but for the tutorial's; null for the network's own.")
        ]
        | None
    ) = None
    convolutions: (
        Annotated[int, setting("How many convolutions each stage of the staged network has; null for two.", ge=1)]
        | None
    ) = None
    patch: (
        Annotated[
            Literal[2, 4],
            setting("Side of the patches that the staged network whitens first; 2 sees more, in three times the time."),
        ]
        | None
    ) = None
    shift: (
        Annotated[
            int,
            setting(
                "Half of what the staged network says is of the photo shifted by so many pixels to both sides, in "
                "three times the time; null for none.",
                ge=0,
                le=8,
            ),
        ]
        | None
    ) = None


@settings
class MirrorAndShiftSettings:
    """How photos are changed at random."""

    reach: Annotated[int, setting("The longest way that a photo is shifted, in pixels.", ge=0)] = 2


class Cifar10(ZooClassifier):
    """Small colour photos, 32x32, ten classes of animals and vehicles."""

    name = "cifar10"
    networks = "kzoo_zoo.cifar10.model"
    preprocessing: ClassVar[str] = (
        "RGB pixels from 0 to 255, resized to the input (Lanczos); the network scales them itself"
    )
    model_settings: ClassVar[type] = PhotoNetworkSettings
    of_networks = ("widths", "convolutions", "patch", "shift")
    augment_settings = MirrorAndShiftSettings

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return CIFAR-10, files of the user's own, and drawn scenes."""
        del card
        return DataSource(path=FromPath(data.read, ImageSetSettings), sample=FromSample(data.sample), real=data.REMOTE)

    def adapt(self, model: Any, train: Split) -> None:
        """Whiten the default network's first layer by the first few thousand training images."""
        from kzoo_zoo.whitening import whiten_by

        whiten_by(model, train)

    def changed(self, x: Any, moment: Moment, chosen: MirrorAndShiftSettings) -> Any:
        """Mirror every image in every other epoch, and shift it by up to ``reach`` pixels each way."""
        from kzoo_zoo.cifar10.augment import mirror_and_shift

        return mirror_and_shift(x, seed=moment.seed, epoch=moment.epoch, reach=chosen.reach)
