"""The real application, reached without a browser: what its page is made of, what it answers, what is kept out."""

import base64
import io
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
from PIL import Image

from kzoo.demo.server import application
from kzoo.demo.showing import Shown
from kzoo.inference.predicting import find_predicting

pytest.importorskip("gradio", reason="the page is made by the extra `demo`")
from starlette.testclient import TestClient

pytestmark = pytest.mark.long

HERE = "http://127.0.0.1:7860"

WATCHED = """
import sys
from kzoo.cli import main

def watch(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        host = args[1][0] if isinstance(args[1], tuple) else args[0] if event == "socket.getaddrinfo" else "127.0.0.1"
        if host not in ("127.0.0.1", "::1", "localhost", None):
            print("ASKED", event, host, file=sys.stderr, flush=True)

sys.addaudithook(watch)
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def page():
    shown = Shown(find_predicting("fingers"), {"method": "classical", "calibration": 2, "window": 1})
    shown.load()
    with TestClient(application(shown, ["Only a test."]), base_url=HERE) as client:
        client.shown = shown
        yield client


def component(page):
    [found] = [one for one in page.get("/config").json()["components"] if one["type"] == "html"]
    return found


def call(page, name, sent, session="s"):
    body = {"data": sent, "component_id": component(page)["id"], "fn_name": name, "session_hash": session}
    return page.post("/gradio_api/component_server/", json=body)


def frame(index, session="s"):
    file = io.BytesIO()
    Image.fromarray(np.full((60, 80, 3), 90, np.uint8)).save(file, "JPEG")
    picture = "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
    return {"session": session, "picture": picture, "opened": 1, "index": index, "time": index / 10}


def test_the_page_is_told_what_it_shows(page):
    props = component(page)["props"]["props"]
    assert (props["pipeline"], props["model"], props["cautions"]) == (
        "fingers", "without a trained model", ["Only a test."])  # fmt: skip
    assert (props["fields"], props["examples"]) == ([], [])


def test_the_page_names_no_other_machine(page):
    config = page.get("/config").json()
    assert config["analytics_enabled"] is False
    assert config["stylesheets"] == []
    assert config["footer_links"] == []
    served = page.get("/")
    assert "connect-src 'self'" in served.headers["content-security-policy"]
    loaded = re.findall(r"<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=\"([^\"]+)\"", served.text)
    assert loaded
    assert [one for one in loaded if re.match(r"(https?:)?//", one)] == []
    for one in loaded:
        assert page.get(one if one.startswith("/") else f"/{one.removeprefix('./')}").status_code == 200, one
    assert re.findall(r"url\(['\"]?(?:https?:)?//", page.get("/theme.css").text) == []


def test_frames_are_answered_through_gradio(page):
    found = [call(page, "frame", frame(index)).json() for index in range(3)]
    assert [one["answer"]["state"] for one in found] == ["calibrating", "calibrating", "no hand"]
    assert found[0]["picture"].startswith("data:image/jpeg;base64,")
    assert call(page, "closed", {"session": "s"}).json() == {"notes": []}
    page.shown.leave("s")


def test_the_page_s_own_functions_alone_can_be_called(page):
    for name in ("leave", "close", "load", "__init__"):
        assert call(page, name, "s").status_code == 404
    assert page.get("/gradio_api/file=pyproject.toml").status_code == 403
    assert page.post("/gradio_api/upload", files={"files": b"x"}).status_code == 403
    assert page.get("/config", headers={"host": "kzoo.example"}).status_code == 403
    refused = page.post("/gradio_api/component_server/", content="{}", headers={"origin": "http://other.example"})
    assert refused.status_code == 403


def test_nothing_of_the_command_asks_other_machines_and_nothing_stays(tmp_path):
    place = tmp_path / "tmp"
    place.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHED, "demo", "fingers", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(place), "GRADIO_SHARE": "True", "GRADIO_ANALYTICS_ENABLED": "True",
             "GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_MCP_SERVER": "True"},
    )  # fmt: skip
    try:
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address), process.stderr.read()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{address}config", timeout=60) as answer:
            assert json.load(answer)["title"] == "kzoo demo: fingers"
        assert list(place.glob("kzoo-demo-*"))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "ASKED" not in err
    assert list(place.glob("kzoo-demo-*")) == []
