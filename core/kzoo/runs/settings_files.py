"""Settings files: TOML of people and of runs, read within limits."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.files import read_regular
from kzoo.runs.layers import DEEPEST

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_toml"]

_LONGEST = 1_000_000  # bytes
# A dotted key of so many parts; tomllib takes room that grows with the square of their number.
_LONG_KEY = re.compile(rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{DEEPEST}}}""")


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file's values; raise `KzooError` with file and line where it cannot be read."""
    try:
        text = read_regular(path, _LONGEST).decode("utf-8-sig")  # editors put a byte order mark before it
        found = {} if (deep := _LONG_KEY.search(text) is not None) else tomllib.loads(text)
    except OSError as error:
        message = f"The settings file {path} cannot be read: {error.strerror}."
        raise KzooError(message) from error
    except ValueError as error:  # no TOML, no UTF-8, or a number of more digits than Python takes
        message = f"The settings file {path} is not valid TOML: {error}."
        raise KzooError(message) from error
    except RecursionError:
        deep = True
    if deep or _depth(found) > DEEPEST:
        message = (
            f"The settings file {path} is not valid TOML: it is nested too deeply, the limit being {DEEPEST} tables "
            "or lists in one another."
        )
        raise KzooError(message)
    return found


def _depth(value: Any) -> int:
    """Return how deep a value is, or `DEEPEST` and one where it is deeper than that."""
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        inside = [
            list(one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list))
        ]
        level, depth = [item for items in inside for item in items], depth + bool(inside)
    return depth
