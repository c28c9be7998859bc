"""`kzoo push`: what goes out, and what does not."""

import hashlib
import json
import tomllib

import pytest
import yaml
from local_hub import TOKEN, Repository

from kzoo.cli import push
from kzoo.hub import client
from kzoo.hub.record import recorded
from kzoo.runs.config import RunConfig


def put(hub):
    [repository] = hub.repositories.values()
    return repository.commits[repository.branches["main"]]


def test_a_run_goes_out_as_it_is_listed(hub, run, kzoo):
    code, out, err = kzoo("push", "last", "hf://anna/digits", "--license", "mit", "--yes")
    assert code == 0, err
    files = put(hub)
    listed = {line.split()[0]: line.split()[1:] for line in out.splitlines()[1:-2]}
    assert listed == {name: [f"{len(files[name]):,}", "new"] for name in files if name != ".gitattributes"}
    assert set(listed) == {"README.md", "model.keras", "run.json", "config.toml"}
    assert files["model.keras"] == run.model_path.read_bytes()
    assert hub.uploads == [hashlib.sha256(files["model.keras"]).hexdigest()], "the model goes the way of large files"
    commit = hub.repositories["anna/digits"].branches["main"]
    assert out.splitlines()[-2:] == [f"address  hf://anna/digits@{commit}", f"page     {hub.address}/anna/digits"]
    assert "public: everybody can read it" in err
    assert str(recorded(run.path).address) == f"hf://anna/digits@{commit}"


def test_nothing_of_the_machine_goes_out(hub, run, personal, kzoo):
    assert kzoo("push", "last", "hf://anna/digits", "--yes")[0] == 0
    sent = b"\n".join(content for name, content in put(hub).items() if name != "model.keras").decode()
    assert [text for text in personal if text in sent] == []
    record = json.loads(put(hub)["run.json"])
    assert record["data"]["description"] == "60 train, 40 test images of 10 classes, 28x28x1"
    assert record["data"]["location"] == ""
    assert record["results"] == {"test": {"loss": 0.25, "accuracy": 0.975}}
    assert not {"argv", "host", "cpu", "resumed", "number"} & set(record)


def test_the_settings_can_be_read_and_name_no_data(hub, run, kzoo):
    assert kzoo("push", "last", "hf://anna/digits", "--yes")[0] == 0
    settings = tomllib.loads(put(hub)["config.toml"].decode())
    config = RunConfig.merge([("test", settings)])
    assert config.data.source == "NAME-YOUR-DATA"
    assert (config.train.epochs, config.loss) == (2, run.config().loss)


def test_its_page_is_what_the_hub_reads(hub, run, kzoo):
    from huggingface_hub import ModelCard

    assert kzoo("push", "last", "hf://anna/digits", "--license", "mit", "--yes")[0] == 0
    text = put(hub)["README.md"].decode()
    card = ModelCard(text).data
    assert (card.license, card.pipeline_tag, card.library_name) == ("mit", "image-classification", "kzoo")
    assert {one.metric_type: one.metric_value for one in card.eval_results} == {"loss": 0.25, "accuracy": 0.975}
    assert "kzoo predict hf://anna/digits photo.jpg" in text
    assert f"SHA-256 of `model.keras`: `{hashlib.sha256(run.model_path.read_bytes()).hexdigest()}`" in text
    assert "| `accuracy` | 0.975 |" in text
    assert "On 40 test examples of this data: 60 train, 40 test images of 10 classes, 28x28x1." in text
    assert f"| loss | `{run.config().loss}` |" in text
    assert "`kzoo run -c config.toml --data PATH`" in text


def test_a_second_push_says_what_it_replaces(hub, run, kzoo):
    assert kzoo("push", "last", "hf://anna/digits", "--yes")[0] == 0
    code, out, err = kzoo("push", "last", "hf://anna/digits", "--yes", "--message", "again")
    assert code == 0, err
    assert "model.keras" in out
    assert {line.split()[-1] for line in out.splitlines()[1:-2]} == {"replaced"}
    assert len(hub.uploads) == 1, "what is there is not sent again"


