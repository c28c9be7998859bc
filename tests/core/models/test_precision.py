"""A model of half precision, computing in full precision, is the network that would have been built in it."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.models.precision import in_float32


@pytest.fixture
def policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def network():
    """Return a network with a layer around another layer, whose policy is within its configuration."""
    inputs = keras.Input((4, 3))
    x = layers.TimeDistributed(layers.Dense(5))(inputs)
    return keras.Model(inputs, layers.Dense(2, dtype="float32")(layers.Flatten()(x)))


def test_it_is_the_network_in_float32_with_the_same_weights(policy):
    policy("mixed_bfloat16")
    model = network()
    policy("float32")
    expected = network()
    expected.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(6, 4, 3)).astype("float32")
    np.testing.assert_allclose(in_float32(model)(x), expected(x), rtol=1e-6, atol=1e-7)
    assert not np.allclose(model(x), expected(x), rtol=1e-4, atol=1e-5)
    assert in_float32(expected) is expected
