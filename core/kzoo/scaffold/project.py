"""What a new plugin is called: one name is given, the others follow from it."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata
from dataclasses import dataclass

from kzoo._version import __version__
from kzoo.errors import UsageError
from kzoo.plugins.reference import canonical_distribution

__all__ = ["KINDS", "LICENSES", "Project", "plan"]

KINDS = ("loss", "metric", "optimizer", "regularizer", "tracker")
"""The kinds of component that there are templates for."""

LICENSES = ("Apache-2.0", "MIT", "BSD-3-Clause", "none")
"""The licenses whose text can be written, by their SPDX names."""

_DISTRIBUTION = re.compile(r"[a-z0-9]|[a-z0-9][a-z0-9._-]*[a-z0-9]", re.IGNORECASE | re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_AUTHOR = re.compile(r"([^<>]*[^<>\s])\s*<([^<>\s]+@[^<>\s]+)>|([^<>]+)")
_TAKEN = frozenset({"kzoo", "kzoo_plugins", "kzoo_zoo", "tests"})


@dataclass(frozen=True, kw_only=True)
class Project:
    """A plugin to be written.

    Attributes:
        distribution: The name on PyPI, in its canonical spelling.
        package: The import package.
        kind: One of `KINDS`.
        name: The component's name on the command line.
        class_name: The component's class.
        license: One of `LICENSES`.
        author: Who wrote it; empty where nobody was named.
        email: The author's address; empty where none was given.
        requires: The oldest version of kzoo that it is said to work with.
    """

    distribution: str
    package: str
    kind: str
    name: str
    class_name: str
    license: str
    author: str
    email: str
    requires: str

    @property
    def qualified(self) -> str:
        """The name that finds the component whatever else is installed."""
        return f"{self.distribution}:{self.name}"

    @property
    def flag(self) -> str:
        """The option of ``kzoo run`` that takes the component."""
        return "--track" if self.kind == "tracker" else f"--{self.kind}"


def plan(
    distribution: str,
    *,
    kind: str = "loss",
    name: str = "",
    license: str = "Apache-2.0",  # noqa: A002 - what pyproject.toml calls it
    author: str = "",
    requires: str = __version__,
) -> Project:
    """Return the project that a distribution's name stands for.

    Args:
        distribution: The name on PyPI.
        kind: One of `KINDS`.
        name: The component's name; by default the distribution's, without ``kzoo-`` and without the kind at its end.
        license: One of `LICENSES`.
        author: A name, or a name with an address: ``Ada Lovelace <ada@example.org>``.
        requires: The oldest version of kzoo that it is to work with.

    Raises:
        UsageError: A name that cannot be used, or a kind or license that there is no template for.

    Example:
        >>> plan("kzoo-focal-loss").name
        'focal'
        >>> plan("kzoo-hit-rate", kind="metric").class_name
        'HitRateMetric'
    """
    _among(kind, KINDS, "--kind")
    _among(license, LICENSES, "--license")
    distribution = _distribution(distribution)
    package = _package(distribution)
    name = _component(name or _default_name(distribution, kind))
    person, email = _author(author)
    return Project(
        distribution=distribution,
        package=package,
        kind=kind,
        name=name,
        class_name=_class_name(name, kind),
        license=license,
        author=person,
        email=email,
        requires=requires,
    )


def _among(value: str, known: tuple[str, ...], option: str) -> None:
    if value not in known:
        message = f"{option} takes {', '.join(known)}, not `{value}`."
        raise UsageError(message)


def _distribution(text: str) -> str:
    if not _DISTRIBUTION.fullmatch(text):
        message = (
            f"`{text}` cannot be the name of a distribution: it takes letters, digits, `-`, `_` and `.`, and starts "
            "and ends with a letter or a digit, as in kzoo-my-loss."
        )
        raise UsageError(message)
    return canonical_distribution(text)


def _package(distribution: str) -> str:
    package = distribution.replace("-", "_")
    if not package.isidentifier() or keyword.iskeyword(package):
        why = "it is a word of the language" if keyword.iskeyword(package) else "a module's starts with a letter"
        message = f"`{distribution}` would be imported as `{package}`, which Python refuses: {why}."
        raise UsageError(message)
    if package in _TAKEN or package in sys.stdlib_module_names:
        message = f"`{distribution}` would be imported as `{package}`, which is taken. A name like kzoo-my-loss is not."
        raise UsageError(message)
    return package


def _default_name(distribution: str, kind: str) -> str:
    short = distribution.removeprefix("kzoo-")
    return short.removesuffix(f"-{kind}").replace("-", "_")


def _component(text: str) -> str:
    name = text.replace("-", "_").lower()
    if not _NAME.fullmatch(name):
        message = (
            f"`{text}` cannot be the name of a component: it takes lower case letters, digits and `_`, and starts with "
            "a letter. Give one with --name."
        )
        raise UsageError(message)
    return name


def _class_name(name: str, kind: str) -> str:
    words = [word.capitalize() for word in name.split("_") if word]
    if words[-1] != kind.capitalize():
        words.append(kind.capitalize())
    return "".join(words)


def _author(text: str) -> tuple[str, str]:
    """Split ``name <address>``; either part ends up in files where a control character would break a line."""
    text = " ".join(text.split())
    found = _AUTHOR.fullmatch(text)
    if text and (not found or any(unicodedata.category(letter) == "Cc" for letter in text)):
        message = f"--author takes a name, or a name with an address: Ada Lovelace <ada@example.org>, not {text!r}."
        raise UsageError(message)
    if not found:
        return "", ""
    return (found[1] or found[3]).strip(), found[2] or ""
