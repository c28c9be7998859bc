"""The settings of one run: defaults, recipe, file and command line laid over each other, with the origin of each value.

The tables are those of a recipe file::

    [data]       source, validation_fraction, limit, and keyword arguments of the pipeline's load_path
    [model]      keyword arguments of the pipeline's build_model
    [augment]    keyword arguments of the pipeline's augment; `enabled = false` turns it off
    [loss]       name and arguments; likewise [optimizer] and [regularizer]
    [train]      epochs, batch_size, ...

beside ``pipeline``, ``recipe``, ``seed``, ``metrics`` (a list of references) and ``report`` (whether pictures are
drawn at the end) at the top. ``complete = true`` says
that no recipe is to be laid below, as in the ``config.toml`` of a run, which holds every value.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError, UsageError
from kzoo.plugins.reference import Reference, parse_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["DEFAULTS", "RunConfig", "TrainSettings", "layer_from_options", "read_toml"]

_COMPONENT_TABLES = ("loss", "optimizer", "regularizer")
_FREE_TABLES = ("model", "augment")  # the pipeline's own keyword arguments decide what they may hold

DEFAULTS: dict[str, Any] = {
    "seed": 0,
    "metrics": [],
    "report": True,
    "data": {"source": "auto", "validation_fraction": 0.1},
    "model": {},
    "augment": {},
    "train": {
        "epochs": 10,
        "batch_size": 128,
        "steps_per_execution": 16,
        "keep": "last",
        "monitor": "val_loss",
        "early_stopping": 0,
        "frozen_epochs": 0,
        "measure_every": 0,
    },
}
"""What holds where neither recipe, file nor command line says anything."""

_FROM_ZERO = ("early_stopping", "frozen_epochs", "measure_every")

_OPTIONAL: dict[str, Any] = {"data.limit": 1}
"""Keys without a default, and an example of their type."""


@dataclass(frozen=True)
class TrainSettings:
    """The table ``[train]``.

    Attributes:
        epochs: How often the training data is gone through.
        batch_size: Examples in one step.
        steps_per_execution: Steps in one compiled call; progress, callbacks and a stop come between calls.
        keep: Which weights the final model has: ``last``, or ``best`` by `monitor`.
        monitor: The logged value that decides which epoch is best, such as ``val_loss`` or ``val_accuracy``.
        early_stopping: Stop after this many epochs without a better `monitor`; 0 never stops.
        frozen_epochs: Train all layers after this many epochs, those that the network begins with frozen as well; 0
            keeps them frozen.
        measure_every: Of a detector: measure average precision on the validation split after every so many epochs; 0
            after every one where `monitor` asks for it, else never.
    """

    epochs: int
    batch_size: int
    steps_per_execution: int
    keep: str
    monitor: str
    early_stopping: int
    frozen_epochs: int
    measure_every: int


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
                without a name its keys are laid over those below.

        Raises:
            UsageError: A key that does not exist, or a value of the wrong type or range.
        """
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        for origin, layer in layers:
            for key, value in layer.items():
                _lay(values, origins, (key,), value, origin)
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
    def data_settings(self) -> dict[str, Any]:
        """What the table ``[data]`` holds for the pipeline's own `load_path` and `load_sample`."""
        own = (*DEFAULTS["data"], *(name.removeprefix("data.") for name in _OPTIONAL))
        return {name: value for name, value in self.values["data"].items() if name not in own}

    @property
    def train(self) -> TrainSettings:
        """The table ``[train]``."""
        return TrainSettings(**self.values["train"])

    @property
    def label(self) -> str:
        """A short text that tells runs of one pipeline apart: recipe and loss."""
        return f"{self.recipe}-{self.loss}" if self.recipe else str(self.loss)

    def check(self) -> None:
        """Raise `UsageError` for a key that does not exist, a missing one, or a value of the wrong type or range."""
        for key, value in self.values.items():
            self._check_key(key, value)
        for needed in ("pipeline", "loss", "optimizer"):
            if needed not in self.values:
                message = f"The settings name no `{needed}`; a recipe must, or give --{needed}."
                raise UsageError(message)
        for table in _COMPONENT_TABLES:
            if self.values.get(table):
                Reference.from_mapping(self.values[table])
        if not isinstance(self.values["metrics"], list):
            message = f"`metrics` must be a list of references{self._from('metrics')}."
            raise UsageError(message)
        names = [metric.slug for metric in self.metrics]
        if len(set(names)) != len(names):
            message = f"`metrics` names one metric twice: {', '.join(names)}{self._from('metrics')}."
            raise UsageError(message)
        self._check_ranges()

    def _check_key(self, key: str, value: Any) -> None:
        known = [*DEFAULTS, "pipeline", "recipe", "complete", *_COMPONENT_TABLES]
        if key not in known:
            raise UsageError(_unknown_key(key, known, self._from(key)))
        if key in (*_COMPONENT_TABLES, *_FREE_TABLES) and not isinstance(value, dict):
            message = f"`{key}` must be a table, not {value!r}{self._from(key)}."
            raise UsageError(message)
        if key in ("data", "train"):
            if not isinstance(value, dict):
                message = f"`{key}` must be a table, not {value!r}{self._from(key)}."
                raise UsageError(message)
            optional = {name.split(".")[1]: v for name, v in _OPTIONAL.items() if name.startswith(f"{key}.")}
            examples = {**DEFAULTS[key], **optional}
            for name, item in value.items():
                where = self._from(f"{key}.{name}")
                if name not in examples and key == "data":
                    continue  # a setting of the pipeline's own; the run checks that there is one of that name
                if name not in examples:
                    raise UsageError(_unknown_key(f"{key}.{name}", [f"{key}.{n}" for n in examples], where))
                _check_type(f"{key}.{name}", item, examples[name], where)
        if key == "seed":
            _check_type(key, value, 0, self._from(key))
        if key == "report" and not isinstance(value, bool):
            message = f"`report` must be true or false, not {value!r}{self._from(key)}."
            raise UsageError(message)

    def _check_ranges(self) -> None:
        train, data = self.values["train"], self.values["data"]
        for name in ("epochs", "batch_size", "steps_per_execution", *_FROM_ZERO):
            low = 0 if name in _FROM_ZERO else 1
            if train[name] < low:
                message = f"`train.{name}` must be at least {low}, not {train[name]}{self._from(f'train.{name}')}."
                raise UsageError(message)
        if train["keep"] not in ("last", "best"):
            message = f"`train.keep` must be last or best, not {train['keep']!r}{self._from('train.keep')}."
            raise UsageError(message)
        if not 0 <= data["validation_fraction"] < 1:
            value = data["validation_fraction"]
            message = (
                f"`data.validation_fraction` must be in [0, 1), not {value}{self._from('data.validation_fraction')}."
            )
            raise UsageError(message)
        if data.get("limit", 1) < 1:
            message = f"`data.limit` must be at least 1, not {data['limit']}{self._from('data.limit')}."
            raise UsageError(message)
        if not 0 <= self.seed < 2**31:
            message = f"`seed` must be in [0, 2**31), not {self.seed}{self._from('seed')}."
            raise UsageError(message)

    def _from(self, key: str) -> str:
        origin = self.origins.get(key, "")
        return f" (from {origin})" if origin and origin != "default" else ""

    def to_toml(self, *, origins: bool = True) -> str:
        """Return the settings as a TOML file that ``kzoo run -c`` replays, each value with its origin in a comment."""
        import tomlkit

        document = tomlkit.document()
        scalars = {key: value for key, value in self.values.items() if not isinstance(value, dict)}
        scalars["complete"] = True
        for key, value in scalars.items():
            document.add(key, self._item(key, value, origins=origins))
        for key, value in self.values.items():
            if isinstance(value, dict) and value:
                document.add(tomlkit.nl())
                document.add(key, self._table(key, value, origins=origins))
        return tomlkit.dumps(document)

    def _table(self, prefix: str, values: Mapping[str, Any], *, origins: bool) -> Any:
        import tomlkit

        table = tomlkit.table()
        for key, value in values.items():  # TOML wants the plain values of a table before its inner tables
            if not isinstance(value, dict):
                table.add(key, self._item(f"{prefix}.{key}", value, origins=origins))
        for key, value in values.items():
            if isinstance(value, dict):
                table.add(key, self._table(f"{prefix}.{key}", value, origins=origins))
        return table

    def _item(self, key: str, value: Any, *, origins: bool) -> Any:
        import tomlkit

        if isinstance(value, list):
            value = [Reference.read(v) if isinstance(v, dict) else v for v in value]
            value = [str(v) if isinstance(v, Reference) else v for v in value]
        item = tomlkit.item(value)
        if origins and self.origins.get(key):
            item.comment(self.origins[key])
        return item


