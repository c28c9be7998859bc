"""What strangers' data.yaml and obj.data say, and how far what they name may be away."""

import os
import shutil

import pytest
from PIL import Image

from kzoo.data.annotations import read_annotations
from kzoo.errors import DataError


def split(root, images, labels=None, names=("1", "2")):
    """Write photos and the text file of each."""
    labels = images.replace("images", "labels") if labels is None else labels
    for name in names:
        for folder in (images, labels):
            (root / folder).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 10)).save(root / images / f"{name}.jpg")
        (root / labels / f"{name}.txt").write_text("0 .5 .5 .2 .2\n")


def written(root, text, name="data.yaml"):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    return root / name


def told(given, **options):
    """Return how many images and boxes each split has."""
    sets = read_annotations(given, **options)
    parts = (sets.train, sets.validation, sets.test)
    return [part and (len(part), part.box_count) for part in parts], sets.class_names, list(sets.notes)


def test_roboflows(tmp_path):
    for name in ("train", "valid", "test"):
        split(tmp_path, f"{name}/images")
    text = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 1\nnames: ['cat']\n"
    text += "roboflow:\n  url: x\n"
    written(tmp_path, text)
    assert told(tmp_path) == ([(2, 2)] * 3, ("cat",), [])
    shutil.rmtree(tmp_path / "test")
    (note,) = told(tmp_path)[2]
    assert "`test` is ../test/images, and there is no such folder or file: there is no test split" in note
    assert told(tmp_path)[0] == [(2, 2), (2, 2), None]
    shutil.rmtree(tmp_path / "valid")
    with pytest.raises(DataError, match=r"`val` is \.\./valid/images, and there is no such folder"):
        told(tmp_path)


def test_ultralytics(tmp_path):
    for name in ("train", "val"):
        split(tmp_path / "datasets/coco8", f"images/{name}")
    text = "path: {}  # root\ntrain: images/train\nval: images/val\ntest:  # optional\n\n"
    text += "names:\n  0: person\n  1: bicycle\n"
    expected = [(2, 2), (2, 2), None], ("person", "bicycle"), []
    for path in ("../datasets/coco8", str(tmp_path / "datasets/coco8")):
        assert told(written(tmp_path, text.format(path), "code/coco8.yaml")) == expected
    own = written(tmp_path, text.format("/content/coco8"), "datasets/coco8/data.yaml")
    found = told(own)
    assert found[:2] == expected[:2]
    assert "`path` is /content/coco8, and there is no such folder" in found[2][0]


def test_the_parent_of_a_set_is_not_taken_for_it_without_a_word(tmp_path):
    split(tmp_path / "mine", "train/images")
    split(tmp_path, "train/images", names=["other"])
    written(tmp_path / "mine", "train: ../train/images\nnames: [cat]\n")
    with pytest.raises(DataError, match=r"may mean .*/train/images or .*/mine/train/images"):
        told(tmp_path / "mine")


@pytest.mark.parametrize("name", ["", "obj.data"])
def test_darknets(name, tmp_path):
    split(tmp_path, "obj_train_data", "obj_train_data")
    split(tmp_path, "obj_valid_data", "obj_valid_data", ["3"])
    text = "classes = 2\ntrain = data/train.txt\n valid=data/valid.txt\nnames = data/obj.names\n"
    text += "backup = backup/\neval = coco\n"
    written(tmp_path, text, "obj.data")
    written(tmp_path, "cat\ndog\n", "obj.names")
    written(tmp_path, "data/obj_train_data/1.jpg\ndata\\obj_train_data\\2.jpg\n", "train.txt")
    written(tmp_path, "data/obj_valid_data/3.jpg\n", "valid.txt")
    assert told(tmp_path / name) == ([(2, 2), (1, 1), None], ("cat", "dog"), [])
    written(tmp_path, text.replace("2", "3", 1), "obj.data")
    with pytest.raises(DataError, match="`classes` is 3, but `names` has 2"):
        told(tmp_path / name)


def test_images_that_are_learned_from_and_measured_on_are_said(tmp_path):
    split(tmp_path, "images/all")
    split(tmp_path, "images/test", names=["3"])
    written(tmp_path, "train: images/all\nval: images/all\ntest: images/test\nnames: [cat]\n")
    (note,) = told(tmp_path)[2]
    assert note.startswith("2 of 2 images of the validation split are learned from as well")


NAMES = {
    "[yes, no]": ("yes", "no"),
    "[on, Off, TRUE, null, ~]": ("on", "Off", "TRUE", "null", "~"),
    "[1.10, 007, 0x10, 1_000, 12:30, 2021-01-01, 1e3]": ("1.10", "007", "0x10", "1_000", "12:30", "2021-01-01", "1e3"),
    "{'0': cat, \"1\": dog}": ("cat", "dog"),
    "{1: dog, 0: yes}": ("yes", "dog"),
    "\n- cat\n- 'traffic light'  # red": ("cat", "traffic light"),
}


@pytest.mark.parametrize("names", NAMES)
def test_names_are_the_texts_that_stand_there(names, tmp_path):
    split(tmp_path, "images")
    written(tmp_path, f"train: images\nnames: {names}\n")
    assert told(tmp_path)[1] == NAMES[names]


