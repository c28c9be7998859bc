"""Average precision by Pascal VOC's rules."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from kzoo.detection import TruthImage
from kzoo.detection.voc import ClassCurve, average_precision, eleven_point_average_precision, voc_curves


class Seen:
    def __init__(self, boxes, labels, scores):
        self.boxes = np.array(boxes, float).reshape(-1, 4)
        self.labels, self.scores = np.array(labels, int), np.array(scores, float)


def image(boxes, labels, **marks):
    return TruthImage(name="x", boxes=np.array(boxes, float).reshape(-1, 4), labels=np.array(labels, int), **marks)


BOX, FAR = [0, 0, 10, 10], [50, 50, 60, 60]

# R. Padilla's example (github.com/rafaelpadilla/Object-Detection-Metrics): 15 objects, 24 boxes in the order of their
# scores, right (1) or wrong (0). It gives 26.84 % over eleven recalls and 24.56 % over the curve.
PADILLA = [1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]


def curve(right, objects):
    right = np.cumsum(right)
    count = np.arange(1, len(right) + 1)
    return ClassCurve(np.linspace(0.95, 0.05, len(right)), right / count, right / objects, objects)


def test_a_perfect_detector():
    found = voc_curves([image([BOX, FAR], [0, 0])], [Seen([FAR, BOX], [0, 0], [0.3, 0.9])], 1)[0]
    assert average_precision(found) == eleven_point_average_precision(found) == 1.0


def test_where_every_object_is_found_it_is_the_area_under_the_highest_precision():
    # scikit-learn's area is that of the raw curve: the same where precision falls only.
    right = [1, 1, 1, 0, 0, 0, 1]
    found = curve(right, 4)
    scores = np.linspace(1, 0, len(right))
    assert average_precision(found) == pytest.approx(average_precision_score(right, scores))


def test_each_object_is_found_once_the_surest_first():
    found = voc_curves([image([BOX], [0])], [Seen([BOX, BOX], [0, 0], [0.4, 0.8])], 1)[0]
    assert found.scores.tolist() == [0.8, 0.4]
    assert found.precision.tolist() == [1.0, 0.5]


def test_a_box_belongs_to_the_object_that_it_overlaps_most_even_where_that_is_taken():
    near = [0, 0, 10, 9]
    seen = Seen([BOX, [0, 0, 10, 10.5]], [0, 0], [0.9, 0.8])
    assert voc_curves([image([BOX, near], [0, 0])], [seen], 1)[0].precision.tolist() == [1.0, 0.5]


def test_what_is_difficult_or_a_crowd_counts_neither_way():
    seen = [Seen([BOX, FAR], [0, 0], [0.9, 0.8])]
    for marks in ({"difficult": np.array([1, 0])}, {"crowd": np.array([1, 0])}):
        found = voc_curves([image([BOX, FAR], [0, 0], **marks)], seen, 1)[0]
        assert (found.objects, found.precision.tolist(), found.recall.tolist()) == (1, [1.0], [1.0])


def test_another_class_is_no_match():
    found = voc_curves([image([BOX], [0])], [Seen([BOX], [1], [0.9])], 2)
    assert average_precision(found[0]) == 0.0
    assert np.isnan(average_precision(found[1]))
    assert found[0].at(0.5) == (pytest.approx(np.nan, nan_ok=True), 0.0)


def test_nothing_to_find():
    empty = voc_curves([image([], [])], [Seen([], [], [])], 1)[0]
    assert np.isnan(average_precision(empty))
    assert np.isnan(eleven_point_average_precision(empty))


def test_a_published_example():
    found = curve(PADILLA, 15)
    assert round(eleven_point_average_precision(found), 4) == 0.2684
    assert average_precision(found) == pytest.approx(0.2456, abs=1e-4)
