"""Each check catches the component that was broken for it; no check that has nothing to do with the mistake does."""

import re
import sys
from pathlib import Path

import pytest
from conftest import PLUGINS
from heavy_checks import in_turn, light

from kzoo.testing import checks
from kzoo.testing.run import report_on

sys.path.append(str(PLUGINS / "mutants"))
from kzoo_mutants.plugin import CHECKS, MORE, SOUND

sys.path.remove(str(PLUGINS / "mutants"))

ROOT = Path(__file__).parents[3]

_SAVED = {"keras_file", "fresh_process"}

# The checks that may fail besides the one a mutant was made for, because the mistake is theirs too.
RELATED = {
    ("loss", "batch_of_one"): {"batches_add_up", "finite_at_edges", "labels_not_rounded", "graph"},  # all give one
    ("loss", "half_precision"): {"mixed_precision"},
    ("loss", "keras_file"): {"fresh_process"},
    ("loss", "label_forms"): {"many_classes"},
    ("loss", "global_state_of_types"): {"repeatable", *_SAVED},  # the next one computes in another type
    ("loss", "many_classes"): {"wrong_labels"},  # NaN is a number in eight bits
    ("loss", "many_classes_unsigned"): {"wrong_labels"},
    ("loss", "one_value_per_sample"): {"sample_weight", "empty_batch"},
    ("loss", "registered"): {"fresh_process"},
    ("loss", "repeatable"): {"gradient", *_SAVED},  # a difference of two calls is no slope
    ("loss", "repeatable_in_order"): {"flat_labels", "graph", *_SAVED},  # what came before is another batch
    ("loss", "unknown_batch"): {"graph"},
    # No gradient, no step; it has none since it gives one value to all but an exact match, whether right or wrong.
    ("loss", "trains"): {"mixed_precision", "right_below_wrong", "labels_not_rounded"},
    ("metric", "average"): {"class_weight"},  # which weighs the mean
    ("metric", "batch_of_one"): {"finite_at_edges", "graph_at_edges", "many_batches"},  # all give one sample
    ("metric", "batch_order"): {"many_batches"},
    ("metric", "batches_add_up"): {"batch_of_one", "in_model"},
    ("metric", "graph"): {"in_model", "graph_at_edges"},
    ("metric", "keras_file"): {"fresh_process"},
    ("metric", "label_forms"): {"label_forms_with_arguments", "many_classes"},
    ("metric", "positions"): {"mask", "step_weights"},  # which leave positions out
    ("metric", "registered"): {"fresh_process"},
    ("metric", "reset_state"): {"graph", "graph_at_edges", *_SAVED},  # all start from a reset
    ("metric", "sample_weight"): {"higher_rank", "mask", "nan_left_out", "step_weights"},
    ("metric", "state_kept_in_half"): {"finite_at_edges"},  # large sums are infinite
    ("metric", "unknown_batch"): {"in_model", "graph_at_edges"},
    ("optimizer", "any_rank"): {"kernel_of_one", "kernels"},
    ("optimizer", "counts_steps"): {"accumulation"},
    ("optimizer", "keras_file"): {"fresh_process"},
    ("optimizer", "kernels"): {"kernel_of_one"},  # which is a kernel
    ("optimizer", "learning_rate"): {"rate_assigned"},  # another rate is used than that given
    ("optimizer", "own_state"): {"kernels", "kernel_of_one"},  # some of whose kernels are of one shape
    ("optimizer", "own_state_in_turn"): {"kernels", "kernel_of_one"},  # whose kernels are all in one optimizer
    ("optimizer", "registered"): {"fresh_process"},
    ("optimizer", "state_listed"): _SAVED,
    ("optimizer", "zero_gradient"): {"tiny_and_huge", "weight_decay", "sparse_gradients"},
    ("regularizer", "any_rank"): {"kernels", "nan"},  # both give kernels
    ("regularizer", "graph"): {"xla"},  # compared with eager mode, since it says which of the two is right
    ("regularizer", "in_model"): _SAVED,
    ("regularizer", "keras_file"): {"fresh_process"},
    ("regularizer", "registered"): {"fresh_process"},
    ("schedule", "finite"): {"xla"},
    ("schedule", "graph"): {"xla"},
    ("schedule", "keras_file"): {"fresh_process"},
    ("schedule", "rebuilt"): _SAVED,
    ("schedule", "registered"): {"fresh_process"},
    ("tracker", "whole_run"): {"two_runs"},  # whose runs have one name
}


@pytest.fixture(autouse=True)
def _mutants(plugins):
    plugins("mutants")


@pytest.mark.parametrize("kind", CHECKS)
def test_there_is_a_mutant_for_each_check(kind):
    assert set(CHECKS[kind]) == set(checks(kind))


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [*((kind, "sound") for kind in CHECKS), *((kind, name) for kind, names in SOUND.items() for name in names)],
    ids="-".join,
)
def test_what_is_sound_passes(name):
    kind, mutant = name
    report = report_on(kind, f"kzoo-mutants:mutant_{mutant}")
    report.raise_if_failed()
    assert set(report.ran) | set(report.skipped) == set(checks(kind))


def test_a_class_that_nobody_publishes_is_given_labels_in_every_form():
    from kzoo_mutants.sound_metrics import SoundClasses

    report_on("metric", SoundClasses, inputs="classes", only=("label_forms", "many_classes")).raise_if_failed()


@pytest.mark.parametrize("kind", ["metric", "optimizer", "schedule", "regularizer", "tracker"])
def test_the_page_of_plugins_names_checks_that_there_are(kind):
    page = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    [row] = re.findall(rf"^\| {kind}s \| (.*) \|$", page, re.MULTILINE)
    named = re.findall(r"`(\w+)`", row)
    assert named
    assert set(named) <= set(checks(kind))


MUTANTS = [
    *((kind, check, check) for kind, names in CHECKS.items() for check in names),
    *((kind, mutant, check) for kind, names in MORE.items() for mutant, check in names.items()),
]


@pytest.mark.parametrize(
    ("kind", "mutant", "check"),
    [
        pytest.param(*mutant, id="-".join(mutant), marks=pytest.mark.long if at % 3 else [])
        for at, mutant in enumerate(MUTANTS)
    ],
)
def test_a_mutant_is_caught_by_its_check(kind, mutant, check):
    assert list(report_on(kind, f"kzoo-mutants:mutant_{mutant}", only=(check,)).failed) == [check]


@pytest.mark.long
@pytest.mark.parametrize(("kind", "mutant", "check"), MUTANTS, ids=lambda part: part)
def test_a_mutant_is_caught_by_no_unrelated_check(kind, mutant, check):
    # One in three of those that take long: mutants that follow one another are held to them all.
    due = (*light(kind), *in_turn(kind, MUTANTS.index((kind, mutant, check))))
    others = tuple(other for other in checks(kind) if other in due and other != check)
    report = report_on(kind, f"kzoo-mutants:mutant_{mutant}", only=others)
    assert [outcome.check for outcome in report.outcomes] == list(others)
    if mutant != "right_base":  # an object of another kind has any mistake there is
        assert set(report.failed) <= RELATED.get((kind, mutant), set())
