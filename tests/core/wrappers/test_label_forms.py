"""Labels in the other form reach a metric unchanged in meaning."""

import keras
import numpy as np
import pytest

from kzoo.tasks import task_named
from kzoo.wrappers.label_forms import MeanOutput, OtherLabelForm, fit_metric

Y = np.array([0, 2, 1, 2])
P = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]], "float32")


@pytest.mark.parametrize(
    ("targets", "task", "form"),
    [
        ({"dense", "sparse"}, "classification", "dense"),
        ({"dense"}, "ordinal", "dense"),
        ({"sparse"}, "ordinal", "sparse"),
        (set(), "classification", ""),
        ({"dense"}, "binary", "column"),
        ({"dense"}, "regression", ""),
    ],
)
def test_the_loss_and_the_task_decide_the_form(targets, task, form):
    assert task_named(task).label_form(targets) == form


def test_a_metric_that_takes_the_form_is_left_alone():
    metric = keras.metrics.CategoricalAccuracy()
    assert fit_metric(metric, {"dense"}, "dense", 3) is metric
    assert fit_metric(metric, {"dense", "sparse"}, "sparse", 3) is metric
    assert fit_metric(metric, set(), "dense", 3) is metric


@pytest.mark.parametrize(
    ("metric", "targets", "form", "fed"),
    [
        (keras.metrics.SparseCategoricalAccuracy, {"sparse"}, "dense", np.eye(3)[Y]),
        (keras.metrics.CategoricalAccuracy, {"dense"}, "sparse", Y),
    ],
)
def test_a_wrapped_metric_gives_the_same_value(metric, targets, form, fed):
    wrapped = fit_metric(metric(name="m"), targets, form, 3)
    wrapped.update_state(fed, P, sample_weight=[1, 2, 3, 4])
    direct = keras.metrics.SparseCategoricalAccuracy()
    direct.update_state(Y, P, sample_weight=[1, 2, 3, 4])
    assert wrapped.name == "m"
    assert float(wrapped.result()) == pytest.approx(float(direct.result()))
    wrapped.reset_state()
    assert float(wrapped.result()) == 0
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(wrapped))
    assert isinstance(again, OtherLabelForm)
    assert isinstance(again.metric, metric)
    assert len(again.variables) == len(direct.variables)


def test_metrics_of_numbers_see_the_means_alone():
    metric = MeanOutput(keras.metrics.MeanAbsoluteError(name="mae"))
    metric.update_state(np.array([[1.0], [2.0]]), np.array([[2.0, 9.0], [5.0, 9.0]]))
    assert float(metric.result()) == 2.0
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert again.name == "mae"
    metric.reset_state()
    assert float(metric.result()) == 0.0


@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_label_that_is_no_class_stays_none(form, wrong):
    labels = Y.copy()
    labels[1] = wrong
    seen = []

    class Watching(keras.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            seen.append(np.asarray(y_true))

    metric = OtherLabelForm(Watching(), label_form="dense" if form == "sparse" else "sparse", num_classes=3)
    metric.update_state(
        labels if form == "sparse" else np.where([[True], [False], [True], [True]], np.eye(3)[Y], np.nan), P
    )
    expected = np.where(labels[:, None] == wrong, np.nan, np.eye(3)[Y]) if form == "sparse" else [0, -1, 1, 2]
    np.testing.assert_array_equal(seen[0], expected)