def test_files_of_an_earlier_model_go_with_the_same_commit(hub, run, trained, kzoo):
    assert kzoo("push", "last", "hf://anna/digits", "--yes")[0] == 0
    repository = hub.repositories["anna/digits"]
    repository.commit({"model.onnx": b"old", "notes.txt": b"mine", "old/run.json": b"mine"})
    before = len(repository.commits)
    code, out, err = kzoo("push", str(trained), "hf://anna/digits")
    assert (code, len(repository.commits)) == (2, before)
    assert [line.split()[0] for line in out.splitlines() if line.split()[-1] == "removed"] == [
        "config.toml",
        "model.onnx",
        "run.json",
    ], "they are listed before anybody is asked"
    code, out, err = kzoo("push", str(trained), "hf://anna/digits", "--yes")
    assert code == 0, err
    assert set(put(hub)) == {".gitattributes", "README.md", "model.keras", "notes.txt", "old/run.json"}
    assert len(repository.commits) == before + 1


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_nothing_goes_without_a_yes(arguments, hub, run, kzoo):
    code, out, err = kzoo("push", "last", "hf://anna/digits", *arguments)
    assert code == (0 if arguments else 2)
    assert "model.keras" in out, "the list comes first"
    assert hub.repositories == {}
    assert hub.paths("POST") == hub.paths("PUT") == []
    if arguments:
        assert hub.requests == []
        metadata = out.split("---\n")[1]
        assert yaml.safe_load(metadata)["library_name"] == "kzoo"
    else:
        assert "add --yes" in err


@pytest.mark.parametrize("arguments", [("--yes",), ("--dry-run",)])
def test_a_revision_is_nothing_to_push_to(arguments, hub, run, kzoo):
    code, out, err = kzoo("push", "last", "hf://anna/digits@v1", *arguments)
    assert (code, out, hub.requests) == (2, "", [])
    assert "leave out `@v1`" in err


def test_private(hub, run, kzoo):
    assert kzoo("push", "last", "hf://anna/digits", "--yes", "--private")[0] == 0
    assert hub.repositories["anna/digits"].private
    hub.repositories["anna/open"] = Repository()
    hub.repositories["anna/open"].commit({"a": b""})
    code, _, err = kzoo("push", "last", "hf://anna/open", "--yes", "--private")
    assert (code, list(hub.repositories["anna/open"].commits.values())) == (2, [{"a": b""}])
    assert "is there already and is public" in err


def test_what_others_push_meanwhile_is_not_overwritten(hub, run, kzoo, monkeypatch):
    repository = hub.repositories["anna/digits"] = Repository()
    repository.commit({"README.md": b"first"})
    monkeypatch.setattr(push, "_agree", lambda **_: repository.commit({"README.md": b"theirs"}))
    code, _, err = kzoo("push", "last", "hf://anna/digits")
    assert code == 1
    assert "was changed meanwhile" in err
    assert put(hub) == {"README.md": b"theirs"}


@pytest.mark.parametrize("name", ["model.keras", "run.json"])
def test_what_arrived_must_be_what_was_sent(name, hub, run, kzoo):
    hub.garbling.add(name)
    code, _, err = kzoo("push", "last", "hf://anna/digits", "--yes")
    assert code == 1
    assert f"{name} did not arrive" in err
    assert recorded(run.path) is None


def test_the_token_is_written_nowhere(hub, run, kzoo, tmp_path):
    said = [text for text in kzoo("push", "last", "hf://anna/digits", "--yes", "--debug") if isinstance(text, str)]
    hub.refusing = (401, "", "Invalid credentials in Authorization header")
    said += [text for text in kzoo("push", "last", "hf://anna/digits", "--yes", "--debug") if isinstance(text, str)]
    assert f"Bearer {TOKEN}" in {head.get("authorization") for _, _, head in hub.requests}
    assert not any(TOKEN in text for text in said)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


