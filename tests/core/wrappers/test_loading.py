"""What kzoo itself puts into a model is found again in a process that has imported none of it."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import kzoo
from kzoo.models.saving import save_model
from kzoo.wrappers.continued_schedule import ContinuedSchedule
from kzoo.wrappers.label_forms import MeanOutput, OtherLabelForm
from kzoo.wrappers.loss_parts import parts_of
from kzoo.wrappers.threshold_losses import OfProbabilities

EVERYTHING = """
import importlib, json, pkgutil
import keras
import kzoo
from kzoo.models import saving

def known():
    return {name for name in keras.saving.get_custom_objects() if name.startswith("kzoo>")}

saving._import_wrappers()
imported = known()
for module in pkgutil.walk_packages(kzoo.__path__, "kzoo."):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError:
        if not module.name.startswith("kzoo.export."):  # its formats need extras, and register nothing
            raise
print(json.dumps([sorted(imported), sorted(known())]))
"""

LOADED = """
import json, sys
import kzoo

found = []
for path in sys.argv[1:]:
    assert not any(name.startswith("kzoo.wrappers.") for name in sys.modules) or found
    model = kzoo.load_model(path)
    rate = model.optimizer._learning_rate
    metrics = [metric for metric in model._compile_metrics._user_metrics] if model._compile_metrics else []
    found.append([type(model.loss).__name__, type(getattr(model.loss, "loss", None)).__name__, type(rate).__name__,
                  [type(metric).__name__ for metric in metrics], float(model.optimizer.learning_rate)])
print(json.dumps(found))
"""


def in_a_fresh_process(script, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.long
def test_loading_imports_all_that_any_module_of_kzoo_registers():
    imported, registered = in_a_fresh_process(EVERYTHING)
    assert {"kzoo>OfProbabilities", "kzoo>OtherLabelForm", "kzoo>MeanOutput", "kzoo>LossPart"} < set(registered)
    assert imported == registered


def saved(path, loss, metrics=(), optimizer="sgd", outputs=3, labels=None):
    """Save a small model that has taken one step."""
    keras.utils.set_random_seed(0)
    end = keras.layers.Dense(outputs, activation="softmax" if outputs == 3 else "softplus")
    model = keras.Sequential([keras.Input((4,)), end])
    model.compile(optimizer, loss, metrics=list(metrics), jit_compile=False)
    x = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    model.train_on_batch(x, np.arange(6) % 3 if labels is None else labels)
    save_model(model, path)
    return path


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Return what a fresh process found in a model for each wrapper, by its name."""
    folder = tmp_path_factory.mktemp("models")
    whole = keras.optimizers.schedules.PolynomialDecay(0.1, 100, 0.01)
    accuracy = OtherLabelForm(keras.metrics.CategoricalAccuracy(name="a"), label_form="dense", num_classes=3)
    numbers = np.arange(6.0, dtype="float32")[:, None]
    mae = MeanOutput(keras.metrics.MeanAbsoluteError(name="mae"))
    models = {
        "coral": saved(folder / "coral.keras", OfProbabilities(kzoo.loss("coral"))),
        "corn": saved(folder / "corn.keras", OfProbabilities(kzoo.loss("corn"))),
        "labels": saved(folder / "labels.keras", "sparse_categorical_crossentropy", [accuracy]),
        "means": saved(folder / "means.keras", kzoo.loss("gaussian_nll"), [mae], outputs=2, labels=numbers),
        "schedule": saved(
            folder / "schedule.keras",
            "sparse_categorical_crossentropy",
            optimizer=keras.optimizers.SGD(ContinuedSchedule(whole, 40)),
        ),
        "parts": detector(folder / "parts.keras"),
    }
    found = in_a_fresh_process(LOADED, *models.values())
    return dict(zip(models, found, strict=True))


def detector(path):
    """Save a model whose loss is a sum of parts, each with a metric."""
    loss = kzoo.loss("yolo")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("sgd", loss, metrics=parts_of(loss), jit_compile=False)
    save_model(model, path)
    return path


@pytest.mark.parametrize("name", ["coral", "corn"])
def test_losses_of_thresholds(name, loaded):
    outer, inner, *_ = loaded[name]
    assert (outer, inner.lower()) == ("OfProbabilities", name)


def test_metrics_of_another_form_of_labels(loaded):
    assert loaded["labels"][3] == ["OtherLabelForm"]


def test_metrics_of_means(loaded):
    assert loaded["means"][3] == ["MeanOutput"]


def test_metrics_of_the_parts_of_a_loss(loaded):
    assert loaded["parts"][3] == ["LossPart"] * len(kzoo.loss("yolo").part_names)


def test_a_schedule_that_goes_on(loaded):
    _, _, schedule, _, rate = loaded["schedule"]
    assert schedule == "ContinuedSchedule"
    whole = keras.optimizers.schedules.PolynomialDecay(0.1, 100, 0.01)
    assert rate == pytest.approx(float(whole(41)))
