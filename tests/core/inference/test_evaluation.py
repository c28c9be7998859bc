"""Data that a model is measured on, beside the classes that it knows."""

from types import SimpleNamespace

import numpy as np
import pytest

from kzoo.data.splits import ArraySplit, Provenance, Splits
from kzoo.engine.listener import Silent
from kzoo.errors import UsageError
from kzoo.inference.test_data import _in_known_classes
from kzoo.models.card import ModelCard
from kzoo.tasks import task_named


class Warned(Silent):
    """A listener that keeps warnings."""

    def __init__(self):
        self.warned = []

    def warn(self, text):
        self.warned.append(text)


def in_known_classes(names, labels, known, listener):
    split = ArraySplit(np.arange(len(labels))[:, None], np.asarray(labels))
    splits = Splits(split, None, split, tuple(names), Provenance("x", "path", "some files"))
    saved = SimpleNamespace(card=ModelCard(class_names=tuple(known)))
    return _in_known_classes(saved, task_named("classification"), splits, listener)


def test_classes_that_the_data_lacks_keep_their_places_and_that_is_said():
    listener = Warned()
    found = in_known_classes("dc", [0, 1, 1, 0], "abcd", listener)
    assert found.class_names == tuple("abcd")
    assert found.test.labels.tolist() == [3, 2, 2, 3]
    x, y = found.test.fetch([2, 0])
    assert (np.asarray(x).tolist(), np.asarray(y).tolist()) == ([[2], [0]], [2, 3])
    assert found.test.take(np.array([1, 3])).labels.tolist() == [2, 3]
    assert found.test.join(found.test).labels.tolist() == [3, 2, 2, 3] * 2
    assert found.test.digest() == found.train.digest()  # of what was read
    assert listener.warned == ["The data (some files) has no example of a, b."]


@pytest.mark.parametrize(("names", "reason"), [("abe", "knows the classes a, b, c, d"), ("bacd", "in another order")])
def test_other_classes_are_refused(names, reason):
    with pytest.raises(UsageError, match=reason):
        in_known_classes(names, [0], "abcd", Warned())
