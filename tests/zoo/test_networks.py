"""The networks are the ones that were promised, and so are the changes to training images."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from pipelines import built, moment, pictures_of, sample

from kzoo.errors import UsageError
from kzoo_zoo.blocks import Dirac
from kzoo_zoo.cifar10.augment import mirror_and_shift
from kzoo_zoo.cifar10.pipeline import Cifar10
from kzoo_zoo.mnist.augment import shift
from kzoo_zoo.mnist.pipeline import Mnist
from kzoo_zoo.whitening import COMPONENTS, PATCH, whiten

PIPELINES = {"mnist": (Mnist(), (28, 28, 1)), "cifar10": (Cifar10(), (32, 32, 3))}


def tutorials_network(name):
    """The tutorial's networks as it writes them."""
    layers = [keras.Input((28, 28, 1) if name == "mnist" else (32, 32, 3))]
    for _ in range(1 if name == "mnist" else 2):
        layers += [keras.layers.Conv2D(32, (4, 4), activation="relu"), keras.layers.MaxPool2D((2, 2))]
    hidden = 128 if name == "mnist" else 256
    layers += [keras.layers.Flatten(), keras.layers.Dense(hidden, activation="relu"),
               keras.layers.Dense(10, activation="softmax")]  # fmt: skip
    return keras.Sequential(layers)


