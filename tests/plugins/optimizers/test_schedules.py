"""Schedules: what the agreement with their references and the conformance kit do not show."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.errors import UsageError
from kzoo.plugins.build import Context, build
from kzoo_plugins.optimizers.schedules import (
    Cyclical,
    InverseSqrt,
    Join,
    OneCycle,
    WarmupCosine,
    WarmupStableDecay,
)


def rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


class TestOneCycle:
    @pytest.mark.parametrize("three_phase", [False, True])
    def test_after_the_last_step_it_stays_at_the_minimum(self, three_phase):
        schedule = OneCycle(max_learning_rate=1.0, total_steps=10, three_phase=three_phase)
        assert rates(schedule, (9, 10, 1000)) == pytest.approx([1.0 / 25 / 1e4] * 3, rel=1e-5)

    def test_a_first_phase_of_one_step_starts_at_the_top(self):
        # torch divides by zero here.
        assert float(OneCycle(max_learning_rate=1.0, total_steps=10, pct_start=0.1)(0)) == pytest.approx(1.0)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"max_learning_rate": 0}, "`max_learning_rate` must be a finite number above 0, not 0"),
            ({"max_learning_rate": float("nan")}, "`max_learning_rate`"),
            ({"total_steps": 0}, "`total_steps` must be a whole number of at least 1"),
            ({"total_steps": 2.5}, "`total_steps`"),
            ({"total_steps": float("inf")}, "`total_steps`"),
            ({"pct_start": 1.5}, r"`pct_start` must lie in \[0, 1\]"),
            ({"anneal_strategy": "cosine"}, "`anneal_strategy` must be one of cos, linear, not 'cosine'"),
            ({"div_factor": 0}, "`div_factor`"),
            ({"final_div_factor": -1}, "`final_div_factor`"),
        ],
    )
    def test_what_is_out_of_range_is_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            OneCycle(**{"max_learning_rate": 0.1, "total_steps": 10, **arguments})


class TestWarmup:
    @pytest.mark.parametrize("schedule", [WarmupCosine, WarmupStableDecay])
    def test_after_the_end_it_stays_at_the_final_rate(self, schedule):
        made = schedule(max_learning_rate=1.0, total_steps=10, final_learning_rate=0.25)
        assert rates(made, (10, 11, 100_000)) == [0.25] * 3

    def test_a_share_is_that_of_the_run_and_one_is_a_step(self):
        half, one = (WarmupCosine(max_learning_rate=1.0, total_steps=100, warmup_steps=w) for w in (0.5, 1))
        assert rates(half, (25, 50)) == [0.5, 1.0]
        assert rates(one, (0, 1)) == [0.0, 1.0]

    def test_without_a_warm_up_the_first_rate_is_the_highest(self):
        assert float(WarmupCosine(max_learning_rate=1.0, total_steps=100, warmup_steps=0)(0)) == 1.0
        assert float(WarmupStableDecay(max_learning_rate=1.0, total_steps=100, warmup_steps=0)(0)) == 1.0

    def test_without_a_decay_the_run_ends_at_the_highest_rate(self):
        schedule = WarmupStableDecay(max_learning_rate=1.0, total_steps=100, decay_steps=0)
        assert rates(schedule, (98, 99, 100)) == [1.0, 1.0, 0.0]

    def test_the_last_rates_do_not_cancel(self):
        # Of 1 - sqrt(1 - 1e-6), float32 has one digit.
        schedule = WarmupStableDecay(max_learning_rate=1.0, total_steps=10**6, warmup_steps=0, decay_steps=10**6)
        assert float(schedule(10**6 - 1)) == pytest.approx(1 - np.sqrt(1 - 1e-6), rel=1e-5)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"warmup_steps": 10}, "must leave steps for the decay: 10 of them are warm-up, and `total_steps` is 10"),
            ({"warmup_steps": 0.99}, "must leave steps for the decay"),
            (
                {"warmup_steps": -1},
                "`warmup_steps` must be a whole number of steps, or a share of `total_steps` below 1",
            ),
            ({"warmup_steps": 1.5}, "`warmup_steps` must be a whole number of steps"),
            ({"warmup_steps": float("nan")}, "`warmup_steps`"),
            ({"exponent": 0}, "`exponent` must be a finite number above 0"),
            ({"initial_learning_rate": -0.1}, "`initial_learning_rate` must be a finite number of at least 0"),
            ({"final_learning_rate": float("inf")}, "`final_learning_rate`"),
            ({"max_learning_rate": 0}, "`max_learning_rate`"),
            ({"total_steps": 0}, "`total_steps`"),
        ],
    )
    def test_what_is_out_of_range_is_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            WarmupCosine(**{"max_learning_rate": 0.1, "total_steps": 10, **arguments})

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"warmup_steps": 6, "decay_steps": 5}, "6 and 5 steps are more than the 10 of `total_steps`"),
            ({"decay_steps": -1}, "`decay_steps` must be a whole number of steps"),
            ({"decay_shape": "sqrt"}, "`decay_shape` must be one of 1-sqrt, linear, cosine, not 'sqrt'"),
        ],
    )
    def test_what_does_not_fit_the_run_is_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            WarmupStableDecay(**{"max_learning_rate": 0.1, "total_steps": 10, **arguments})


class TestInverseSqrt:
    def test_it_is_the_rule_of_the_transformer(self):
        """d^-0.5 * min(step^-0.5, step * warmup^-1.5), Vaswani et al. 2017, with d = 512 and 4000 steps of warm-up."""
        schedule = InverseSqrt(max_learning_rate=(512 * 4000) ** -0.5, warmup_steps=4000)
        steps = np.array([1, 100, 4000, 4001, 100_000])
        published = 512**-0.5 * np.minimum(steps**-0.5, steps * 4000**-1.5)
        np.testing.assert_allclose(rates(schedule, steps), published, rtol=1e-6)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"warmup_steps": 0}, "`timescale` must be given where `warmup_steps` is 0"),
            ({"warmup_steps": 0.5}, "`warmup_steps` must be a whole number of at least 0"),
            ({"timescale": 0}, "`timescale` must be a whole number of at least 1"),
            ({"initial_learning_rate": -1}, "`initial_learning_rate`"),
        ],
    )
    def test_what_is_out_of_range_is_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            InverseSqrt(**{"max_learning_rate": 0.1, **arguments})


class TestCyclical:
    def test_triangular2_goes_on_where_torch_overflows(self):
        schedule = Cyclical(initial_learning_rate=0.5, max_learning_rate=1.0, step_size=1, mode="triangular2")
        assert rates(schedule, (2**12, 2**12 + 1)) == [0.5, 0.5]

    def test_the_place_in_the_cycle_is_exact_after_many_steps(self):
        schedule = Cyclical(initial_learning_rate=0.0, max_learning_rate=1.0, step_size=3)
        first = 6 * 10**8  # float32 has no odd numbers there
        assert rates(schedule, range(first, first + 7)) == pytest.approx([0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0])

    def test_a_power_of_gamma_is_exact_to_float32(self):
        schedule = Cyclical(
            initial_learning_rate=0.0, max_learning_rate=1.0, step_size=100_000, mode="exp_range", gamma=0.99994
        )
        assert float(schedule(100_000)) == pytest.approx(0.99994**100_000, rel=1e-6)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"max_learning_rate": 0.001}, "`max_learning_rate` must not be below `initial_learning_rate`, 0.01"),
            ({"step_size": 0}, "`step_size` must be a whole number of at least 1"),
            ({"step_size_down": 1.5}, "`step_size_down`"),
            ({"mode": "triangle"}, "`mode` must be one of triangular, triangular2, exp_range, not 'triangle'"),
            ({"mode": "exp_range", "gamma": 1.1}, r"`gamma` must lie in \(0, 1\]"),
            ({"gamma": 0.9}, "`gamma` belongs to the mode exp_range; triangular has none"),
        ],
    )
    def test_what_is_out_of_range_is_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Cyclical(**{"initial_learning_rate": 0.01, "max_learning_rate": 0.1, "step_size": 5, **arguments})


class TestJoin:
    TABLE = {  # noqa: RUF012 - never changed
        "name": "join",
        "schedules": [0.5, "warmup_cosine:max_learning_rate=1", {"name": "wsd", "max_learning_rate": 1}],
        "boundaries": [10, 30],
    }

    def test_each_is_given_the_steps_of_its_own_part(self):
        schedule = build("schedule", self.TABLE, context=Context(total_steps=100))
        _, cosine, stable = schedule.schedules
        assert (cosine.total_steps, stable.total_steps) == (20, 70)
        assert rates(schedule, (0, 9, 10, 12, 30, 37, 100)) == pytest.approx([0.5, 0.5, 0, 1, 0, 1, 0], abs=1e-6)

    def test_a_join_in_a_join(self):
        outer = {"name": "join", "schedules": [0.25, self.TABLE], "boundaries": [50]}
        inner = build("schedule", outer, context=Context(total_steps=150)).schedules[1]
        assert [part.total_steps for part in inner.schedules[1:]] == [20, 70]

    def test_outside_a_run_the_steps_must_be_given(self):
        with pytest.raises(UsageError, match="needs `total_steps`"):
            build("schedule", self.TABLE)

    def test_a_part_that_a_short_run_never_reaches_is_built_all_the_same(self):
        schedule = build("schedule", self.TABLE, context=Context(total_steps=20))
        assert [part.total_steps for part in schedule.schedules[1:]] == [20, 1]

    def test_a_whole_number_is_a_constant_rate(self):
        assert rates(Join(schedules=[1], boundaries=[]), (0, 7)) == [1.0, 1.0]
        assert Join(schedules=[1], boundaries=[])(0).dtype == "float32"

    def test_what_has_not_begun_is_not_asked_for_a_step_below_zero(self):
        seen = []

        class Watcher(keras.optimizers.schedules.LearningRateSchedule):
            def __call__(self, step):
                seen.append(int(step))
                return 1.0

        rates(Join(schedules=[0.5, Watcher()], boundaries=[3]), range(5))
        assert seen == [0, 0, 0, 0, 1]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"boundaries": []}, "`boundaries` must hold one step fewer than there are `schedules`.*0 and 2"),
            ({"schedules": [], "boundaries": []}, "0 and 0"),
            ({"schedules": 0.1}, "`schedules` must be a list, not 0.1"),
            ({"boundaries": 3}, "`boundaries` must be a list, not 3"),
            ({"boundaries": [0]}, "`boundaries` must be a whole number of at least 1, not 0"),
            ({"boundaries": [2.5]}, "`boundaries` must be a whole number"),
            ({"schedules": [0.1, 0.2, 0.3], "boundaries": [5, 5]}, r"`boundaries` must rise, not \[5, 5\]"),
            ({"schedules": [0.1, -0.2]}, "`schedules` must be a finite number of at least 0"),
            ({"schedules": [0.1, "cosine"]}, "`schedules` must hold schedules or numbers, not 'cosine'"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Join(**{"schedules": [0.1, 0.2], "boundaries": [5], **arguments})


def test_an_optimizer_follows_a_schedule():
    schedule = OneCycle(max_learning_rate=0.1, total_steps=4, anneal_strategy="linear")
    optimizer = keras.optimizers.SGD(schedule)
    variable = keras.Variable(np.zeros(1, "float32"))
    found = []
    for _ in range(4):
        before = float(variable[0])
        optimizer.apply([tf.ones(1)], [variable])
        found.append(before - float(variable[0]))
    np.testing.assert_allclose(found, rates(schedule, range(4)), rtol=1e-5, atol=1e-8)


def test_an_optimizer_saves_a_join_with_what_is_in_it():
    schedule = Join(schedules=[WarmupCosine(max_learning_rate=1, total_steps=10), 0.5], boundaries=[10])
    saved = keras.optimizers.serialize(keras.optimizers.Adam(schedule))
    again = keras.optimizers.deserialize(saved)._learning_rate
    assert again.get_config() == schedule.get_config()
    assert rates(again, range(12)) == rates(schedule, range(12))


@pytest.mark.parametrize(
    ("name", "argument"), [("one_cycle", ""), ("warmup_cosine", ",warmup_steps=20"), ("wsd", ",warmup_steps=20")]
)
def test_the_steps_of_the_run_are_filled_in_whole(name, argument):
    """Keras's CosineDecay counts its steps after the warm-up; these count the warm-up too."""
    schedule = build("schedule", f"{name}:max_learning_rate=1{argument}", context=Context(total_steps=100))
    assert schedule.total_steps == 100


@pytest.mark.parametrize(
    "reference",
    [
        "one_cycle:max_learning_rate={},total_steps=50",
        "warmup_cosine:max_learning_rate={},total_steps=50",
        "warmup_stable_decay:max_learning_rate={},total_steps=50",
        "inverse_sqrt:max_learning_rate={},warmup_steps=5",
        "cyclical:initial_learning_rate=0,max_learning_rate={},step_size=7",
        "join:schedules=[{}],boundaries=[]",
    ],
)
def test_a_whole_number_as_rate_does_not_change_the_arithmetic(reference):
    whole, decimal = (build("schedule", reference.format(one)) for one in ("1", "1.0"))
    assert rates(whole, range(0, 60, 3)) == rates(decimal, range(0, 60, 3))
