"""Images under maps are OpenCV's; random maps are made of what was asked for."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from kzoo.augmentation import affine_maps, random_affine_maps, transform, turned_and_sheared

PHOTO = np.random.default_rng(0).uniform(0, 255, (9, 12, 3)).astype("float32")
BORDERS = {"constant": cv2.BORDER_CONSTANT, "nearest": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT}
# In quarters, which OpenCV's coordinates of 1/32 of a pixel hold exactly.
MAPS = {
    "shift": [[1, 0, 2.25], [0, 1, -1.5]],
    "far": [[1, 0, -15], [0, 1, 20.5]],
    "zoom": [[0.5, 0, 3], [0, 0.75, 1]],
    "shear": [[1.75, 0.25, -4], [-0.5, 1.5, 2]],
    "mirror": [[-1, 0, 11], [0, 1, 0]],
    "turn": [[0, -1, 10], [1, 0, -1.75]],
}


def rows(*maps):
    """Return maps of OpenCV, two rows of three, as a batch of ours."""
    return tf.constant([np.append(np.ravel(one), [0, 0]) for one in maps], tf.float32)


@pytest.mark.parametrize("fill_mode", BORDERS)
def test_affine_maps_are_opencvs(fill_mode):
    batch = np.stack([PHOTO] * len(MAPS))
    ours = transform(batch, rows(*MAPS.values()), fill_mode=fill_mode, fill_value=7.0).numpy()
    for image, own in zip(ours, MAPS.values(), strict=True):
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        border = {"borderMode": BORDERS[fill_mode], "borderValue": (7, 7, 7)}
        theirs = cv2.warpAffine(PHOTO, np.array(own, "float32"), (12, 9), flags=flags, **border)
        np.testing.assert_allclose(image, theirs, atol=1e-3)


def test_projective_maps_to_another_size_are_opencvs():
    smooth = cv2.GaussianBlur(PHOTO, (0, 0), 2)
    matrix = np.array([[0.9, 0.1, 1.0], [-0.1, 0.8, 1.0], [0.01, -0.005, 1.0]], "float32")
    ours = transform(smooth[None], tf.constant([matrix.ravel()[:8]]), size=(14, 10), fill_mode="reflect")[0]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    theirs = cv2.warpPerspective(smooth, matrix, (10, 14), flags=flags, borderMode=cv2.BORDER_REFLECT)
    assert ours.shape == (14, 10, 3)
    np.testing.assert_allclose(ours, theirs, atol=1.0)
    assert np.abs(theirs - cv2.resize(smooth, (10, 14))).max() > 5


def test_masks_are_not_mixed():
    mask = (PHOTO[None, ..., :1] > 128).astype(np.uint8) * 9
    turned = affine_maps(turned_and_sheared(tf.constant([0.3]), tf.constant([0.0])), (6.0, 4.0), (6.0, 4.0))
    assert set(np.unique(transform(mask, turned, interpolation="nearest"))) == {0, 9}
    assert len(np.unique(transform(mask, turned))) > 2


def test_a_turn_about_a_place_is_opencvs():
    degrees, centre = [-30.0, 0.0, 75.0], (5.5, 3.0)
    matrix = turned_and_sheared(tf.constant(np.radians(degrees), tf.float32), tf.zeros(3))
    for ours, angle in zip(affine_maps(matrix, centre, centre).numpy(), degrees, strict=True):
        theirs = cv2.invertAffineTransform(cv2.getRotationMatrix2D(centre, angle, 1.0))
        np.testing.assert_allclose(ours, np.append(theirs.ravel(), [0, 0]), atol=1e-5)


def parts(maps):
    """Return 2 x 2 matrices, and the places they are added to."""
    maps = np.asarray(maps, float)
    np.testing.assert_array_equal(maps[:, 6:], 0)
    return maps[:, [0, 1, 3, 4]].reshape(-1, 2, 2), maps[:, [2, 5]]


IMAGES = tf.zeros((400, 20, 40, 3), tf.uint8)
MIDDLE = np.array([19.5, 9.5])


def test_random_maps_are_turns_about_the_middle_up_to_the_largest():
    matrix, offset = parts(random_affine_maps(IMAGES, seed=[1, 2], rotation=30.0, mirror=False))
    np.testing.assert_allclose(matrix @ matrix.transpose(0, 2, 1), [np.eye(2)] * 400, atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(matrix), 1, atol=1e-5)
    np.testing.assert_allclose(matrix @ MIDDLE + offset, [MIDDLE] * 400, atol=1e-4)
    degrees = np.degrees(np.arctan2(matrix[:, 1, 0], matrix[:, 0, 0]))
    assert -30 <= degrees.min() < -28
    assert 28 < degrees.max() <= 30


def test_random_maps_see_the_part_of_the_side_that_was_asked_for():
    matrix, _ = parts(random_affine_maps(IMAGES, seed=[1, 2], zoom=(0.6, 0.9), stretch=0.5, mirror=False))
    seen, ratio = np.sqrt(np.linalg.det(matrix)), matrix[:, 0, 0] / matrix[:, 1, 1]
    assert 0.6 <= seen.min() < 0.61
    assert 0.89 < seen.max() <= 0.9
    assert 1 / 1.501 < ratio.min() < 0.7
    assert 1.45 < ratio.max() < 1.501
    assert np.median(ratio) == pytest.approx(1, abs=0.1)


def test_random_maps_lean_and_move_as_far_as_was_asked_for():
    matrix, offset = parts(random_affine_maps(IMAGES, seed=[1, 2], shear=20.0, shift=0.1, mirror=False))
    degrees = np.degrees(np.arctan(matrix[:, 0, 1]))
    assert -20.01 < degrees.min() < -19
    assert 19 < degrees.max() < 20.01
    np.testing.assert_allclose(matrix[:, [0, 1, 1], [0, 1, 0]], [[1, 1, 0]] * 400, atol=1e-6)
    moved = matrix @ MIDDLE + offset - MIDDLE
    for way, side in zip(moved.T, (40, 20), strict=True):
        assert -0.1 * side - 1e-4 <= way.min() < -0.09 * side
        assert 0.09 * side < way.max() <= 0.1 * side + 1e-4


def test_a_stretch_is_along_the_sides_of_the_image_however_it_is_turned_and_mirrored():
    matrix, _ = parts(random_affine_maps(IMAGES, seed=[1, 2], rotation=60.0, zoom=(0.5, 0.5), stretch=0.5))
    square = matrix @ matrix.transpose(0, 2, 1)
    np.testing.assert_allclose(square[:, 0, 1], 0, atol=1e-5)
    np.testing.assert_allclose(square[:, 0, 0] * square[:, 1, 1], 0.5**4, rtol=1e-4)
    assert np.ptp(square[:, 0, 0]) > 0.1


def test_half_of_the_maps_mirror():
    matrix, offset = parts(random_affine_maps(IMAGES, seed=[1, 2]))
    mirrored = matrix[:, 0, 0] < 0
    assert 160 < mirrored.sum() < 240
    np.testing.assert_array_equal(offset, np.where(mirrored[:, None], [39, 0], [0, 0]))


def test_maps_follow_from_the_seed_alone_also_in_a_graph_of_any_batch():
    graph = tf.function(
        lambda x, seed: transform(x, random_affine_maps(x, seed=seed, rotation=20.0, shift=0.2)),
        input_signature=[tf.TensorSpec((None, 9, 12, 3)), tf.TensorSpec((2,), tf.int64)],
    )
    batch = tf.constant(np.stack([PHOTO] * 5))
    one, again, other = (graph(batch, tf.constant(seed, tf.int64)).numpy() for seed in ([1, 2], [1, 2], [2, 1]))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any((1, 2, 3)).all()
    assert (one[0] != one[1]).any()
    maps = random_affine_maps(batch, seed=[1, 2], rotation=20.0, shift=0.2)
    np.testing.assert_allclose(one, transform(batch, maps), atol=0.1)


@pytest.mark.parametrize(
    ("images", "settings", "said"),
    [
        (PHOTO, {}, r"`images` must be a batch of shape \(B, H, W, C\), not \(9, 12, 3\)"),
        (PHOTO[None], {"fill_mode": "wrap"}, "`fill_mode` must be one of constant, nearest, reflect, not 'wrap'"),
        (PHOTO[None], {"interpolation": "cubic"}, "`interpolation` must be one of bilinear, nearest, not 'cubic'"),
    ],
)
def test_what_cannot_be_done_is_refused(images, settings, said):
    with pytest.raises(ValueError, match=said):
        transform(images, rows(MAPS["shift"]), **settings)
