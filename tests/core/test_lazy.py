import subprocess
import sys

import pytest

import kzoo

LIGHT = [
    "kzoo",
    "kzoo.plugin",
    "kzoo.plugins.hookspecs",
    "kzoo.plugins.discovery",
    "kzoo.plugins.registry",
    "kzoo.plugins.reference",
    "kzoo.errors",
    "kzoo.plugins.targets",
    "kzoo.runs.config",
    "kzoo.pipeline",
    "kzoo.cli",
    "kzoo.cli.app",
    "kzoo.cli.listing",
    "kzoo.cli.info",
]


def test_light_modules_are_light():
    script = f"""
import importlib, sys
for name in {LIGHT!r}:
    importlib.import_module(name)
    heavy = [heavy for heavy in ("tensorflow", "keras", "numpy", "rich") if heavy in sys.modules]
    assert not heavy, (name, heavy)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_public_names():
    hidden = {"open"}  # `from kzoo import *` must not hide Python's own
    assert set(kzoo.__all__) | hidden == set(dir(kzoo))
    assert set(kzoo._HOMES) | {"__version__"} == set(dir(kzoo))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = kzoo.nothing


def test_a_name_is_resolved_once():
    vars(kzoo).pop("KzooError", None)
    first = kzoo.KzooError
    assert vars(kzoo)["KzooError"] is first