@pytest.mark.parametrize("name", PIPELINES)
def test_classic_is_the_tutorials_network_behind_a_rescaling(name):
    pipeline, shape = PIPELINES[name]
    ours, theirs = built(pipeline, shape, 10, network="classic").model, tutorials_network(name)
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
    ours.set_weights(theirs.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    expected = theirs(images.astype("float32") / 255)
    np.testing.assert_allclose(ours(images), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", ["default", "classic"])
@pytest.mark.parametrize("name", PIPELINES)
def test_networks_take_raw_pixels_and_give_probabilities_of_any_number_of_classes(name, network):
    pipeline, shape = PIPELINES[name]
    model = built(pipeline, shape, 7, network=network).model
    outputs = model(np.zeros((2, *shape), np.uint8))
    assert outputs.shape == (2, 7)
    assert outputs.dtype == tf.float32
    np.testing.assert_allclose(np.sum(outputs, -1), 1, rtol=1e-5)
    assert {layer.__class__.__module__.split(".")[0] for layer in model.layers} == {"keras"}


@pytest.mark.parametrize("network", ["default", "classic"])
@pytest.mark.parametrize("name", PIPELINES)
def test_the_regularizer_reaches_every_trained_kernel(name, network):
    pipeline, shape = PIPELINES[name]
    model = built(pipeline, shape, 10, network=network, regularizer=keras.regularizers.L2(0.5)).model
    kernels = [v for v in model.trainable_variables if v.path.endswith("kernel")]
    expected = sum(0.5 * float(tf.reduce_sum(tf.square(kernel.value))) for kernel in kernels)
    assert sum(float(loss) for loss in model.losses) == pytest.approx(expected, rel=1e-5)


def test_the_staged_network_says_the_same_of_a_mirror_image_and_is_as_deep_as_asked():
    pipeline, shape = PIPELINES["cifar10"]

    def staged(**settings):
        return built(pipeline, shape, 7, network="staged", widths=[4, 6], **settings).model

    model, images = staged(), pictures_of(shape).fetch(np.arange(4))[0]
    outputs = model(images, training=False)
    np.testing.assert_allclose(np.sum(outputs, -1), 1, rtol=1e-5)
    np.testing.assert_allclose(model(images[:, :, ::-1], training=False), outputs, rtol=1e-5)
    # Two more convolutions, 3x3 between the channels of their stage, with the normalization's four numbers a channel.
    deeper = staged(convolutions=3).count_params() - model.count_params()
    assert deeper == sum(9 * width**2 + 4 * width for width in (4, 6))
    with pytest.raises(UsageError, match=r"`model\.convolutions` is no setting of the default network"):
        built(pipeline, shape, 7, convolutions=2)
    # Patches of 2x2 pixels have twelve components, each with its negative, and keep the photo's size but for one.
    for patch, whitened in {2: (31, 31, 24), 4: (16, 16, 32)}.items():
        network = staged(patch=patch).get_layer("mirror_average").layer
        assert network.get_layer("whitening").output.shape[1:] == whitened
        assert seen_by_the_last(network) == [(6,)]  # one value of each last map
    assert seen_by_the_last(staged(convolutions=1).get_layer("mirror_average").layer) == [(4 * 4 * 6,)]


def test_half_of_what_the_staged_network_says_is_of_shifted_photos_where_that_is_asked_for():
    pipeline, shape = PIPELINES["cifar10"]
    model = built(pipeline, shape, 7, network="staged", widths=[4], shift=2).model
    looks = model.get_layer("mirror_average")
    images = pictures_of(shape).fetch(np.arange(4))[0]
    around = np.pad(images, [(0, 0), (2, 2), (2, 2), (0, 0)], mode="reflect")
    views = {4: [images], 2: [around[:, :32, :32], around[:, 4:, 4:]]}
    expected = sum(
        weight * np.asarray(looks.layer(np.float32(seen) / 255, training=False))
        for weight, plain in views.items()
        for view in plain
        for seen in (view, view[:, :, ::-1])
    )
    found = model(images, training=False)
    np.testing.assert_allclose(found, expected / 16, rtol=1e-5)
    assert np.abs(found - looks.layer(np.float32(images) / 255, training=False)).max() > 1e-4
    again = keras.layers.deserialize(keras.layers.serialize(looks))
    assert again.shift == 2
    with pytest.raises(UsageError, match=r"`model\.shift` is no setting of the default network, but of staged\."):
        built(pipeline, shape, 7, shift=1)


def seen_by_the_last(network):
    return [layer.input.shape[1:] for layer in network.layers if layer.name.startswith("dense")]


@pytest.mark.parametrize("side", [1, 2, 3, 4])
@pytest.mark.parametrize("width", [3, 5])
def test_dirac_begins_convolutions_that_hand_on_their_inputs(side, width):
    keras.utils.set_random_seed(0)
    convolutions = [keras.layers.Conv2D(width, side, padding="same", kernel_initializer=Dirac()) for _ in range(2)]
    x = np.random.default_rng(0).normal(size=(2, 7, 6, 3)).astype("float32")
    found, other = (np.asarray(convolution(x)) for convolution in convolutions)
    np.testing.assert_array_equal(found[..., :3], x)
    if width > 3:  # the rest are begun as those of Keras are, each layer's by numbers of its own
        assert 0.1 < found[..., 3:].std() < 3
        assert not np.allclose(found[..., 3:], other[..., 3:])
    few = keras.layers.Conv2D(2, side, padding="same", kernel_initializer=Dirac())
    np.testing.assert_array_equal(few(x), x[..., :2])


def test_dirac_is_the_same_after_saving_and_by_its_seed():
    shape = (3, 3, 2, 6)
    again = keras.initializers.deserialize(keras.initializers.serialize(Dirac(5)))
    np.testing.assert_array_equal(again(shape), Dirac(5)(shape))
    assert keras.initializers.serialize(Dirac())["config"] == {"seed": None}


def test_widths_are_a_setting_of_the_default_network_alone():
    pipeline, shape = PIPELINES["mnist"]
    assert built(pipeline, shape, 10, widths=[4, 8]).model.count_params() < 10_000
    refused = r"`model\.widths` is no setting of the classic network, but of default, general\."
    with pytest.raises(UsageError, match=refused):
        built(pipeline, shape, 10, network="classic", widths=[4, 8])


@pytest.mark.parametrize(("patch", "components"), [(4, COMPONENTS), (2, 12)])
def test_whitening_gives_uncorrelated_components_of_variance_one(patch, components):
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(200, 16, 16, 3)).cumsum(1).cumsum(2)  # neighbours resemble each other
    images = (127 + 60 * noise / np.abs(noise).max((1, 2, 3), keepdims=True)).astype(np.uint8)
    layer = keras.layers.Conv2D(2 * components, patch, strides=patch)
    layer.build((None, 16, 16, 3))
    whiten(layer, images, epsilon=0.0)
    outputs = np.asarray(layer(images / 255.0)).reshape(-1, 2 * components)
    first, second = outputs[:, :components], outputs[:, components:]
    np.testing.assert_allclose(first, -second, atol=1e-3)
    np.testing.assert_allclose(np.cov(first, rowvar=False), np.eye(components), atol=2e-2)
    np.testing.assert_allclose(first.mean(0), 0, atol=1e-2)


def test_the_pipeline_whitens_the_default_network_and_leaves_it_frozen():
    pipeline, shape = PIPELINES["cifar10"]
    train = sample(pipeline).train
    layer = built(pipeline, shape, 10, train=train).model.get_layer("whitening")
    expected = keras.layers.Conv2D(2 * COMPONENTS, PATCH, strides=PATCH)
    expected.build((None, *shape))
    whiten(expected, train.x[:5000])
    np.testing.assert_allclose(layer.get_weights()[0], expected.get_weights()[0], rtol=1e-5, atol=1e-6)
    assert not layer.trainable
    built(pipeline, shape, 10, train=train, network="classic")  # which has nothing to whiten
    staged = built(pipeline, shape, 10, train=train, network="staged", widths=[4]).model
    inner = staged.get_layer("mirror_average").layer.get_layer("whitening")
    np.testing.assert_array_equal(inner.get_weights()[0], layer.get_weights()[0])
    assert not inner.trainable


def images(batch=6, size=8, channels=1):
    return np.random.default_rng(1).integers(1, 256, (batch, size, size, channels), dtype=np.uint8)


def test_shift_moves_whole_pixels_and_fills_with_black():
    x = images()
    moved = shift(x, seed=[1, 2], reach=2).numpy()
    padded = np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)])
    offsets = set()
    for one, big in zip(moved, padded, strict=True):
        places = [(i, j) for i in range(5) for j in range(5) if (big[i : i + 8, j : j + 8] == one).all()]
        assert len(places) == 1
        offsets |= set(places)
    assert len(offsets) > 1
    assert moved.dtype == np.uint8
    np.testing.assert_array_equal(shift(x, seed=[1, 2], reach=2), moved)
    np.testing.assert_array_equal(shift(x, seed=[1, 2], reach=0), x)


