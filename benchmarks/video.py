"""A long video through a detector: frames a second, whether memory stays flat, and whether every frame is written.

A video of 1280 x 720 is made by moving over a photo; each way reads it, finds objects, draws their boxes and writes it
again, in a process of its own, whose memory is looked at as its lines come out (Linux: ``RssAnon``):

- ``kzoo``: ``kzoo predict`` with the network and its weights, which also draws names and scores;
- ``opencv``: a loop as scripts have it, a frame at a time through OpenCV's dnn, with Darknet's own files;
- ``tensorflow``: the same loop with the network in Keras, ``predict_on_batch``.

The first hundred frames are left out. Asked for: memory that stays within 1.1 of what it is after them. Without weights
those of yolov3-tiny are random, with an objectness that lets a few boxes through.

    python -m benchmarks video --photo horses.jpg --seconds 30
    python -m benchmarks video --network yolo-fastest.cfg --weights yolo-fastest.weights --photo horses.jpg
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2  # noqa: TID253
import numpy as np  # noqa: TID253
from detection_speed import head_layer, load
from measuring import in_turns, parser_of, rows_of
from results import Report

WIDTH, HEIGHT, FRAMES_PER_SECOND = 1280, 720, 25
SETTLED = 100  # frames after which memory has to stand still


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--network", default="yolov3-tiny", help="a cfg, or the name of a built-in one")
    parser.add_argument("--weights", default="")
    parser.add_argument("--photo", type=Path, help="what the video moves over; by default noise")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--arms", default="kzoo,opencv,tensorflow", help="some of them")
    parser.add_argument("--arm", nargs=4, metavar="PATH", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        by_hand(*options.arm)
        return
    if options.seconds * FRAMES_PER_SECOND <= SETTLED:
        parser.error(
            f"--seconds: more than {SETTLED / FRAMES_PER_SECOND:g} are needed to see whether memory stays flat"
        )
    report = Report("video", options)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        video, drawn = folder / "video.mp4", folder / "drawn.mp4"
        count = make_video(video, options)
        network, model, weights = load(options, folder)
        if not (cfg := Path(options.network)).exists():
            cfg = folder / "network.cfg"
            cfg.write_text(network.text)
        model.save(folder / "model.keras")
        own = ["-m", "kzoo", "predict", "yolov3", video, "--network", options.network, "--weights", weights]
        commands = {
            "kzoo": [*own, "--save", drawn, "--json"],
            "opencv": [__file__, "--arm", video, drawn, cfg, weights],
            "tensorflow": [__file__, "--arm", video, drawn, cfg, folder / "model.keras"],
        }
        arms = {name: lambda c=commands[name]: watched([sys.executable, *c], drawn) for name in options.arms.split(",")}
        found = in_turns(arms, options.rounds)
    speed = rows_of(found, unit="frames/s", more_is_better=True, what=lambda one: one["speed"])
    report.table("speed", f"{network.name}, {WIDTH} x {HEIGHT}: frames a second", speed)
    cost = rows_of(found, unit="CPU-ms", more_is_better=False, what=lambda one: one["cost"])
    report.table("cost", "processor time of a frame", cost)
    memory = rows_of(found, unit="MB", more_is_better=False, what=lambda one: one["memory"])
    report.table("memory", "the most memory", memory)
    own = found["kzoo"]
    report.note(f"{count} frames in the video, {own[0]['lines']} lines and {own[0]['written']} frames written by kzoo, "
                f"{own[0]['boxes']:.1f} boxes in a frame.")  # fmt: skip
    growth = max(one["memory"] / one["settled"] for one in own)
    report.limit(f"kzoo's memory at its highest, of that after {SETTLED} frames", growth, most=1.1)
    report.keep()
    if not all(count == one["lines"] == one["written"] for one in own):
        sys.exit("Not every frame came out.")


def make_video(path, options):
    """Write a video that moves over a photo; return its number of frames."""
    if options.photo:
        photo = cv2.resize(cv2.imread(str(options.photo)), (WIDTH + 200, HEIGHT + 100))
    else:
        photo = np.random.default_rng(0).integers(0, 256, (HEIGHT + 100, WIDTH + 200, 3), np.uint8)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FRAMES_PER_SECOND, (WIDTH, HEIGHT))
    count = round(options.seconds * FRAMES_PER_SECOND)
    for number in range(count):
        top, left = number % 100, number % 200
        writer.write(photo[top : top + HEIGHT, left : left + WIDTH])
    writer.release()
    return count


def watched(command, drawn):
    """Run a command that writes a line for each frame; return what it took after the first ones, and what came out."""
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    seen = []
    for line in process.stdout:
        status = Path(f"/proc/{process.pid}/status").read_text()
        anonymous = next(row for row in status.splitlines() if row.startswith("RssAnon")).split()[1]
        ticks = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        used = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        seen.append((time.perf_counter(), int(anonymous) / 1024, used, len(json.loads(line).get("detections", []))))
    if process.wait():
        sys.exit(process.returncode)
    times, memory, processor, boxes = (np.array(column) for column in zip(*seen, strict=True))
    steady = len(times) - SETTLED
    return {
        "speed": steady / (times[-1] - times[SETTLED - 1]),
        "cost": 1000 * (processor[-1] - processor[SETTLED - 1]) / steady,
        "memory": float(memory.max()),
        "settled": float(memory[SETTLED - 1]),
        "lines": len(seen),
        "written": frames_of(drawn),
        "boxes": float(boxes.mean()),
    }


def by_hand(video, drawn, cfg, weights):
    """Detect in a video as scripts do: a frame at a time through OpenCV's dnn, or through a saved Keras network."""
    from kzoo_zoo.yolov3.darknet import read_cfg
    from kzoo_zoo.yolov3.decoding import candidates
    from kzoo_zoo.yolov3.letterbox import Letterbox

    network = read_cfg(cfg)
    shape = (network.height, network.width, network.channels)
    if weights.endswith(".keras"):
        import keras

        model = keras.models.load_model(weights, compile=False)

        def forward(x):
            return [np.asarray(one) for one in model.predict_on_batch(x)]

    else:
        net = cv2.dnn.readNetFromDarknet(cfg, weights)
        heads = [f"conv_{head_layer(network, head)}" for head in network.heads]

        def forward(x):
            net.setInput(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
            return [raw.transpose(0, 2, 3, 1) for raw in net.forward(heads)]

    source = cv2.VideoCapture(video)
    writer = cv2.VideoWriter(drawn, cv2.VideoWriter.fourcc(*"mp4v"), FRAMES_PER_SECOND, (WIDTH, HEIGHT))
    while True:
        there, frame = source.read()
        if not there:
            break
        fitted = Letterbox.of(frame.shape, shape)
        outputs = forward(fitted.apply(np.ascontiguousarray(frame[..., ::-1]))[None])
        (seen,) = candidates(outputs, network.heads, shape, threshold=0.25)
        boxes = fitted.undo(seen.boxes * np.array([shape[1], shape[0], shape[1], shape[0]], np.float32))
        sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
        kept = cv2.dnn.NMSBoxesBatched(sizes.tolist(), seen.scores.tolist(), seen.labels.tolist(), 0.25, 0.45)
        for left, top, right, bottom in boxes[kept].astype(int) if len(kept) else ():
            cv2.rectangle(frame, (left, top), (right, bottom), (0, 255, 0), 2)
        writer.write(frame)
        print(json.dumps({"detections": [None] * len(kept)}), flush=True)
    writer.release()


def frames_of(path):
    """Return how many frames of a video can be read."""
    video, count = cv2.VideoCapture(str(path)), 0
    while video.grab():
        count += 1
    return count


if __name__ == "__main__":
    main()
