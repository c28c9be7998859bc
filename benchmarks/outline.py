"""Counting fingers without training, in sessions from easy to hard: how many are counted right, wrong and not at all.

The sessions are made from a folder of camera frames before an empty wall (class folders 1 to 5, and the empty scene in
0) and a folder of pictures without a hand. A dark sleeve is drawn over the arm, the picture is turned so that the arm
comes from the side, the hand is cut out and put before the pictures of rooms, and films are played in which the camera
shakes or no frame is empty. Frames go through the reader of ``kzoo predict``, abstention and votes included. The
thresholds of the outline were chosen on the bursts and rooms of even number; ``--part judged``, the default, takes the
odd ones.

    python benchmarks/outline.py --hands fingers_webcam --rooms fingers_webcam_backgrounds
    python benchmarks/outline.py --hands fingers_webcam --rooms fingers_webcam_backgrounds --part tuned --every 8
    python benchmarks/outline.py --folder fingers/test            # class folders, each picture by itself
    python benchmarks/outline.py --film hand.mp4 --counts 0-26:5,34-66:5,112-116:0
"""

import argparse
import re
import time
from collections import Counter
from pathlib import Path

import cv2  # noqa: TID253
import numpy as np  # noqa: TID253

from kzoo.data.frames import Frame, Source
from kzoo_zoo.fingers.bursts import bursts
from kzoo_zoo.fingers.classical import OutlineCounter
from kzoo_zoo.fingers.outline import read_outline
from kzoo_zoo.fingers.pipeline import CountSettings, Fingers

NO_HAND, UNKNOWN = -1, -2
EMPTY_FRAMES, FILM_FRAMES = 30, 20  # the latter for each count


class Shown(Source):
    """Frames that are here already."""

    def __iter__(self):
        return iter(())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hands", type=Path, help="class folders 0 (the empty scene) to 5, frames of one camera")
    parser.add_argument("--rooms", type=Path, help="pictures without a hand")
    parser.add_argument("--folder", type=Path, help="class folders 0 to 5: each picture by itself")
    parser.add_argument("--film", type=Path)
    parser.add_argument("--counts", default="", help="what the film shows: first-last:count, with commas between")
    parser.add_argument("--part", choices=("judged", "tuned"), default="judged")
    parser.add_argument("--every", type=int, default=4, help="every so manieth frame of a burst is taken as a picture")
    parser.add_argument("--only", choices=("pictures", "films"), help="of the sessions that are made, these alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of kzoo predict")
    options = parser.parse_args()
    given = dict(pair.split("=", 1) for pair in options.set)
    given |= {key: type(getattr(CountSettings(), key))(value) for key, value in given.items()}
    print(f"{'session':44} frames  right  wrong  unsure   vote right  wrong   ms")
    if options.folder:
        pictures, counts = folder_of(options.folder)
        show(str(options.folder), pictures, counts, "images", given)
    if options.film:
        frames = film_of(options.film)
        counts = np.full(len(frames), UNKNOWN)
        for part in filter(None, options.counts.split(",")):
            first, last, count = map(int, re.split("[-:]", part))
            counts[first : last + 1] = count
        show(options.film.name, frames, counts, "video", given)
    if options.hands:
        stills_and_films(options, given)


def stills_and_films(options, given):
    pictures, counts = folder_of(options.hands)
    empty, pictures, counts = pictures[0], pictures[1:], counts[1:]
    number = bursts(np.stack(pictures))
    odd = int(options.part == "judged")
    kept = [index for index in range(len(pictures)) if number[index] % 2 == odd]
    rooms = pictures_in(options.rooms)[odd::2] if options.rooms else []
    if options.only != "films":
        show_pictures(options, given, kept, pictures, counts, empty, rooms)
    if options.only != "pictures":
        show_films(options, given, kept, pictures, counts, empty, rooms, number)


