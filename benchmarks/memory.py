"""The most memory that a training of CIFAR-10 takes, beside the tutorial's script.

- ``kzoo``: ``kzoo run cifar10 --recipe classic --epochs 1``, test and report included;
- ``script``: the same network as the tutorial writes it: float32 arrays, one-hot labels, ``fit``, ``evaluate``.

Asked for: at most 1.2 times the script's.

    python -m benchmarks memory --data cifar10.npz [--rounds 3]
"""

import sys
import tempfile
from pathlib import Path

from first_step import SCRIPT
from measuring import ended, in_turns, parser_of, ratio_to, rows_of
from results import Report

WHOLE = (
    SCRIPT.partition("class First")[0]
    + """
with np.load(sys.argv[1]) as file:
    test = file["x_test"].astype("float32") / 255, keras.utils.to_categorical(file["y_test"], 10)
model.fit(x, y, batch_size=128, validation_split=0.05, verbose=0)
model.evaluate(*test, verbose=0)
"""
)


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="cifar10.npz, as Keras has it")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = ["-m", "kzoo", "run", "cifar10", "-r", "classic", "-e", "1", "-b", "128", "-q", "--out", folder]
        arms = {
            "kzoo": lambda: ended([sys.executable, *run, "--data", asked.data]),
            "script": lambda: ended([sys.executable, "-c", WHOLE, asked.data]),
        }
        found = in_turns(arms, asked.rounds)
    report = Report("memory", asked)
    rows = rows_of(found, unit="MiB", more_is_better=False, what=lambda one: one.memory / 2**20)
    report.table("memory", "the most memory of a training of CIFAR-10, one epoch", rows)
    report.limit("memory of a run, of the script's", 1 / ratio_to(rows, "script"), most=1.2)
    report.keep()


if __name__ == "__main__":
    main()
