"""Batches of P classes with K examples of each, by seed, epoch and step alone."""

import numpy as np
import pytest

from kzoo.data.splits import ArraySplit
from kzoo.engine.batches import TrainingBatches
from kzoo.engine.class_batches import class_batches
from kzoo.errors import UsageError

COUNTS = (8, 3, 20, 5, 5, 9, 4)
LABELS = np.repeat([3, 10, 11, 12, 20, 21, 40], COUNTS)  # not numbered from 0 on
SPLIT = ArraySplit(np.arange(len(LABELS))[:, None], LABELS)


def batches(per_class=3, batch_size=9, seed=0, split=SPLIT):
    return TrainingBatches(split, batch_size, seed, batch_order=class_batches(split.labels, per_class))


def drawn(dataset):
    return [(x.numpy().ravel(), y.numpy()) for x, y in dataset]


def test_every_batch_has_p_classes_and_k_different_examples_of_each():
    epoch = drawn(batches().dataset(1))
    assert len(epoch) == -(-len(LABELS) // 9)
    for x, y in epoch:
        classes, counts = np.unique(y, return_counts=True)
        assert (len(classes), set(counts)) == (3, {3})
        assert len(set(x)) == 9
        np.testing.assert_array_equal(y.reshape(3, 3), y[::3, None].repeat(3, axis=1))  # side by side


def test_in_an_epoch_classes_come_equally_often_and_their_examples_in_turn():
    epoch = drawn(batches(per_class=2, batch_size=4, split=ArraySplit(np.arange(48)[:, None], np.arange(48) % 4))
                  .dataset(1))  # fmt: skip
    seen = np.concatenate([x for x, _ in epoch])
    assert sorted(seen) == list(range(48))  # 12 steps: each of 4 classes in 6 of them, with 2 of its 12 each time


def test_a_class_with_fewer_than_k_repeats_its_examples():
    split = ArraySplit(np.arange(6)[:, None], np.array([0, 0, 0, 0, 1, 1]))
    for x, y in drawn(batches(per_class=4, batch_size=8, split=split).dataset(2)):
        assert sorted(x[y == 1]) == [4, 4, 5, 5]
        assert sorted(x[y == 0]) == [0, 1, 2, 3]


def test_with_few_classes_there_are_more_of_each():
    split = ArraySplit(np.arange(40)[:, None], np.arange(40) % 2)
    for _, y in drawn(batches(per_class=4, batch_size=20, split=split).dataset(1)):
        assert np.bincount(y).tolist() == [10, 10]


def test_the_order_is_another_in_every_epoch_and_seed_and_the_same_again():
    first, again, other = (drawn(batches(seed=seed).dataset(2)) for seed in (4, 4, 5))
    orders = [np.concatenate([x for x, _ in run]).tolist() for run in (first, again, other)]
    assert orders[0] == orders[1] != orders[2]
    half = len(orders[0]) // 2
    assert orders[0][:half] != orders[0][half:]


@pytest.mark.long_but_first
@pytest.mark.parametrize(("epoch", "step"), [(1, 4), (0, 3), (2, 0)])
def test_it_goes_on_anywhere_with_the_batches_that_would_have_come(epoch, step):
    whole, steps = drawn(batches().dataset(3)), batches().steps_per_epoch
    rest = drawn(batches().dataset(3, epoch=epoch, step=step))
    assert [x.tolist() for x, _ in rest] == [x.tolist() for x, _ in whole[epoch * steps + step :]]


def test_replicas_share_every_class():
    parts = [drawn(batches(per_class=4, batch_size=8).dataset(1, shards=2, shard=range(k, k + 1))) for k in (0, 1)]
    for (_, left), (_, right) in zip(*parts, strict=True):
        assert np.unique(left, return_counts=True)[1].tolist() == [2, 2]
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("labels", "batch_size", "said"),
    [
        (np.zeros(9, int), 8, "There is 1 class to learn from"),
        (np.arange(9) % 3, 7, "A batch of 7 .* with 4 examples of each class .* Take at least 8"),
    ],
)
def test_a_batch_with_nothing_to_compare_is_refused(labels, batch_size, said):
    split = ArraySplit(np.arange(9)[:, None], labels)
    with pytest.raises(UsageError, match=said):
        batches(per_class=4, batch_size=batch_size, split=split).dataset(1)
