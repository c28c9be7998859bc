"""A box stays on its own picture: which image an annotation means, and which split both are of."""

import json
import shutil

import pytest
from PIL import Image

from kzoo.data.annotations import read_annotations
from kzoo.errors import DataError

SPLITS = ("train", "validation", "test")


def photo(path, size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def voc(path, at, named=None):
    """Write the xml of one box, whose corner says which picture it is of."""
    path.parent.mkdir(parents=True, exist_ok=True)
    box = f"<bndbox><xmin>{at}</xmin><ymin>1</ymin><xmax>{at + 5}</xmax><ymax>9</ymax></bndbox>"
    named = f"{path.stem}.jpg" if named is None else named
    path.write_text(f"<annotation><filename>{named}</filename><object><name>cat</name>{box}</object></annotation>")


def coco(path, boxes):
    """Write a json with the left side of one box for each image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = {name: number for number, name in enumerate(boxes, 1)}
    found = {
        "images": [{"id": number, "file_name": name} for name, number in numbers.items()],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": number, "image_id": number, "category_id": 1, "bbox": [boxes[name], 1, 5, 8]}
            for name, number in numbers.items()
        ],
    }
    path.write_text(json.dumps(found))


def yolo(path, at):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"0 {(at + 2.5) / 40} .2 .125 .2\n")


def told(given, root=None, **options):
    """Return the left side of each image's first box, by split and name."""
    sets = read_annotations(given, **options)
    return {
        split: {
            image.path.relative_to(root or given).as_posix(): round(float(image.boxes[0, 0]))
            for image in part
            if len(image.boxes)
        }
        for split in SPLITS
        if (part := getattr(sets, split)) is not None
    }


@pytest.fixture(params=["set", "my-test-data", "train_and_val"])
def root(request, tmp_path):
    """Return a folder, also one whose own name speaks of a split."""
    return tmp_path / "validation" / request.param


def test_the_json_of_a_split_means_the_images_of_that_split(root):
    for split, at in (("train", 1), ("val", 11), ("test", 21)):
        photo(root / split / "0.jpg")
        coco(root / "annotations" / f"instances_{split}.json", {"0.jpg": at})
    assert told(root) == {"train": {"train/0.jpg": 1}, "validation": {"val/0.jpg": 11}, "test": {"test/0.jpg": 21}}


def test_the_folder_of_coco_itself(root):
    for split, at in (("train2017", 1), ("val2017", 11)):
        photo(root / "images" / split / "0.jpg")
        coco(root / "annotations" / f"instances_{split}.json", {"0.jpg": at})
        coco(root / "annotations" / f"person_keypoints_{split}.json", {"0.jpg": 30})
    assert told(root) == {"train": {"images/train2017/0.jpg": 1}, "validation": {"images/val2017/0.jpg": 11}}
    assert any("person_keypoints_train2017" in note for note in read_annotations(root).notes)
    one = root / "annotations" / "instances_val2017.json"
    assert told(one, root) == {"train": {"images/val2017/0.jpg": 11}}


@pytest.mark.parametrize("images", ["", "images", "JPEGImages"])
def test_the_xml_of_a_split_means_the_images_of_that_split(root, images):
    for split, at in (("train", 1), ("valid", 11)):
        photo(root / split / images / "1.jpg")
        voc(root / split / (images and "Annotations") / "1.xml", at)
    place = f"{images}/1.jpg".lstrip("/")
    for given in (root, root.parent, root.parent.parent):  # folders around it that hold nothing else
        assert told(given, root) == {"train": {f"train/{place}": 1}, "validation": {f"valid/{place}": 11}}


@pytest.mark.parametrize("folders", ["{}/images {}/labels", "images/{} labels/{}", "{} {}", "{} labels/{}"])
def test_the_text_of_a_split_means_the_image_of_that_split(root, folders):
    images, labels = folders.split()
    for split, at in (("training_set", 1), ("dev", 11), ("Testing", 21)):
        photo(root / images.format(split) / "1.jpg")
        yolo(root / labels.format(split) / "1.txt", at)
    places = [f"{images.format(split)}/1.jpg" for split in ("training_set", "dev", "Testing")]
    assert told(root) == {split: {place: at} for split, place, at in zip(SPLITS, places, (1, 11, 21), strict=True)}
    assert read_annotations(root).notes == ()


def test_folders_that_speak_of_no_split_keep_their_pictures_too(tmp_path):
    for site, at in (("north", 1), ("south", 11)):
        photo(tmp_path / site / "images" / "1.jpg")
        voc(tmp_path / site / "Annotations" / "1.xml", at)
    assert told(tmp_path) == {"train": {"north/images/1.jpg": 1, "south/images/1.jpg": 11}}


def test_annotations_in_one_folder_are_of_the_splits_of_their_images(tmp_path):
    for split, at in (("train", 1), ("val", 11)):
        photo(tmp_path / "images" / split / f"{split}.jpg")
        voc(tmp_path / "annotations" / f"{split}.xml", at)
    expected = {"train": {"images/train/train.jpg": 1}, "validation": {"images/val/val.jpg": 11}}
    assert told(tmp_path) == expected
    shutil.rmtree(tmp_path / "annotations")
    for folders in ("", "images/"):  # of another machine, and as they are
        coco(tmp_path / "all.json", {f"{folders}train/train.jpg": 1, f"{folders}val/val.jpg": 11})
        assert told(tmp_path) == expected


def test_images_of_two_splits_in_one_folder_are_taken_and_said(tmp_path):
    for name in "abc":
        photo(tmp_path / "train" / f"{name}.jpg")
    coco(tmp_path / "train.json", {"a.jpg": 1, "b.jpg": 11})
    coco(tmp_path / "val.json", {"c.jpg": 21})
    assert told(tmp_path) == {"train": {"train/a.jpg": 1, "train/b.jpg": 11}, "validation": {"train/c.jpg": 21}}
    assert any("folders of another split than their annotations" in note for note in read_annotations(tmp_path).notes)


def _no_images_of_val(root):
    photo(root / "train/0.jpg")
    coco(root / "a/train.json", {"0.jpg": 1})
    coco(root / "a/val.json", {"0.jpg": 11})


def _images_of_train_alone(root):
    photo(root / "train/0.jpg")
    coco(root / "a/val.json", {"0.jpg": 11})


def _two_places(root):
    for name in ("left", "right"):
        photo(root / name / "1.jpg")
    voc(root / "annotations/1.xml", 1)


def _no_split_of_its_own(root):
    for name in ("train", "val"):
        photo(root / name / "1.jpg")
    voc(root / "annotations/1.xml", 1)


def _renamed_in_a_row(root):
    for name in "12":
        photo(root / f"{name}.jpg")
    voc(root / "2.xml", 1, named="1.jpg")


def _one_text_for_two(root):
    for split in ("train", "val"):
        photo(root / split / "1.jpg")
    yolo(root / "labels/1.txt", 1)


def _two_suffixes(root):
    photo(root / "1.jpg")
    photo(root / "1.png")
    yolo(root / "1.txt", 1)


def _two_texts(root):
    photo(root / "images/1.jpg")
    yolo(root / "images/1.txt", 1)
    yolo(root / "labels/1.txt", 11)


OPEN = {
    "images of val that are not there": (_no_images_of_val, r"0\.jpg is missing: train/0\.jpg is one of train"),
    "nothing but images of train": (_images_of_train_alone, r"0\.jpg is missing: train/0\.jpg is one of train"),
    "two folders at the same distance": (_two_places, r"may mean left/1\.jpg or right/1\.jpg"),
    "an xml of no split": (_no_split_of_its_own, r"may mean train/1\.jpg or val/1\.jpg"),
    "an xml that was renamed with its photo": (
        _renamed_in_a_row,
        r"names 1\.jpg, and 2\.jpg is called as it is itself",
    ),
    "one text for two splits": (_one_text_for_two, r"may belong to .*train/1\.jpg or to .*val/1\.jpg"),
    "one text for two photos": (_two_suffixes, r"may belong to .*1\.jpg or to .*1\.png"),
    "two texts for one photo": (_two_texts, r"may belong to .*labels/1\.txt or to .*images/1\.txt, which differ"),
}


@pytest.mark.parametrize("case", OPEN)
def test_what_stays_open_is_refused_with_both_candidates(case, tmp_path):
    make, says = OPEN[case]
    make(tmp_path)
    with pytest.raises(DataError, match=says):
        read_annotations(tmp_path)
    try:
        kept = told(tmp_path, fix="skip")
    except DataError:  # nothing is left to learn from
        kept = {}
    assert kept in ({}, {"train": {"train/0.jpg": 1}, "validation": {}})  # never the box of another picture


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("train/val_images/1", "in folders that speak of train and validation"),
        ("train/instances_val", "validation split"),
    ],
)
def test_a_place_that_speaks_of_two_splits_is_refused(place, says, tmp_path):
    photo(tmp_path / "train/1.jpg")
    photo(tmp_path / "other/2.jpg")
    if "instances" in place:
        coco(tmp_path / f"{place}.json", {"1.jpg": 1})
    else:
        voc(tmp_path / f"{place}.xml", 1)
    with pytest.raises(DataError, match=says):
        read_annotations(tmp_path)


def test_lists_of_voc_hold_for_the_set_that_they_are_in(tmp_path):
    for year, first, second in (("VOC2007", "train", "val"), ("VOC2012", "val", "train")):
        lists = tmp_path / year / "ImageSets" / "Main"
        lists.mkdir(parents=True)
        for name, split, at in (("1", first, 1), ("2", second, 11), ("3", "", 21)):
            photo(tmp_path / year / "JPEGImages" / f"{name}.jpg")
            voc(tmp_path / year / "Annotations" / f"{name}.xml", at + (year == "VOC2012"))
            if split:
                (lists / f"{split}.txt").write_text(f"{name}.jpg\n")
        (lists / "cat_train.txt").write_text("3 1\n")  # which images have a cat, as VOC has it for each class
    assert told(tmp_path) == {
        "train": {"VOC2007/JPEGImages/1.jpg": 1, "VOC2012/JPEGImages/2.jpg": 12},
        "validation": {"VOC2007/JPEGImages/2.jpg": 11, "VOC2012/JPEGImages/1.jpg": 2},
    }
    assert any(note.startswith("2 xml file(s) are in no list") for note in read_annotations(tmp_path).notes)
