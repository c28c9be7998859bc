import math

import numpy as np
import pytest
from scipy import stats

from kzoo.comparing.statistics import bootstrapped, difference_of, holm, mean_of

# Student's own data, in Biometrika 6 (1908), with what R's t.test(paired = TRUE) prints of them.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
OTHER = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def test_the_paired_t_test_is_that_of_the_published_example():
    found = difference_of(FIRST, OTHER)
    assert (found.n, round(found.mean, 2)) == (10, 1.58)
    assert found.statistic == pytest.approx(4.0621, abs=5e-5)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert (found.low, found.high) == pytest.approx((0.7001142, 2.4598858), abs=5e-8)


@pytest.mark.parametrize(("n", "quantile"), [(2, 12.706), (3, 4.303), (5, 2.776), (10, 2.262), (20, 2.093)])
def test_intervals_are_those_by_a_printed_table_of_students_t(n, quantile):
    values = np.random.default_rng(n).normal(0.9, 0.01, n)
    spread = math.sqrt(sum((value - values.mean()) ** 2 for value in values) / (n - 1))
    found = mean_of(values.tolist())
    assert found.high - found.mean == pytest.approx(quantile * spread / math.sqrt(n), rel=3e-4)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_holms_correction_is_that_of_the_usual_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01, None, 0.02]) == [pytest.approx(0.03), None, pytest.approx(0.04)]
    assert holm([]) == []


def test_nothing_is_tested_where_nothing_can_be():
    assert difference_of([0.5], [0.6]).low is None
    two = difference_of([0.5, 0.6], [0.6, 0.8])
    assert two.low < two.mean < two.high
    assert two.p is None
    shifted = difference_of([0.97, 0.98, 0.99], [0.96, 0.97, 0.98])  # equal but for rounding: t would be infinite
    assert (shifted.p, shifted.sd) == (None, 0.0)
    assert difference_of([0.9, 0.8, 0.7], [0.9, 0.8, 0.7]).p == 1.0
    assert difference_of([0.5, math.nan, 0.6], [0.6, 0.7, math.inf]).n == 1
    assert math.isnan(mean_of([]).mean)


def test_ten_seeds_are_resampled_and_fewer_are_not():
    assert bootstrapped(FIRST[:9]) is None
    values = [*range(19), 1000.0]
    found = bootstrapped(values)
    assert found.iqm == pytest.approx(np.mean(range(5, 15)))
    assert found == bootstrapped(values)
    calm = bootstrapped(FIRST)
    exact = stats.t.interval(0.95, 9, np.mean(FIRST), stats.sem(FIRST))
    assert (calm.low, calm.high) == pytest.approx(exact, abs=0.35)
