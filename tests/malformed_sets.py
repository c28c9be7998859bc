"""Annotation sets that are wrong, as real ones are: how to make each, and what must be said of it."""
# ruff: noqa: E501 - a table with a line for each

import json
import os

import numpy as np
from PIL import Image

__all__ = ["SETS"]


def photo(path, size=(100, 80)):
    """Write a photo of noise, so that a file cut off is noticed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), "uint8")
    Image.fromarray(pixels).save(path)


def coco(**changes):
    """Return what makes a COCO file of two photos, changed."""

    def make(root):
        photo(root / "images/a.jpg")
        photo(root / "images/b.jpg")
        found = {
            "images": [
                {"id": n, "file_name": f"{name}.jpg", "width": 100, "height": 80} for n, name in ((7, "a"), (8, "b"))
            ],
            "categories": [{"id": 3, "name": "cat"}, {"id": 9, "name": "dog"}],
            "annotations": [_entry(), _entry(id=2, image_id=8, category_id=9)],
        }
        (root / "all.json").write_text(json.dumps({**found, **changes}, indent=1))
        return root

    return make


def _entry(**changes):
    return {"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40], **changes}


def annotation(**changes):
    """Return what makes a COCO file with one annotation, changed; a value of None leaves the key out."""
    entry = {key: value for key, value in _entry(**changes).items() if value is not None}
    return coco(annotations=[entry])


def raw(name, content, *, of=None):
    """Return what makes a file of these bytes beside one photo; ``of`` names what is given as data."""

    def make(root):
        photo(root / "images/a.jpg")
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return root / of if of else root

    return make


def voc(objects, *, head="<filename>a.jpg</filename><size><width>100</width><height>80</height></size>"):
    """Return what makes the VOC xml of one photo."""
    return raw("a.xml", f"<annotation>{head}\n{objects}</annotation>")


def corners(x1, y1, x2, y2, name="<name>cat</name>"):
    """Return an object of VOC."""
    return f"<object>{name}<bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>\n"


def text(lines, *, names="cat\ndog\n"):
    """Return what makes the text file of one photo."""

    def make(root):
        raw("labels/a.txt", lines)(root)
        (root / "classes.txt").write_text(names)
        return root

    return make


def yaml(content, **files):
    """Return what makes a data.yaml beside one photo with its text file."""

    def make(root):
        text("0 .5 .5 .2 .2\n")(root)
        (root / "data.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
        for name, inside in files.items():
            (root / f"{name}.txt").write_text(inside)
        return root

    return make


def broken_photo(content):
    """Return what makes a photo of these bytes with a good text file."""

    def make(root):
        text("0 .5 .5 .2 .2\n")(root)
        path = root / "images/a.jpg"
        path.write_bytes(path.read_bytes()[:2000] if content is None else content)
        return root

    return make


def _two_splits(root):
    coco()(root)
    changed = (root / "all.json").read_text().replace('"dog"', '"cow"')
    (root / "all.json").rename(root / "instances_train.json")
    (root / "instances_val.json").write_text(changed)
    return root


def _same_split(root):
    coco()(root)
    (root / "more.json").write_bytes((root / "all.json").read_bytes())
    return root


def _loop_of_folders(root):
    photo(root / "images/a.jpg")
    (root / "images/again").symlink_to(root, target_is_directory=True)
    return root


def _loop_of_a_photo(root):
    text("0 .5 .5 .2 .2\n")(root)
    (root / "images/a.jpg").unlink()
    (root / "images/a.jpg").symlink_to(root / "images/a.jpg")
    return root


def _lone_text(root):
    text("0 .5 .5 .2 .2\n")(root)
    (root / "labels/lost.txt").write_text("0 .5 .5 .2 .2\n")
    return root


def pipe(name, *, of=None):
    """Return what makes a pipe beside a photo with its text file."""

    def make(root):
        text("0 .5 .5 .2 .2\n")(root)
        (root / name).unlink(missing_ok=True)
        os.mkfifo(root / name)
        return root / of if of else root

    return make


def _laughs(root):
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join(['*' + a] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    return yaml("\n".join([*lines, "names: *i", "train: images", ""]))(root)


def _hidden_copy(root):
    voc(corners(1, 1, 9, 9))(root)
    (root / ".ipynb_checkpoints").mkdir()
    (root / "a.xml").rename(root / ".ipynb_checkpoints/a-checkpoint.xml")
    return root


def _one_name_in_two_splits(root):
    for split in ("train", "val"):
        photo(root / split / "a.jpg")
    raw("a.xml", f"<annotation><filename>a.jpg</filename>{corners(1, 1, 9, 9)}</annotation>")(root)
    (root / "images/a.jpg").unlink()
    return root


def _photos_alone(root):
    photo(root / "images/a.jpg")
    return root


def _folder(root):
    return root


NESTED = '{"images": ' + "[" * 100_000
SECOND = [{"id": n, "file_name": "a.jpg"} for n in (7, 8)]

SETS = {
    "nothing there": (lambda root: root / "none", "none"),
    "an empty folder": (_folder, "holds no annotations"),
    "photos alone": (_photos_alone, "holds no annotations"),
    "a photo": (lambda root: _photos_alone(root) / "images/a.jpg", "neither a data.yaml nor a json"),
    "an xml by itself": (lambda root: voc(corners(1, 1, 9, 9))(root) / "a.xml", "neither a data.yaml nor a json"),
    "a folder in itself": (_loop_of_folders, "holds no annotations"),
    # COCO
    "json cut off": (raw("a.json", '{"images": [], \n"annotations": ['), "a.json:2.*no json"),
    "json of nothing": (raw("a.json", "", of="a.json"), "a.json:1.*no json"),
    "json in UTF-16": (raw("a.json", '{"images": [], "annotations": []}'.encode("utf-16"), of="a.json"), "UTF-16.*save it as UTF-8"),
    "json lines": (raw("a.json", '{"images": []}\n{"annotations": []}\n'), "a.json:2.*after the end"),
    "a list of annotations": (raw("a.json", '[{"bbox": [1, 2, 3, 4], "file_name": "a.jpg"}]'), "expected an object"),
    "another json": (raw("package.json", '{"name": "x"}', of="package.json"), "lacks the lists"),
    "json nested deep": (raw("a.json", NESTED, of="a.json"), "nested too deeply"),
    "no list of categories": (raw("a.json", '{"images": [], "annotations": []}'), "lacks the list `categories`"),
    "no categories": (coco(categories=[]), "no categories"),
    "a category without a name": (coco(categories=[{"id": 3}]), "needs an `id`.*and a `name`"),
    "categories numbered by text": (coco(categories=[{"id": "3", "name": "cat"}]), "needs an `id` .a whole number"),
    "two categories of one number": (coco(categories=[{"id": 3, "name": "cat"}, {"id": 3, "name": "dog"}]), "the id 3 twice"),
    "two categories of one name": (coco(categories=[{"id": 3, "name": "cat"}, {"id": 9, "name": "cat"}]), "category 'cat' twice, with the ids 3 and 9"),
    "annotations as an object": (coco(annotations={"1": _entry()}), "lacks the list `annotations`"),
    "images that are none": (coco(images=["a.jpg", "b.jpg"]), "an image needs an `id` and a `file_name`"),
    "two images of one number": (coco(images=[{"id": 7, "file_name": "a.jpg"}, {"id": 7, "file_name": "b.jpg"}]), "id 7 is taken"),
    "an image twice": (coco(images=SECOND), "annotated in .* already"),
    "an image that is missing": (coco(images=[{"id": 7, "file_name": "c.jpg"}, {"id": 8, "file_name": "b.jpg"}]), "c.jpg is missing"),
    "another size": (coco(images=[{"id": 7, "file_name": "a.jpg", "width": 80, "height": 100}, {"id": 8, "file_name": "b.jpg"}]), "80x100 pixels, but it has 100x80"),
    "an annotation of no image": (annotation(image_id=77), "no image with the id 77"),
    "an unknown category": (annotation(category_id=4), "class 4 is unknown"),
    "a category by its name": (annotation(category_id="cat"), "`category_id` is 'cat'"),
    "a run-length mask without a box": (annotation(bbox=None, segmentation={"counts": "PYZ", "size": [80, 100]}, iscrowd=1), "`bbox` is None"),
    "an outline without a box": (annotation(bbox=None, segmentation=[[1, 1, 9, 1, 9, 9]]), "`bbox` is None"),
    "a box of three": (annotation(bbox=[1, 2, 3]), r"`bbox` is \[1, 2, 3\]"),
    "a box of text": (annotation(bbox="1 2 3 4"), "not four numbers"),
    "a box of texts": (annotation(bbox=["1", "2", "3", "4"]), "not four numbers"),
    "a box that is no number": (annotation(bbox=[1, 2, float("nan"), 4]), "not finite"),
    "an endless box": (annotation(bbox=[1, 2, float("inf"), 4]), "not finite"),
    "a box of negative width": (annotation(bbox=[40, 20, -30, 10]), "reversed"),
    "an empty box": (annotation(bbox=[40, 20, 0, 10]), "is empty"),
    "corners for width and height": (annotation(bbox=[40, 30, 90, 70]), "outside of the image of 100x80"),
    "splits of other categories": (_two_splits, "has other categories than"),
    "one split twice": (_same_split, "one train split too many"),
    # VOC
    "xml cut off": (raw("a.xml", "<annotation>\n<object>"), "a.xml:2.*no xml"),
    "xml of nothing": (raw("a.xml", ""), "no xml that can be read"),
    "another xml": (raw("a.xml", "<svg></svg>"), "not <annotation>"),
    "entities": (raw("a.xml", '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'), "entities"),
    "a broken encoding": (raw("a.xml", b"<annotation><filename>\xff\xfe.jpg</filename></annotation>"), "no xml that can be read"),
    "xml without objects": (voc(""), "no image in it has a box"),
    "an object without a name": (voc(corners(1, 1, 9, 9, name="")), "it has no <name>"),
    "an object without a box": (voc("<object><name>cat</name></object>"), "<xmin> is missing"),
    "percent": (voc(corners("10%", "10%", "50%", "50%")), "'10%', not a number"),
    "a comma for a point": (voc(corners("10,5", 1, 50, 50)), "'10,5', not a number"),
    "corners that are no number": (voc(corners("nan", 1, 50, 50)), "not finite"),
    "corners in the wrong order": (voc(corners(50, 1, 10, 50)), "reversed"),
    "corners outside": (voc(corners(50, 1, 500, 50)), "outside"),
    "the photo of an xml missing": (raw("b.xml", f"<annotation><filename>gone.jpg</filename>{corners(1, 1, 9, 9)}</annotation>"), "gone.jpg is missing"),
    # YOLO
    "names for numbers": (text("cat .5 .5 .2 .2\n"), "a.txt:1.*no number"),
    "pixels": (text("0 50 40 20 20\n"), "are these pixels"),
    "parts above one": (text("0 .5 .5 .2 1.2\n"), "outside"),
    "percent signs": (text("0 50% 50% 20% 20%\n"), "no number"),
    "commas": (text("0,.5,.5,.2,.2\n"), "1 field"),
    "two objects in a line": (text("0 .5 .5 .2 .2 1 .2 .2 .1 .1\n"), "it has 10 fields"),
    "scores": (text("0 .5 .5 .2 .2 .97\n"), "it has 6 fields"),
    "outlines": (text("0 .1 .1 .2 .2 .3 .3\n"), "segmentation"),
    "four fields": (text(".5 .5 .2 .2\n"), "it has 4 fields"),
    "half a class": (text("0.5 .5 .5 .2 .2\n"), "class is 0.5, not a whole number"),
    "a class that is endless": (text("inf .5 .5 .2 .2\n"), "not a whole number"),
    "a class below the first": (text("-1 .5 .5 .2 .2\n"), "class -1 is unknown"),
    "a class beyond the last": (text("2 .5 .5 .2 .2\n"), "class 2 is unknown: there are 2"),
    "a side that is no number": (text("0 .5 .5 nan .2\n"), "not finite"),
    "no width": (text("0 .5 .5 0 .2\n"), "is empty"),
    "a negative width": (text("0 .5 .5 -.2 .2\n"), "reversed"),
    "text in UTF-16": (text("0 .5 .5 .2 .2\n".encode("utf-16")), "text in UTF-16.*save it as UTF-8"),
    "text in another encoding": (text("0 .5 .5 .2 .2 # gr\xfcn\n".encode("latin-1")), "no text in UTF-8 .byte 0xfc in line 1"),
    "text without its photo": (_lone_text, "the image lost is missing"),
    "a photo cut off": (broken_photo(None), "cut off"),
    "a photo of nothing": (broken_photo(b""), "a.jpg cannot be read"),
    "a page for a photo": (broken_photo(b"<!DOCTYPE html>"), "a.jpg cannot be read"),
    "a photo that leads to itself": (_loop_of_a_photo, "is missing"),
    # data.yaml
    "yaml that is none": (yaml("names: [a\ntrain: x"), r"data\.yaml:\d.*yaml"),
    "yaml with tabs": (yaml("names:\n\t- cat\ntrain: images\n"), r"data\.yaml:2.*yaml"),
    "yaml in UTF-16": (yaml("names: [cat]\ntrain: images\n".encode("utf-16")), "data.yaml cannot be read: it is text in UTF-16"),
    "yaml that makes objects": (yaml("names: !!python/object/apply:os.getcwd []\ntrain: images\n"), r"data\.yaml:1.*yaml"),
    "yaml that is a list": (yaml("- names\n- train\n"), "holds no keys"),
    "yaml without names": (yaml("# names\ntrain: images\n"), "no `names`"),
    "yaml with the folders alone": (yaml("train: images\nval: images\n"), "no `names`"),
    "names that are one text": (yaml("names: cat\ntrain: images\n"), "no `names`"),
    "names with a gap": (yaml("names: {0: cat, 2: dog}\ntrain: images\n"), "gaps"),
    "names of two kinds": (yaml("names: {0: cat, b: dog}\ntrain: images\n"), "gaps"),
    "a name twice": (yaml("names: [cat, cat]\ntrain: images\n"), "'cat' twice"),
    "another count of names": (yaml("names: [cat]\nnc: 3\ntrain: images\n"), "`nc`"),
    "yaml without train": (yaml("names: [cat]\nval: images\n"), "no `train`"),
    "a folder of another machine": (yaml("names: [cat]\ntrain: /home/ana/set/images\n"), "no such folder"),
    "a list of another machine": (yaml("names: [cat]\ntrain: list.txt\n", list="/home/ana/set/images/z.jpg\n"), "z.jpg is missing"),
    "an empty list": (yaml("names: [cat]\ntrain: list.txt\n", list="\n"), "no box to learn from"),
    "references without end": (_laughs, r"data\.yaml:2 cannot be read as yaml: it refers to its own part"),
    "train that is the disk": (yaml("names: [cat]\ntrain: /\n"), "neither below the folder of the file nor beside it"),
    "train of the system": (yaml("names: [cat]\ntrain: ../../../../../../../../etc/passwd\n"), "neither below the folder"),
    "the disk itself": (lambda root: "/", "root of the file system"),
    "boxes without end in a json": (coco(annotations=[_entry(id=n) for n in range(10_001)]), "more than 10,000 boxes, which is the limit"),
    "boxes without end in a text": (text("0 .5 .5 .2 .2\n" * 10_001), "more than 10,000 boxes, which is the limit"),
    "boxes without end in an xml": (voc("<object/>" * 10_001), "more than 10,000 boxes, which is the limit"),
    "an annotation without end": (voc(" " * 8_000_000), "more than 8,000,000 bytes, which is the limit"),
    # pipes and places
    "a pipe for a photo": (pipe("images/a.jpg"), r"a\.jpg cannot be read: it is a named pipe, not a file"),
    "a pipe for a text": (pipe("labels/a.txt"), r"a\.txt: it cannot be read as text: it is a named pipe"),
    "a pipe for an xml": (pipe("images/a.xml"), r"a\.xml: it is no xml that can be read: it is a named pipe"),
    "a pipe for a json": (pipe("a.json"), r"a\.json cannot be read: it is a named pipe"),
    "a pipe for a data.yaml": (pipe("data.yaml"), r"data\.yaml cannot be read: it is a named pipe"),
    "a pipe for class names": (pipe("classes.txt"), r"classes\.txt cannot be read: it is a named pipe"),
    "annotations that are hidden": (_hidden_copy, "holds no annotations"),
    "a photo of either split": (_one_name_in_two_splits, r"may mean train/a\.jpg or val/a\.jpg"),
    "train that is a number": (yaml("names: [cat]\ntrain: 7\n"), "no such folder"),
}  # fmt: skip
"""By a name: what makes it in an empty folder and returns what is given as data, and what the error says."""
