"""The verdict: what of several ways to train is better by which measure, and where nobody can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.comparing.statistics import (
    FEWEST_FOR_BOOTSTRAP,
    FEWEST_FOR_CLAIM,
    Bootstrapped,
    Difference,
    Mean,
    bootstrapped,
    difference_of,
    holm,
    mean_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "BETTER",
    "LEVEL",
    "NOT_MEASURED",
    "NOT_SHOWN",
    "ONE_SEED",
    "SAME",
    "TOO_FEW",
    "WORSE",
    "Judged",
    "Judgement",
    "judge",
]

LEVEL = 0.05
"""The chance of one false claim or more in a whole comparison in which nothing differs."""

BETTER, WORSE = "better", "worse"
SAME = "the same in every seed"
TOO_FEW = "too few seeds to tell"
NOT_SHOWN = "no difference shown"
ONE_SEED = "one seed: nothing is claimed"
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Judged:
    """One way to train, by one measure.

    Attributes:
        measure: The measure's name.
        better: Which way it is better, ``higher`` or ``lower``.
        cell: The name of the way to train.
        values: The value of each seed.
        mean: Their mean.
        difference: The paired difference to the first way; None of the first.
        corrected: The p-value of the difference after Holm's correction; None where there is none.
        verdict: What is said of it; an empty text of the first.
        resampled: Of the values, from ten seeds on.
        resampled_difference: Of the paired differences, likewise.
    """

    measure: str
    better: str
    cell: str
    values: Mapping[int, float]
    mean: Mean
    difference: Difference | None = None
    corrected: float | None = None
    verdict: str = ""
    resampled: Bootstrapped | None = None
    resampled_difference: Bootstrapped | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as one flat row; what there is not is None."""
        apart, drawn, drawn_apart = self.difference, self.resampled, self.resampled_difference
        row: dict[str, Any] = {
            "measure": self.measure,
            "better": self.better,
            "cell": self.cell,
            "seeds": self.mean.n,
            "mean": self.mean.mean if self.mean.n else None,
            "low": self.mean.low,
            "high": self.mean.high,
            "sd": self.mean.sd,
            "pairs": apart.n if apart else None,
            "difference": apart.mean if apart and apart.n else None,
            "difference_low": apart.low if apart else None,
            "difference_high": apart.high if apart else None,
            "t": apart.statistic if apart else None,
            "p": apart.p if apart else None,
            "p_holm": self.corrected,
            "verdict": self.verdict,
        }
        if drawn:
            row |= {"iqm": drawn.iqm, "bootstrap_low": drawn.low, "bootstrap_high": drawn.high}
        if drawn_apart:
            row |= {
                "difference_bootstrap_low": drawn_apart.low,
                "difference_bootstrap_high": drawn_apart.high,
            }
        return row


@dataclass(frozen=True)
class Judgement:
    """All that is said of a comparison.

    Attributes:
        rows: For each measure each way to train, in order.
        tests: The number of differences that Holm's correction is over.
    """

    rows: list[Judged] = field(default_factory=list)
    tests: int = 0

    @property
    def measures(self) -> list[str]:
        """The names of the measures, in order."""
        return list(dict.fromkeys(row.measure for row in self.rows))

    def of(self, measure: str) -> list[Judged]:
        """Return the rows of one measure."""
        return [row for row in self.rows if row.measure == measure]


def judge(
    values: Mapping[str, Mapping[str, Mapping[int, float]]],
    directions: Mapping[str, str],
    *,
    resample: bool = True,
) -> Judgement:
    """Return what can be said of ways to train, the first of which the others are compared with.

    Args:
        values: By the way to train and the measure, the value of each seed. Seeds make pairs.
        directions: The measures to judge by, each with which way it is better, ``higher`` or ``lower``.
        resample: Whether to bootstrap where there are enough seeds.

    Returns:
        A row for each measure and way to train. All differences of all measures are corrected together, so that in a
        comparison of equals one false ``better`` or ``worse`` or more is said in at most one case of twenty.
    """
    cells = list(values)
    first, others = cells[0], cells[1:]
    asked = [(measure, cell) for measure in directions for cell in others]
    apart = {(m, cell): _paired(values[first].get(m, {}), values[cell].get(m, {})) for m, cell in asked}
    found = {key: difference_of(*pairs) for key, pairs in apart.items()}
    corrected = dict(zip(asked, holm([found[key].p for key in asked]), strict=True))
    rows = []
    for measure, better in directions.items():
        for cell in cells:
            own = values[cell].get(measure, {})
            key = measure, cell
            difference = found.get(key)
            rows.append(
                Judged(
                    measure,
                    better,
                    cell,
                    dict(own),
                    mean_of(list(own.values())),
                    difference,
                    corrected.get(key),
                    _verdict(difference, corrected.get(key), better) if difference else "",
                    bootstrapped(list(own.values())) if resample else None,
                    bootstrapped(_differences(*apart[key])) if resample and difference else None,
                )
            )
    return Judgement(rows, len(asked))


def _paired(first: Mapping[int, float], other: Mapping[int, float]) -> tuple[Sequence[float], Sequence[float]]:
    """Return the values of the seeds that both have, in the order of the seeds."""
    seeds = sorted(first.keys() & other.keys())
    return [first[seed] for seed in seeds], [other[seed] for seed in seeds]


def _differences(first: Sequence[float], other: Sequence[float]) -> list[float]:
    return [b - a for a, b in zip(first, other, strict=True)]


def _verdict(apart: Difference, p: float | None, better: str) -> str:
    if apart.n < 2:  # noqa: PLR2004 - one pair
        return ONE_SEED if apart.n else NOT_MEASURED
    if p is not None and p < LEVEL:
        assert not math.isnan(apart.mean), "a test has a mean"
        return BETTER if (apart.mean > 0) == (better == "higher") else WORSE
    if apart.n >= FEWEST_FOR_CLAIM and apart.p == 1.0 and apart.sd == 0.0:
        return SAME
    return TOO_FEW if apart.n < FEWEST_FOR_BOOTSTRAP else NOT_SHOWN
