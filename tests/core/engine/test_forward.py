"""A model as a function from arrays to arrays, against Keras's own ``predict``."""

import keras
import numpy as np
import tensorflow as tf

from kzoo.engine.forward import Forward


def make_model(*, outputs=1):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6, 6, 1), dtype="uint8")
    scaled = keras.layers.BatchNormalization()(keras.layers.Rescaling(1 / 255)(inputs))
    heads = [keras.layers.Dense(3 + head)(keras.layers.Flatten()(scaled)) for head in range(outputs)]
    return keras.Model(inputs, heads[0] if outputs == 1 else heads)


X = np.random.default_rng(0).integers(0, 256, (50, 6, 6, 1), dtype=np.uint8)


def test_it_is_predict_of_keras():
    model = make_model()
    outputs = Forward(model)(X)
    assert isinstance(outputs, np.ndarray)
    np.testing.assert_allclose(outputs, model.predict(X, verbose=0), rtol=1e-5)


def test_several_outputs_are_a_list():
    model = make_model(outputs=2)
    outputs = Forward(model)(X)
    assert isinstance(outputs, list)
    for ours, theirs in zip(outputs, model.predict(X, verbose=0), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_batches_of_any_size_are_compiled_once_and_those_of_another_type_again():
    traced = []

    class Counted(keras.layers.Layer):
        def call(self, x):
            traced.append(x.shape)
            return tf.cast(x, tf.float32)

    model = keras.Sequential([Counted()])
    forward = Forward(model)
    for count in (1, 4, 50):
        assert len(forward(X[:count])) == count
    first = len(traced)
    forward(X[:7])
    assert len(traced) == first
    forward(X.astype("float32"))
    assert len(traced) > first


def test_weights_that_change_change_what_it_says():
    model = make_model()
    forward = Forward(model, changing=True)
    before = forward(X)
    model.set_weights([2 * weight for weight in model.get_weights()])
    np.testing.assert_allclose(forward(X), model.predict(X, verbose=0), rtol=1e-5)
    assert not np.allclose(forward(X), before)


def test_a_model_is_loaded_once_and_not_before_it_is_needed():
    loaded = []

    def load():
        loaded.append(make_model())
        return loaded[-1]

    forward = Forward(load=load)
    assert not loaded
    np.testing.assert_array_equal(forward(X), forward(X))
    assert len(loaded) == 1
    assert forward.model is loaded[0]
