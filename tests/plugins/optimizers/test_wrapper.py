"""What every optimizer around another one must hand on: rates, steps, decay, accumulation, scaling, state."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kzoo
from kzoo.models.saving import load_model
from kzoo.plugins.build import build
from kzoo_plugins.optimizers.averaging import StochasticWeightAveraging
from kzoo_plugins.optimizers.centralization import GradientCentralization
from kzoo_plugins.optimizers.lookahead import Lookahead

NEUTRAL = {
    "lookahead": lambda inner: Lookahead(inner, k=1000),
    "swa": lambda inner: StochasticWeightAveraging(inner, start=2, period=3),
    "nested": lambda inner: Lookahead(Lookahead(inner, k=1, alpha=1.0), k=1, alpha=1.0),
}
"""Wrappers that leave the training weights to the inner optimizer in the steps taken here."""
WRAPPERS = {**NEUTRAL, "gradient_centralization": GradientCentralization}
neutral = pytest.mark.parametrize("wrap", NEUTRAL.values(), ids=NEUTRAL)
every = pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)

INNER = {
    "schedule": lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5), momentum=0.9),
    "decay": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
    "clipping": lambda: keras.optimizers.SGD(0.1, global_clipnorm=0.5),
    "accumulation": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=3),
    "own state": lambda: keras.optimizers.Nadam(0.01),
    "scale": lambda: keras.optimizers.SGD(0.1, loss_scale_factor=8.0),
    "matrices": lambda: keras.optimizers.Muon(0.01),
}


def variables():
    rng = np.random.default_rng(1)
    shapes = ((3,), (4, 3), (2, 2, 3, 4))
    return [keras.Variable(rng.normal(size=s).astype("float32"), name=f"w{i}") for i, s in enumerate(shapes)]


def train(optimizer, weights, steps=range(7), **options):
    """Take steps with gradients that depend on the step alone, in a graph."""
    optimizer.build(weights)

    @tf.function(autograph=False, **options)
    def apply(gradients):
        optimizer.apply_gradients(list(zip(gradients, weights, strict=True)))

    for step in steps:
        rng = np.random.default_rng(step)
        apply([tf.constant(rng.normal(size=w.shape).astype("float32")) for w in weights])
    return [np.asarray(w) for w in weights]


def same(one, other, **tolerance):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, **{"rtol": 1e-6, "atol": 1e-7, **tolerance})


@pytest.mark.long_but_first(4)
@neutral
@pytest.mark.parametrize("make", INNER.values(), ids=INNER)
def test_the_steps_are_those_of_the_inner_optimizer(wrap, make):
    plain = make()
    expected = train(plain, variables())
    wrapped = wrap(make())
    same(train(wrapped, variables()), expected)
    assert int(wrapped.iterations) == int(plain.iterations)
    assert float(wrapped.learning_rate) == float(plain.learning_rate)


@every
def test_the_learning_rate_is_got_and_set_through(wrap):
    inner = keras.optimizers.SGD(0.1)
    optimizer = wrap(inner)
    assert float(optimizer.learning_rate) == pytest.approx(0.1)
    optimizer.learning_rate = 0.025
    assert float(inner.learning_rate) == pytest.approx(0.025)
    optimizer.learning_rate = keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    train(optimizer, variables(), steps=range(2))
    assert float(optimizer.learning_rate) == pytest.approx(0.125)


@every
def test_variables_are_excluded_from_the_inner_weight_decay(wrap):
    weights = variables()
    before = [np.asarray(w) for w in weights]
    optimizer = wrap(keras.optimizers.SGD(0.1, weight_decay=0.5))
    optimizer.exclude_from_weight_decay(var_list=weights[:1])
    optimizer.build(weights)
    optimizer.apply([tf.zeros(w.shape) for w in weights], weights)
    np.testing.assert_array_equal(weights[0], before[0])
    np.testing.assert_allclose(weights[1], before[1] * 0.95, rtol=1e-6)


@every
def test_the_loss_scale_is_the_inner_ones(wrap):
    optimizer = wrap(keras.optimizers.SGD(0.1, loss_scale_factor=4.0))
    assert float(optimizer.scale_loss(keras.ops.ones(()))) == 4.0
    outer = keras.optimizers.LossScaleOptimizer(optimizer)
    assert optimizer.loss_scale_factor is None, "Keras takes it off what it scales itself"
    weights = variables()
    outer.build(weights)
    scale = float(outer.dynamic_scale)
    before = [np.asarray(w) for w in weights]
    outer.apply([tf.fill(w.shape, np.float32("inf")) for w in weights], weights)
    same(weights, before, rtol=0)
    assert int(outer.iterations) == 0
    gradients = [tf.ones(w.shape) for w in weights]
    outer.apply([g * float(outer.dynamic_scale) for g in gradients], weights)
    assert float(outer.dynamic_scale) == scale / 2
    expected = variables()
    wrap(keras.optimizers.SGD(0.1)).apply(gradients, expected)
    same(weights, [np.asarray(w) for w in expected])


@pytest.mark.long_but_first
@every
@pytest.mark.parametrize("inner", ["sgd", "adam"])
def test_xla_gives_the_weights_of_a_graph(wrap, inner):
    same(train(wrap(inner), variables(), jit_compile=True), train(wrap(inner), variables()), rtol=1e-5, atol=1e-6)


@every
def test_the_configuration_holds_the_inner_optimizer_as_it_is_now(wrap):
    optimizer = wrap(keras.optimizers.AdamW(0.01, weight_decay=0.25))
    optimizer.learning_rate = 0.5
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert type(again) is type(optimizer)
    innermost = again.inner
    while hasattr(innermost, "inner"):
        innermost = innermost.inner
    assert (type(innermost), innermost.weight_decay) == (keras.optimizers.AdamW, 0.25)
    assert float(again.learning_rate) == 0.5


def small_model(optimizer, seed=3, policy=None):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(5, activation="relu", dtype=policy),
            keras.layers.BatchNormalization(dtype=policy),
            keras.layers.Dense(1, dtype=policy),
        ]
    )
    model.compile(optimizer, "mse", run_eagerly=True)
    return model


def batches(count=8, first=0):
    for at in range(first, first + count):
        rng = np.random.default_rng(at)
        yield rng.normal(size=(6, 4)).astype("float32"), rng.normal(size=(6, 1)).astype("float32")


@pytest.mark.long
@every
@pytest.mark.parametrize("policy", [None, "mixed_float16"])
def test_a_saved_model_goes_on_bit_for_bit(wrap, policy, tmp_path):
    keras.config.set_dtype_policy(policy or "float32")
    try:
        model = small_model(wrap(keras.optimizers.Adam(0.01)))
        scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == bool(policy)
        for x, y in batches():
            model.train_on_batch(x, y)
        model.save(tmp_path / "model.keras")
        loaded = load_model(tmp_path / "model.keras")
        loaded.run_eagerly = True
        for one, other in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
            np.testing.assert_array_equal(one, other)
        for x, y in batches(first=8):
            assert model.train_on_batch(x, y) == loaded.train_on_batch(x, y)
        for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    finally:
        keras.config.set_dtype_policy("float32")


def test_no_variable_is_saved_twice(tmp_path):
    model = small_model(Lookahead(keras.optimizers.Adam(0.01)))
    model.train_on_batch(*next(batches()))
    model.save_weights(tmp_path / "own.weights.h5")
    import h5py

    sizes = []
    with h5py.File(tmp_path / "own.weights.h5") as file:
        file.visititems(lambda name, item: sizes.append(item.size) if hasattr(item, "size") else None)
    assert sum(sizes) <= sum(int(np.prod(v.shape)) for v in [*model.variables, *model.optimizer.variables]) + 3


@pytest.mark.long_but_first
@every
def test_weights_of_both_are_set(wrap):
    one, other = wrap("adam"), wrap("adam")
    first, second = variables(), variables()
    train(one, first, range(4))
    other.build(second)
    other.set_weights([np.asarray(v) for v in one.variables])
    for a, b in zip(first, second, strict=True):
        b.assign(a)
    same(train(one, first, range(4, 7)), train(other, second, range(4, 7)), rtol=0, atol=0)


def test_the_moving_average_of_the_inner_optimizer_is_finalized():
    weights = variables()
    optimizer = Lookahead(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), k=1000)
    train(optimizer, weights)
    plain, expected = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), variables()
    train(plain, expected)
    optimizer.finalize_variable_values(weights)
    plain.finalize_variable_values(expected)
    same([np.asarray(w) for w in weights], [np.asarray(w) for w in expected])


@every
def test_a_loss_scale_optimizer_inside_is_refused(wrap):
    with pytest.raises(ValueError, match="cannot wrap a LossScaleOptimizer"):
        wrap(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))


@every
def test_variables_without_a_gradient_stay_as_they_are(wrap):
    weights = variables()
    before = np.asarray(weights[0])
    optimizer = wrap("sgd")
    optimizer.build(weights)
    for _ in range(6):
        with pytest.warns(UserWarning, match="Gradients do not exist"):
            optimizer.apply([None, *(tf.ones(w.shape) for w in weights[1:])], weights)
    np.testing.assert_array_equal(weights[0], before)


@every
def test_a_mirrored_strategy_gives_the_weights_of_none(wrap):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        weights, optimizer = variables(), wrap("sgd")
        optimizer.build(weights)

    def gradients(number):
        return [tf.fill(w.shape, tf.cast(number, "float32")) for w in weights]

    @tf.function(autograph=False)
    def step(number):
        strategy.run(lambda n: optimizer.apply(gradients(n), weights), args=(number,))

    for number in range(5):
        step(tf.constant(number))
    expected, plain = variables(), wrap("sgd")
    for number in range(5):
        plain.apply(gradients(number), expected)
    same([np.asarray(w) for w in weights], [np.asarray(w) for w in expected])


def test_the_inner_optimizer_is_built_by_name_and_by_table():
    by_name = kzoo.optimizer("lookahead:inner=adam")
    assert isinstance(by_name.inner, keras.optimizers.Adam)
    nested = build(
        "optimizer",
        {
            "name": "gradient_centralization",
            "inner": {"name": "lookahead", "k": 3, "inner": {"name": "sgd", "learning_rate": 0.25}},
        },
    )
    assert (type(nested.inner), nested.inner.k) == (Lookahead, 3)
    assert float(nested.learning_rate) == 0.25
    scheduled = {"name": "exponential_decay", "initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 0.5}
    inner = {"name": "sgd", "learning_rate": scheduled}
    assert float(build("optimizer", {"name": "swa", "inner": inner}).learning_rate) == 0.5
    with pytest.raises(kzoo.KzooError, match=r"needs `inner`, as in `lookahead:inner=adam`"):
        kzoo.optimizer("lookahead")
