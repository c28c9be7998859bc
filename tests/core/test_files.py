"""Files appear whole or not at all."""

import json

import numpy as np
import pytest

from kzoo.files import replacing, write_json, write_text


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
