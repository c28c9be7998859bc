"""The averages themselves, against torch's, and what comes with them: swaps, batch normalization."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from agreement.collect import cases_of
from agreement.measure import relative

import kzoo
from kzoo.plugins.build import build
from kzoo_plugins.optimizers.averaging import StochasticWeightAveraging, recompute_batch_norm

CASES = [case for name in ("swa", "schedule_free_sgd", "schedule_free_adamw") for case in cases_of("optimizer")[name]]


@pytest.mark.long_but_first(4)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_averages_agree_with_the_reference_and_the_training_weights_come_back(case):
    starts = [case.inputs[f"start{at}"] for at in range(3)]
    weights = [keras.Variable(start) for start in starts]
    gradients = [tf.constant(case.inputs[f"gradients{at}"]) for at in range(3)]
    optimizer = build("optimizer", case.component)
    optimizer.build(weights)

    @tf.function(autograph=False)
    def apply(step):
        optimizer.apply([g[step] for g in gradients], weights)

    recorded = [int(step) for step in case.expected["steps"]]
    for step in range(1, max(recorded) + 1):
        apply(tf.constant(step - 1))
        if step in recorded:
            before = [np.asarray(w) for w in weights]
            assert optimizer.swap_weights(True) is False
            for at, weight in enumerate(weights):
                assert relative(weight, case.expected[f"average{at}"][recorded.index(step)]) < 1e-5
            optimizer.swap_weights(True)
            assert optimizer.swap_weights(False) is optimizer.has_averages()
            for weight, value in zip(weights, before, strict=True):
                np.testing.assert_array_equal(weight, value)


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize("component", ["swa:inner=sgd,period=1", "schedule_free_sgd", "schedule_free_adamw"])
@pytest.mark.parametrize("options", [{}, {"jit_compile": True}])
def test_a_step_puts_the_training_weights_back_first(component, options):
    one, other = (steps_of(component, options, swapped) for swapped in ((), (0, 3)))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def steps_of(component, options, swapped):
    """Take six steps, with a swap after those in ``swapped``; return all variables."""
    weight, optimizer = keras.Variable(np.ones((3, 2), "float32")), kzoo.optimizer(component)
    optimizer.build([weight])

    @tf.function(autograph=False, **options)
    def apply(number):
        optimizer.apply([tf.reshape(tf.range(6.0), (3, 2)) - number], [weight])

    for number in range(6):
        apply(tf.constant(number, "float32"))
        if number in swapped:
            optimizer.swap_weights(True)
    return [np.asarray(v) for v in [weight, *optimizer.variables]]


def test_before_the_first_average_nothing_is_swapped():
    weight = keras.Variable(np.ones(2, "float32"))
    optimizer = StochasticWeightAveraging("sgd", start=2, period=2)
    assert optimizer.swap_weights(True) is False
    for step in range(1, 6):
        optimizer.apply([keras.ops.ones(2)], [weight])
        before = np.asarray(weight)
        optimizer.swap_weights(True)
        assert np.array_equal(before, weight) == (step < 5), "the first average is of the weights of step 4"
        assert optimizer.swap_weights(False) is (step >= 4)


def test_accumulated_gradients_count_as_one_step():
    weight = keras.Variable(np.zeros(1, "float32"))
    inner = keras.optimizers.SGD(1.0, gradient_accumulation_steps=2)
    optimizer = StochasticWeightAveraging(inner, period=1)
    for _ in range(7):  # three steps and a half: -1, -2, -3
        optimizer.apply([keras.ops.ones(1)], [weight])
    optimizer.swap_weights(True)
    assert float(weight[0]) == -2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": -1}, "`start` must be a whole number of at least 0"),
        ({"period": 0}, "`period` must be a whole number of at least 1"),
        ({"inner": keras.optimizers.SGD(0.1, use_ema=True)}, "keeps an average of the weights itself"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        StochasticWeightAveraging(**{"inner": "sgd", **arguments})


@pytest.mark.parametrize("inner", ["swa:inner=sgd", "schedule_free_sgd"])
def test_an_average_of_an_average_is_refused(inner):
    with pytest.raises(ValueError, match="keeps an average of the weights itself"):
        StochasticWeightAveraging(kzoo.optimizer(inner))


def test_statistics_of_batch_normalization_are_those_of_one_pass():
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([keras.layers.Dense(4), keras.layers.BatchNormalization(momentum=0.5)])
    model = keras.Sequential([keras.Input((3,)), inner, keras.layers.Dropout(0.5), keras.layers.BatchNormalization()])
    batches = [np.random.default_rng(at).normal(size=(8, 3)).astype("float32") for at in range(5)]
    norm = inner.layers[1]
    seeds = [np.asarray(v) for v in model.layers[1].non_trainable_variables]
    weights = [np.asarray(w) for w in model.trainable_weights]
    assert recompute_batch_norm(model, [(x, None) for x in batches]) == 5
    outputs = [x @ np.asarray(inner.layers[0].kernel) for x in batches]
    np.testing.assert_allclose(norm.moving_mean, np.mean([o.mean(0) for o in outputs], 0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, np.mean([o.var(0) for o in outputs], 0), rtol=1e-4)
    assert norm.momentum == 0.5
    for saw, wanted in zip(model.layers[1].non_trainable_variables, seeds, strict=True):
        np.testing.assert_array_equal(saw, wanted)
    for saw, wanted in zip(model.trainable_weights, weights, strict=True):
        np.testing.assert_array_equal(saw, wanted)
    assert recompute_batch_norm(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]), batches) == 0
