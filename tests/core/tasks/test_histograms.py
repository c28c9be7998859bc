"""Shares of classes: how far a predicted distribution is from the true one, as SciPy calculates it."""

import numpy as np
import pytest
from scipy.stats import entropy, wasserstein_distance

from kzoo.data.splits import ArraySplit
from kzoo.tasks import Measured, SharesPrediction, task_named
from kzoo.tasks.histograms import SharesOutcome

NAMES = ("tiny", "small", "medium", "large", "huge")
TASK = task_named("distribution")
RNG = np.random.default_rng(0)
TRUE, PREDICTED = RNG.dirichlet((0.4,) * 5, 40), RNG.dirichlet((1,) * 5, 40)
TRUE[0] = (0, 0, 1, 0, 0)
PICTURES = RNG.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def outcome():
    return SharesOutcome(TRUE, PREDICTED, NAMES, PICTURES.__getitem__)


def test_the_measures_are_scipy_s(outcome):
    places = np.arange(5)
    distances = [wasserstein_distance(places, places, one, other) for one, other in zip(TRUE, PREDICTED, strict=True)]
    np.testing.assert_allclose(outcome.distances, distances, rtol=1e-9)
    assert outcome.metrics() == pytest.approx(
        {
            "emd": np.mean(distances),
            "histogram_mae": np.mean(np.abs(np.average(np.tile(places, (40, 1)), axis=1, weights=TRUE)
                                            - np.average(np.tile(places, (40, 1)), axis=1, weights=PREDICTED))),
            "share_mae": np.abs(TRUE - PREDICTED).mean(),
            "kl": entropy(TRUE, PREDICTED, axis=1).mean(),
            "top_1_agreement": np.mean([a.argmax() == b.argmax() for a, b in zip(TRUE, PREDICTED, strict=True)]),
        }
    )  # fmt: skip


def test_the_losses_of_these_names_have_these_values(outcome):
    import kzoo

    emd, means = kzoo.loss("emd:p=1,normalize=false"), kzoo.loss("histogram_mae")
    assert outcome.metrics()["emd"] == pytest.approx(float(emd(TRUE, PREDICTED)), rel=1e-5)
    assert outcome.metrics()["histogram_mae"] == pytest.approx(float(means(TRUE, PREDICTED)), rel=1e-5)


def test_a_predicted_share_of_nothing_is_not_all():
    assert np.isfinite(SharesOutcome(TRUE, np.eye(5)[np.zeros(40, int)], NAMES).metrics()["kl"])


def test_rows_of_classes_and_who_leads(outcome):
    rows = outcome.per_class()
    assert sum(row["true_share"] for row in rows.values()) == pytest.approx(1)
    assert rows["huge"]["share_mae"] == pytest.approx(np.abs(TRUE - PREDICTED)[:, 4].mean())
    counts = outcome.confusion().counts
    assert counts.sum() == 40
    assert np.trace(counts) / 40 == pytest.approx(outcome.metrics()["top_1_agreement"])


def test_pictures_of_the_test(outcome):
    figures = outcome.figures()
    assert set(figures) == set(TASK.pictures)
    said = [float(axes.get_title().removeprefix("EMD ")) for axes in figures["farthest"].axes if axes.get_title()]
    assert said == pytest.approx(sorted(outcome.distances, reverse=True)[:12], abs=0.005)
    bars = [axes for axes in figures["farthest"].axes if len(axes.patches) == 10]
    heights = [bar.get_height() for bar in bars[0].patches]
    first = int(np.argmax(outcome.distances))
    assert heights == pytest.approx([*TRUE[first], *PREDICTED[first]])


def test_it_measures_what_a_model_says():
    def forward(x):
        return PREDICTED[: len(x)]

    forward.engine = "numpy"
    asked = Measured(forward=forward, test=ArraySplit(PICTURES, TRUE), class_names=NAMES)
    assert TASK.measure(asked).metrics() == SharesOutcome(TRUE, PREDICTED, NAMES).metrics()


def test_a_prediction_shows_the_histogram():
    shares = dict(zip(NAMES, (0.05, 0.15, 0.5, 0.2, 0.1), strict=True))
    said = SharesPrediction("medium", 2, 0.5, shares)
    assert said.text == "medium 50%"
    assert said.columns(3) == {
        "class": "medium",
        "share": "0.5000",
        "histogram": "tiny 0.050, small 0.150, medium 0.500, large 0.200, huge 0.100",
    }
    assert said.to_dict()["probabilities"] == shares
