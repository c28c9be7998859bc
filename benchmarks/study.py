"""A study of 20 trials on MNIST that is killed once and finished by two processes: what docs/tuning.md speaks of.

    python benchmarks/study.py --data DIR [--trials 20] [--seeds 5] [--limit 6000] [--epochs 3] [--kill-after 6]

``DIR`` holds ``mnist.npz``. Runs and study go to ``--out``, ``runs`` by default. The first process is ended by SIGKILL
in the middle of a trial, after ``--kill-after`` others; then two processes are given the same command at once. Printed:
what each of them said, and as the last line in JSON how many trials came to which end, which were resumed, and what the
verdict was.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

SEARCH = (
    "optimizer.learning_rate.max_learning_rate=1e-3..1:log",
    "optimizer.momentum=0.5..0.99",
    "train.batch_size=16,32,64,128",
    "augment.reach=0..3:int",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--limit", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--kill-after", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    asked = parser.parse_args()
    words = ["tune", "mnist", "--recipe", "quick", "--data", str(asked.data / "mnist.npz"), "--metric", "val_loss"]
    words += [word for one in SEARCH for word in ("--search", one)]
    words += ["--trials", str(asked.trials), "--seeds", str(asked.seeds), "--limit", str(asked.limit)]
    words += ["--epochs", str(asked.epochs), "--out", str(asked.out), "--study", "digits"]
    command = [sys.executable, "-m", "kzoo", *words]
    print("kzoo", *words, flush=True)

    began = time.perf_counter()
    print(f"== killed in a trial after {asked.kill_after}", flush=True)
    kill_in_a_trial(command, asked.kill_after, asked.out / "mnist")
    print("== the same command in two processes at once", flush=True)
    both = [subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [json.loads(process.communicate()[0]) for process in both]
    seconds = time.perf_counter() - began
    found = next((one for one in answers if one["comparison"]), answers[0])
    for one in answers:
        print(*one["summary"], *one["notes"], sep="\n")
    records = [json.loads(path.read_text("utf-8")) for path in asked.out.glob("mnist/*/run.json")]
    ours = [one for one in records if one.get("part_of", {}).get("study") == "digits"]
    statuses = [row["status"] for row in found["trials"]]
    report = {
        "seconds": round(seconds, 1),
        "trials": len(found["trials"]),
        **{status: statuses.count(status) for status in dict.fromkeys(statuses)},
        "runs_of_trials": len(ours),
        "resumed": [one["part_of"]["trial"] for one in ours if one.get("resumed")],
        "best": found["best"],
        "measures": [
            {key: row[key] for key in ("measure", "cell", "mean", "difference", "p_holm", "verdict")}
            for row in (found["comparison"] or {"measures": []})["measures"]
        ],
    }
    print(json.dumps(report))
    return 0 if found["comparison"] and len(found["trials"]) == asked.trials else 1


def kill_in_a_trial(command: list[str], after: int, runs: Path) -> None:
    """Start a study, and end its process by SIGKILL when a trial has a state to go on from, after so many others."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    ended = 0
    for line in process.stderr:
        print(line, end="", flush=True)
        ended += ": done" in line or ": pruned" in line
        if ended == after:
            break
    while process.poll() is None and not any(path.is_dir() for path in runs.glob("*/state")):
        time.sleep(0.05)
    process.kill()
    process.communicate()


if __name__ == "__main__":
    sys.exit(main())
