"""The plugin as kzoo sees it."""

import subprocess
import sys

from kzoo.plugins.registry import get_registry

DISTRIBUTION, NAME = "kzoo-example-loss", "example"
HEAVY = {"jax", "keras", "numpy", "tensorflow", "torch"}


def test_it_is_published():
    entry = get_registry().get("loss", f"{DISTRIBUTION}:{NAME}")
    assert (entry.distribution, entry.name) == (DISTRIBUTION, NAME)
    assert entry.spec.summary


def test_the_plugin_module_is_light():
    code = "import sys, kzoo_example_loss.plugin; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert HEAVY.isdisjoint(loaded.split())
