"""What is searched: ``optimizer.learning_rate=1e-4..1e-1:log``, ``loss=emd:p=1,focal:gamma=2``, ``x=16..64:int``.

The grammar::

    search    = key "=" (range | values)
    range     = number ".." number [":" mark {"," mark}]
    mark      = "log" | "int" | "step=" number
    values    = value "," value {"," value}

The values of ``loss``, ``optimizer`` and ``regularizer`` are references of components as on the command line, where a
comma parts two components unless ``key=`` stands behind it. Those of other settings are as after ``-o``; a comma in
brackets or quotes belongs to its value.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kzoo.comparing.grid import alternatives
from kzoo.errors import UsageError
from kzoo.plugins.notation import parse_value
from kzoo.plugins.several import references_in

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["COMPONENTS", "Axis", "axis_of", "searchable", "space_of"]

COMPONENTS = ("loss", "optimizer", "regularizer")
"""Settings that hold a component."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?::(.*))?")
_SHARE = 0.381966
_CLOSE = 1e-9  # parts of a step that are rounding
_MARKS = "log, int or step=NUMBER"
_ELSEWHERE = {
    "seed": "--seed is that of all trials, and --seeds says with how many others the winner is trained again",
    "report": "it changes nothing that is learned",
    "track": "it changes nothing that is learned",
    "metrics": "it changes nothing that is learned",
    "pipeline": "one study tunes one pipeline",
    "recipe": "search for what the recipes do differently",
    "complete": "it is no setting of a training",
}
_EXAMPLE = "optimizer.learning_rate=1e-4..1e-1:log, model.width=16..64:int or loss=emd,focal:gamma=2"


@dataclass(frozen=True)
class Axis:
    """One setting that is searched.

    Attributes:
        key: The setting, by its dotted key.
        choices: Its values, each as it is written, where these are listed.
        low: The lower end of a range.
        high: Its upper end, which may be taken too.
        whole: Whether only whole numbers are taken.
        log: Whether each power of ten is as likely as the next.
        step: How far the values that are taken lie apart, from the lower end on; None where any may be.
    """

    key: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    log: bool = False
    step: float | None = None

    def __str__(self) -> str:
        if self.choices:
            return f"{self.key}={','.join(self.choices)}"
        step = "" if self.step is None else f"step={_written(self.step)}"
        marks = [mark for mark, there in (("log", self.log), ("int", self.whole), (step, step)) if there]
        return f"{self.key}={_written(self.low)}..{_written(self.high)}{':' if marks else ''}{','.join(marks)}"

    def distribution(self) -> Any:
        """Return it as Optuna has it."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.choices:
            return CategoricalDistribution(self.choices)
        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def values(self) -> list[Any] | None:
        """Return all values that it has; None of a range in which any number may be taken."""
        if self.choices:
            return list(self.choices)
        if self.whole and not self.log:
            return list(range(int(self.low), int(self.high) + 1, int(self.step or 1)))
        if self.step is None:
            return None
        count = math.floor((self.high - self.low) / self.step + _CLOSE) + 1
        return [round(self.low + number * self.step, 12) for number in range(count)]

    def ends(self) -> list[Any]:
        """Return the values that are tried before anything is trained: all of a list, the ends and one between."""
        if self.choices:
            return list(self.choices)
        several = self.values()
        if several:
            return [several[0], several[len(several) // 2], several[-1]]
        # No round share of the way, so that a setting which takes whole numbers alone refuses it.
        if self.log:
            between = self.low * (self.high / self.low) ** _SHARE
        else:
            between = self.low + (self.high - self.low) * _SHARE
        found = [self.low, between, self.high]
        return [int(one) for one in found] if self.whole else found

    def option(self, value: Any) -> str:
        """Return a value as ``KEY=VALUE`` has it."""
        if self.choices:
            return f"{self.key}={value}"
        # A constructor may tell 0 from 0.0, as Keras's does of a momentum.
        return f"{self.key}={int(value) if self.whole else float(value)!r}"

    def told(self, value: Any) -> Any:
        """Return a value as JSON has it: of a list that is not of components, what its text means."""
        return parse_value(value) if self.choices and self.key not in COMPONENTS else value

    def place_of(self, text: str) -> Any:
        """Return the value that a setting's text means here; None where it is none of them."""
        if self.choices:
            return text if text in self.choices else None
        try:
            value = float(text)
        except ValueError:
            return None
        if not self.low <= value <= self.high or (self.whole and value != int(value)):
            return None
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        if abs(steps - round(steps)) > _CLOSE:
            return None
        return int(value) if self.whole else value


