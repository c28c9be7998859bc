"""Every component that kzoo publishes, Keras's own among them, passes the conformance kit; known failures are exact.

The quick battery holds each component to its round trip through a configuration and a part of the light checks, and a
few to a heavy one: the components of a kind take them in turn, so that each check is run, too. The long battery runs
the light checks that are left, all that fail with a known reason, and of the heavy ones a third of each component:
neighbours, which are of one family, have them all together. Keras's own, which change with Keras alone, have a ninth.
`kzoo check-plugin kzoo` runs all of all; it takes minutes, and a workflow does it every week.
"""

import pytest
from heavy_checks import HEAVY, in_turn, light

from kzoo.plugins.registry import get_registry
from kzoo.testing import checks
from kzoo.testing.run import report_on
from kzoo_plugins.keras_builtins.known_failures import KNOWN_FAILURES

TURNS = 24
KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer")


def _parts():
    """Return kind, component and checks: those of the quick battery, and those that are left to the long one."""
    found = []
    for kind in KINDS:
        entries = [entry for entry in get_registry().entries(kind) if entry.first_party]
        heavy = HEAVY[kind]
        quickly = light(kind)
        every = max(1, min(6, len(entries) // len(heavy)))
        for at, entry in enumerate(entries):
            # What every component passes or fails is in each part: the other checks may all be none of its matter.
            quick = {"config_round_trip", *quickly[at % TURNS :: TURNS]}
            if at % every == 0:
                quick.add(heavy[at // every % len(heavy)])
            known = (*entry.spec.expected_failures, *KNOWN_FAILURES.get((kind, entry.name), ()))
            turn = in_turn(kind, at, of=9 if entry.entry_point == "keras" else 3)
            due = [c for c in checks(kind) if c in quickly or c in turn or c in known]
            name = f"{kind}-{entry.qualified}"
            found += [
                pytest.param(kind, entry.qualified, tuple(c for c in checks(kind) if c in quick), id=name),
                pytest.param(
                    kind,
                    entry.qualified,
                    tuple(c for c in due if c not in quick),
                    id=f"{name}-the-rest",
                    marks=pytest.mark.long,
                ),
            ]
    return found


@pytest.mark.parametrize(("kind", "name", "only"), _parts())
def test_component(kind, name, only):
    report_on(kind, name, only=only).raise_if_failed()


@pytest.mark.parametrize("kind", KINDS)
def test_the_batteries_together_run_every_check_and_the_light_ones_of_every_component(kind):
    parts = {}
    for where, name, only in (part.values for part in _parts()):
        if where == kind:
            parts.setdefault(name, []).append(only)
    entries = [entry for entry in get_registry().entries(kind) if entry.first_party]
    assert list(parts) == [entry.qualified for entry in entries]
    for entry in entries:
        quick, rest = parts[entry.qualified]
        assert not set(quick) & set(rest)
        assert set(light(kind)) <= {*quick, *rest}
    assert {check for _, rest in parts.values() for check in rest} == set(checks(kind)) - {"config_round_trip"}
    assert {check for quick, _ in parts.values() for check in quick} == set(checks(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_no_failure_is_known_of_a_component_that_does_not_exist(kind):
    names = {entry.name for entry in get_registry().entries(kind) if entry.entry_point == "keras"}
    assert {name for where, name in KNOWN_FAILURES if where == kind} <= names
