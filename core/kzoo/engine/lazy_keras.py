"""What Keras imports beside itself and a training does not need comes when it is asked for, not when Keras does.

`keras.wrappers` imports scikit-learn, and with it scipy.stats, and `keras.visualization` imports pyplot, where these
are installed, as they are beside kzoo: together about a third of ``import keras``. Here these modules are there under
their names, and are loaded when something in them is asked for. Python's own `importlib.util.LazyLoader` does that too,
but for any attribute, and TensorFlow asks every module for its ``__file__`` before the first step.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from importlib.abc import Loader
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec

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
_loading = threading.RLock()


class _Later(ModuleType):
    """A module that has what the import system gives it, and is loaded when anything else is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name != "__all__":
            raise AttributeError(name)
        self._load()
        return getattr(self, name)

    def __dir__(self) -> Any:
        self._load()
        return dir(self)

    def _load(self) -> None:
        with _loading:
            if type(self) is _Later:
                self.__class__ = ModuleType  # type: ignore[assignment]
                loader = self.__spec__.loader if self.__spec__ else None
                assert isinstance(loader, _Loader)
                loader.load(self)


class _Loader(Loader):
    """Makes a module, and leaves it to be loaded by the loader that it has."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Later

    def load(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)


class _Finder:
    """Finds these modules where they are, and puts their loading off."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _PUT_OFF:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


@contextlib.contextmanager
def put_off() -> Iterator[None]:
    """Have what is imported in the block leave these modules of Keras for later; those that are there stay."""
    finder: Any = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
