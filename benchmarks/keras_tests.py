"""Run Keras's own tests of losses, metrics, optimizers and regularizers through kzoo's names, and print which agree.

    git clone --depth 1 --branch v3.15.1 https://github.com/keras-team/keras /tmp/keras
    python benchmarks/keras_tests.py /tmp/keras

The tests are those of a checkout, or of an unpacked source archive, of the version that is installed. Wherever one of
them names a class of Keras that kzoo publishes, or the function behind a loss, it gets what kzoo builds from its name.
Where kzoo refuses an argument, its error quotes that of Keras, which is what the test is given. Tests that build
nothing by name, such as those of base classes, are not counted. Afterwards the tests of those classes that kzoo has a
component of its own for run on that one.

The result is 1 where a test disagrees without a reason in the tables below, or agrees in spite of one.
"""

from __future__ import annotations

import builtins
import contextlib
import fnmatch
import inspect
import io
import shutil
import sys
import tempfile
import types
from collections import Counter
from pathlib import Path
from typing import Any

import keras  # noqa: TID253 - a script that is nothing without it
import pytest

from kzoo.errors import UsageError
from kzoo.plugin import COMPONENT_KINDS
from kzoo.plugins.build import build
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target

FOLDERS = ("losses", "metrics", "optimizers", "regularizers")

REASONS = {
    "regularizers/regularizers_test.py::*::test_orthogonal_regularizer_input_rank_validation": (
        "kzoo's form of it takes the kernels of convolutions, which Keras's refuses"
    ),
    "losses/losses_test.py::CircleTest::test_correctness": (
        "the function takes reference embeddings beside labels and predictions, for which a loss has no argument"
    ),
}
"""For patterns of tests, why Keras's component by its kzoo name does not agree."""


