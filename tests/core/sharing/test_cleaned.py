"""What of a run's settings and record goes out, and what of a machine is found in files."""

import getpass
import json
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from kzoo.runs.config import RunConfig
from kzoo.runs.configure import configure
from kzoo.runs.manifest import DataRecord, Manifest
from kzoo.sharing.cleaned import _KEPT, cleaned_config, cleaned_manifest
from kzoo.sharing.traces import markers, trace_in


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("/home/anna/nets/my.cfg", "my.cfg"),
        ("nets/my.cfg", "my.cfg"),
        (r"C:\Users\Anna\my.cfg", "my.cfg"),
        ("~/my.cfg", "my.cfg"),
        ("yolov3-tiny", "yolov3-tiny"),
    ],
)
def test_of_a_path_the_name_stays(given, left):
    config = configure("yolov3", options=[f"model.network={given}", "data.source=/home/anna/boxes"])
    text, changed = cleaned_config(config)
    again = RunConfig.merge([("test", tomllib.loads(text))])
    assert again.values["model"]["network"] == left
    assert changed == [*(["model.network"] if given != left else []), "data.source"]
    assert "anna" not in text.lower()
    assert {**again.values, "model": {}, "data": {}} == {**config.values, "complete": True, "model": {}, "data": {}}


@pytest.mark.parametrize("source", ["auto", "real", "sample"])
def test_a_word_for_the_data_stays(source):
    text, changed = cleaned_config(configure("mnist", options=[f"data.source={source}"]))
    assert (tomllib.loads(text)["data"]["source"], changed) == (source, [])


def test_every_field_of_a_record_is_decided_on():
    """A new field stays on the machine; this fails until somebody has said whether it may go."""
    gone = {"number", "argv", "resumed", "error", "signal", "trackers", "part_of"}
    partly = {"data", "models", "environment"}
    assert {one.name for one in fields(Manifest)} == {*_KEPT, *partly, *gone}
    secret = {"host": "secret", "cpu": "secret", "versions": {"kzoo": "0.1.0"}}
    record = Manifest(
        argv=["secret"],
        error="secret",
        signal="secret",
        resumed=[{"argv": "secret"}],
        environment=secret,
        trackers={"mlflow": {"id": "secret"}},
        part_of={"study": "secret"},
    )
    told = json.dumps(cleaned_manifest(record, {}).to_dict())
    assert "secret" not in told
    assert '"versions": {"kzoo": "0.1.0"}' in told


@pytest.mark.parametrize(
    ("description", "location", "said"),
    [
        ("9 images of 2 classes from photos, 8x8x3", "/data/anna/photos", "9 images of 2 classes, 8x8x3"),
        ("9 rows of a.csv", "/x/a.csv", "9 rows of"),
        ("3 from a and 2 from b.b", "/x/a,/y/b.b", "3 and 2"),
        ("9 photos from photo", "/x/photo", "9 photos"),
    ],
)
def test_a_description_names_no_folder(description, location, said):
    record = Manifest(data=DataRecord(used="path", description=description, location=location))
    assert cleaned_manifest(record, {}).data.description == said


@pytest.mark.parametrize(
    "text",
    [
        f"x = {Path.home()}/a",
        f'{{"a": "{Path.home()}"}}',
        f"/home/{getpass.getuser()}/x",
        rf"C:\\Users\\{getpass.getuser()}\\x",
        "at /data/of/mine.",
    ],
)
def test_what_is_this_machines_is_found(text, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(text, "utf-8")
    assert "a.json holds" in trace_in(path, markers("/data/of/mine"))


@pytest.mark.parametrize(
    "text", [f"hf://{getpass.getuser()}/digits", "/data/of/mine-and-yours2", "class anna", "a/b", ""]
)
def test_what_is_nobodys_is_not(text, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/home/somebody-else"))
    path = tmp_path / "a.json"
    path.write_text(text, "utf-8")
    known = {name: what for name, what in markers("/data/of/mine-and-yours").items() if name != "/"}
    assert trace_in(path, known) == ""
