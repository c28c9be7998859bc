"""Photos from a folder: how fast a training goes, how long it waits for its input, and how much memory it takes.

A folder with as many images as asked for is made by copying (hard links where the disk has them), and the same network
is trained on it for an epoch, each time in a process of its own: with ``data.cache=memory``, which holds the decoded
images in memory, ``disk``, which reads them from a file, and ``off``, which decodes each when it is needed. What is
told is of the epoch but its first call: how long its steps waited is measured in the compiled steps, as ``--profile``
does. Memory is what comes on top of what TensorFlow, the network and its first steps take (Linux: ``RssAnon``).
Asked for: ``disk`` within 2 GB, and at least 0.9 of the speed of ``memory``.

    python -m benchmarks input --source photos/ --images 25000 --rounds 3
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from measuring import ended, in_turns, parser_of, rows_of
from results import Report

CACHES = ("memory", "disk", "off")
TABLES = {
    "speed": ("images a second", "img/s", True),
    "cost": ("images a second of the processor", "img/CPU-s", True),
    "waited": ("part of the time in its steps that the training waited for images", "%", False),
    "read": ("seconds until the folder is read", "s", False),
    "memory": ("the most memory on top", "MB", False),
}


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--source", type=Path, help="a folder of images per class; by default drawn ones")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--option", action="append", default=[], help="KEY=VALUE, as -o of kzoo run")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--arms", default=",".join(CACHES), help="some of them")
    parser.add_argument("--arm", choices=CACHES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.arm:
        print(json.dumps(measure(asked)))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "photos"
        print(f"{make_folder(folder, asked)} images", flush=True)
        command = [sys.executable, Path(__file__), *sys.argv[1:], "--folder", folder]

        def arm(cache):
            done = ended([*command, "--arm", cache], KZOO_DATA=Path(place) / "cache")
            return json.loads(done.out.splitlines()[-1])

        found = in_turns({cache: lambda c=cache: arm(c) for cache in asked.arms.split(",")}, asked.rounds)
    report = Report("input", asked)
    for name, (title, unit, more) in TABLES.items():
        rows = rows_of(found, unit=unit, more_is_better=more, what=lambda one, n=name: one[n])
        report.table(name, title, rows)
        if name == "speed" and {"memory", "disk"} <= set(found):
            ratio = statistics.median(
                disk[name] / memory[name] for disk, memory in zip(found["disk"], found["memory"], strict=True)
            )
            report.limit("speed from the disk, of that from memory", ratio, least=0.9)
        if name == "memory" and "disk" in found:
            report.limit("memory with the disk, GB", max(one[name] for one in found["disk"]) / 1000, most=2)
    report.keep()


def make_folder(folder, options):
    """Fill ``folder`` with copies of the source's images, and return how many there are."""
    from kzoo.data.images import find_images

    source = options.source or drawn(folder.with_name("drawn"))
    files = {path.name: find_images(path) for path in sorted(p for p in source.iterdir() if p.is_dir())}
    if {"train", "test"} & set(files):  # with splits: those of the training split
        files = {path.name: find_images(path) for path in sorted((source / "train").iterdir()) if path.is_dir()}
    for name, paths in files.items():
        (folder / name).mkdir(parents=True)
        for number in range(options.images // len(files)):
            original = paths[number % len(paths)]
            copy = folder / name / f"{number:06}{original.suffix}"
            try:
                os.link(original, copy)
            except OSError:
                copy.write_bytes(original.read_bytes())
    return sum(options.images // len(files) for _ in files)


def drawn(folder):
    from PIL import Image

    from kzoo_zoo.cats_vs_dogs.animals import ANIMALS, draw_animals

    for number, (image, label) in enumerate(zip(*draw_animals(200, 0, (180, 240)), strict=True)):
        path = folder / ANIMALS[label] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, quality=90)
    return folder


class Memory(threading.Thread):
    """Watches what this process takes, ten times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most = 0
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.1):
            self.most = max(self.most, self.now())

    def now(self):
        """Return the bytes of its own, without pages of files that are merely mapped."""
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def measure(asked):
    from kzoo.engine import runtime

    runtime.start()
    from kzoo.data.sources import load_splits
    from kzoo.data.splits import DataRequest
    from kzoo.engine.listener import Silent
    from kzoo.models.saved import find_pipeline
    from kzoo.plugins.registry import get_registry
    from kzoo.runs.configure import configure
    from kzoo.training.assembly import Assembly
    from kzoo.training.profiled_steps import Profiler
    from kzoo.training.profiling import Profile
    from kzoo.training.trainer import Trainer

    runtime.seed_everything(0)
    import keras

    def assembled(data):
        config = configure("cats_vs_dogs", recipe=asked.recipe, data=data, epochs=1, options=asked.option)
        pipeline = find_pipeline("cats_vs_dogs")
        limit = 256 if data == "sample" else None
        request = DataRequest(data, settings=config.data_settings, limit=limit, cache=asked.arm)
        began = time.perf_counter()
        splits = load_splits(pipeline.source(), request, Silent())
        took = time.perf_counter() - began
        parts = Assembly(config, pipeline, splits.task or "binary", get_registry())
        parts.compile(splits)
        return config, parts, took

    config, small, _ = assembled("sample")
    Trainer(small.model, steps_per_execution=4).fit(small.batches, epochs=1)
    del small
    memory = Memory()
    before = memory.now()
    memory.start()
    config, parts, took = assembled(str(asked.folder))
    profile = Profile()

    class Timer(keras.callbacks.Callback):
        began = None

        def on_train_batch_end(self, batch, logs=None):
            now = time.perf_counter(), time.process_time(), profile.seconds.get("waiting for data", 0.0), batch
            self.began, self.ended = self.began or now, now

    timer = Timer()
    steps = max(1, min(config.train.steps_per_execution, parts.batches.steps_per_epoch // 4))
    trainer = Trainer(parts.model, steps_per_execution=steps, profiler=Profiler(profile, asked.folder / "profile"))
    trainer.fit(parts.batches, epochs=1, callbacks=[timer])
    memory.done.set()
    seconds, spent, waited, batches = (end - begin for begin, end in zip(timer.began, timer.ended, strict=True))
    images = batches * config.train.batch_size
    return {
        "read": took,
        "speed": images / seconds,
        "cost": images / spent,
        "waited": max(100 * waited / seconds, 1e-3),
        "memory": (memory.most - before) / 1e6,
    }


if __name__ == "__main__":
    main()
