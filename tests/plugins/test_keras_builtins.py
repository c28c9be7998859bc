"""The tables of Keras's components, held against the Keras that is installed, in both directions."""

import importlib
import inspect
import os
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras.src import losses as keras_losses
from keras.src import metrics as keras_metrics
from keras.src import optimizers as keras_optimizers
from keras.src import regularizers as keras_regularizers
from keras.src.trainers.compile_utils import get_loss, get_metric

from kzoo.errors import UsageError
from kzoo.plugin import TASKS
from kzoo.plugins.build import build
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry
from kzoo_plugins.keras_builtins import losses, metrics, optimizers, plugin, regularizers
from kzoo_plugins.losses import plugin as own_losses
from kzoo_plugins.metrics import plugin as own_metrics
from kzoo_plugins.optimizers import plugin as own_optimizers

TABLES = {
    "losses": (keras.losses, losses.LOSSES, losses.NOT_OFFERED),
    "metrics": (keras.metrics, metrics.METRICS, metrics.NOT_OFFERED),
    "optimizers": (keras.optimizers, optimizers.OPTIMIZERS, optimizers.NOT_OFFERED),
    "schedules": (keras.optimizers.schedules, optimizers.SCHEDULES, optimizers.SCHEDULES_NOT_OFFERED),
    "regularizers": (keras.regularizers, regularizers.REGULARIZERS, regularizers.NOT_OFFERED),
}
BUILTINS = [spec for _, table, _ in TABLES.values() for spec in table]
OWN = [*own_losses.kzoo_losses(), *own_metrics.kzoo_metrics(), *own_optimizers.kzoo_optimizers()]
SPECS = [*BUILTINS, *OWN]

CLASSES = 3
IDS = np.array([0, 1, 2, 0])
SOFTMAX = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3]], "float32")
LABELS = {"dense": np.eye(CLASSES, dtype="float32")[IDS], "sparse": IDS}
SIGMOID = np.array([[0.9], [0.2], [0.6], [0.4]], "float32")
ANSWERS = np.array([[1.0], [0.0], [0.0], [1.0]], "float32")
NUMBERS = np.array([[1.2], [2.4], [0.3], [4.0]], "float32")
TARGETS = np.array([[1.0], [2.0], [0.5], [3.0]], "float32")


# A subclass of ours stands for Keras's class where that cannot do what it is listed for.
MENDED = {"kzoo_plugins.keras_builtins.orthogonal:OrthogonalRegularizer"}

# A loss of ours has the name of Keras's, because that does not do what its name and arguments say.
RENAMED = {"tversky": "keras_tversky", "circle": "keras_circle"}


def label(spec):
    return f"{spec.kind}:{spec.name}"


def load(target):
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def public_classes(module):
    """Return the classes under their own names; Keras also exports some under lower-case names."""
    return {name: value for name, value in vars(module).items() if inspect.isclass(value) and name == value.__name__}


# --- the tables are complete


@pytest.mark.parametrize("table", TABLES)
def test_every_public_class_is_offered_or_left_out_for_a_reason(table):
    module, specs, left_out = TABLES[table]
    offered = {spec.target.partition(":")[2] for spec in specs}
    assert offered | left_out.keys() == public_classes(module).keys()
    assert not offered & left_out.keys()
    assert all(left_out.values())
    keras_module = module.__name__.replace("keras.api", "keras")
    mended = {spec.target for spec in specs if not spec.target.startswith(f"{keras_module}:")}
    assert mended <= MENDED


@pytest.mark.parametrize("spec", SPECS, ids=label)
def test_every_spec_is_valid_and_its_targets_exist(spec):
    assert spec.faults() == []
    for target in (spec.target, *getattr(spec, "variants", {}).values()):
        assert inspect.isclass(load(target))
    assert spec.summary.endswith(".")
    assert not spec.note or spec.note.endswith(".")
    assert set(spec.cautions) <= set(spec.tasks)


