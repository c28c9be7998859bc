"""The schedule-free optimizers beyond their references: rates, accumulation, decay, starts, refusals."""

import keras
import numpy as np
import pytest

from kzoo_plugins.optimizers.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD

BOTH = pytest.mark.parametrize("cls", [ScheduleFreeSGD, ScheduleFreeAdamW])


def run(optimizer, steps=6, start=1.0, micro=1):
    weight = keras.Variable(np.full((2, 2), start, "float32"))
    optimizer.build([weight])
    for step in range(steps):
        for _ in range(micro):
            optimizer.apply([keras.ops.full((2, 2), float(step + 1))], [weight])
    return weight


@BOTH
def test_all_begin_at_the_weights_of_the_first_step(cls):
    first, optimizer = run(cls(0.1), start=3.0), cls(0.1)
    weight = keras.Variable(np.zeros((2, 2), "float32"))
    optimizer.build([weight])
    weight.assign(np.full((2, 2), 3.0))  # as when weights are loaded after the model was built
    for step in range(6):
        optimizer.apply([keras.ops.full((2, 2), float(step + 1))], [weight])
    np.testing.assert_array_equal(weight, first)


@BOTH
def test_accumulated_gradients_make_the_steps_of_their_mean(cls):
    one, other = cls(0.1, warmup_steps=4), cls(0.1, warmup_steps=4, gradient_accumulation_steps=3)
    np.testing.assert_allclose(run(one), run(other, micro=3), rtol=1e-6)
    one.swap_weights(True)
    other.swap_weights(True)


@BOTH
def test_spared_variables_do_not_decay(cls):
    decayed, spared, plain = cls(0.1, weight_decay=0.5), cls(0.1, weight_decay=0.5), cls(0.1)
    spared.exclude_from_weight_decay(var_names=["variable"])
    expected = run(plain)
    np.testing.assert_array_equal(run(spared), expected)
    assert not np.allclose(run(decayed), expected)


@pytest.mark.long_but_first
@BOTH
def test_a_schedule_is_followed_and_weighs_the_average(cls):
    class Steps(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return keras.ops.where(step < 3, 0.1, 0.0)

    # The largest rate so far weighs the average, so at a rate of 0 it goes on towards z, which rests.
    optimizer = cls(Steps())
    weight = run(optimizer, steps=3)
    z = np.asarray(optimizer._z[0])
    for _ in range(200):
        optimizer.apply([keras.ops.ones((2, 2))], [weight])
    np.testing.assert_array_equal(optimizer._z[0], z)
    np.testing.assert_allclose(weight, z, atol=2e-2)


@BOTH
def test_a_rate_of_zero_from_the_start_is_no_division_by_zero(cls):
    np.testing.assert_array_equal(run(cls(0.0)), np.ones((2, 2)))


@BOTH
def test_the_configuration_has_the_rate_of_now(cls):
    optimizer = cls(0.5, warmup_steps=7, weight_decay=0.25, clipnorm=2.0)
    optimizer.learning_rate = 0.125
    again = cls.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert float(again.learning_rate) == 0.125


@BOTH
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"warmup_steps": -1}, "`warmup_steps` must be a whole number of at least 0"),
        ({"r": -1.0}, "`r` must be a finite number of at least 0"),
        ({"weight_lr_power": float("inf")}, "`weight_lr_power` must be a finite number"),
        ({"weight_decay": -0.1}, "`weight_decay` must be a finite number of at least 0"),
    ],
)
def test_wrong_arguments_are_refused(cls, arguments, message):
    with pytest.raises(ValueError, match=message):
        cls(**arguments)


def test_wrong_means_are_refused():
    for momentum in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match=r"`momentum` must lie in \(0, 1\)"):
            ScheduleFreeSGD(momentum=momentum)
    with pytest.raises(ValueError, match=r"`beta_1` must lie in \(0, 1\)"):
        ScheduleFreeAdamW(beta_1=0.0)
    with pytest.raises(ValueError, match=r"`beta_2` must lie in \[0, 1\)"):
        ScheduleFreeAdamW(beta_2=1.0)
    with pytest.raises(ValueError, match="`epsilon` must be a finite number above 0"):
        ScheduleFreeAdamW(epsilon=0.0)


@pytest.mark.long_but_first
@pytest.mark.parametrize("cls", [ScheduleFreeSGD, ScheduleFreeAdamW])
def test_it_learns(cls):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 3)).astype("float32")
    y = x @ np.array([[1.0], [-2.0], [0.5]], "float32")
    weight = keras.Variable(np.zeros((3, 1), "float32"))
    optimizer = cls(0.2)
    for _ in range(150):
        gradient = x.T @ (x @ np.asarray(weight) - y) / 64
        optimizer.apply([gradient], [weight])
    optimizer.swap_weights(True)
    np.testing.assert_allclose(weight, [[1.0], [-2.0], [0.5]], atol=0.05)
