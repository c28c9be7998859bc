"""What each object was taken for."""

import numpy as np

from kzoo.detection import TruthImage
from kzoo.detection.confusion import confusion_matrix, pair


class Seen:
    def __init__(self, boxes, labels, scores):
        self.boxes = np.array(boxes, float).reshape(-1, 4)
        self.labels, self.scores = np.array(labels, int), np.array(scores, float)


def image(boxes, labels, **marks):
    boxes = np.array(boxes, float).reshape(-1, 4)
    return TruthImage(name="x", boxes=boxes, labels=np.array(labels, int), **marks)


A, B, C = [0, 0, 10, 10], [50, 50, 60, 60], [80, 0, 90, 10]


def test_right_confused_missed_and_of_nothing():
    truth = [image([A, B, C], [0, 1, 1])]
    found = [Seen([A, B, [30, 30, 40, 40]], [0, 0, 1], [0.9, 0.8, 0.7])]
    counts = confusion_matrix(truth, found, 2)
    assert counts.tolist() == [[1, 0, 0], [1, 0, 1], [0, 1, 0]]
    assert pair(truth[0], found[0]).wrong == 3


def test_unsure_boxes_do_not_count():
    assert confusion_matrix([image([A], [0])], [Seen([A], [0], [0.25])], 1).tolist() == [[0, 1], [0, 0]]


def test_the_closer_of_two_boxes_is_the_partner():
    found = Seen([[0, 0, 10, 8], A], [0, 0], [0.9, 0.5])
    pairs = pair(image([A], [0]), found)
    assert pairs.partner.tolist() == [-1, 0]


def test_of_two_boxes_in_one_place_the_one_of_the_right_class_is_the_partner():
    pairs = pair(image([A], [1]), Seen([A, A], [0, 1], [0.9, 0.5]))
    assert pairs.partner.tolist() == [-1, 0]
    assert pairs.wrong == 1


def test_difficult_objects_need_not_be_found_and_may_be():
    for seen in ([], [A]):
        found = Seen(seen, [0] * len(seen), [0.9] * len(seen))
        pairs = pair(image([A], [0], difficult=np.array([1])), found)
        assert (pairs.wrong, len(pairs.seen), len(pairs.missed)) == (0, 0, 0)


def test_several_boxes_in_a_crowd_are_no_errors():
    found = Seen([[0, 0, 5, 5], [5, 5, 10, 10], B], [0, 0, 0], [0.9, 0.8, 0.7])
    assert pair(image([A], [0], crowd=np.array([1])), found).wrong == 1


def test_empty_pictures():
    assert confusion_matrix([image([], [])], [Seen([], [], [])], 2).sum() == 0
    assert confusion_matrix([image([], [])], [Seen([A], [1], [0.9])], 2).tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
