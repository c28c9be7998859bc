"""The losses of boundaries and skeletons: exact distances, positions that do not count, arguments that are refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import with_gradient
from scipy.ndimage import distance_transform_edt

from kzoo_plugins.losses.boundaries import Boundary, Hausdorff
from kzoo_plugins.losses.cldice import CenterlineDice, soft_skeleton
from kzoo_plugins.losses.distance_maps import distances_to, sides_of

RNG = np.random.default_rng(3)
MADE = [CenterlineDice, Boundary, Hausdorff]
every = pytest.mark.parametrize("made", MADE, ids=lambda cls: cls.__name__)


# --- distances


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("shape", [(2, 31), (2, 7, 12), (1, 40, 9), (2, 4, 6, 5)], ids=str)
def test_distances_are_scipys(shape, share):
    masks = RNG.uniform(size=(*shape, 2)) < share
    found = np.asarray(distances_to(masks))
    for at, c in np.ndindex(shape[0], 2):
        mask = masks[at, ..., c]
        expected = distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)
        np.testing.assert_allclose(found[at, ..., c], expected, rtol=1e-6)


def test_distances_are_the_same_in_a_graph_for_images_of_any_size():
    anything = tf.TensorSpec((None, None, None, 3), tf.bool)
    compiled = tf.function(distances_to, input_signature=[anything], autograph=False)
    for side in (1, 5, 16):
        masks = RNG.uniform(size=(2, side, side + 1, 3)) < 0.2
        np.testing.assert_allclose(compiled(tf.constant(masks)), distances_to(masks), rtol=1e-6)


def test_a_class_that_is_nowhere_or_everywhere_has_no_boundary():
    for mask in (np.zeros((1, 3, 3, 1), bool), np.ones((1, 3, 3, 1), bool)):
        for side in sides_of(mask, ~mask):
            assert not np.asarray(side).any()


# --- positions that do not count


@every
def test_what_an_ignored_position_holds_changes_nothing(made):
    labels = RNG.integers(0, 3, (2, 6, 7))
    labels[:, 2:4, 1:3] = 9
    y_pred = np.asarray(keras.ops.softmax(RNG.normal(size=(2, 6, 7, 3)).astype("float32")))
    other = np.where(labels[..., None] == 9, np.float32("nan"), y_pred)
    hot = np.eye(10, dtype="float32")[labels][..., :3]
    run = with_gradient(made(ignore_class=9))
    value, gradient = run(labels, y_pred)
    assert np.isfinite(value)
    for y_true, pred in ((labels, other), (hot, y_pred)):
        found, slope = run(y_true, pred)
        assert found == value
        np.testing.assert_array_equal(slope, gradient)
    assert not gradient[labels == 9].any()
    labels[0] = 9  # then the mean is over the other sample
    assert float(made(ignore_class=9)(labels, y_pred)) == pytest.approx(
        float(made(ignore_class=9)(labels[1:], y_pred[1:]))
    )


@every
def test_ignored_positions_at_the_edge_are_as_if_the_image_were_smaller(made):
    labels, y_pred = RNG.integers(0, 2, (2, 6, 7)), RNG.uniform(size=(2, 6, 7, 1)).astype("float32")
    labels[:, :, 5:] = 255
    found = made(ignore_class=255, reduction=None)(labels, y_pred)
    np.testing.assert_allclose(found, made(reduction=None)(labels[:, :, :5], y_pred[:, :, :5]), rtol=1e-6)


@every
def test_an_unknown_label_and_a_nan_show(made):
    labels, y_pred = RNG.integers(0, 3, (2, 4, 5)), np.full((2, 4, 5, 3), 1 / 3, "float32")
    wrong, broken = labels.copy(), y_pred.copy()
    wrong[1, 0, 0], broken[1, 3, 4, 2] = 3, np.nan
    for y_true, pred in ((wrong, y_pred), (labels, broken)):
        values, gradient = with_gradient(made(reduction=None))(y_true, pred)
        assert np.isnan(values).tolist() == [False, True]
        assert np.isnan(gradient).any(axis=(1, 2, 3)).tolist() == [False, True]


# --- skeletons


def test_the_skeleton_of_a_thin_line_is_the_line_and_of_a_bar_its_middle():
    image = np.zeros((1, 9, 12, 1), "float32")
    image[0, 4, 2:10] = 1
    np.testing.assert_array_equal(soft_skeleton(image, 3), image)
    bar = np.zeros_like(image)
    bar[0, 3:6, 1:11] = 1
    np.testing.assert_array_equal(soft_skeleton(bar, 3)[0, 4, 2:10], np.ones((8, 1)))
    assert not np.asarray(soft_skeleton(bar, 3))[0, 3, 3:9].any()


# --- arguments


@pytest.mark.parametrize(
    ("made", "arguments", "message"),
    [
        (CenterlineDice, {"iterations": -1}, "`iterations` must be a whole number of at least 0, not -1"),
        (CenterlineDice, {"iterations": 1.5}, "`iterations` must be a whole number"),
        (CenterlineDice, {"smooth": 0.0}, r"`smooth` must be a finite number above 0, not 0\.0"),
        (Hausdorff, {"alpha": 0.0}, r"`alpha` must be a finite number above 0, not 0\.0"),
        (Hausdorff, {"alpha": float("inf")}, "`alpha` must be a finite number above 0, not inf"),
    ],
)
def test_arguments_without_a_meaning_are_refused(made, arguments, message):
    with pytest.raises(ValueError, match=message):
        made(**arguments)
