"""``kzoo compare`` of runs that exist, through the command line: no run is trained here."""

import base64
import csv
import errno
import json
import math
import re
import struct

import pytest
from made_up_runs import made_up

import kzoo as package
from kzoo import files as kzoo_files
from kzoo.comparing.comparison import compare_runs
from kzoo.comparing.figures import CAPTIONS
from kzoo.comparing.gathering import directions_of, entries_of, gather
from kzoo.comparing.measuring import measures_of
from kzoo.engine.listener import Silent
from kzoo.errors import KzooError, UsageError

EMD = [0.90, 0.91, 0.89, 0.93, 0.92]
FOCAL = [0.94, 0.95, 0.92, 0.96, 0.96]


PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 2, 1)


@pytest.fixture
def runs(tmp_path):
    pairs = [("emd", EMD), ("focal:gamma=2", FOCAL)]
    return [
        made_up(tmp_path, loss, seed, accuracy=value, nll=0.3, seconds=60.0 + seed)
        for loss, values in pairs
        for seed, value in enumerate(values)
    ]


def by_hand(first, other):
    """Return mean, interval and t of paired differences, with 2.776445 from a table of Student's t at 4 degrees."""
    apart = [b - a for a, b in zip(first, other, strict=True)]
    mean = math.fsum(apart) / 5
    error = math.sqrt(math.fsum((one - mean) ** 2 for one in apart) / 4) / math.sqrt(5)
    return mean, mean - 2.776445 * error, mean + 2.776445 * error, mean / error


