"""Start-up of the light commands, as a ratio of the CPU time of a typer program that prints a rich table.

Each command runs in turn with that program (A B A B ...), in the same environment, and medians of user plus system
time are compared. With ``--terminal`` stdout is a terminal, else a pipe.

    python benchmarks/startup.py [--repeats 15] [--terminal] [--limit 1.3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

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


def cpu_ms(arguments: list[str], *, terminal: bool) -> float:
    """Return the user plus system time of one process in milliseconds; a failure of it ends the benchmark."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if terminal:
        main, side = os.openpty()
    else:
        main, side = os.pipe()
    process = subprocess.Popen(arguments, stdout=side, stderr=subprocess.DEVNULL, env=environment)
    os.close(side)
    while True:
        try:
            if not os.read(main, 65536):
                break
        except OSError:  # how a terminal ends
            break
    os.close(main)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = f"{arguments} ended with {process.returncode}"
        raise SystemExit(message)
    return (usage.ru_utime + usage.ru_stime) * 1000


def main() -> int:
    """Measure, print the table, and return 1 if a ratio is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--terminal", action="store_true")
    parser.add_argument("--limit", type=float, default=1.3)
    options = parser.parse_args()
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        hello = Path(folder) / "hello.py"
        hello.write_text(HELLO)
        base = [sys.executable, str(hello)]
        print(f"{'command':<24} {'kzoo ms':>8} {'hello ms':>9} {'ratio':>6}")
        for command in COMMANDS:
            ours = [sys.executable, "-c", KZOO, *command]
            cpu_ms(base, terminal=options.terminal)  # writes the bytecode caches
            cpu_ms(ours, terminal=options.terminal)
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(options.repeats):
                for arguments, found in zip((base, ours), times, strict=True):
                    found.append(cpu_ms(arguments, terminal=options.terminal))
            theirs, mine = map(statistics.median, times)
            worst = max(worst, mine / theirs)
            print(f"{' '.join(command):<24} {mine:8.1f} {theirs:9.1f} {mine / theirs:6.2f}", flush=True)
    print(f"worst ratio {worst:.2f}, limit {options.limit}")
    return int(worst > options.limit)


if __name__ == "__main__":
    sys.exit(main())
