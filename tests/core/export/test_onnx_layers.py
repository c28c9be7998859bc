"""What is written of each layer of Keras says the same in ONNX Runtime; what is not written is named."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kzoo.errors import KzooError

onnx = pytest.importorskip("onnx", reason="ONNX files are written by the extra `onnx`")
onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX files are run by the extra `onnx`")

from kzoo.export.onnx_network import onnx_model

PICTURE = (9, 12, 4)


def said_by_onnx(model, x):
    """Return what ONNX Runtime says, of a model that ONNX's own checker accepts."""
    made = onnx_model(model)
    onnx.checker.check_model(made, full_check=True)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {session.get_inputs()[0].name: x})
    for told, output in zip(session.get_outputs(), outputs, strict=True):
        assert [a for a in told.shape if isinstance(a, int)] == [
            b for a, b in zip(told.shape, output.shape, strict=True) if isinstance(a, int)
        ]
    return outputs


def agree(model, x, tolerance=1e-5):
    expected = model(x, training=False)
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    for ours, theirs in zip(expected, said_by_onnx(model, x), strict=True):
        assert np.asarray(ours).dtype == theirs.dtype
        np.testing.assert_allclose(theirs, np.asarray(ours), rtol=tolerance, atol=tolerance)


def pictures(shape=PICTURE, count=2, dtype="float32"):
    return np.random.default_rng(0).normal(size=(count, *shape)).astype(dtype)


def randomized(model):
    """Give a model's weights and statistics values that no two of are alike; variances stay above 0."""
    noise = np.random.default_rng(1)
    signs = [1 if "variance" in weight.name else noise.choice([-1, 1], weight.shape) for weight in model.weights]
    pairs = zip(model.weights, signs, strict=True)
    model.set_weights([noise.uniform(0.2, 0.9, weight.shape) * sign for weight, sign in pairs])
    return model


def convolutions(x):
    a = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    a = layers.BatchNormalization(epsilon=1e-2)(a)
    b = layers.Conv2D(6, 2, strides=(1, 3), use_bias=False)(x)
    c = layers.Conv2D(8, 3, dilation_rate=2, padding="same", groups=2)(x)
    d = layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2)(x)
    e = layers.Conv2DTranspose(5, 6, strides=2, padding="same", activation="relu")(x)
    f = layers.Conv2DTranspose(3, (3, 4), strides=(2, 3), use_bias=False)(x)
    g = layers.Conv2DTranspose(2, 5, strides=2, padding="same")(x)
    return [a, b, c, layers.BatchNormalization(scale=False, center=False)(d), e, f, g]


def poolings(x):
    return [
        layers.MaxPooling2D(3, 2, padding="same")(x),
        layers.MaxPooling2D()(x),
        layers.AveragePooling2D((2, 4), (2, 1), padding="same")(x),
        layers.GlobalAveragePooling2D()(x),
        layers.GlobalAveragePooling2D(keepdims=True)(x),
        layers.GlobalMaxPooling2D()(x),
    ]


def shapes(x):
    y = layers.Conv2D(4, 1)(layers.ZeroPadding2D(((1, 2), (3, 0)))(x))
    return [
        layers.Flatten()(y),
        layers.Reshape((-1, 8))(y),
        layers.Dense(3, activation="softmax")(layers.Reshape((12, 60))(y)),
        layers.UpSampling2D((2, 3))(y),
        layers.UpSampling2D(2, interpolation="bilinear")(y),
        layers.Dense(2)(layers.Flatten()(layers.Dropout(0.5)(x))),
    ]


def merges(x):
    y = layers.Conv2D(4, 3, padding="same")(x)
    channel = layers.GlobalAveragePooling2D(keepdims=True)(y)
    return [
        layers.Add()([x, y, x]),
        layers.Multiply()([y, channel]),
        layers.Subtract()([y, x]),
        layers.Maximum()([x, y]),
        layers.Minimum()([y, x]),
        layers.Average()([x, y]),
        layers.Concatenate()([y, x]),
        layers.Concatenate(axis=1)([x, y]),
    ]


def activations(x):
    names = ("elu", "exponential", "gelu", "hard_sigmoid", "leaky_relu", "linear", "mish", "relu", "relu6", "selu",
             "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh")  # fmt: skip
    y = layers.Conv2D(4, 3)(x)
    of_layers = [layers.ReLU()(y), layers.ReLU(max_value=0.5)(y), layers.ReLU(negative_slope=0.2)(y),
                 layers.LeakyReLU(negative_slope=0.1)(y), layers.Softmax()(y), layers.Softmax(axis=1)(y)]  # fmt: skip
    return [*(layers.Activation(name)(one) for name in names for one in (x, y)), *of_layers]


