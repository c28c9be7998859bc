"""docs/benchmarks.md is what ``python -m benchmarks page`` makes of the tables that are kept, and so is its picture."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "benchmarks" / "results"
PAGE = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")


def benchmarks(*words):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_page_is_that_of_the_tables_that_are_kept():
    done = benchmarks("page", "--check")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}: write it again with `python -m benchmarks page`"


@pytest.mark.parametrize("file", sorted(KEPT.glob("*.json")), ids=lambda file: file.stem)
def test_every_number_of_a_table_is_on_the_page(file):
    told = json.loads(file.read_text("utf-8"))
    assert told["benchmark"] == file.stem
    part = PAGE.partition(f"`python -m benchmarks {file.stem}")[2].partition("\n## ")[0]
    for said in (told["date"], *told["machine"]["versions"].values(), told["machine"]["processor"]):
        assert said in PAGE
    for table in told["tables"].values():
        for row in table["rows"]:
            digits = f"{row['ratio']:.3f}" if "ratio" in row and row is not table["rows"][0] else row["arm"]
            assert re.search(rf"^\| {re.escape(row['arm'])} \|.*", part, re.MULTILINE)
            assert digits in part


def test_no_table_says_where_it_was_made():
    for file in KEPT.glob("*.json"):
        assert re.findall(r"/(?:root|home|tmp|work|Users)\b", file.read_text("utf-8")) == []
        assert file.stat().st_size < 40_000


def test_a_page_of_tables_that_lack_something_is_not_written(tmp_path):
    file = next(iter(KEPT.glob("*.json")))
    told = json.loads(file.read_text("utf-8"))
    del told["machine"]["versions"]
    (tmp_path / file.name).write_text(json.dumps(told), "utf-8")
    done = benchmarks("page", "--results", str(tmp_path), "--docs", str(tmp_path))
    assert done.returncode == 1
    assert f"{file.name} is not what a benchmark writes: machine.versions" in done.stderr
    assert not (tmp_path / "benchmarks.md").exists()


def test_tables_of_a_benchmark_that_is_not_there_are_named(tmp_path):
    shutil.copy(next(iter(KEPT.glob("*.json"))), tmp_path / "speeed.json")
    done = benchmarks("page", "--results", str(tmp_path), "--docs", str(tmp_path))
    assert done.returncode == 1
    assert "speeed" in done.stderr


def test_the_list_has_every_benchmark_with_a_sentence():
    done = benchmarks()
    listed = dict(line.split(None, 1) for line in done.stdout.splitlines()[2:])
    wanted = {
        "startup",
        "first-step",
        "training",
        "cifar10-front",
        "memory",
        "input",
        "detect",
        "video",
        "predict",
        "plugins",
    }
    assert wanted <= set(listed)
    assert all(text.endswith((".", ":", ",")) or len(text) > 20 for text in listed.values())
    assert benchmarks("speed").returncode == 2


@pytest.mark.long  # matplotlib draws
def test_a_front_becomes_a_table_and_a_picture(tmp_path):
    told = json.loads(next(iter(KEPT.glob("*.json"))).read_text("utf-8"))
    rows = [
        {"arm": arm, "seed": seed, "seconds": 60.0 + seed, "cpu": 110.0, "accuracy": 0.8 + seed / 100}
        for arm in ("kzoo fast", "tutorial's script, 1 epoch")
        for seed in range(2)
    ]
    beside = {"arm": "like airbench94, PyTorch", "seconds for 94 %, extrapolated": 1800.0}
    tables = {
        "front": {"title": "each training", "rows": rows},
        "airbench": {"title": "extrapolated", "rows": [beside]},
    }
    (tmp_path / "cifar10-front.json").write_text(json.dumps({**told, "tables": tables}), "utf-8")
    done = benchmarks("page", "--results", str(tmp_path), "--docs", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "| kzoo fast | 1 | 61.00 | 110.0 | 0.8100 |" in (tmp_path / "benchmarks.md").read_text("utf-8")
    drawn = (tmp_path / "images" / "cifar10_front.svg").read_text("utf-8")
    assert {"kzoo fast, seed 0: 60 s, 80.00 %", "kzoo fast, seed 1: 61 s, 81.00 %"} <= set(
        re.findall(r'<g id="([^"]*)"', drawn)
    )
    assert "like airbench94, PyTorch" in drawn
    again = benchmarks("page", "--results", str(tmp_path), "--docs", str(tmp_path))
    assert again.returncode == 0
    assert (tmp_path / "images" / "cifar10_front.svg").read_text("utf-8") == drawn


@pytest.mark.skipif(not (KEPT / "cifar10-front.json").exists(), reason="the front was not measured")
def test_the_picture_has_a_point_for_each_training():
    rows = json.loads((KEPT / "cifar10-front.json").read_text("utf-8"))["tables"]["front"]["rows"]
    drawn = (ROOT / "docs" / "images" / "cifar10_front.svg").read_text("utf-8")
    named = {f"{row['arm']}, seed {row['seed']}: {row['seconds']:.0f} s, {100 * row['accuracy']:.2f} %" for row in rows}
    assert named <= set(re.findall(r'<g id="([^"]*)"', drawn.replace("&#x27;", "'").replace("&apos;", "'")))


def test_the_documents_name_benchmarks_that_there_are():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    texts = {page.name: page.read_text("utf-8") for page in pages}
    listed = {line.split()[0] for line in benchmarks().stdout.splitlines()[2:]} | {"NAME"}
    named = {name: set(re.findall(r"python -m benchmarks ([\w-]+)", text)) for name, text in texts.items()}
    assert {name: wrong for name, found in named.items() if (wrong := found - listed)} == {}
    files = {name: set(re.findall(r"\bbenchmarks/(\w+\.py)", text)) for name, text in texts.items()}
    there = {path.name for path in (ROOT / "benchmarks").glob("*.py")}
    assert {name: wrong for name, found in files.items() if (wrong := found - there)} == {}
    assert len(set().union(*named.values())) > 5
