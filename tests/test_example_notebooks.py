"""The example notebooks run from their first cell to their last, on samples and without a network.

Their cells are run in this process, one after the other, as a kernel would: nbclient would bring a dozen packages and
start TensorFlow anew for each notebook, and would show nothing more than whether a cell raises.
"""

import ast
import json
import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells(path, kind):
    document = json.loads(path.read_text("utf-8"))
    return ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == kind]


def run_cell(source, names):
    """Run a cell; return what a notebook would show below it: the value of its last line, or what a command writes."""
    if source.startswith("!"):
        done = subprocess.run(source[1:], shell=True, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if last else None


@pytest.fixture
def run_notebook(tmp_path, monkeypatch):
    """Return a function that runs a notebook in an empty folder, and returns what its cells show."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def refuse(*_):
        pytest.fail("a notebook wants the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    def run(name):
        names = {"__name__": "__main__"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Keras and NumPy, as a notebook would show them
            return [run_cell(source, names) for source in cells(FOLDER / f"{name}.ipynb", "code")]

    yield run
    os.environ.pop("PYTHONPATH", None)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_holds_no_output(path):
    document = json.loads(path.read_text("utf-8"))
    assert (document["nbformat"], path.stat().st_size < 10_000) == (4, True)
    code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert cells(path, "markdown")[0].startswith("# ")


@pytest.mark.long
def test_a_first_loss(run_notebook):
    losses, referred, distances, result, numbers, predicted, correlation = run_notebook("first_loss")
    assert "categorical_crossentropy" in losses.names
    assert [name for name, _ in referred] == ["emd"]
    assert distances[1] == pytest.approx(2 * distances[0])
    assert result._repr_html_().count("data:image/png") == 1
    assert numbers == (result.results, result.history[-1])
    assert result.results["accuracy"] > 0.7
    assert predicted[0] == "0"
    assert -1 <= correlation <= 1


@pytest.mark.long
def test_own_photos(run_notebook):
    folders, result, per_class, predicted = run_notebook("own_photos")
    assert folders == [str(Path("photos/box")), str(Path("photos/disc"))]
    assert result.run.manifest().data.class_names == ["box", "disc"]
    assert set(per_class) == {"box", "disc"}
    assert result.results["accuracy"] > 0.8
    assert predicted[0] == "disc"


@pytest.mark.long
def test_publishing_a_component(run_notebook):
    made, source, _, _, listed, checked = run_notebook("publishing_a_component")
    assert "the loss `my`" in made
    assert source is None
    assert listed.splitlines()[1].startswith("my ")
    assert "0 failed" in checked
