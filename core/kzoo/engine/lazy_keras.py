"""What Keras imports beside itself and a training does not need comes when it is asked for, not when Keras does.

`keras.wrappers` imports scikit-learn, and with it scipy.stats, and `keras.visualization` imports pyplot, where these
are installed, as they are beside kzoo: together about a third of ``import keras``. `importlib.util.LazyLoader` is
Python's own way to put that off: the modules are there under their names, and are loaded when the first attribute of
them is read.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["put_off"]

_PUT_OFF = frozenset(
    {
        "keras._tf_keras.keras.visualization",
        "keras._tf_keras.keras.wrappers",
        "keras.src.visualization",
        "keras.visualization",
        "keras.wrappers",
    }
)


class _Finder:
    """Finds these modules where they are, and has them loaded when they are used."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _PUT_OFF:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


@contextlib.contextmanager
def put_off() -> Iterator[None]:
    """Have what is imported in the block leave these modules of Keras for later; those that are there stay."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
