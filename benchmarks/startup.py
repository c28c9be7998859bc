"""Start-up of the light commands, as a ratio of the CPU time of a typer program that prints a rich table.

The commands and that program, ``hello``, run in turn (A B C A B C ...), in the same environment, and user plus system
time is compared. With ``--terminal`` stdout is a terminal, else a pipe. Asked for: at most 1.3 times the program's.

    python -m benchmarks startup [--repeats 15] [--terminal] [--limit 1.3]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measuring import ended, in_turns, parser_of, rows_of
from results import Report

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
    with tempfile.TemporaryDirectory() as folder:
        hello = Path(folder) / "hello.py"
        hello.write_text(HELLO)
        commands = {"hello": [hello]} | {f"kzoo {' '.join(words)}": ["-c", KZOO, *words] for words in COMMANDS}
        arms = {
            name: lambda c=command: ended([sys.executable, *c], terminal=asked.terminal).cpu * 1000
            for name, command in commands.items()
        }
        found = in_turns(arms, asked.repeats, warm=True, quiet=True)  # the first call writes the bytecode caches
    report = Report("startup", asked)
    rows = rows_of(found, unit="CPU-ms", more_is_better=False)
    report.table("commands", "processor time of a command", rows)
    worst = max(row["ratio"] for row in rows[1:])
    held = report.limit("CPU time of the slowest list, of the hello-world", worst, most=asked.limit)
    report.keep()
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
