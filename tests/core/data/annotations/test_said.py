"""What is said of a set that can be read: how much was in two splits, left out or spelled in two ways."""

import json

import pytest
from PIL import Image

from kzoo.data.annotations import read_annotations
from kzoo.errors import DataError


def photos(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (100, 80)).save(folder / f"{name}.jpg")


def voc(root, names, label="cat"):
    photos(root / "JPEGImages", names)
    (root / "Annotations").mkdir(exist_ok=True)
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    for name in names:
        (root / "Annotations" / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.jpg</filename><object><name>{label}</name>{box}</object></annotation>"
        )


def lists(root, **splits):
    folder = root / "ImageSets" / "Main"
    folder.mkdir(parents=True)
    for name, listed in splits.items():
        (folder / f"{name}.txt").write_text("\n".join(listed))


def sizes(found):
    return [len(part) if part is not None else None for part in (found.train, found.validation, found.test)]


@pytest.mark.parametrize(
    ("splits", "sizes_of", "said"),
    [
        ({"train": "abcdef", "test": "efgh"}, [4, None, 4], ["2 image(s) are listed in both train and test"]),
        (
            {"trainval": "abcdef", "train": "abcd", "val": "def", "test": "gh"},
            [3, 3, 2],
            ["1 image(s) are listed in both train and val"],
        ),
        ({"trainval": "abcdef", "test": "fgh"}, [5, None, 3], ["1 image(s) are listed in both trainval and test"]),
        ({"trainval": "abcdef", "train": "abcd", "val": "ef", "test": "gh"}, [4, 2, 2], []),
    ],
    ids=["train and test", "train and val", "trainval and test", "VOC itself"],
)
def test_names_in_two_lists_of_voc_are_counted(splits, sizes_of, said, tmp_path):
    voc(tmp_path, "abcdefgh")
    lists(tmp_path, **splits)
    found = read_annotations(tmp_path)
    assert sizes(found) == sizes_of
    assert [note.partition(" of ImageSets")[0] for note in found.notes] == said


def test_a_list_that_names_nothing_leaves_all_out(tmp_path):
    voc(tmp_path, "ab")
    lists(tmp_path, train="")
    with pytest.raises(DataError, match="no image in it has a box"):
        read_annotations(tmp_path)


def stated(root, **keys):
    for split, names in (("train", "abc"), ("val", "de")):
        photos(root / "images" / split, names)
        (root / "labels" / split).mkdir(parents=True)
        for name in names:
            (root / "labels" / split / f"{name}.txt").write_text("0 .5 .5 .2 .2\n")
    names = keys.pop("names", "[cat, dog]")
    text = "".join(f"{key}: images/{folder}\n" for key, folder in keys.items())
    (root / "data.yaml").write_text(f"{text}names: {names}\n")


def test_a_test_split_that_is_the_validation_split_is_said(tmp_path):
    stated(tmp_path, train="train", val="val", test="val")
    found = read_annotations(tmp_path)
    assert sizes(found) == [3, 2, 2]
    assert len(found.notes) == 1
    assert found.notes[0].startswith("2 of 2 images of the test split are in the validation split as well")


def test_lines_that_repeat_a_box_are_left_out_and_counted(tmp_path):
    stated(tmp_path, train="train", val="val")
    other, same = "1 .3 .3 .2 .2", "0 0.50 .5 .2 .2"
    (tmp_path / "labels/train/b.txt").write_text(f"0 .5 .5 .2 .2\n{other}\n{same}\n{same}\n1 .5 .5 .2 .2\n")
    found = read_annotations(tmp_path)
    assert [len(image.boxes) for image in found.train] == [1, 3, 1]
    assert found.train.images[1].labels.tolist() == [0, 1, 1]
    assert len(found.notes) == 1
    assert found.notes[0].startswith("2 line(s) in 1 text file(s)")
    assert found.notes[0].endswith("labels/train/b.txt.")


def test_boxes_around_crowds_are_counted(tmp_path):
    photos(tmp_path, "ab")
    for name, crowds in (("train", [0, 1, 1]), ("val", [0, 1])):
        (tmp_path / f"{name}.json").write_text(
            json.dumps({
                "images": [{"id": 1, "file_name": "a.jpg" if name == "train" else "b.jpg"}],
                "categories": [{"id": 1, "name": "cat"}],
                "annotations": [
                    {"id": n, "image_id": 1, "category_id": 1, "bbox": [n, 1, 8, 8], "iscrowd": crowd}
                    for n, crowd in enumerate(crowds)
                ],
            })
        )  # fmt: skip
    found = read_annotations(tmp_path)
    assert len(found.notes) == 1
    assert found.notes[0].startswith("3 box(es)")
    assert "(2 of train, 1 of validation)" in found.notes[0]


def test_names_that_differ_in_capitals_alone_are_said(tmp_path):
    voc(tmp_path, "ab", "cat")
    voc(tmp_path, "cd", "Cat ")
    found = read_annotations(tmp_path)
    assert found.class_names == ("Cat", "cat")
    assert [note.rpartition(": ")[2] for note in found.notes] == ["'Cat' and 'cat'."]


def test_blanks_around_a_name_are_no_part_of_it(tmp_path):
    stated(tmp_path, train="train", val="val", names='["cat ", " dog"]')
    assert read_annotations(tmp_path).class_names == ("cat", "dog")
    photos(tmp_path / "coco", "a")
    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "name": "cat "}, {"id": 2, "name": "\tdog"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 2, "bbox": [1, 1, 8, 8]}],
    }
    (tmp_path / "coco" / "all.json").write_text(json.dumps(content))
    assert read_annotations(tmp_path / "coco").class_names == ("cat", "dog")


def test_a_wrong_box_is_named_with_the_folders_of_its_file(tmp_path):
    stated(tmp_path, train="train", val="val")
    photos(tmp_path / "images" / "val", "a")
    for split in ("train", "val"):
        (tmp_path / "labels" / split / "a.txt").write_text("2 .5 .5 .2 .2\n")
    with pytest.raises(DataError) as failed:
        read_annotations(tmp_path)
    for split in ("train", "val"):
        assert f" labels/{split}/a.txt:1: the class 2 is unknown" in str(failed.value)
    assert read_annotations(tmp_path, fix="skip").notes[-1].count("labels/") == 2


def test_what_two_images_share_is_said_once(tmp_path):
    stated(tmp_path, train="train", val="val")
    Image.new("RGB", (100, 80)).save(tmp_path / "images" / "train" / "a.png")
    with pytest.raises(DataError, match=r"2 annotation\(s\) or image\(s\)") as failed:
        read_annotations(tmp_path)
    said = "labels/train/a.txt: it may belong to images/train/a.jpg or to images/train/a.png (2 times)."
    assert str(failed.value).count("may belong") == 1
    assert said in str(failed.value)


def test_an_image_that_is_annotated_twice_is_named_with_the_folders_of_both(tmp_path):
    voc(tmp_path, "ab")
    for name in ("Annotations", "more"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "a.xml").write_text((tmp_path / "Annotations" / "a.xml").read_text())
    with pytest.raises(DataError, match=r"more/a\.xml: the image a\.jpg is annotated in Annotations/a\.xml already"):
        read_annotations(tmp_path)