def _without(arguments: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Return the arguments but for those that the other component lacks, where they change nothing."""
    return {key: value for key, value in arguments.items() if key not in defaults or value not in (defaults[key], None)}


def _sigmoid_focal(arguments: dict[str, Any]) -> dict[str, Any]:
    balanced = arguments.pop("apply_class_balancing", False)
    return {**_without(arguments, label_smoothing=0, axis=-1), **({} if balanced else {"alpha": None})}


def _adjusted_r2(arguments: dict[str, Any]) -> dict[str, Any]:
    names = {"variance_weighted_average": "variance_weighted", None: "raw_values"}
    if "class_aggregation" in arguments:
        one = arguments.pop("class_aggregation")
        arguments["multioutput"] = names.get(one, one)
    return arguments


_EACH_IMAGE = (1, 2, 3)

OWN: dict[str, tuple[str, Any]] = {
    "BinaryFocalCrossentropy": ("sigmoid_focal", _sigmoid_focal),
    "CategoricalFocalCrossentropy": ("focal", lambda given: {"alpha": 0.25, **_without(given, label_smoothing=0)}),
    "CategoricalGeneralizedCrossEntropy": ("generalized_crossentropy", lambda given: {"q": 0.5, **given}),
    "Dice": ("soft_dice", lambda given: _without(given, axis=_EACH_IMAGE)),
    "Tversky": ("tversky", lambda given: _without(given, axis=_EACH_IMAGE)),
    "R2Score": ("adjusted_r2", _adjusted_r2),
    "ScheduleFreeAdamW": ("schedule_free_adamw", dict),
}
"""For classes of Keras, the component of kzoo's own that is for the same, with the arguments that make it the same."""

_HALF = "kzoo calculates at least in float32, Keras in the half precision asked for"
_WHOLE_BATCH = "Keras's is one number for a whole batch of any shape; kzoo's has one for each mask and class"

OWN_REASONS = {
    "*FocalCrossentropyTest::test_dtype_arg": _HALF,
    "*CategoricalGeneralizedCrossEntropyTest::test_dtype_arg": _HALF,
    "*BinaryFocalCrossentropyTest::test_no_reduction": "kzoo has a value for each yes or no, Keras their mean",
    "*CategoricalFocalCrossentropyTest::test_label_smoothing": "kzoo's takes soft labels and has no label smoothing",
    "*CategoricalFocalCrossentropyTest::test_*weighted": (
        "the probabilities of one row there sum to 1.99; Keras divides by the sum, kzoo takes them as they are"
    ),
    "*DiceTest::test_binary_segmentation": _WHOLE_BATCH,
    "*DiceTest::test_correctness": _WHOLE_BATCH,
    "*DiceTest::test_dtype_arg": _WHOLE_BATCH,
    "*TverskyTest::test_binary_segmentation": _WHOLE_BATCH,
    "*TverskyTest::test_binary_segmentation_custom_coefficients": _WHOLE_BATCH,
    "*TverskyTest::test_correctness*": _WHOLE_BATCH,
    "*TverskyTest::test_dtype_arg": _WHOLE_BATCH,
    "*TverskyTest::test_binary_segmentation_custom_coefficients_with_axis": (
        "Keras swaps its two weights, against its documentation and the paper"
    ),
    "*R2ScoreTest::test_config": "the argument has another name: `multioutput`",
    "*R2ScoreTest::test_errors": "the argument has another name: `multioutput`",
    "*R2ScoreTest::test_r2_tfa_comparison[124578]": (
        "Keras adjusts for 9 samples, one for each output of 3 samples, whatever their weights; in kzoo the number is "
        "the sum of the weights, 1.3, and leaves nothing to adjust"
    ),
}
"""For patterns of tests, why kzoo's own component gives something else."""


class Named:
    """Stands for a class of Keras, or for the function of a loss: calling it builds the component by its kzoo name."""

    built = 0

    def __init__(self, real: Any, kind: str, name: str, translate: Any = dict) -> None:
        self.real, self.kind, self.name, self.translate = real, kind, name, translate

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the component; for a function, the values of the loss."""
        Named.built += 1
        given = _named_arguments(self.real, args, kwargs)
        if inspect.isclass(self.real):
            return self._built(given)
        y_true, y_pred = given.pop("y_true"), given.pop("y_pred")
        return self._built({"reduction": None, **given})(y_true, y_pred)

    def _built(self, given: dict[str, Any]) -> Any:
        try:
            return build(self.kind, Reference(self.name, self.translate(given)))
        except UsageError as error:
            quoted = " ".join(str(error.__cause__).split())
            if error.__cause__ is None or quoted not in str(error):
                raise
            raise error.__cause__ from error

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.real, attribute)

    def __eq__(self, other: object) -> bool:
        return self.real == getattr(other, "real", other)

    def __hash__(self) -> int:
        return hash(self.real)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self.real)

    def __mro_entries__(self, bases: Any) -> tuple[Any]:
        return (self.real,)


def _named_arguments(real: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return all arguments by name, as a reference has them."""
    bound = inspect.signature(real).bind_partial(*args, **kwargs)
    given = dict(bound.arguments)
    return {**given, **given.pop("kwargs", {})}


class View:
    """A module of Keras whose classes stand for kzoo's names."""

    def __init__(self, module: types.ModuleType, table: dict[Any, Named]) -> None:
        self._module, self._table = module, table

    def __getattr__(self, attribute: str) -> Any:
        return viewed(getattr(self._module, attribute), self._table)


def viewed(value: Any, table: dict[Any, Named]) -> Any:
    """Return what a test gets in place of something of Keras."""
    if isinstance(value, types.ModuleType):
        room = value.__name__.removeprefix("keras").removeprefix(".src").removeprefix(".").partition(".")[0]
        return View(value, table) if value.__name__.startswith("keras") and room in ("", *FOLDERS) else value
    if inspect.isclass(value) or inspect.isfunction(value):
        return table.get(value, value)
    return value


def loaded(path: Path, table: dict[Any, Named]) -> types.ModuleType:
    """Return a module of tests, whose imports from Keras are views."""

    def importing(name: str, *args: Any) -> Any:
        return viewed(builtins.__import__(name, *args), table)

    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": importing}
    exec(compile(path.read_text("utf-8"), str(path), "exec"), module.__dict__)
    return module


def published() -> dict[Any, Named]:
    """Return, for each class and function of Keras that kzoo publishes, its name."""
    registry, table = get_registry(), {}
    for kind in COMPONENT_KINDS:
        # The plain entry of a class goes before one that chooses among several classes by the labels.
        for entry in sorted(registry.entries(kind), key=lambda entry: not getattr(entry.spec, "variants", None)):
            if not (entry.first_party and entry.spec.target.startswith(("keras.", "kzoo_plugins.keras_builtins."))):
                continue
            target = load_target(entry)
            real = target if target.__module__.startswith("keras.") else target.__base__
            table[real] = Named(real, kind, entry.name)
            if kind == "loss":
                table[real().fn] = Named(real().fn, kind, entry.name)
    return table


def own(table: dict[Any, Named]) -> dict[Any, Named]:
    """Return the classes of Keras that kzoo has a component of its own for."""
    return {
        real: Named(real, named.kind, *OWN[real.__name__])
        for real, named in table.items()
        if inspect.isclass(real) and real.__name__ in OWN
    }


class Runner:
    """Runs the tests of a folder under pytest and keeps what came of those that built something by name."""

    def __init__(self, table: dict[Any, Named]) -> None:
        self.table = table
        self.agree: list[str] = []
        self.fail: dict[str, str] = {}
        self.left_out: Counter[str] = Counter()

    def pytest_pycollect_makemodule(self, module_path: Path, parent: Any) -> Any:
        """Collect a module of tests that imports through views."""
        collected = pytest.Module.from_parent(parent, path=module_path)
        collected.obj = loaded(module_path, self.table)
        return collected

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        """Note whether anything is built by name while a test runs."""
        self._before = Named.built
        return (yield)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep the outcome of a test."""
        test = report.nodeid.rpartition("/")[2].replace("__", "/", 1)
        if report.skipped:
            self.left_out["skipped, for another backend or device"] += 1
        elif report.failed:
            self.fail[test] = str(report.longrepr.reprcrash.message if report.longrepr else "").strip()
        elif report.when == "call" and Named.built == self._before:
            self.left_out["build nothing by name"] += 1
        elif report.when == "call":
            self.agree.append(test)

    def pytest_collectreport(self, report: Any) -> None:
        """Stop where a module of tests cannot be read."""
        if report.failed:
            message = f"{report.nodeid} cannot be read: {report.longrepr}"
            raise SystemExit(message)


def run(folder: str, table: dict[Any, Named]) -> Runner:
    """Run the tests in a folder of copies."""
    runner = Runner(table)
    options = ["-p", "no:terminal", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", folder, "--noconftest"]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([*options, "-o", "python_files=*_test.py", folder], plugins=[runner])
    return runner


def told(runner: Runner, reasons: dict[str, str], title: str) -> int:
    """Print what came of the tests; return the number of those that the reasons do not explain."""
    total = len(runner.agree) + len(runner.fail)
    print(f"{title}: {len(runner.agree)} of {total} agree")
    for what, count in runner.left_out.items():
        print(f"  {count} tests {what}")
    explained = {test: reasons[p] for p in reasons for test in runner.fail if fnmatch.fnmatchcase(test, p)}
    for reason in dict.fromkeys(explained.values()):
        found = [test for test, why in explained.items() if why == reason]
        print(f"  {len(found)} disagree: {reason}")
        print("".join(f"      {test}\n" for test in found), end="")
    unexplained = {test: message for test, message in runner.fail.items() if test not in explained}
    stale = [pattern for pattern in reasons if not fnmatch.filter(runner.fail, pattern)]
    for pattern in stale:
        print(f"  agrees, in spite of the reason given: {pattern}")
    for test, message in unexplained.items():
        print(f"  NO REASON KNOWN  {test}\n      {' '.join(message.split())[:300]}")
    return len(unexplained) + len(stale)


def main() -> int:
    """Run both passes and return 1 where something is not explained."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    source = Path(sys.argv[1]) / "keras" / "src"
    files = [file for folder in FOLDERS for file in sorted((source / folder).rglob("*_test.py"))]
    if not files:
        print(f"{source} holds no tests: give a checkout or an unpacked source archive of Keras {keras.__version__}.")
        return 2
    table = published()
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            shutil.copy(file, Path(folder) / "__".join(file.relative_to(source).parts))
        wrong = told(run(folder, table), REASONS, f"Keras {keras.__version__} by its names in kzoo")
        print()
        wrong += told(run(folder, own(table)), OWN_REASONS, "kzoo's own components in place of Keras's")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
