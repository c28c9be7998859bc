import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from kzoo.data.annotations import read_annotations
from kzoo.errors import DataError, UsageError

BOXES = {"a": [("cat", (10, 20, 50, 60)), ("dog", (0, 0, 100, 80))], "b": [("dog", (30, 10, 60, 70))], "c": []}
CLASSES = ["cat", "dog"]
SIZE = (100, 80)


def images(folder, names=BOXES, size=SIZE):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", size, "gray").save(folder / f"{name}.jpg")


def voc(root, boxes=BOXES, folder="annotations"):
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name, own in boxes.items():
        objects = "".join(
            f"<object>\n<name>{label}</name>\n<bndbox><xmin>{b[0]}</xmin><ymin>{b[1]}</ymin><xmax>{b[2]}</xmax>"
            f"<ymax>{b[3]}</ymax></bndbox>\n</object>\n"
            for label, b in own
        )
        head = f"<filename>{name}.jpg</filename>\n<size><width>100</width><height>80</height></size>\n"
        (root / folder / f"{name}.xml").write_text(f"<annotation>\n{head}{objects}</annotation>")


def coco(path, boxes=BOXES, indent=1, **changes):
    found = {
        "images": [
            {"id": 7 + n, "file_name": f"{name}.jpg", "width": 100, "height": 80} for n, name in enumerate(boxes)
        ],
        "categories": [{"id": 3, "name": "cat"}, {"id": 9, "name": "dog"}],
        "annotations": [],
    }
    for n, own in enumerate(boxes.values()):
        for label, (x1, y1, x2, y2) in own:
            found["annotations"].append({
                "id": len(found["annotations"]) + 1, "image_id": 7 + n, "category_id": {"cat": 3, "dog": 9}[label],
                "bbox": [x1, y1, x2 - x1, y2 - y1], "area": 5.0, "iscrowd": 0,
            })  # fmt: skip
    path.write_text(json.dumps({**found, **changes}, indent=indent))


def yolo(folder, boxes=BOXES, *, names=True):
    folder.mkdir(parents=True, exist_ok=True)
    for name, own in boxes.items():
        lines = [
            f"{CLASSES.index(label)} {(x1 + x2) / 200} {(y1 + y2) / 160} {(x2 - x1) / 100} {(y2 - y1) / 80}"
            for label, (x1, y1, x2, y2) in own
        ]
        (folder / f"{name}.txt").write_text("\n".join(lines))
    if names:
        (folder.parent / "classes.txt").write_text("cat\ndog\n")


def plain(annotations):
    return [(image.path.name, image.size, image.boxes.tolist(), image.labels.tolist()) for image in annotations]


EXPECTED = [
    (f"{name}.jpg", SIZE, [list(map(float, b)) for _, b in own], [CLASSES.index(label) for label, _ in own])
    for name, own in BOXES.items()
]


def test_three_formats_of_one_set_are_read_alike(tmp_path):
    for form in ("voc", "coco", "yolo"):
        root = tmp_path / form
        images(root / "images")
        {"voc": voc, "coco": lambda r: coco(r / "all.json"), "yolo": lambda r: yolo(r / "labels")}[form](root)
        found = read_annotations(root)
        assert (found.form, found.class_names) == (form, ("cat", "dog"))
        for got, expected in zip(plain(found.train), EXPECTED, strict=True):
            assert got[:2] == expected[:2]
            np.testing.assert_allclose(np.array(got[2]).reshape(-1, 4), np.array(expected[2]).reshape(-1, 4), atol=1e-4)
            assert got[3] == expected[3]


def test_coco_is_read_as_pycocotools_reads_it(tmp_path):
    images(tmp_path / "images")
    coco(tmp_path / "instances_train.json")
    theirs, mine = COCO(str(tmp_path / "instances_train.json")), read_annotations(tmp_path).train
    categories = sorted(theirs.getCatIds())
    for image in mine:
        own = theirs.loadAnns(theirs.getAnnIds(imgIds=[image.id]))
        boxes = [[x, y, x + w, y + h] for x, y, w, h in (entry["bbox"] for entry in own)]
        assert image.boxes.tolist() == boxes
        assert image.labels.tolist() == [categories.index(entry["category_id"]) for entry in own]
        assert image.areas.tolist() == [entry["area"] for entry in own]


