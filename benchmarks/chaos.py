"""Kill real runs at seeded random moments, resume them, and compare every file with those of a run that was left alone.

    python benchmarks/chaos.py --kills 100 --data DIR [--runs mnist,cifar10,...] [--seed 0] [--keep FOLDER]

``DIR`` holds ``mnist.npz``, ``cifar10.npz``, ``cats_vs_dogs/`` and, where they are asked for, ``fingers/`` and
``table.csv`` with a column ``y``; what has no data is left out, which is said. A kill comes after a random part of the
time that the run took when it was left alone, or as soon as a certain file begins to be written: the state, the best
model, the final one, the report. A third of the runs are killed again after they were resumed. Prints a line for each
trial and the sums.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from same_runs import differences

RUNS = {
    "mnist": ("mnist.npz", "-r default --limit 3000 --epochs 3 -o model.network=classic"),
    "cifar10": ("cifar10.npz", "-r default --limit 2000 --epochs 3"),
    "cats_vs_dogs": ("cats_vs_dogs", "-r quick --limit 200 --epochs 3"),
    "regression": ("", "-r quick --data sample --epochs 6 -o train.steps_per_execution=2"),
    "yolov3": ("", "-r quick --limit 96 --epochs 3 -o train.steps_per_execution=2"),
    "fingers": ("fingers", "-r quick --limit 120 --epochs 3"),
    "table": ("table.csv", "-r quick --epochs 8 --target y -o train.steps_per_execution=2"),
}
PIPELINES = {"table": "regression"}
MORE = ("fingers", "table")
FILES = ("state/.[ab].*", "state/.[ab]-best.*", ".best.*", ".model.*", "report.html", "plots/*", "metrics.csv")
COMMON = "-o train.save_every=0.3 -q"


def main():
    """Print what became of each trial; return 1 where one ended in another way than the run that was left alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--runs", default=",".join(name for name in RUNS if name not in MORE))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder to leave all runs in")
    asked = parser.parse_args()
    place = asked.keep or Path(tempfile.mkdtemp())
    draw = random.Random(asked.seed)
    runs = [name for name in asked.runs.split(",") if _there(name, asked.data)]
    print(f"{'run':<15}{'killed at':<70}equal")
    sums = {"kills": 0, "trials": 0, "equal": 0, "lost": 0}
    lost = []
    try:
        alone = {name: _alone(name, asked.data, place / name / "alone") for name in runs}
        while sums["kills"] < asked.kills:
            name = runs[sums["trials"] % len(runs)]
            trial = _Trial(name, asked.data, place / name / f"{sums['trials']:03d}", *alone[name], draw)
            kills = trial.run(draw.choice((1, 1, 2, 3)))
            found = trial.differences()
            sums["trials"] += 1
            sums["kills"] += kills
            sums["equal"] += not found
            sums["lost"] += trial.run_folder is None
            lost += trial.lost
            print(f"{name:<15}{trial.said + trial.fault:<70}{found or 'yes'}", flush=True)
            if not found and not asked.keep:
                shutil.rmtree(trial.out, ignore_errors=True)
    finally:
        if not asked.keep:
            shutil.rmtree(place, ignore_errors=True)
    mean = sum(lost) / len(lost) if lost else 0
    print(
        f"{sums['kills']} kills in {sums['trials']} trials: {sums['equal']} ended bit-equal, {sums['lost']} runs lost; "
        f"{mean:.2f} s of training taken anew for each kill in the training"
    )
    return 0 if sums["equal"] == sums["trials"] and not sums["lost"] else 1


def _there(name, data):
    needed = RUNS[name][0]
    if needed and not (data / needed).exists():
        print(f"{name} is left out: there is no {data / needed}")
        return False
    return True


def _command(name, data, out):
    needed, arguments = RUNS[name]
    source = ["--data", str((data / needed).absolute())] if needed else []
    settings = [*arguments.split(), *COMMON.split(), *source, "--out", str(out)]
    return [sys.executable, "-m", "kzoo", "run", PIPELINES.get(name, name), *settings]


def _alone(name, data, out):
    """Return the folder of a run that nobody kills, and how long it took from its first file to its end."""
    process = subprocess.Popen(_command(name, data, out), stdout=subprocess.DEVNULL)
    folder = _wait_for_folder(process, out)
    began = time.monotonic()
    if process.wait():
        message = f"{name} fails by itself"
        raise SystemExit(message)
    return folder, time.monotonic() - began


def _wait_for_folder(process, out):
    while process.poll() is None:
        if found := [path.parent for path in out.glob("*/*/run.json")]:
            return found[0]
        time.sleep(0.005)
    return next((path.parent for path in out.glob("*/*/run.json")), None)


class _Trial:
    def __init__(self, name, data, out, alone, seconds, draw):
        self.name, self.data, self.out, self.alone, self.seconds, self.draw = name, data, out, alone, seconds, draw
        self.said = self.fault = ""
        self.run_folder = None
        self.lost = []

    def run(self, kills):
        """Begin, kill and resume as often; return how many kills found a living process."""
        command, done = _command(self.name, self.data, self.out), 0
        for _ in range(kills):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.run_folder = self.run_folder or _wait_for_folder(process, self.out)
            if self.run_folder is None or not self._kill(process):
                break
            done += 1
            command = [sys.executable, "-m", "kzoo", "run", "--resume", str(self.run_folder), "-q"]
        if self.run_folder is not None:
            ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            if (
                ended.returncode
                and "there is nothing to resume" not in ended.stderr
                and "it kept no state" not in (ended.stderr)
            ):
                self.fault = ended.stderr.strip()[-300:]
        return done

    def differences(self):
        return differences(self.alone, self.run_folder) if self.run_folder is not None else ["there is no run"]

    def _kill(self, process):
        """Kill a process at a random moment; return whether it was alive."""
        if self.draw.random() < 0.5:
            moment = self.draw.uniform(0, self.seconds)
            self.said += f"{moment:.2f} s, "
            due = time.monotonic() + moment
            while process.poll() is None and time.monotonic() < due:
                time.sleep(0.005)
        else:
            pattern = self.draw.choice(FILES)
            count = self.draw.randint(1, 4)
            self.said += f"{pattern} #{count}, "
            self._wait_for(process, pattern, count)
        alive = process.poll() is None
        if alive:
            states = [path.stat().st_mtime for path in self.run_folder.glob("state/?.safetensors")]
            os.kill(process.pid, signal.SIGKILL)
            if not (self.run_folder / "model.keras").exists():  # it was in its training
                self.lost.append(time.time() - max(states, default=(self.run_folder / "run.json").stat().st_mtime))
        process.communicate()
        if not alive:
            self.said += "(ended before) "
        return alive

    def _wait_for(self, process, pattern, count):
        """Wait until a file of a pattern has appeared anew so many times."""
        seen, last = 0, None
        while process.poll() is None and seen < count:
            now = {(path.name, path.stat().st_mtime_ns) for path in self.run_folder.glob(pattern) if path.exists()}
            if now and now != last:
                seen, last = seen + 1, now
            time.sleep(0.001)


if __name__ == "__main__":
    sys.exit(main())
