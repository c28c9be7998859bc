"""A comparison in words: the rows of its table, how it was judged, and what follows from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kzoo.comparing.judging import BETTER, LEVEL, NOT_MEASURED, NOT_SHOWN, ONE_SEED, TOO_FEW, WORSE
from kzoo.comparing.statistics import FEWEST_FOR_BOOTSTRAP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.comparing.judging import Judged, Judgement
    from kzoo.comparing.statistics import Bootstrapped, Mean

__all__ = ["COLUMNS", "method", "number", "resampled", "rows", "summary"]

COLUMNS = {
    "measure": "measure",
    "cell": "trained with",
    "mean": "mean",
    "interval": "95 % interval",
    "difference": "difference",
    "difference_interval": "95 % interval of it",
    "p_holm": "p (Holm)",
    "verdict": "verdict",
}
"""The columns of the table and their headings."""

_DIGITS = 4
_LEAST_P = 1e-4
_SMALL = -4  # the power of ten from which on zeros are counted, not written


def rows(judgement: Judgement) -> list[dict[str, str]]:
    """Return the table as texts, by `COLUMNS`; a cell that says nothing is empty."""
    return [_row(row) for row in judgement.rows]


def _row(row: Judged) -> dict[str, str]:
    apart = row.difference
    better = "more" if row.better == "higher" else "less"
    return {
        "measure": f"{row.measure} ({better} is better)",
        "cell": row.cell,
        "mean": number(row.mean.mean) if row.mean.n else "",
        "interval": _interval(row.mean),
        "difference": number(apart.mean, signed=True) if apart and apart.n else "",
        "difference_interval": _interval(apart, signed=True) if apart else "",
        "p_holm": _probability(row.corrected),
        "verdict": row.verdict,
    }


def resampled(judgement: Judgement) -> list[dict[str, str]]:
    """Return interquartile means and bootstrap intervals as texts, by heading; empty of fewer than ten seeds."""
    return [
        {
            "measure": row.measure,
            "trained with": row.cell,
            "interquartile mean": number(row.resampled.iqm),
            "95 % interval of the mean": _interval(row.resampled),
            "95 % interval of the difference": _interval(row.resampled_difference, signed=True),
        }
        for row in judgement.rows
        if row.resampled
    ]


def number(value: float, *, signed: bool = False) -> str:
    """Return a number with four digits that say something.

    Example:
        >>> number(0.98765), number(-0.00123, signed=True), number(1234.6), number(0.0), number(3.21e-7)
        ('0.9877', '-0.001230', '1,235', '0', '3.210e-07')
    """
    if not math.isfinite(value):
        return "nan"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < _SMALL:
        return f"{value:{'+' if signed else ''}.{_DIGITS - 1}e}"
    # Four decimals below 1, as accuracies are read; more only where these would say next to nothing.
    decimals = _DIGITS if size in (-1, -2) else max(0, _DIGITS - 1 - size)
    return f"{value:{'+' if signed else ''},.{decimals}f}"


def method(judgement: Judgement, seeds: int) -> list[str]:
    """Return how it was judged, a sentence each."""
    if seeds < 2:  # noqa: PLR2004 - one seed
        return [
            "One seed says nothing of another one: values are shown, and nothing is claimed. Take --seeds 5 or more."
        ]
    tests = (
        "Means, and paired differences to the first by seed, have 95 % intervals by Student's t. p is that of the "
        f"paired t test, by Holm's correction over all {judgement.tests} differences: in a comparison of equals, one "
        f"false `better` or `worse` or more is said in at most {LEVEL:.0%} of the cases."
    )
    limits = (
        "The seeds vary what is random in a training. They do not vary the test set: on other test data of the same "
        "kind, differences smaller than its own chance may turn around."
    )
    more = "From ten seeds on, interquartile means and BCa bootstrap intervals are on the page, in --json and in --csv."
    return [tests, more, limits] if seeds >= FEWEST_FOR_BOOTSTRAP else [tests, limits]


def summary(judgement: Judgement, cells: Sequence[str]) -> list[str]:
    """Return what follows of each way to train beside the first, a sentence each."""
    told = []
    for cell in cells[1:]:
        own = [row for row in judgement.rows if row.cell == cell]
        said = {verdict: [row.measure for row in own if row.verdict == verdict] for verdict in (BETTER, WORSE)}
        parts = [f"{verdict} by {', '.join(measures)}" for verdict, measures in said.items() if measures]
        if parts:
            rest = [row.measure for row in own if row.verdict not in (BETTER, WORSE)]
            open_ = f"; nothing is shown for {', '.join(rest)}" if rest else ""
            told.append(f"`{cell}` is {' and '.join(parts)} than `{cells[0]}`{open_}.")
        elif all(row.verdict == NOT_MEASURED for row in own):
            told.append(f"`{cell}` and `{cells[0]}` have no pair of runs: nothing is compared.")
        elif any(row.verdict == ONE_SEED for row in own):
            told.append(f"`{cell}` and `{cells[0]}`: {ONE_SEED}.")
        else:
            few = any(row.verdict == TOO_FEW for row in own)
            told.append(f"`{cell}` and `{cells[0]}`: {TOO_FEW if few else NOT_SHOWN}.")
    return told


def _interval(mean: Mean | Bootstrapped | None, *, signed: bool = False) -> str:
    if mean is None or mean.low is None or mean.high is None:
        return ""
    return f"{number(mean.low, signed=signed)} to {number(mean.high, signed=signed)}"


def _probability(p: float | None) -> str:
    if p is None:
        return ""
    return f"< {_LEAST_P:.4f}" if p < _LEAST_P else f"{p:.4f}"
