"""Configurations that follow from a constructor's signature, so that no argument is lost on save."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import keras
from keras import ops

__all__ = ["ConfigFromSignature"]

_NOT_BY_KEYWORD = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)


class ConfigFromSignature:
    """Derives ``get_config`` from the constructor's signature, so that no argument can be forgotten on save.

    The arguments of the outermost constructor are kept, those that it passes on with ``**kwargs`` among them. An
    argument that is itself a Keras object is saved and built again with the rest.

    Raises:
        TypeError: When a subclass is defined whose constructor takes arguments that cannot be given by keyword.
    """

    _arguments: dict[str, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" not in cls.__dict__:
            return
        wrapped = cls.__init__
        signature = inspect.signature(wrapped)
        for name, parameter in list(signature.parameters.items())[1:]:
            if parameter.kind in _NOT_BY_KEYWORD:
                message = (
                    f"The constructor of `{cls.__qualname__}` takes `{name}` by position only, so a saved object could "
                    "not be built again from its configuration. Let it take every argument by keyword."
                )
                raise TypeError(message)

        @functools.wraps(wrapped)
        def remember(self: Any, *args: Any, **kwargs: Any) -> None:
            if "_arguments" not in self.__dict__:  # the outermost constructor's arguments rebuild the object
                object.__setattr__(self, "_arguments", _bound_arguments(signature, self, args, kwargs))
            wrapped(self, *args, **kwargs)

        cls.__init__ = remember  # type: ignore[method-assign]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as Keras stores them in a saved model."""
        arguments = self.__dict__.get("_arguments", {})  # a class without a constructor of its own has none
        config = {name: _plain(value) for name, value in arguments.items() if name != "dtype"}
        if "dtype" in arguments:
            config["dtype"] = _plain_dtype(arguments["dtype"])
        if config.get("name", "") is None:
            config["name"] = self.name  # type: ignore[attr-defined]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Build the object again from what `get_config` returned."""
        return cls(**{name: _live(value) for name, value in config.items()})


def _bound_arguments(signature: inspect.Signature, instance: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return a call's arguments by name, defaults included; empty for a wrong call, which Python itself will refuse."""
    try:
        bound = signature.bind(instance, *args, **kwargs)
    except TypeError:
        return {}
    bound.apply_defaults()
    (own, _), *rest = bound.arguments.items()
    found = {name: value for name, value in rest if name != own}
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            found.update(found.pop(name, {}))
    return found


def _plain(value: Any) -> Any:
    """Return a constructor argument in a form that a configuration can hold."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if ops.is_tensor(value):
        return ops.convert_to_numpy(value).tolist()
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return value.tolist()
    if hasattr(value, "get_config"):
        return keras.saving.serialize_keras_object(value)
    return value


def _plain_dtype(dtype: Any) -> Any:
    """Return a type in a form that a configuration can hold: a name, a policy's configuration, or None."""
    if dtype is None or isinstance(dtype, (str, dict)):
        return dtype
    is_policy = isinstance(dtype, keras.DTypePolicy)
    return keras.saving.serialize_keras_object(dtype) if is_policy else keras.backend.standardize_dtype(dtype)


def _live(value: Any) -> Any:
    """Return an argument as the constructor takes it: what `_plain` made of a Keras object becomes that object."""
    if isinstance(value, dict) and {"class_name", "config"} <= value.keys():
        return keras.saving.deserialize_keras_object(value)
    if isinstance(value, dict):
        return {key: _live(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_live(item) for item in value]
    return value
