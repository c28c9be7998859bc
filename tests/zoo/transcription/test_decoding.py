"""Logits to texts and probabilities: as TensorFlow's CTC has them, and by all paths where these are few."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo_zoo.transcription.decoding import beam_search, greedy, log_probabilities, steps_needed


def logits_of(count, steps, symbols, seed=0, scale=3.0):
    return np.random.default_rng(seed).normal(0, scale, (count, steps, symbols)).astype(np.float32)


def by_all_paths(logits):
    """Return the probability of every text of one sequence, summed over all paths that give it."""
    chances = np.asarray(tf.nn.softmax(logits.astype(np.float64)))
    found = {}
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        text = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)
        found[text] = found.get(text, 0) + np.prod(chances[np.arange(len(path)), path])
    return found


def test_the_most_probable_path_is_that_of_keras():
    logits = logits_of(40, 17, 6)
    paths, _ = keras.ops.ctc_decode(logits, np.full(40, 17, np.int32), strategy="greedy", mask_index=0)
    expected = [tuple(row[row > 0].tolist()) for row in np.asarray(paths)[0]]
    assert greedy(logits) == expected
    assert len(set(map(len, expected))) > 3


def test_a_blank_keeps_two_that_are_the_same_apart():
    path = [1, 1, 0, 1, 2, 2, 0, 0, 3]
    assert greedy(10.0 * np.eye(4)[path][None]) == [(1, 1, 2, 3)]
    assert greedy(10.0 * np.eye(4)[[0, 0]][None]) == [()]


def test_probabilities_are_those_of_the_loss():
    """Minus the logarithm of the probability of a text is what the network is trained by."""
    rng = np.random.default_rng(1)
    logits = logits_of(30, 14, 5)
    labels = np.zeros((30, 6), np.int32)
    texts = [rng.integers(1, 5, rng.integers(0, 7)).tolist() for _ in range(30)]
    for row, text in zip(labels, texts, strict=True):
        row[: len(text)] = text
    expected = keras.losses.CTC(reduction=None)(labels, logits)
    np.testing.assert_allclose(-log_probabilities(logits, texts), expected, rtol=2e-5)


def test_probabilities_of_all_texts_are_those_of_all_paths():
    logits = logits_of(1, 5, 3)[0]
    found = by_all_paths(logits)
    assert sum(found.values()) == pytest.approx(1)
    told = np.exp(log_probabilities(np.repeat(logits[None], len(found), 0), list(found)))
    np.testing.assert_allclose(told, list(found.values()), rtol=1e-6)


def test_a_text_that_has_no_room_has_no_probability():
    logits = logits_of(2, 3, 3)
    assert steps_needed((1, 1)) == 3
    assert steps_needed((1, 1, 2)) == 4
    assert np.isneginf(log_probabilities(logits, [(1, 1, 2), (1, 2, 1, 2)])).all()
    assert np.isfinite(log_probabilities(logits, [(1, 1), ()])).all()


def test_a_wide_beam_finds_the_most_probable_texts():
    for seed in range(6):
        logits = logits_of(1, 5, 3, seed, scale=1.0)
        ranked = sorted(by_all_paths(logits[0]).items(), key=lambda item: -item[1])
        assert beam_search(logits, 200, 9)[0] == [text for text, _ in ranked[:4]]  # five steps


def test_a_beam_finds_what_the_best_path_misses():
    """The path of blanks is the most probable one, and together those of the symbol are more so."""
    chances = np.array([[0.55, 0.45], [0.55, 0.45]])
    logits = np.log(chances)[None]
    assert greedy(logits) == [()]
    assert beam_search(logits, 10, 1) == [[(1,)]]
    assert np.exp(log_probabilities(logits, [(1,)])) == pytest.approx(1 - 0.55**2)
