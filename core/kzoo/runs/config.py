"""The settings of one run: defaults, recipe, file and command line laid over each other, with the origin of each value.

The tables are those of a recipe file::

    [data]       `DataSettings`, and those of the pipeline's own data
    [model]      settings of the pipeline's networks
    [augment]    `AugmentSettings`, and those of its changes at random
    [loss]       name and arguments; likewise [optimizer] and [regularizer]
    [train]      `TrainSettings`

beside ``pipeline``, ``recipe``, ``seed``, ``metrics`` and ``track`` (lists of references) and ``report`` (whether
pictures are drawn at the end) at the top. ``complete = true`` says
that no recipe is to be laid below, as in the ``config.toml`` of a run, which holds every value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from kzoo.errors import UsageError
from kzoo.plugins.reference import Reference, parse_setting, parse_value
from kzoo.runs.layers import DEEPEST, lay
from kzoo.runs.settings_files import read_toml
from kzoo.settings import defaults_of, known_names, read_settings, refuse_unknown, setting, settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "DEFAULTS",
    "AugmentSettings",
    "DataSettings",
    "RunConfig",
    "RunSettings",
    "TrainSettings",
    "layer_from_options",
    "read_toml",
]

_T = TypeVar("_T")

_COMPONENT_TABLES = ("loss", "optimizer", "regularizer")
_COMPONENT_LISTS = ("metrics", "track")
_FREE_TABLES = ("model", "augment")  # the pipeline decides what they may hold


@settings
class RunSettings:
    """What stands above all tables."""

    seed: Annotated[int, setting("The seed of everything random.", ge=0, lt=2**31)] = 0
    metrics: Annotated[list[str | dict[str, Any]], setting("References of metrics.")] = field(default_factory=list)
    track: Annotated[
        list[str | dict[str, Any]], setting("References of trackers, which hand on what the run logs.")
    ] = field(default_factory=list)
    report: Annotated[bool, setting("Whether pictures are drawn and report.html is written at the end.")] = True


@settings
class DataSettings:
    """What of the table ``[data]`` every pipeline has."""

    source: Annotated[str, setting("auto, real, sample, or the path of your own data.")] = "auto"
    validation_fraction: Annotated[
        float, setting("The part of the training data that is kept aside for validation.", ge=0, lt=1)
    ] = 0.1
    limit: Annotated[int, setting("At most this many examples of each split.", ge=1)] | None = None
    cache: Annotated[
        Literal["auto", "memory", "disk", "off"],
        setting(
            "Where the decoded images of a folder are kept: in memory, in the cache on the disk, or nowhere, each "
            "being decoded whenever it is needed; auto takes memory up to 256 MB, then the disk."
        ),
    ] = "auto"


@settings
class AugmentSettings:
    """What of the table ``[augment]`` every pipeline has that changes its training data at random."""

    enabled: Annotated[bool, setting("Whether training data is changed at random.")] = True


@settings
class TrainSettings:
    """The table ``[train]``."""

    epochs: Annotated[int, setting("How often the training data is gone through.", ge=1)] = 10
    batch_size: Annotated[int, setting("Examples in one step.", ge=1)] = 128
    steps_per_execution: Annotated[
        int, setting("Steps in one compiled call; progress, callbacks and a stop come between calls.", ge=1)
    ] = 16
    precision: (
        Annotated[
            Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"],
            setting(
                "What the network computes in, by Keras's name of it; auto takes what is fast on this machine. By "
                "default Keras's dtype policy, which is float32 unless a program sets another."
            ),
        ]
        | None
    ) = None
    jit: Annotated[
        bool | Literal["auto"],
        setting("Whether XLA compiles the steps, which on a processor makes them slower; auto on a GPU alone."),
    ] = False
    gradient_accumulation_steps: Annotated[
        int, setting("Steps whose mean gradient moves the weights once, as one batch of so many times the size.", ge=1)
    ] = 1
    global_clipnorm: Annotated[
        float, setting("The largest norm that the gradients of all weights may have together; 0 for any.", ge=0)
    ] = 0.0
    keep: Annotated[
        Literal["last", "best"], setting("Which weights the final model has: the last, or the best by `monitor`.")
    ] = "last"
    monitor: Annotated[
        str, setting("The logged value that decides which epoch is best, such as val_loss or val_accuracy.")
    ] = "val_loss"
    early_stopping: Annotated[
        int, setting("Stop after this many epochs without a better `monitor`; 0 never stops.", ge=0)
    ] = 0
    class_weight: Annotated[
        Literal["none", "root", "balanced"],
        setting(
            "Of classes: balanced has each count alike in training, however many examples it has, or pixels in masks; "
            "one counts as many times as the mean class is larger than its own. root takes the root of that."
        ),
    ] = "none"
    frozen_epochs: Annotated[
        int,
        setting("Train all layers after this many epochs, also those frozen at first; 0 keeps them frozen.", ge=0),
    ] = 0
    start_from: Annotated[
        str,
        setting("Begin with the weights of this .keras file, as far as layers fit; --from RUN gives that of a run."),
    ] = ""
    save_every: Annotated[
        Annotated[float, setting("", ge=0)] | Literal["off"],
        setting(
            "Write the state that `kzoo run --resume` goes on from after every epoch, and after so many seconds inside "
            "of one; 0 only after epochs, off never."
        ),
    ] = 60.0
    keep_state: Annotated[
        bool, setting("Keep the last state of a run that is done, from which more epochs can be trained.")
    ] = False
    measure_every: Annotated[
        int,
        setting(
            "What a task is judged by besides its metrics, such as average precision of boxes, mean IoU of masks or "
            "the error rate of texts: measured on the validation split after every so many epochs; 0 after every one "
            "where `monitor` asks for it, else never.",
            ge=0,
        ),
    ] = 0


def _defaults(table: type) -> dict[str, Any]:
    return {name: value for name, value in defaults_of(table).items() if value is not None}


DEFAULTS: dict[str, Any] = {
    **_defaults(RunSettings),
    "data": _defaults(DataSettings),
    "model": {},
    "augment": {},
    "train": _defaults(TrainSettings),
}
"""What holds where neither recipe, file nor command line says anything."""


@dataclass(frozen=True)
class RunConfig:
    """Every setting of one run, and where each came from.

    Attributes:
        values: The settings as nested plain values.
        origins: For each dotted key, where its value came from: ``default``, ``recipe quick``, ``--loss``, ...
    """

    values: Mapping[str, Any]
    origins: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def merge(cls, layers: Iterable[tuple[str, Mapping[str, Any]]]) -> RunConfig:
        """Lay the layers over each other, the later ones on top, and check the result.

        Args:
            layers: Pairs of origin and settings. A component's table that holds a ``name`` replaces the one below;
                without a name its keys are laid over those below. None takes away what is below: the default holds.

        Raises:
            UsageError: A key that does not exist, or a value of the wrong type or range.
        """
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        for origin, layer in layers:
            for key, value in layer.items():
                lay(values, origins, (key,), value, origin, defaults=DEFAULTS, components=_COMPONENT_TABLES)
        config = cls(values, origins)
        config.check()
        return config

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""
        return str(self.values["pipeline"])

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        return str(self.values.get("recipe", ""))

    @property
    def seed(self) -> int:
        """The seed of everything random in the run."""
        return int(self.values["seed"])

    @property
    def loss(self) -> Reference:
        """The loss."""
        return Reference.from_mapping(self.values["loss"])

    @property
    def optimizer(self) -> Reference:
        """The optimizer."""
        return Reference.from_mapping(self.values["optimizer"])

    @property
    def regularizer(self) -> Reference | None:
        """The regularizer of the kernels, or None."""
        table = self.values.get("regularizer")
        return Reference.from_mapping(table) if table else None

    @property
    def metrics(self) -> list[Reference]:
        """The metrics, in order."""
        return [Reference.read(metric) for metric in self.values["metrics"]]

    @property
    def track(self) -> list[Reference]:
        """The trackers, in order."""
        return [Reference.read(tracker) for tracker in self.values.get("track", ())]

    @property
    def data(self) -> DataSettings:
        """What of the table ``[data]`` every pipeline has."""
        known = known_names(DataSettings)
        return self.read(DataSettings, "data", {k: v for k, v in self.values["data"].items() if k in known})

    @property
    def data_settings(self) -> dict[str, Any]:
        """What the table ``[data]`` holds for the pipeline."""
        return {name: value for name, value in self.values["data"].items() if name not in known_names(DataSettings)}

    @property
    def train(self) -> TrainSettings:
        """The table ``[train]``."""
        return self.read(TrainSettings, "train", self.values["train"])

    @property
    def label(self) -> str:
        """A short text that tells runs of one pipeline apart: recipe and loss."""
        return f"{self.recipe}-{self.loss}" if self.recipe else str(self.loss)

    def read(self, table: type[_T], name: str, values: Mapping[str, Any]) -> _T:
        """Return one of the tables, or the part of it that ``values`` are, in its types.

        Raises:
            UsageError: An unknown name or a wrong value, and where it came from.
        """
        return read_settings(table, values, prefix=f"{name}." if name else "", origin=self.origin)

    def check(self) -> None:
        """Raise `UsageError` for a key that does not exist, a missing one, or a value of the wrong type or range.

        What the tables hold for a pipeline is the pipeline's to check, see `kzoo.runs.choices`.
        """
        own = known_names(RunSettings)
        refuse_unknown(
            self.values, [*DEFAULTS, "pipeline", "recipe", "complete", *_COMPONENT_TABLES], origin=self.origin
        )
        self._check_tables()
        self.read(RunSettings, "", {name: self.values[name] for name in own if name in self.values})
        if not self.data.source.strip():
            reason = f"it is an empty text, perhaps of a variable that is not set{self.origin('data.source')}"
            message = f"`data.source` names no data: {reason}."
            raise UsageError(message)
        _ = self.train
        for key, value in self._lists():
            if None in value:
                message = f"`{key}` must be a list without null, which a settings file cannot hold{self.origin(key)}."
                raise UsageError(message)
        self._check_components()

    def _check_tables(self) -> None:
        """Raise `UsageError` where something else stands in a table's place."""
        for key in (*_COMPONENT_TABLES, *_FREE_TABLES, "data", "train"):
            value = self.values.get(key, {})
            if not isinstance(value, dict):
                named = key in _COMPONENT_TABLES and isinstance(value, str)
                hint = f" Write {self._as_table(key, value)}." if named else ""
                message = f"`{key}` must be a table, not {value!r}{self.origin(key)}.{hint}"
                raise UsageError(message)

    def _as_table(self, key: str, value: str) -> str:
        """Return how a component that stands as text in its table's place is written where it came from."""
        if not self.origins.get(key, "").startswith("file "):
            return f"`{key}.name={value}`, or --{key} {value}"
        from kzoo.runs.toml import in_one_line

        try:
            table = Reference.parse(value).to_mapping()
        except UsageError:  # which is said when it stands where a name does
            table = {"name": value}
        return f"`{in_one_line(key, table)}`"

    def _check_components(self) -> None:
        """Raise `UsageError` where a component is missing, malformed or there twice."""
        for needed in ("pipeline", "loss", "optimizer"):
            if needed not in self.values:
                message = f"The settings name no `{needed}`; a recipe must, or give --{needed}."
                raise UsageError(message)
        for table in _COMPONENT_TABLES:
            if self.values.get(table):
                self._reference(table, self.values[table])
        names = [self._reference("metrics", metric).slug for metric in self.values["metrics"]]
        if len(set(names)) != len(names):
            message = f"`metrics` names one metric twice: {', '.join(names)}{self.origin('metrics')}."
            raise UsageError(message)
        names = [self._reference("track", tracker).name for tracker in self.values.get("track", ())]
        if len(set(names)) != len(names):
            message = f"`track` names one tracker twice: {', '.join(names)}{self.origin('track')}."
            raise UsageError(message)

    def _reference(self, key: str, value: Any) -> Reference:
        """Return a component that a setting holds; raise `UsageError`, which says where it came from."""
        try:
            return Reference.read(value)
        except UsageError as error:
            message = f"`{key}` names no component{self.origin(key)}. {error}"
            raise UsageError(message) from error

    def _lists(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield every list among the values with its key, those inside others too."""

        def inside(key: str, value: Any) -> Iterator[tuple[str, list[Any]]]:
            if isinstance(value, list):
                yield key, value
                for item in value:
                    if not isinstance(item, dict):  # written as text, which can say it
                        yield from inside(key, item)
            elif isinstance(value, dict):
                for name, item in value.items():
                    yield from inside(f"{key}.{name}", item)

        for key, value in self.values.items():
            yield from inside(key, value)

    def origin(self, key: str) -> str:
        """Return where a value came from, for messages: `` (from -o)``; an empty text where nobody gave it."""
        inside = (origin for name, origin in self.origins.items() if name.startswith(f"{key}."))  # of a table
        origin = self.origins.get(key) or next(inside, "")
        return f" (from {origin})" if origin and origin != "default" else ""

    def to_toml(self, *, origins: bool = True) -> str:
        """Return the settings as a TOML file that ``kzoo run -c`` replays, each value with its origin in a comment."""
        from kzoo.runs.toml import written

        return written(self.values, self.origins if origins else {})


def layer_from_options(options: Iterable[str]) -> dict[str, Any]:
    """Return the settings that ``-o KEY=VALUE`` options name; values are JSON, or text where they are not JSON.

    What belongs to a component may hold components as in a reference: ``loss.losses=[soft_dice,focal(gamma=2)]``.

    Raises:
        UsageError: An option without ``=``, a malformed component, or two that cannot both hold.
    """
    layer: dict[str, Any] = {}
    for option in options:
        key, equals, text = option.partition("=")
        parts = [part.replace("-", "_") for part in key.strip().split(".", DEEPEST + 1)]
        if not equals or not all(parts):
            message = f"-o `{option}` must have the form KEY=VALUE, as in -o train.epochs=3."
            raise UsageError(message)
        table = layer
        for part in parts[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                message = f"-o `{option}`: `{part}` was given a plain value by another -o."
                raise UsageError(message)
        of_components = parts[0] in (*_COMPONENT_TABLES, *_COMPONENT_LISTS)
        table[parts[-1]] = parse_setting(text) if of_components else parse_value(text)
    return layer
