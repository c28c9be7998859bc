"""Every component that is listed for a pipeline's task trains there: two steps, and a test."""

import functools
import json
import math

import numpy as np
import pytest

from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.engine import runtime
from kzoo.engine.batches import ordered_batches
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo.runs.configure import configure
from kzoo.training.assembly import Assembly, check_components
from kzoo.training.trainer import Trainer

CLASSES = ("mnist", "cifar10")
ORDINAL = "fingers"
PIPELINES = (*CLASSES, "cats_vs_dogs", "regression", ORDINAL)
SETTINGS = {"cats_vs_dogs": {"image_size": 32}, "fingers": {"per_class": 5}}


@functools.cache
def plain_loss(pipeline):
    return train(pipeline)["loss"]


@functools.cache
def prepared(name):
    """Return a pipeline and a handful of its sample."""
    pipeline = load_target(get_registry().get("pipeline", name))()
    return pipeline, load_splits(
        pipeline, DataRequest("sample", limit=16, settings=SETTINGS.get(name, {})), pytest.fail
    )


def train(name, *, test=False, **asked):
    pipeline, splits = prepared(name)
    config = configure(name, recipe="classic", batch_size=8, epochs=1, **asked)
    check_components(config, pipeline.task, get_registry())
    runtime.seed_everything(0)
    parts = Assembly(config, pipeline, get_registry())
    parts.compile(splits)
    # Two steps do not pay for a graph, of which the conformance kit makes sure for each component. Keras's Adafactor
    # needs one: outside of a graph its means of squares, 1e-30 each, underflow in a product where gradients are 0.
    parts.model.run_eagerly = config.optimizer.name != "adafactor"
    trainer = Trainer(parts.model)
    before = [np.array(w) for w in parts.model.get_weights()]
    logs = trainer.fit(parts.batches, epochs=1).history[-1]
    tested = trainer.evaluate(ordered_batches(splits.test, 8, parts.labels)) if test else {}
    assert any((a != b).any() for a, b in zip(before, parts.model.get_weights(), strict=True))
    return {**logs, **{f"test_{k}": v for k, v in tested.items()}}


def components(kind):
    """Return every fitting component of one kind with the arguments of its example, once for each pipeline."""
    return list(_components(kind))


def _components(kind):
    for name in PIPELINES:
        if name == ORDINAL and kind not in ("loss", "metric"):
            continue  # what does not see the labels was trained on the other classes
        task = get_registry().get("pipeline", name).spec.task
        for entry in get_registry().fitting(kind, task):
            of_activity = getattr(entry.spec, "applies_to", "weights") == "activity"  # refused by a run
            if entry.first_party and not of_activity:
                reference = str(Reference(entry.name, dict(entry.spec.example)))
                yield pytest.param(name, reference, id=f"{name}-{reference}")


@pytest.mark.parametrize(("pipeline", "loss"), components("loss"))
def test_every_fitting_loss_trains(pipeline, loss):
    logs = train(pipeline, loss=loss, test=True)
    assert math.isfinite(logs["loss"])
    assert math.isfinite(logs["test_loss"])


@pytest.mark.parametrize(("pipeline", "optimizer"), components("optimizer"))
def test_every_fitting_optimizer_trains(pipeline, optimizer):
    assert math.isfinite(train(pipeline, optimizer=optimizer)["loss"])


@pytest.mark.parametrize(("pipeline", "schedule"), [c for c in components("schedule") if c.values[0] == "mnist"])
def test_every_schedule_trains(pipeline, schedule):
    table = Reference.parse(schedule).to_mapping()
    options = ["optimizer.name=sgd", *(f"optimizer.learning_rate.{k}={json.dumps(v)}" for k, v in table.items())]
    assert math.isfinite(train(pipeline, options=options)["loss"])


@pytest.mark.parametrize(("pipeline", "regularizer"), components("regularizer"))
def test_every_fitting_regularizer_trains(pipeline, regularizer):
    logs = train(pipeline, regularizer=regularizer)
    assert math.isfinite(logs["loss"])
    assert logs["loss"] != plain_loss(pipeline)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
@pytest.mark.parametrize("pipeline", CLASSES)
def test_every_fitting_metric_measures_with_labels_of_either_form(pipeline, loss):
    check_metrics(pipeline, loss)


def test_every_fitting_metric_measures_yes_and_no():
    check_metrics("cats_vs_dogs", "crossentropy")


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "emd", "coral"])
def test_every_fitting_metric_measures_ordered_classes(loss):
    check_metrics(ORDINAL, loss)


@pytest.mark.parametrize("loss", ["scaled_mse", "gaussian_nll", "poisson"])
def test_every_fitting_metric_measures_numbers(loss):
    check_metrics("regression", loss)


def check_metrics(pipeline, loss):
    references = [param.values[1] for param in components("metric") if param.values[0] == pipeline]
    logs = train(pipeline, loss=loss, metrics=references, test=True)
    for reference in references:
        name = Reference.parse(reference).slug
        assert np.isfinite(logs[name]).all(), reference
        assert np.isfinite(logs[f"test_{name}"]).all(), reference


@pytest.mark.parametrize("form", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_metrics_agree_whatever_form_the_loss_needs(form):
    logs = train("mnist", loss=form, metrics=["sparse_categorical_accuracy", "categorical_accuracy", "emd"])
    assert logs["accuracy"] == logs["sparse_categorical_accuracy"] == logs["categorical_accuracy"]
    assert logs["emd"] == pytest.approx(train("mnist", metrics=["emd"])["emd"], rel=1e-5)
