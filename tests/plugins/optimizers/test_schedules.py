"""One-cycle against golden values from torch."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from agreement.collect import cases_of

from kzoo_plugins.optimizers.schedules import OneCycle

GOLDEN = cases_of("schedule")["one_cycle"]


def arguments_of(case):
    return {key: value for key, value in case.component.items() if key != "name"}


@pytest.mark.parametrize("case", GOLDEN, ids=str)
def test_every_step_is_torchs(case):
    schedule = OneCycle(**arguments_of(case))
    found = [float(schedule(step)) for step in case.inputs["steps"]]
    np.testing.assert_allclose(found, case.expected["value"], rtol=2e-5)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("case", GOLDEN[:3], ids=str)
def test_in_a_graph(case, jit):
    rate = tf.function(OneCycle(**arguments_of(case)), jit_compile=jit)
    steps = tf.range(len(case.inputs["steps"]), dtype="int64")
    np.testing.assert_allclose([float(rate(step)) for step in steps], case.expected["value"], rtol=2e-5)
    assert rate(steps[0]).dtype == "float32"


@pytest.mark.parametrize("three_phase", [False, True])
def test_after_the_last_step_it_stays_at_the_minimum(three_phase):
    schedule = OneCycle(max_learning_rate=1.0, total_steps=10, three_phase=three_phase)
    for step in (9, 10, 1000):
        assert float(schedule(step)) == pytest.approx(1.0 / 25 / 1e4, rel=1e-5)


def test_a_first_phase_of_one_step_starts_at_the_top():
    # torch divides by zero here.
    assert float(OneCycle(max_learning_rate=1.0, total_steps=10, pct_start=0.1)(0)) == pytest.approx(1.0)


def test_an_optimizer_follows_it():
    schedule = OneCycle(max_learning_rate=0.1, total_steps=4, anneal_strategy="linear")
    optimizer = keras.optimizers.SGD(schedule)
    variable = keras.Variable(np.zeros(1, "float32"))
    rates = []
    for _ in range(4):
        before = float(variable[0])
        optimizer.apply([tf.ones(1)], [variable])
        rates.append(before - float(variable[0]))
    np.testing.assert_allclose(rates, [float(schedule(step)) for step in range(4)], rtol=1e-5, atol=1e-8)


def test_round_trip():
    schedule = OneCycle(0.1, total_steps=20, pct_start=0.25, anneal_strategy="linear", three_phase=True)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert again.get_config() == schedule.get_config()
    assert set(schedule.get_config()) == {
        "max_learning_rate",
        "total_steps",
        "pct_start",
        "anneal_strategy",
        "div_factor",
        "final_div_factor",
        "three_phase",
    }
    optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(keras.optimizers.Adam(schedule)))
    assert optimizer._learning_rate.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_learning_rate": 0}, "`max_learning_rate` must be a finite number above 0, not 0"),
        ({"max_learning_rate": float("nan")}, "`max_learning_rate`"),
        ({"total_steps": 0}, "`total_steps` must be a whole number of at least 1"),
        ({"total_steps": 2.5}, "`total_steps`"),
        ({"pct_start": 1.5}, r"`pct_start` must lie in \[0, 1\]"),
        ({"anneal_strategy": "cosine"}, "`anneal_strategy` must be one of cos, linear, not 'cosine'"),
        ({"div_factor": 0}, "`div_factor`"),
        ({"final_div_factor": -1}, "`final_div_factor`"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        OneCycle(**{"max_learning_rate": 0.1, "total_steps": 10, **arguments})
