"""Lookahead beyond its reference: where a cycle begins, and what cannot be wrapped."""

import keras
import numpy as np
import pytest

import kzoo
from kzoo_plugins.optimizers.lookahead import Lookahead


def test_the_first_cycle_begins_at_the_weights_of_the_first_step():
    weight = keras.Variable(np.zeros(2, "float32"))
    optimizer = Lookahead(keras.optimizers.SGD(1.0), k=2, alpha=0.5)
    optimizer.build([weight])
    weight.assign([10.0, 20.0])  # as when weights are loaded after the model was built
    for _ in range(2):
        optimizer.apply([keras.ops.ones(2)], [weight])
    np.testing.assert_array_equal(weight, [9.0, 19.0])


def test_accumulated_gradients_count_as_one_step():
    weight = keras.Variable(np.zeros(1, "float32"))
    optimizer = Lookahead(keras.optimizers.SGD(1.0, gradient_accumulation_steps=2), k=2, alpha=0.5)
    seen = []
    for _ in range(8):
        optimizer.apply([keras.ops.ones(1)], [weight])
        seen.append(float(weight[0]))
    assert seen == [0, -1, -1, -1, -1, -2, -2, -2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "`k` must be a whole number of at least 1, not 0"),
        ({"k": 2.5}, "`k` must be a whole number"),
        ({"k": True}, "`k` must be a whole number"),
        ({"alpha": 0.0}, r"`alpha` must lie in \(0, 1\], not 0.0"),
        ({"alpha": float("nan")}, "`alpha` must lie in"),
        ({"inner": "nothing"}, "nothing"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Lookahead(**{"inner": "sgd", **arguments})


@pytest.mark.parametrize("inner", ["schedule_free_sgd", "swa:inner=sgd"])
def test_what_computes_weights_from_averages_is_refused(inner):
    with pytest.raises(ValueError, match="averages of its own"):
        Lookahead(kzoo.optimizer(inner))
