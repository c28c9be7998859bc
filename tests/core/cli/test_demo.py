"""``kzoo demo`` as a user types it, up to where it serves."""

import json
import socket
import sys

import pytest

from kzoo.demo import page, server
from kzoo.demo.asked import find_shown
from kzoo.errors import UsageError


@pytest.fixture(autouse=True)
def served(tmp_path, monkeypatch):
    """Return what would be served; nothing is, and gradio is not imported."""
    monkeypatch.chdir(tmp_path)
    found = []

    def serve(shown, listening, cautions, **given):
        found.append((shown, listening.getsockname(), list(cautions), given))
        listening.close()

    monkeypatch.setattr(server, "serve", serve)
    monkeypatch.setattr(page, "gradio", lambda folder=None: None)
    return found


def run_folder(tmp_path, name, *, model, number):
    folder = tmp_path / "runs" / "fingers" / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"schema_version": 1, "number": number}))
    if model:
        (folder / "model.keras").write_bytes(b"")
    return folder


def test_a_pipeline_that_needs_no_model_is_served_on_this_computer(kzoo, served):
    code, out, err = kzoo("demo", "fingers", "--port", "0", "--calibration", "7", "-o", "window=3")
    assert code == 0, err
    [(shown, address, cautions, given)] = served
    assert address[0] == "127.0.0.1"
    assert out == f"http://127.0.0.1:{address[1]}/\n"
    assert (cautions, given) == ([], {"anywhere": False})
    assert shown._still.counter.calibration == 7
    assert shown._still._steady.window == 3
    assert "Ctrl-C ends it" in err


def test_who_serves_others_is_warned(kzoo, served):
    code, _, err = kzoo("demo", "fingers", "--port", "0", "--host", "0.0.0.0")
    assert code == 0
    assert served[0][3] == {"anywhere": True}
    assert "Whoever reaches 0.0.0.0 can use this page" in err


def test_a_port_that_is_taken_is_said(kzoo, served):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = kzoo("demo", "fingers", "--port", str(taken.getsockname()[1]))
    assert (code, served) == (1, [])
    assert "--port 0 for any that is free" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fingers", "hand.jpg"], "takes no `hand.jpg`: pictures are given on the page"),
        (["fingers", "--callibration", "3"], "no option `--callibration`. Did you mean `--calibration`?"),
        (["fingers", "--method", "guess"], "`method` must be network or classical"),
        (["--calibration", "3"], "Name the run, the model or the pipeline before"),
        (["mnist"], "it needs a trained model to predict"),
        (["fingers", "--engine", "onnx"], "is for a trained model"),
        (["nothing"], "There is no run `nothing`"),
    ],
)
def test_what_is_typed_wrong_is_said(kzoo, served, words, said):
    code, _, err = kzoo("demo", *words)
    assert (code, served) == (2, [])
    assert said in err


def test_a_missing_gradio_is_said_with_what_installs_it(kzoo, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "gradio", None)
    code, _, err = kzoo("demo", "fingers")
    assert code == 1
    assert 'pip install "kzoo[demo]"' in err


def test_a_pipeline_means_its_newest_run_that_holds_a_model(tmp_path, monkeypatch):
    monkeypatch.setattr("kzoo.demo.asked.find_predicting", lambda text, root, engine="": asked(text))
    assert find_shown("fingers")[0].text == "fingers"
    run_folder(tmp_path, "one", model=True, number=1)
    newest = run_folder(tmp_path, "two", model=True, number=2)
    found, said = find_shown("fingers")
    assert found.text == str(newest.relative_to(tmp_path))
    assert said == "The newest run of `fingers` that holds a model is fingers/two."
    run_folder(tmp_path, "three", model=False, number=3)
    assert find_shown("fingers")[1] == f"{said} 1 newer one holds none."
    assert find_shown("last") == (asked("last"), "")


class asked:  # noqa: N801 - stands for what is found
    def __init__(self, text):
        if text == "nobody":
            raise UsageError(text)
        self.text, self.pipeline = text, type("P", (), {"name": "fingers"})

    def __eq__(self, other):
        return self.text == other.text

    __hash__ = None
