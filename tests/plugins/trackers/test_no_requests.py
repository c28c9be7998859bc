"""Processes that track runs ask no other machine for anything: a proxy that every client would go through counts."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytestmark = pytest.mark.long

SCRIPT = """
import sys
from kzoo.plugins.build import build
from kzoo.testing.tracked import in_a_folder, track
import requests
with in_a_folder() as (run,):
    if sys.argv[1] == "nobody":
        requests.get("http://example.invalid/")
    else:
        track(build("tracker", sys.argv[1]), run)
"""
_OF_TESTS = ("PYTEST", "CI", "GITHUB", "MLFLOW", "WANDB", "DO_NOT_TRACK", "RUNBOT", "JENKINS", "BUILDKITE")


@pytest.fixture
def proxy():
    """Return the address of a proxy and the list of what it was asked for."""
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        def answer(self):
            asked.append(self.requestline)
            self.send_error(502)

        do_GET = do_POST = do_PUT = do_HEAD = do_CONNECT = answer  # noqa: N815 - the names that the server calls

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def tracked(address, name):
    """Track a run in a process that does not know that it is tested."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OF_TESTS)}
    environment |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), address)
    environment |= {"NO_PROXY": "", "no_proxy": ""}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_nothing_is_asked_for(name, proxy):
    pytest.importorskip(name, reason="the tracker needs the extra of that name")
    address, asked = proxy
    tracked(address, name)
    assert asked == []


def test_what_is_asked_for_is_counted(proxy):
    address, asked = proxy
    tracked(address, "nobody")
    assert asked == ["GET http://example.invalid/ HTTP/1.1"]
