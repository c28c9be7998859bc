"""Python's search for garbage in cycles, put off while much is made that stays."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["kept"]


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Have Python search for no garbage in the block: modules are imported there, and hardly any of it is garbage.

    Each search goes through all that there is by then, which takes a twelfth of the processor's time of importing
    TensorFlow and Keras.
    """
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()
