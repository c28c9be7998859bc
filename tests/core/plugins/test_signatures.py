"""Arguments that are read from source, beside those that Python's own `inspect` finds in the imported class."""

import pytest

from kzoo.plugins.build import parameters_of
from kzoo.plugins.registry import get_registry
from kzoo.plugins.signatures import arguments_of
from kzoo.plugins.targets import load_target

KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer")
FEW = {"loss": ("emd", "mean_squared_error"), "optimizer": ("lars",), "regularizer": ("orthogonal_regularizer",)}


def wrong(entries):
    found = {}
    for entry in entries:
        read = [one.name for one in arguments_of(entry.spec.target)]
        if read != list(parameters_of(load_target(entry))):
            found[entry.qualified] = read
    return found


def test_a_few_of_every_sort():
    assert wrong(get_registry().get(kind, name) for kind, names in FEW.items() for name in names) == {}


@pytest.mark.long
def test_those_of_every_component():
    entries = [entry for kind in KINDS for entry in get_registry().entries(kind)]
    assert len(entries) > 200
    assert wrong(entries) == {}


def test_defaults_are_as_they_are_written():
    assert {one.name: one.default for one in arguments_of("kzoo_plugins.losses.emd:EMD")}["p"] == "2"


@pytest.mark.parametrize("target", ["no_such_module:Thing", "kzoo.plugin:Nothing", "sys:exit", "kzoo.plugin:A.b"])
def test_what_is_not_found_has_none(target):
    assert arguments_of(target) == []


def test_nothing_is_imported(plugins):
    import sys

    plugins("good")
    assert [one.name for one in arguments_of("kzoo_good.parts:GoodLoss")] == ["slope", "steps", "name"]
    assert "kzoo_good.parts" not in sys.modules
