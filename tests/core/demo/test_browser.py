"""The page in a real browser, before a camera that is a file: it shows what `kzoo predict` says of the same frame."""

import base64
import json
import re
import shutil
import threading
import time

import numpy as np
import pipelines
import pytest
from PIL import Image, ImageDraw, ImageFont

from kzoo.demo.server import address_of, application, bound
from kzoo.demo.showing import Shown
from kzoo.inference.predicting import find_predicting
from kzoo.models.card import ModelCard
from kzoo.models.saved import find_pipeline
from kzoo.models.saving import save_model

pytest.importorskip("gradio", reason="the page is made by the extra `demo`")
api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser: `pip install playwright`")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if BROWSER is None:
    pytest.skip("there is no Chromium on this machine", allow_module_level=True)

pytestmark = pytest.mark.long

WAIT = 60_000  # milliseconds, for what a busy machine does late


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return the file of a network that has seen some digits."""
    pipeline = find_pipeline("mnist")
    data = pipelines.sample(pipeline)
    built = pipelines.built(pipeline, (28, 28, 1), 10, train=data.train, network="classic")
    x, y = data.train.examples(np.arange(512))
    built.model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    built.model.fit(x, y, batch_size=64, epochs=2, verbose=0)
    path = tmp_path_factory.mktemp("trained") / "m.keras"
    card = ModelCard(pipeline="mnist", task="classification", class_names=tuple("0123456789"),
                     input_shape=(28, 28, 1), label_form="sparse", own=built.card)  # fmt: skip
    save_model(built.model, path, card)
    return path


@pytest.fixture(scope="module")
def digit(tmp_path_factory):
    """Return a photo of a seven, and a film of it that Chromium takes for a camera."""
    folder = tmp_path_factory.mktemp("camera")
    image = Image.new("RGB", (640, 480), (236, 233, 226))
    ImageDraw.Draw(image).text((250, 90), "7", font=ImageFont.load_default(260), fill=(30, 30, 60))
    image.save(folder / "seven.jpg", quality=95)
    (folder / "seven.mjpeg").write_bytes((folder / "seven.jpg").read_bytes() * 8)
    return folder / "seven.jpg", folder / "seven.mjpeg"


@pytest.fixture
def served(model, digit):
    """Serve the demo of the network in a thread; return it and its address."""
    import uvicorn

    shown = Shown(find_predicting(str(model)), {}, [digit[0]])
    shown.load()
    listening = bound(port=0)
    server = uvicorn.Server(uvicorn.Config(application(shown), log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield shown, address_of(listening)
    server.should_exit = True
    thread.join(WAIT)
    listening.close()


@pytest.fixture
def opened(served, digit):
    """Open the page; return it, and what it asked: addresses, what the browser kept it from, the camera's frames."""
    _, address = served
    asked = {"addresses": [], "kept": [], "frames": []}

    def answered(response):
        if "component_server" in response.url:
            sent = json.loads(response.request.post_data)
            if sent["fn_name"] == "frame":
                asked["frames"].append((sent["data"], response.json()))

    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER,
            args=[
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={digit[1]}",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        context = browser.new_context(permissions=["camera"])
        context.set_default_timeout(WAIT)
        context.expose_binding("kept", lambda _, what: asked["kept"].append(what))
        context.add_init_script("addEventListener('securitypolicyviolation', (e) => window.kept(e.blockedURI))")
        context.on("request", lambda request: asked["addresses"].append(request.url))
        context.on("response", answered)
        page = context.new_page()
        page.on("pageerror", lambda error: asked["kept"].append(str(error)))
        page.goto(address)
        page.wait_for_selector("[data-ready=true]")
        yield page, asked
        browser.close()


def told(kzoo, *arguments):
    code, out, err = kzoo("predict", *map(str, arguments), "--json")
    assert code == 0, err
    return json.loads(out)


def same(found, expected):
    assert found["class"] == expected["class"]
    assert found["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-6)
    assert found["prepared"] == expected["prepared"]


def test_the_camera_s_frame_is_answered_as_kzoo_predict_answers_it(opened, served, model, kzoo, tmp_path):
    page, asked = opened
    page.click("text=Open the camera")
    page.wait_for_function("() => Number(document.querySelector('[data-at=view]').dataset.frames) >= 8")
    page.click("text=Close the camera")
    page.wait_for_selector("text=Open the camera")
    shown = json.loads(page.get_attribute("[data-at=answer]", "data-answer"))
    sent, answer = asked["frames"][-1]
    assert answer["answer"] == shown
    assert page.inner_text("[data-at=text]") == answer["text"]
    assert page.inner_text(".bars .name.best") == shown["class"]
    (tmp_path / "frame.jpg").write_bytes(base64.b64decode(sent["picture"].partition(",")[2]))
    same(shown, told(kzoo, model, tmp_path / "frame.jpg"))
    assert Image.open(tmp_path / "frame.jpg").size == (640, 480)
    assert page.evaluate("document.querySelector('[data-at=shown]').naturalWidth") == 640
    times, numbers = [one["time"] for one, _ in asked["frames"]], [one["index"] for one, _ in asked["frames"]]
    assert times == sorted(set(times))
    assert numbers == sorted(set(numbers))
    assert re.fullmatch(
        r"[\d.]+ frames a second, each answered \d+ ms after it was seen \(\d+ ms of that by the model\); \d+ older "
        r"ones left out",
        page.inner_text("[data-at=pace]"),
    )
    # The session ends with its page, and what its camera showed is forgotten then.
    assert len(served[0]._cameras) == 1
    page.goto("about:blank")
    until = time.monotonic() + WAIT / 1000
    while len(served[0]._cameras):
        assert time.monotonic() < until
        page.wait_for_timeout(50)
    assert foreign(asked) == []
    assert asked["kept"] == []


def test_a_chosen_picture_and_an_example_are_answered_the_same_way(opened, model, digit, kzoo):
    page, asked = opened
    expected = told(kzoo, model, digit[0])
    page.set_input_files("[data-at=file]", digit[0])
    page.wait_for_selector("[data-answer]")
    same(json.loads(page.get_attribute("[data-at=answer]", "data-answer")), expected)
    page.evaluate("delete document.querySelector('[data-at=answer]').dataset.answer")
    page.click(".examples button")
    page.wait_for_selector("[data-answer]")
    same(json.loads(page.get_attribute("[data-at=answer]", "data-answer")), expected)
    page.set_input_files("[data-at=file]", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"<html>"})
    page.wait_for_selector("[role=alert]:has-text('it is a web page')")
    assert foreign(asked) == []
    assert asked["kept"] == []


def foreign(asked):
    """Return the addresses of other machines that were asked; none but those of this one may have been."""
    assert asked["addresses"]
    return [one for one in asked["addresses"] if not re.match(r"(http://127\.0\.0\.1:\d+/|data:|blob:|about:)", one)]