def test_mirror_shows_both_sides_in_two_epochs_whatever_the_order():
    x = images(40, channels=3)
    seed = [3, 4]
    even, odd = (mirror_and_shift(x, seed=seed, epoch=tf.constant(e), reach=0).numpy() for e in (0, 1))
    mirrored = (even != x).any((1, 2, 3))
    assert 5 < mirrored.sum() < 35
    np.testing.assert_array_equal(even[mirrored], x[mirrored][:, :, ::-1])
    np.testing.assert_array_equal(odd[mirrored], x[mirrored])
    np.testing.assert_array_equal(odd[~mirrored], x[~mirrored][:, :, ::-1])
    backwards = mirror_and_shift(x[::-1], seed=seed, epoch=tf.constant(0), reach=0).numpy()
    np.testing.assert_array_equal(backwards[::-1], even)


def test_photos_are_shifted_with_a_reflected_border():
    x = images(30, channels=3)
    moved = mirror_and_shift(x, seed=[5, 6], epoch=tf.constant(0), reach=2).numpy()
    plain = mirror_and_shift(x, seed=[5, 6], epoch=tf.constant(0), reach=0).numpy()
    padded = np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)], mode="reflect")
    flipped = (plain != x).any((1, 2, 3))
    for one, big, flip in zip(moved, padded, flipped, strict=True):
        seen = one[:, ::-1] if flip else one
        assert sum((big[i : i + 8, j : j + 8] == seen).all() for i in range(5) for j in range(5)) == 1


@pytest.mark.parametrize("name", PIPELINES)
def test_the_pipeline_changes_pictures_by_the_moment_alone_and_leaves_labels(name):
    pipeline, shape = PIPELINES[name]
    x, y = pictures_of(shape).fetch(np.arange(8))
    augment = built(pipeline, shape, augment={"reach": 1}).augment
    one, labels = augment(x, y, moment([5, 6], epoch=1))
    changed = (
        shift(x, seed=[5, 6], reach=1)
        if name == "mnist"
        else mirror_and_shift(x, seed=[5, 6], epoch=tf.constant(1), reach=1)
    )
    np.testing.assert_array_equal(one, changed)
    np.testing.assert_array_equal(labels, y)
    assert built(pipeline, shape).augment is None
    with pytest.raises(UsageError, match=r"`augment\.reach` must be a whole number of at least 0, not -1"):
        built(pipeline, shape, augment={"reach": -1})
