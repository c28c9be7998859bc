"""A command runs once to see which calls it makes below its folder, and again for each that is to fail."""

import csv
import json
import os
import re
import shutil
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import keras
from faulty_calls import FaultyCalls, chosen
from PIL import Image

from kzoo.models.inspection import inspect
from kzoo.runs.state import StateFolder

__all__ = ["Command", "content_of", "judged", "swept", "torn", "tried"]

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}(\.\w+)?")


@dataclass(frozen=True)
class Command:
    """What is run in a folder, and what lies there before.

    Attributes:
        call: Given nothing, in the folder; returns an exit code.
        start: A folder that is copied there first.
        after: Called once it failed or ended, with the folder, the exit code, what was said and the fault, when no
            call fails any more; returns what is wrong.
    """

    call: object
    start: Path | None = None
    after: object = lambda place, code, said, fault: []

    def run(self, place):
        self.lay(place)
        return self.call()

    def lay(self, place):
        """Make the folder anew, and go there."""
        shutil.rmtree(place, ignore_errors=True)
        if self.start is None:
            place.mkdir()
        else:
            shutil.copytree(self.start, place)
        keras.backend.clear_session(free_memory=False)
        os.chdir(place)


def content_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def torn(folder, *, lasting):
    """Return what is not whole below a folder; what a fault that lasts keeps from being removed may stay."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            found += _faults(path, lasting=lasting)
        except (ValueError, OSError, SyntaxError) as error:
            found.append(f"{path.name}: {type(error).__name__}: {error}")
    return found


def _faults(path, *, lasting):
    found = []
    if _TEMPORARY.fullmatch(path.name):
        found += [] if lasting else [f"{path.name} was left"]
    elif path.name.endswith(".part.json"):
        pass  # a damaged note on an unfinished download is not believed: it starts over
    elif path.suffix == ".json":
        json.loads(path.read_bytes())
    elif path.suffix == ".toml":
        tomllib.loads(path.read_text("utf-8"))
    elif path.suffix == ".csv":
        widths = {len(row) for row in csv.reader(path.read_text("utf-8").splitlines())}
        found += [] if len(widths) == 1 else [f"{path.name} has rows of {widths}"]
    elif path.suffix == ".keras":
        found += [f"{path.name}: {fault}" for fault in inspect(path).faults]
    elif path.suffix == ".png":
        with Image.open(path) as image:
            image.load()
    elif path.suffix == ".html":
        found += [] if path.read_text("utf-8").rstrip().endswith("</html>") else [f"{path.name} ends too early"]
    elif path.name == "state":
        found += StateFolder(path).read()[1]
    return found


def judged(code, said, place, before, after, fault, calls):
    """Return what is wrong with how a command took a fault.

    Args:
        code: Its exit code.
        said: What it wrote to stderr.
        place: Its folder.
        before: The files in it before the command.
        after: Those after it, without a fault.
        fault: The fault.
        calls: The calls, with the one that failed.
    """
    found = torn(place, lasting=fault.lasting or calls.target[0].startswith(("unlink", "rmdir")))
    now = content_of(place)
    if code not in (0, 1):
        found.append(f"exit code {code}")
    if "unexpected" in said or "Traceback" in said:
        found.append("unexpected")
    errors = [line for line in said.splitlines() if line.startswith("error")]
    unread = "cannot be read as an image" in said  # the other images go on, as is documented
    if code == 1 and len(errors) != 1 and not unread:
        found.append(f"{len(errors)} errors")
    if code == 0 and "warning" not in said and _names(now) != _names(after):
        found.append(f"exit code 0 without a word, and without {_names(after) - _names(now)}")
    for name, content in before.items():
        if now.get(name) not in (content, after.get(name)) and "runs/" not in name and not unread:
            found.append(f"{name} is neither what it was nor what it was to become")
    return found


def _names(files):
    return {re.sub(r"\d{8}T\d{6}Z(-quick-.*?-s0)(-\d+)?", r"RUN\1", name) for name in files if ".lock" not in name}


def tried(command, place, capsys, after, site, time, fault):
    """Run a command in which one call fails; return the exit code, whether the call came, and what is wrong.

    Args:
        command: The command.
        place: Its folder, which is made.
        capsys: What it says is read from.
        after: The files in its folder after it, without a fault.
        site: Which call, as `FaultyCalls` names it.
        time: Which of the calls of that site, from 1.
        fault: With what it fails.
    """
    command.lay(place)
    before = content_of(place)
    faulty = FaultyCalls(place, (site, time), fault)
    found = []
    try:
        with faulty:
            code = command.call()
    except BaseException as error:
        code, found = -1, [f"{type(error).__name__}: {error}"]
    said = capsys.readouterr().err
    found = found or judged(code, said, place, before, after, fault, faulty) + command.after(place, code, said, fault)
    return code, faulty.hit, [f"{fault} at {time}. {site}: {one}: {said[-400:]!r}" for one in found]


def swept(command, place, capsys, targets=chosen):
    """Run a command once for each call that is to fail; return what is wrong, and how many faults there were.

    Args:
        command: The command.
        place: Its folder, which is made.
        capsys: What it says is read from.
        targets: Given the calls that it makes without a fault, returns sites, numbers and faults.
    """
    faults, wrong = Counter(), []
    command.lay(place)
    with FaultyCalls(place) as calls:
        assert command.call() == 0, capsys.readouterr().err
    after = content_of(place)
    capsys.readouterr()
    for site, time, fault in targets(calls.seen):
        code, hit, found = tried(command, place, capsys, after, site, time, fault)
        wrong += found
        faults["hit" if hit else "not reached"] += 1
        faults["failed" if code else "went on"] += 1
    sys.stdout.write(f"{dict(faults)} of {len(calls.seen)} sites\n")
    return wrong, faults
