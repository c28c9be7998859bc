"""Frames of a camera into a folder of labelled pictures, none of them ever written over another."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PIL import Image

from kzoo.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

__all__ = ["Recorder"]

_QUALITY = 95


class Recorder:
    """Writes pictures of one label: ``folder/label/20261124T081530Z-00042.jpg``, by time and frame.

    Args:
        folder: The data folder; it and the label's folder are made for the first picture.
        label: The name of the label's folder.
        now: The time that the names begin with.

    Attributes:
        folder: The label's folder.
        written: How many pictures were written.

    Raises:
        UsageError: A label that is no name of a folder.
    """

    def __init__(self, folder: Path, label: str, *, now: Callable[[], datetime] | None = None) -> None:
        if not re.fullmatch(r"\w[\w .+-]*", label):
            message = (
                f"`{label}` cannot be the name of a folder: a label has letters, digits, `_`, `-`, `.` and spaces."
            )
            raise UsageError(message)
        self.folder = folder / label
        self.written = 0
        self._session = f"{(now or _now)():%Y%m%dT%H%M%SZ}"

    def write(self, index: int, pixels: np.ndarray) -> Path:
        """Write one picture, RGB, uint8 of shape (H, W, 3), under a name that no file has; return its path.

        Raises:
            DataError: It, or the folder, cannot be written.
        """
        self._make_folder()
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=_QUALITY, subsampling=0)
        number = 1
        while True:
            again = "" if number == 1 else f"-{number}"
            path = self.folder / f"{self._session}-{index:05d}{again}.jpg"
            try:
                with path.open("xb") as file:  # fails where there is one, also if another process was faster
                    file.write(stream.getvalue())
            except FileExistsError:
                number += 1
            except OSError as error:
                path.unlink(missing_ok=True)  # half a picture would be one that cannot be read
                message = f"{path} cannot be written: {error.strerror}."
                raise DataError(message) from error
            else:
                self.written += 1
                return path

    def _make_folder(self) -> None:
        if self.written:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"The folder {self.folder} cannot be made: {error.strerror}."
            raise DataError(message) from error


def _now() -> datetime:
    return datetime.now(UTC)
