"""A model of half precision, computing in full precision, is the network that would have been built in it."""

import keras
import numpy as np
import pytest
from pipelines import built

from kzoo.models.precision import in_float32
from kzoo.models.saved import find_pipeline


@pytest.fixture
def policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def test_it_is_the_network_in_float32_with_the_same_weights(policy):
    def network():
        # One with a layer around a network, whose policies are within its configuration.
        return built(find_pipeline("cifar10"), (32, 32, 3), 4, network="staged", widths=[4], convolutions=1).model

    policy("mixed_bfloat16")
    model = network()
    policy("float32")
    expected = network()
    expected.set_weights(model.get_weights())
    x = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    found = in_float32(model)
    np.testing.assert_allclose(found(x), expected(x), rtol=1e-5, atol=1e-7)
    assert not np.allclose(model(x), expected(x), rtol=1e-5, atol=1e-7)
    assert in_float32(expected) is expected
