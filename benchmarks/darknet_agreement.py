"""How far the Keras networks are from OpenCV's dnn, which reads the same Darknet files with other code.

For each network: the largest difference of the raw heads (of a classifier's probabilities) and the largest value there
is, the same after batch normalization was folded away, the difference of decoded boxes and scores, whether the
detections after thresholds and suppression are the same (of a classifier, the five surest classes), and whether the
weights that were read are written again byte for byte, and the cfg as the same network.

The images are noise, and the weights random where there are none: the built-in networks, or with ``--cfg`` any cfgs;
with ``--data FOLDER`` trained ones (its parts cfg/ and weights/) on its photos (images/). What either reader refuses is
named.

    python benchmarks/darknet_agreement.py [--network yolov3] [--cfg FILE ...] [--data FOLDER] [--side 320]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import cv2  # noqa: TID253 - no command of kzoo imports this
import numpy as np  # noqa: TID253
from darknet_oracle import decoded_rows, probabilities, raw_heads, write_random_weights
from PIL import Image  # noqa: TID253

from kzoo.errors import KzooError
from kzoo_zoo.yolov3.darknet import BUILT_IN, Network, build, fold, load_weights, parse_cfg, read_cfg, save_weights
from kzoo_zoo.yolov3.decoding import candidates, decode
from kzoo_zoo.yolov3.letterbox import Letterbox
from kzoo_zoo.yolov3.suppression import suppress

LIMIT = 1e-4
LEAST = {"yolo": 0.25, "new_coords": 0.25, "region": 0.011}
"""The least score; OpenCV sets those below 0.2 to zero, and as it is asked here those below 0.01 in a [region]."""
FEW = (100, 200)
"""Random weights see something everywhere: so many of an image's best scores are taken, up to the widest gap there."""
IOU = 0.4
"""What OpenCV suppresses by inside of its [region]."""
SAME = 1e-3
"""How far boxes and scores of the same detection may be from each other, in parts of the image or of the box."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder with cfg/ and weights/ of trained networks")
    parser.add_argument("--network", choices=list(BUILT_IN), action="append", help="only these, with random weights")
    parser.add_argument("--cfg", type=Path, nargs="+", default=[], help="cfg files, with random weights")
    parser.add_argument("--side", type=int, default=320, help="the input's side, up to the network's largest stride")
    parser.add_argument("--batch", type=int, default=1, help="how many images")
    options = parser.parse_args()
    sources = [(name, None) for name in options.network or ([] if options.cfg or options.data else BUILT_IN)]
    sources += [(file, None) for file in options.cfg]
    if options.data:
        files = sorted((options.data / "weights").glob("*.weights"))
        sources += [(options.data / "cfg" / f"{file.stem}.cfg", file) for file in files]
    photos = sorted((options.data / "images").glob("*.jpg")) if options.data else []
    print(
        f"{'network':28}{'weights':>9}{'side':>6}{'raw':>10}{'of':>9}{'folded':>10}{'decoded':>10}{'found':>7}"
        f"{'detections':>12}{'export':>8}"
    )
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for source, file in sources:
            try:
                network = sized(read_cfg(source), options.side)
            except KzooError as error:
                print(f"{Path(source).stem:28}refused here: {error}")
                continue
            path = Path(folder) / f"{network.name}.weights"
            if file is None:
                write_random_weights(network, path)
            else:
                path.write_bytes(file.read_bytes())
            images = noise(network, options.batch) if file is None or not photos else fitted(photos, network)
            try:
                worst = max(worst, measure(network, path, images, "random" if file is None else "trained"))
            except cv2.error as error:
                print(f"{network.name:28}refused by OpenCV: {' '.join(str(error).split())[:160]}")
            path.unlink()
    print(f"largest violation of atol = rtol = {LIMIT:g}: {worst:.2g} (0: none)")
    return int(worst > 0)


def sized(network: Network, side: int) -> Network:
    """Return the network for about that side; a classifier at its own."""
    if not network.heads:
        return network
    step = max(head.stride for head in network.heads)
    return network.resized(max(step, side // step * step))


def noise(network: Network, batch: int) -> np.ndarray:
    rng = np.random.default_rng(network.width)
    return rng.random((batch, network.height, network.width, network.channels)).astype("float32")


def fitted(photos: list[Path], network: Network) -> np.ndarray:
    size = (network.height, network.width)
    pixels = [np.asarray(Image.open(path).convert("RGB")) for path in photos]
    return np.stack([Letterbox.of(photo.shape, size).apply(photo) for photo in pixels])


def measure(network: Network, path: Path, images: np.ndarray, weights: str) -> float:
    model = build(network)
    header = load_weights(model, path)
    again = path.with_suffix(".again")
    save_weights(model, again, header)
    exported = (
        again.read_bytes() == path.read_bytes() and parse_cfg(network.text, network.name).layers == network.layers
    )
    again.unlink()
    found = listed(model(images, training=False))
    other = listed(fold(model, network)(images, training=False))
    if network.heads:
        wanted = raw_heads(network, path, images)
        rows = decoded_rows(network, path, images)
        decoded = f"{decoded_gap(found, rows, network):.2g}"
        count, equal = same_detections(found, rows, network)
    else:
        wanted = [probabilities(network, path, images)]
        decoded, count = "", min(5, network.classes)
        best, theirs = (np.argsort(-array, axis=-1, kind="stable")[:, :count] for array in (found[0], wanted[0]))
        equal = bool((best == theirs).all())
    largest = max(float(np.abs(b).max()) for b in wanted)
    print(
        f"{network.name:28}{weights:>9}{network.width:6}{gap(found, wanted):10.2g}{largest:9.3g}"
        f"{gap(other, wanted):10.2g}{decoded:>10}{count:7}{'equal' if equal else 'DIFFER':>12}"
        f"{'equal' if exported else 'DIFFERS':>8}",
        flush=True,
    )
    return max(
        float((np.abs(a - b) - LIMIT - LIMIT * np.abs(b)).max(initial=0.0)) for a, b in zip(found, wanted, strict=True)
    )


def listed(outputs: object) -> list[np.ndarray]:
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list) else [outputs])]


def gap(found: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(found, wanted, strict=True))


def decoded_gap(found: list[np.ndarray], rows: np.ndarray, network: Network) -> float:
    """Return the largest difference of boxes and of scores.

    Boxes are measured in parts of the image, or of themselves where they are larger; of scores only those count that
    OpenCV keeps.
    """
    boxes, objectness, classes = decode(found, network.heads, (network.height, network.width))
    kept = rows[..., 5:] > LEAST[network.heads[0].kind]
    of_scores = np.abs(objectness[..., None] * classes - rows[..., 5:])[kept]
    of_boxes = np.abs(boxes - rows[..., :4]) / np.maximum(1, np.abs(rows[..., :4]))  # random weights make giants
    return max(float(of_boxes.max()), float(of_scores.max(initial=0.0)))


def same_detections(found: list[np.ndarray], rows: np.ndarray, network: Network) -> tuple[int, bool]:
    """Return how many objects there are in all images, and whether both readers find the same."""
    shape = (network.height, network.width)
    count, equal = 0, True
    for number, theirs in enumerate(rows):
        threshold = above_few(theirs[:, 5:], LEAST[network.heads[0].kind])
        own = candidates([raw[number : number + 1] for raw in found], network.heads, shape, threshold=threshold)[0]
        kept, scores = suppress(own.boxes, own.labels, own.scores, iou=IOU, threshold=threshold, most=10**6)
        mine = sort(own.labels[kept], scores, own.boxes[kept])
        other = opencv_detections(theirs, threshold)
        count += len(other)
        close = mine.shape == other.shape and bool(
            (np.abs(mine - other) <= SAME * np.maximum(1, np.abs(other))).all() or len(other) == 0
        )
        equal = equal and close
    return count, equal


def above_few(scores: np.ndarray, least: float) -> float:
    """Return a threshold that rounding moves no score across."""
    best = np.sort(scores[scores > least])[::-1].astype(float)[FEW[0] : FEW[1]]
    if len(best) < FEW[1] - FEW[0]:
        return least
    at = int((best[:-1] - best[1:]).argmax())
    return float(best[at] + best[at + 1]) / 2


def opencv_detections(rows: np.ndarray, threshold: float) -> np.ndarray:
    """Return what OpenCV's own suppression leaves of its rows, class by class."""
    parts = []
    for label in range(rows.shape[1] - 5):
        scores = rows[:, 5 + label]
        at = np.flatnonzero(scores > threshold)
        if len(at):
            corners = np.concatenate([rows[at, :2] - rows[at, 2:4] / 2, rows[at, 2:4]], 1).astype(float)
            best = np.asarray(cv2.dnn.NMSBoxes(corners.tolist(), scores[at].tolist(), threshold, IOU), int).reshape(-1)
            ends = np.concatenate([corners[best, :2], corners[best, :2] + corners[best, 2:]], 1)
            parts.append(np.concatenate([np.full((len(best), 1), label), scores[at][best, None], ends], 1))
    found = np.concatenate(parts) if parts else np.zeros((0, 6))
    return sort(found[:, 0], found[:, 1], found[:, 2:])


def sort(labels: np.ndarray, scores: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return label, score and corners of each detection in an order that rounding does not change."""
    found = np.concatenate([np.stack([labels, scores], 1), boxes], 1).astype(float)
    return found[np.lexsort((*np.round(found[:, 2:], 2).T, np.round(found[:, 1], 3), found[:, 0]))]


if __name__ == "__main__":
    sys.exit(main())
