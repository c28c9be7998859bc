"""The classes of specs behave as the frozen dataclasses of keywords that they stand for."""

import inspect
import pickle
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields, make_dataclass, replace

import pytest

from kzoo.plugin import KINDS, FormerName, LossSpec

GIVEN = {"name": "a", "target": "b:c", "task": "regression", "answer": "d"}


def genuine(cls):
    """Return a dataclass of the same fields, as Python makes it."""
    made = [
        (one.name, one.type, field(default_factory=one.default_factory))
        if one.default_factory is not MISSING
        else (one.name, one.type, field(default=one.default))
        for one in fields(cls)
    ]
    return make_dataclass(cls.__name__, made, frozen=True, kw_only=True)


@pytest.mark.parametrize("cls", [*KINDS.values(), FormerName], ids=lambda cls: cls.__name__)
def test_a_spec_is_a_frozen_dataclass(cls):
    own = genuine(cls)
    given = {one.name: GIVEN[one.name] for one in fields(cls) if one.name in GIVEN}
    spec, other = cls(**given), own(**given)
    assert {one.name: getattr(spec, one.name) for one in fields(cls)} == vars(other) == vars(spec)
    assert list(inspect.signature(cls).parameters) == list(inspect.signature(own).parameters)
    assert replace(spec, name="z") == cls(**{**given, "name": "z"}) != spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    for made in (spec, other):
        with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
            made.name = "x"
        with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
            del made.name
    for wrong, said in (({**given, "nonsense": 1}, "unexpected keyword argument 'nonsense'"), ({}, "missing.*'name'")):
        for made in (cls, own) if wrong else (cls,):
            with pytest.raises(TypeError, match=said):
                made(**wrong)


def test_what_is_derived_from_one_is_a_dataclass_of_its_own():
    @dataclass(frozen=True, kw_only=True)
    class Named(LossSpec):
        extra: str = "e"

    assert Named(name="a", target="b:c", extra="f").extra == "f"
    assert Named(name="a", target="b:c").tasks == LossSpec(name="a", target="b:c").tasks
    with pytest.raises(TypeError, match="frozen"):
        dataclass(kw_only=True)(type("Loose", (LossSpec,), {"__annotations__": {"extra": str}, "extra": "e"}))
