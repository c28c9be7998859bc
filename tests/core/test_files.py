"""Files appear whole or not at all, and only files are read."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kzoo.errors import KzooError
from kzoo.files import (
    csv_cell,
    inside,
    open_regular,
    read_regular,
    replacing,
    scratch_folder,
    sha256_of,
    write_json,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    file = tmp_path / "a.json"
    write_text(file, "old")

    def fail():
        with replacing(file) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_temporary_file_stands_beside_the_target_with_its_suffix(tmp_path):
    with replacing(tmp_path / "m.keras") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".keras"
        temporary.write_text("x")
    assert (tmp_path / "m.keras").read_text() == "x"


def test_json_holds_what_numpy_has_and_no_nan(tmp_path):
    file = tmp_path / "a.json"
    write_json(file, {"a": np.float32(1.5), "b": np.arange(3), "c": float("nan"), "d": (1, None, "x"), "e": tmp_path})
    assert json.loads(file.read_text()) == {
        "a": 1.5, "b": [0, 1, 2], "c": None, "d": [1, None, "x"], "e": str(tmp_path),
    }  # fmt: skip


def test_a_file_and_a_link_to_it_are_read(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").symlink_to("a")
    with open_regular(tmp_path / "b") as file:
        assert file.read() == b"abc"
    assert read_regular(tmp_path / "a", 3) == b"abc"
    with pytest.raises(OSError, match="more than 2 bytes, which is the limit"):
        read_regular(tmp_path / "a", 2)


def test_pipes_sockets_devices_and_folders_are_refused_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket"))
        for path, reason in (
            (tmp_path / "pipe", "it is a named pipe, not a file"),
            (tmp_path / "link", "it is a named pipe, not a file"),
            (tmp_path / "socket", "it is a socket, not a file"),
            (Path("/dev/zero"), "it is a device, not a file"),
            (tmp_path, "Is a directory"),
            (tmp_path / "none", "No such file or directory"),
        ):
            with pytest.raises(OSError) as refused:  # noqa: PT011 - the reason is compared below
                read_regular(path, 10)
            assert (refused.value.strerror, str(refused.value.filename)) == (reason, str(path))


def test_what_became_a_pipe_after_it_was_looked_at_is_refused_as_well(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    regular = (tmp_path / "file").stat()
    monkeypatch.setattr(Path, "stat", lambda self, **_: regular)
    with pytest.raises(OSError, match="named pipe"):
        open_regular(tmp_path / "pipe")


@pytest.mark.parametrize("name", [b"caf\xe9", "\U0001f600" * 62, "a" * 251 + ".csv", "a." + "b" * 253])
def test_names_that_are_no_utf8_or_as_long_as_can_be(name, tmp_path):
    file = tmp_path / (os.fsdecode(name) if isinstance(name, bytes) else name)
    write_text(file, "x")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["x"]


def test_bytes_of_names_are_written_as_a_shell_has_them(tmp_path):
    name = os.fsdecode(b"caf\xe9 \\")
    write_json(tmp_path / "a.json", {name: [name, Path(name)], "lone": "\ud800"})
    written = "caf\\xe9 \\"
    assert json.loads((tmp_path / "a.json").read_bytes()) == {written: [written, written], "lone": "\\ud800"}
    write_text(tmp_path / "a.txt", name)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == written


def test_a_device_or_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "through")
    assert os.read(end, 20) == b"through"
    os.close(end)
    assert [stat.S_ISFIFO(path.stat().st_mode) for path in tmp_path.iterdir()] == [True]


def test_a_folder_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(IsADirectoryError), replacing(tmp_path):
        pytest.fail("nothing is to be written")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"), ("+cmd", "'+cmd"), ("-cat", "'-cat"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", r"\x09=1"),
        ("-1.5", "-1.5"), ("+2", "+2"), ("-1e-3", "-1e-3"), ("a=1", "a=1"), ("", ""), (-1.5, -1.5), (None, None),
        ("x\x1b[31my\n.jpg", r"x\x1b[31my\x0a.jpg"), ("=\r1", r"'=\x0d1"), ("\x07", r"\x07"), ("a\u202eb", r"a\u202eb"),
    ],
)  # fmt: skip
def test_a_cell_neither_runs_in_a_spreadsheet_nor_steers_a_terminal_and_a_number_stays_one(value, written):
    assert csv_cell(value) == written


def test_a_link_out_of_a_folder_is_not_followed(tmp_path):
    folder, other = tmp_path / "run", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "secret").write_text("x")
    (folder / "own").write_text("y")
    (folder / "inner").symlink_to("own")
    (folder / "outer").symlink_to(other / "secret")
    (folder / "place").symlink_to(other)
    (tmp_path / "door").symlink_to(folder)
    for path in (folder / "own", folder / "inner", folder / "not there"):
        assert inside(path, folder) == path
    assert inside(tmp_path / "door" / "own", tmp_path / "door")
    for path in (folder / "outer", folder / "place" / "new"):
        with pytest.raises(KzooError, match=r"is a link that leads out of its folder, to .*other"):
            inside(path, folder)


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert (
        sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )  # of FIPS 180


def test_a_scratch_folder_takes_what_killed_programs_left_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = "import os; from kzoo.files import scratch_folder\nwith scratch_folder('kzoo-a-'): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ, "TMPDIR": str(tmp_path)})
    [left] = tmp_path.iterdir()
    other = tmp_path / "kzoo-b-1"
    other.mkdir()
    with scratch_folder("kzoo-a-") as first:
        assert not left.exists()
        with scratch_folder("kzoo-a-") as second:
            assert first.is_dir()  # whose program, this one, is alive
            assert second != first
        assert not second.exists()
    assert list(tmp_path.iterdir()) == [other]
