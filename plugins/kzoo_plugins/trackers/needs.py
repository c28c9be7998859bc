"""The packages that trackers behind an extra need."""

from __future__ import annotations

import importlib.util

from kzoo.errors import KzooError

__all__ = ["need"]


def need(package: str, what: str) -> None:
    """Raise `KzooError` where a package of the extra of the same name is not installed; it is not imported for that."""
    if importlib.util.find_spec(package) is None:
        message = (
            f'The tracker `{package}` needs {what}, which is not installed. Install it with `pip install "kzoo['
            f'{package}]"`, or leave the tracker out.'
        )
        raise KzooError(message)
