"""Samples that are drawn: each once in a process, since a picture takes milliseconds and is often asked for again."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

__all__ = ["drawn_once"]

_P = ParamSpec("_P")


def drawn_once(
    draw: Callable[_P, tuple[np.ndarray, np.ndarray]],
) -> Callable[_P, tuple[np.ndarray, np.ndarray]]:
    """Keep what a function draws for the arguments of its last four calls; the arrays cannot be written to.

    Args:
        draw: From arguments that can be hashed to images and labels, the same for the same arguments.
    """

    @functools.lru_cache(maxsize=4)
    @functools.wraps(draw)
    def drawn(*args: _P.args, **kwargs: _P.kwargs) -> tuple[np.ndarray, np.ndarray]:
        images, labels = draw(*args, **kwargs)
        for array in (images, labels):
            array.flags.writeable = False  # it is everybody's
        return images, labels

    return cast("Callable[_P, tuple[np.ndarray, np.ndarray]]", drawn)
