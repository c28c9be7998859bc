"""Fixtures for the toolkit's tests."""

import sys
from pathlib import Path

import pytest

from kzoo.plugins.registry import set_plugin_choice

FOREIGN = Path(__file__).parents[1] / "fixtures" / "foreign"


@pytest.fixture(scope="module")
def played():
    """Return the training whose steps are played, for all tests of one file."""
    from played import Played

    from kzoo.engine import runtime

    runtime.start()
    with pytest.MonkeyPatch.context() as patch:
        yield Played(patch)


@pytest.fixture
def foreign(monkeypatch):
    """Install the distribution kzoo-foreign 1.4 for one test; calling the fixture's value uninstalls it again."""
    import keras

    monkeypatch.syspath_prepend(str(FOREIGN))
    set_plugin_choice(None)

    def uninstall():
        if str(FOREIGN) in sys.path:
            sys.path.remove(str(FOREIGN))
        for name in [name for name in sys.modules if name.split(".")[0] == "kzoo_foreign"]:
            del sys.modules[name]
        objects = keras.saving.get_custom_objects()
        for name in [name for name in objects if name.startswith("kzoo_foreign>")]:
            del objects[name]
        set_plugin_choice(None)

    yield uninstall
    uninstall()
