"""What a sample's pictures are drawn with is called once for the same arguments."""

import numpy as np
import pytest

from kzoo.data.drawn import drawn_once


def test_it_is_drawn_once_and_nobody_can_change_it():
    calls = []

    @drawn_once
    def draw(count, *, seed):
        """Return zeros."""
        calls.append((count, seed))
        return np.zeros((count, 2, 2, 3), "uint8"), np.arange(count)

    images, labels = draw(3, seed=1)
    assert draw(3, seed=1)[0] is images
    assert calls == [(3, 1)]
    assert len(draw(3, seed=2)[0]) == 3
    assert calls == [(3, 1), (3, 2)]
    for array in (images, labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert draw.__doc__ == "Return zeros."
