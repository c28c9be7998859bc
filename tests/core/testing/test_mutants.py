"""Each check catches the component that was broken for it; no check that has nothing to do with the mistake does."""

import sys

import pytest
from conftest import PLUGINS

from kzoo.testing import checks
from kzoo.testing.run import report_on

sys.path.append(str(PLUGINS / "mutants"))
from kzoo_mutants.plugin import CHECKS

sys.path.remove(str(PLUGINS / "mutants"))

_SAVED = {"keras_file", "fresh_process"}

# The checks that may fail besides the one a mutant was made for, because the mistake is theirs too.
RELATED = {
    ("loss", "batch_of_one"): {"batches_add_up", "finite_at_edges", "labels_not_rounded"},  # all give one sample
    ("loss", "half_precision"): {"mixed_precision"},
    ("loss", "keras_file"): {"fresh_process"},
    ("loss", "one_value_per_sample"): {"sample_weight"},
    ("loss", "registered"): {"fresh_process"},
    ("loss", "repeatable"): {"gradient", *_SAVED},  # a difference of two calls is no slope
    ("loss", "trains"): {"mixed_precision"},  # no gradient, no step
    ("metric", "batch_of_one"): {"finite_at_edges"},
    ("metric", "batches_add_up"): {"batch_of_one", "in_model"},
    ("metric", "graph"): {"in_model"},
    ("metric", "keras_file"): {"fresh_process"},
    ("metric", "registered"): {"fresh_process"},
    ("metric", "reset_state"): {"graph", *_SAVED},  # all start from a reset
    ("metric", "unknown_batch"): {"in_model"},
    ("optimizer", "counts_steps"): {"accumulation"},
    ("optimizer", "keras_file"): {"fresh_process"},
    ("optimizer", "registered"): {"fresh_process"},
    ("optimizer", "state_listed"): _SAVED,
    ("optimizer", "zero_gradient"): {"tiny_and_huge", "weight_decay", "sparse_gradients"},
    ("regularizer", "graph"): {"xla"},  # compared with eager mode, since it says which of the two is right
    ("regularizer", "in_model"): _SAVED,
    ("regularizer", "keras_file"): {"fresh_process"},
    ("regularizer", "registered"): {"fresh_process"},
    ("schedule", "finite"): {"xla"},
    ("schedule", "graph"): {"xla"},
    ("schedule", "keras_file"): {"fresh_process"},
    ("schedule", "rebuilt"): _SAVED,
    ("schedule", "registered"): {"fresh_process"},
}


@pytest.fixture(autouse=True)
def _mutants(plugins):
    plugins("mutants")


@pytest.mark.parametrize("kind", CHECKS)
def test_there_is_a_mutant_for_each_check(kind):
    assert set(CHECKS[kind]) == set(checks(kind))


@pytest.mark.long_but_first
@pytest.mark.parametrize("name", [*((kind, "sound") for kind in CHECKS), ("loss", "sound_classes")], ids="-".join)
def test_what_is_sound_passes(name):
    kind, mutant = name
    report = report_on(kind, f"kzoo-mutants:mutant_{mutant}")
    report.raise_if_failed()
    assert set(report.ran) | set(report.skipped) == set(checks(kind))


MUTANTS = [(kind, check) for kind, names in CHECKS.items() for check in names]


@pytest.mark.parametrize("name", MUTANTS, ids="-".join)
def test_a_mutant_is_caught_by_its_check(name):
    kind, check = name
    assert list(report_on(kind, f"kzoo-mutants:mutant_{check}", only=(check,)).failed) == [check]


@pytest.mark.long
@pytest.mark.parametrize("name", MUTANTS, ids="-".join)
def test_a_mutant_is_caught_by_no_unrelated_check(name):
    kind, check = name
    others = tuple(other for other in checks(kind) if other != check)
    report = report_on(kind, f"kzoo-mutants:mutant_{check}", only=others)
    assert [outcome.check for outcome in report.outcomes] == list(others)
    if check != "right_base":  # an object of another kind has any mistake there is
        assert set(report.failed) <= RELATED.get(name, set())
