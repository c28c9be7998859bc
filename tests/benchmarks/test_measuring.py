"""One way of measuring: turns, ratios round by round, and what a result says of itself."""

import json
import statistics
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _as_scripts_see_them(monkeypatch):
    """They are no package: each finds the others beside it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and Path(sys.modules[name].__file__).parent == BENCHMARKS:
            del sys.modules[name]


def asked(*words):
    from measuring import parser_of

    parser = parser_of("text")
    parser.add_argument("--data", type=Path, default=Path("none"))
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args(words)


def test_arms_take_turns_and_the_first_call_of_each_is_left_out_where_it_is_warm():
    from measuring import in_turns

    called = []
    arms = {name: lambda n=name: called.append(n) or len(called) for name in ("a", "b", "c")}
    found = in_turns(arms, 2, warm=True, quiet=True)
    assert called == ["a", "b", "c"] * 3
    assert found == {"a": [4, 7], "b": [5, 8], "c": [6, 9]}


def test_ratios_are_of_the_same_round_as_statistics_has_their_median():
    from measuring import rows_of

    found = {"ours": [10.0, 40.0, 20.0], "theirs": [5.0, 10.0, 10.0]}
    _, faster = rows_of(found, unit="img/s", more_is_better=True)
    assert (faster["ratio"], faster["ratio_from"], faster["ratio_to"]) == (statistics.median([2, 4, 2]), 2, 4)
    assert (faster["median"], faster["from"], faster["to"], faster["rounds"]) == (10.0, 5.0, 10.0, 3)
    first, slower = rows_of(found, unit="s", more_is_better=False)
    assert (slower["ratio"], slower["ratio_from"], slower["ratio_to"]) == (0.5, 0.25, 0.5)
    assert (first["ratio"], first["ratio_from"], first["ratio_to"]) == (1, 1, 1)


def test_a_process_is_measured_as_the_system_counts_it():
    from measuring import ended

    code = "import os, resource; b = bytearray(b'x') * 200_000_000; print(os.environ.get('A'), os.environ.get('B'), "
    code += "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = ended([sys.executable, "-c", code], A=1, B=None)
    first, second, most = done.out.split()
    assert (first, second) == ("1", "None")
    assert abs(done.memory - 1024 * int(most)) < 0.05 * done.memory
    assert 0 < done.cpu <= done.wall + 1


def test_a_process_that_fails_ends_the_benchmark_with_what_it_said():
    from measuring import ended

    with pytest.raises(SystemExit, match=r"ended with 3:\n(?s:.*)not today"):
        ended([sys.executable, "-c", "import sys; sys.stderr.write('not today'); sys.exit(3)"])


def test_an_arm_whose_package_is_missing_is_left_out_and_said(capsys):
    from measuring import available
    from results import Report

    report = Report("training", asked())
    assert available(["kzoo", "torch", "jax"], {"torch": "json", "jax": "no_such_package"}, report) == ["kzoo", "torch"]
    assert report.notes == ["`jax` is left out: no_such_package is not installed (pip install no_such_package)."]
    assert "no_such_package" in capsys.readouterr().out


def test_a_limit_is_reached_or_not_and_says_so(capsys):
    from results import Report

    report = Report("memory", asked())
    assert report.limit("speed", 1.0, least=1.0)
    assert not report.limit("memory", 1.21, most=1.2)
    assert [(one["limit"], one["reached"]) for one in report.asked_for] == [(">= 1", True), ("<= 1.2", False)]
    assert "NOT reached" in capsys.readouterr().out


def test_what_is_kept_is_read_again_and_names_no_path_of_the_machine(tmp_path):
    from measuring import rows_of
    from results import Report, read

    file = tmp_path / "memory.json"
    report = Report("memory", asked("--json", str(file), "--data", str(tmp_path / "cifar10.npz")))
    report.table("memory", "the most memory", rows_of({"a": [1.0], "b": [2.0]}, unit="MiB", more_is_better=False))
    report.limit("memory", 0.5, most=1.2)
    report.keep()
    told = read(file)
    assert told["arguments"] == {"data": "cifar10.npz"}  # what was left as it is, is not told
    assert told["tables"]["memory"]["rows"][1]["ratio"] == 2
    assert str(tmp_path) not in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda told: told.pop("machine"), "machine"),
        (lambda told: told.pop("date"), "date"),
        (lambda told: told.update(tables=[]), "tables"),
        (lambda told: told["machine"].pop("processor"), "machine.processor"),
        (lambda told: told["asked_for"][0].pop("found"), r"asked_for\[0\].found"),
        (lambda told: told["tables"]["memory"]["rows"][1].pop("ratio"), r"tables.memory.rows\[1\].ratio"),
        (lambda told: told["tables"]["memory"].pop("title"), "tables.memory.title"),
        (lambda told: told["tables"]["memory"].update(rows=[]), "tables.memory.rows"),
    ],
)
def test_what_is_missing_in_a_result_is_named_with_its_file_and_what_to_do(change, named, tmp_path):
    from measuring import rows_of
    from results import Report, read

    file = tmp_path / "memory.json"
    report = Report("memory", asked("--json", str(file)))
    report.table("memory", "the most memory", rows_of({"a": [1.0], "b": [2.0]}, unit="MiB", more_is_better=False))
    report.limit("memory", 0.5, most=1.2)
    report.keep()
    told = json.loads(file.read_text("utf-8"))
    change(told)
    file.write_text(json.dumps(told), "utf-8")
    with pytest.raises(SystemExit, match=rf"memory\.json.*: {named} missing.*python -m benchmarks memory --keep"):
        read(file)


def test_a_result_that_is_cut_off_is_named(tmp_path):
    from results import read

    (tmp_path / "memory.json").write_text('{"benchmark": "mem', "utf-8")
    with pytest.raises(SystemExit, match=r"memory\.json cannot be read: .*python -m benchmarks memory --keep"):
        read(tmp_path / "memory.json")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.876543, "4.877"),
        (48.76543, "48.77"),
        (4876.543, "4,877"),
        (0.04876, "0.04876"),
        (0.0, "0"),
        (3, "3"),
        (True, "True"),
    ],
)
def test_numbers_have_four_digits_that_count(value, text):
    from results import shown

    assert shown(value) == text
