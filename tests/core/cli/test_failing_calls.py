"""Every call of the system that a command makes fails once: it says so in one paragraph, and nothing is torn or lost.

So SQLite tests itself. The steps of the training are played, for those are TensorFlow's; all that is read and written
is real. Trainings themselves are in tests/core/training/test_failing_runs.py.
"""

import dataclasses
import hashlib
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from failing import Command, swept
from faulty_calls import chosen
from PIL import Image
from played import TRAIN

from kzoo import streams
from kzoo.cli import main
from kzoo.data import http, images
from kzoo.data.download import RemoteFile
from kzoo.errors import KzooError
from kzoo.models import saved
from kzoo.runs.folder import list_runs

SHARE = 4


@pytest.fixture(scope="module")
def began(played, tmp_path_factory):
    """Return a folder with a run that is done, pictures, and a CSV file from before."""
    folder = tmp_path_factory.mktemp("done")
    os.chdir(folder)
    assert main([*TRAIN, "-o", "report=false"]) == 0
    noise = np.random.default_rng(0).integers(0, 256, (2, 28, 28), "uint8")
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "out.csv").write_text("what was there\nbefore\n")
    return folder


@pytest.fixture
def commands(began, file_server, monkeypatch, tmp_path):
    done = began
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "work" / "cache"))
    monkeypatch.setattr(images, "MEMORY_LIMIT", 0)
    content = bytes(range(256)) * 1000
    address = f"{file_server(content)}/set.bin"
    pipeline = saved.find_pipeline("mnist")
    unwrapped = pipeline._inner
    remote = RemoteFile((address,), hashlib.sha256(content).hexdigest(), len(content), "set.bin", "sets")
    source = dataclasses.replace(unwrapped.source(), real=remote)

    def fetch():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(unwrapped), "source", lambda self, card=None: source)
            patch.setattr(http, "RETRY_PAUSES", (0.0, 0.0))
            return main(["fetch", "mnist"])

    def store():
        for name in ("cat", "dog"):
            shutil.copytree(done, f"photos/{name}", ignore=shutil.ignore_patterns("runs", "*.csv"), dirs_exist_ok=True)
        try:
            data = images.read_image_folder(Path.cwd() / "photos", size=(8, 6))
            data.train.read(np.arange(2))
        except KzooError as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
        return 0

    def command(*words, start=None):
        return Command(lambda: main(list(words)), start)

    return {
        "predict": command("predict", "last", "0.png", "1.png", "--csv", "out.csv", "--save", "shown", start=done),
        "evaluate": command("evaluate", "last", "--save", "pictures", start=done),
        "report": command("report", "last", start=done),
        "fetch": Command(fetch),
        "image store": Command(store),
        "new-plugin": command("new-plugin", "kzoo-mine", "--kind", "loss"),
    }


NAMES = ("image store", "fetch", "new-plugin", "predict", "evaluate", "report")


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_every_call_fails_once(name, commands, played, tmp_path, capsys):
    wrong, faults = swept(commands[name], tmp_path / "work", capsys, lambda seen: chosen(seen, SHARE))
    assert wrong == []
    assert faults["hit"] > 3


@pytest.mark.long
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux")  # noqa: PTH110
def test_a_run_and_predictions_with_a_full_stderr(played, monkeypatch, tmp_path, capsys):
    """Nobody can be told anything, and nothing else is lost: results, files, exit codes."""
    monkeypatch.chdir(tmp_path)
    Image.new("L", (28, 28)).save("good.png")
    Path("bad.png").write_bytes(b"none")
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stderr", full)
        codes = [
            main(TRAIN),
            main(["predict", "last", "good.png", "bad.png", "--csv", "out.csv"]),
            main(["--debug", "predict", "last", "nothing.png"]),
        ]
        streams.silence(full)
    assert codes == [0, 1, 1]
    out = capsys.readouterr().out
    assert "accuracy" in out
    assert "good.png" in out
    assert Path("out.csv").read_text("utf-8").count("\n") == 2
    (run,) = list_runs(Path("runs"))
    assert run.manifest().completed == ["trained", "saved", "evaluated", "reported"]
