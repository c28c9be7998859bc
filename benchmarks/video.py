"""A long video through a detector: frames a second, whether memory stays flat, and whether every frame is written.

A video of 1280 x 720 is made by moving over a photo, and ``kzoo predict`` reads it, draws on it and writes it again in
a process of its own, whose memory is looked at as its lines come out (Linux: ``RssAnon``). Printed: frames a second
and processor time for each frame, the start apart; memory after the first hundred frames, at its highest from there
on, and at the last frame; and the frames of the video that was written. Without weights those of yolov3-tiny are
random, with an objectness that lets a few boxes through.

    python benchmarks/video.py --photo horses.jpg --seconds 30
    python benchmarks/video.py --network yolo-fastest.cfg --weights yolo-fastest.weights --photo horses.jpg
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
from detection_speed import load

WIDTH, HEIGHT, FRAMES_PER_SECOND = 1280, 720, 25
SETTLED = 100  # frames after which memory has to stand still


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="yolov3-tiny", help="a cfg, or the name of a built-in one")
    parser.add_argument("--weights", default="")
    parser.add_argument("--photo", type=Path, help="what the video moves over; by default noise")
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    if options.seconds * FRAMES_PER_SECOND <= SETTLED:
        parser.error(
            f"--seconds: more than {SETTLED / FRAMES_PER_SECOND:g} are needed to see whether memory stays flat"
        )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        video, drawn = folder / "video.mp4", folder / "drawn.mp4"
        count = make_video(video, options)
        weights = options.weights or load(options, folder)[2]
        command = [sys.executable, "-m", "kzoo", "predict", "yolov3", str(video), "--network", options.network]
        seen = watch([*command, "--weights", weights, "--save", str(drawn), "--json"])
        written = frames_of(drawn)
    times, memory, processor, boxes = (np.array(column) for column in zip(*seen, strict=True))
    steady = len(times) - SETTLED
    speed = steady / (times[-1] - times[SETTLED - 1])
    cost = (processor[-1] - processor[SETTLED - 1]) / steady
    after = memory[SETTLED - 1 :]
    print(f"{count} frames of {WIDTH} x {HEIGHT}; {len(seen)} lines, {written} frames written")
    print(f"{boxes.mean():.1f} boxes in a frame")
    print(f"{speed:.1f} frames a second, {1000 * cost:.1f} CPU-ms a frame, reading, drawing and writing included")
    print(
        f"memory after {SETTLED} frames {after[0]:.0f} MB, at most {after.max():.0f} MB, at the end {after[-1]:.0f} MB"
    )
    if not count == len(seen) == written:
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


def watch(command):
    """Run a command; return time, memory in MB, processor time and number of boxes at each line that it writes."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    seen = []
    for line in process.stdout:
        status = Path(f"/proc/{process.pid}/status").read_text()
        anonymous = next(row for row in status.splitlines() if row.startswith("RssAnon")).split()[1]
        ticks = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        used = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        seen.append((time.perf_counter(), int(anonymous) / 1024, used, len(json.loads(line).get("detections", []))))
    if process.wait():
        sys.exit(process.returncode)
    return seen


def frames_of(path):
    """Return how many frames of a video can be read."""
    video, count = cv2.VideoCapture(str(path)), 0
    while video.grab():
        count += 1
    return count


if __name__ == "__main__":
    main()
