"""One folder for each split: old copies are refused, and folders of no split are left out and said."""

import json

import pytest
from PIL import Image

from kzoo.data.annotations import read_annotations
from kzoo.errors import DataError

XML = "<annotation><filename>{}</filename><object><name>cat</name><bndbox>{}</bndbox></object></annotation>"
BOX = "<xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"


def photos(folder, count):
    folder.mkdir(parents=True, exist_ok=True)
    found = [folder / f"{folder.parent.name}{folder.name}{number}.jpg" for number in range(count)]
    for path in found:
        Image.new("RGB", (40, 30)).save(path)
    return found


def yolo(root, folders):
    for name, count in folders.items():
        for path in photos(root / name / "images", count):
            text = root / name / "labels" / f"{path.stem}.txt"
            text.parent.mkdir(exist_ok=True)
            text.write_text("0 .5 .5 .2 .2\n")


def yolo_by_kind(root, folders):
    for name, count in folders.items():
        for path in photos(root / "images" / name, count):
            text = root / "labels" / name / f"{path.stem}.txt"
            text.parent.mkdir(parents=True, exist_ok=True)
            text.write_text("0 .5 .5 .2 .2\n")


def voc(root, folders):
    for name, count in folders.items():
        for path in photos(root / name, count):
            path.with_suffix(".xml").write_text(XML.format(path.name, BOX))


def voc_by_annotations(root, folders):
    """Write all images into one folder, so that nothing but the folders of the xml files speak of splits."""
    for name, count in folders.items():
        (root / "xml" / name).mkdir(parents=True)
        for path in photos(root / "pictures" / "all", count):
            own = path.rename(path.with_name(f"{name}-{path.name}"))
            (root / "xml" / name / f"{own.stem}.xml").write_text(XML.format(own.name, BOX))


def coco(root, folders):
    """Write one json for all, so that the folders of the images are what speaks of splits."""
    paths = [path for name, count in folders.items() for path in photos(root / name, count)]
    content = {
        "images": [{"id": n, "file_name": path.relative_to(root).as_posix()} for n, path in enumerate(paths)],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 8, 8]} for n in range(len(paths))],
    }
    (root / "all.json").write_text(json.dumps(content))


WRITERS = [yolo, yolo_by_kind, voc, voc_by_annotations, coco]


def counts(root):
    sets = read_annotations(root)
    parts = (sets.train, sets.validation, sets.test)
    return [len(part) if part is not None else None for part in parts], sets.notes


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(("split", "copy"), [("test", "test_old"), ("train", "train_backup"), ("val", "val2")])
def test_an_old_copy_of_a_split_is_refused_with_both_names(write, split, copy, tmp_path):
    write(tmp_path, {"train": 4, split: 3, copy: 2})
    with pytest.raises(DataError, match=rf"both `(\w+/)?{split}` and `(\w+/)?{copy}`"):
        read_annotations(tmp_path)


def test_a_copy_of_the_whole_set_beside_it_is_refused(tmp_path):
    yolo(tmp_path, {"train": 4, "val": 2, "backup/train": 4})
    with pytest.raises(DataError, match="both `backup/train` and `train`"):
        read_annotations(tmp_path)


@pytest.mark.parametrize("write", WRITERS)
def test_a_folder_of_no_split_is_left_out_with_its_count(write, tmp_path):
    write(tmp_path, {"train": 4, "other": 3, "val": 2})
    found, notes = counts(tmp_path)
    assert found == [4, 2, None]
    assert len(notes) == 1
    assert "other` in" in notes[0]
    assert "left out with its 3 image(s)" in notes[0]


def test_images_beside_the_folders_of_the_splits_are_left_out(tmp_path):
    yolo(tmp_path, {"train": 4, "val": 2})
    Image.new("RGB", (40, 30)).save(tmp_path / "stray.jpg")
    found, notes = counts(tmp_path)
    assert found == [4, 2, None]
    assert [note.partition(f" in {tmp_path}")[0] for note in notes] == ["1 image(s)"]
    assert "stray.jpg" in notes[0]


@pytest.mark.parametrize("write", WRITERS)
def test_without_a_folder_of_train_what_is_of_no_split_is_learned_from_and_said(write, tmp_path):
    write(tmp_path, {"photos": 4, "test": 2})
    found, notes = counts(tmp_path)
    assert found == [4, None, 2]
    assert any("speaks of train: the 4 image(s)" in note for note in notes)
