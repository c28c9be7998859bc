"""Every component that is listed for a task trains in a pipeline of that task: two steps, and a test.

What a loss meets in a pipeline follows from the task, so that pipelines of one task take the losses in turn. An
optimizer, a schedule or a regularizer meets weights and no labels: each trains a network of convolutions, the pipelines
of pictures taking turns, and one of dense layers. The quick battery takes every other loss through one of its tasks,
and every fifth of the rest through one network.
"""

import functools
import json
import math

import numpy as np
import pytest
from pipelines import Heard

from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.engine import runtime
from kzoo.engine.batches import ordered_batches
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo.runs.choices import check_components
from kzoo.runs.configure import configure
from kzoo.training.assembly import Assembly
from kzoo.training.trainer import Trainer

PIPELINES = {
    "classification": ("mnist", "cifar10"),
    "binary": ("cats_vs_dogs",),
    "multilabel": ("cats_vs_dogs labels",),
    "distribution": ("cats_vs_dogs histograms",),
    "regression": ("regression",),
    "ordinal": ("fingers",),
    "segmentation": ("segmentation",),
    "embedding": ("embedding",),
    "restoration": ("restoration",),
    "transcription": ("transcription",),
}
PICTURES = ("mnist", "cifar10", "cats_vs_dogs")
SETTINGS = {
    "cats_vs_dogs": {"image_size": 32},
    "cats_vs_dogs labels": {"image_size": 32, "labels": "many"},
    "cats_vs_dogs histograms": {"image_size": 32, "labels": "distribution"},
    "yolov3": {"image_size": 64},
    "fingers": {"per_class": 5},
    "segmentation": {"image_size": (32, 48)},
    "embedding": {"image_size": 16},
    "restoration": {"patch": 16},
    "transcription": {"lines": 20, "digits": (1, 2), "width": 48},
}
EXAMPLES = {
    ("segmentation", "mixture"): "mixture:losses=[categorical_crossentropy,soft_dice(smooth=1)]",
    ("multilabel", "confusion_matrix"): "confusion_matrix:cell=[0,1,1],normalize=rows",
    ("transcription", "mixture"): "mixture:losses=[ctc,ctc(name=again)],weights=[1,0.5]",
}
# The classic networks have tens of millions of weights.
RECIPES = {"segmentation": "quick", "restoration": "quick", "transcription": "quick", "yolov3": "quick"}


@functools.cache
def plain_loss(pipeline):
    return train(pipeline)["loss"]


@functools.cache
def prepared(name):
    """Return a pipeline and a handful of its sample; what follows its name is another kind of labels."""
    pipeline = load_target(get_registry().get("pipeline", name.partition(" ")[0]))()
    asked = DataRequest("sample", limit=16, settings=SETTINGS.get(name, {}))
    return pipeline, load_splits(pipeline.source(), asked, Heard())


def train(name, *, test=False, **asked):
    pipeline, splits = prepared(name)
    config = configure(name.partition(" ")[0], recipe=RECIPES.get(name, "classic"), batch_size=8, epochs=1, **asked)
    task = splits.task or get_registry().pipeline(config.pipeline).spec.task
    check_components(config, task, get_registry())
    runtime.seed_everything(0)
    parts = Assembly(config, pipeline, task, get_registry())
    parts.compile(splits)
    # Two steps do not pay for a graph, of which the conformance kit makes sure for each component. Keras's Adafactor
    # needs one: outside of a graph its means of squares, 1e-30 each, underflow in a product where gradients are 0.
    parts.model.run_eagerly = config.optimizer.name != "adafactor"
    trainer = Trainer(parts.model)
    before = [np.array(w) for w in parts.model.get_weights()]
    logs = trainer.fit(parts.batches, epochs=1).history[-1]
    tested = trainer.evaluate(ordered_batches(splits.test, 8, parts.encode)) if test else {}
    assert any((a != b).any() for a, b in zip(before, parts.model.get_weights(), strict=True))
    return {**logs, **{f"test_{k}": v for k, v in tested.items()}}


