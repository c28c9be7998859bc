"""The pipeline that learns what is alike: pictures of a kind lie near each other, also of kinds never seen."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from kzoo.errors import UsageError
from kzoo.pipeline import Built, DataSource, FromPaths, FromSample, Pipeline, setting, settings
from kzoo_zoo.embedding.data import REMOTES, KindSettings, Pictures, SampleSettings
from kzoo_zoo.embedding.reading import SearchSettings, VectorReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kzoo.data.splits import Split
    from kzoo.engine.batches import Moment
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import BuildSettings, Problem, Reader

__all__ = ["Embedding"]


@settings
class VectorNetworkSettings:
    """Which network, the vectors it gives, and what a batch is made of."""

    network: Annotated[Literal["default", "classic"], setting("Which network.")] = "default"
    widths: (
        Annotated[tuple[int, ...], setting("The channels of the default network's stages; null for its own.")] | None
    ) = None
    dimensions: Annotated[int, setting("The numbers in a vector.", ge=2, le=4096)] = 64
    dropout: Annotated[
        float, setting("The part of the features before the last layer that is dropped in training.", ge=0, lt=1)
    ] = 0.0
    per_class: Annotated[
        int,
        setting(
            "The pictures of each kind in a batch; more where there are too few kinds to fill it. Losses that compare "
            "pictures by their number alone take all in a random order.",
            ge=1,
        ),
    ] = 4


@settings
class PictureChangeSettings:
    """How pictures are changed at random; see `kzoo.augmentation.random_affine_maps`."""

    rotation: Annotated[float, setting("The largest turn, in degrees.", ge=0)] = 10.0
    shift: Annotated[float, setting("The longest way, as a part of the picture's side.", ge=0)] = 0.1
    shear: Annotated[float, setting("The largest angle between an upright line and its image, in degrees.", ge=0)] = 0.0
    zoom: Annotated[
        tuple[float, float], setting("The smallest and the largest part of the side that is seen; [0.6, 1] enlarges.")
    ] = (0.9, 1.1)
    stretch: Annotated[float, setting("The largest change of the ratio of the sides, as a part.", ge=0)] = 0.0
    mirror: Annotated[bool, setting("Whether half of the pictures are mirrored, left and right.")] = False
    colour: Annotated[float, setting("The largest change of brightness, contrast and saturation, as a part.", ge=0)] = (
        0.0
    )


class Embedding(Pipeline):
    """Pictures as vectors of length 1, which are compared by their cosine."""

    name = "embedding"
    preprocessing: ClassVar[str] = (
        "pixels from 0 to 255, gray for one channel and RGB for three, resized to the input (Lanczos); the network "
        "scales them itself. The output is a vector of length 1: the product of two is their cosine"
    )
    model_settings: ClassVar[type] = VectorNetworkSettings
    augment_settings: ClassVar[type | None] = PictureChangeSettings
    reader_settings: ClassVar[type] = SearchSettings

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return Omniglot, folders of the user's own, and scikit-learn's digits."""
        pictures = Pictures(tuple(card["input_shape"]) if card and card.get("input_shape") else None)
        return DataSource(
            path=FromPaths(pictures.read, KindSettings),
            sample=FromSample(pictures.sample, SampleSettings),
            real=REMOTES,
        )

    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return the network, with a direction for each learned kind where the loss compares with these."""
        import keras

        from kzoo.engine.class_batches import class_batches
        from kzoo_zoo.embedding.model import ClassDirections, ClassifiedVectors, centre

        chosen: VectorNetworkSettings = settings.model
        inputs, vectors = self._network(problem, chosen)
        centre(keras.Model(inputs, vectors), train)
        name = f"embedding_{chosen.network}"
        notes: list[str] = []
        if problem.predicts == "cosines":
            classes = int(train.labels.max()) + 1
            vectors = ClassDirections(classes, dtype="float32", name="class_directions")(vectors)
            model = ClassifiedVectors(inputs, vectors, name=name)
            notes.append(
                f"This loss compares pictures with the directions of the {classes:,} kinds that are learned. One of "
                "another kind has no part in it: where the test has such alone, the loss of the test is 0."
            )
        else:
            model = keras.Model(inputs, vectors, name=name)
        numbered = problem.views == "of_samples"
        return Built(
            model=model,
            augment=self._changes(problem.views, settings.augment),
            notes=notes,
            batch_order=None if numbered else class_batches(train.labels, chosen.per_class),
        )

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: SearchSettings) -> Reader:
        """Return what looks pictures up."""
        if forward is None:
            raise UsageError(self.untrained("photo.jpg --gallery FOLDER"))
        return VectorReader(card, forward, settings)

    def _network(self, problem: Problem, chosen: VectorNetworkSettings) -> tuple[Any, Any]:
        own = {} if chosen.widths is None else {"widths": chosen.widths}
        if own and chosen.network != "default":
            message = "`model.widths` is a setting of the default network; the classic one has fixed widths."
            raise UsageError(message)
        stages = 4 if chosen.widths is None else len(chosen.widths)
        if not stages or min(problem.input_shape[:2]) < 2**stages:
            sides = "x".join(map(str, problem.input_shape[:2]))
            message = (
                f"The network halves a picture {stages} times, and one of {sides} is too small for that, or there is "
                f"no stage: take `data.image_size` of at least {2 ** max(stages, 1)}, or other `model.widths`."
            )
            raise UsageError(message)
        networks = importlib.import_module("kzoo_zoo.embedding.model")
        build = getattr(networks, f"build_{chosen.network}")
        found: tuple[Any, Any] = build(
            problem.input_shape, chosen.dimensions, problem.regularizer, dropout=chosen.dropout, **own
        )
        return found

    def _changes(
        self, views: str, chosen: PictureChangeSettings | None
    ) -> Callable[[Any, Any, Moment], tuple[Any, Any]] | None:
        """Return the function that changes a batch at random, and makes two views of it where the loss wants these."""
        if chosen is None:
            if views == "of_samples":
                message = (
                    "The loss compares two views of each picture, which are the picture changed at random twice, and "
                    "`augment.enabled` is false. Leave it true, or take a loss that learns from the kinds."
                )
                raise UsageError(message)
            return None
        from kzoo_zoo.embedding.augment import changed, two_views

        moves: dict[str, Any] = {
            "rotation": chosen.rotation,
            "shift": chosen.shift,
            "shear": chosen.shear,
            "zoom": chosen.zoom,
            "stretch": chosen.stretch,
            "mirror": chosen.mirror,
            "colour": chosen.colour,
        }

        def once(x: Any, y: Any, moment: Moment) -> tuple[Any, Any]:
            return changed(x, seed=moment.seed, **moves), y

        def twice(x: Any, y: Any, moment: Moment) -> tuple[Any, Any]:
            return two_views(x, y, seed=moment.seed, numbered=views == "of_samples", **moves)

        return twice if views else once