def test_splits_of_a_data_yaml(tmp_path):
    for split, name in (("train", "a"), ("valid", "b"), ("test", "c")):
        images(tmp_path / split / "images", [name])
        yolo(tmp_path / split / "labels", {name: BOXES[name]}, names=False)
    text = "path: .\ntrain: ../train/images\nval: ../valid/images\ntest: test/images\nnc: 2\nnames: [cat, dog]\n"
    (tmp_path / "data.yaml").write_text(text)
    for source in (tmp_path, tmp_path / "data.yaml"):
        found = read_annotations(source)
        assert [len(part) for part in (found.train, found.validation, found.test)] == [1, 1, 1]
        assert found.validation.images[0].path.name == "b.jpg"


def test_splits_of_voc(tmp_path):
    images(tmp_path / "JPEGImages")
    voc(tmp_path, folder="Annotations")
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n")
    (lists / "val.txt").write_text("c\n")
    found = read_annotations(tmp_path)
    assert (len(found.train), len(found.validation), found.test) == (2, 1, None)


WRONG = {
    "reversed": ((50, 20, 10, 60), "reversed", (10, 20, 50, 60)),
    "empty": ((10, 20, 10, 60), "empty", None),
    "partly outside": ((50, 20, 160, 60), "outside", (50, 20, 100, 60)),
    "wholly outside": ((150, 20, 160, 60), "outside", None),
    "negative": ((-30, 20, 10, 60), "outside", (0, 20, 10, 60)),
    "nan": (("nan", 20, 10, 60), "not finite", None),
    "infinite": ((1, 2, "inf", 60), "not finite", None),
    "no number": ((1, 2, "wide", 60), "not a number", None),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_boxes_stop_are_clipped_or_skipped(tmp_path, name):
    box, says, clipped = WRONG[name]
    images(tmp_path / "images", ["a"])
    voc(tmp_path, {"a": [("cat", (10, 20, 50, 60)), ("dog", box)]})
    with pytest.raises(DataError, match=says) as failed:
        read_annotations(tmp_path)
    assert "a.xml:8" in str(failed.value)  # where the second <object> is
    assert "data.fix=clip" in str(failed.value)
    assert len(read_annotations(tmp_path, fix="skip").train.images[0].labels) == 1
    kept = read_annotations(tmp_path, fix="clip").train.images[0].boxes.tolist()
    assert kept[1:] == ([] if clipped is None else [list(map(float, clipped))])


def test_every_fault_is_listed_at_once(tmp_path):
    images(tmp_path / "images", ["a", "b"])
    (tmp_path / "images" / "b.jpg").write_bytes(b"<html>not found</html>")
    yolo(tmp_path / "labels")
    (tmp_path / "labels" / "a.txt").write_text(
        "0 0.5 0.5 0.2 0.2\n7 0.5 0.5 0.2 0.2\n0 1.5 0.5 0.2 0.2\n0 0.5 0.5 0.2\n"
    )
    with pytest.raises(DataError) as failed:
        read_annotations(tmp_path)
    for text in ("a.txt:2", "class 7 is unknown", "a.txt:3", "outside", "a.txt:4", "4 fields", "b.jpg", "web page"):
        assert text in str(failed.value)


def test_missing_images_are_named(tmp_path):
    images(tmp_path / "images", ["a", "b"])
    coco(tmp_path / "all.json")
    with pytest.raises(DataError, match=r"all\.json:\d+ \(image 9\): the image c\.jpg is missing"):
        read_annotations(tmp_path)


@pytest.mark.parametrize("indent", [None, 1])
def test_every_wrong_image_of_a_file_in_one_line_is_named(indent, tmp_path):
    images(tmp_path / "images", ["a"])
    wrong = [
        {"id": 7, "file_name": "a.jpg"},
        {"id": 7, "file_name": "a.jpg"},
        {"id": [8]},
        {"file_name": "a.jpg"},
        "a.jpg",
    ]
    boxes = [{"id": n, "image_id": of, "category_id": 3, "bbox": [1, 2, 3, 4]} for n, of in enumerate((7, [8], None))]
    coco(tmp_path / "all.json", {}, indent, images=wrong, annotations=boxes)
    with pytest.raises(DataError, match=r"6 annotation\(s\) or image\(s\)") as failed:
        read_annotations(tmp_path)
    fault = "an image needs an `id` and a `file_name`"
    # In a file of one line, two of them are at the same place.
    assert str(failed.value).count(fault) + str(failed.value).count(f"{fault} (2 times)") == 3
    assert str(failed.value).count("there is no image with the id") == 2


def test_texts_without_an_image_and_images_that_are_cut_off_are_named(tmp_path):
    images(tmp_path / "images")
    yolo(tmp_path / "labels")
    (tmp_path / "images" / "b.jpg").unlink()
    whole = (tmp_path / "images" / "a.jpg").read_bytes()
    (tmp_path / "images" / "a.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cut off") as failed:
        read_annotations(tmp_path)
    assert "b.txt: the image b is missing" in str(failed.value)


def test_a_size_that_is_not_the_images_own_is_told(tmp_path):
    images(tmp_path / "images", ["a"], size=(80, 100))
    voc(tmp_path, {"a": [("cat", (10, 20, 50, 60))]})
    with pytest.raises(DataError, match="100x80 pixels, but it has 80x100"):
        read_annotations(tmp_path)


BROKEN = {
    "an empty folder": (lambda root: None, "holds no annotations"),
    "xml cut off": (lambda root: (root / "a.xml").write_text("<annotation>\n<object>"), "a.xml:2.*no xml"),
    "another xml": (lambda root: (root / "a.xml").write_text("<svg></svg>"), "not <annotation>"),
    "entities": (
        lambda root: (root / "a.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'),
        "entities",
    ),
    "json cut off": (
        lambda root: (root / "a.json").write_text('{"images": [], \n"annotations": ['),
        "a.json:2.*no json",
    ),
    "json without categories": (
        lambda root: (root / "a.json").write_text('{"images": [], "annotations": []}'),
        "lacks",
    ),
    "no categories": (lambda root: coco(root / "a.json", categories=[]), "has no categories"),
    "a category without a name": (lambda root: coco(root / "a.json", categories=[{"id": 1}]), "needs an `id`"),
    "an annotation of no image": (lambda root: coco(root / "a.json", images=[]), "no image with the id 7"),
    "a bbox of three": (
        lambda root: coco(root / "a.json", annotations=[{"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 3]}]),
        r"annotation 1\): `bbox` is \[1, 2, 3\]",
    ),
    "a bbox of text": (
        lambda root: coco(root / "a.json", annotations=[{"id": 1, "image_id": 7, "category_id": 3, "bbox": "1 2 3 4"}]),
        "not four numbers",
    ),
    "an unknown category": (
        lambda root: coco(
            root / "a.json", annotations=[{"id": 1, "image_id": 7, "category_id": 4, "bbox": [1, 2, 3, 4]}]
        ),
        "class 4 is unknown",
    ),
    "a yaml that is none": (
        lambda root: (root / "data.yaml").write_text("names: [a\ntrain: x"),
        r"data\.yaml:\d.*yaml",
    ),
    "a yaml without names": (lambda root: (root / "data.yaml").write_text("# names\ntrain: images\n"), "no `names`"),
    "a yaml with gaps": (lambda root: (root / "data.yaml").write_text("names: {0: a, 2: b}\ntrain: images\n"), "gaps"),
    "a yaml with another nc": (
        lambda root: (root / "data.yaml").write_text("names: [a]\nnc: 3\ntrain: images\n"),
        "`nc`",
    ),
    "a yaml without train": (lambda root: (root / "data.yaml").write_text("names: [a]\nval: images\n"), "no `train`"),
    "a yaml of no folder": (
        lambda root: (root / "data.yaml").write_text("names: [a]\ntrain: nowhere\n"),
        "no such folder",
    ),
    "text of no numbers": (lambda root: (root / "images" / "a.txt").write_text("cat 1 2 3 4\n"), "a.txt:1.*no number"),
    "outlines": (lambda root: (root / "images" / "a.txt").write_text("0 .1 .1 .2 .2 .3 .3\n"), "segmentation"),
    "pixels": (lambda root: (root / "images" / "a.txt").write_text("0 50 40 20 20\n"), "are these pixels"),
    "bytes": (lambda root: (root / "images" / "a.txt").write_bytes(b"\xff\xfe\x00\x01"), "cannot be read as text"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_sets_are_refused_in_a_paragraph(tmp_path, name):
    make, says = BROKEN[name]
    images(tmp_path / "images", ["a"])
    make(tmp_path)
    with pytest.raises(DataError, match=says) as failed:
        read_annotations(tmp_path)
    assert "\n" not in str(failed.value)


class TestWhatRealFilesHave:
    """None of this is wrong."""

    def test_a_byte_order_mark_and_windows_line_ends(self, tmp_path):
        images(tmp_path / "images", ["a"])
        yolo(tmp_path / "labels", {"a": BOXES["a"]})
        for path in tmp_path.rglob("*.txt"):
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
        found = read_annotations(tmp_path)
        assert found.class_names == ("cat", "dog")
        assert found.train.images[0].labels.tolist() == [0, 1]

    def test_xml_in_utf_16_and_without_a_size(self, tmp_path):
        images(tmp_path / "images", ["a"])
        voc(tmp_path, {"a": BOXES["a"]})
        path = tmp_path / "annotations" / "a.xml"
        path.write_bytes(re.sub("<size>.*</size>", "", path.read_text()).encode("utf-16"))
        assert plain(read_annotations(tmp_path).train) == EXPECTED[:1]

    def test_a_photo_renamed_after_its_xml(self, tmp_path):
        images(tmp_path / "images", ["a"])
        voc(tmp_path, {"a": BOXES["a"]})
        path = tmp_path / "annotations" / "a.xml"
        path.write_text(path.read_text().replace("a.jpg", "IMG_2041.JPG"))
        assert plain(read_annotations(tmp_path).train) == EXPECTED[:1]

    def test_categories_numbered_from_0(self, tmp_path):
        images(tmp_path / "images", ["a"])
        box = {"id": 1, "image_id": 7, "category_id": 0, "bbox": [1, 2, 3, 4]}
        coco(tmp_path / "a.json", {"a": []}, categories=[{"id": 0, "name": "cat"}], annotations=[box])
        assert read_annotations(tmp_path).category_ids == (0,)

    @pytest.mark.parametrize("used", [0, 1])
    def test_a_second_category_of_the_same_name_without_boxes(self, used, tmp_path):
        images(tmp_path / "images", ["a"])
        box = {"id": 1, "image_id": 7, "category_id": used, "bbox": [1, 2, 3, 4]}
        categories = [{"id": 0, "name": "cat", "supercategory": "none"}, {"id": 1, "name": "cat"}]
        coco(tmp_path / "a.json", {"a": []}, categories=categories, annotations=[box])
        found = read_annotations(tmp_path)
        assert (found.class_names, found.category_ids) == (("cat",), (used,))

    def test_run_length_masks_beside_boxes(self, tmp_path):
        images(tmp_path / "images", ["a"])
        mask = {"counts": [3, 4], "size": [80, 100]}
        box = {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4], "segmentation": mask, "iscrowd": 1}
        coco(tmp_path / "a.json", {"a": []}, annotations=[box, {**box, "id": 2, "iscrowd": 0}])
        assert read_annotations(tmp_path).train.images[0].crowd.tolist() == [True, False]


def test_unknown_words_are_refused(tmp_path):
    with pytest.raises(UsageError, match="voc, coco or yolo"):
        read_annotations(tmp_path, form="darknet")
    with pytest.raises(UsageError, match="stop, clip or skip"):
        read_annotations(tmp_path, fix="mend")


def test_real_sets(request):
    import os

    data = os.environ.get("KZOO_TEST_DATA")
    if not data:
        pytest.skip("KZOO_TEST_DATA names no folder of real data")
    raccoon = read_annotations(Path(data) / "detection" / "raccoon")
    assert (len(raccoon.train), raccoon.train.box_count, raccoon.class_names) == (200, 217, ("raccoon",))
    forms = [read_annotations(Path(data) / "detection" / "coco128", form=form) for form in ("coco", "yolo")]
    for one, other in zip(*((*form.train, *form.validation) for form in forms), strict=True):
        assert one.path == other.path
        kept = one.learnable()
        assert sorted(kept.labels) == sorted(other.labels)
