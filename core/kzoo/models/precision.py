"""Models that were trained in half precision, computing in full precision: their weights always were."""

from __future__ import annotations

from typing import Any

__all__ = ["in_float32"]

_HALF = frozenset({"mixed_bfloat16", "mixed_float16", "bfloat16", "float16"})


def in_float32(model: Any) -> Any:
    """Return a network that computes in float32 with the weights of a model; the model itself where that does.

    Args:
        model: A built model of layers that can be made from their configurations; it is left as it is.
    """
    import keras

    written = keras.saving.serialize_keras_object(model)
    written = {key: value for key, value in written.items() if key != "compile_config"}
    full = _full(written)
    if full == written:
        return model
    made = keras.saving.deserialize_keras_object(full)
    made.set_weights(model.get_weights())
    return made


def _full(value: Any) -> Any:
    """Return a configuration with float32 in the place of every policy of half precision."""
    if isinstance(value, dict):
        if value.get("class_name") == "DTypePolicy" and value["config"]["name"] in _HALF:
            return {**value, "config": {**value["config"], "name": "float32"}}
        return {key: _full(one) for key, one in value.items()}
    return [_full(one) for one in value] if isinstance(value, list) else value
