"""Run the command that `kzoo info` suggests for every component, one at a time, in one process, and print one table.

    python benchmarks/every_component.py
    python benchmarks/every_component.py --kind loss --kind schedule
    python benchmarks/every_component.py --only emd --only adam

Each command is run as it is shown, but for a short training: the recipe `quick`, the sample, two epochs, 32 examples
of each split, no report. It is `ok` when it ends with 0, and all that it measured, in training and in the test, is
finite numbers. A component for which no command is shown, as no pipeline takes it, is counted by itself. Exit code 1
when a command is not ok.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import logging
import math
import os
import shlex
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path

KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer", "tracker", "pipeline")
SIZES = ("_small", "_medium", "_large")
"""Of boxes of a size that the test does not have there is no AP, which is no fault."""


@dataclass(frozen=True)
class Outcome:
    """What came of one command: the loss in training and in the test, and what was wrong, if anything was."""

    trained: float = math.nan
    tested: float = math.nan
    wrong: str = ""


@dataclass
class Tally:
    """The components that a command is shown for and those without one; what was wrong with which command."""

    tried: int = 0
    without: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def main():
    options = _options()
    from kzoo.engine import runtime
    from kzoo.errors import UsageError

    try:
        chosen = _chosen(options)
    except UsageError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    runtime.start()
    logging.getLogger("tensorflow").setLevel("ERROR")  # many networks in one process are what it warns of
    brief = _brief(options)
    width = max(len(name) for _, name in chosen)
    print(f"{len(chosen)} components, each with {shlex.join(brief)}\n")
    print(f"{'kind':<12}{'component':<{width}}{'training':>11}{'test':>11}{'seconds':>9}  result, command")
    tally = Tally()
    began = time.perf_counter()
    for kind, name in chosen:
        command = shown(kind, name)["command"]
        if not command:
            tally.without.append(f"{kind} {name}")
            continue
        start = time.perf_counter()
        outcome = tried(command, brief)
        numbers = f"{outcome.trained:>11.4g}{outcome.tested:>11.4g}{time.perf_counter() - start:>9.1f}"
        result = textwrap.shorten(outcome.wrong, 60) or "ok"
        print(f"{kind:<12}{name:<{width}}{numbers}  {result}, {command}", flush=True)
        tally.tried += 1
        if outcome.wrong:
            tally.failed.append(f"{command}: {outcome.wrong}")
    print(f"\n{tally.tried} commands in {time.perf_counter() - began:.0f} s; {len(tally.failed)} not ok")
    for line in tally.failed:
        print(f"  {line}")
    if tally.without:
        print(f"no command is shown for {len(tally.without)}: {', '.join(tally.without)}")
    return 1 if tally.failed else 0


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", action="append", choices=KINDS, help="these kinds; by default all")
    parser.add_argument("--only", action="append", metavar="NAME", help="these components, of whatever kind")
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--data", default="sample", help="as in `kzoo run`")
    parser.add_argument("--epochs", default="2")
    parser.add_argument("--limit", default="32", help="examples of each split")
    parser.add_argument("--seed", default="0")
    return parser.parse_args()


def _brief(options):
    """Return the flags that are added to each command."""
    named = {name: getattr(options, name) for name in ("recipe", "data", "epochs", "limit", "seed")}
    if Path(named["data"]).exists():
        named["data"] = str(Path(named["data"]).resolve())  # each command is run in a folder of its own
    return [*(word for name, value in named.items() for word in (f"--{name}", value)), "-o", "report=false"]


def _chosen(options):
    """Return kind and name of every component to try; raise `UsageError` for a name that stands for none."""
    from kzoo.errors import UsageError
    from kzoo.plugins.registry import get_registry

    registry = get_registry()
    found = [entry for kind in options.kind or KINDS for entry in registry.entries(kind)]
    if options.only:
        named = [entry for name in options.only for entry in registry.find(name)]
        found = [entry for entry in found if entry in named]
    if not found:
        message = f"There is none of these: {', '.join(options.only or KINDS)}."
        raise UsageError(message)
    return [(entry.kind, registry.shown_name(entry)) for entry in found]


def shown(kind, name):
    """Return what `kzoo info` says of a component."""
    code, said, heard = _called(["info", name, "--kind", kind, "--json"])
    if code:
        raise RuntimeError(heard)
    return json.loads(said)


def tried(command, brief):
    """Run a command with further flags in a folder of its own, and return what came of it."""
    import keras

    _, *arguments = shlex.split(command)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # a tracker may write where it is called
        code, said, heard = _called([*arguments, *brief, "--out", "runs", "--json"])
        keras.backend.clear_session()
        gc.collect()
        if code == 130:
            raise KeyboardInterrupt
        if code:
            return Outcome(wrong=f"ended with {code}: {' '.join(heard.split('error:')[-1].split())}")
        record = json.loads(said)
        run = json.loads(Path(record["run"], "run.json").read_text("utf-8"))
    return _outcome(run["training"]["history"], record["results"]["test"])


def _outcome(history, tested):
    """Return the losses of a run, and which of its values are no finite numbers."""
    measured = {f"epoch {at} {name}": value for at, logs in enumerate(history, 1) for name, value in logs.items()}
    measured |= {f"test {name}": value for name, value in tested.items()}
    wrong = [
        f"{name} is {value}"
        for name, value in measured.items()
        if (not name.endswith(SIZES) if value is None else not math.isfinite(value))
    ]
    numbers = [math.nan if value is None else float(value) for value in (history[-1]["loss"], tested["loss"])]
    return Outcome(*numbers, "; ".join(wrong))


def _called(arguments):
    """Run one command line of kzoo in this process; return its exit code, and what it wrote to stdout and stderr."""
    from kzoo.cli import main as kzoo

    said, heard = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(heard):
        code = kzoo(arguments)
    return code, said.getvalue(), heard.getvalue()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        os._exit(130)