@pytest.mark.parametrize("spec", SPECS, ids=label)
def test_the_example_can_be_built_and_holds_every_required_argument(spec):
    signature = inspect.signature(load(spec.target))
    required = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    assert set(required) <= set(spec.example) <= set(signature.parameters)
    build(spec.kind, Reference(spec.name, dict(spec.example)))  # a component in it goes by its name
    steps_argument = getattr(spec, "steps_argument", "")
    assert not steps_argument or steps_argument in signature.parameters


@pytest.mark.parametrize("kind", ["loss", "metric", "optimizer", "schedule", "regularizer"])
def test_names_and_aliases_are_unique_within_a_kind(kind):
    names = [name for spec in SPECS if spec.kind == kind for name in (spec.name, *spec.aliases)]
    assert len(names) == len(set(names))


def test_the_hooks_hand_out_the_tables():
    from_hooks = [
        *plugin.kzoo_losses(),
        *plugin.kzoo_metrics(),
        *plugin.kzoo_optimizers(),
        *plugin.kzoo_regularizers(),
    ]
    # The hooks add what the conformance kit is known to find, and what Keras does not tell.
    notes = {(spec.kind, spec.name): spec.note for spec in BUILTINS}
    for spec in from_hooks:
        assert spec.note.startswith(notes[spec.kind, spec.name])
    plain = [replace(spec, expected_failures={}, note=notes[spec.kind, spec.name]) for spec in from_hooks]
    assert plain == BUILTINS


@pytest.mark.parametrize("spec", BUILTINS, ids=lambda spec: f"{spec.kind}-{spec.name}")
def test_the_path_of_the_class_finds_it(spec):
    registry, path = get_registry(), spec.target.replace(":", ".")
    if getattr(spec, "variants", None) and spec.name == "crossentropy":
        return  # it chooses among classes that are there by themselves
    assert registry.get(spec.kind, path).name == spec.name
    assert registry.get(spec.kind, f"tf.{path}").name == spec.name


@pytest.mark.parametrize(
    ("kind", "path", "name"),
    [
        ("loss", "keras.losses.mean_squared_error", "mean_squared_error"),
        ("loss", "keras.losses.tversky", "keras_tversky"),
        ("metric", "keras.metrics.mse", "mean_squared_error"),
        ("regularizer", "tensorflow.keras.regularizers.l1_l2", "l1_l2"),
    ],
)
def test_functions_and_short_names_of_keras_find_it_too(kind, path, name):
    assert get_registry().get(kind, path).name == name


def test_a_path_of_another_kind_or_module_finds_nothing():
    for kind, path in (("metric", "keras.losses.Huber"), ("loss", "keras.losses.EMD"), ("loss", "losses.Huber")):
        with pytest.raises(UsageError, match="No "):
            get_registry().get(kind, path)


def test_a_path_is_a_reference():
    loss = build("loss", "keras.losses.Huber:reduction=sum")
    assert (type(loss), loss.reduction) == (keras.losses.Huber, "sum")


def test_own_components_are_registered_under_names_of_their_own():
    classes = {load(spec.target) for spec in OWN}
    registered = [keras.saving.get_registered_name(cls) for cls in classes]
    assert len(set(registered)) == len(classes)
    for cls, name in zip(classes, registered, strict=True):
        assert name.startswith("kzoo_plugins>")
        assert keras.saving.get_registered_object(name) is cls


# --- Keras's own names find the same classes


def find(specs, name):
    name = name.lower()
    found = [spec for spec in specs if name == spec.name or name in spec.aliases]
    return found[0] if found else None


def class_of_function(function):
    """Return the loss class that wraps a loss function."""
    same = [c for c in public_classes(keras.losses).values() if _snake(c.__name__) == function.__name__]
    [found] = same
    return found


def _snake(name):
    from keras.src.utils.naming import to_snake_case

    return to_snake_case(name)


def keras_names():
    tables = {
        "losses": keras_losses.ALL_OBJECTS_DICT,
        "metrics": keras_metrics.ALL_OBJECTS_DICT,
        "optimizers": keras_optimizers.ALL_OBJECTS_DICT,
        "regularizers": keras_regularizers.ALL_OBJECTS_DICT,
    }
    for table, names in tables.items():
        for name, value in sorted(names.items()):
            cls = value if inspect.isclass(value) else class_of_function(value)
            if cls.__name__ not in (*TABLES[table][2], "LossFunctionWrapper"):
                yield pytest.param(table, name, cls, id=f"{table}:{name}")


