"""A file from a web address: what servers do to it, and where it is never led."""

import io
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kzoo.data import web
from kzoo.data.frames import Failure, Part
from kzoo.data.frames.opening import open_sources, opened
from kzoo.data.frames.pictures import ImageSource
from kzoo.data.frames.web_images import WebImageSource
from kzoo.data.frames.writing import ImageFolder
from kzoo.data.web import fetched
from kzoo.errors import DataError


def png(shade=7):
    stream = io.BytesIO()
    Image.new("RGB", (6, 4), (shade, shade, shade)).save(stream, "PNG")
    return stream.getvalue()


class Answers:
    """A server whose answers are listed by path: a status, headers and a body each."""

    def __init__(self):
        self.asked, self.by_path = [], {}
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answers.asked.append(f"{self.headers['Host']}{self.path}")
                status, headers, body = answers.by_path.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.port = self.server.server_address[1]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def served(monkeypatch):
    """Return a server on all addresses of this machine; example.org is one of them and counts as public."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    real, known = socket.getaddrinfo, web.is_local
    named = {"example.org": "127.0.0.2", "sneaky.example": "127.0.0.1"}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **kw: real(named.get(host, host), *more, **kw))
    monkeypatch.setattr(web, "is_local", lambda address: address != "127.0.0.2" and known(address))
    answers = Answers()
    yield answers
    answers.close()


def test_a_picture_comes_from_a_public_and_from_a_typed_local_address(served):
    served.by_path = {"/a.png": (200, {}, png()), "/old.png": (302, {"Location": "/a.png"}, b"")}
    for host in ("example.org", "127.0.0.1", "localhost"):
        assert fetched(f"http://{host}:{served.port}/a.png") == png()
        assert fetched(f"http://{host}:{served.port}/old.png") == png()  # to the host that was typed


@pytest.mark.parametrize("local", ["127.0.0.1", "localhost", "sneaky.example", "[::ffff:127.0.0.1]", "2130706433"])
@pytest.mark.parametrize("typed", ["example.org", "127.0.0.2"])
def test_no_redirect_leads_to_a_local_address(served, local, typed):
    served.by_path = {
        "/a.png": (301, {"Location": f"http://{local}:{served.port}/secret.png"}, b""),
        "/secret.png": (200, {}, png()),
    }
    with pytest.raises(DataError, match=r"an address of this machine or its own network, and is not followed|reached"):
        fetched(f"http://{typed}:{served.port}/a.png")
    assert [asked for asked in served.asked if "secret" in asked] == []  # nothing was sent there


def test_a_local_address_leads_to_no_other_one(served, monkeypatch):
    served.by_path = {
        "/a.png": (307, {"Location": f"http://127.0.0.3:{served.port}/b.png"}, b""),
        "/b.png": (200, {}, png()),
    }
    with pytest.raises(DataError, match=r"is at 127\.0\.0\.3, an address of this machine"):
        fetched(f"http://127.0.0.1:{served.port}/a.png")
    # A public name that is another address at the second look.
    hosts = iter(["127.0.0.2", "127.0.0.1"])
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *m, **kw: real(next(hosts) if host == "turns.example" else host, *m, **kw)
    )
    served.by_path = {"/a.png": (302, {"Location": "/b.png"}, b""), "/b.png": (200, {}, png())}
    with pytest.raises(DataError, match=r"is at 127\.0\.0\.1, an address of this machine"):
        fetched(f"http://turns.example:{served.port}/a.png")
    assert served.asked.count(f"turns.example:{served.port}/b.png") == 0


def test_behind_a_proxy_the_name_is_looked_up(served, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{served.port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    served.by_path = {
        "http://example.org/a.png": (302, {"Location": "http://sneaky.example/b.png"}, b""),
        "http://example.org/b.png": (302, {"Location": "http://example.org/c.png"}, b""),
        "http://example.org/c.png": (200, {}, png()),
    }
    with pytest.raises(DataError, match=r"sneaky\.example/b\.png`, which is at 127\.0\.0\.1"):
        fetched("http://example.org/a.png")
    assert fetched("http://example.org/b.png") == png()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, {}, b"no"), "answered 404 Not Found"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "leads to `file:///etc/passwd`, which is no web address"),
        ((302, {"Location": "/a.png"}, b""), "leads on more than 5 times"),
        ((200, {"Content-Length": "100000"}, b"x"), r"is 100\.0 kB, and the limit is"),
        ((200, {}, b"x" * 3000), r"is 3\.0 kB, and the limit is 2\.0 kB"),
        ((200, {"Transfer-Encoding": "identity", "Content-Length": ""}, b"x" * 3000), r"sends more than 2\.0 kB"),
        ((200, {"Content-Length": "1500"}, b"x"), "broke off after 1 B|broke off"),
    ],
)
def test_what_a_server_must_not_do(served, monkeypatch, answer, reason):
    monkeypatch.setattr(web, "MOST_BYTES", 2000)
    monkeypatch.setattr(web, "READ_TIMEOUT", 5.0)
    served.by_path = {"/a.png": answer}
    with pytest.raises(DataError, match=reason) as caught:
        fetched(f"http://127.0.0.1:{served.port}/a.png")
    assert str(caught.value).startswith(f"`http://127.0.0.1:{served.port}/a.png` ")


def test_what_trickles_in_ends_and_nobody_there_is_said(served, monkeypatch):
    served.by_path = {"/a.png": (200, {}, png())}
    times = iter([0.0, 61.0])
    monkeypatch.setattr(web.time, "monotonic", lambda: next(times, 61.0))
    with pytest.raises(DataError, match="did not come within 60 seconds"):
        fetched(f"http://127.0.0.1:{served.port}/a.png")
    monkeypatch.undo()
    served.close()
    with pytest.raises(DataError, match=r"cannot be reached: .*refused"):
        fetched(f"http://127.0.0.1:{served.port}/a.png")
    with pytest.raises(DataError, match="cannot be reached"):
        fetched("http://[bad/a.png")


def test_addresses_are_one_source_and_each_says_what_is_wrong(tmp_path):
    pages = {"https://h/a.png": png(), "https://h/b%20c.JPG?w=3": b"<html>"}

    def fetch(url):
        if url not in pages:
            message = f"`{url}` answered 404 Not Found."
            raise DataError(message)
        return pages[url]

    source = WebImageSource([*pages, "https://h/x.png"], fetch=fetch)
    good, page, missing = source
    assert good.pixels.shape == (4, 6, 3)
    assert (good.place, good.columns()) == ("https://h/a.png", {"image": "https://h/a.png"})
    assert page.error.startswith("`https://h/b%20c.JPG?w=3` cannot be read as an image: it is a web page, not an image")
    assert missing.error == "`https://h/x.png` answered 404 Not Found."
    assert len(list(WebImageSource([*pages], Part(max_frames=1), fetch=fetch))) == 1
    assert ImageFolder(tmp_path).write(good, good.pixels) == tmp_path / "a.png"


def test_one_bad_source_does_not_end_the_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((4, 4), np.uint8)).save("a.png")
    (tmp_path / "list.txt").write_text("a.png\nb.png\n")
    sources = opened(["nothing.png", "a.png", "ftp://h/a", "https://h/a.png", "https://h/b.heic", "list.txt"], Part())
    assert [type(source) for source in sources[:2]] == [ImageSource, WebImageSource]
    assert sources[1].urls == ["https://h/a.png", "https://h/b.heic"]
    images = list(sources[0])
    assert [isinstance(item, Failure) for item in images] == [False, False, True]  # one of the list is not there
    failures = [item for source in sources[2:] for item in source]
    assert ["cannot be found" in item.error or "cannot be read" in item.error for item in failures] == [True, True]
    assert [item.place for item in failures] == ["nothing.png", "ftp://h/a"]
    (tmp_path / "notes.txt").write_text("Bring milk.\nCall home.\n")
    with pytest.raises(DataError, match=r"read as a list of images, and none of the 2 that it names is there"):
        open_sources("notes.txt")
    Path("a.png").rename("picture.txt")  # what a file is, its content says
    assert open_sources("picture.txt")[0].paths == [Path("picture.txt")]
    with pytest.raises(DataError, match=r"`nothing\.png` cannot be found"):
        opened(["nothing.png", "*.gif"], Part())
    assert type(open_sources("https://h/a.jpg")[0]) is WebImageSource
