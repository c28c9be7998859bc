import numpy as np
import pytest
from scipy import stats

from kzoo.comparing import judging
from kzoo.comparing.judging import judge
from kzoo.comparing.words import resampled, summary

DIRECTIONS = {"accuracy": "higher", "nll": "lower"}
SEEDS = {seed: 0.8 + 0.01 * seed for seed in range(5)}
NOISE = [0.001, -0.002, 0.0015, 0.0, -0.0005]


def shifted(values, by):
    return {seed: value + by + NOISE[seed] for seed, value in values.items()}


def verdicts(other, first=SEEDS, measure="accuracy"):
    found = judge({"a": {measure: first}, "b": {measure: other}}, {measure: DIRECTIONS[measure]})
    return found.rows[1].verdict


def test_what_is_better_depends_on_the_measure():
    assert verdicts(shifted(SEEDS, 0.05)) == "better"
    assert verdicts(shifted(SEEDS, -0.05)) == "worse"
    assert verdicts(shifted(SEEDS, 0.05), measure="nll") == "worse"


def test_few_seeds_claim_little():
    assert verdicts({0: 0.99}) == judging.ONE_SEED
    assert verdicts({0: 0.99, 1: 0.999}) == judging.TOO_FEW
    assert verdicts({seed: value + 0.1 for seed, value in SEEDS.items()}) == judging.TOO_FEW  # all by the same step
    assert verdicts(shifted(SEEDS, 0)) == judging.TOO_FEW
    assert verdicts(dict(SEEDS)) == judging.SAME
    assert verdicts({}) == "not measured"
    many = dict(enumerate(np.random.default_rng(0).normal(0.8, 0.01, 12)))
    assert verdicts({seed: value + NOISE[seed % 5] for seed, value in many.items()}, many) == judging.NOT_SHOWN


def test_pairs_are_of_one_seed_whatever_the_order():
    moved = dict(reversed(shifted(SEEDS, 0.05).items()))
    moved[7] = 0.1  # which the first does not have
    row = judge({"a": {"accuracy": SEEDS}, "b": {"accuracy": moved}}, {"accuracy": "higher"}).rows[1]
    assert (row.difference.n, row.mean.n, row.verdict) == (5, 6, "better")
    assert row.difference.mean == pytest.approx(0.05 + np.mean(NOISE))
    assert row.difference.sd == pytest.approx(np.std(NOISE, ddof=1))


def test_all_differences_are_corrected_together():
    values = {"a": {"accuracy": SEEDS, "nll": SEEDS}}
    for number, name in enumerate("bcd"):
        values[name] = {"accuracy": shifted(SEEDS, 0.001 * number), "nll": shifted(SEEDS, 0.05)}
    found = judge(values, DIRECTIONS)
    assert found.tests == 6
    own = [row for row in found.rows if row.difference]
    smallest = min(own, key=lambda row: row.difference.p)
    assert smallest.corrected == pytest.approx(6 * smallest.difference.p)
    assert all(row.corrected >= row.difference.p for row in own)
    assert summary(found, list("abcd"))[0] == "`b` is worse by nll than `a`; nothing is shown for accuracy."


def test_ten_seeds_show_what_is_resampled_too():
    twelve = dict(enumerate(np.random.default_rng(0).normal(0.8, 0.01, 12).tolist()))
    shift = {seed: value + 0.05 + NOISE[seed % 5] for seed, value in twelve.items()}
    found = judge({"a": {"accuracy": twelve}, "b": {"accuracy": shift}}, {"accuracy": "higher"})
    first, other = resampled(found)
    assert first["95 % interval of the difference"] == ""
    low, high = map(float, other["95 % interval of the difference"].split(" to "))
    assert low < found.rows[1].difference.mean < high
    assert found.rows[1].to_dict()["difference_bootstrap_low"] == pytest.approx(low, abs=1e-4)
    assert resampled(judge({"a": {"accuracy": SEEDS}, "b": {"accuracy": SEEDS}}, {"accuracy": "higher"})) == []


def _null(draws, cells, measures, seeds, *, grain=None):
    """Return measures of ways to train of which none is better: each has the luck of its seed and luck of its own."""
    values = {}
    luck = draws.normal(size=(measures, seeds))
    for cell in range(cells):
        found = 0.9 + 0.01 * luck + 0.005 * draws.normal(size=(measures, seeds))
        found = found if grain is None else np.round(found * grain) / grain
        values[str(cell)] = {str(m): dict(enumerate(found[m].tolist())) for m in range(measures)}
    return values


@pytest.mark.long
@pytest.mark.parametrize(
    ("cells", "measures", "seeds", "grain", "times"),
    [(2, 1, 20, None, 400), (4, 5, 20, None, 120), (3, 2, 5, 1000, 200)],
)
def test_of_equals_none_is_called_better_more_often_than_promised(cells, measures, seeds, grain, times):
    """Also where a test set of 1,000 makes steps of accuracies."""
    draws = np.random.default_rng(16)
    directions = {str(measure): "higher" for measure in range(measures)}
    false = 0
    for _ in range(times):
        found = judge(_null(draws, cells, measures, seeds, grain=grain), directions, resample=False)
        false += any(row.verdict in (judging.BETTER, judging.WORSE) for row in found.rows)
    assert false <= stats.binom.ppf(0.999, times, judging.LEVEL)
    if (cells, measures) == (2, 1):  # a single question is asked at the level itself, and not below
        assert false >= stats.binom.ppf(0.001, times, judging.LEVEL)
