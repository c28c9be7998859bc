"""Videos of known colours, written by OpenCV itself."""

import cv2
import numpy as np
import pytest

RED, GREEN, BLUE = (220, 20, 30), (20, 200, 40), (30, 20, 210)


def write_film(path, colors=(RED, GREEN, BLUE), *, size=(64, 48), rate=25.0, code="mp4v"):
    """Write one plain frame of each colour (RGB)."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*code), rate, size)
    assert writer.isOpened()
    for color in colors:
        writer.write(np.full((size[1], size[0], 3), color[::-1], np.uint8))
    writer.release()
    return path


@pytest.fixture
def film(tmp_path):
    """Return a function that writes a film into the test's folder."""
    return lambda name="a.mp4", **options: write_film(tmp_path / name, **options)
