"""What Ray costs and saves on one machine, as docs/many-machines.md has it.

    python benchmarks/many_machines.py runs --data mnist.npz      # eight runs: one worker, two of Ray, two processes
    python benchmarks/many_machines.py killed --data mnist.npz    # two runs, one worker of which is killed
    python benchmarks/many_machines.py images --data mnist.npz    # a folder of images, by Ray and by one process

Each line that is printed is JSON. ``memory`` is the most that the command and all processes below it had at a time, in
MB, each shared page counted once (the sum of PSS in /proc, looked at twice a second). Linux alone has that.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

KZOO = [sys.executable, "-m", "kzoo"]
LOSSES = ["--loss", "categorical_crossentropy", "--loss", "emd"]
RAY = b"ray::"


class Measured:
    """A command, and what it takes: seconds, and the most memory of its whole family.

    Args:
        words: The command line.
        log: The file that takes what it says.
        meanwhile: Called with each look at its processes.
    """

    def __init__(self, words, log, meanwhile=None):
        self.most, self._meanwhile = 0, meanwhile
        began = time.perf_counter()
        with log.open("a", encoding="utf-8") as file:
            self.process = subprocess.Popen([*KZOO, *map(str, words)], stdout=file, stderr=file)
            ended = threading.Event()
            looking = threading.Thread(target=self._look, args=(ended,))
            looking.start()
            self.code = self.process.wait()
        self.seconds = time.perf_counter() - began
        ended.set()
        looking.join()

    def _look(self, ended):
        while not ended.wait(0.5):
            family = [self.process.pid, *below(self.process.pid)]
            self.most = max(self.most, sum(map(proportional, family)))
            if self._meanwhile:
                self._meanwhile(family)

    def told(self, **more):
        print(
            json.dumps({**more, "seconds": round(self.seconds, 1), "memory": self.most >> 20, "code": self.code}),
            flush=True,
        )


def below(pid):
    """Return all processes below one."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *below(child)]
    return found


def proportional(pid):
    """Return the bytes of a process, of shared pages its part."""
    with contextlib.suppress(OSError, ValueError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return 0


def compared(asked, out, seeds):
    return [
        *("compare", "mnist", "-r", "quick", "--data", asked.data, "--limit", asked.limit, "--epochs", asked.epochs),
        *(*LOSSES, "--seeds", seeds, "-o", "report=false", "-o", "train.save_every=0", "--out", out),
    ]


def weights(folder):
    """Return the digest of the last weights of each run, by loss and seed, and which were resumed."""
    found = {}
    for path in sorted(folder.glob("mnist/*/run.json")):
        record = json.loads(path.read_text("utf-8"))
        if record["status"] == "done":
            found[record["label"], record["seed"]] = record["training"]["final_weights"], len(record.get("resumed", ()))
    return found


def runs(asked, place):
    ways = {
        "Ray, one worker": ["--on", "ray", "--jobs", "1"],
        "Ray, two workers": ["--on", "ray", "--jobs", "2"],
        "two processes": ["--jobs", "2"],
        "one process": ["--jobs", "1"],
    }
    ends = {}
    for name, options in ways.items():
        if asked.only and asked.only not in name:
            continue
        out = place / name.replace(" ", "-").replace(",", "")
        Measured([*compared(asked, out, 4), *options], place / "log.txt").told(trained=name, runs=8)
        ends[name] = weights(out)
    for one, other in (("Ray, two workers", "two processes"), ("Ray, one worker", "one process")):
        if one in ends and other in ends:
            print(json.dumps({f"weights of {one} and {other}": "equal" if ends[one] == ends[other] else "not equal"}))


def killed(asked, place):
    out, whole = place / "killed", place / "whole"
    victims = []

    def kill(family):
        """Kill the first worker that has begun a run and come through an epoch of it."""
        if victims or not list(out.glob("mnist/*/state/*")):
            return
        for pid in family:
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(RAY + b"train"):
                    os.kill(pid, signal.SIGKILL)
                    victims.append(pid)
                    return

    Measured([*compared(asked, out, 1), "--on", "ray", "--jobs", "2"], place / "log.txt", kill).told(
        trained="Ray, a worker killed", killed=len(victims)
    )
    Measured([*compared(asked, whole, 1), "--jobs", "2"], place / "log.txt").told(trained="two processes")
    one, other = weights(out), weights(whole)
    same = {key: value[0] for key, value in one.items()} == {key: value[0] for key, value in other.items()}
    resumed = sum(value[1] for value in one.values())
    print(json.dumps({"runs": len(one), "resumed": resumed, "weights": "equal" if same and one else "not equal"}))


def images(asked, place):
    import numpy as np
    from PIL import Image

    folder = place / "images"
    with np.load(asked.data) as data:
        pixels = np.concatenate([data["x_train"], data["x_test"]])[: asked.images]
    for number, picture in enumerate(pixels):
        path = folder / f"{number // 1000:03}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    log, out = place / "log.txt", place / "runs"
    subprocess.run(
        [*KZOO, "run", "mnist", "-r", "quick", "--data", asked.data, "--limit", "2000", "--epochs", "1", "--out", out],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    predict = ["predict", "last", folder, "--out", out]
    ways = {
        "one process": ["--csv", place / "plain.csv"],
        "Ray, two workers": ["--on", "ray", "--jobs", "2", "--results", place / "two.parquet"],
        "Ray, one worker": ["--on", "ray", "--jobs", "1", "--results", place / "one.parquet"],
    }
    for name, options in ways.items():
        if asked.only and asked.only not in name:
            continue
        found = Measured([*predict, *options], log)
        found.told(predicted=name, images=len(pixels), rate=round(len(pixels) / found.seconds, 1))
    if not asked.only:
        agree(place)


def agree(place):
    """Print how far the classes and probabilities of Ray and of one process agree."""
    import csv

    import pyarrow.dataset as ds

    with (place / "plain.csv").open(encoding="utf-8", newline="") as file:
        plain = {row["image"]: row for row in csv.DictReader(file)}
    rows = ds.dataset(place / "two.parquet").to_table().to_pylist()
    classes = sum(row["class"] == plain[row["image"]]["class"] for row in rows)
    apart = max(abs(row["probability"] - float(plain[row["image"]]["probability"])) for row in rows)
    print(
        json.dumps(
            {"rows": len(rows), "of": len(plain), "same class": classes, "probabilities apart by at most": apart}
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["runs", "killed", "images"])
    parser.add_argument("--data", type=Path, required=True, help="mnist.npz")
    parser.add_argument("--limit", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--only", default="", help="the ways whose name has this in it")
    asked = parser.parse_args()
    asked.data = asked.data.absolute()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        try:
            {"runs": runs, "killed": killed, "images": images}[asked.what](asked, place)
        finally:
            if (place / "log.txt").exists():
                print(*(place / "log.txt").read_text("utf-8").splitlines()[-40:], sep="\n", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
