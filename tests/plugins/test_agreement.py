"""Every component of kzoo's own agrees with an independent reference."""

import pytest
from agreement.case import Case, read, write
from agreement.collect import cases_of
from agreement.measure import measure, relative

from kzoo.plugins.registry import get_registry

KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer")


def own(kind):
    """Return the names of kzoo's own components, Keras's left aside."""
    entries = get_registry().entries(kind)
    return [
        e.name for e in entries if e.first_party and not e.spec.target.startswith(("keras.", "kzoo_plugins.keras_"))
    ]


# The quick battery has every tenth; an optimizer is compiled for each of its cases, hundreds of steps each.
COMPONENTS = [
    pytest.param(
        kind, name, id=f"{kind}-{name}", marks=pytest.mark.long if at % (20 if kind == "optimizer" else 10) else []
    )
    for kind in KINDS
    for at, name in enumerate(own(kind))
]


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_it_agrees_with_its_reference(kind, name):
    cases = cases_of(kind).get(name, [])
    assert cases, f"no reference is compared with the {kind} {name}"
    for case in cases:
        difference = measure(case)
        assert difference.worst <= case.tolerance, f"{case}: {difference} from {case.reference}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_wider_tolerance_has_a_reason(kind):
    cases = [case for cases in cases_of(kind).values() for case in cases]
    assert [str(case) for case in cases if case.tolerance > 1e-5 and not case.reason] == []


def test_no_case_is_for_a_component_that_does_not_exist():
    unknown = {(kind, name) for kind in KINDS for name in cases_of(kind)}
    unknown -= {(kind, entry.name) for kind in KINDS for entry in get_registry().entries(kind)}
    assert unknown == set()


def test_a_difference_is_relative_to_the_largest_number():
    assert relative([1.0, 100.0], [1.5, 100.0]) == pytest.approx(0.005)
    assert relative([0.25], [0.0]) == pytest.approx(0.25)
    assert relative([float("nan")], [1.0]) == float("inf")
    with pytest.raises(AssertionError, match="shape"):
        relative([1.0], [[1.0]])


def test_a_wrong_value_is_seen():
    right = cases_of("loss")["emd"][0]
    wrong = Case(**{**vars(right), "expected": {**right.expected, "value": right.expected["value"] * 1.001}})
    assert measure(right).worst <= right.tolerance < measure(wrong).worst


def test_cases_come_back_from_their_file(tmp_path):
    before = cases_of("loss")["emd"][:2]
    write(tmp_path / "cases.npz", before)
    after = read(tmp_path / "cases.npz")
    for one, other in zip(before, after, strict=True):
        assert (one.component, one.reference, one.tolerance) == (other.component, other.reference, other.tolerance)
        assert (one.inputs["y_pred"] == other.inputs["y_pred"]).all()
