"""The page on writing a pipeline, followed with the distribution that it shows, as somebody else's."""

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kzoo.cli import main
from kzoo.plugins.registry import set_plugin_choice

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "kzoo-example-pipeline"
PAGE = (ROOT / "docs" / "writing-a-pipeline.md").read_text(encoding="utf-8")
FILES = [path for path in EXAMPLE.rglob("*.*") if path.suffix in (".py", ".toml")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with photos of drawn textures, as the page's reader has one."""
    folder = tmp_path_factory.mktemp("textures")
    rng = np.random.default_rng(1)
    for name in ("stripes", "dots", "plain"):
        for number in range(8):
            row, column = np.indices((40, 50))
            shape = {"stripes": (row + column) % 8 < 4, "dots": (row % 8 < 4) & (column % 8 < 4), "plain": row < 0}[
                name
            ]
            pixels = (shape[..., None] * 120 + rng.integers(0, 120, (40, 50, 3))).astype(np.uint8)
            path = folder / "surfaces" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    shutil.copytree(folder / "surfaces" / "stripes", folder / "photos")
    shutil.copy(folder / "photos" / "0.png", folder / "photo.png")
    return folder


@pytest.fixture
def installed(monkeypatch, tmp_path, place):
    """Install the distribution as `pip` would have it for `importlib.metadata`, and stand in the folder."""
    info = tmp_path / "kzoo_example_pipeline-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kzoo-example-pipeline\nVersion: 0.1.0\n")
    points = re.search(r"\[project.entry-points.kzoo\]\n(.*)", (EXAMPLE / "pyproject.toml").read_text())[1]
    (info / "entry_points.txt").write_text(f"[kzoo]\n{points.replace(chr(34), '')}\n")
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(place)
    set_plugin_choice(None)
    yield
    set_plugin_choice(None)


def test_the_page_shows_the_files_as_they_are():
    shown = re.findall(r"```(?:python|toml)\n(.*?)```", PAGE, re.DOTALL)
    whole = {path.read_text(encoding="utf-8") for path in FILES if path.name != "__init__.py"}
    assert set(shown) == whole


def test_it_is_as_short_as_the_page_says():
    lines = [line for path in FILES for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) < 120


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*far from what the network learned from")  # photos of noise
def test_the_commands_of_the_page_work(installed, capsys, place):
    said = {}
    for line in re.search(r"```console\n(.*?)```", PAGE, re.DOTALL)[1].splitlines():
        words = shlex.split(line.removeprefix("$ "))
        if words[1] == "run":
            words += ["--quiet", "-o", "report=false"]
        assert main(words[1:]) == 0, line
        said[line] = capsys.readouterr().out
    outputs = list(said.values())
    assert "accuracy" in outputs[0]
    assert "its test split" in outputs[1]
    assert (place / "drawn" / "photo.png").is_file()
    # The reader's own picture: a bar at the bottom says how sure it is.
    bar = np.asarray(Image.open(place / "drawn" / "photo.png").convert("RGB"))[-1, 0].tolist()
    prediction = json.loads(outputs[3])
    assert bar == ([0, 160, 0] if prediction["probability"] > 0.8 else [200, 0, 0])
    assert sum(int(line.split()[-1]) for line in outputs[4].splitlines()[1:]) == 8
    assert "mcc" in outputs[5]
    assert "model.filters = 16" in outputs[6]
    assert "a whole number of at least 1" in outputs[6]


def test_a_setting_out_of_range_is_refused(installed, capsys):
    assert main(["run", "textures", "--filters", "0"]) == 2
    assert "`model.filters` must be a whole number of at least 1, not 0 (from --filters)" in capsys.readouterr().err
