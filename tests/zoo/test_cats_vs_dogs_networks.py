"""The networks for photos are the ones that were promised, and so are the changes to training photos."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance
from pipelines import built, moment
from scipy import ndimage

from kzoo.errors import KzooError, NetworkUnreachableError, UsageError
from kzoo.models.saving import load_model, save_model
from kzoo.models.starting import start_from
from kzoo_zoo.cats_vs_dogs.augment import recolour, warp
from kzoo_zoo.cats_vs_dogs.pipeline import CatsVsDogs

PIPELINE = CatsVsDogs()
RNG = np.random.default_rng(0)
PHOTOS = RNG.integers(0, 256, (6, 24, 32, 3), dtype=np.uint8)
SMOOTH = np.stack([ndimage.gaussian_filter(photo, (3, 3, 0)) for photo in PHOTOS])


def test_classic_is_the_tutorials_network_behind_a_rescaling():
    ours = built(PIPELINE, (150, 150, 3), 2, network="classic").model
    layers = [keras.Input((150, 150, 3))]
    for width in (32, 64, 64):
        layers += [keras.layers.Conv2D(width, (3, 3), activation="relu"), keras.layers.MaxPool2D((2, 2))]
    layers += [keras.layers.Flatten(), keras.layers.Dense(128, activation="relu"), keras.layers.Dropout(0.5),
               keras.layers.Dense(1, activation="sigmoid")]  # fmt: skip
    theirs = keras.Sequential(layers)
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
    ours.set_weights(theirs.get_weights())
    images = RNG.integers(0, 256, (2, 150, 150, 3), dtype=np.uint8)
    np.testing.assert_allclose(ours(images), theirs(images.astype("float32") / 127.5 - 1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", ["default", "classic"])
def test_two_classes_are_one_sigmoid_and_more_a_softmax(network):
    images = np.zeros((2, 40, 48, 3), np.uint8)
    two = built(PIPELINE, (40, 48, 3), 2, network=network).model(images)
    five = built(PIPELINE, (40, 48, 3), 5, network=network).model(images)
    assert two.shape == (2, 1)
    assert five.shape == (2, 5)
    assert two.dtype == five.dtype == tf.float32
    np.testing.assert_allclose(np.sum(five, -1), 1, rtol=1e-5)


def test_outside_training_the_default_network_says_the_same_of_a_mirror_image():
    model = built(PIPELINE, (32, 32, 3), 2, widths=[4, 8]).model
    images = RNG.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    once, mirrored = model(images, training=False), model(images[:, :, ::-1], training=False)
    np.testing.assert_allclose(once, mirrored, rtol=1e-5)
    one_view = model.get_layer("mirror_average").layer
    views = [one_view(x / 127.5 - 1, training=False) for x in (images, images[:, :, ::-1])]
    np.testing.assert_allclose(once, (views[0] + views[1]) / 2, rtol=1e-5)
    assert np.abs(views[0] - views[1]).max() > 1e-4


def test_a_saved_model_finds_the_layers_of_its_pipeline_again(tmp_path):
    model = built(PIPELINE, (32, 32, 3), 2, widths=[4, 8]).model
    save_model(model, tmp_path / "model.keras")
    del keras.saving.get_custom_objects()["kzoo_zoo>MirrorAverage"]  # as in a process that has not trained
    for module in ("kzoo_zoo.cats_vs_dogs.model", "kzoo_zoo.blocks"):
        del sys.modules[module]
    again = load_model(tmp_path / "model.keras")
    images = RNG.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(again(images, training=False), model(images, training=False))


def test_the_regularizer_reaches_every_kernel():
    model = built(PIPELINE, (32, 32, 3), 2, widths=[4, 8, 8], regularizer=keras.regularizers.L2(0.5)).model
    kernels = [v for v in model.trainable_variables if v.path.endswith("kernel")]
    expected = sum(0.5 * float(tf.reduce_sum(tf.square(kernel.value))) for kernel in kernels)
    assert len(kernels) == 6
    assert sum(float(loss) for loss in model.losses) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"network": "vgg"}, "default, classic or transfer, not 'vgg'"),
        ({"network": "classic", "widths": [4]}, "`model.widths` is no setting of the network `classic`"),
        ({"weights": "x.h5"}, "`model.weights` is no setting of the network `default`"),
        ({"network": "transfer", "weights": "none.h5"}, "there is no file none.h5"),
    ],
)
def test_a_setting_of_another_network_is_refused(settings, reason):
    with pytest.raises(UsageError, match=reason):
        built(PIPELINE, (32, 32, 3), 2, **settings)


@pytest.mark.long
def test_transfer_takes_the_weights_it_is_given_and_trains_the_last_layer_alone(tmp_path):
    backbone = keras.applications.EfficientNetV2B0(include_top=False, weights=None, input_shape=(32, 32, 3))
    file = tmp_path / "backbone.weights.h5"
    backbone.save_weights(file)
    model = built(PIPELINE, (32, 32, 3), 2, network="transfer", weights=str(file)).model
    assert [v.path.split("/")[-1] for v in model.trainable_variables] == ["kernel", "bias"]
    images = RNG.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    features = np.mean(backbone(images.astype("float32"), training=False), axis=(1, 2))
    logits = features @ model.layers[-1].kernel.numpy()
    np.testing.assert_allclose(model(images, training=False), 1 / (1 + np.exp(-logits)), rtol=1e-4)
    model.save(tmp_path / "first.keras")
    again = built(PIPELINE, (32, 32, 3), 2, network="transfer", start=tmp_path / "first.keras", unfrozen=30)
    second = again.model
    started = start_from(second, tmp_path / "first.keras")
    assert started.anew == ()
    np.testing.assert_allclose(second(images, training=False), model(images, training=False), rtol=1e-4)
    trained = {layer.__class__.__name__ for layer in second.get_layer("efficientnetv2-b0").layers if layer.trainable}
    assert "Conv2D" in trained
    assert "BatchNormalization" not in trained
    before = len(second.trainable_variables)
    again.unfreeze(second)
    backbone = second.get_layer("efficientnetv2-b0")
    kept = {layer.__class__.__name__ for layer in backbone.layers if layer.weights and not layer.trainable}
    assert kept == {"BatchNormalization"}
    assert len(second.trainable_variables) > before
    (tmp_path / "other.weights.h5").write_bytes(b"no weights")
    with pytest.raises(KzooError, match=r"`model\.weights`: .*other\.weights\.h5, are damaged: .*signature"):
        built(PIPELINE, (32, 32, 3), 2, network="transfer", weights=str(tmp_path / "other.weights.h5"))


def test_without_a_network_transfer_says_what_to_name(tmp_path, monkeypatch):
    monkeypatch.setenv("KZOO_DATA", str(tmp_path))
    monkeypatch.setenv("KZOO_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(NetworkUnreachableError, match=r"efficientnetv2-b0_notop\.h5.*-o model\.weights=FILE"):
        built(PIPELINE, (32, 32, 3), 2, network="transfer")


def moved_by_scipy(image, matrix, offset):
    """Return what SciPy makes of an affine map from places of the result to places of the image, as (row, column)."""
    return np.stack(
        [
            ndimage.affine_transform(image[..., c].astype(float), matrix, offset, order=1, mode="grid-wrap")
            for c in range(3)
        ],
        axis=-1,
    )


def test_nothing_asked_for_changes_nothing():
    np.testing.assert_array_equal(warp(PHOTOS, seed=[1, 2], mirror=False), PHOTOS)


def test_half_of_the_images_are_mirrored():
    x = np.repeat(PHOTOS, 20, axis=0)
    moved = warp(x, seed=[1, 2]).numpy()
    same, mirrored = (moved == x).all((1, 2, 3)), (moved == x[:, :, ::-1]).all((1, 2, 3))
    assert (same ^ mirrored).all()
    assert 40 < mirrored.sum() < 80


@pytest.mark.parametrize(
    ("settings", "matrices"),
    [
        ({"rotation": 20}, lambda u: [[np.cos(u * np.pi / 9), np.sin(u * np.pi / 9)],
                                      [-np.sin(u * np.pi / 9), np.cos(u * np.pi / 9)]]),
        ({"zoom": (0.5, 0.5)}, lambda u: [[0.5, 0], [0, 0.5]]),
        ({"shear": 30}, lambda u: [[1, 0], [np.tan(u * np.pi / 6), 1]]),
        ({"stretch": 0.5}, lambda u: [[1.5 ** (-u / 2), 0], [0, 1.5 ** (u / 2)]]),
    ],
)  # fmt: skip
def test_each_change_about_the_middle_is_the_affine_map_of_scipy(settings, matrices):
    """The strength is drawn from the seed, so SciPy tries all of them; the nearest must be the same picture."""
    moved = warp(SMOOTH, seed=[3, 4], mirror=False, **settings).numpy()
    middle = (np.array(SMOOTH.shape[1:3]) - 1) / 2
    inside = (slice(8, -8), slice(10, -10))
    strengths = set()
    for image, ours in zip(SMOOTH, moved, strict=True):
        errors = []
        for u in np.linspace(-1, 1, 81):
            matrix = np.array(matrices(u))
            theirs = moved_by_scipy(image, matrix, middle - matrix @ middle)
            errors.append(np.abs(theirs[inside] - ours[inside]).max())
        assert min(errors) < 2.5
        strengths.add(int(np.argmin(errors)))
    assert len(strengths) > 1 or "zoom" in settings


def test_a_shift_moves_by_a_part_of_the_side():
    x = np.zeros((50, 20, 40, 3), np.uint8)
    x[:, 10, 20] = 255
    moved = warp(x, seed=[5, 6], shift=0.2, mirror=False).numpy().astype(float)
    rows = (moved.sum((2, 3)) * np.arange(20)).sum(1) / moved.sum((1, 2, 3)) - 10
    columns = (moved.sum((1, 3)) * np.arange(40)).sum(1) / moved.sum((1, 2, 3)) - 20
    assert 3.5 < np.abs(rows).max() <= 4.1
    assert 7 < np.abs(columns).max() <= 8.1


def test_what_comes_in_from_outside_is_the_image_reflected():
    x = np.full((20, 16, 16, 3), 200, np.uint8)
    assert warp(x, seed=[7, 8], rotation=45, shift=0.3, shear=20, zoom=(0.8, 1.5)).numpy().min() == 200


def test_recolouring_is_pillows_brightness_contrast_and_saturation():
    np.testing.assert_array_equal(recolour(PHOTOS, seed=[1, 2], strength=0.0), PHOTOS)
    changed = recolour(SMOOTH, seed=[1, 2], strength=0.3).numpy()
    assert changed.dtype == np.uint8
    means = changed.mean((1, 2, 3)) / SMOOTH.mean((1, 2, 3))
    assert 0.69 < means.min() < means.max() < 1.31
    assert np.ptp(means) > 0.1
    # Of an image of one gray, only the brightness is left, as with Pillow's enhancer.
    gray = np.full((5, 8, 8, 3), 120, np.uint8)
    ours = recolour(gray, seed=[1, 2], strength=0.3).numpy()
    for image in ours:
        factor = image[0, 0, 0] / 120
        theirs = np.asarray(ImageEnhance.Brightness(Image.fromarray(gray[0])).enhance(factor))
        assert np.abs(theirs.astype(int) - image).max() <= 1


def test_changes_depend_on_the_seed_alone():
    settings = {"rotation": 15, "shift": 0.1, "zoom": [0.6, 1.0], "stretch": 0.2, "colour": 0.3}
    labels = np.arange(len(PHOTOS))
    augment = built(PIPELINE, (24, 32, 3), augment=settings).augment
    one, again, other = (augment(PHOTOS, labels, moment(seed))[0].numpy() for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any((1, 2, 3)).all()
