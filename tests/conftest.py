"""Fixtures for all tests; nothing heavy is imported here."""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from kzoo.plugins.entry_points import GROUP, installed
from kzoo.plugins.registry import set_plugin_choice

# Before any test module imports TensorFlow: the flags that kzoo sets when it starts it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

PLUGINS = Path(__file__).parent / "fixtures" / "plugins"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what `long_but_first` leaves to the long battery, before pytest chooses by marks; begin with the longest."""
    # The third party's way is one test of a minute: at the end, one worker would take it while the others wait.
    items.sort(key=lambda item: item.path.name != "test_third_party.py")
    seen = Counter()
    for item in items:
        marker = item.get_closest_marker("long_but_first")
        if marker:
            test = item.nodeid.partition("[")[0]
            seen[test] += 1
            if seen[test] > (marker.args[0] if marker.args else 1):
                item.add_marker("long")


@pytest.fixture(autouse=True)
def _no_choice_from_outside(monkeypatch):
    """Keep the variables of whoever runs the tests out of them."""
    for name in ("KZOO_PLUGINS", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "_KZOO_COMPLETE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def plugins(monkeypatch):
    """Install fixture distributions for one test: ``plugins("good", "bad_import")`` names folders of fixtures/plugins.

    They are found through `importlib.metadata`, as an installed plugin is.
    """

    def install(*cases):
        for case in reversed(cases):
            folder = PLUGINS / case
            assert folder.is_dir(), case
            monkeypatch.syspath_prepend(str(folder))
        set_plugin_choice(None)
        return [PLUGINS / case for case in cases]

    yield install
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and str(file).startswith(str(PLUGINS)):
            del sys.modules[name]
    set_plugin_choice(None)


@pytest.fixture
def fixture_points(plugins):
    """Return a function that installs fixture distributions and returns their entry points and no others."""

    def install(*cases):
        folders = [str(folder) for folder in plugins(*cases)]
        points = installed()[0]
        assert all(point.group == GROUP for point in points)
        return [point for point in points if str(point.dist.locate_file("")) in folders]

    return install
