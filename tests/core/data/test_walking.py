"""Folders walked: what is visible, in order, within a limit."""

import os
from pathlib import Path

import pytest

from kzoo.data import walking
from kzoo.data.walking import counted, walk
from kzoo.errors import DataError


def touched(root, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names(tree):
    return [path.relative_to(tree.root).as_posix() for path in tree.files]


def test_hidden_and_editor_folders_are_no_part_of_a_data_set(tmp_path):
    kept = ["a/1.jpg", "a/b/2.xml", "c"]
    hidden = [
        ".ipynb_checkpoints/1-checkpoint.jpg",
        ".idea/a.xml",
        "a/.git/x",
        "__MACOSX/a/1.jpg",
        "a/._1.jpg",
        "@eaDir/1.jpg",
        "a/Thumbs.db",
    ]
    assert names(walk(touched(tmp_path, kept + hidden))) == kept


def test_a_hidden_folder_that_is_named_itself_is_walked(tmp_path):
    assert names(walk(touched(tmp_path / ".cache" / "set", ["a.jpg"]))) == ["a.jpg"]


def test_links_to_folders_are_followed_once_and_never_in_a_circle(tmp_path):
    touched(tmp_path, ["set/real/1.jpg", "elsewhere/2.jpg", "elsewhere/sub/3.jpg"])
    (tmp_path / "set" / "a").symlink_to(tmp_path / "set" / "real")  # the same as `real`
    (tmp_path / "set" / "b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "up").symlink_to(tmp_path)
    (tmp_path / "set" / "lost").symlink_to(tmp_path / "none")
    tree = walk(tmp_path / "set")
    assert names(tree) == ["b/2.jpg", "b/sub/3.jpg", "lost", "real/1.jpg"]
    assert tree.unfollowed == (tmp_path / "set" / "up",)


def test_pipes_are_found_and_left_to_whoever_reads_them(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    assert names(walk(tmp_path)) == ["a.jpg"]


def test_a_disk_is_no_data_set(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="root of the file system"):
        walk(Path("/"))
    (tmp_path / "root").symlink_to("/")
    with pytest.raises(DataError, match="root of the file system"):
        walk(tmp_path / "root")
    monkeypatch.setattr(walking, "MOST_ENTRIES", 3)
    assert len(walk(touched(tmp_path / "set", ["a/1", "a/2"])).files) == 2
    with pytest.raises(DataError, match="more than 3 files and folders, which is the limit"):
        walk(touched(tmp_path / "set", ["a/3"]))


def test_what_cannot_be_listed_is_an_error(tmp_path, monkeypatch):
    touched(tmp_path, ["a/1.jpg", "b/2.jpg"])
    real = os.scandir

    def scandir(folder):
        if str(folder).endswith("b"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(DataError, match=r"folder .*b cannot be listed: Permission denied"):
        walk(tmp_path)


def test_what_was_left_out_is_counted_by_suffix():
    files = [Path(f"r/{n}.heic") for n in range(5)] + [Path("r/a/x.TXT"), Path("r/b.txt"), Path("r/LICENSE")]
    assert counted(files, Path("r")) == (
        "5 .heic (0.heic, 1.heic, 2.heic, ...), 2 .txt (a/x.TXT, b.txt), 1 without a suffix (LICENSE)"
    )
    assert counted([Path(f"r/x.{n:02}") for n in range(20)], Path("r")).endswith(", 8 of 8 other kinds")
