"""docs/benchmarks.md and the picture of the front, made of the tables that ``--keep`` left in benchmarks/results.

python -m benchmarks page [--check]
"""

import argparse
import json
import sys
from pathlib import Path

from measuring import RESULTS

DOCS = Path(__file__).parents[1] / "docs"
PAGE, PICTURE = DOCS / "benchmarks.md", DOCS / "images" / "cifar10_front.png"
TITLES = {
    "training": "Speed of training",
    "cifar10-front": "Time and accuracy on CIFAR-10",
    "first-step": "From the start to the first step",
    "predict": "One photo, from the command to the answer",
    "memory": "Memory",
    "startup": "Lists",
    "plugins": "Lists with many plugins",
    "input": "Photos from folders",
    "detect": "From a photo to boxes",
    "video": "Video",
}
INTRODUCTION = """\
# Benchmarks

Each table is made by one command, on one machine, with everything that is compared taking turns (A B A B ...): what
counts are the ratios, with how far they went over the rounds. `python -m benchmarks` lists all commands; with `--keep`
a benchmark leaves its tables in `benchmarks/results`, and `python -m benchmarks page` makes this page of them.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="say whether the page is of these tables; write nothing")
    asked = parser.parse_args()
    found = {
        name: json.loads(path.read_text("utf-8")) for name in TITLES if (path := RESULTS / f"{name}.json").exists()
    }
    text = page(found)
    if asked.check:
        return int(not PAGE.exists() or PAGE.read_text("utf-8") != text)
    PAGE.write_text(text, "utf-8")
    if "cifar10-front" in found:
        draw(found["cifar10-front"]["tables"]["front"])
    print(f"{PAGE}: {', '.join(found) or 'no tables'}")
    return 0


def page(found):
    """Return the page."""
    parts = [INTRODUCTION]
    for name, told in found.items():
        machine = told["machine"]
        versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
        given = " ".join(
            f"--{key.replace('_', '-')} {value.rpartition('/')[2]}"
            for key, value in told["arguments"].items()
            if value not in ("None", "False", "[]")
        )
        parts.append(f"## {TITLES[name]}\n")
        parts.append(
            f"`python -m benchmarks {name} {given}`, {told['date']}, {machine['cores']} cores of "
            f"{machine['processor']} ({', '.join(machine['instructions'])}), load {machine['load']} at its end; "
            f"{versions}.\n"
        )
        if name == "cifar10-front":
            parts.append("![Accuracy against time, a point for each recipe and seed](images/cifar10_front.png)\n")
        parts += [table_of(table) for table in told["tables"].values() if isinstance(table, list)]
    return "\n".join(parts)


def table_of(rows):
    """Return rows as a table of Markdown."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    lines = [f"| {' | '.join(name.replace('_', ' ') for name in names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(shown(row.get(name)) for name in names)} |" for row in rows]
    return "\n".join(lines) + "\n"


def shown(value):
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def draw(rows):
    """Draw accuracy against seconds."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for arm in dict.fromkeys(row["arm"] for row in rows):
        own = [row for row in rows if row["arm"] == arm]
        axes.plot([row["seconds"] for row in own], [100 * row["accuracy"] for row in own], "o", label=arm)
    axes.set(xscale="log", xlabel="seconds from the start of the process", ylabel="test accuracy, %")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(PICTURE, dpi=120, metadata={"Software": None})


if __name__ == "__main__":
    sys.exit(main())
