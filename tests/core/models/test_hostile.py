"""Files of models that are broken, or made to break whoever opens them: named, refused, and without any effect."""

import subprocess
import sys
import zipfile
from pathlib import Path

import hostile_models
import keras
import numpy as np
import pytest

from kzoo.errors import KzooError
from kzoo.models.card import ModelCard
from kzoo.models.inspection import inspect
from kzoo.models.saved import find_model
from kzoo.models.saving import load_model, save_model
from kzoo.plugins.build import build


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return the bytes of a model with a loss of a plugin, and its weights."""
    path = tmp_path_factory.mktemp("model") / "m.keras"
    layers = [keras.Input((5,), dtype="uint8"), keras.layers.Rescaling(1 / 255), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(layers)
    model.compile("sgd", build("loss", "emd"), metrics=[build("metric", "emd")], jit_compile=False)
    card = ModelCard(pipeline="regression", task="classification", class_names=("a", "b", "c"), input_shape=(5,))
    save_model(model, path, card)
    return path.read_bytes(), model.get_weights()


@pytest.fixture
def opened(good, tmp_path):
    """Return a function that opens the bytes of a model; it returns why they are refused, or an empty text."""
    weights = good[1]
    path = tmp_path / "in" / "m.keras"
    path.parent.mkdir()

    def open_it(content, *, same=True):
        path.write_bytes(content)
        try:
            find_model(str(path))
            model = load_model(path)
        except KzooError as error:
            said = str(error)
        else:
            said = ""
        if said:
            assert str(path) in said
            assert "safe_mode" not in said
            assert "unsafe_deserialization" not in said
        elif same:
            for mine, theirs in zip(model.get_weights(), weights, strict=True):
                np.testing.assert_array_equal(mine, theirs)
        return said

    yield open_it
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["in", "m.keras"]


def tried(cases, open_it, **given):
    """Open all of them, and return how many were refused; one that ends in another error fails with its name."""
    refused = total = 0
    for name, content in cases:
        try:
            refused += bool(open_it(content, **given))
        except Exception as error:
            error.add_note(name)
            raise
        total += 1
    return refused, total


def test_a_bit_that_is_turned_is_found_or_means_nothing(good, opened):
    """In the weights, the texts and the list of members every one is found; a date in a header means nothing."""
    found = {name: opened(content) for name, content in hostile_models.flips(good[0], each=3)}
    kept = [name for name, said in found.items() if not said]
    assert len(kept) < 12
    assert {name.partition(", ")[2].partition(" ")[0] for name in kept} <= {"header", "directory", "end"}
    of_weights = [said for name, said in found.items() if name.endswith(", model.weights.h5")]
    assert len(of_weights) == 3
    assert all("its member model.weights.h5 is damaged: Bad CRC-32" in said for said in of_weights)


def test_what_is_cut_off_is_refused(good, opened):
    refused, total = tried(hostile_models.truncations(good[0], count=3), opened)
    assert refused == total == 15


def test_what_somebody_made_is_refused_and_runs_nothing(good, opened, tmp_path):
    cases = list(hostile_models.crafted(good[0], tmp_path / "trap"))
    assert len(cases) > 55
    assert {name for name, content in cases if not opened(content, same=False)} == set()
    assert not {"evil_package", "antigravity"} & set(sys.modules)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a lambda", "it brings code with it, a Python lambda under `function`"),
        ("a pickle", "it brings code with it, a pickled module of PyTorch"),
        ("an unregistered class", "needs `evil_package>Evil` (used as layers), which no installed plugin provides"),
        ("a file of the system", "it brings code or files of its own with it, and kzoo never runs or reads these"),
        ("a download", "it asks for keras.utils.function of Keras, which is no part of a network"),
        ("config.json is too deep", "its member config.json is damaged: it is nested too deeply"),
        ("kzoo.json is deep", "its member kzoo.json is nested more than 100 levels deep"),
        ("kzoo.json is foreign", "holds a card that kzoo did not write"),
        ("the card of another model", "`input_shape` is 28 x 28 x 1, but the network beside it takes 5"),
        ("a card of a giant input", "`input_shape` asks for 30,000,000,000 numbers; the limit is 33,554,432"),
        ("a member '../evil'", "its member '../evil' has a name that leads out of the archive"),
        ("a card twice", "its member 'kzoo.json' is there twice"),
        ("something behind", "something stands behind the end of the zip archive"),
        ("an HDF5 file", "it is an HDF5 file, as older versions of Keras wrote. Load it there and save it as .keras."),
        ("a pickle file", "it is a pickle, which can run any code and which kzoo never reads"),
    ],
)
def test_the_fault_is_named(name, said, good, opened, tmp_path):
    cases = dict(hostile_models.crafted(good[0], tmp_path / "trap"))
    assert said in opened(cases[name])


@pytest.mark.long
def test_a_bomb_is_refused_by_a_stated_limit(good, opened):
    """The memory that this takes is measured in the long battery, with the same files."""
    faults = {name: (said, opened(content)) for name, content, said in hostile_models.bombs(good[0])}
    assert {name: found for name, (said, found) in faults.items() if said not in found} == {}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_many_of_each_kind(seed, good, opened):
    data = good[0]
    for cases, same in (
        (hostile_models.flips(data, each=30, seed=seed), True),
        (hostile_models.truncations(data, count=30, seed=seed), True),
        (hostile_models.weight_flips(data, count=150, seed=seed), False),
        (hostile_models.text_flips(data, count=150, seed=seed), False),
        (hostile_models.value_changes(data, count=200, seed=seed), False),
    ):
        refused, total = tried(cases, opened, same=same)
        assert 0 < refused <= total


@pytest.mark.long
def test_kzoo_check_survives_them_as_well(good, tmp_path):
    path = tmp_path / "m.keras"
    data = good[0]
    crafted = [
        *hostile_models.crafted(data, tmp_path / "trap"),
        *((name, one) for name, one, _ in hostile_models.bombs(data)),
    ]
    changed = [*hostile_models.text_flips(data, count=100), *hostile_models.value_changes(data, count=100)]
    for name, content in [*crafted, *changed, *hostile_models.truncations(data, count=10)]:
        path.write_bytes(content)
        found = inspect(path)
        assert found.bytes == len(content), name
        assert all(isinstance(fault, str) and fault for fault in found.faults), name


MEASURED = """
import resource, sys, warnings
from pathlib import Path
import hostile_models
from kzoo.errors import KzooError
from kzoo.models.saving import load_model
path = Path(sys.argv[1])
data = path.read_bytes()
load_model(path)  # what TensorFlow takes by itself
files = []
for number, (name, content, _) in enumerate(hostile_models.bombs(data, giant=True)):
    files.append(path.with_name(f"{number}.keras"))
    files[-1].write_bytes(content)
    del content
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for file in files:
    try:
        load_model(file)
        sys.exit(f"{file} was loaded")
    except KzooError:
        pass
