"""The CSV file of predictions is whole or not there, and names that are no UTF-8 survive in every output."""

import csv
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kzoo.cli.evaluate import _show as show
from kzoo.cli.printing import Printer
from kzoo.data.frames import Frame, Source
from kzoo.errors import KzooError
from kzoo.inference.predicting import Result
from kzoo.pipeline import ClassPrediction, ValuePrediction
from kzoo.tasks.neighbours import Neighbour, VectorPrediction
from kzoo.tasks.task import Confusion

NAMES = [b"a.png", b"caf\xe9.png", "größe.png".encode(), b"z.png"]
WRITTEN = ["a.png", "caf\\xe9.png", "größe.png", "z.png"]
"""As a shell has them in $'...'."""


class Images(Source):
    def __iter__(self):
        return iter(())


def results(names=NAMES, dog="dog"):
    prediction = ClassPrediction("cat", 0, 0.75, {"cat": 0.75, dog: 0.25})
    for number, name in enumerate(names):
        frame = Frame(index=number, path=Path(os.fsdecode(name)), pixels=np.zeros((1, 1, 3), np.uint8))
        yield Result(frame, prediction, 0.0)


def write(target, stop_at=None, *, as_json=False):
    with Printer(top=1, as_json=as_json, csv=target, sources=[Images("here", "images")]) as printer:
        for number, result in enumerate(results()):
            if number == stop_at:
                message = "the source is gone"
                raise KzooError(message)
            printer.write(result)


def test_names_that_are_no_utf8_in_a_csv(tmp_path):
    write(tmp_path / "a.csv")
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["image"] for row in rows] == WRITTEN


def test_names_that_are_no_utf8_in_json(tmp_path, capsys):
    write(None, as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["image"] for line in lines] == WRITTEN


@pytest.mark.parametrize("old", ["old\n", None])
def test_after_an_error_the_old_file_is_there_or_none(old, tmp_path, capsys):
    target = tmp_path / "a.csv"
    if old:
        target.write_text(old)
    with pytest.raises(KzooError, match="the source is gone"):
        write(target, stop_at=2)
    assert [path.read_text() for path in tmp_path.iterdir()] == ([old] if old else [])
    said = capsys.readouterr()
    assert "caf\\xe9.png  cat" in said.out, "what was predicted is in the table all the same"
    assert "Wrote" not in said.err


def test_a_full_disk_is_said_and_costs_the_old_file_nothing(tmp_path, monkeypatch):
    target = tmp_path / "a.csv"
    target.write_text("old\n")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kzoo.files.os.fsync", full)
    with pytest.raises(KzooError, match=r"--csv .*a\.csv cannot be written: No space left on device"):
        write(target)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old\n"]


def test_a_folder_is_refused_before_anything_is_predicted(tmp_path):
    with pytest.raises(KzooError, match=r"cannot be written: Is a directory"):
        write(tmp_path, stop_at=0)
    assert list(tmp_path.iterdir()) == []


def test_a_name_with_a_line_break_and_a_colour_is_one_line_in_csv_and_table(tmp_path, capsys):
    images = Images("here", "images")
    with Printer(top=1, as_json=False, csv=tmp_path / "a.csv", sources=[images]) as printer:
        for result in results([b"x\x1b[31my\n.jpg"], dog="d\x07g"):
            printer.write(result)
    heading, row = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    assert "d\\x07g" in heading
    assert row.startswith("x\\x1b[31my\\x0a.jpg,")
    assert "x\\x1b[31my\\x0a.jpg  cat" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["images", "camera"])
def test_columns_stand_below_each_other_whatever_the_names_are_made_of(kind, capsys):
    source = Images("here", kind)
    with Printer(top=1, as_json=False, csv=None, sources=[source]) as printer:
        printer.start(source)
        for result in results([b"a-long-name.png", b"caf\xe9.png", "写真.png".encode(), b"a\nb.png"]):
            printer.write(result)
    lines = capsys.readouterr().out.splitlines()[1:]
    # The East Asian ones are as wide as two others each.
    assert {line.index("cat") + sum(letter in "写真" for letter in line) for line in lines} == {
        len("a-long-name.png  ")
    }


def test_headings_that_are_data_keep_their_spelling(capsys):
    names = ["Katze weiß", "katze", "true"]
    confusion = Confusion(names, np.array([[4, 1, 0], [2, 5, 0], [0, 0, 3]]))
    show(SimpleNamespace(metrics={"loss": 1.0}, per_class={}, confusion=confusion, data="x", size=15, measured=""))
    lines = capsys.readouterr().out.splitlines()
    place = next(number for number, line in enumerate(lines) if "PREDICTED" in line)
    assert lines[place].split("  ")[0] == "TRUE \\ PREDICTED"
    assert all(name in lines[place] for name in names)
    assert [line.split() for line in lines[place + 1 : place + 4]] == [
        ["Katze", "weiß", "4", "1", "0"],
        ["katze", "2", "5", "0"],
        ["true", "0", "0", "3"],
    ]


def test_of_ranked_answers_the_file_has_as_many_as_are_asked_for(tmp_path):
    found = [Neighbour(f"{number}.png", "cup", 1 - number / 100) for number in range(30)]
    shown = Frame(index=0, path=Path("a.png"), pixels=np.zeros((1, 1, 3), np.uint8))
    for top in (2, 20):
        with Printer(top=top, as_json=True, csv=tmp_path / "a.csv", sources=[Images("here", "images")]) as printer:
            printer.write(Result(shown, VectorPrediction(np.ones(1), lambda top: found[:top]), 0.0))
        rows = list(csv.DictReader((tmp_path / "a.csv").open()))
        assert [row["nearest"] for row in rows] == [one.image for one in found[:top]]


@pytest.mark.parametrize("kind", ["images", "video"])
def test_names_of_outputs_are_headings_as_the_data_has_them(kind, capsys):
    source = Images("here", kind)
    with Printer(top=1, as_json=False, csv=None, sources=[source]) as printer:
        printer.start(source)
        shown = Frame(index=0, path=Path("a.png"), pixels=np.zeros((1, 1, 3), np.uint8))
        printer.write(Result(shown, ValuePrediction({"Größe": 1.5, "maß": 2.0}), 0.0))
    heading = capsys.readouterr().out.splitlines()[0].split()
    assert heading[-2:] == ["Größe", "maß"]
    assert heading[0].isupper()
