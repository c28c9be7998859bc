"""Images that were changed at random, through ``kzoo predict``: each is named, and the good ones beside them go on."""

import json
import warnings

import numpy as np
import pytest
from mutated_files import IMAGES
from mutations import KINDS, mutated
from PIL import Image
from played import TRAIN, Played

from kzoo.cli import main
from kzoo.engine import runtime
from kzoo.engine.forward import Forward

GOOD = [f"good {name}" for name in IMAGES]


@pytest.fixture
def trained(tmp_path, monkeypatch, capsys):
    """Make a network of digits, whose training is played, in the working folder."""
    monkeypatch.chdir(tmp_path)
    runtime.start()
    with pytest.MonkeyPatch.context() as patch:
        Played(patch)
        assert main([*TRAIN, "--quiet", "-o", "report=false"]) == 0
    capsys.readouterr()
    for name, content in IMAGES.items():
        (tmp_path / f"good {name}").write_bytes(content)
    return tmp_path


def predicted(capsys, *files):
    """Return the exit code, a row for each file by its name, and what was said."""
    code = main(["predict", "last", "--json", *map(str, files)])
    out, said = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    return code, {row.pop("image", None) or row["video"]: row for row in rows}, said


def test_a_handful(trained, monkeypatch, capsys):
    monkeypatch.setattr(Forward, "__call__", lambda forward, x: np.eye(10)[[int(one.sum()) % 10 for one in x]])
    judge(trained, capsys, names=["a.png", "b.jpg"], count=len(KINDS), seed="quick")


@pytest.mark.long
def test_hundreds(trained, capsys):
    judge(trained, capsys, names=IMAGES, count=4 * len(KINDS), seed="long")


def judge(folder, capsys, *, names, count, seed):
    code, alone, said = predicted(capsys, *GOOD)
    assert (code, list(alone), "error" in said) == (0, GOOD, False)
    changed = []
    for name in names:
        for number, (_, content) in enumerate(mutated(IMAGES[name], count, seed=seed)):
            changed.append(folder / f"{number} {name}")
            changed[-1].write_bytes(content)
    places = np.linspace(0, len(changed), len(GOOD)).astype(int).tolist()
    files = [*map(str, changed)]
    for name, place in reversed(list(zip(GOOD, places, strict=True))):
        files.insert(place, name)
    code, rows, said = predicted(capsys, *files)
    assert list(rows) == files, (code, len(rows), len(files), said[-3000:])
    assert "unexpected" not in said
    assert "Traceback" not in said
    assert {name: rows[name] for name in GOOD} == alone
    refused = [name for name, row in rows.items() if "error" in row]
    assert code == 1
    assert f"{len(refused)} of {len(files)} images could not be read." in said
    for name in refused:
        assert rows[name]["error"].startswith(name)
        assert sum(line.startswith(f"error: {name} ") for line in said.splitlines()) == 1
    for name in set(files) - set(refused):
        with warnings.catch_warnings(action="ignore"), Image.open(name) as image:
            image.load()
