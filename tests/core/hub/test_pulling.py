"""`kzoo pull` and addresses in place of a model: what is fetched, held against its hash, kept and refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from local_hub import Repository

import kzoo as package
from kzoo.cli import completion, offers
from kzoo.errors import DataError, KzooError, NetworkUnreachableError, UsageError
from kzoo.hub.address import Address
from kzoo.hub.pulling import LARGEST, MODELS, kept, pull, pulled
from kzoo.hub.record import recorded
from kzoo.models.saved import find_model


@pytest.fixture
def there(hub, trained):
    """A model of somebody on the hub; returns its repository."""
    repository = hub.repositories["anna/digits"] = Repository()
    repository.commit({"model.keras": trained.read_bytes(), "README.md": b"# digits\n", "other.bin": b"x"})
    return repository


def test_a_model_in_a_folder_of_ones_own(hub, there, trained, kzoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = kzoo("pull", "hf://anna/digits", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["address"] == f"hf://anna/digits@{there.branches['main']}"
    assert (told["needs"][0]["distribution"], told["faults"]) == ("kzoo", [])
    assert (tmp_path / "digits" / "model.keras").read_bytes() == trained.read_bytes()
    assert sorted(path.name for path in (tmp_path / "digits").iterdir()) == ["README.md", "hub.json", "model.keras"]
    assert recorded(tmp_path / "digits").requested == ""
    assert [path for path in hub.paths("GET") if path.startswith("/cdn/model.keras")], "the way of large files"
    assert not [path for path in hub.paths() if "telemetry" in path or "agent" in path]
    assert not [head for _, path, head in hub.requests if path.startswith("/cdn/") and "authorization" in head]
    code, _, err = kzoo("pull", "hf://anna/digits")
    assert code == 2
    assert "nothing is written over" in err


@pytest.mark.parametrize("empty", [True, False])
def test_two_pulls_into_one_folder(empty, hub, there, kzoo, tmp_path, monkeypatch):
    folder = tmp_path / "new"
    if empty:
        folder.mkdir()

    def meanwhile(*_):  # the other pull is done while the files of this one come
        folder.mkdir(exist_ok=True)
        (folder / "model.keras").write_bytes(b"theirs")

    monkeypatch.setattr("kzoo.hub.pulling.ensure_room", meanwhile)
    code, _, err = kzoo("pull", "hf://anna/digits", "-o", str(folder))
    assert code == 2
    assert "is there already, and nothing is written over" in err
    assert [path.read_bytes() for path in folder.iterdir()] == [b"theirs"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".kzoo")]


def test_a_branch_moves_and_a_commit_stays(hub, there, trained):
    first = there.branches["main"]
    found = find_model("hf://anna/digits")
    assert found.path.read_bytes() == trained.read_bytes()
    assert found.origin() == f"hf://anna/digits@{first}"
    assert package.open("hf://anna/digits").path == found.path
    there.commit({"README.md": b"# changed\n"})
    assert pulled("hf://anna/digits").record.revision == there.branches["main"] != first
    hub.requests.clear()
    assert find_model(f"hf://anna/digits@{first}").path == found.path
    assert hub.requests == [], "what is kept under its commit asks nobody"
    assert {str(one) for one in kept()} == {f"hf://anna/digits@{commit}" for commit in (first, there.branches["main"])}


def test_what_was_fetched_is_offered_by_the_shell(hub, there):
    commit = pulled("hf://anna/digits").record.revision
    hub.requests.clear()
    assert completion.complete_address("hf://an") == [(f"hf://anna/digits@{commit}", "fetched before")]
    assert completion.complete_address("hf://bob") == []
    assert offers.of_predict({"model": "hf://anna/digits"}).settings == {}
    assert "threshold" not in offers.of_predict({"model": f"hf://anna/digits@{commit}"}).settings
    assert hub.requests == [], "a Tab asks nobody"


def test_a_changed_file_in_the_cache_is_not_used(hub, there):
    found = pulled("hf://anna/digits")
    found.model.write_bytes(b"other")
    with pytest.raises(DataError, match="was changed on this machine"):
        pulled("hf://anna/digits")


@pytest.mark.parametrize(("name", "said"), [("model.keras", "its SHA-256 is"), ("README.md", "its hash in git is")])
def test_what_was_changed_on_the_way_is_refused(name, said, hub, there, tmp_path):
    content = there.commits[there.branches["main"]][name]
    hub.swapped[name] = bytes([content[0] ^ 1]) + content[1:]
    with pytest.raises(DataError, match=rf"{name} from hf://anna/digits is not what it should be: {said}"):
        pull("hf://anna/digits", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".kzoo")]


def test_a_download_that_breaks_off_leaves_nothing(hub, there, tmp_path):
    hub.breaking.add("model.keras")
    with pytest.raises(DataError, match=r"download of model\.keras from hf://anna/digits broke off"):
        pull("hf://anna/digits", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    hub.breaking.clear()
    assert pull("hf://anna/digits", tmp_path / "new").model.exists()


def test_no_network(hub, there, monkeypatch):
    commit = pulled("hf://anna/digits").record.revision
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(NetworkUnreachableError, match=r"127\.0\.0\.1:1 cannot be reached"):
        pulled("hf://anna/digits")
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    hub.refusing = (503, "", "")
    assert pulled(f"hf://anna/digits@{commit}").model.exists()


@pytest.mark.parametrize(
    ("prepare", "address", "said"),
    [
        (lambda hub: None, "hf://anna/nothing", "There is no anna/nothing on"),
        (lambda hub: None, "hf://anna/digits@v9", "has no revision `v9`"),
        (lambda hub: setattr(hub.repositories["anna/digits"], "gated", True), "hf://anna/digits", "is gated"),
        (lambda hub: setattr(hub, "refusing", (429, "", "slow down")), "hf://anna/digits", "429 .slow down"),
        (lambda hub: hub.repositories["anna/digits"].commit({"README.md": b" " * (2**20 + 1)}),
         "hf://anna/digits", "README.md .* is the limit"),
        (lambda hub: hub.repositories.update({"anna/digits": Repository(commits={"a" * 40: {"pytorch.bin": b""}},
         branches={"main": "a" * 40})}), "hf://anna/digits", "holds no model.keras .* but pytorch.bin"),
    ],
)  # fmt: skip
def test_one_paragraph_for_each_refusal(prepare, address, said, hub, there):
    prepare(hub)
    with pytest.raises(KzooError, match=said) as caught:
        pulled(address)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["hf://", "hf://anna", "hf://anna/digits/x", "hf://../x", "hf://a/..", "hf://anna/di gits", "hf://a/b@", "hf://a/b@-x",
     "hf://a/b@x/../y", "hf://a--b/c", "hf:///etc/passwd"],
)  # fmt: skip
def test_what_is_no_address(text):
    with pytest.raises(UsageError, match="is no address of a model"):
        Address.parse(text)


def test_the_limits_are_those_of_the_document():
    text = " ".join((Path(__file__).parents[3] / "SECURITY.md").read_text("utf-8").split())
    assert "`run.json` may have 64 MB, `config.toml` and `README.md` 1 MB each" in text
    assert {name: size / 2**20 for name, size in LARGEST.items()} == {"run.json": 64, "config.toml": 1, "README.md": 1}
    assert all(f"`{name}`" in text for name in MODELS)


def test_a_missing_plugin_is_named_with_the_command(hub, there, trained, kzoo, tmp_path, monkeypatch, foreign):
    import keras

    from kzoo.models.card import ModelCard
    from kzoo.models.saving import save_model
    from kzoo.plugins.build import build

    monkeypatch.chdir(tmp_path)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "softmax")])
    model.compile("sgd", build("loss", "foreign:weight=2"), jit_compile=False)
    save_model(model, tmp_path / "m.keras", ModelCard(pipeline="mnist", task="classification", input_shape=(3,)))
    there.commit({"model.keras": (tmp_path / "m.keras").read_bytes()})
    foreign()
    code, _, err = kzoo("pull", "hf://anna/digits")
    assert code == 0
    assert "`kzoo install kzoo-foreign==1.4`" in err


def test_an_export_is_not_written_into_the_cache(hub, there, kzoo):
    code, _, err = kzoo("export", "hf://anna/digits")
    assert code == 2
    assert "--output" in err


@pytest.mark.long
def test_a_strangers_model_predicts_and_is_measured(hub, run, kzoo, tmp_path, monkeypatch):
    import numpy as np
    from PIL import Image

    assert kzoo("push", "last", "hf://anna/digits", "--yes")[0] == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    photo = elsewhere / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)).save(photo)
    code, out, err = kzoo("predict", "hf://anna/digits", str(photo), "--json")
    assert code == 0, err
    commit = hub.repositories["anna/digits"].branches["main"]
    assert f"hf://anna/digits@{commit}" in err
    assert out == kzoo("predict", str(run.path), str(photo), "--json")[1]
    code, _, err = kzoo("evaluate", "hf://anna/digits")
    assert code == 1
    assert "did not come with it" in err
    code, out, err = kzoo("evaluate", f"hf://anna/digits@{commit}", "--data", "sample", "--json")
    assert code == 0, err
    assert json.loads(out)["size"] > 100


@pytest.mark.long
def test_a_process_of_its_own_reports_nothing(hub, there, tmp_path):
    kept = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name and name != "DO_NOT_TRACK"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "kzoo", "pull", "hf://anna/digits"],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={**kept, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1", "AGENT": "of-a-test"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [path for path in hub.paths() if "/anna/digits" not in path and not path.startswith("/cdn/")] == []
    assert {head["user-agent"].split("/")[0] for _, path, head in hub.requests if "/anna/" in path} == {"kzoo"}
    assert not [head for *_, head in hub.requests if "of-a-test" in head["user-agent"]]
