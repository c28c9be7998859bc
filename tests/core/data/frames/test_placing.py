"""Labels of boxes that are near to each other."""

import numpy as np
import pytest

from kzoo.data.frames import Label, write_labels
from kzoo.data.frames.placing import place_labels

PICTURE = (480, 640)


def overlaps(places, sizes):
    """Return how many pixels two labels share, of all pairs."""
    covered = np.zeros(PICTURE, int)
    for (top, left), (height, width) in zip(places, sizes, strict=True):
        assert 0 <= top <= PICTURE[0] - height
        assert 0 <= left <= PICTURE[1] - width
        covered[top : top + height, left : left + width] += 1
    return int((covered > 1).sum())


def test_alone_it_stands_above_its_box_or_where_there_is_room():
    size = (20, 80)
    assert place_labels([size], [(100, 200, 300, 400)], PICTURE) == [(180, 100)]
    assert place_labels([size], [(100, 5, 300, 400)], PICTURE) == [(400, 100)]  # no room above: below
    assert place_labels([size], [(0, 0, 640, 480)], PICTURE) == [(0, 0)]  # neither: inside
    assert place_labels([size], [(600, 200, 640, 400)], PICTURE) == [(180, 560)]  # moved into the picture
    assert place_labels([], [], PICTURE) == []


@pytest.mark.parametrize("count", [2, 12, 60])
def test_none_hides_another(count):
    rng = np.random.default_rng(count)
    corners = np.array((250, 200)) + rng.uniform(-30, 30, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(60, 90, (count, 2))], 1)
    sizes = [(18, int(width)) for width in rng.integers(40, 110, count)]
    naive = [(int(y) - 18, int(x)) for x, y, _, _ in boxes]
    assert overlaps(naive, sizes) > 0
    places = place_labels(sizes, boxes, PICTURE)
    assert overlaps(places, sizes) == 0


def test_the_free_side_of_a_neighbour_is_taken():
    """Of two objects one above the other, the lower one's label does not hide the upper one."""
    upper, lower = (100, 100, 200, 200), (100, 205, 200, 300)
    (_, _), (top, left) = place_labels([(20, 60), (20, 60)], [upper, lower], PICTURE)
    assert (top, left) == (300, 100)


def test_more_labels_than_there_is_room_for_are_drawn_all_the_same():
    places = place_labels([(240, 320)] * 6, [(0, 0, 640, 480)] * 6, PICTURE)
    assert len(places) == 6
    assert overlaps(places[:4], [(240, 320)] * 4) == 0


def test_both_names_can_be_read_on_the_picture():
    grey = np.full((*PICTURE, 3), 128, np.uint8)
    box = (0.3, 0.3, 0.6, 0.6)
    red, blue = (Label("a name", background=color, around=box) for color in ((200, 0, 0), (0, 0, 200)))
    alone = [(write_labels(grey, [label], size=20) != 128).any(-1).sum() for label in (red, blue)]
    both = write_labels(grey, [red, blue], size=20)
    assert (both != 128).any(-1).sum() == sum(alone)
