"""What a state holds comes back, or it is said that it does not; the state before it stays."""

import errno
import resource

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file

from kzoo.runs.state import DamagedStateError, SavedState, StateFolder, remove_temporary_files


def _state(number):
    tensors = {
        "w": np.arange(number + 1, dtype="float32"),
        "half": np.full((2, 3), number, ml_dtypes.bfloat16),
        "count": np.array(number, np.int64),
        "none": np.zeros((0, 3)),
    }
    data = {"number": number, "loss": float("nan"), "best": float("inf"), "text": "é\x1b"}
    return SavedState(data, tensors, {"weights": np.full(4, number // 2, "float64")}, f"epoch {number // 2}")


def _equal(one, other):
    return (
        repr(one.data) == repr(other.data)
        and one.beside_key == other.beside_key
        and all(
            {name: (array.dtype, array.shape, array.tobytes()) for name, array in a.items()}
            == {name: (array.dtype, array.shape, array.tobytes()) for name, array in b.items()}
            for a, b in ((one.tensors, other.tensors), (one.beside, other.beside))
        )
    )


@pytest.fixture
def folder(tmp_path):
    return StateFolder(tmp_path / "state")


def _newest(folder):
    return max(folder.path.glob("?.safetensors"), key=lambda path: path.stat().st_mtime_ns)


def test_the_newest_comes_back_bit_for_bit_in_a_format_that_others_read(folder):
    assert folder.read() == (None, [])
    for number in range(5):
        folder.write(_state(number))
        found, faults = folder.read()
        assert not faults
        assert _equal(found, _state(number))
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "a-best.safetensors",
        "a.safetensors",
        "b-best.safetensors",
        "b.safetensors",
    ]
    raw = load_file(_newest(folder))
    np.testing.assert_array_equal(raw["w"].view("float32"), np.arange(5))
    folder.remove()
    assert not folder.path.exists()


def test_what_rarely_changes_is_written_when_it_changes(folder):
    for number in (4, 5):
        folder.write(_state(number))
    before = {path: path.stat().st_mtime_ns for path in folder.path.glob("*-best*")}
    folder.write(SavedState(_state(6).data, _state(6).tensors, _state(5).beside, _state(5).beside_key))
    assert {path: path.stat().st_mtime_ns for path in folder.path.glob("*-best*")} == before


def _flips(length):
    return [*range(64), *range(64, length, 97), length - 1]


@pytest.mark.parametrize("which", ["?.safetensors", "?-best.safetensors"])
def test_a_damaged_newest_state_is_said_and_the_one_before_is_used(folder, which):
    for number in (1, 2, 3):
        folder.write(_state(number))
    path = max(folder.path.glob(which), key=lambda one: one.stat().st_mtime_ns)
    newest = folder.path / f"{path.name[0]}.safetensors"
    whole, earlier = path.read_bytes(), _state(2) if newest == _newest(folder) else _state(3)
    cases = [whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :] for at in _flips(len(whole))]
    for damaged in [*cases, *(whole[:cut] for cut in (0, 1, 7, 8, 100, len(whole) - 1)), whole + b"\0", b"{}" * 50]:
        path.write_bytes(damaged)
        found, faults = folder.read()
        assert _equal(found, earlier)
        assert len(faults) == (earlier.data["number"] == 2)
        assert all(str(folder.path) in fault for fault in faults)
    path.unlink()
    found, _ = folder.read()
    assert _equal(found, earlier)
    folder.write(_state(9))
    assert _equal(folder.read()[0], _state(9))


def test_a_write_that_fails_takes_nothing_away(folder, monkeypatch):
    folder.write(_state(1))
    folder.write(_state(2))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("kzoo.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        folder.write(_state(3))
    monkeypatch.undo()
    assert _equal(folder.read()[0], _state(2))
    assert not list(folder.path.glob(".*"))


def test_a_limit_of_the_size_of_files_takes_nothing_away(folder):
    folder.write(_state(1))
    folder.write(_state(2))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            folder.write(SavedState({}, {"w": np.zeros(1000)}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert _equal(folder.read()[0], _state(2))
    assert not list(folder.path.glob(".*"))


def test_all_damaged_is_no_state(folder):
    folder.write(_state(1))
    _newest(folder).write_bytes(b"\xff" * 300)
    found, faults = folder.read()
    assert found is None
    assert len(faults) == 1
    with pytest.raises(DamagedStateError):
        raise DamagedStateError(faults[0])


def test_temporary_files_of_a_killed_process_go_and_others_stay(tmp_path):
    (tmp_path / "state").mkdir()
    gone = [
        tmp_path / ".best.0f3a9c21.keras",
        tmp_path / "state" / ".a.deadbeef.safetensors",
        tmp_path / ".run.12345678.json",
    ]
    stay = [tmp_path / ".training.lock", tmp_path / ".notes.txt", tmp_path / "best.keras", tmp_path / ".git"]
    for path in [*gone, *stay[:3]]:
        path.write_text("x")
    stay[3].mkdir()
    remove_temporary_files(tmp_path)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in stay)