@pytest.mark.parametrize(("table", "name", "cls"), list(keras_names()))
def test_a_name_that_keras_knows_finds_the_same_class_here(table, name, cls):
    spec = find(TABLES[table][1], RENAMED.get(name.lower(), name))
    assert spec is not None
    assert issubclass(load(spec.target), cls) if spec.target in MENDED else load(spec.target) is cls


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("losses", "categorical_generalized_cross_entropy"),
        ("optimizers", "lamb"),
        ("optimizers", "muon"),
        ("optimizers", "schedule_free_adam_w"),
        ("optimizers", "schedulefreeadamw"),
        ("regularizers", "l1_l2"),
        ("regularizers", "l1l2"),
        ("regularizers", "orthogonal"),
        ("metrics", "iou"),
        ("metrics", "fbeta_score"),
    ],
)
def test_further_names(table, name):
    assert find(TABLES[table][1], name) is not None


@pytest.mark.parametrize(
    ("form", "y_true", "y_pred"),
    [("dense", LABELS["dense"], SOFTMAX), ("sparse", IDS, SOFTMAX), ("binary", ANSWERS, SIGMOID)],
)
def test_accuracy_and_crossentropy_mean_what_compile_makes_of_them(form, y_true, y_pred):
    for name in ("accuracy", "acc"):
        assert load(find(metrics.METRICS, name).variants[form]) is type(get_metric(name, y_true, y_pred))
    for name in ("crossentropy", "ce"):
        function = get_loss(name, y_true, y_pred).fn
        assert load(find(losses.LOSSES, name).variants[form]) is class_of_function(function)


# --- what the specs say of tasks, label forms and directions is true


def cases(kind, task):
    for spec in SPECS:
        if spec.kind == kind and task in spec.tasks and spec.inputs != "gaussians":  # of two outputs for each target
            if task in ("classification", "ordinal"):
                assert spec.targets
                for form in sorted(spec.targets):
                    yield pytest.param(spec, form, LABELS[form], SOFTMAX, id=f"{spec.name}-{form}")
            elif task == "binary":
                yield pytest.param(spec, "binary", ANSWERS, SIGMOID, id=spec.name)
            else:
                yield pytest.param(spec, "", TARGETS, NUMBERS, id=spec.name)


def made(spec, form):
    fitting = {"num_classes": CLASSES, "k": 1, "bins": list(range(CLASSES))}
    example = {name: fitting.get(name, value) for name, value in spec.example.items()}
    return load(spec.variants.get(form, spec.target))(**example)


def extremes(y_true, y_pred):
    """Return the best predictions there are, and bad ones."""
    if y_pred is SOFTMAX:
        return LABELS["dense"], np.roll(LABELS["dense"], 1, axis=-1)
    return y_true, (1 - y_true if y_pred is SIGMOID else 5 - y_true)


def sees_only_a_sign(spec, y_pred):
    """Return whether all predictions are equal for it, as its caution for a single output says."""
    return spec.name == "cosine_similarity" and y_pred is NUMBERS


@pytest.mark.parametrize(
    ("spec", "form", "y_true", "y_pred"),
    [case for task in ("classification", "binary", "regression") for case in cases("loss", task)],
)
def test_a_loss_gives_a_finite_number_where_it_says_it_runs(spec, form, y_true, y_pred):
    value = np.asarray(made(spec, form)(y_true, y_pred))
    assert value.shape == ()
    assert np.isfinite(value)
    best, bad = (float(made(spec, form)(y_true, predictions)) for predictions in extremes(y_true, y_pred))
    assert best == bad if sees_only_a_sign(spec, y_pred) else best < bad


