"""Keras's own arguments: every optimizer takes them, explains them and saves them."""

import inspect

import keras
import pytest

from kzoo.cli.docstrings import arguments_of
from kzoo.plugins.build import parameters_of
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo_plugins.optimizers.base import BaseOptimizer
from kzoo_plugins.optimizers.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD

OF_KERAS = set(inspect.signature(keras.optimizers.SGD).parameters) - {"momentum", "nesterov", "kwargs"}
OWN_AVERAGE = {"use_ema", "ema_momentum", "ema_overwrite_frequency"}
ALL = [
    pytest.param(target, dict(entry.spec.example), id=entry.name)
    for entry in get_registry().entries("optimizer")
    if entry.spec.target.startswith("kzoo_plugins.optimizers.")
    and issubclass(target := load_target(entry), BaseOptimizer)
]


@pytest.mark.parametrize(("cls", "example"), ALL)
def test_it_takes_explains_and_saves_them(cls, example):
    parameters, help_of = parameters_of(cls), arguments_of(cls)
    expected = OF_KERAS - (OWN_AVERAGE if issubclass(cls, (ScheduleFreeSGD, ScheduleFreeAdamW)) else set())
    assert {name for name in parameters if name in OF_KERAS} == expected
    assert [name for name in parameters if not help_of.get(name)] == []
    assert set(cls(**example).get_config()) == set(parameters)


@pytest.mark.parametrize("cls", [ScheduleFreeSGD, ScheduleFreeAdamW])
@pytest.mark.parametrize("argument", sorted(OWN_AVERAGE))
def test_what_averages_itself_takes_no_average_of_kerass(cls, argument):
    with pytest.raises(TypeError, match=argument):
        cls(**{argument: None})


def test_an_argument_is_explained_by_the_nearest_class():
    class Base:
        """A base.

        Args:
            one: Of the base.
            two: Of the base.
        """

    class Derived(Base):
        """A class.

        Args:
            one: Its own.
        """

    assert arguments_of(Derived) == {"one": "Its own.", "two": "Of the base."}
