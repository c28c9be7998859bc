"""What all losses between masks share: forms of labels, edges, weights, types, compilation and saving."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import finite_differences, with_gradient

from kzoo_plugins.losses.lovasz import LovaszHinge, LovaszSoftmax
from kzoo_plugins.losses.overlap import GeneralizedDice, Jaccard, SoftDice
from kzoo_plugins.losses.tversky import FocalTversky, Tversky

RNG = np.random.default_rng(11)
K = 3
SHAPE = (4, 5, 6, K)
LABELS = RNG.integers(0, K, SHAPE[:-1])
LABELS[1][LABELS[1] == 2] = 0  # a class that one sample has none of
MASKS = np.eye(K, dtype="float32")[LABELS]
LOGITS = (RNG.normal(size=SHAPE) * 2).astype("float32")
PRED = np.asarray(keras.ops.softmax(LOGITS))
BINARY = (RNG.uniform(size=(4, 5, 6, 1)) < 0.3).astype("float32")
BINARY[2] = 0  # an empty mask

MADE = [SoftDice, GeneralizedDice, Jaccard, Tversky, FocalTversky, LovaszSoftmax, LovaszHinge]
ARGUMENTS = {
    SoftDice: {"smooth": 0.5, "squared": True, "count_absent": False, "from_logits": True},
    GeneralizedDice: {"count_absent": False, "from_logits": True},
    Jaccard: {"smooth": 0.5, "count_absent": False, "from_logits": True},
    Tversky: {"alpha": 0.2, "beta": 0.9, "smooth": 0.5, "count_absent": False, "from_logits": True},
    FocalTversky: {"alpha": 0.2, "beta": 0.9, "gamma": 2, "smooth": 1, "count_absent": False, "from_logits": True},
    LovaszSoftmax: {"classes": "all", "per_image": True, "from_logits": True},
    LovaszHinge: {"per_image": True},
}
EACH = [(cls, {}) for cls in MADE] + list(ARGUMENTS.items())
OF_PROBABILITIES = [cls for cls in MADE if cls is not LovaszHinge]
every = pytest.mark.parametrize("made", MADE, ids=lambda cls: cls.__name__)
each = pytest.mark.parametrize(
    ("made", "arguments"), EACH, ids=[f"{cls.__name__}-{'arguments' if more else 'defaults'}" for cls, more in EACH]
)


# --- labels


@each
def test_class_indices_are_masks(made, arguments):
    expected = np.asarray(made(**arguments, reduction=None)(MASKS, PRED))
    assert expected.shape == (4,)
    for labels in (LABELS, LABELS[..., None], LABELS.astype("uint8"), LABELS.astype("float32")):
        np.testing.assert_allclose(made(**arguments, reduction=None)(labels, PRED), expected, rtol=1e-6)


@each
def test_a_binary_mask_may_come_without_its_channel(made, arguments):
    y_pred = PRED[..., :1]
    expected = np.asarray(made(**arguments, reduction=None)(BINARY, y_pred))
    for labels in (BINARY[..., 0], BINARY.astype("int32"), BINARY[..., 0].astype(bool)):
        np.testing.assert_allclose(made(**arguments, reduction=None)(labels, y_pred), expected, rtol=1e-6)


@each
def test_positions_can_have_any_shape(made, arguments):
    expected = np.asarray(made(**arguments, reduction=None)(LABELS, PRED))
    for shape in ((4, 30), (4, 2, 3, 5), (4, 30, 1)):
        values = made(**arguments, reduction=None)(LABELS.reshape(shape), PRED.reshape(*shape, K))
        np.testing.assert_allclose(values, expected, rtol=1e-6)


@each
def test_an_unknown_label_shows(made, arguments):
    for wrong in (K, 255, -1):
        labels = LABELS.copy()
        labels[0, 0, 0] = wrong
        assert np.isnan(float(made(**arguments)(labels, PRED)))
        binary = BINARY.copy()
        binary[0, 0, 0] = wrong
        assert np.isnan(float(made(**arguments)(binary, PRED[..., :1])))


@every
@pytest.mark.parametrize("y_true", [LABELS[:2], LABELS[:, :4], MASKS[..., :2], LABELS[..., 0], LABELS[:1]])
def test_labels_that_do_not_belong_are_refused(made, y_true):
    with pytest.raises(ValueError, match="got y_true of shape"):
        made()(y_true, PRED)


@every
def test_predictions_without_positions_are_refused(made):
    with pytest.raises(ValueError, match=r"of shape \(samples, positions \.\.\., classes\), not \(4, 3\)"):
        made()(np.array([0, 1, 2, 0]), np.ones((4, K), "float32"))


@pytest.mark.parametrize("made", OF_PROBABILITIES, ids=lambda cls: cls.__name__)
def test_from_logits_is_the_softmax_and_of_one_channel_the_sigmoid(made):
    assert float(made(from_logits=True)(LABELS, LOGITS)) == pytest.approx(float(made()(LABELS, PRED)), rel=1e-5)
    sigmoid = 1 / (1 + np.exp(-LOGITS[..., :1]))
    found = float(made(from_logits=True)(BINARY, LOGITS[..., :1]))
    assert found == pytest.approx(float(made()(BINARY, sigmoid)), rel=1e-5)


# --- an ignored class, weights of the classes, the axis

IGNORED = np.zeros((4, 30), bool)
for _row in IGNORED:
    _row[RNG.permutation(30)[:7]] = True
IGNORED = IGNORED.reshape(4, 5, 6)


def scores_for(made, arguments):
    return LOGITS if arguments.get("from_logits") or made is LovaszHinge else PRED


@pytest.mark.long_but_first(3)
@each
def test_ignored_positions_are_as_if_they_were_not_there(made, arguments):
    scores = scores_for(made, arguments)
    left = LABELS[~IGNORED].reshape(4, 23), scores[~IGNORED].reshape(4, 23, K)
    expected, slope = with_gradient(made(**arguments))(*left)
    unseen = np.where(IGNORED[..., None], np.float32("nan"), scores)
    labels = np.where(IGNORED, 255, LABELS)
    hot = np.where(IGNORED[..., None], 0, MASKS)
    for y_true in (labels, labels[..., None], hot):
        value, gradient = with_gradient(made(**arguments, ignore_class=255))(y_true, unseen)
        assert value == pytest.approx(float(expected), rel=1e-5)
        np.testing.assert_allclose(gradient[~IGNORED].reshape(4, 23, K), slope, rtol=1e-4, atol=1e-7)
        assert not gradient[IGNORED].any()


@each
def test_an_ignored_class_can_be_one_that_is_predicted(made, arguments):
    loss = made(**arguments, ignore_class=1)
    scores = scores_for(made, arguments)
    expected = float(loss(LABELS, scores))
    changed = np.where((LABELS == 1)[..., None], 5 * scores + 1, scores)
    assert float(loss(LABELS, changed)) == expected
    assert float(loss(MASKS, scores)) == expected
    assert float(made(**arguments, ignore_class=9)(np.where(LABELS == 1, 9, LABELS), scores)) == expected


@each
def test_a_binary_mask_with_positions_that_do_not_count(made, arguments):
    scores = scores_for(made, arguments)[..., :1]
    kept = ~IGNORED
    expected = float(made(**arguments)(BINARY[..., 0][kept].reshape(4, 23), scores[kept].reshape(4, 23, 1)))
    labels = np.where(IGNORED, 255, BINARY[..., 0])
    for y_true in (labels, labels[..., None]):
        assert float(made(**arguments, ignore_class=255)(y_true, scores)) == pytest.approx(expected, rel=1e-5)


@each
def test_a_sample_that_is_ignored_has_no_part_in_the_mean(made, arguments):
    scores = scores_for(made, arguments)
    labels = LABELS.copy()
    labels[2] = 255
    others = [0, 1, 3]
    expected = float(made(**arguments)(LABELS[others], scores[others]))
    assert float(made(**arguments, ignore_class=255)(labels, scores)) == pytest.approx(expected, rel=1e-5)
    assert float(made(**arguments, ignore_class=255)(np.full_like(labels, 255), scores)) == 0


MEANS = [(cls, more) for cls, more in EACH if cls is not GeneralizedDice]


@pytest.mark.parametrize(("made", "arguments"), MEANS)
def test_weights_of_classes_are_those_of_a_mean_over_the_losses_of_each_class(made, arguments):
    scores, weights = scores_for(made, arguments), np.array([0.5, 0.0, 2.0])
    one_by_one, own = scores, dict(arguments)
    if own.pop("from_logits", False):
        one_by_one = np.asarray(keras.ops.softmax(scores))
    if made is LovaszSoftmax:
        own["classes"] = "all"
    own.pop("count_absent", None)
    values = [made(**own, reduction=None)(MASKS[..., c : c + 1], one_by_one[..., c : c + 1]) for c in range(K)]
    counts = np.broadcast_to(weights, (4, K)).copy()
    if not arguments.get("count_absent", True):
        counts *= MASKS.any(axis=(1, 2))
    expected = (np.stack(values, -1) * counts).sum(-1) / counts.sum(-1)
    if made is LovaszSoftmax:
        arguments = {**arguments, "classes": "all"}
    found = made(**arguments, class_weight=weights.tolist(), reduction=None)(LABELS, scores)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("count_absent", [True, False])
def test_weights_of_classes_multiply_those_of_the_generalized_dice(count_absent):
    weights, sizes = np.array([0.5, 1.0, 2.0]), MASKS.sum((1, 2), dtype="float64")
    own = np.where(sizes > 0, 1 / np.maximum(sizes, 1) ** 2, 0)
    if count_absent:
        own = np.where(sizes > 0, own, own.max(-1, keepdims=True))
    both = (PRED * MASKS).sum((1, 2), dtype="float64")
    expected = 1 - 2 * (own * weights * both).sum(-1) / (own * weights * (PRED + MASKS).sum((1, 2))).sum(-1)
    loss = GeneralizedDice(count_absent=count_absent, class_weight=weights.tolist(), reduction=None)
    np.testing.assert_allclose(loss(LABELS, PRED), expected, rtol=1e-5)


@pytest.mark.long_but_first(3)
@each
def test_channels_first(made, arguments):
    scores, more = scores_for(made, arguments), {"class_weight": [1, 2, 0.5], "ignore_class": 255}
    labels = np.where(IGNORED, 255, LABELS)
    hot = np.where(IGNORED[..., None], 0, MASKS)
    expected, slope = with_gradient(made(**arguments, **more))(labels, scores)
    run = with_gradient(made(**arguments, **more, axis=1))
    for y_true in (labels, labels[:, None], np.moveaxis(hot, -1, 1)):
        value, gradient = run(y_true, np.moveaxis(scores, -1, 1))
        assert value == pytest.approx(float(expected), rel=1e-6)
        np.testing.assert_allclose(np.moveaxis(gradient, 1, -1), slope, rtol=1e-5, atol=1e-8)


@every
def test_weights_for_another_number_of_classes_are_refused(made):
    with pytest.raises(ValueError, match="`class_weight` has 2 numbers, and `y_pred` has 3 classes"):
        made(class_weight=[1, 2])(LABELS, PRED)


# --- gradients and edges


@pytest.mark.long_but_first(3)
@each
def test_gradients_are_the_finite_differences(made, arguments):
    loss = made(**arguments, dtype="float64")
    y_true, at = LABELS[:2, :2, :2], (LOGITS if arguments or made is LovaszHinge else PRED)[:2, :2, :2]
    _, found = with_gradient(loss)(y_true, at.astype("float64"))
    expected = finite_differences(lambda y: loss(y_true, y), at)
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.long_but_first(2)
@each
@pytest.mark.parametrize("jit", [None, True], ids=["eager", "xla"])
def test_certain_predictions_have_finite_values_and_gradients(made, arguments, jit):
    wrong = np.roll(MASKS, 1, -1)
    nothing, everything = np.zeros_like(BINARY), np.ones_like(BINARY)
    scale = 30 if arguments.get("from_logits") or made is LovaszHinge else 1
    run = with_gradient(made(**arguments), jit=jit)
    pairs = [(MASKS, MASKS), (MASKS, wrong)]
    pairs += [(mask, np.where(part, 1, 0)) for mask in (nothing, everything, BINARY) for part in (nothing, everything)]
    for y_true, y_pred in pairs:
        for predictions in (y_pred * scale, np.where(y_pred, scale, -scale) if scale > 1 else y_pred):
            value, gradient = run(y_true, predictions.astype("float32"))
            assert np.isfinite(value)
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize("made", OF_PROBABILITIES, ids=lambda cls: cls.__name__)
def test_an_exact_match_is_exactly_0(made):
    for mask in (MASKS, BINARY, np.zeros_like(BINARY)):
        value, gradient = with_gradient(made())(mask, mask)
        assert value == 0
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("made", OF_PROBABILITIES, ids=lambda cls: cls.__name__)
def test_a_step_down_the_gradient_is_an_improvement(made):
    loss = made(from_logits=True)
    value, gradient = with_gradient(loss)(MASKS, LOGITS)
    assert float(loss(MASKS, LOGITS - 0.1 * gradient / np.abs(gradient).max())) < value


# --- weights, types, compilation


@each
def test_sample_weights(made, arguments):
    weights = np.array([0.5, 0.0, 2.0, 1.0], "float32")
    values = np.asarray(made(**arguments, reduction=None)(LABELS, PRED))
    assert float(made(**arguments)(LABELS, PRED)) == pytest.approx(values.mean(), rel=1e-6)
    for form in (weights, weights[:, None]):
        found = float(made(**arguments)(LABELS, PRED, sample_weight=form))
        assert found == pytest.approx(np.mean(values * weights), rel=1e-6)


@pytest.mark.long
@each
def test_graph_xla_and_unknown_sizes_agree_with_eager(made, arguments):
    loss = made(**arguments)
    value, gradient = with_gradient(loss)(LABELS, PRED)
    for jit in (False, True):
        found = with_gradient(loss, jit=jit)(LABELS, PRED)
        np.testing.assert_allclose(found[0], value, rtol=1e-6)
        np.testing.assert_allclose(found[1], gradient, rtol=1e-5, atol=1e-7)
    unknown = [tf.TensorSpec((None, None, None), "int64"), tf.TensorSpec((None, None, None, K))]
    assert float(tf.function(loss, input_signature=unknown)(LABELS, PRED)) == pytest.approx(float(value), rel=1e-6)


@each
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(made, arguments, dtype):
    half = keras.ops.cast(PRED, dtype)
    expected = float(made(**arguments)(LABELS, keras.ops.cast(half, "float32")))
    found = made(**arguments, dtype=dtype)(LABELS, half)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert float(found) == pytest.approx(expected, rel=1e-6)


# --- saving


@each
def test_round_trip(made, arguments):
    loss = made(**arguments, reduction="sum", name="x", dtype="float64")
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(loss))))
    assert type(again) is made
    assert again.get_config() == loss.get_config()
    assert again.get_config().items() >= arguments.items()
    np.testing.assert_array_equal(again(LABELS, PRED), loss(LABELS, PRED))


@pytest.mark.long_but_first
@every
def test_a_trained_model_loads(made, tmp_path):
    model = keras.Sequential([keras.Input((5, 6, 2)), keras.layers.Conv2D(K, 3, padding="same", activation="softmax")])
    model.compile("sgd", loss=made(**ARGUMENTS[made]))
    x = RNG.normal(size=(4, 5, 6, 2)).astype("float32")
    before = [np.array(w) for w in model.get_weights()]
    model.fit(x, LABELS, batch_size=3, verbose=0)
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.loss) is made
    assert loaded.evaluate(x, LABELS, verbose=0) == pytest.approx(model.evaluate(x, LABELS, verbose=0), rel=1e-6)
