"""Checks that every component can be held to: it is registered, and its configuration holds all of it."""

from __future__ import annotations

import inspect
import json
import math
from typing import TYPE_CHECKING, Any

import keras

from kzoo.errors import UsageError
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.subject import BASES, Subject
from kzoo.testing.tools import each_alone

__all__ = ["arguments_saved", "config_round_trip", "other_values", "registered", "right_base", "settings"]

if TYPE_CHECKING:
    from collections.abc import Iterator

_KERAS = "keras"
_NOT_VARIED = frozenset({"name", "dtype", "reduction", "axis", "ignore_class", "class_weight"})
_LATER = frozenset({"name", "dtype"})  # said to be kept by checks of their own, or by Keras


def right_base(subject: Subject) -> None:
    """It is made without arguments (or with those of its spec), and is a Keras object of its kind."""
    made = subject.make()
    if not isinstance(made, BASES[subject.kind]):
        base = BASES[subject.kind]
        message = f"saw {type(made).__mro__[:2]}, expected a subclass of {base.__module__}.{base.__name__}"
        raise CheckFailure(message)


def registered(subject: Subject) -> None:
    """Keras finds its class by the name that a saved file holds, in the package that kzoo looks into."""
    cls = type(subject.make())
    if cls.__module__.split(".")[0] == _KERAS:
        message = "Keras finds its own classes"
        raise Skip(message)
    name = keras.saving.get_registered_name(cls)
    if name == cls.__name__:
        message = (
            f"saw no registration of {cls.__module__}.{cls.__qualname__}, expected "
            f'`@keras.saving.register_keras_serializable(package="{cls.__module__.split(".")[0]}")` above it'
        )
        raise CheckFailure(message)
    package = cls.__module__.split(".")[0]
    if package == "__main__":  # a script or a notebook: it can be registered under the package that it will move to
        message = "its class stands in a script, which kzoo cannot import; in a package of yours it can be found"
        raise Skip(message)
    if name.partition(">")[0] != package:
        message = f"saw the registered name {name!r}, expected the import package {package!r} before `>`"
        raise CheckFailure(message)
    found = keras.saving.get_registered_object(name)
    if found is not cls:
        message = f"saw that {name!r} is now {found!r}: two classes of this name are registered, the later one stays"
        raise CheckFailure(message)


def config_round_trip(subject: Subject) -> None:
    """`from_config(get_config())` gives an object of the same class with the same configuration."""
    made = subject.make()
    config = made.get_config()
    again = type(made).from_config(dict(config))
    if type(again) is not type(made):
        message = f"from_config: saw {type(again).__name__}, expected {type(made).__name__}"
        raise CheckFailure(message)
    first, second = _text(config), _text(again.get_config())
    if first != second:
        message = f"the configuration of the rebuilt object: saw {second}, expected {first}"
        raise CheckFailure(message)


def arguments_saved(subject: Subject) -> None:
    """Every argument of the constructor, set to another value than its default, is in the configuration."""
    found, tried = [], 0
    for name, parameter in subject.parameters.items():
        if name in _LATER or parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        for value in other_values(subject, name, parameter):
            try:
                made = subject.make(**{name: value})
            except (UsageError, ValueError, TypeError):
                continue  # not a valid value; the next may be
            tried += 1
            config = made.get_config()
            if name not in config:
                found.append(f"`{name}`: saw no such entry in get_config(), expected {value!r}")
            elif not _equal(config[name], value):
                found.append(f"`{name}`: saw {config[name]!r} in get_config(), expected {value!r}")
            else:
                kept = type(made).from_config(made.get_config()).get_config().get(name)
                if not _equal(kept, value):
                    found.append(f"`{name}`: saw {kept!r} after from_config(get_config()), expected {value!r}")
            break
    each_alone(found)
    if not tried:
        message = "the constructor takes no argument that another value is known for"
        raise Skip(message)


def other_values(subject: Subject, name: str, parameter: inspect.Parameter) -> list[Any]:
    """Return values to try for an argument, all different from the one it has anyway."""
    now = subject.arguments.get(name, parameter.default)
    found = [subject.examples[name]] if name in subject.examples and name not in subject.arguments else []
    if name == "reduction":
        found.append("sum")
    elif name == "class_weight":
        found.append([1.0, 0.5, 2.0, 1.5])
    elif isinstance(now, bool):
        found.append(not now)
    elif isinstance(now, int):
        found += [now + 1, now + 2, now - 1, float(now) + 0.5]
    elif isinstance(now, float) and math.isfinite(now):
        found += [now * 0.75, now + 0.25, now * 1.25, now - 0.25, now + 1]
    elif now is None:
        found += [0.5, 2, True]
    elif isinstance(now, (list, tuple)) and now and all(isinstance(item, (int, float)) for item in now):
        found.append([item * 0.75 for item in now])
    return [value for value in found if not _equal(value, now)]


def settings(subject: Subject) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield words for, and arguments of, the default settings, and those with one argument set to another value."""
    yield "", {}
    for name, parameter in subject.parameters.items():
        if name in _NOT_VARIED or parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        for value in other_values(subject, name, parameter):
            try:
                subject.make(**{name: value})
            except (UsageError, ValueError, TypeError):
                continue  # not a valid value; the next may be
            yield f" with {name}={value!r}", {name: value}
            break


def _equal(saw: Any, expected: Any) -> bool:
    if isinstance(saw, (int, float)) and isinstance(expected, (int, float)):
        return math.isclose(saw, expected, rel_tol=1e-6)
    return bool(_text(saw) == _text(expected))


def _text(value: Any) -> str:
    """Return a configuration as text; what JSON cannot hold stands as Python shows it."""
    return json.dumps(_plain(value), sort_keys=True, default=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "get_config"):
        return {"class": type(value).__name__, "config": _plain(value.get_config())}
    if keras.ops.is_tensor(value):
        return keras.ops.convert_to_numpy(value).tolist()
    return value.tolist() if hasattr(value, "tolist") else value
