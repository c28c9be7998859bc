"""docs/benchmarks.md and the picture of the front, made of the tables that ``--keep`` left in benchmarks/results.

python -m benchmarks page [--check]
"""

import argparse
import ast
import re
import sys
from pathlib import Path

from names import HERE, NAMES
from results import RATIOS, RESULTS, read, shown

DOCS = HERE.parent / "docs"
PICTURE = "images/cifar10_front.svg"
TITLES = {
    "training": "Speed of training",
    "fused-layers": "Batch normalization by one operation",
    "cifar10-front": "Time and accuracy on CIFAR-10",
    "first-step": "From the start to the first step",
    "predict": "One photo, from the command to the answer",
    "memory": "Memory",
    "startup": "Lists",
    "plugins": "Lists with many plugins",
    "input": "Photos from folders",
    "detect": "From a photo to boxes",
    "video": "Video",
    "state": "What it costs to keep the state of a training",
}
"""What is on the page, in this order."""
INTRODUCTION = """\
# Benchmarks

Each table is made by one command, on one machine, with everything that is compared taking turns (A B A B ...): what
counts are the ratios of the same round, with how far they went over the rounds. In the columns "is better by" a number
above 1 says how many times better the first row is than that one. "CPU-s" are seconds of processor time over all
threads, which other work on the machine changes less than the clock. A load above the number of cores says that there
was other work: then the ratios of processor time tell something, and those of the clock little.

`python -m benchmarks` lists all commands. With `--keep` a benchmark leaves its tables in `benchmarks/results`, and
`python -m benchmarks page` makes this page and its picture of them; nothing here is written by hand.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="say whether the page is of these tables; write nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, help="a folder of tables, if not benchmarks/results")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where benchmarks.md is written, if not in docs")
    asked = parser.parse_args()
    found = {name: read(path) for name in TITLES if (path := asked.results / f"{name}.json").exists()}
    if unknown := {path.stem for path in asked.results.glob("*.json")} - set(TITLES):
        sys.exit(f"{asked.results}: no benchmark of the page is called {', '.join(sorted(unknown))}.")
    text, file = page(found), asked.docs / "benchmarks.md"
    if asked.check:
        same = file.exists() and file.read_text("utf-8") == text
        print(f"{file} is {'' if same else 'NOT '}what the tables in {asked.results} make")
        return int(not same)
    file.write_text(text, "utf-8")
    if "cifar10-front" in found:
        from front_picture import draw

        (asked.docs / PICTURE).parent.mkdir(exist_ok=True)
        draw(found["cifar10-front"]["tables"], asked.docs / PICTURE)
    print(f"{file}: {', '.join(found) or 'no tables'}")
    return 0


def page(found):
    """Return the page of what benchmarks found, by their names."""
    parts = [INTRODUCTION]
    machines = list(dict.fromkeys(machine_of(told["machine"]) for told in found.values()))
    if len(machines) == 1:
        parts.append(f"All of it was measured on {machines[0]}; {versions_of(found)}.\n")
    limits = [
        f"| [{TITLES[name]}](#{anchor(TITLES[name])}) | {one['what']} | {one['limit']} | {shown(one['found'])} | "
        f"{'yes' if one['reached'] else '**no**'} |"
        for name, told in found.items()
        for one in told["asked_for"]
    ]
    if limits:
        parts += ["## What is asked for\n", "| | | asked for | found | reached |\n|---|---|---|---|---|"]
        parts += [*limits, ""]
    for name, told in found.items():
        parts += [f"## {TITLES[name]}\n", f"{explanation(name)}\n"]
        given = "".join(f" --{key.replace('_', '-')} {value}" for key, value in told["arguments"].items())
        where = f", on {machine_of(told['machine'])}; {versions_of({name: told})}" if len(machines) > 1 else ""
        load = told["machine"]["load"]
        parts.append(f"`python -m benchmarks {name}{given}`, {told['date']}{where}; load at its end {load}.\n")
        if name == "cifar10-front":
            parts.append(f"![Accuracy against time, a point for each recipe and seed]({PICTURE})\n")
        for table in told["tables"].values():
            parts += [f"**{table['title']}**\n", table_of(table["rows"])]
        parts += [f"{note}\n" for note in told["notes"]]
    return "\n".join(parts)


def explanation(name):
    """Return what a benchmark says of itself, without the commands at its end."""
    text = ast.get_docstring(ast.parse((HERE / f"{NAMES[name]}.py").read_text("utf-8")))
    kept = "\n".join(line for line in text.splitlines() if not re.match(r"\s{4}python ", line))
    return re.sub(r"\n{3,}", "\n\n", kept.replace("``", "`")).strip()


def anchor(title):
    """Return what a link to a heading has after its #."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def machine_of(machine):
    """Return a machine in words."""
    return (
        f"{machine['cores']} cores of {machine['processor']} ({', '.join(machine['instructions'])}), "
        f"{machine['memory_gb']} GB, {machine['system']}, Python {machine['python']}"
    )


def versions_of(found):
    """Return the versions of all packages that were measured; several of one package where they differ."""
    seen = {}
    for told in found.values():
        for package, version in told["machine"]["versions"].items():
            seen.setdefault(package, {})[version] = None
    return ", ".join(f"{package} {' and '.join(versions)}" for package, versions in seen.items())


def table_of(rows):
    """Return rows as a table of Markdown."""
    if "ratio" not in rows[0]:
        names = list(rows[0])
        lines = [[name.replace("_", " ") for name in names], *([shown(row[name]) for name in names] for row in rows)]
    else:
        unit, first = rows[0]["unit"], rows[0]
        lines = [["", f"median, {unit}", "from", "to", f"{first['arm']} is better by", "from", "to"]]
        for row in rows:
            ratios = [f"{row[key]:.3f}" if row is not first else "" for key in RATIOS[5:8]]
            lines.append([row["arm"], *(shown(row[key]) for key in ("median", "from", "to")), *ratios])
        lines[0][0] = f"{first['rounds']} rounds" if first["rounds"] > 1 else "one round"
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
