"""Which folders are splits, which are classes, and what is said of the rest."""

import os

import numpy as np
import pytest
from PIL import Image

from kzoo.data.class_folders import classes_in
from kzoo.data.images import read_image_folder
from kzoo.errors import DataError


def touched(root, *folders, names=("1.jpg",)):
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            (root / folder / name).touch()
    return root


def crossed(splits, classes):
    return [f"{split}/{name}" for split in splits for name in classes]


def told(root, **options):
    """Return the images by split and class, as texts from the root."""
    found = classes_in(root, **options)
    return found.class_names, {
        split: [[path.relative_to(root).as_posix() for path in images] for images in classes]
        for split, classes in found.images.items()
    }


@pytest.mark.parametrize(
    "splits",
    [
        {"training_set": "train", "test_set": "test"},  # Kaggle's cats and dogs
        {"seg_train/seg_train": "train", "seg_test/seg_test": "test"},  # Intel's scenes
        {"train": "train", "dev": "validation", "test": "test"},
        {"Training": "train", "Evaluation": "validation", "Testing": "test"},
        {"train": "train", "valid": "validation"},  # Roboflow
        {"TrainingSet": "train", "val_256": "validation"},
    ],
)
def test_splits_go_by_the_names_that_people_give_them(tmp_path, splits):
    touched(tmp_path, *crossed(splits, ("cat", "dog")))
    names, images = told(tmp_path)
    assert names == ("cat", "dog")
    assert images == {split: [[f"{name}/cat/1.jpg"], [f"{name}/dog/1.jpg"]] for name, split in splits.items()}
    assert classes_in(tmp_path).notes == ()


def test_folders_with_images_of_their_own_are_classes_whatever_they_are_called(tmp_path):
    assert told(touched(tmp_path, "bus", "train", "test_car")) == (
        ("bus", "test_car", "train"),
        {"train": [["bus/1.jpg"], ["test_car/1.jpg"], ["train/1.jpg"]]},
    )


def test_a_class_may_keep_its_images_in_one_folder_called_so(tmp_path):
    assert told(touched(tmp_path, "train/n1/images", "train/n2/images"))[0] == ("n1", "n2")  # Tiny ImageNet


@pytest.mark.parametrize(
    ("folders", "reason"),
    [
        (["part_1/cat", "part_1/dog", "part_2/cat", "part_2/dog"], r"part_1 holds only folders \(`cat`, `dog`\)"),
        (["train/a/x", "train/b/x"], r"train/a holds only folders \(`x`\)"),
        (["train", "test"], "`test`, `train` in .* hold images themselves and no class folders"),
        (
            ["train/steam", "train/diesel", "bus", "car"],
            "has `train` and beside it `bus`, `car`, which hold images too",
        ),
        ([*crossed(("train", "training"), "ab")], "both `train` and `training`: one train split too many"),
        ([*crossed(("dev", "my_set"), "ab")], "has `dev`, `my_set` but no `train`"),
        (["train/a", "train/b", "test"], "lacks `a`, `b`"),
    ],
)
def test_what_stays_open_is_refused(tmp_path, folders, reason):
    with pytest.raises(DataError, match=reason):
        classes_in(touched(tmp_path, *folders))


def test_all_that_is_left_out_is_counted_and_named(tmp_path):
    touched(tmp_path, *crossed(("train", "test"), "ab"))
    touched(tmp_path, "seg_pred/seg_pred", names=["1.jpg", "2.jpg", "3.jxl"])
    touched(tmp_path, "train/a/deep", names=["1.cr2", "2.CR2", "notes.txt"])
    touched(tmp_path, "train", names=["stray.png"])
    touched(tmp_path, "train/.ipynb_checkpoints", names=["1-checkpoint.jpg"])
    (tmp_path / "test" / "b" / "up").symlink_to(tmp_path)
    others, lost, beside, links = classes_in(tmp_path).notes
    assert others.startswith(
        f"4 file(s) in {tmp_path} are left out, as they are not named like images: 2 .cr2 (train/a/"
    )
    assert "1.cr2, train/a/deep/2.CR2), 1 .jxl (seg_pred/seg_pred/3.jxl), 1 .txt (train/a/deep/notes.txt)." in others
    assert lost == f"1 image(s) in {tmp_path} are in no class folder and are left out: train/stray.png."
    assert beside.startswith(
        f"The folder `seg_pred` in {tmp_path} is left out with its 2 image(s): its name speaks of no "
    )
    assert links == f"Links that lead to a folder above {tmp_path} are not followed: test/b/up."


def test_classes_that_differ_in_capitals_or_blanks_alone_are_said(tmp_path):
    (note,) = classes_in(touched(tmp_path, "Cat", "cat ", "dog")).notes
    assert note.endswith("kept apart: 'Cat' and 'cat '.")


def test_the_notes_reach_the_data_set_and_a_pipe_is_named(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.fromarray(np.full((4, 4), 9, np.uint8)).save(tmp_path / name / f"{number}.jfif", "JPEG")
    (tmp_path / "a" / "x.jxl").touch()
    assert "1 .jxl (a/x.jxl)" in read_image_folder(tmp_path, size=(2, 2)).notes[0]
    os.mkfifo(tmp_path / "b" / "3.jpg")
    with pytest.raises(DataError, match=r"1 of 7 images .*b/3\.jpg: it is a named pipe, not a file"):
        read_image_folder(tmp_path, size=(2, 2))