def show_pictures(options, given, kept, pictures, counts, empty, rooms):
    rng = np.random.default_rng([options.seed, 1])
    some = kept[:: options.every]
    hands = [Hand(pictures[index], empty) for index in some]
    right = [int(counts[index]) for index in some]
    show("pictures, plain wall", [hand.pixels for hand in hands], right, "images", given)
    sleeves = [hand.sleeved(rng) for hand in hands]
    show("pictures, dark sleeve", sleeves, right, "images", given)
    turned = [np.ascontiguousarray(np.rot90(picture, rng.choice((1, 3)))) for picture in sleeves]
    show("pictures, dark sleeve from the side", turned, right, "images", given)
    show("pictures, dark sleeve, empty scene given", sleeves, right, "images", given, empty)
    if rooms:
        before = [hand.before(rooms[rng.integers(len(rooms))], rng, sleeve=True) for hand in hands]
        show("pictures, dark sleeve, before rooms", before, right, "images", given)
        show("pictures of rooms, no hand", rooms, [NO_HAND] * len(rooms), "images", given)


def show_films(options, given, kept, pictures, counts, empty, rooms, number):
    rng = np.random.default_rng([options.seed, 2])
    film = [index for count in range(1, 6) for index in [i for i in kept if counts[i] == count][:FILM_FRAMES]]
    right = [int(counts[index]) for index in film]
    hands = [Hand(pictures[index], empty) for index in film]
    sleeves = [
        hand.sleeved(np.random.default_rng([options.seed, int(number[i])])) for hand, i in zip(hands, film, strict=True)
    ]
    still = [grained(empty, rng) for _ in range(EMPTY_FRAMES)]
    nothing = [UNKNOWN] * EMPTY_FRAMES  # while the scene is learned
    show("film, empty first second", still + [hand.pixels for hand in hands], nothing + right, "video", given)
    show("film, empty first second, dark sleeve", still + sleeves, nothing + right, "video", given)
    show("film, never empty, dark sleeve", sleeves, right, "video", given)
    show("film, never empty, sleeve, shaken camera", shaken(sleeves, rng), right, "video", given)
    if rooms:
        for name, room in (("a plain one", min(rooms, key=reddest)), ("the reddest one", max(rooms, key=reddest))):
            scenes = [hand.before(room, np.random.default_rng(options.seed), sleeve=True) for hand in hands]
            show(f"film, shaken, before a room, {name}", shaken(scenes, rng), right, "video", given)


def show(name, pictures, counts, kind, given, background=None):
    """Print how a session is counted: by each frame alone, and in a film after the vote."""
    reader = Fingers().reader({}, None, CountSettings(**given))
    if background is not None:
        reader.counter = OutlineCounter(background=background, find=reader.counter.find)
    source = Shown(name, kind)
    began = time.process_time()
    reader.start(source)
    said = []
    for index, pixels in enumerate(pictures):
        said += reader.predict([Frame(index=index, pixels=pixels, time=index / 25)])
    reader.finish(source)
    spent = 1000 * (time.process_time() - began) / len(pictures)
    counts = np.asarray(counts)
    known = counts != UNKNOWN
    alone = np.array([{"": UNKNOWN, "none": NO_HAND}.get(one.frame_label, one.frame_label) for one in said]).astype(int)
    voted = np.array(
        [NO_HAND if one.state == "no hand" else UNKNOWN if one.count is None else one.count for one in said]
    )

    def shares(answers):
        answers, truth = answers[known], counts[known]
        return 100 * np.mean(answers == truth), 100 * np.mean((answers != truth) & (answers != UNKNOWN))

    right, wrong = shares(alone)
    line = f"{name:44} {known.sum():6} {right:6.1f} {wrong:6.1f} {100 - right - wrong:7.1f}"
    line += "   {:10.1f} {:6.1f}".format(*shares(voted)) if kind == "video" else " " * 20
    print(f"{line} {spent:4.0f}")
    reasons = Counter(one.why for one in said if one.why)
    for why, often in reasons.most_common(2):
        print(f"    {often} times: {why}")
    for note in source.notes:
        print(f"    {note}")


