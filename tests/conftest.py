"""Fixtures for all tests; nothing heavy is imported here."""

import os
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from kzoo.cli import main
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
def kzoo(capsys):
    """Return a function that calls the command line and returns exit code, stdout and stderr."""

    def call(*arguments):
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


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


@pytest.fixture
def file_server(monkeypatch):
    """Return a function that serves bytes under any path on this machine and returns the address."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "KZOO_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    servers = []

    def serve(content):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append((server, threading.Thread(target=server.serve_forever)))
        servers[-1][1].start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()
