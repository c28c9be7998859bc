"""A window with the annotated frames, where OpenCV has one and there is a screen."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from kzoo.data.frames import Source

__all__ = ["Window"]

_CLOSING = frozenset({ord("q"), ord("Q"), 27})


class Window:
    """A window that shows one frame after the other.

    Args:
        title: What stands above it.
        cv2: The module to show them with.
        instead: What a user without a screen can do, as the end of an error; empty for nothing.

    Attributes:
        closed: Whether the user closed it.

    Raises:
        UsageError: There is no screen, or this OpenCV cannot open windows.
    """

    def __init__(self, title: str, cv2: Any = None, *, instead: str = "") -> None:
        from kzoo.data.frames.video import opencv

        self._cv2 = cv2 or opencv()
        self.title = title
        self.closed = False
        # Where there is no screen, some of OpenCV's windows end the whole process: ask before.
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            message = "--show needs a screen, and there is none here: DISPLAY is not set."
            message += f" Or {instead}." if instead else ""
            raise UsageError(message)
        try:
            self._cv2.namedWindow(title, self._cv2.WINDOW_NORMAL)
        except Exception as error:
            message = (
                "--show needs an OpenCV with windows, and the installed one is built without (opencv-python-headless). "
                "`pip uninstall opencv-python-headless`, then `pip install opencv-python`"
            )
            message += f"; or {instead}." if instead else "."
            raise UsageError(message) from error

    def show(self, pixels: np.ndarray, source: Source) -> bool:
        """Show a picture, an image until a key is pressed; return False once the user closed the window."""
        self._cv2.imshow(self.title, self._cv2.cvtColor(pixels, self._cv2.COLOR_RGB2BGR))
        key = self._cv2.waitKey(0 if source.kind == "images" else 1)
        gone = self._cv2.getWindowProperty(self.title, self._cv2.WND_PROP_VISIBLE) < 1
        self.closed = gone or (key >= 0 and key & 0xFF in _CLOSING)
        return not self.closed

    def close(self) -> None:
        """Close the window."""
        self._cv2.destroyAllWindows()
