"""The card of a saved model: what kzoo must know of it to read inputs for it and to find its components again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from kzoo.errors import KzooError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["CARD_VERSION", "ModelCard", "damaged"]

CARD_VERSION = 2
"""The version of the card; a newer one is refused with a clear message."""

_FORMS: dict[str, tuple[Any, str]] = {
    "pipeline": (str, "a text"),
    "task": (str, "a text"),
    "class_names": (tuple[str, ...], "a list of texts"),
    "input_shape": (tuple[Annotated[int, msgspec.Meta(ge=1)], ...], "a list of whole numbers of at least 1"),
    "label_form": (str, "a text"),
    "output_names": (tuple[str, ...], "a list of texts"),
    "data_settings": (dict[str, Any], "a table"),
    "inputs": (dict[str, Any], "a table"),
    "run": (str, "a text"),
    "trained_on": (str, "a text"),
    "own": (dict[str, Any], "a table"),
    "plugin": (str, "a text"),
    "components": (tuple[dict[str, str], ...], "a list of tables of texts"),
}
"""What each field must be in a file, as a type and in words; null is as good as a field that is not there."""

_NO_VERSION = 10**6

_LARGEST_INPUT = 2**25
"""The most numbers that one input may have, as in `kzoo.models.network`."""

_MOST_SHOWN = 80
"""The most characters of a wrong value that an error shows."""


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What is stored with a model.

    Attributes:
        schema_version: The version of this form.
        pipeline: The pipeline that reads its inputs; empty for a model that was not trained by one.
        task: The task it was trained for.
        class_names: The name of each class index; empty where its outputs are not classes.
        input_shape: The shape of one input.
        label_form: The form of labels that its loss takes.
        output_names: The name of each output where they are not classes.
        data_settings: The settings that its data was read with.
        inputs: The ranges of what it learned from, see `kzoo.models.input_ranges`; empty where these are not known.
        run: The name of the run it came from.
        trained_on: ``real``, ``sample`` or ``path``, as `kzoo.runs.manifest.DataRecord.used`; empty where nobody knows.
        own: What its pipeline stored for itself.
        plugin: The distribution and version that its pipeline came from, as `pip install` takes them.
        components: Name, distribution and version of each component in the file that is not Keras's.
    """

    schema_version: int = CARD_VERSION
    pipeline: str = ""
    task: str = ""
    class_names: tuple[str, ...] = ()
    input_shape: tuple[int, ...] = ()
    label_form: str = ""
    output_names: tuple[str, ...] = ()
    data_settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""
    trained_on: str = ""
    own: Mapping[str, Any] = field(default_factory=dict)
    plugin: str = ""
    components: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "The model") -> ModelCard:
        """Return what `to_dict` told; in the first version what a pipeline stored stood among the other keys.

        Args:
            data: The card as plain data.
            where: The file it is from, for messages.

        Raises:
            KzooError: It is from a newer kzoo, or no card, or a field of it is missing or not what it must be.
        """
        version = data.get("schema_version", CARD_VERSION) if isinstance(data, dict) else None
        if not isinstance(version, int) or not 1 <= version < _NO_VERSION:
            message = f"{where} holds a card that kzoo did not write."
            raise KzooError(message)
        if version > CARD_VERSION:
            message = (
                f"{where} was written by a newer kzoo (its card is of version {version}, this kzoo reads up to "
                f"{CARD_VERSION}). Upgrade with `pip install --upgrade kzoo`."
            )
            raise KzooError(message)
        names = {item.name for item in fields(cls)}
        known = {name: _read(name, data[name], where) for name in _FORMS if data.get(name) is not None}
        known["own"] = {**{k: v for k, v in data.items() if k not in names}, **known.get("own", {})}
        card = cls(**known)
        if card.pipeline and card.task and data.get("input_shape") is None:
            raise KzooError(damaged(where, "`input_shape` is missing, so nothing can be read for its network"))
        return card

    def check_against(self, network: Sequence[int | None] | None, where: str, *, outputs: int | None = None) -> None:
        """Refuse a card whose inputs or classes are not those of the network beside it.

        Args:
            network: The shape of one input of the network, None for a side of any length; None where it is not known.
            where: The file, for messages.
            outputs: How many numbers the network gives for an example; None where it is not known.

        Raises:
            KzooError: The card is of another model, or asks for inputs that fill the memory.
        """
        shape = self.input_shape
        if (size := math.prod(shape)) > _LARGEST_INPUT:
            raise KzooError(damaged(where, f"`input_shape` asks for {size:,} numbers; the limit is {_LARGEST_INPUT:,}"))
        classes = len(self.class_names) if self.label_form else 0  # without one, what a network gives is no class each
        if outputs is not None and classes and outputs != classes and (classes, outputs) != (2, 1):
            what = f"`class_names` names {classes} classes, but the network beside it gives {outputs} outputs"
            raise KzooError(damaged(where, what))
        if network is None or not shape:
            return
        if len(network) != len(shape) or any(side not in (None, own) for side, own in zip(network, shape, strict=True)):
            takes = " x ".join("any" if side is None else str(side) for side in network)
            what = f"`input_shape` is {' x '.join(map(str, shape))}, but the network beside it takes {takes}"
            raise KzooError(damaged(where, what))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, for JSON."""
        return {
            item.name: list(value) if isinstance(value := getattr(self, item.name), tuple) else value
            for item in fields(self)
        }

    def for_reader(self) -> dict[str, Any]:
        """Return what a pipeline's reader is given: the inputs, the classes, and what the pipeline stored."""
        return {
            "task": self.task,
            "input_shape": self.input_shape,
            "class_names": self.class_names,
            "output_names": self.output_names,
            **self.own,
        }


def _read(name: str, value: Any, where: str) -> Any:
    """Return a field of a card in its type."""
    form, words = _FORMS[name]
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        shown = repr(value)
        shown = shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]} ..."
        raise KzooError(damaged(where, f"`{name}` must be {words}, not {shown}")) from error


def damaged(where: str, what: str) -> str:
    """Return what to say of a file whose card is not whole."""
    return (
        f"{where} holds a damaged card, its member kzoo.json: {what}. Take the model from where it came from again: "
        "copy it anew, or train or import it anew."
    )
