"""Metrics between numbers."""

from __future__ import annotations

from typing import Any

from kzoo.plugin import MetricSpec

__all__ = ["METRICS"]

_FRACTION = "A fraction, not percent."
_KEPT = (
    "It keeps at most {} samples; of more it keeps a part that is spread evenly, and the result is an estimate. It "
    "measures on one device."
)
_BUFFERS = {"additive_state": "it keeps samples in a buffer, and the buffers of two replicas do not add up"}


def _of_numbers(name: str, target: str, summary: str, **fields: Any) -> MetricSpec:
    """Return the spec of a metric between numbers."""
    fields = {"tasks": {"regression"}, "targets": frozenset(), "direction": "min", **fields}
    return MetricSpec(name=name, target=f"kzoo_plugins.metrics.{target}", summary=summary, **fields)


METRICS: list[MetricSpec] = [
    _of_numbers(
        "adjusted_r2",
        "regression:AdjustedR2",
        "Share of the target's variance that predictions explain, adjusted for the number of regressors.",
        aliases=("r_square",),
        example={"num_regressors": 1},
        properties={"range": (None, 1)},
        direction="max",
        successor_of=("tfa.metrics.RSquare",),
        note="Without `num_regressors` it is plain R2, right also for several outputs and for targets far from 0.",
        reference="Theil 1961, https://doi.org/10.2307/2228632",
    ),
    _of_numbers(
        "nrmse",
        "regression:NormalizedRMSE",
        "Root mean squared error in units of the target's mean, standard deviation or root mean square.",
        aliases=("normalized_root_mean_squared_error",),
        example={"normalization": "std"},
        properties={"zero_at_equality": True, "range": (0, None)},
        note="Several outputs are averaged. `rms` is what torchmetrics calls l2, times the root of the number of "
        "samples, so that it does not depend on that number.",
        reference="Shcherbakov et al. 2013, https://doi.org/10.5829/idosi.wasj.2013.24.itmies.80032",
    ),
    _of_numbers(
        "smape",
        "relative:SymmetricMAPE",
        "Symmetric mean absolute percentage error: differences relative to target and prediction together.",
        aliases=("symmetric_mean_absolute_percentage_error",),
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, 2)},
        note=f"{_FRACTION} It lies between 0 and 2.",
        reference="Makridakis 1993, https://doi.org/10.1016/0169-2070(93)90079-3",
    ),
    _of_numbers(
        "wmape",
        "relative:WeightedMAPE",
        "Weighted mean absolute percentage error: the sum of differences relative to the sum of targets.",
        aliases=("weighted_mean_absolute_percentage_error",),
        properties={"zero_at_equality": True, "range": (0, None)},
        note=_FRACTION,
        reference="Kolassa, Schuetz 2007, https://ideas.repec.org/a/for/ijafaa/y2007i6p40-43.html",
    ),
    _of_numbers(
        "mean_pinball",
        "quantiles:MeanPinball",
        "Mean pinball loss of predicted quantiles.",
        aliases=("mean_pinball_loss",),
        inputs="quantiles",
        example={"tau": 0.9},
        properties={"zero_at_equality": True, "range": (0, None)},
        note="With a list as `tau` the network needs one output for each quantile.",
        reference="Koenker, Bassett 1978, https://doi.org/10.2307/1913643",
    ),
    _of_numbers(
        "crps",
        "gaussian:MeanCRPS",
        "Mean continuous ranked probability score of normal distributions whose mean and variance are predicted.",
        aliases=("continuous_ranked_probability_score", "crps_normal"),
        inputs="gaussians",
        example={"eps": 1e-4},
        properties={"range": (0, None)},
        note="In units of the target. It measures networks that a loss of mean and variance trains, `gaussian_nll` or "
        "`crps`.",
        reference="Gneiting, Raftery 2007, https://doi.org/10.1198/016214506000001437",
    ),
    _of_numbers(
        "spearman",
        "ranking:SpearmanCorrelation",
        "Spearman's rank correlation of targets and predictions over all samples, not over a batch.",
        aliases=("spearman_correlation", "spearmanr"),
        example={"capacity": 4096},
        properties={"symmetric": True, "range": (-1, 1)},
        direction="max",
        successor_of=("tfa.metrics.SpearmansRank",),
        note=_KEPT.format("`capacity`, 4096,"),
        expected_failures=_BUFFERS,
        reference="Spearman 1904, https://doi.org/10.2307/1412159",
    ),
    _of_numbers(
        "kendall",
        "ranking:KendallTau",
        "Kendall's rank correlation of targets and predictions, tau b or c, over all samples.",
        aliases=("kendall_tau", "kendalltau"),
        example={"variant": "b"},
        properties={"symmetric": True, "range": (-1, 1)},
        direction="max",
        successor_of=("tfa.metrics.KendallsTau", "tfa.metrics.KendallsTauB", "tfa.metrics.KendallsTauC"),
        note=_KEPT.format("`capacity`, 1024,") + " `variant=c` is tau c.",
        expected_failures=_BUFFERS,
        reference="Kendall 1945, https://doi.org/10.1093/biomet/33.3.239",
    ),
    _of_numbers(
        "geometric_mean",
        "means:GeometricMean",
        "Geometric mean of the absolute differences, which a single exact prediction makes 0.",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, None)},
        successor_of=("tfa.metrics.GeometricMean",),
        note="In Python `update_state(values)` averages values instead of differences.",
        reference="Yang et al. 2021, https://arxiv.org/abs/2102.09554",
    ),
    _of_numbers(
        "harmonic_mean",
        "means:HarmonicMean",
        "Harmonic mean of the absolute differences, which a single exact prediction makes 0.",
        properties={"zero_at_equality": True, "symmetric": True, "range": (0, None)},
        successor_of=("tfa.metrics.HarmonicMean",),
        note="In Python `update_state(values)` averages values instead of differences, as for rates.",
        reference="Ferger 1931, https://doi.org/10.1080/01621459.1931.10503148",
    ),
]
