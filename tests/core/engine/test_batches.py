"""The order of the data is a function of seed, epoch and step."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from kzoo.data.splits import ArraySplit
from kzoo.engine.batches import Moment, TrainingBatches, ordered_batches
from kzoo.tasks.labels import label_encoder


@pytest.fixture
def split():
    return ArraySplit(np.arange(23)[:, None].astype("uint8"), np.arange(23) % 4)


def drawn(dataset):
    return [x.numpy().ravel().tolist() for x, _ in dataset]


def test_every_epoch_shows_every_example_once_in_another_order(split):
    epochs = drawn(TrainingBatches(split, 5, 0).dataset(3))
    assert [len(batch) for batch in epochs] == [5, 5, 5, 5, 3] * 3
    orders = [list(itertools.chain(*epochs[5 * e : 5 * e + 5])) for e in range(3)]
    assert all(sorted(order) == list(range(23)) for order in orders)
    assert orders[0] != orders[1] != orders[2]


def test_same_seed_same_order_other_seed_other_order(split):
    first, again, other = (drawn(TrainingBatches(split, 5, seed).dataset(2)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize(("epoch", "step"), [(0, 3), (1, 0), (1, 4), (2, 2)])
def test_it_goes_on_anywhere_with_the_batches_that_would_have_come(split, epoch, step):
    def noise(x, y, moment):
        random = tf.random.stateless_uniform(tf.shape(x), moment.seed, 0, 1000, tf.int64)
        return tf.cast(x, tf.int64) + random + moment.epoch + moment.step, y

    batches = TrainingBatches(split, 5, 3, augment=noise)
    whole = drawn(batches.dataset(3))
    assert drawn(batches.dataset(3, epoch=epoch, step=step)) == whole[5 * epoch + step :]


def test_augmentation_differs_from_step_to_step_and_epoch_to_epoch(split):
    seeds = []

    def note(x, y, moment):
        return tf.tile(moment.seed[None], [tf.shape(x)[0], 1]), y

    for x, _ in TrainingBatches(split, 5, 0, augment=note).dataset(2):
        seeds.append(tuple(x.numpy()[0].tolist()))
    assert len(set(seeds)) == 10


def test_replicas_share_every_batch_without_loss_or_repetition(split):
    batches = TrainingBatches(split, 6, 0)
    whole = drawn(batches.dataset(1))
    parts = [drawn(batches.dataset(1, shards=2, shard=range(k, k + 1))) for k in (0, 1)]
    for batch, left, right in zip(whole, *parts, strict=True):
        assert sorted(left + right) == sorted(batch)
    together = drawn(batches.dataset(1, shards=2, shard=range(2)))
    assert together == [part for pair in zip(*parts, strict=True) for part in pair]


def test_labels_in_each_form(split):
    dense = np.concatenate([y for _, y in ordered_batches(split, 5, label_encoder("dense", 4))])
    sparse = np.concatenate([y for _, y in ordered_batches(split, 5, label_encoder("sparse", 4))])
    np.testing.assert_array_equal(dense, np.eye(4)[split.y])
    np.testing.assert_array_equal(sparse, split.y)
    assert label_encoder("", 4) is None


def test_ordered_batches_keep_the_order(split):
    assert list(itertools.chain(*drawn(ordered_batches(split, 5)))) == list(range(23))


def test_pixels_stay_uint8_until_the_model(split):
    assert TrainingBatches(split, 5, 0).dataset(1).element_spec[0].dtype == tf.uint8


@pytest.mark.parametrize("augmented", [False, True])
def test_parts_of_several_processes_are_the_batches_of_one(split, augmented):
    def noise(x, y, moment):
        random = tf.random.stateless_uniform(tf.shape(x), moment.seed, 0, 1000, tf.int64)
        return tf.reverse(tf.cast(x, tf.int64) + random, [0]), y  # what an example becomes depends on the others

    batches = TrainingBatches(split, 5, 3, augment=noise if augmented else None, class_weight=np.arange(4.0))
    whole = list(batches.dataset(2, epoch=0, step=1))
    parts = [list(batches.part(2, index, 2, epoch=0, step=1)) for index in (0, 1)]
    assert len(whole) == len(parts[0]) == len(parts[1]) == 9
    for batch, (left, size), (right, other) in zip(whole, *parts, strict=True):
        assert int(size) == int(other) == len(batch[0])
        for one, even, odd in zip(batch, left, right, strict=True):
            np.testing.assert_array_equal(one[::2], even)
            np.testing.assert_array_equal(one[1::2], odd)


def test_a_process_without_a_part_has_the_first_example(split):
    batches = TrainingBatches(split, 22, 0)  # the last of an epoch has a single one
    (x, y), size = list(batches.part(1, 2, 3))[-1]
    assert (int(size), x.shape, y.shape) == (1, (1, 1), (1,))
    np.testing.assert_array_equal(x, list(batches.dataset(1))[-1][0])


def test_parts_in_order_are_the_ordered_batches(split):
    parts = [list(ordered_batches(split, 5, part=index, parts=3)) for index in range(3)]
    for whole, *divided in zip(ordered_batches(split, 5), *parts, strict=True):
        for index, ((x, y), size) in enumerate(divided):
            assert int(size) == len(whole[0])
            np.testing.assert_array_equal(x, whole[0][index::3])
            np.testing.assert_array_equal(y, whole[1][index::3])


def test_replicas_change_examples_as_one_does(split):
    def noise(x, y, moment):
        return tf.cast(x, tf.int64) + tf.random.stateless_uniform(tf.shape(x), moment.seed, 0, 1000, tf.int64), y

    batches = TrainingBatches(split, 6, 3, augment=noise)
    together = drawn(batches.dataset(1, shards=2, shard=range(2)))
    for whole, even, odd in zip(drawn(batches.dataset(1)), together[::2], together[1::2], strict=True):
        assert (whole[::2], whole[1::2]) == (even, odd)


def test_changes_of_others_may_ask_and_repeat_as_in_any_map_of_tf_data(split):
    """Python's `if` and `for` over tensors, which only TensorFlow's rewriting of a function understands."""

    def changed(x, y, moment):
        x = tf.cast(x, tf.int64)
        if moment.step % 2 == 0:
            x += 100
        for _ in tf.range(moment.epoch):
            x += 1000
        return x, y

    def encode(y, x):
        if tf.reduce_max(x) >= 1000:
            y = -y
        return y

    batches = TrainingBatches(split, 5, 3, augment=changed, labels=encode)
    plain = TrainingBatches(split, 5, 3)
    before = [(x.numpy().astype(int), y.numpy()) for x, y in plain.dataset(2)]
    found = [(x.numpy(), y.numpy()) for x, y in batches.dataset(2)]
    dataset = tf.data.Dataset.from_tensor_slices(
        (tf.stack([x for x, _ in before[:4]]), tf.stack([y for _, y in before[:4]]), tf.range(4, dtype=tf.int64))
    )
    by_tensorflow = dataset.map(
        lambda x, y, at: changed(x, y, Moment(tf.zeros(2, tf.int64), tf.zeros(2, tf.int64), tf.zeros([], tf.int64), at))
    )
    for (x, _), (expected, _) in zip(found[:4], by_tensorflow, strict=True):
        assert np.array_equal(x, expected)
    assert all(x.min() >= 1000 and (y <= 0).all() for x, y in found[5:])
    assert all((y >= 0).all() for _, y in found[:5])
    (_, last) = list(ordered_batches(split, 20, lambda y, x: -y if tf.reduce_max(x) > 19 else y))[-1]
    assert last.numpy().tolist() == [0, -1, -2]


def test_nothing_is_tuned_by_tensorflow_since_whoever_ends_that_waits_for_it(split):
    batches = TrainingBatches(split, batch_size=4, seed=0)
    made = (batches.dataset(2), batches.dataset(2, shards=2), batches.part(2, 0, 2), ordered_batches(split, 4))
    assert [one.options().autotune.enabled for one in made] == [False] * 4
