"""The triplet losses: which triplets count, and what TensorFlow Addons made of the same batch."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo_plugins.losses.triplet import TripletHard, TripletSemiHard, triplet_hard, triplet_semihard

RNG = np.random.default_rng(3)


def on_a_line(*places):
    return np.array(places, "float32")[:, None]


def by_definition(labels, vectors, margin):
    """The semi-hard loss of the whole batch, triplet by triplet."""
    vectors, found = np.asarray(vectors, "float64"), []
    d = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
    for a in range(len(labels)):
        away = d[a][labels != labels[a]]
        for p in np.flatnonzero(labels == labels[a]):
            if p != a:
                beyond = away[away > d[a, p]]
                found.append(max(d[a, p] - (beyond.min() if len(beyond) else away.max()) + margin, 0))
    return np.mean(found)


@pytest.mark.parametrize("margin", [0.2, 1.0])
def test_the_semi_hard_loss_is_the_mean_over_all_pairs(margin):
    labels, vectors = RNG.integers(0, 4, 40), RNG.normal(size=(40, 3)).astype("float32")
    assert float(TripletSemiHard(margin)(labels, vectors)) == pytest.approx(
        by_definition(labels, vectors, margin), rel=1e-5
    )


def test_a_semi_hard_negative_is_the_nearest_one_beyond_the_positive():
    # From 0 the positive is at 2; negatives are at 1 (too near), 3 (semi-hard) and 10.
    values = triplet_semihard([0, 0, 1, 1, 1], on_a_line(0, 2, 1, 3, 10), margin=2.0, distance_metric="l2")
    assert float(values[0]) == pytest.approx((2 - 3 + 2) * 5 / 8)


def test_without_a_semi_hard_negative_it_is_the_farthest():
    values = triplet_semihard([0, 0, 1, 1], on_a_line(0, 5, 1, 3), margin=2.0, distance_metric="l2")
    assert float(values[0]) == pytest.approx((5 - 3 + 2) * 4 / 4)


def test_a_negative_as_far_as_the_positive_is_not_semi_hard():
    values = triplet_semihard([0, 0, 1, 1], on_a_line(0, 2, -2, 3), margin=2.0, distance_metric="l2")
    assert float(values[0]) == pytest.approx((2 - 3 + 2) * 4 / 4)
    values = triplet_semihard([1, 0, 0, 1], on_a_line(-2, 0, 2, 3), margin=2.0, distance_metric="l2")
    assert float(values[1]) == pytest.approx((2 - 3 + 2) * 4 / 4)


def test_the_hard_loss_takes_the_farthest_positive_and_the_nearest_negative():
    values = triplet_hard([0, 0, 0, 1, 1], on_a_line(0, 1, 4, 2, 9), margin=0.5, distance_metric="l2")
    assert float(values[0]) == pytest.approx(4 - 2 + 0.5)


def test_the_soft_form_has_no_margin():
    batch = [0, 0, 1], on_a_line(0, 1, 3)
    for margin in (0.0, 7.0):
        values = triplet_hard(*batch, margin=margin, soft=True, distance_metric="l2")
        np.testing.assert_allclose(values, np.log1p(np.exp([1.0 - 3.0, 1.0 - 2.0, 0.0 - 2.0])), rtol=1e-6)


def test_the_soft_form_of_large_distances_is_finite():
    assert float(TripletHard(soft=True)([0, 0, 1], on_a_line(0, 1000, 1))) == pytest.approx(
        (1e6 - 1 + 1e6 - 999**2 + np.log1p(np.exp(-1.0))) / 3, rel=1e-6
    )


@pytest.mark.parametrize("made", [TripletSemiHard, TripletHard])
def test_triplets_in_order_by_the_margin_cost_nothing(made):
    batch = np.array([0, 0, 1, 1]), on_a_line(0, 0.5, 3, 3.5)
    assert float(made(margin=1.0)(*batch)) == 0.0
    assert float(made(margin=9.0)(*batch)) > 0.0


@pytest.mark.parametrize("made", [TripletSemiHard, TripletHard])
def test_the_default_distance_is_squared(made):
    batch = np.array([0, 0, 1]), on_a_line(0, 1, 1.7)
    assert float(made()(*batch)) == float(made(distance_metric="squared_l2")(*batch))
    assert float(made()(*batch)) != float(made(distance_metric="l2")(*batch))


@pytest.mark.long
def test_training_pulls_classes_together_and_others_apart():
    vectors = tf.Variable(RNG.normal(size=(6, 2)).astype("float32"))
    labels, loss = np.array([0, 0, 1, 1, 2, 2]), TripletSemiHard(normalize=True)
    for _ in range(60):
        with tf.GradientTape() as tape:
            value = loss(labels, vectors)
        vectors.assign_sub(0.5 * tape.gradient(value, vectors))
    unit = vectors / tf.norm(vectors, axis=-1, keepdims=True)
    like = np.asarray(tf.matmul(unit, unit, transpose_b=True)) - 2 * np.eye(6)
    assert (labels[like.argmax(-1)] == labels).all()


# --- what is refused


@pytest.mark.parametrize("made", [TripletSemiHard, TripletHard])
@pytest.mark.parametrize("margin", [-0.1, float("nan"), float("inf")])
def test_a_margin_below_0_is_refused(made, margin):
    with pytest.raises(ValueError, match="`margin` must be a finite number of at least 0"):
        made(margin=margin)


@pytest.mark.parametrize("made", [TripletSemiHard, TripletHard])
@pytest.mark.parametrize(("named", "meant"), [("L_2", "squared_l2"), ("L_1", "l2"), ("cosine", "angular")])
def test_names_of_distances_elsewhere_are_refused_with_the_name_here(made, named, meant):
    with pytest.raises(ValueError, match=f"not '{named}'. '{named}' of other libraries is '{meant}' here"):
        made(distance_metric=named)


def test_an_unknown_distance_is_refused():
    with pytest.raises(ValueError, match="`distance_metric` must be one of 'squared_l2', 'l2', 'angular', not 'x'"):
        triplet_hard([0, 1], on_a_line(0, 1), distance_metric="x")
