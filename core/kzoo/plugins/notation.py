"""How components and the values of their arguments are written: ``focal:gamma=2``, ``[focal(gamma=2),soft_dice]``.

The grammar, with spaces allowed after a comma and inside brackets::

    reference = name [":" arguments] | call | sum
    sum       = number "*" part | part "+" sum | number "*" part "+" sum
    part      = name | call
    call      = name "(" [arguments] ")"
    name      = [distribution ":"] component
    arguments = key "=" value {"," key "=" value}
    value     = JSON | call | list | word
    list      = "[" [value {"," value}] "]"

A sum of components stands for the component `sum` with them and their weights: ``0.2*ssim + 0.8*charbonnier`` for
``sum:losses=[ssim,charbonnier],weights=[0.2,0.8]``. A call is a component inside another one; it stands for the table
that a configuration file has there, ``{"name": "focal", "gamma": 2}``. A word is text without spaces and without any of
``, = " ' ( ) [ ] { }``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "SUM",
    "canonical_distribution",
    "format_arguments",
    "format_sum",
    "parse_reference",
    "parse_setting",
    "parse_value",
    "table_of",
]

SUM = "sum"
"""The component that a sum stands for; it takes ``losses`` and ``weights``."""

_KEY = re.compile(r"[A-Za-z_]\w*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_WORD = re.compile(r"[^\s,=\"'()\[\]{}]+")
_CALL = re.compile(r"([^\s,=\"'()\[\]{}]+)\(")
_SPACE = re.compile(r"\s*")
_PART = re.compile(r"[^\s,=\"'()\[\]{}+*]+")
_WEIGHT = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*\*\s*")
_FACTOR = re.compile(r"(?:^|\+)\s*(\d+\.?\d*|\.\d+)\s*([A-Za-z][\w-]*)")  # whose sign was left out
_NUMBER = re.compile(r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_PYTHON_WORDS = {"True": True, "False": False, "None": None}
_DECODER = json.JSONDecoder()
_DEEPEST = 32
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_NEAR = 24
"""Signs before a bracket that a message shows."""
_LONGEST, _LONGEST_NAME, _SHOWN = 20_000, 200, 80


def canonical_distribution(name: str) -> str:
    """Return a distribution's name in its canonical spelling (lower case, runs of ``-_.`` become ``-``; PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_value(text: str) -> Any:
    """Return the JSON value that ``text`` is, a number or constant as Python writes it, or else the text itself.

    Example:
        >>> parse_value("2"), parse_value("true"), parse_value("adam"), parse_value("[1, 2]"), parse_value(".5")
        (2, True, 'adam', [1, 2], 0.5)
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    word = text.strip()
    if word in _PYTHON_WORDS:
        return _PYTHON_WORDS[word]
    if _NUMBER.fullmatch(word):
        return float(word) if set(word) & set(".eE") else int(word)
    return text


def parse_setting(text: str) -> Any:
    """Return the value of a component's argument that stands alone: a call, a list, or what `parse_value` returns.

    Example:
        >>> parse_setting("[soft_dice,focal(gamma=2)]"), parse_setting("focal: gamma")
        (['soft_dice', {'name': 'focal', 'gamma': 2}], 'focal: gamma')

    Raises:
        UsageError: It begins as a call or a list, and is none.
    """
    _check_length(text)
    stripped = text.strip()
    found = parse_value(text)
    if found is not text or not (stripped.startswith("[") or _CALL.match(stripped)):
        return found
    reader = _Reader(stripped)
    value = reader.value(0)
    reader.end()
    return value


def parse_reference(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the arguments of a component's text; raise `UsageError` where it is malformed."""
    _check_length(text)
    stripped = text.strip()
    plain = _PART.match(stripped)
    if _CALL.match(stripped) or _WEIGHT.match(stripped) or (plain and stripped[plain.end() :].lstrip()[:1] == "+"):
        reader = _Reader(stripped)
        found = reader.sum()
        reader.end()
        return found
    name, rest = _split_name(text)
    if rest is None:
        return name, {}
    reader = _Reader(text, rest)
    arguments = reader.arguments(0)
    reader.end()
    return name, arguments


def table_of(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table form, in which ``name`` is the component's."""
    own = {key: value for key, value in arguments.items() if key == "name"}  # the table's `name` is taken
    rest = {key: value for key, value in arguments.items() if key != "name"}
    return {"name": f"{name}:{format_arguments(own)}" if own else name, **rest}


def format_sum(arguments: Mapping[str, Any]) -> str | None:
    """Return the arguments of a sum as it is written, ``0.2*ssim + 0.8*charbonnier``; None where they are others."""
    losses, weights = arguments.get("losses"), arguments.get("weights")
    if not isinstance(losses, (list, tuple)) or not losses or not set(arguments) <= {"losses", "weights"}:
        return None
    weights = [1] * len(losses) if weights is None else weights
    numbers = isinstance(weights, (list, tuple)) and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) for one in weights
    )
    if not numbers or len(weights) != len(losses) or (len(losses) == 1 and weights[0] == 1):
        return None
    parts = []
    for loss, weight in zip(losses, weights, strict=True):
        call = _as_call({"name": loss} if isinstance(loss, str) else loss) if isinstance(loss, (str, dict)) else None
        if call is None or call[0] == SUM:
            return None
        written = f"{call[0]}({format_arguments(call[1])})" if call[1] else call[0]
        parts.append(written if weight == 1 else f"{weight!r}*{written}")
    return " + ".join(parts)