def searchable(key: str) -> bool:
    """Return whether a setting can be searched."""
    return key not in _ELSEWHERE and not key.startswith("data.")


def space_of(texts: Iterable[str]) -> list[Axis]:
    """Return what is searched, in order.

    Raises:
        UsageError: Nothing is, a text is malformed, or a setting is named twice or cannot be searched.
    """
    found = [axis_of(text) for text in texts]
    if not found:
        message = f"Name what to search, as in --search {_EXAMPLE}."
        raise UsageError(message)
    keys = [axis.key for axis in found]
    for key in keys:
        if keys.count(key) > 1:
            message = f"--search names `{key}` twice. Give all of its values at once: {key}=A,B,C."
            raise UsageError(message)
    return found


def axis_of(text: str) -> Axis:
    """Return what one ``--search KEY=...`` means.

    Example:
        >>> print(axis_of("train.batch_size = 16..64:int,step=16"), axis_of("loss=emd:p=1,focal(gamma=2)").choices)
        train.batch_size=16..64:int,step=16 ('emd:p=1', 'focal:gamma=2')

    Raises:
        UsageError: It is malformed, or the setting cannot be searched.
    """
    key, equals, rest = text.partition("=")
    key = key.strip().replace("-", "_")
    if not equals or not all(key.split(".")):
        message = f"--search `{text}` must have the form KEY=LOW..HIGH or KEY=A,B, as in {_EXAMPLE}."
        raise UsageError(message)
    if key in _ELSEWHERE:
        message = f"`{key}` cannot be searched: {_ELSEWHERE[key]}."
        raise UsageError(message)
    if key.startswith("data."):
        message = (
            f"`{key}` cannot be searched: trials are judged on the same validation data, and `[data]` decides what "
            "that is. Give it one value with -o."
        )
        raise UsageError(message)
    found = _RANGE.fullmatch(rest)
    return _range(text, key, *found.groups()) if found else _listed(text, key, rest)


def _listed(text: str, key: str, rest: str) -> Axis:
    choices = [str(one) for one in references_in(rest)] if key in COMPONENTS and rest.strip() else alternatives(rest)
    if any(not one for one in choices):
        message = f"--search `{text}` has an empty value. A list of values stands in brackets: {key}=[A,B],[C,D]."
        raise UsageError(message)
    if len(choices) == 1:
        message = (
            f"--search `{text}` has only one value, and nothing to search. Give several, {key}=A,B, or a range, "
            f"{key}=LOW..HIGH; one value is given with -o."
        )
        raise UsageError(message)
    twice = [one for one in choices if choices.count(one) > 1]
    if twice:
        message = f"--search `{text}` has the value `{twice[0]}` twice."
        raise UsageError(message)
    return Axis(key, choices=tuple(choices))


def _range(text: str, key: str, first: str, last: str, marks: str | None) -> Axis:
    low, high = float(first), float(last)
    log, whole, step = False, False, None
    for mark in (one.strip() for one in (marks.split(",") if marks is not None else ())):
        name, equals, number = mark.partition("=")
        if mark == "log":
            log = True
        elif mark == "int":
            whole = True
        elif name == "step" and equals and re.fullmatch(_NUMBER, number.strip()):
            step = float(number)
        else:
            message = f"--search `{text}`: `{mark}` is none of what may stand behind a range: {_MARKS}."
            raise UsageError(message)
    wrong = _fault(low, high, log=log, whole=whole, step=step)
    if wrong:
        message = f"--search `{text}`: {wrong}."
        raise UsageError(message)
    found = Axis(key, low=low, high=high, whole=whole, log=log, step=step)
    several = found.values() if step is not None else None
    return replace(found, high=float(several[-1])) if several else found  # an end that no step leads to is none


def _fault(low: float, high: float, *, log: bool, whole: bool, step: float | None) -> str:
    """Return what is wrong with a range; empty where nothing is."""
    if not low < high < math.inf:
        return f"its lower end, {_written(low)}, must be below its upper end, {_written(high)}"
    if log and low <= 0:
        return f"`log` needs a range above 0, and it begins at {_written(low)}"
    if log and step is not None:
        return "`log` and `step` exclude each other. List the values instead: KEY=A,B,C"
    if whole and any(one is not None and one != int(one) for one in (low, high, step)):
        return "`int` needs whole numbers as ends and step"
    if step is not None and not 0 < step <= high - low:
        return f"`step` must be above 0 and no longer than the range, not {_written(step)}"
    return ""


def _written(value: float) -> str:
    """Return a number as it is read back, a whole one without a point."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(float(value))  # noqa: PLR2004
