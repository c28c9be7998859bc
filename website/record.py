"""Run the pipelines and keep what came of it for the gallery: figures in data/gallery.json, pictures in data/gallery/.

    python -m website.record                        all runs, one after the other
    python -m website.record mnist regression       the runs of these pipelines
    python -m website.record --data FOLDER          with real data from this folder, for those runs that take some

Pictures of real data are not kept, but for curves and tables: the pictures of others are not ours to publish.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from website.places import DATA

GALLERY = DATA / "gallery.json"
PICTURES = DATA / "gallery"
WIDEST = 900


@dataclass(frozen=True)
class Trial:
    """One run to record.

    Attributes:
        pipeline: The pipeline.
        arguments: What follows ``kzoo run PIPELINE``.
        needs: A file or folder of real data that ``--data`` names; empty for the embedded sample.
    """

    pipeline: str
    arguments: str = ""
    needs: str = ""

    @property
    def words(self) -> list[str]:
        """The command line."""
        data = ["--data", self.needs] if self.needs else ["--data", "sample"]
        return ["kzoo", "run", self.pipeline.replace("_", "-"), *self.arguments.split(), *data]


TRIALS = (
    Trial("mnist", "--recipe quick"),
    Trial("mnist", needs="mnist.npz"),
    Trial("cifar10", "--recipe quick"),
    Trial("cifar10", "--recipe classic --loss emd --epochs 3", needs="cifar10.npz"),
    Trial("cats_vs_dogs", "--recipe quick"),
    Trial("regression", "--recipe default"),
    Trial("fingers", "--recipe quick"),
    Trial("segmentation", "--recipe quick"),
    Trial("yolov3", "--recipe quick"),
    Trial("embedding", "--recipe quick"),
    Trial("restoration", "--recipe quick"),
    Trial("transcription", "--recipe quick"),
)


def record(trial: Trial, data: Path | None) -> dict[str, Any] | None:
    """Run one and return what came of it; None where its data is not there."""
    if trial.needs and not (data and (data / trial.needs).exists()):
        return None
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if trial.needs and data:
            (place / trial.needs).symlink_to((data / trial.needs).resolve())
        began, used = time.perf_counter(), _processor_seconds()
        subprocess.run(trial.words, cwd=place, check=True, env={**os.environ, "KZOO_DATA": str(place / "cache")})
        seconds, used = time.perf_counter() - began, _processor_seconds() - used
        [path] = place.glob("runs/*/*/run.json")
        found = json.loads(path.read_text("utf-8"))
        kept = _pictures(trial, path.parent / "plots", found["task"])
    return {
        "pipeline": trial.pipeline,
        "command": " ".join(trial.words),
        "data": found["data"]["description"],
        "used": found["data"]["used"],
        "sizes": found["data"]["sizes"],
        "results": found["results"]["test"],
        "epochs": found["training"]["epochs"],
        "parameters": found["model"].get("parameters"),
        "seconds": round(seconds, 1),
        "processor_seconds": round(used, 1),
        "pictures": kept,
        "machine": machine(),
        "versions": {name: found["versions"][name] for name in ("kzoo", "keras", "tensorflow")},
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _processor_seconds() -> float:
    """Return the seconds that processors have worked for the commands so far, whatever else the machine did."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def machine() -> str:
    """Return the kind of machine in words."""
    names = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return f"{os.cpu_count()} cores of {names[0] if names else platform.processor() or platform.machine()}, no GPU"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text("utf-8").splitlines() if path.is_file() else []


def _pictures(trial: Trial, plots: Path, task: str) -> list[dict[str, Any]]:
    """Keep the pictures of a run, small, and return their captions and sizes."""
    from PIL import Image

    from kzoo.tasks import task_named

    kept = []
    captions = {"curves": "Loss and metrics over the epochs", **task_named(task).pictures}
    for name, caption in captions.items():
        path = plots / f"{name}.png"
        if not path.is_file() or (trial.needs and name in task_named(task).photos):
            continue
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        image.thumbnail((WIDEST, WIDEST))
        stream = io.BytesIO()
        image.save(stream, "webp", quality=75, method=6)
        file = f"{trial.pipeline}-{'real' if trial.needs else 'sample'}-{name}.webp"
        PICTURES.mkdir(parents=True, exist_ok=True)
        (PICTURES / file).write_bytes(stream.getvalue())
        kept.append({"file": file, "caption": caption, "width": image.width, "height": image.height})
    return kept


def main() -> int:
    """Record the runs and write the file; a run that is not made keeps what was recorded of it."""
    parser = argparse.ArgumentParser(prog="python -m website.record")
    parser.add_argument("pipelines", nargs="*")
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    before = json.loads(GALLERY.read_text("utf-8")) if GALLERY.is_file() else []
    found = {one["command"]: one for one in before}
    for trial in TRIALS:
        if given.pipelines and trial.pipeline not in given.pipelines:
            continue
        made = record(trial, given.data)
        if made is None:
            print(f"left out, its data is not there: {' '.join(trial.words)}")
        else:
            found[made["command"]] = made
            kept = [found[line] for one in TRIALS if (line := " ".join(one.words)) in found]
            GALLERY.parent.mkdir(parents=True, exist_ok=True)
            GALLERY.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