def test_a_folder_of_runs_is_judged_and_written_down(kzoo, runs, tmp_path, monkeypatch):
    monkeypatch.setattr("kzoo.comparing.page._pictures", lambda found: dict.fromkeys(CAPTIONS, PNG))  # drawn below
    table = tmp_path / "table.csv"
    code, out, _ = kzoo("compare", str(tmp_path), "--out", str(tmp_path), "--csv", str(table), "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["cells"], found["seeds"], found["tests"]) == (["emd", "focal:gamma=2"], [0, 1, 2, 3, 4], 5)
    row = next(row for row in found["measures"] if row["measure"] == "accuracy" and row["cell"] != "emd")
    told = [row[key] for key in ("difference", "difference_low", "difference_high", "t")]
    assert told == pytest.approx(by_hand(EMD, FOCAL), rel=1e-5)
    assert row["p_holm"] == pytest.approx(5 * row["p"])
    assert row["verdict"] == "better"
    written = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert float(next(one for one in written if one["verdict"] == "better")["difference"]) == row["difference"]
    [folder] = (tmp_path / "comparisons").iterdir()
    page = (folder / "compare.html").read_text("utf-8")
    assert page.count("<img") == 3
    assert "`focal:gamma=2` is better by accuracy than `emd`" in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert json.loads((folder / "comparison.json").read_text("utf-8"))["status"] == "done"


@pytest.mark.long
def test_a_comparison_is_judged_again_in_its_place_and_two_runs_in_another(kzoo, runs, tmp_path):
    assert kzoo("compare", str(tmp_path), "--out", str(tmp_path))[0] == 0
    [folder] = (tmp_path / "comparisons").iterdir()
    code, out, err = kzoo("compare", str(folder), "--out", str(tmp_path))
    assert (code, err) == (0, "")
    assert "better" in out
    assert [one.name for one in (tmp_path / "comparisons").iterdir()] == [folder.name]
    drawn = {path.stem: path.read_bytes() for path in (folder / "plots").iterdir()}
    assert drawn.keys() == CAPTIONS.keys()
    assert all(base64.b64encode(png).decode() in (folder / "compare.html").read_text("utf-8") for png in drawn.values())
    code, out, _ = kzoo("compare", str(runs[0].path), str(runs[5].path), "--out", str(tmp_path))
    assert code == 0
    assert "one seed: nothing is claimed" in out
    assert "better" not in re.sub(r"(more|less) is better|`better`", "", out)
    assert len(list((tmp_path / "comparisons").iterdir())) == 2


def test_other_data_is_refused(tmp_path, runs):
    other = made_up(tmp_path, "poly1", 0, data="b", accuracy=0.9)
    with pytest.raises(KzooError, match="the data of the train split is not the same"):
        compare_runs([runs[0], other], root=tmp_path, listener=Silent())
    unknown = made_up(tmp_path, "poly1", 1, accuracy=0.9)
    unknown.update(
        data=unknown.manifest().data.__class__(used="path", sizes={"train": 90, "validation": 10, "test": 20})
    )
    with pytest.raises(KzooError, match="cannot be compared"):
        compare_runs([runs[1], unknown], root=tmp_path, listener=Silent())


def test_what_a_reader_must_know_is_said(tmp_path, runs):
    more = [
        made_up(tmp_path, "poly1", 0, accuracy=0.95, host="there"),
        made_up(tmp_path, "poly1", 1, accuracy=0.95, resumed=[{"at": "later"}]),
        made_up(tmp_path, "poly1", 2, accuracy=0.95, status="interrupted"),
    ]
    found = gather(entries_of([*runs[:3], *more]))
    said = " ".join(found.notes)
    assert "it is interrupted" in said
    assert "time is not judged" in said
    assert "no pair for the seeds 2" in said
    assert list(directions_of(found)) == ["accuracy", "macro_f1", "nll", "ece"]


def test_seeds_that_one_way_lacks_are_left_out(kzoo, tmp_path, runs, monkeypatch):
    monkeypatch.setattr("kzoo.comparing.page._pictures", lambda found: {})
    more = [made_up(tmp_path, "poly1", seed, accuracy=0.95) for seed in (3, 4, 7)]
    names = [str(run.path) for run in (runs[0], runs[3], runs[4], *more)]
    code, out, err = kzoo("compare", *names, "--out", str(tmp_path), "--json")
    assert code == 0
    assert "no pair for the seeds 0, 7" in " ".join(json.loads(out)["notes"])
    [row] = [one for one in json.loads(out)["measures"] if one["measure"] == "accuracy" and one["cell"] == "poly1"]
    assert (row["pairs"], row["difference"]) == (2, pytest.approx(0.95 - (EMD[3] + EMD[4]) / 2))
    code, out, err = kzoo("compare", str(runs[0].path), str(more[2].path), "--out", str(tmp_path))
    assert (code, out) == (2, "")
    assert "no run has a seed that a run of `emd` has" in " ".join(err.split())


def test_a_way_without_any_pair_is_said_to_have_none(tmp_path, runs, monkeypatch):
    monkeypatch.setattr("kzoo.comparing.page._pictures", lambda found: {})
    found = compare_runs(
        [runs[0], runs[5], made_up(tmp_path, "poly1", 7, accuracy=0.9)], root=tmp_path, listener=Silent()
    )
    assert "`poly1` and `emd` have no pair of runs: nothing is compared." in found.summary


def test_time_of_a_resumed_run_is_not_known(tmp_path, runs):
    one = made_up(tmp_path, "poly1", 0, accuracy=0.95, resumed=[{"at": "later"}])
    whole, resumed = (measures_of(entry, Silent()) for entry in gather(entries_of([runs[0], one])).entries)
    assert whole == {"accuracy": 0.90, "nll": 0.3, "seconds": 60.0}
    assert resumed == {"accuracy": 0.95}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name what to compare"),
        (("nothing-here",), "no run `nothing-here`"),
        (("mnist", "cifar10"), "one comparison trains one of them"),
        (("minst", "--loss", "emd"), "No pipeline named `minst`"),
        (("mnist", "--loss", "emd"), "only one way to train"),
        (("mnist", "--loss", "emd", "--loss", "focal", "--targt", "y"), "no option `--targt`"),
        (("mnist", "--loss", "emd", "--loss", "focal", "--jobs", "0"), "`jobs` must be a whole number"),
    ],
)
def test_what_cannot_be_compared_is_said(kzoo, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    code, out, err = kzoo("compare", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert not list(tmp_path.iterdir())


def test_a_table_that_cannot_be_written_is_refused_before_anything_is_trained(kzoo, tmp_path, monkeypatch):
    monkeypatch.setattr("kzoo.comparing.comparison.compare_grid", lambda *_, **__: pytest.fail("it was trained"))
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "x.csv", tmp_path):
        words = ("--out", str(tmp_path / "runs"), "--csv", str(place))
        code, out, err = kzoo("compare", "mnist", "--loss", "emd", "--loss", "focal", "--data", "sample", *words)
        assert (code, out) == (1, "")
        assert "cannot be written" in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_folder_of_the_table_is_made_and_the_table_shown_where_its_file_fails(kzoo, tmp_path, runs, monkeypatch):
    monkeypatch.setattr("kzoo.comparing.page._pictures", lambda found: {})
    names = [str(run.path) for run in (*runs[:2], *runs[5:7])]
    target = tmp_path / "new" / "deep" / "x.csv"
    assert kzoo("compare", *names, "--out", str(tmp_path), "--csv", str(target))[0] == 0
    assert target.read_text("utf-8").startswith("measure,")

    write = kzoo_files.write_text

    def full(path, text):
        if path == target:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, text)

    monkeypatch.setattr(kzoo_files, "write_text", full)
    code, out, err = kzoo("compare", *names, "--out", str(tmp_path), "--csv", str(target))
    assert code == 1
    assert "focal:gamma=2" in out
    assert "No space left on device" in err


@pytest.mark.long
def test_from_python_it_is_the_same(tmp_path, runs):
    found = package.compare(runs, out=tmp_path, verbose=0)
    assert found.rows[1]["verdict"] == "better"
    assert found.report.exists()
    assert repr(found).startswith("<kzoo comparison ")
    assert "<table>" in found._repr_html_()


def test_from_python_what_cannot_be_compared_is_said(tmp_path):
    for given, words in (
        ({}, "Name what to compare"),
        ({"what": "mnist", "loss": 3}, "`loss` must be a list"),
        ({"what": ["mnist"], "loss": ["emd", "focal"]}, "must be the name of a pipeline"),
        ({"what": "mnist", "vary": {"train.epochs": 3}}, "`train.epochs` must be a list"),
    ):
        with pytest.raises(UsageError, match=words):
            package.compare(**given, out=tmp_path)
