"""Every component that kzoo publishes, Keras's own among them, passes the conformance kit; known failures are exact.

The quick battery holds each component to all light checks, and to one of the heavy ones: the components of a kind
take them in turn, so that each check is run, too. The long battery runs the heavy checks that are left.
"""

import pytest

from kzoo.plugins.registry import get_registry
from kzoo.testing import checks
from kzoo.testing.run import report_on

KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer")

# What compiles, takes many steps, trains or saves a network: up to a third of a second each.
HEAVY = {
    "loss": ("graph", "xla", "unknown_batch", "mixed_precision", "trains", "keras_file", "fresh_process"),
    "metric": ("graph", "xla", "unknown_batch", "half_precision", "in_model", "keras_file", "fresh_process"),
    "optimizer": (
        "descends",
        "any_rank",
        "state_listed",
        "clipping",
        "graph",
        "xla",
        "one_trace",
        "half_precision",
        "keras_file",
        "fresh_process",
    ),
    "schedule": ("graph", "xla", "keras_file", "fresh_process"),
    "regularizer": ("xla", "in_model", "keras_file", "fresh_process"),
}


def _parts():
    """Return kind, component and checks: those of the quick battery, and those that are left to the long one."""
    found = []
    for kind in KINDS:
        entries = [entry for entry in get_registry().entries(kind) if entry.first_party]
        for at, entry in enumerate(entries):
            in_turn = HEAVY[kind][at % len(HEAVY[kind])]
            rest = tuple(check for check in HEAVY[kind] if check != in_turn)
            quick = tuple(check for check in checks(kind) if check not in rest)
            name = f"{kind}-{entry.qualified}"
            found += [
                pytest.param(kind, entry.qualified, quick, id=name),
                pytest.param(kind, entry.qualified, rest, id=f"{name}-heavy", marks=pytest.mark.long),
            ]
    return found


@pytest.mark.parametrize(("kind", "name", "only"), _parts())
def test_component(kind, name, only):
    report_on(kind, name, only=only).raise_if_failed()


@pytest.mark.parametrize("kind", KINDS)
def test_the_batteries_together_run_every_check_of_every_component(kind):
    parts = {}
    for where, name, only in (part.values for part in _parts()):
        if where == kind:
            parts.setdefault(name, []).append(only)
    assert set(parts) == {entry.qualified for entry in get_registry().entries(kind) if entry.first_party}
    for quick, rest in parts.values():
        assert sorted([*quick, *rest]) == sorted(checks(kind))
    assert {check for quick, _ in parts.values() for check in quick} == set(checks(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_no_failure_is_known_of_a_component_that_does_not_exist(kind):
    from kzoo_plugins.keras_builtins.known_failures import KNOWN_FAILURES

    names = {entry.name for entry in get_registry().entries(kind) if entry.entry_point == "keras"}
    assert {name for where, name in KNOWN_FAILURES if where == kind} <= names
