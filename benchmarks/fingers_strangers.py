"""Fingers before a camera, session and hand that a network was not trained on, and after five minutes of one's own.

Networks of the pipeline `fingers` are trained on one part of what there is and measured on another, as `kzoo run` and
`kzoo predict` do it:

- ``half``: on the studio pictures and half of a webcam's frames, measured on the other half. Frames of one moment, and
  those like them, are all on one side.
- ``studio-webcam``, ``webcam-studio``: on one camera, measured on the other.
- ``own``: the network of ``studio-webcam``, which has never seen the webcam, goes on with half of the webcam's frames,
  as ``kzoo run fingers --recipe finetune --data own --from RUN``, and is measured on the other half.

Rooms without a hand are halved likewise: every other picture is learned from, the rest measured on. Each network is
measured on the films as well. A file with labels is JSON: ``{"film.mp4": {"0-68": 5, "90": 0, "95": "none"}}``, the
number of a frame, or of the first and the last of several, and what it shows; frames without a label are seen, but not
counted. ``fingers_films.json``, which is read by default, has those of two public films. They were made by looking at
each frame, before it was seen what a network says of it, and by one rule: a frame has a label where all fingers that
are held up can be counted in it, however blurred, turned or near the edge they are. It has none while the hand goes
from one pose to another, while fingers hide one another, point at the camera or are cut off by the edge.

Printed for each network: the share of pictures that are right by the likeliest class, the share that is right and sure,
that which abstains, and what was said of each count; of a film also the share that is right after the vote, and that
which is unsure after it. Asked for: 90 % of a session left out, 85 % of a film, and no vote worse than its frames.

    python benchmarks/fingers_strangers.py --studio fingers/ --webcam fingers_webcam/ --rooms rooms/ \\
        --photos photos/ --video film.mp4 --seeds 0,1,2
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np  # noqa: TID253

import kzoo
from kzoo.data.decoding import read_image
from kzoo.data.images import find_images
from kzoo.plugins.reference import parse_value
from kzoo_zoo.fingers.bursts import bursts, keep_apart
from kzoo_zoo.fingers.data import CLASS_NAMES, IMAGE_SIZE
from kzoo_zoo.fingers.framing import framed

ALL = ("half", "studio-webcam", "webcam-studio", "own")
FILMS = Path(__file__).with_name("fingers_films.json")
NEAR = 10.0  # thumbnails that differ by less are on one side; kzoo itself keeps those together that differ by 6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--studio", type=Path, required=True, help="folders 0 to 5, or train and test with these inside"
    )
    parser.add_argument("--webcam", type=Path, required=True, help="folders 0 to 5 of a camera's frames")
    parser.add_argument("--rooms", type=Path, required=True, help="a folder of pictures without a hand")
    parser.add_argument("--photos", default="", help="folders of photos to paste hands on, with commas between")
    parser.add_argument("--video", type=Path, action="append", default=[])
    parser.add_argument("--labels", type=Path, default=FILMS, help="JSON: what the films show; fingers_films.json")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--only", default=",".join(ALL), help="of these, with commas between: %(default)s")
    parser.add_argument("--epochs", type=int, help="of the networks, in place of the recipe's")
    parser.add_argument("--finetune-epochs", type=int, help="of those that go on, in place of the recipe's")
    parser.add_argument("--option", action="append", default=[], help="KEY=VALUE, as -o of kzoo run")
    parser.add_argument("--out", type=Path, help="a folder to keep the runs in; they are removed otherwise")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(ALL):
        parser.error(f"--only: there is no {', '.join(sorted(unknown))}")
    for video in options.video:
        labels_of(options.labels, video)  # a film without any is known before the hour of training
    with tempfile.TemporaryDirectory() as place:
        sides = Sides(options, Path(place))
        found = {}
        for seed in map(int, options.seeds.split(",")):
            for name, shares in trained(sides, options, wanted, seed):
                found.setdefault(name, []).append(shares)
    print("\nmean over seeds, of each seed in brackets")
    for name, rows in found.items():
        for part in rows[0]:
            each = [row[part] for row in rows]
            print(f"{name:14} {part:34} {np.mean(each):6.1%}  ({', '.join(f'{share:.1%}' for share in each)})")


class Sides:
    """What is learned from and what is measured on, as folders of counts."""

    def __init__(self, options, place):
        self.out = options.out or place / "runs"
        studio, webcam = counted(options.studio), counted(options.webcam)
        webcam.pop("0", None)  # of this camera it is the empty scene
        kept = {label: set(other_half(paths)) for label, paths in webcam.items()}
        rooms = find_images(options.rooms)
        self.learned_rooms, self.rooms = folder(place / "none", {"none": rooms[::2]}) / "none", rooms[1::2]
        self.learned_half = folder(place / "half", {k: [p for p in v if p not in kept[k]] for k, v in webcam.items()})
        self.half = {label: [p for p in paths if p in kept[label]] for label, paths in webcam.items()}
        self.studio, self.webcam = studio, webcam
        self.learned_studio, self.learned_webcam = folder(place / "studio", studio), folder(place / "webcam", webcam)


def counted(root):
    """Return the pictures of each count, whatever split they are in."""
    found = {}
    for path in find_images(root):
        if path.parent.name in CLASS_NAMES:
            found.setdefault(path.parent.name, []).append(path)
    return found


def other_half(paths):
    images = np.stack([framed(read_image(path), IMAGE_SIZE) for path in paths])
    return [paths[place] for place in np.flatnonzero(keep_apart(bursts(images, near=NEAR), 0.5, seed=0))]


def folder(root, pictures):
    for label, paths in pictures.items():
        (root / label).mkdir(parents=True, exist_ok=True)
        for number, path in enumerate(paths):
            shutil.copyfile(path, root / label / f"{number:04}{path.suffix}")
    return root


def trained(sides, options, wanted, seed):
    """Train the networks that are wanted, and yield the name and the shares of each."""
    without_hand = {"none": sides.rooms}
    if "half" in wanted:
        data = [sides.learned_studio, sides.learned_half, sides.learned_rooms]
        yield "half", measured("half", run(data, sides, options, seed), {**sides.half, **without_hand}, options, seed)
    if "studio-webcam" in wanted or "own" in wanted:
        first = run([sides.learned_studio, sides.learned_rooms], sides, options, seed)
        if "studio-webcam" in wanted:
            pictures = {**sides.webcam, **without_hand}
            yield "studio-webcam", measured("studio-webcam", first, pictures, options, seed)
        if "own" in wanted:
            pictures = {**sides.half, **without_hand}
            yield "own, before", measured("own, before", first, pictures, options, seed)
            data = [sides.learned_half, sides.learned_rooms]
            more = run(data, sides, options, seed, recipe="finetune", start_from=first)
            yield "own, after", measured("own, after", more, pictures, options, seed)
    if "webcam-studio" in wanted:
        other = run([sides.learned_webcam, sides.learned_rooms], sides, options, seed)
        pictures = {**sides.studio, **without_hand}
        yield "webcam-studio", measured("webcam-studio", other, pictures, options, seed)


def run(data, sides, options, seed, recipe="default", start_from=None):
    settings = {key: parse_value(value) for key, value in (one.split("=", 1) for one in options.option)}
    if options.photos:
        settings["augment.backgrounds"] = options.photos.split(",")
    return kzoo.run(
        "fingers",
        recipe=recipe,
        data=",".join(map(str, data)),
        seed=seed,
        epochs=options.epochs if recipe == "default" else options.finetune_epochs,
        start_from=start_from,
        options={**settings, "report": False},
        out=sides.out,
        verbose=0,
    )


def measured(name, result, pictures, options, seed):
    """Print what a network says of pictures and films, and return the shares by name."""
    model = kzoo.open(result)
    temperature = model.card.own.get("temperature", 1.0)
    own = {key: value for key, value in result.results.items() if key == "accuracy"}
    print(f"\n{name}, seed {seed}: its own test {own}, temperature {temperature:.2f}, {result.run.name}", flush=True)
    shares = {}
    for part, labels in (("hands", [k for k in pictures if k != "none"]), ("rooms", ["none"])):
        paths = [(path, label) for label in labels for path in pictures[label]]
        said = model.predict([read_image(path) for path, _ in paths])
        said = said if isinstance(said, list) else [said]
        shares |= told(part, [(one, label) for one, (_, label) in zip(said, paths, strict=True)])
    for video in options.video:
        known = labels_of(options.labels, video)
        frames = kzoo.predict(result.run, video)
        pairs = [(one, known[place]) for place, (_, one) in enumerate(frames) if place in known]
        shares |= told(video.name, pairs, vote=True)
    return shares


def labels_of(path, video):
    """Return what the frames of a film show, by their numbers, or stop where nobody has said it."""
    films = json.loads(path.read_text())
    found = films.get(video.name, films.get(video.stem))
    if found is None:
        sys.exit(f"{path} has no labels of {video.name}; it has those of {', '.join(films)}.")
    known = {}
    for numbers, shown in found.items():
        first, _, last = numbers.partition("-")
        known |= dict.fromkeys(range(int(first), int(last or first) + 1), str(shown))
    return known


def told(part, pairs, *, vote=False):
    best = [max(one.probabilities, key=one.probabilities.get) for one, _ in pairs]
    right = np.array([said == label for said, (_, label) in zip(best, pairs, strict=True)])
    sure = np.array([bool(one.frame_label) for one, _ in pairs])
    shares = {part: right.mean(), f"{part}, right and sure": (right & sure).mean()}
    line = f"  {part:26} {len(pairs):5} right {right.mean():6.1%}  and sure {(right & sure).mean():6.1%}"
    line += f"  abstains {1 - sure.mean():6.1%}"
    if vote:
        shown = ["" if one.state == "unsure" else one.label for one, _ in pairs]
        voted = np.mean([said == label for said, (_, label) in zip(shown, pairs, strict=True)])
        shares[f"{part}, after the vote"] = voted
        line += f"  after the vote {voted:6.1%}  unsure {np.mean([not said for said in shown]):6.1%}"
    print(line, flush=True)
    for label in sorted({label for _, label in pairs}):
        row = [sum(said == other and own == label for said, (_, own) in zip(best, pairs, strict=True))
               for other in CLASS_NAMES]  # fmt: skip
        print(f"    {label:>4}: " + "  ".join(f"{other} {n:4}" for other, n in zip(CLASS_NAMES, row, strict=True)))
    return shares


if __name__ == "__main__":
    main()