def test_what_the_machine_left_in_a_model_stops_it(hub, run, kzoo, monkeypatch):
    monkeypatch.setattr("pathlib.Path.home", lambda: type(run.path)("/of-a-test"))
    run.update(data=run.manifest().data)
    path = run.config_path
    path.write_text(path.read_text("utf-8").replace('name = "categorical_crossentropy"', 'name = "emd"'), "utf-8")
    record = run.manifest()
    run.update(results={"test": {"a /of-a-test/x": 1.0}}, status=record.status)
    code, _, err = kzoo("push", "last", "hf://anna/digits", "--yes")
    assert code == 1
    assert "Nothing was uploaded" in err
    assert "your home folder" in err
    assert hub.requests == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda run: run.update(status="interrupted", signal="SIGTERM"), "was stopped by SIGTERM"),
        (lambda run: run.model_path.write_bytes(b"PK" + run.model_path.read_bytes()[2:-9]), "is not read"),
    ],
)
def test_what_is_not_whole_is_not_published(change, said, hub, run, kzoo):
    change(run)
    code, _, err = kzoo("push", "last", "hf://anna/digits", "--yes")
    assert code == 1
    assert said in " ".join(err.split())
    assert hub.requests == []


@pytest.mark.parametrize(
    ("refusing", "said"),
    [
        ((401, "", "Invalid credentials in Authorization header"), "did not accept your token"),
        ((403, "", "You have no rights"), "(You have no rights): your token may not do this"),
        ((403, "", ""), "set HF_TOKEN to one that has it"),
        ((500, "", "out of order"), "answered 500 (out of order)"),
    ],
)
def test_a_hub_that_refuses(refusing, said, hub, run, kzoo):
    hub.refusing = refusing
    code, _, err = kzoo("push", "last", "hf://anna/digits", "--yes")
    assert code == 1
    assert said in err
    assert "Traceback" not in err
    assert len(err.split("error:")) == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionError("Network error: Request error: error sending request"), "broke off: the connection to"),
        (ConnectionError("Request error: HTTP status client error (403 Forbidden), domain: http://me:pw@h/t"),
         "your token may not do this"),
        (TimeoutError(), "(TimeoutError)"),
    ],
)  # fmt: skip
def test_an_upload_of_large_files_that_fails(error, said, hub, run, kzoo, monkeypatch):
    def fail(**_):
        raise error  # as hf_xet does, which has errors of Python's own

    monkeypatch.setattr("huggingface_hub._commit_api._upload_lfs_files", fail)
    code, _, err = kzoo("push", "last", "hf://anna/digits", "--yes")
    assert code == 1
    assert said in err
    assert "The repository hf://anna/digits was made for it and is empty" in err
    assert "unexpected" not in err
    assert "pw" not in err


def test_a_license_that_the_hub_does_not_know(hub, run, kzoo):
    code, _, err = kzoo("push", "last", "hf://anna/digits", "--yes", "--license", "nonsense")
    assert code == 1
    assert '("license" must be one of [apache-2.0, mit])' in err
    assert "was made for it and is empty" in err
    assert hub.uploads == []


def test_nobody_is_logged_in(hub, run, kzoo, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    code, _, err = kzoo("push", "last", "hf://anna/digits", "--yes")
    assert code == 1
    assert "hf auth login" in err
    assert hub.requests == []


def test_without_the_library_the_extra_is_named(run, kzoo, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    code, _, err = kzoo("push", "last", "hf://anna/digits", "--yes")
    assert code == 1
    assert "pip install 'kzoo[hub]'" in err


def test_what_is_no_hub(monkeypatch, kzoo, tmp_path):
    monkeypatch.setenv("HF_ENDPOINT", "hub.example")
    code, _, err = kzoo("pull", "hf://anna/digits", "-o", str(tmp_path / "x"))
    assert code == 2
    assert "HF_ENDPOINT names no hub" in err


def test_the_address_has_no_password(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://me:secret@hub.example:8080/")
    assert client.endpoint() == "https://hub.example:8080"
