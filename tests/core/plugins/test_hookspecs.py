import inspect

import pluggy

from kzoo.plugin import KINDS
from kzoo.plugins import hookspecs


def test_every_hook_is_specified_and_takes_no_argument():
    manager = pluggy.PluginManager("kzoo")
    manager.add_hookspecs(hookspecs)
    known = {name for name in vars(manager.hook) if not name.startswith("_")}
    assert known == set(hookspecs.HOOKS)
    for name in known:
        assert getattr(manager.hook, name).has_spec()
        assert not inspect.signature(getattr(hookspecs, name)).parameters


def test_every_kind_has_exactly_one_hook():
    kinds = [kind for kinds in hookspecs.HOOKS.values() for kind in kinds]
    assert sorted(kinds) == sorted(KINDS)


def test_every_hook_says_what_it_is_for():
    for name in hookspecs.HOOKS:
        assert getattr(hookspecs, name).__doc__.startswith("Return the ")
        assert name in hookspecs.__all__