def test_a_split_has_any_of_its_names(tmp_path):
    for name in ("a", "b", "c"):
        split(tmp_path, f"images/{name}")
    written(tmp_path, "training: images/a\ndev: images/b\ntest: [images/c]\nnames: [cat]\n")
    assert told(tmp_path)[0] == [(2, 2)] * 3
    written(tmp_path, "train: images/a\nval: images/b\nvalid: images/c\nnames: [cat]\n")
    with pytest.raises(DataError, match="both `val` and `valid`: one validation split too many"):
        told(tmp_path)


def _laughs():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for one, other in zip("bcdefghi", "abcdefgh", strict=True):
        lines.append(f"{one}: &{one} [{', '.join(['*' + other] * 9)}]")
    return "\n".join([*lines, "names: *i", "train: images", ""])


REFUSED = {
    "references": (_laughs(), r"data\.yaml:2 cannot be read as yaml: it refers to its own part `a`"),
    "depth": ("names: " + "[" * 400_000, "more than 8 levels deep"),
    "length": ("names: [cat]\ntrain: images\n#" + "x" * 1_000_000, "more than 1,000,000 bytes, which is the limit"),
    "a key twice": ("names: [cat]\ntrain: images\ntrain: images\n", "it has the key `train` twice"),
    "two documents": ("names: [cat]\ntrain: images\n---\nnames: [dog]\n", "a second document"),
    "a name of nothing": ("names: [cat, '']\ntrain: images\n", "a list of texts"),
    "names in names": ("names: [[cat], dog]\ntrain: images\n", "a list of texts"),
    "a split of keys": ("names: [cat]\ntrain: {a: images}\n", "`train` must be a folder"),
    "numbers from 1": ("names: {1: cat, 2: dog}\ntrain: images\n", "from 0 without gaps, not 1, 2"),
    "the disk": ("names: [cat]\ntrain: /\n", "neither below the folder of the file nor beside it"),
    "the system's files": ("names: [cat]\ntrain: ../../../../../../../../etc/passwd\n", "neither below"),
    "the disk as path": ("path: /\nnames: [cat]\ntrain: etc\n", "neither below"),
    "above": ("names: [cat]\ntrain: ..\n", "neither below"),
    "a list that is none": ("names: [cat]\ntrain: secret.txt\n", "no list of images: what stands in its line 1 is not"),
    "a pipe": ("names: [cat]\ntrain: pipe\n", "pipe cannot be read: it is a named pipe"),
    "a device": ("names: [cat]\ntrain: zero\n", "zero cannot be read: it is a device"),
    "no validation in its folder": (
        "names: [cat]\ntrain: images\nval: empty\n",
        "`val` is empty, and there is no image",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case, tmp_path):
    text, says = REFUSED[case]
    split(tmp_path, "images")
    (tmp_path / "empty").mkdir()
    written(tmp_path, "root:x:0:0:root:/root:/bin/bash\n", "secret.txt")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(DataError, match=says) as refused:
        told(written(tmp_path, text))
    assert "root:x" not in str(refused.value)


def test_what_is_far_away_is_read_where_the_user_says_so(tmp_path):
    split(tmp_path / "far/set", "images")
    path = written(tmp_path, f"names: [cat]\ntrain: {tmp_path / 'far/set/images'}\n", "a/b/data.yaml")
    with pytest.raises(DataError, match=r"-o data\.outside=true reads what it names"):
        told(path)
    assert told(path, outside=True)[0] == [(2, 2), None, None]
    with pytest.raises(DataError, match="root of the file system"):
        told(written(tmp_path, "names: [cat]\ntrain: /\n", "a/b/data.yaml"), outside=True)


def test_text_files_of_other_names_are_found_and_images_without_one_are_counted(tmp_path):
    split(tmp_path, "images", names="abcde")
    for one, other in (("b.txt", "b.jpg.txt"), ("c.txt", "c.TXT")):
        (tmp_path / "labels" / one).rename(tmp_path / "labels" / other)
    for name in ("d", "e"):
        (tmp_path / "labels" / f"{name}.txt").unlink()
    (tmp_path / "images" / "f.cr2").touch()
    (tmp_path / "images" / "g.jxl").touch()
    for name in ("data.yaml", "classes.txt"):  # stated, and found by looking
        written(tmp_path, "train: images\nnames: [cat]\n" if name == "data.yaml" else "cat\n", name)
        counts, _, notes = told(tmp_path)
        assert counts[0] == (5, 3)
        assert "2 of 5 images in" in notes[0]
        assert notes[0].endswith("have no text file and count as images without a box: images/d.jpg, images/e.jpg.")
        assert "2 file(s)" in notes[1]
        assert "1 .jxl (" in notes[1]
        assert "1 .cr2 (" in notes[1]
        (tmp_path / "data.yaml").unlink(missing_ok=True)


def test_a_text_file_whose_image_is_gone_is_a_fault_with_a_data_yaml_as_well(tmp_path):
    split(tmp_path, "images/train")
    split(tmp_path, "images/val")
    (tmp_path / "images/val/2.jpg").unlink()
    written(tmp_path, "train: images/train\nval: images/val\nnames: [cat]\n")
    with pytest.raises(DataError, match=r"2\.txt: the image 2 is missing"):
        told(tmp_path)
    (tmp_path / "list.txt").write_text("images/train/1.jpg\n")
    written(tmp_path, "train: list.txt\nval: images/val\nnames: [cat]\n")
    assert told(tmp_path)[0] == [(1, 1), (1, 1), None]  # a list says which are wanted
