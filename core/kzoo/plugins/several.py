"""Several components in one text, as ``--track`` takes them: ``tensorboard,mlflow:uri=sqlite:///a.db,experiment=b``.

A comma parts two components unless ``key=`` stands behind it: that is an argument of the component before.
"""

from __future__ import annotations

import re

from kzoo.plugins.reference import Reference

__all__ = ["begun_references", "references_in"]

_ARGUMENT = re.compile(r"\s*[A-Za-z_]\w*=")


def references_in(text: str) -> list[Reference]:
    """Return the components that a text names, in order.

    Example:
        >>> [str(one) for one in references_in("tensorboard, mlflow:uri=sqlite:///a.db,experiment=b,wandb")]
        ['tensorboard', 'mlflow:uri=sqlite:///a.db,experiment=b', 'wandb']

    Raises:
        UsageError: One of them is malformed.
    """
    return [Reference.parse(one.strip()) for one in _parts(text)]


def begun_references(text: str) -> list[tuple[str, str]]:
    """Return what of an unfinished text stands before its last component, and that component, as far as it is typed.

    Behind the comma after an argument there are two ways to go on: another component, or another argument.

    Example:
        >>> begun_references("tensorboard,ml"), begun_references("mlflow:uri=a,wa")
        ([('tensorboard,', 'ml')], [('mlflow:uri=a,', 'wa'), ('', 'mlflow:uri=a,wa')])
    """
    *others, last = _parts(text)
    before = "".join(f"{one}," for one in others)
    if others and ":" in others[-1] and not set(last) & set(":=("):
        return [(before, last), ("".join(f"{one}," for one in others[:-1]), f"{others[-1]},{last}")]
    return [(before, last)]


def _parts(text: str) -> list[str]:
    """Return the text of each component."""
    found: list[str] = []
    for piece in _at_commas(text):
        if found and _ARGUMENT.match(piece):
            found[-1] = f"{found[-1]},{piece}"
        else:
            found.append(piece)
    return found


def _at_commas(text: str) -> list[str]:
    """Split a text at the commas that stand neither in brackets nor in quotes."""
    pieces, depth, quoted = [""], 0, False
    for at, sign in enumerate(text):
        if sign == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth <= 0 and not quoted:
            pieces.append("")
        else:
            pieces[-1] += sign
    return pieces
