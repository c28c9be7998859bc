"""A new plugin is on the disk whole or not at all."""

import sys

import pytest

from kzoo.errors import KzooError
from kzoo.scaffold import files_of, plan, render, write

PROJECT = plan("kzoo-my-loss")


def tree(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_the_files_are_written_as_they_are(tmp_path):
    folder = write(PROJECT, tmp_path / "new" / "place")
    assert folder == tmp_path / "new" / "place" / "kzoo-my-loss"
    files = files_of(PROJECT)
    assert tree(folder) == set(files)
    assert all((folder / name).read_bytes() == text.encode() for name, text in files.items())
    assert names(folder.parent) == ["kzoo-my-loss"]


@pytest.mark.parametrize("what", ["empty folder", "folder", "file", "dangling link"])
def test_what_is_there_is_left_alone(what, tmp_path):
    there = tmp_path / "kzoo-my-loss"
    if what == "file":
        there.write_text("mine")
    elif what == "dangling link":
        if sys.platform == "win32":
            pytest.skip("making a link takes a privilege there")
        there.symlink_to(tmp_path / "nowhere")
    else:
        there.mkdir()
        if what == "folder":
            (there / "pyproject.toml").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(KzooError, match="is there already") as failure:
        write(PROJECT, tmp_path)
    assert failure.value.exit_code == 1
    assert tree(tmp_path) == before
    assert names(tmp_path) == ["kzoo-my-loss"]


def test_nothing_is_left_of_what_failed_halfway(tmp_path, monkeypatch):
    files = files_of(PROJECT)
    name = list(files)[7]
    monkeypatch.setattr("kzoo.scaffold.writing.files_of", lambda _: {**files, f"{name}/below": "a file is no folder"})
    with pytest.raises(KzooError, match="kzoo-my-loss cannot be written"):
        write(PROJECT, tmp_path)
    assert names(tmp_path) == []


def test_nothing_is_left_of_what_was_interrupted(tmp_path, monkeypatch):
    def stop(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.rename", stop)
    with pytest.raises(KeyboardInterrupt):
        write(PROJECT, tmp_path)
    assert names(tmp_path) == []


def test_a_place_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(KzooError, match="cannot be written"):
        write(PROJECT, tmp_path / "file")
    assert names(tmp_path) == ["file"]


def test_a_value_that_a_template_lacks_is_an_error():
    with pytest.raises(KeyError):
        render._filled("shared/README.md.in", {"distribution": "kzoo-my-loss"})
