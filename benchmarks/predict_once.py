"""One photo from the command line to the answer, beside importing TensorFlow, loading and predicting by hand.

- ``kzoo``: ``kzoo predict MODEL PHOTO``;
- ``by hand``: ``import tensorflow``, ``keras.models.load_model``, ``model.predict`` of that photo.

Asked for: at most 1.15 times the processor time. Without ``--model`` it is one of mnist, trained on the sample.

    python -m benchmarks predict [--model RUN --photo FILE] [--rounds 5]
"""

import sys
import tempfile
from pathlib import Path

from measuring import ended, in_turns, parser_of, ratio_to, rows_of
from results import Report

BY_HAND = """
import sys
import numpy as np, tensorflow as tf
from PIL import Image
model = tf.keras.models.load_model(sys.argv[1], compile=False)
_, height, width, channels = model.input_shape
image = Image.open(sys.argv[2]).convert("L" if channels == 1 else "RGB").resize((width, height))
print(model.predict(np.asarray(image).reshape(1, height, width, channels), verbose=0))
"""


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model, photo = asked.model, asked.photo
        if model is None:
            model, photo = trained(Path(folder))
        file = model / "model.keras" if model.is_dir() else model
        arms = {
            "kzoo": lambda: ended([sys.executable, "-m", "kzoo", "predict", model, photo]),
            "by hand": lambda: ended([sys.executable, "-c", BY_HAND, file, photo]),
        }
        found = in_turns(arms, asked.rounds, warm=True)
    report = Report("predict", asked)
    cpu = rows_of(found, unit="CPU-s", more_is_better=False, what=lambda one: one.cpu)
    report.table("cpu", "processor time from the start of the process to the answer", cpu)
    report.limit("CPU time of `kzoo predict`, of doing it by hand", 1 / ratio_to(cpu, "by hand"), most=1.15)
    report.keep()


def trained(folder):
    from PIL import Image
    from sklearn.datasets import load_digits

    options = ["-r", "quick", "-d", "sample", "-e", "1", "-q", "--out", folder]
    ended([sys.executable, "-m", "kzoo", "run", "mnist", *options])
    [model] = (folder / "mnist").iterdir()
    photo = folder / "digit.png"
    Image.fromarray((load_digits().images[0] * 15.9).astype("uint8")).resize((28, 28)).save(photo)
    return model, photo


if __name__ == "__main__":
    main()