def layer_from_options(options: Iterable[str]) -> dict[str, Any]:
    """Return the settings that ``-o KEY=VALUE`` options name; values are JSON, or text where they are not JSON.

    Raises:
        UsageError: An option without ``=``, or two that cannot both hold.
    """
    layer: dict[str, Any] = {}
    for option in options:
        key, equals, text = option.partition("=")
        parts = [part.replace("-", "_") for part in key.strip().split(".")]
        if not equals or not all(parts):
            message = f"-o `{option}` must have the form KEY=VALUE, as in -o train.epochs=3."
            raise UsageError(message)
        table = layer
        for part in parts[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                message = f"-o `{option}`: `{part}` was given a plain value by another -o."
                raise UsageError(message)
        table[parts[-1]] = parse_value(text)
    return layer


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file's values; raise `KzooError` with file and line where it cannot be read."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        message = f"The settings file {path} cannot be read: {error.strerror}."
        raise KzooError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"The settings file {path} is not valid TOML: {error}."
        raise KzooError(message) from error


def _lay(values: dict[str, Any], origins: dict[str, str], path: tuple[str, ...], value: Any, origin: str) -> None:
    """Lay one value over what is there, tables key by key."""
    key, dotted = path[-1], ".".join(path)
    if value is None:  # nothing at all, where the layer below has something
        values.pop(key, None)
        for old in [name for name in origins if name == dotted or name.startswith(f"{dotted}.")]:
            del origins[old]
        return
    if not isinstance(value, dict):
        values[key] = value
        for old in [name for name in origins if name.startswith(f"{dotted}.")]:
            del origins[old]
        origins[dotted] = origin
        return
    below = values.get(key)
    names_component = path[0] in _COMPONENT_TABLES and "name" in value
    if not isinstance(below, dict) or names_component:
        below = values[key] = {}
        for old in [name for name in origins if name == dotted or name.startswith(f"{dotted}.")]:
            del origins[old]
    for inner, item in value.items():
        _lay(below, origins, (*path, inner), item, origin)


def _check_type(key: str, value: Any, example: Any, where: str) -> None:
    wanted: tuple[type, ...] = (int, float) if isinstance(example, float) else (type(example),)
    if not isinstance(value, wanted) or isinstance(value, bool):
        name = {int: "a whole number", float: "a number", str: "text", list: "a list"}[type(example)]
        message = f"`{key}` must be {name}, not {value!r}{where}."
        raise UsageError(message)


def _unknown_key(key: str, known: Iterable[str], where: str) -> str:
    known = list(known)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    hint = f" Did you mean `{near[0]}`?" if near else f" There are: {', '.join(sorted(known))}."
    return f"There is no setting `{key}`{where}.{hint}"