class Hand:
    """A hand before an empty wall: its picture, where it is, and where its arm goes."""

    def __init__(self, pixels, empty):
        self.pixels = pixels
        difference = np.abs(cv2.GaussianBlur(pixels, (3, 3), 0).astype(int) - cv2.GaussianBlur(empty, (3, 3), 0)).sum(
            -1
        )
        mask = np.where(difference > 36, 255, 0).astype(np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
        largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        self.mask = cv2.morphologyEx(
            np.where(labels == largest, 255, 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5))
        )

    def sleeved(self, rng, pixels=None):
        """Return the picture with a dark sleeve drawn from behind the wrist to the lower edge."""
        return self._sleeve(self.pixels if pixels is None else pixels, rng)[0]

    def before(self, room, rng, *, sleeve):
        """Return the hand before another scene, as bright as that is lit."""
        lit = np.clip(self.pixels * rng.uniform(1.0, 1.8), 0, 255).astype(np.uint8)
        mask = cv2.erode(self.mask, np.ones((3, 3), np.uint8))
        if sleeve:
            lit, drawn = self._sleeve(lit, rng)
            mask = cv2.bitwise_or(mask, drawn)
        opaque = cv2.GaussianBlur(mask, (3, 3), 0)[..., None] / 255
        room = cv2.resize(room, (lit.shape[1], lit.shape[0]))
        return np.clip(lit * opaque + room * (1 - opaque), 0, 255).astype(np.uint8)

    def _sleeve(self, pixels, rng):
        height, width = self.mask.shape
        outline = read_outline(self.mask)  # of the hand without a sleeve; where it is not read, there is none drawn
        if outline is None:
            return pixels, np.zeros_like(self.mask)
        palm, radius = np.array(outline.centre), outline.radius
        below = np.flatnonzero(self.mask[-1])
        end = np.array([below.mean() if len(below) else palm[0], height - 1.0])
        near = end[1] - palm[1] < 1.5 * radius
        along = np.array([0.0, 1.0]) if near else (end - palm) / np.hypot(*(end - palm))
        across = np.array([-along[1], along[0]])
        cuff, hem = radius * rng.uniform(0.8, 1.5), radius * rng.uniform(2.0, 4.0)
        start = palm + along * radius * rng.uniform(1.45, 2.2)
        far = start + along * 12 * radius
        corners = [start + across * cuff, start - across * cuff, far - across * hem, far + across * hem]
        drawn = np.zeros((height, width), np.uint8)
        cv2.fillPoly(drawn, [np.rint(corners).astype(np.int32)], 255, cv2.LINE_AA)
        folds = cv2.resize(rng.normal(0, 1, (8, 8)), (width, height), interpolation=cv2.INTER_CUBIC)[..., None]
        cloth = rng.uniform(10, 60) + rng.normal(0, rng.uniform(0, 8), 3) + folds * rng.uniform(2, 10)
        cloth = cloth + rng.normal(0, 2, (height, width, 1))
        opaque = drawn[..., None] / 255
        return np.clip(pixels * (1 - opaque) + cloth * opaque, 0, 255).astype(np.uint8), drawn


def shaken(frames, rng):
    """Return frames as from a camera in the hand: each moved by some pixels, more and less as it sways."""
    place, speed, found = np.zeros(2), np.zeros(2), []
    for pixels in frames:
        speed = 0.8 * speed + rng.normal(0, 1.5, 2) - 0.02 * place
        place = place + speed
        moved = np.float32([[1, 0, place[0]], [0, 1, place[1]]])
        size = pixels.shape[1], pixels.shape[0]
        found.append(cv2.warpAffine(pixels, moved, size, borderMode=cv2.BORDER_REPLICATE))
    return found


def grained(pixels, rng):
    return np.clip(pixels + rng.normal(0, 1, pixels.shape), 0, 255).astype(np.uint8)


def reddest(pixels):
    """Return the part of a picture that has a colour like skin's."""
    return float(np.mean(np.log((pixels[..., 0] + 12.0) / (pixels[..., 1] + 12.0)) > 0.15))


def folder_of(place):
    pictures, counts = [], []
    for folder in sorted(path for path in place.iterdir() if path.name in "012345"):
        found = pictures_in(folder)
        pictures += found
        counts += [int(folder.name)] * len(found)
    return pictures, counts


def pictures_in(folder):
    def order(path):
        return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]

    return [cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB) for path in sorted(folder.iterdir(), key=order)]


def film_of(path):
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    return frames


if __name__ == "__main__":
    main()