@pytest.mark.parametrize(
    ("spec", "form", "y_true", "y_pred"),
    [case for task in ("classification", "binary", "regression") for case in cases("metric", task)],
)
def test_a_metric_gives_a_finite_number_where_it_says_it_runs(spec, form, y_true, y_pred):
    metric = made(spec, form)
    metric.update_state(y_true, y_pred)
    value = np.asarray(metric.result())
    assert value.shape == ()
    assert np.isfinite(value)


@pytest.mark.parametrize(
    ("spec", "form", "y_true", "y_pred"),
    [case for task in ("classification", "binary", "regression") for case in cases("metric", task)],
)
def test_better_predictions_are_better_in_the_direction_stated(spec, form, y_true, y_pred):
    values = []
    for predictions in extremes(y_true, y_pred):
        metric = made(spec, form)
        metric.update_state(y_true, predictions)
        values.append(float(metric.result()))
    best, bad = values
    if sees_only_a_sign(spec, y_pred):
        assert best == bad
    else:
        assert best > bad if spec.direction == "max" else best < bad


@pytest.mark.parametrize("spec", metrics.METRICS, ids=label)
def test_directions_are_keras_own_where_it_states_one(spec):
    stated = getattr(load(spec.target)(**spec.example), "_direction", None)
    assert spec.direction in ("max", "min")
    assert stated in (None, {"max": "up", "min": "down"}[spec.direction])


@pytest.mark.parametrize("kind", ["loss", "metric"])
def test_tasks_and_label_forms_are_stated(kind):
    for spec in SPECS:
        if spec.kind == kind:
            if spec.resolves:  # what is made of other components is for the tasks of those
                continue
            assert spec.tasks  # empty would mean every task
            assert set(spec.tasks) <= set(TASKS)
            # What asks whether a rank is above each threshold has nothing to ask of classes without an order.
            assert spec.inputs == "thresholds" or ("classification" in spec.tasks) == ("ordinal" in spec.tasks)
            assert spec.targets or not {"classification", "ordinal"} & set(spec.tasks)
            labels_are_classes = {"classification", "ordinal", "segmentation", "embedding"} & set(spec.tasks)
            assert labels_are_classes or not spec.targets


@pytest.mark.parametrize("spec", optimizers.OPTIMIZERS, ids=label)
def test_an_optimizer_takes_a_step_with_a_schedule(spec):
    schedule = keras.optimizers.schedules.CosineDecay(0.1, decay_steps=10)
    optimizer = load(spec.target)(**{**spec.example, "learning_rate": schedule})
    variable = keras.Variable(np.ones((3, 2), "float32"))
    optimizer.apply([keras.ops.ones((3, 2))], [variable])
    assert spec.resolves == {"learning_rate": "schedule"}
    assert np.isfinite(np.asarray(variable)).all()
    assert np.mean(np.asarray(variable)) < 1


@pytest.mark.parametrize("spec", optimizers.SCHEDULES, ids=label)
def test_a_schedule_falls(spec):
    schedule = load(spec.target)(**spec.example)
    first, last = float(schedule(0)), float(schedule(99))
    assert first == pytest.approx(0.01)
    assert last < first or spec.name == "piecewise_constant_decay"
    if spec.steps_argument:
        end = float(schedule(spec.example[spec.steps_argument]))
        assert end == pytest.approx(float(schedule(10**6)))
        assert end <= 0.02 * first


@pytest.mark.parametrize("spec", regularizers.REGULARIZERS, ids=label)
def test_a_regularizer_gives_a_finite_positive_number(spec):
    value = float(load(spec.target)(**spec.example)(keras.ops.ones((3, 2))))
    assert 0 < value < 1


# --- the listing path is light


def test_listing_imports_nothing_heavy():
    code = """
import sys
from kzoo_plugins.keras_builtins import plugin
from kzoo_plugins.losses import plugin as losses
from kzoo_plugins.metrics import plugin as metrics
from kzoo_plugins.optimizers import plugin as optimizers
for module in (plugin, losses, metrics, optimizers):
    for name in dir(module):
        if name.startswith("kzoo_"):
            list(getattr(module, name)())
print(sorted({"keras", "tensorflow", "numpy", "kzoo.component"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
