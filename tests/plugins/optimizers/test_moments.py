"""What the optimizers with running means share: the correction of a young mean, rates, half precision, refusals."""

import keras
import numpy as np
import pytest

from kzoo_plugins.optimizers.adan import Adan
from kzoo_plugins.optimizers.ademamix import AdEMAMix
from kzoo_plugins.optimizers.adopt import ADOPT
from kzoo_plugins.optimizers.moments import debias
from kzoo_plugins.optimizers.prodigy import Prodigy
from kzoo_plugins.optimizers.shampoo import Shampoo
from kzoo_plugins.optimizers.soap import SOAP

ALL = pytest.mark.parametrize("cls", [Adan, Prodigy, AdEMAMix, ADOPT, SOAP, Shampoo])


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.999, 0.99999])
def test_the_correction_has_all_digits_of_float32(beta):
    steps = np.array([1, 2, 10, 1000], "float32")
    np.testing.assert_allclose(debias(beta, steps), 1 - np.float64(beta) ** steps.astype("float64"), rtol=1e-6)


@ALL
def test_a_rate_may_be_a_whole_number_and_the_configuration_has_the_one_of_now(cls):
    optimizer = cls(1, clipnorm=2.0, use_ema=True, ema_overwrite_frequency=3)
    assert optimizer.get_config()["learning_rate"] == 1.0
    optimizer.learning_rate = 0.125
    again = cls.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert float(again.learning_rate) == 0.125


@ALL
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_weights_in_half_precision_move_and_stay_finite(cls, dtype):
    weight = keras.Variable(np.ones((3, 2)), dtype=dtype)
    optimizer = cls(0.1, weight_decay=0.01, **({"d0": 0.01} if cls is Prodigy else {}))
    for step in range(4):
        gradient = np.abs(np.random.default_rng(step).normal(size=(3, 2))) * 1e-3  # all one way: none comes back to 1
        optimizer.apply([keras.ops.cast(gradient, dtype)], [weight])
    found = np.asarray(keras.ops.cast(weight, "float32"))
    assert np.isfinite(found).all()
    assert (found != 1).all()


@ALL
def test_spared_variables_do_not_decay(cls):
    found = []
    for arguments, spared in (({"weight_decay": 0.5}, False), ({"weight_decay": 0.5}, True), ({}, False)):
        weight = keras.Variable(np.ones((2, 2), "float32"), name="kernel")
        optimizer = cls(0.1, **arguments, **({"d0": 0.1} if cls is Prodigy else {}))
        if spared:
            optimizer.exclude_from_weight_decay(var_names=["kernel"])
        for step in range(3):
            optimizer.apply([keras.ops.full((2, 2), step + 1.0)], [weight])
        found.append(np.asarray(weight))
    decayed, spared, plain = found
    np.testing.assert_array_equal(spared, plain)
    assert (decayed < plain).all()


BETA, ABOVE, LEAST = r"must lie in \[0, 1\)", "must be a finite number above 0", "must be a finite number of at least 0"
WRONG = [
    *((cls, "weight_decay", -0.1, LEAST) for cls in (Adan, Prodigy, AdEMAMix, ADOPT, SOAP, Shampoo)),
    *((cls, "epsilon", 0.0, ABOVE) for cls in (Adan, Prodigy, AdEMAMix, ADOPT, SOAP, Shampoo)),
    *((cls, name, 1.0, BETA) for cls in (Adan, Prodigy, AdEMAMix, ADOPT, SOAP) for name in ("beta_1", "beta_2")),
    (Adan, "beta_3", float("nan"), BETA),
    (Prodigy, "beta_3", -0.1, BETA),
    (Prodigy, "d0", 0.0, ABOVE),
    (Prodigy, "d_coef", float("inf"), ABOVE),
    (Prodigy, "growth_rate", 0.5, "must be at least 1, or None"),
    (AdEMAMix, "beta_3", 0.0, r"must lie in \(0, 1\)"),
    (AdEMAMix, "alpha", -1.0, LEAST),
    (AdEMAMix, "warmup_steps", 1.5, "must be a whole number of at least 0"),
    (SOAP, "shampoo_beta", 1.0, BETA),
    *((cls, "precondition_frequency", 0, "must be a whole number of at least 1") for cls in (SOAP, Shampoo)),
    *((cls, "max_precondition_dim", 0, "must be a whole number of at least 1") for cls in (SOAP, Shampoo)),
]


@pytest.mark.parametrize(("cls", "name", "value", "message"), WRONG)
def test_wrong_arguments_are_refused(cls, name, value, message):
    with pytest.raises(ValueError, match=f"`{name}` {message}"):
        cls(**{name: value})
