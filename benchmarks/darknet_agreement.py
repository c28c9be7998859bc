"""How far the Keras networks are from OpenCV's dnn, which reads the same Darknet files with other code.

For each network the largest absolute difference of the raw heads and of the decoded boxes and scores, over random
weights or, with ``--data FOLDER`` (its parts cfg/ and weights/), over trained ones on random images.

    python benchmarks/darknet_agreement.py [--data FOLDER] [--network yolov3]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np  # noqa: TID253 - no command of kzoo imports this
from darknet_oracle import decoded_rows, raw_heads, write_random_weights

from kzoo_zoo.yolov3.darknet import BUILT_IN, Network, build, fold, load_weights, read_cfg
from kzoo_zoo.yolov3.decoding import decode

LIMIT = 1e-4
CASES = [(1, 320), (4, 320), (1, 416), (1, 608)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder with cfg/ and weights/ of trained networks")
    parser.add_argument("--network", choices=list(BUILT_IN), action="append", help="only these, with random weights")
    parser.add_argument("--most", type=int, default=608, help="the largest input")
    options = parser.parse_args()
    networks = [(read_cfg(name), None) for name in options.network or BUILT_IN]
    if options.data:
        files = sorted((options.data / "weights").glob("*.weights"))
        networks = [(read_cfg(options.data / "cfg" / f"{file.stem}.cfg"), file) for file in files]
    print(f"{'network':30}{'batch':>6}{'side':>6}{'raw':>10}{'of':>8}{'folded':>10}{'decoded':>10}")
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for network, file in networks:
            path = Path(folder) / f"{network.name}.weights"
            if file is None:
                write_random_weights(network, path)
            else:
                path.write_bytes(file.read_bytes())
            worst = max(worst, measure(network, path, options.most))
    print(f"largest violation of atol = rtol = {LIMIT:g}: {worst:.2g} (0: none)")
    return int(worst > 0)


def measure(network: Network, path: Path, most: int) -> float:
    model = build(network, input_shape=(None, None))
    load_weights(model, path)
    folded = fold(model, network)
    violation = 0.0
    for batch, side in CASES:
        if side > most:
            continue
        images = np.random.default_rng(side).random((batch, side, side, 3)).astype("float32")
        wanted = raw_heads(network, path, images)
        found = [np.asarray(output) for output in model(images, training=False)]
        other = [np.asarray(output) for output in folded(images, training=False)]
        largest = max(float(np.abs(b).max()) for b in wanted)
        print(
            f"{network.name:30}{batch:6}{side:6}{gap(found, wanted):10.2g}{largest:8.3g}{gap(other, wanted):10.2g}"
            f"{decoded_gap(found, decoded_rows(network, path, images), network, side):10.2g}",
            flush=True,
        )
        for a, b in zip(found, wanted, strict=True):
            violation = max(violation, float((np.abs(a - b) - LIMIT - LIMIT * np.abs(b)).max()))
    return violation


def gap(found: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(found, wanted, strict=True))


def decoded_gap(found: list[np.ndarray], rows: np.ndarray, network: Network, side: int) -> float:
    """Return the largest difference of boxes and of scores.

    Boxes are measured in parts of the image, or of themselves where they are larger; of scores only those count that
    OpenCV keeps, which are above 0.2.
    """
    boxes, objectness, classes = decode(found, network.heads, (side, side))
    scores = objectness[..., None] * classes
    kept = scores > 0.2001
    of_scores = np.abs(scores - rows[..., 5:])[kept]
    of_boxes = np.abs(boxes - rows[..., :4]) / np.maximum(1, np.abs(rows[..., :4]))  # random weights make giants
    return max(float(of_boxes.max()), float(of_scores.max(initial=0.0)))


if __name__ == "__main__":
    sys.exit(main())