def format_arguments(arguments: Mapping[str, Any]) -> str:
    """Return arguments as text: ``gamma=2,alpha=0.25``."""
    return ",".join(f"{key}={_format_value(value)}" for key, value in arguments.items())


class _Reader:
    """Reads values from left to right.

    Attributes:
        whole: All that the user wrote, for messages.
        text: What of it is read.
        at: How far it is read.
    """

    def __init__(self, whole: str, text: str | None = None) -> None:
        self.whole = whole
        self.text = whole if text is None else text
        self.at = 0

    @property
    def rest(self) -> str:
        return self.text[self.at :]

    def end(self) -> None:
        """Raise `UsageError` where anything is left."""
        if self.rest.strip():
            self.refuse(f"expected nothing more, or a comma, at {self.rest!r}")

    def arguments(self, depth: int) -> dict[str, Any]:
        """Return what stands here as ``key=value,...``."""
        found: dict[str, Any] = {}
        while True:
            self.skip()
            key = _KEY.match(self.text, self.at)
            if not key or self.text[key.end() : key.end() + 1] != "=":
                self.refuse(
                    f"expected key=value at {self.rest!r}. "
                    "It has the form name[:key=value,...], as in focal:gamma=2,alpha=0.25"
                )
            if key.group() in found:
                message = f"`{self.whole}` gives `{key.group()}` twice."
                raise UsageError(message)
            self.at = key.end() + 1
            found[key.group()] = self.value(depth)
            if not self.takes(","):
                return found

    def call(self, depth: int) -> tuple[str, dict[str, Any]]:
        """Return name and arguments of ``name(key=value,...)``."""
        begun = _CALL.match(self.text, self.at)
        assert begun, "the caller has seen that there is one"
        name, rest = _split_name(begun.group(1), self.whole)
        if rest is not None:
            self.refuse(f"{begun.group()!r} is not a component's name before a bracket")
        self.at = begun.end()
        if self.takes(")"):
            return name, {}
        arguments = self.arguments(depth + 1)
        if not self.takes(")"):
            self.refuse(f"expected `,` or `)` at {self.rest!r}")
        return name, arguments

    def sum(self) -> tuple[str, dict[str, Any]]:
        """Return name and arguments of a call, or of the component that a sum of calls stands for."""
        parts, weights = [], []
        while True:
            self.skip()
            weight = _WEIGHT.match(self.text, self.at)
            weights.append(parse_value(weight.group(1)) if weight else 1)
            self.at = weight.end() if weight else self.at
            parts.append(self.part())
            if not self.takes("+"):
                break
        if len(parts) == 1 and weight is None:
            return parts[0]
        losses = [table_of(*part) if part[1] else part[0] for part in parts]
        return SUM, {"losses": losses, **({} if set(weights) == {1} else {"weights": weights})}

    def part(self) -> tuple[str, dict[str, Any]]:
        """Return name and arguments of what is added up."""
        if _CALL.match(self.text, self.at):
            return self.call(0)
        word = _PART.match(self.text, self.at)
        if not word:
            before = self.text[: self.at].rstrip()[-1:]
            if not self.rest and before in ("+", "*"):
                self.refuse(f"the name of a component is missing after the `{before}`")
            self.refuse(f"expected the name of a component at {self.rest!r}")
        self.at = word.end()
        name, rest = _split_name(word.group(), self.whole)
        if rest is not None or self.rest[:1] == "=":
            self.refuse(
                f"{word.group()!r} is not a component's name. In a sum the arguments of a component are in brackets, "
                "as in 0.5*focal(gamma=2) + emd"
            )
        return name, {}

    def value(self, depth: int) -> Any:
        """Return the value here: JSON, a call, a list, or a bare word."""
        self.skip()
        try:
            value, end = _DECODER.raw_decode(self.text, self.at)
            if self.ends(end):
                self.at = end
                return value
        except (ValueError, RecursionError):
            pass
        if depth > _DEEPEST:
            self.refuse(f"{self.rest[:20]!r} is nested too deeply")
        if _CALL.match(self.text, self.at):
            return table_of(*self.call(depth))
        if self.takes("["):
            return self.items(depth)
        word = _WORD.match(self.text, self.at)
        if word and self.ends(word.end()):
            self.at = word.end()
            return parse_value(word.group())
        hint = ""
        if word and self.text[word.end() : word.end() + 1] == "=":
            hint = ". A component inside another one has its arguments in brackets, as in focal(gamma=2)"
        return self.refuse(f"{self.rest!r} does not start with a JSON value or a bare word{hint}")

    def items(self, depth: int) -> list[Any]:
        """Return what stands between the ``[`` before and its ``]``."""
        found: list[Any] = []
        if self.takes("]"):
            return found
        while True:
            found.append(self.value(depth + 1))
            if self.takes("]"):
                return found
            if not self.takes(","):
                self.refuse(f"expected `,` or `]` at {self.rest!r}")

    def skip(self) -> None:
        """Pass over spaces."""
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at

    def takes(self, sign: str) -> bool:
        """Pass over ``sign``, and spaces before it, if it stands here; return whether it did."""
        space = _SPACE.match(self.text, self.at)
        end = space.end() if space else self.at
        if self.text[end : end + 1] != sign:
            return False
        self.at = end + 1
        return True

    def ends(self, at: int) -> bool:
        """Return whether a value may end at ``at``."""
        space = _SPACE.match(self.text, at)
        return self.text[(space.end() if space else at) :][:1] in ("", ",", ")", "]")

    def refuse(self, what: str) -> NoReturn:
        """Raise `UsageError` saying what was expected where, or which bracket or quote is not closed."""
        what = _unclosed(self.text) or what
        message = f"`{self.whole}` is not a component reference: {what}."
        raise UsageError(message)


