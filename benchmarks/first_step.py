"""From the start of a process to its first training step, beside what importing TensorFlow takes.

- ``kzoo``: ``kzoo run cifar10 --data FILE``, ended as soon as its first step was taken;
- ``script``: the tutorial's script with the same file: float32 arrays, one-hot labels, ``fit``, likewise ended;
- ``import``: ``import tensorflow`` alone.

Asked for: kzoo within 1.25 times the processor time of the import plus 3 seconds.

    python -m benchmarks first-step --data cifar10.npz [--rounds 5]
"""

import statistics
import sys
import tempfile
from pathlib import Path

from measuring import ended, in_turns, parser_of, rows_of
from results import Report

KZOO = """
import os, sys
from kzoo.engine import runtime
runtime.start()
import keras, kzoo
class First(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        os._exit(0)
kzoo.run("cifar10", data=sys.argv[1], out=sys.argv[2], epochs=1, callbacks=[First()], verbose=0,
         options={"train.steps_per_execution": 1})
raise SystemExit("no step was taken")
"""
SCRIPT = """
import os, sys
import numpy as np, keras
with np.load(sys.argv[1]) as file:
    x, y = file["x_train"].astype("float32") / 255, keras.utils.to_categorical(file["y_train"], 10)
layers = [keras.Input((32, 32, 3))]
for _ in range(2):
    layers += [keras.layers.Conv2D(32, (4, 4), activation="relu"), keras.layers.MaxPool2D((2, 2))]
layers += [keras.layers.Flatten(), keras.layers.Dense(256, activation="relu")]
model = keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")])
model.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
class First(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        os._exit(0)
model.fit(x, y, batch_size=128, callbacks=[First()], verbose=0)
raise SystemExit("no step was taken")
"""


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="cifar10.npz, as Keras has it")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "kzoo": ["-c", KZOO, asked.data, folder],
            "script": ["-c", SCRIPT, asked.data],
            "import tensorflow": ["-c", "import tensorflow"],
        }
        arms = {name: lambda c=command: ended([sys.executable, *c]) for name, command in commands.items()}
        found = in_turns(arms, asked.rounds, warm=True)
    report = Report("first-step", asked)
    report.table(
        "cpu",
        "processor time to the first training step of cifar10",
        rows_of(found, unit="CPU-s", more_is_better=False, what=lambda one: one.cpu),
    )
    report.table(
        "memory",
        "the most memory until then",
        rows_of(found, unit="MiB", more_is_better=False, what=lambda one: one.memory / 2**20),
    )
    limits = [1.25 * (one.cpu + 3) for one in found["import tensorflow"]]
    share = statistics.median(one.cpu / limit for one, limit in zip(found["kzoo"], limits, strict=True))
    report.limit("CPU time to the first step, of 1.25 x (import tensorflow + 3 s)", share, most=1)
    report.keep()


if __name__ == "__main__":
    main()