print(before // 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.long
def test_bombs_take_no_memory(good, tmp_path):
    path = tmp_path / "m.keras"
    path.write_bytes(good[0])
    here = str(Path(hostile_models.__file__).parent)
    script = f"import sys; sys.path.insert(0, {here!r})\n{MEASURED}"
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr
    before, after = map(int, done.stdout.split())
    assert after < max(1024, before + 256)


def test_a_folder_and_a_missing_file(tmp_path):
    (tmp_path / "m.keras").mkdir()
    with pytest.raises(KzooError, match=r"m\.keras is not read: it is a folder\. Name a run"):
        load_model(find_model(str(tmp_path / "m.keras")).path)
    with pytest.raises(KzooError, match=r"There is no model .*gone\.keras"):
        find_model(str(tmp_path / "gone.keras"))


def test_an_older_format_is_told_by_its_name_too(tmp_path):
    (tmp_path / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(KzooError, match=r"m\.h5 is not read: it is an HDF5 file"):
        find_model(str(tmp_path / "m.h5"))


def test_a_compressed_model_is_read(good, opened):
    members = hostile_models.members_of(good[0])
    assert opened(hostile_models.packed(members, zipfile.ZIP_DEFLATED)) == ""
    assert opened(hostile_models.packed({**members, "assets/notes.txt": b"x"})) == ""
