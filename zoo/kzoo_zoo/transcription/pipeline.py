"""The transcription pipeline: a network that reads lines of text, trained by connectionist temporal classification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from kzoo.errors import DataError, KzooError, UsageError
from kzoo.pipeline import Built, DataSource, FromPath, FromSample, Pipeline, picture_shape
from kzoo_zoo.transcription.settings import (
    AugmentSettings,
    LineSettings,
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
    from kzoo_zoo.transcription.lines import Lines
    from kzoo_zoo.transcription.reading import Form

__all__ = ["Transcription"]

_MOST_NAMED = 10


class Transcription(Pipeline):
    """Reads pictures of lines of text: digits, serial numbers, captchas, words."""

    name = "transcription"
    preprocessing: ClassVar[str] = (
        "A line of text, RGB pixels from 0 to 255, or gray where there is one channel: resized to the network's height "
        "in the ratio of its sides, squeezed where it is then wider than the network's width, and padded at the right "
        "with the median of its border. The network scales values itself. Outputs are logits at each step along the "
        "line, of the blank and of the symbols in `alphabet` of the card, in that order"
    )
    model_settings: ClassVar[type] = NetworkSettings
    augment_settings: ClassVar[type | None] = AugmentSettings
    reader_settings: ClassVar[type] = ReaderSettings

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return lines of the user's own, and handwritten digits side by side."""
        form = _form_of(card) if card else None

        def read(path: Path, settings: LineSettings, reading: Reading) -> Dataset:
            from kzoo_zoo.transcription import reading as of_files

            return of_files.read(path, settings, reading, form)

        def sample(settings: SampleSettings) -> Dataset:
            from kzoo_zoo.transcription import reading as of_files

            return of_files.sample(settings, form)

        return DataSource(
            path=FromPath(read, LineSettings),
            sample=FromSample(sample, SampleSettings),
            without_real="Name yours: --data FOLDER with pictures of lines and a labels.csv (image,text).",
        )

    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return the network for these symbols.

        Raises:
            DataError: A text needs more steps than the network has along a line.
        """
        from kzoo_zoo.transcription import network
        from kzoo_zoo.transcription.lines import LineSplit

        assert isinstance(train, LineSplit), "the pipeline's own data"
        chosen: NetworkSettings = settings.model
        width = problem.input_shape[1]
        if chosen.steps(width) < 1:
            message = f"A line of {width} columns has no step in this network: take a larger `data.width`."
            raise UsageError(message)
        _check_steps(train.store, chosen, width)
        alphabet = str(problem.schema["alphabet"])
        options: dict[str, Any] = {"width": chosen.channels, "dropout": chosen.dropout}
        if chosen.network == "classic":
            model = network.build_classic(problem.input_shape, len(alphabet) + 1, problem.regularizer, **options)
        else:
            options["stride"] = chosen.stride
            model = network.build_default(problem.input_shape, len(alphabet) + 1, problem.regularizer, **options)
        changed: AugmentSettings | None = settings.augment

        def augment(x: Any, y: Any, moment: Moment) -> tuple[Any, Any]:
            from kzoo_zoo.transcription.augment import augmented

            assert changed is not None, "nothing is changed without settings of it"
            return augmented(x, moment.seed, changed), y

        return Built(
            model=model,
            augment=None if changed is None else augment,
            card={"alphabet": alphabet, "case": str(problem.schema["case"])},
        )

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: ReaderSettings) -> Reader:
        """Return what reads frames."""
        if forward is None:
            raise UsageError(self.untrained("line.png"))
        from kzoo_zoo.transcription.reader import LineReader

        return LineReader(card, forward, settings)


def _form_of(card: Mapping[str, Any]) -> Form:
    from kzoo_zoo.transcription.reader import alphabet_of
    from kzoo_zoo.transcription.reading import Form

    height, width, channels = picture_shape(card)
    case = card.get("case", "keep")
    if case not in ("keep", "lower", "upper"):
        message = f"The network's card says that its `case` is {case!r:.60}, where keep, lower or upper is due."
        raise KzooError(message)
    return Form((height, width, channels), alphabet_of(card), case)


def _check_steps(store: Lines, chosen: NetworkSettings, width: int) -> None:
    """Raise `DataError` where a text needs more steps than there are.

    Keras's loss has an ordinary value for such a text, from which nothing is learned.
    """
    from kzoo_zoo.transcription.decoding import steps_needed

    steps = chosen.steps(width)
    needed = {line.name: steps_needed(line.text) for line in store.lines}
    long = sorted((name for name in needed if needed[name] > steps), key=lambda name: -needed[name])
    if not long:
        return
    most = needed[long[0]]
    wider = -(-(width + (most - steps) * chosen.stride) // 8) * 8
    finer = chosen.network == "default" and chosen.stride > 2 and width // 2 >= most  # noqa: PLR2004 - the finest
    other = " or finer steps (-o model.stride=2)" if finer else ""
    listed = "; ".join(f"{name} needs {needed[name]}" for name in long[:_MOST_NAMED])
    listed += f"; and {len(long) - _MOST_NAMED} more" if len(long) > _MOST_NAMED else ""
    message = (
        f"{len(long)} of {len(store.lines)} texts are too long for the network, which has {steps} steps along a line "
        f"of {width} columns, and a text needs one for each symbol and one between two that are the same: {listed}. "
        f"Take wider lines (-o data.width={wider}){other}, or remove these."
    )
    raise DataError(message)
