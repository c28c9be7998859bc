"""Every component that kzoo publishes, Keras's own among them, passes the conformance kit; known failures are exact."""

import pytest

from kzoo.plugins.registry import get_registry
from kzoo.testing.run import report_on

KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer")


def _names():
    registry = get_registry()
    return [(kind, e.qualified) for kind in KINDS for e in registry.entries(kind) if e.first_party]


@pytest.mark.parametrize(("kind", "name"), _names())
def test_component(kind, name):
    report_on(kind, name).raise_if_failed()


@pytest.mark.parametrize("kind", KINDS)
def test_no_failure_is_known_of_a_component_that_does_not_exist(kind):
    from kzoo_plugins.keras_builtins.known_failures import KNOWN_FAILURES

    names = {entry.name for entry in get_registry().entries(kind) if entry.entry_point == "keras"}
    assert {name for where, name in KNOWN_FAILURES if where == kind} <= names