def _unclosed(text: str) -> str:
    """Say which bracket or quote is not closed; an empty text where all are, or one is closed by another sign."""
    opened: list[int] = []
    quote = -1
    for at, sign in enumerate(text):
        if quote >= 0:
            quote = -1 if sign == '"' and text[at - 1] != "\\" else quote
        elif sign == '"':
            quote = at
        elif sign in _BRACKETS:
            opened.append(at)
        elif sign in _BRACKETS.values() and (not opened or _BRACKETS[text[opened.pop()]] != sign):
            return ""
    if quote < 0 and not opened:
        return ""
    at = quote if quote >= 0 else opened[-1]
    wanted = '"' if quote >= 0 else _BRACKETS[text[at]]
    before = f" after {text[max(0, at - _NEAR) : at]!r}" if at else ""
    return f"the `{text[at]}`{before} is not closed, and needs a `{wanted}`"


def _split_name(text: str, whole: str = "") -> tuple[str, str | None]:
    """Split ``[distribution:]name[:arguments]`` into the normalised name and the text of the arguments."""
    whole = whole or text
    head, colon, rest = text.strip().partition(":")
    if not colon:
        return _normal_name(head, whole), None
    second, colon, arguments = rest.partition(":")
    if "=" in second or not second:
        return _normal_name(head, whole), rest
    if not _DISTRIBUTION.fullmatch(head):
        message = f"`{whole}` is not a component reference: {head!r} is not a distribution's name."
        raise UsageError(message)
    return f"{canonical_distribution(head)}:{_normal_name(second, whole)}", arguments if colon else None


def _check_length(text: str) -> None:
    """Refuse what is longer than anybody writes, and would be read for minutes."""
    if len(text) > _LONGEST:
        message = f"`{text[:_SHOWN]}...` has {len(text):,} characters; the limit is {_LONGEST:,}."
        raise UsageError(message)


def _normal_name(name: str, whole: str) -> str:
    if len(name) > _LONGEST_NAME:
        message = f"`{name[:_SHOWN]}...` is no name: it has {len(name):,} characters; the limit is {_LONGEST_NAME}."
        raise UsageError(message)
    if not _NAME.fullmatch(name):
        factor = _FACTOR.search(whole)
        hint = f"; a factor is written with a `*`, as in {factor[1]}*{factor[2]}" if factor else ""
        message = (
            f"`{whole}` is not a component reference. It has the form name[:key=value,...], as in focal:gamma=2{hint}."
        )
        raise UsageError(message)
    # A class by its path, as `keras.losses.MeanSquaredError`, is filed and shown as it is written in Python.
    return name if "." in name else name.replace("-", "_").lower()


def _format_value(value: Any) -> str:
    if isinstance(value, str) and _WORD.fullmatch(value) and isinstance(parse_value(value), str):
        return value
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_format_value, value))}]"
    if isinstance(value, dict) and (call := _as_call(value)) is not None:
        name, arguments = call
        return f"{name}({format_arguments(arguments)})"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_in_words)


def _as_call(table: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return name and arguments of a table that a call stands for, or None for any other one."""
    name = table.get("name")
    if not isinstance(name, str):
        return None
    rest = {key: value for key, value in table.items() if key != "name"}
    if not all(isinstance(key, str) and _KEY.fullmatch(key) for key in rest):
        return None
    try:
        head, own = parse_reference(name)
    except UsageError:
        return None
    arguments = {**own, **rest}
    return (head, arguments) if table_of(head, arguments) == table else None


def _in_words(value: Any) -> str:
    """Return what stands in a message for an object that text cannot hold."""
    return f"<{getattr(value, 'name', None) or type(value).__name__}>"
