"""The card of a saved model: what kzoo must know of it to read inputs for it and to find its components again."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CARD_VERSION", "ModelCard"]

CARD_VERSION = 2
"""The version of the card; a newer one is refused with a clear message."""


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
        run: The name of the run it came from.
        own: What its pipeline stored for itself.
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
    run: str = ""
    own: Mapping[str, Any] = field(default_factory=dict)
    components: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "the model") -> ModelCard:
        """Return what `to_dict` told; in the first version what a pipeline stored stood among the other keys.

        Raises:
            KzooError: It is from a newer kzoo, or no card.
        """
        version = data.get("schema_version", CARD_VERSION) if isinstance(data, dict) else None
        if not isinstance(version, int):
            message = f"{where} holds a card that kzoo did not write."
            raise KzooError(message)
        if version > CARD_VERSION:
            message = (
                f"{where} was written by a newer kzoo (its card is of version {version}, this kzoo reads up to "
                f"{CARD_VERSION}). Upgrade with `pip install --upgrade kzoo`."
            )
            raise KzooError(message)
        names = {item.name for item in fields(cls)}
        known = {name: value for name, value in data.items() if name in names}
        known["own"] = {**{k: v for k, v in data.items() if k not in names}, **dict(known.get("own", {}))}
        for name in ("class_names", "input_shape", "output_names", "components"):
            known[name] = tuple(known.get(name) or ())
        return cls(**{**known, "schema_version": CARD_VERSION})

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
