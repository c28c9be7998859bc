"""Where the cache is, and what is said when it cannot be used."""

import os
import shutil
from pathlib import Path

import platformdirs
import pytest

from kzoo.data.cache import DiskFullError, data_home, ensure_room, home_path, readable_size
from kzoo.errors import DataError


def test_the_environment_names_the_folder_and_it_is_made(monkeypatch, tmp_path):
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "a" / "b"))
    assert data_home() == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize("value", [None, "", "  "])
def test_else_it_is_the_user_cache_of_the_platform(monkeypatch, value):
    if value is None:
        monkeypatch.delenv("KZOO_DATA", raising=False)
    else:
        monkeypatch.setenv("KZOO_DATA", value)
    assert home_path() == Path(platformdirs.user_cache_dir("kzoo", appauthor=False))


def test_a_home_folder_and_a_relative_name_become_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("KZOO_DATA", "~/data")
    assert home_path() == tmp_path / "me" / "data"
    monkeypatch.setenv("KZOO_DATA", "data")
    assert home_path() == tmp_path / "data"


def test_a_folder_that_cannot_be_made_is_an_error_that_names_the_variable(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(DataError, match=r"file/data cannot be written to: Not a directory\. .*KZOO_DATA"):
        data_home()


def test_a_folder_that_cannot_be_written_to_is_an_error(monkeypatch, tmp_path):
    if os.access("/proc", os.W_OK) and not Path("/proc/version").exists():
        pytest.skip("there is no /proc here, the one folder in which nobody can make files")
    monkeypatch.setenv("KZOO_DATA", "/proc")
    with pytest.raises(DataError, match="/proc cannot be written to"):
        data_home()


def test_room_is_compared_with_what_the_system_says(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    ensure_room(tmp_path, free // 2, "the test")
    with pytest.raises(DiskFullError, match=r"Not enough room for the test: .* needed, .* free in"):
        ensure_room(tmp_path, free * 2, "the test")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (11_490_434, "11.5 MB"), (3 * 10**12, "3000.0 GB")],
)
def test_sizes_are_written_for_people(count, text):
    assert readable_size(count) == text