def fitting(kind, task):
    """Return the first-party components of one kind for a task, each with the arguments of its example."""
    entries = [entry for entry in get_registry().fitting(kind, task) if entry.first_party]
    # What the example of a mixture mixes compares numbers with labels, which vectors are not.
    entries = [entry for entry in entries if (entry.name, task) != ("mixture", "embedding")]
    # What regularizes an activity is for some tasks alone: see below.
    entries = [entry for entry in entries if getattr(entry.spec, "applies_to", "weights") != "activity"]
    return [
        EXAMPLES.get((task, entry.name)) or str(Reference(entry.name, dict(entry.spec.example))) for entry in entries
    ]


def case(pipeline, reference, *, quick):
    return pytest.param(pipeline, reference, id=f"{pipeline}-{reference}", marks=[] if quick else pytest.mark.long)


def losses():
    """Return every loss with a pipeline of each of its tasks; one of these is quick, for every other loss."""
    found = []
    table = {task: fitting("loss", task) for task in PIPELINES}
    every = list(dict.fromkeys(loss for found in table.values() for loss in found))
    for at, loss in enumerate(every):
        tasks = [task for task in PIPELINES if loss in table[task]]
        for task in tasks:
            pipelines = PIPELINES[task]
            quick = at % 2 == 0 and task == tasks[at // 2 % len(tasks)]
            found.append(case(pipelines[at // 2 % len(pipelines)], loss, quick=quick))
    return found


def without_labels(kind):
    """Return every component of a kind that sees no labels, with a pipeline of pictures and with one of numbers."""
    found = []
    for at, reference in enumerate(fitting(kind, "classification")):
        found.append(case(PICTURES[at % len(PICTURES)], reference, quick=at % 5 == 0))
        found.append(case("regression", reference, quick=at % 5 == 1))
    return found


def test_what_sees_no_labels_is_for_every_task():
    for kind in ("optimizer", "schedule", "regularizer"):
        for task in PIPELINES:
            assert fitting(kind, task) == fitting(kind, "classification")


@pytest.mark.long_but_first
@pytest.mark.parametrize(("pipeline", "loss"), losses())
def test_every_fitting_loss_trains(pipeline, loss):
    logs = train(pipeline, loss=loss, test=True)
    assert math.isfinite(logs["loss"])
    assert math.isfinite(logs["test_loss"])


@pytest.mark.long_but_first(5)
@pytest.mark.parametrize(("pipeline", "optimizer"), without_labels("optimizer"))
def test_every_fitting_optimizer_trains(pipeline, optimizer):
    assert math.isfinite(train(pipeline, optimizer=optimizer)["loss"])


@pytest.mark.long_but_first
@pytest.mark.parametrize(("pipeline", "schedule"), [c for c in without_labels("schedule") if c.values[0] in PICTURES])
def test_every_schedule_trains(pipeline, schedule):
    table = Reference.parse(schedule).to_mapping()
    options = ["optimizer.name=sgd", *(f"optimizer.learning_rate.{k}={json.dumps(v)}" for k, v in table.items())]
    assert math.isfinite(train(pipeline, options=options)["loss"])


@pytest.mark.long_but_first
@pytest.mark.parametrize(("pipeline", "regularizer"), without_labels("regularizer"))
def test_every_fitting_regularizer_trains(pipeline, regularizer):
    logs = train(pipeline, regularizer=regularizer)
    assert math.isfinite(logs["loss"])
    assert logs["loss"] != plain_loss(pipeline)


@pytest.mark.long_but_first
@pytest.mark.parametrize(
    ("pipeline", "regularizer"),
    [
        ("cifar10", "entropy:factor=0.1"),
        ("segmentation", "entropy:factor=0.1"),
        ("regression", "decov:factor=0.1"),
        ("cats_vs_dogs", "decov:factor=0.1"),
        ("embedding", "decov:factor=0.1"),
    ],
)
def test_every_regularizer_of_activity_trains(pipeline, regularizer):
    named = {entry.name for entry in get_registry().entries("regularizer") if entry.spec.applies_to == "activity"}
    assert named == {"entropy", "decov"}, "each has a case here"
    logs = train(pipeline, regularizer=regularizer)
    assert math.isfinite(logs["loss"])
    assert logs["loss"] != plain_loss(pipeline)


@pytest.mark.long
@pytest.mark.parametrize(
    "loss", [entry.name for entry in get_registry().entries("loss") if entry.spec.within and entry.first_party]
)
def test_every_loss_within_another_trains(loss):
    spec = get_registry().loss(loss).spec
    [(outer, argument)] = spec.within.items()
    options = [f"{key}={json.dumps(value)}" for key, value in spec.settings.items()]
    logs = train("yolov3", loss=f"{outer}:{argument}={loss}", options=options, test=True)
    assert math.isfinite(logs["loss"])
    assert math.isfinite(logs["test_loss"])


NO_PIPELINE = {
    "restoration": {"ssim", "ms_ssim", "psnr"},
}
"""What no pipeline trains with, by its task: there is none for these."""


def test_everything_that_is_listed_has_a_pipeline():
    tasks = {task for entry in get_registry().pipelines() for task in (entry.spec.task, *entry.spec.other_tasks)}
    for kind in ("loss", "metric", "optimizer", "schedule", "regularizer"):
        for entry in get_registry().entries(kind):
            spec = entry.spec
            fits = any(spec.fits(task) for task in tasks)
            part = getattr(spec, "inputs", "") in ("boxes", "bins") and not spec.within
            if not fits or part:
                assert any(entry.name in NO_PIPELINE.get(task, ()) for task in spec.tasks), (kind, entry.name)


@pytest.mark.long
@pytest.mark.parametrize(
    ("task", "pipeline", "loss"),
    [
        ("classification", "mnist", "categorical_crossentropy"),
        ("classification", "cifar10", "sparse_categorical_crossentropy"),
        ("binary", "cats_vs_dogs", "crossentropy"),
        ("multilabel", "cats_vs_dogs labels", "asymmetric"),
        ("distribution", "cats_vs_dogs histograms", "emd"),
        ("ordinal", "fingers", "emd"),
        pytest.param("ordinal", "fingers", "categorical_crossentropy", marks=pytest.mark.long),
        pytest.param("ordinal", "fingers", "coral", marks=pytest.mark.long),
        ("regression", "regression", "scaled_mse"),
        pytest.param("regression", "regression", "gaussian_nll", marks=pytest.mark.long),
        pytest.param("regression", "regression", "poisson", marks=pytest.mark.long),
        pytest.param("embedding", "embedding", "multi_similarity", marks=pytest.mark.long),
        pytest.param("restoration", "restoration", "charbonnier", marks=pytest.mark.long),
    ],
)
def test_every_fitting_metric_measures(task, pipeline, loss):
    # A mean and a variance are measured where the loss trains a network that predicts both.
    both = get_registry().get("loss", loss).spec.inputs == "gaussians"
    references = [
        name
        for name in fitting("metric", task)
        if both or get_registry().get("metric", name.partition(":")[0]).spec.inputs != "gaussians"
    ]
    logs = train(pipeline, loss=loss, metrics=references, test=True)
    for reference in references:
        name = Reference.parse(reference).slug
        assert np.isfinite(logs[name]).all(), reference
        assert np.isfinite(logs[f"test_{name}"]).all(), reference


@pytest.mark.long
@pytest.mark.parametrize("form", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_metrics_agree_whatever_form_the_loss_needs(form):
    logs = train("mnist", loss=form, metrics=["sparse_categorical_accuracy", "categorical_accuracy", "emd"])
    assert logs["accuracy"] == logs["sparse_categorical_accuracy"] == logs["categorical_accuracy"]
    assert logs["emd"] == pytest.approx(train("mnist", metrics=["emd"])["emd"], rel=1e-5)
