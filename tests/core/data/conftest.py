"""A file server on this machine that can misbehave in the ways servers do."""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kzoo.data import http
from kzoo.data.download import RemoteFile


@dataclass
class FileServer:
    """One file under any path, and how it is served. What each request asked for is kept in ``asked``."""

    content: bytes = random.Random(0).randbytes(1 << 19)
    etag: str | None = '"v1"'
    last_modified: str | None = None
    ranges: bool = True
    if_range: bool = True
    other_range: bool = False
    announce_length: bool = True
    statuses: list[int] = field(default_factory=list)
    drop_after: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def __post_init__(self):
        self.gate.set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def sha256(self):
        return hashlib.sha256(self.content).hexdigest()

    def remote(self, **changes):
        """Return the file as something to fetch."""
        values = {
            "urls": (f"{self.url}/data/set.bin",),
            "sha256": self.sha256,
            "size": len(self.content),
            "filename": "set.bin",
            "subdir": "sets",
        }
        return RemoteFile(**(values | changes))


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        served: FileServer = self.server.served
        asked = self.headers.get("Range")
        served.asked.append(asked)
        served.paths.append(self.path)
        served.arrived.set()
        served.gate.wait(30)
        if served.statuses and (status := served.statuses.pop(0)) != 200:
            self.send_error(status)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and served.ranges else 0
        condition = self.headers.get("If-Range")
        if served.if_range and condition not in (None, served.etag, served.last_modified):
            start = 0
        if served.other_range:
            start = start and 1
        if start >= len(served.content) > 0:
            self.send_error(416)
            return
        body = served.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(served.content) - 1}/{len(served.content)}")
        if served.announce_length:
            self.send_header("Content-Length", str(len(body)))
        for name, value in (("ETag", served.etag), ("Last-Modified", served.last_modified)):
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: served.drop_after.pop(0)] if served.drop_after else body)

    def log_message(self, *args):
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say nothing: clients that hang up are part of the tests."""


@pytest.fixture
def server():
    """Serve a file on 127.0.0.1."""
    served = FileServer()
    with _Server(("127.0.0.1", 0), _Handler) as http:
        http.served = served
        served.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        served.gate.set()
        http.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Retry at once, and ask nobody but the server of the test."""
    monkeypatch.setattr(http, "RETRY_PAUSES", (0.0, 0.0))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("KZOO_MIRROR", raising=False)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return an empty cache."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("KZOO_DATA", str(folder))
    return folder


@pytest.fixture
def tiny_disk(tmp_path):
    """Return a folder on a disk of 1 MB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("a small disk is made with `mount`, which is not here")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def real_data():
    """Return the folder of real data named by KZOO_TEST_DATA."""
    named = os.environ.get("KZOO_TEST_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("needs real data: set KZOO_TEST_DATA to its folder")
    return Path(named)