def operations(x):
    y = layers.Conv2D(4, 3, padding="same")(x)
    return [
        ops.flip(x, axis=2),
        ops.flip(y, axis=-1),
        ops.pad(y, ((0, 0), (1, 2), (3, 4), (0, 1)), constant_values=-3e38),
        ops.pad(y, ((0, 0), (1, 1), (2, 0), (0, 0)), mode="reflect"),
        y[..., :3],
        y[:, 1:-2:2],
        *ops.split(y, 2, axis=-1),
        *ops.split(y, (2, 5), axis=1),
        (x + y) / 2 - 0.5 * y,
    ]


def rescaled(x):
    y = layers.Rescaling(1 / 127.5, offset=-1)(x)
    z = layers.Rescaling([0.1, 0.2, 0.3, 0.4], offset=[1, 2, 3, 4])(layers.Conv2D(4, 1)(x))
    mean, variance = np.arange(4.0), np.arange(1.0, 5.0)
    return [y, z, layers.Normalization(mean=mean, variance=variance)(z),
            layers.Normalization(mean=mean, variance=variance, invert=True)(y)]  # fmt: skip


@pytest.mark.long_but_first(3)
@pytest.mark.parametrize("parts", [convolutions, operations, shapes, merges, poolings, activations, rescaled])
def test_it_says_what_keras_says(parts):
    inputs = keras.Input(PICTURE)
    agree(randomized(keras.Model(inputs, parts(inputs))), pictures(), 1e-4)


def test_pixels_of_any_size_go_in_as_they_are():
    inputs = keras.Input((None, None, 3), dtype="uint8")
    x = layers.Conv2D(5, 5, strides=2, padding="same")(layers.Rescaling(1 / 255)(inputs))
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    model = randomized(keras.Model(inputs, layers.Reshape((-1, 5))(x)))
    for shape in ((8, 11, 3), (7, 6, 3)):
        agree(model, np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8))


@pytest.mark.long
def test_large_numbers_keep_their_last_digits_until_they_are_normalized():
    inputs = keras.Input((3,), dtype="float64")
    x = layers.Normalization(mean=[1e9, 0.0, -1e9], variance=[4.0, 1.0, 9.0], dtype="float64")(inputs)
    model = randomized(keras.Model(inputs, layers.Dense(2)(x)))
    agree(model, np.array([[1e9 + 1, 0.5, -1e9 - 3], [1e9 - 2, 0, 3 - 1e9]]))


@keras.saving.register_keras_serializable(package="kzoo_tests")
class TwoViews(layers.Wrapper):
    """A layer of a plugin that is made of layers and operations of Keras."""

    def call(self, x, training=None):
        if training:
            return self.layer(x, training=training)
        return (self.layer(x) + self.layer(ops.flip(x, axis=2))) / 2


def test_a_network_in_a_network_and_a_layer_made_of_layers_are_followed_and_their_weights_are_written_once():
    inner_inputs = keras.Input(PICTURE)
    inner = keras.Model(inner_inputs, layers.Dense(3)(layers.Flatten()(layers.Conv2D(4, 3)(inner_inputs))))
    inputs = keras.Input(PICTURE)
    x = keras.Sequential([keras.Input(PICTURE), layers.Conv2D(4, 1), layers.Activation("tanh")])(inputs)
    model = randomized(keras.Model(inputs, TwoViews(inner)(x)))
    agree(model, pictures())
    names = [weight.name for weight in onnx_model(model).graph.initializer if "kernel" in weight.name]
    assert len(names) == 3


class Alone(layers.Layer):
    """A layer that does what no operation of Keras does."""

    def call(self, x):
        return np.asarray(x)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (lambda: layers.LayerNormalization(name="norm"), "`norm` (LayerNormalization"),
        (lambda: Alone(name="own"), "`own` (Alone, and what it does cannot be followed"),
        (lambda: layers.Activation(lambda x: x, name="act"), "`act` (Activation, the activation `<lambda>`)"),
        (lambda: layers.Conv2D(2, 1, dtype="mixed_float16", name="half"), "`half` (Conv2D, which computes in float16)"),
        (lambda: layers.UpSampling2D(2, interpolation="bicubic", name="up"), "`up` (UpSampling2D, bicubic)"),
        (lambda: layers.Conv2DTranspose(2, 3, dilation_rate=2, name="up"), "`up` (Conv2DTranspose, dilated"),
        (lambda: layers.Conv2DTranspose(2, 1, strides=2, name="up"), "`up` (Conv2DTranspose, a kernel of (1, 1)"),
        (lambda: layers.BatchNormalization(axis=1, name="bn"), "`bn` (BatchNormalization, over the axis 1)"),
    ],
)
def test_what_is_not_written_is_named(layer, said):
    inputs = keras.Input((4, 4, 2))
    try:
        outputs = layer()(inputs)
    except Exception:  # what cannot be followed cannot be traced either: its outputs are told
        tensor = keras.KerasTensor((None, 4, 4, 2))
        own = layer()
        own.compute_output_spec = lambda x: tensor
        outputs = own(inputs)
    with pytest.raises(KzooError) as refused:
        onnx_model(keras.Model(inputs, outputs))
    assert said in str(refused.value)
