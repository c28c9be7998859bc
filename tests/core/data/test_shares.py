"""Examples set aside class by class, beside what scikit-learn takes."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedShuffleSplit

from kzoo.data.shares import class_labels, rare_classes, set_aside
from kzoo.data.splits import ArraySplit


def counts(labels, classes):
    return np.bincount(labels, minlength=classes)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("members", "count"), [((500, 300, 200), 100), ((97, 41, 11, 5), 31), ((1000, 20, 20), 104)])
def test_of_each_class_as_many_as_scikit_learn_takes(members, count, seed):
    labels = np.random.default_rng(9).permutation(np.repeat(np.arange(len(members)), members))
    taken = set_aside(labels, len(labels), count, (seed, 1))
    ((train, test),) = StratifiedShuffleSplit(1, test_size=count, random_state=seed).split(labels, labels)
    np.testing.assert_array_equal(counts(labels[taken], len(members)), counts(labels[test], len(members)))
    np.testing.assert_array_equal(counts(labels[~taken], len(members)), counts(labels[train], len(members)))


@pytest.mark.parametrize("count", [1, 3, 10, 50, 96])
@pytest.mark.parametrize("seed", range(5))
def test_every_class_keeps_an_example_and_a_single_one_stays(count, seed):
    labels = np.array([0] * 90 + [1] * 5 + [2] * 2 + [3] * 1 + [7] * 2)
    taken = set_aside(labels, 100, count, (seed,))
    assert taken.sum() == count
    if count <= 95:
        assert set(labels[~taken]) == {0, 1, 2, 3, 7}


def test_the_seed_alone_decides():
    labels = np.arange(1000) % 7
    one, same, other = (set_aside(labels, 1000, 100, (seed, 5)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    free = set_aside(None, 1000, 100, (1, 5))
    assert free.sum() == 100


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("members", "count"),
    [([8] * 12, 10), ([8] * 12, 9), ([3] * 5, 4), ([1, 1, 5], 2), ([40, 8, 8, 8], 6), ([2] * 9, 3)],
)
def test_what_is_set_aside_has_two_of_a_class_or_none_where_that_can_be(members, count, seed):
    labels = np.random.default_rng(9).permutation(np.repeat(np.arange(len(members)), members))
    before, taken, left = (set_aside(labels, len(labels), count, (seed, 1), paired) for paired in ("", "aside", "left"))
    assert taken.sum() == left.sum() == count
    possible = max(members) > 2
    assert (1 in counts(labels[taken], len(members))) != possible
    assert (counts(labels[~taken], len(members)) >= 1).all()
    some = counts(labels[before], len(members))
    kept = (some > 1) & (some == counts(labels[taken], len(members)))
    np.testing.assert_array_equal(before[kept[labels]], taken[kept[labels]])
    few = set_aside(labels, len(labels), len(labels) - count, (seed, 1), "left")
    assert (1 in counts(labels[~few], len(members))) != possible


def test_where_no_class_has_a_single_one_pairs_change_nothing():
    labels = np.random.default_rng(9).permutation(np.repeat(np.arange(40), 20))
    for paired in ("aside", "left"):
        np.testing.assert_array_equal(set_aside(labels, 800, 80, (3, 1), paired), set_aside(labels, 800, 80, (3, 1)))


def test_rare_classes_the_rarest_first():
    assert rare_classes(np.array([0] * 20 + [1] * 9 + [3] + [4] * 10), "abcde") == {"c": 0, "d": 1, "b": 9}
    assert rare_classes(np.array([0] * 7 + [1] * 6 + [2] * 3), "abc") == {"c": 3}
    assert rare_classes(np.array([0] * 7 + [1] * 7), "ab") == {}


@pytest.mark.parametrize(
    ("y", "names", "classes"),
    [
        (np.array([0, 1, 1]), "ab", True),
        (np.array([[0], [1], [1]]), "ab", True),
        (np.array([0, 1, 1]), (), False),
        (np.array([0.5, 1.0, 2.0]), "ab", False),
        (np.zeros((3, 4), int), "ab", False),
    ],
)
def test_labels_that_are_one_class_each(y, names, classes):
    found = class_labels(ArraySplit(np.zeros((3, 1)), y), names)
    assert (found is not None) == classes
    if classes:
        assert found.tolist() == [0, 1, 1]
