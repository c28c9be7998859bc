"""Start-up of the light commands, as a ratio of the CPU time of a typer program that prints a rich table.

Each command runs in turn with that program (A B A B ...), in the same environment, and medians of user plus system
time are compared. With ``--terminal`` stdout is a terminal, else a pipe.

    python -m benchmarks startup [--repeats 15] [--terminal] [--limit 1.3]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from measuring import ended, in_turns, keep, parser_of

HELLO = """
import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer()

@app.command()
def hello(name: str = "world"):
    table = Table("greeting", "name")
    table.add_row("hello", name)
    Console().print(table)

app()
"""

KZOO = "import sys; from kzoo.cli import main; sys.exit(main())"

COMMANDS = [
    ["--version"],
    ["--help"],
    ["list-losses"],
    ["list-metrics"],
    ["list-optimizers"],
    ["list-regularizers"],
    ["list-pipelines"],
    ["list-plugins"],
    ["list-losses", "--json"],
    ["list-losses", "--help"],
]


def main() -> int:
    """Measure, print the table, and return 1 if a ratio is above the limit."""
    parser = parser_of(__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--terminal", action="store_true")
    parser.add_argument("--limit", type=float, default=1.3)
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        hello = Path(folder) / "hello.py"
        hello.write_text(HELLO)
        print(f"{'command':<24} {'kzoo ms':>8} {'hello ms':>9} {'ratio':>6}")
        for command in COMMANDS:
            arms = {
                "hello": lambda: ended([sys.executable, hello], terminal=asked.terminal).cpu * 1000,
                "kzoo": lambda c=command: ended([sys.executable, "-c", KZOO, *c], terminal=asked.terminal).cpu * 1000,
            }
            found = in_turns(arms, asked.repeats, warm=True, quiet=True)  # the first call writes the bytecode caches
            theirs, mine = (statistics.median(found[name]) for name in arms)
            rows.append({"arm": " ".join(command), "median": mine, "unit": "CPU-ms", "ratio": mine / theirs})
            print(f"{' '.join(command):<24} {mine:8.1f} {theirs:9.1f} {mine / theirs:6.2f}", flush=True)
    worst = max(row["ratio"] for row in rows)
    print(f"worst ratio {worst:.2f}, limit {asked.limit}")
    keep("startup", asked, commands=rows, worst=worst)
    return int(worst > asked.limit)


if __name__ == "__main__":
    sys.exit(main())
