"""Photos from a folder too large for memory: how much memory a training takes, and whether its input keeps up.

A folder with as many images as asked for is made by copying (hard links where the disk has them), and the same network
is trained on it for an epoch in two ways, each in a process of its own: ``stored`` reads the decoded images from the
cache, as kzoo does by itself, ``memory`` holds them in memory. Printed for each: seconds to read the folder, images a
second over the epoch but its first call, milliseconds of the processor for each (to be trusted on a busy machine), and
the most memory above what TensorFlow, the network and its first steps take by themselves (Linux: ``RssAnon``, and
``VmRSS``, which counts pages of files that are merely mapped as well).
Asked for: ``stored`` within 2 GB, and at least 0.9 of the speed of ``memory``.

    python benchmarks/image_folder.py --source photos/ --images 25000 --rounds 3
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ARMS = ("stored", "memory")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="a folder of images per class; by default drawn ones")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--option", action="append", default=[], help="KEY=VALUE, as -o of kzoo run")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        print(json.dumps(measure(options)))
        return
    found = {arm: [] for arm in ARMS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "photos"
        print(f"{make_folder(folder, options)} images", flush=True)
        environment = {**os.environ, "KZOO_DATA": str(Path(place) / "cache")}
        for number in range(options.rounds):
            for arm in ARMS:
                command = [sys.executable, __file__, *sys.argv[1:], "--arm", arm, "--folder", str(folder)]
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
                if done.returncode:
                    sys.exit(done.stderr)
                result = json.loads(done.stdout.splitlines()[-1])
                found[arm].append(result)
                print(f"round {number + 1} {arm:7} read in {result['read']:6.1f} s  {result['speed']:7.1f} img/s  "
                      f"{1000 * result['cost']:6.2f} CPU-ms/img  "
                      f"+{result['anonymous'] / 1e6:6.0f} MB of its own, +{result['resident'] / 1e6:6.0f} MB with "
                      "mapped files", flush=True)  # fmt: skip
    pairs = list(zip(found["stored"], found["memory"], strict=True))
    print(f"stored / memory: {statistics.median(s['speed'] / m['speed'] for s, m in pairs):.3f} img/s, "
          f"{statistics.median(m['cost'] / s['cost'] for s, m in pairs):.3f} img per CPU-second")  # fmt: skip


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
        self.most = dict.fromkeys(("RssAnon", "VmRSS"), 0)
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.1):
            for name, now in self.now().items():
                self.most[name] = max(self.most[name], now)

    def now(self):
        lines = Path("/proc/self/status").read_text().splitlines()
        values = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(tuple(self.most))}
        return {name: 1024 * int(value) for name, value in values.items()}


def measure(options):
    from kzoo.data import images
    from kzoo.data.sources import load_splits
    from kzoo.data.splits import DataRequest
    from kzoo.engine import runtime
    from kzoo.engine.listener import Silent
    from kzoo.models.saved import find_pipeline
    from kzoo.plugins.registry import get_registry
    from kzoo.runs.configure import configure
    from kzoo.training.assembly import Assembly
    from kzoo.training.trainer import Trainer

    runtime.start()
    runtime.seed_everything(0)
    import keras

    def assembled(data):
        config = configure("cats_vs_dogs", recipe=options.recipe, data=data, epochs=1, options=options.option)
        pipeline = find_pipeline("cats_vs_dogs")
        request = DataRequest(data, settings=config.data_settings, limit=256 if data == "sample" else None)
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
    images.MEMORY_LIMIT = 0 if options.arm == "stored" else 10**12
    config, parts, took = assembled(str(options.folder))

    class Timer(keras.callbacks.Callback):
        began = None
        steps = 0

        def on_train_batch_end(self, batch, logs=None):
            self.ended, self.spent = time.perf_counter(), time.process_time()
            if self.began is None:
                self.began, self.at, self.first = self.ended, self.spent, batch
            self.last = batch

    timer = Timer()
    steps = config.train.steps_per_execution
    Trainer(parts.model, steps_per_execution=steps).fit(parts.batches, epochs=1, callbacks=[timer])
    memory.done.set()
    images_done = (timer.last - timer.first) * config.train.batch_size
    speed = images_done / (timer.ended - timer.began)
    cost = (timer.spent - timer.at) / images_done
    after = {name: memory.most[name] - before[name] for name in before}
    return {"read": took, "speed": speed, "cost": cost, "anonymous": after["RssAnon"], "resident": after["VmRSS"]}


if __name__ == "__main__":
    main()
