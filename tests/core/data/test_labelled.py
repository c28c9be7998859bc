"""Labelled pictures in the forms that people hold them in, and what their classes are called."""

import csv

import numpy as np
import pytest
from PIL import Image

from kzoo.data import images
from kzoo.data.class_names import ImageSetSettings, number_of, stated_names
from kzoo.data.image_classes import image_classes
from kzoo.data.images import read_image_folder
from kzoo.data.labelled import RealSet, read_labelled
from kzoo.data.splits import Reading
from kzoo.errors import DataError, UsageError


def shades(root, **images):
    """Write gray pictures of 4x4, each of one shade: ``a__1=5`` is a/1.png."""
    for name, shade in images.items():
        path = root / f"{name.replace('__', '/')}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), shade, np.uint8)).save(path)
    return root


def table(path, *rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def told(split):
    """Return the shade and the label of each picture."""
    return sorted((int(x[0, 0, 0]), int(y)) for x, y in zip(split.x, split.y, strict=True))


def whole(path, **more):
    return read_image_folder(path, size=(4, 4), mode="L", whole=True, **more)


KAGGLE = {f"train__{name}": shade for shade, name in enumerate(("x1", "x2", "x3", "x4"), 1)}


@pytest.mark.parametrize(
    "rows",
    [
        (("image", "label"), ("x1.png", "dog"), ("x2.png", "cat"), ("x3.png", "cat"), ("x4.png", "dog")),
        (("id", "breed"), ("x1", "dog"), ("x2", "cat"), ("x3", "cat"), ("x4", "dog")),  # Kaggle's dogs
        (("", "Label", "File Name"), (0, "dog", "train/x1.png"), (1, "cat", "./train/x2.png"), (2, "cat", "x3.png"),
         (3, "dog", "/kaggle/input/set/train/x4.png")),
        (("x1.png", "dog"), ("x2.png", "cat"), ("x3.png", "cat"), ("x4.png", "dog")),  # no header
        (("photo", "what"), (r"train\x1.png", "dog"), ("x2.png", "cat"), ("x3.png", "cat"), ("x4.png", "dog")),
    ],
)  # fmt: skip
def test_a_folder_of_images_with_a_csv_of_their_labels(tmp_path, rows):
    shades(tmp_path, **KAGGLE)
    path = table(tmp_path / "labels.csv", *rows)
    for place in (tmp_path, path):
        data = whole(place)
        assert data.class_names == ("cat", "dog")
        assert told(data.test) == [(1, 1), (2, 0), (3, 0), (4, 1)]
        assert data.notes == ()
    learned = read_image_folder(tmp_path, size=(4, 4), mode="L")
    assert sorted(told(learned.train) + told(learned.test)) == told(data.test)
    assert (len(learned.train), len(learned.test)) == (2, 2)  # a fifth of each class, and one at least


def test_what_a_list_leaves_open_is_counted_and_named(tmp_path):
    shades(tmp_path, **KAGGLE, test__y1=9)
    (tmp_path / "readme.md").touch()
    table(tmp_path / "sample_submission.csv", ("image", "label"), ("y1.png", "cat"))
    rows = (("image", "label"), ("x1", "dog"), ("x2", "cat"), ("x2", "cat"), ("x3", ""))
    table(tmp_path / "labels.csv", *rows)
    empty, twice, lost, others = whole(tmp_path).notes
    assert empty == f"1 row(s) of labels.csv in {tmp_path} have no label and are left out."
    assert twice == f"1 row(s) of labels.csv in {tmp_path} name an image that is there already."
    assert lost.endswith("have no label in labels.csv and are left out: test/y1.png, train/x3.png, train/x4.png.")
    assert "1 .csv (sample_submission.csv), 1 .md (readme.md)" in others
    table(tmp_path / "labels.csv", *rows, ("x9", "cat"), ("gone/x1", "dog"))
    with pytest.raises(
        DataError, match=r"2 image\(s\) that labels\.csv names are not there.*line 6 of labels\.csv: x9"
    ):
        whole(tmp_path)
    assert "these rows are left out: line 6" in " ".join(whole(tmp_path, unreadable="skip").notes)
    table(tmp_path / "labels.csv", *rows, ("x1", "cat"))
    with pytest.raises(DataError, match=r"Line 6 of .*gives .*x1\.png the label `cat`, and it has `dog` already"):
        whole(tmp_path)
    table(tmp_path / "labels.csv", ("image", "one", "two"), ("x1", 0, 1))
    with pytest.raises(DataError, match=r"No column of .*has their labels; it has `image`, `one`, `two`"):
        whole(tmp_path / "labels.csv")


def test_splits_go_by_a_column_by_the_name_of_the_list_or_by_folders(tmp_path):
    images = {**KAGGLE, "val__v1": 5, "val__v2": 6, "test__t1": 7, "test__t2": 8}
    shades(tmp_path, **images)
    rows = {name.partition("__")[2]: "ab"[shade % 2] for name, shade in images.items()}
    splits = {name.partition("__")[2]: name.partition("__")[0] for name in images}
    table(tmp_path / "list.csv", ("image", "label"), *rows.items())
    by_folder = read_image_folder(tmp_path, size=(4, 4), mode="L")
    assert [len(part) for part in (by_folder.train, by_folder.validation, by_folder.test)] == [4, 2, 2]
    assert told(whole(tmp_path).test) == [(7, 1), (8, 0)]
    (tmp_path / "list.csv").unlink()
    flat = shades(tmp_path / "flat", **{name.partition("__")[2]: shade for name, shade in images.items()})
    table(flat / "all.csv", ("image", "label", "data set"), *((n, label, splits[n]) for n, label in rows.items()))
    assert read_image_folder(flat, size=(4, 4), mode="L").test.digest() == by_folder.test.digest()
    others = [(n, label, splits[n]) for n, label in rows.items() if splits[n] != "test"]
    tests = [(n, label, "tset") for n, label in rows.items() if splits[n] == "test"]
    for mixed in (others + tests, tests + others):  # a typing error puts nothing into the training
        table(flat / "all.csv", ("image", "label", "data set"), *mixed)
        with pytest.raises(DataError, match=r"has 'tset' in the column `data set`, which says no split"):
            read_image_folder(flat, size=(4, 4), mode="L")
    (flat / "all.csv").unlink()
    for split in ("train", "test"):
        table(
            flat / f"{split}_labels.csv", ("image", "label"), *((n, y) for n, y in rows.items() if splits[n] == split)
        )
    assert read_image_folder(flat, size=(4, 4), mode="L").test.digest() == by_folder.test.digest()
    assert told(whole(flat / "test_labels.csv").test) == [(7, 1), (8, 0)]
    with pytest.raises(DataError, match="has images to test and none to train on"):
        read_image_folder(flat / "test_labels.csv", size=(4, 4), mode="L")
    table(flat / "more.csv", ("image", "label"), *rows.items())
    with pytest.raises(DataError, match=r"several lists of labels, `more\.csv`, `test_labels\.csv`"):
        whole(flat)


def test_a_list_counts_where_folders_say_less(tmp_path):
    shades(tmp_path, images__1=1, images__2=2, masks__1=3, masks__2=4)
    assert image_classes(tmp_path).class_names == ("images", "masks")
    table(tmp_path / "labels.csv", ("image", "label"), ("images/1.png", 3), ("images/2.png", 12), ("masks/1.png", 3))
    assert image_classes(tmp_path).class_names == ("3", "12")  # in the order of numbers
    shades(tmp_path / "folders", cat__1=1, cat__2=2, dog__1=3, dog__3=4)
    table(tmp_path / "folders" / "meta.csv", ("image", "label"), ("cat/1.png", "cat"), ("dog/1.png", "dog"))
    found = image_classes(tmp_path / "folders")
    assert [len(images) for images in found.images["train"]] == [2, 2]  # what says the same as the folders adds nothing
    for rows in (
        [("image", "age"), ("cat/1.png", 3), ("dog/1.png", 4)],  # no labels
        [("image", "class"), ("cat/1.png", "eye"), ("cat/1.png", "ear")],  # parts of an image
    ):
        table(tmp_path / "folders" / "meta.csv", *rows)
        found = image_classes(tmp_path / "folders")
        assert found.class_names == ("cat", "dog")
        assert "1 .csv (meta.csv)" in found.notes[0]


def test_a_single_label_that_the_model_does_not_know_is_called_so(tmp_path):
    shades(tmp_path, horse__1=1, horse__2=2)
    table(tmp_path / "list.csv", ("image", "label"), ("horse/1.png", "horse"), ("horse/2.png", "horse"))
    known = ("cat", "dog", *"abcdefghij")
    for place, words in ((tmp_path / "list.csv", "has only the label"), (tmp_path, "has only the label")):
        with pytest.raises(
            DataError, match=f"{words} `horse`, which the model does not know: its classes are cat, dog"
        ):
            image_classes(place, whole=True, known=known)
    (tmp_path / "list.csv").unlink()
    with pytest.raises(DataError, match=r"only the folder `horse`, which the model does not know.* h and 2 more\."):
        image_classes(tmp_path, whole=True, known=known)
    with pytest.raises(DataError, match="at least two classes"):
        image_classes(tmp_path, whole=True)
    (tmp_path / "horse").rename(tmp_path / "01")  # the number of one that it knows
    assert image_classes(tmp_path, whole=True, known=known).class_names == ("dog",)


def test_a_text_file_of_paths(tmp_path, monkeypatch):
    shades(tmp_path / "in", **{"a b__1": 1, "cat__2": 2, "cat__3": 3})
    (tmp_path / "in" / "list.txt").write_text("# all\na b/1.png\n\ncat/2.png\ncat/3.png\n")
    data = whole(tmp_path / "in" / "list.txt")
    assert (data.class_names, told(data.test)) == (("a b", "cat"), [(1, 0), (2, 1), (3, 1)])
    (tmp_path / "in" / "list.txt").write_text("a b/1.png 7\ncat/2.png,big cat\ncat/3.png\t7\n")
    labelled = whole(tmp_path / "in" / "list.txt")
    assert (labelled.class_names, told(labelled.test)) == (("7", "big cat"), [(1, 0), (2, 1), (3, 0)])
    (tmp_path / "in" / "list.txt").write_text(f"in/a b/1.png\n{tmp_path}/in/cat/2.png\n")
    monkeypatch.chdir(tmp_path)  # from the working folder, as Darknet's lists are
    assert told(whole(tmp_path / "in" / "list.txt").test) == [(1, 0), (2, 1)]
    shades(tmp_path / "far" / "off", dog__1=9)
    (tmp_path / "in" / "deep").mkdir()
    (tmp_path / "in" / "deep" / "list.txt").write_text(f"../cat/2.png\n{tmp_path}/far/off/dog/1.png\n")
    with pytest.raises(
        DataError, match=r"Line 2 of .*neither below the folder of the list nor beside it.*data\.outside"
    ):
        whole(tmp_path / "in" / "deep" / "list.txt")
    assert told(whole(tmp_path / "in" / "deep" / "list.txt", outside=True).test) == [(2, 0), (9, 1)]


def test_a_list_of_more_than_memory_holds(tmp_path, monkeypatch):
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(images, "MEMORY_LIMIT", 0)
    shades(tmp_path / "in", a__1=1, b__2=2)
    shades(tmp_path / "beside", a__3=3)
    (tmp_path / "in" / "list.txt").write_text("a/1.png\nb/2.png\n../beside/a/3.png\n")
    data = whole(tmp_path / "in" / "list.txt")
    x, y = data.test.examples(np.arange(3))
    assert sorted((int(one[0, 0, 0]), int(label)) for one, label in zip(x, y, strict=True)) == [(1, 0), (2, 1), (3, 0)]


def test_class_folders_may_be_links(tmp_path):
    shades(tmp_path / "elsewhere", one__1=1, one__2=2, two__1=3, two__2=4)
    (tmp_path / "set").mkdir()
    for name, place in (("cat", "one"), ("dog", "two")):
        (tmp_path / "set" / name).symlink_to(tmp_path / "elsewhere" / place, target_is_directory=True)
    (tmp_path / "set" / "cat" / "again").symlink_to(tmp_path / "set")  # a circle
    data = whole(tmp_path / "set")
    assert (data.class_names, told(data.test)) == (("cat", "dog"), [(1, 0), (2, 0), (3, 1), (4, 1)])


def test_what_a_user_or_a_model_calls_the_classes(tmp_path):
    shades(tmp_path, **{"00000__1": 1, "00000__2": 2, "00001__1": 3, "00001__2": 4})
    assert whole(tmp_path).class_names == ("00000", "00001")
    named = whole(tmp_path, class_names=("stop", "go"))
    assert (named.class_names, told(named.test)) == (("stop", "go"), [(1, 0), (2, 0), (3, 1), (4, 1)])
    assert whole(tmp_path, class_names=("00001", "00000")).test.y.tolist() == [
        0,
        0,
        1,
        1,
    ]  # the order is that of the list
    known = whole(tmp_path, known=("stop", "go"))
    assert known.class_names == ("stop", "go")
    assert known.notes == (
        f"The classes of {tmp_path} are taken as the numbers of the model's: `00000` is `stop`, `00001` is `go`.",
    )
    assert whole(tmp_path, known=("1", "0")).test.y.tolist() == [0, 0, 1, 1]
    assert whole(tmp_path, known=("a", "b", "00000")).class_names == ("a", "b")
    for names, reason in (
        (("stop",), "the class `00001`, which is none of those that `data.classes` names"),
        (("stop", "go", "wait"), "names the class `wait`, which has no images"),
        (("00001", "x"), "names the class `00001`, which is there twice"),
    ):
        with pytest.raises(DataError, match=reason):
            whole(tmp_path, class_names=names)


@pytest.mark.parametrize("place", ["test", "test/cat", "."])
def test_of_a_model_s_classes_a_single_one_can_be_measured(tmp_path, place):
    shades(tmp_path / "test", cat__1=1, cat__2=2)
    data = whole(tmp_path / place, known=("bird", "cat"))
    assert (data.class_names, told(data.test), data.notes) == (("cat",), [(1, 0), (2, 0)], ())


def test_names_from_a_setting(tmp_path):
    (tmp_path / "names.txt").write_text("cat\nbig dog\n")
    assert stated_names(str(tmp_path / "names.txt")) == stated_names(("cat", "big dog")) == ("cat", "big dog")
    assert stated_names("cat, big dog") == ("cat", "big dog")
    assert stated_names("real", ("x", "y")) == ("x", "y")
    assert stated_names(()) == ()
    for classes, reason in (
        ("none.txt", "names the file none.txt, which does not exist"),
        ("real", "own data set has no names"),
        (("a", "a"), "has 'a' twice"),
        (("a", " "), "has an empty name"),
    ):
        with pytest.raises(UsageError, match=reason):
            stated_names(classes)
    assert number_of("9" * 10) is None


def test_only_the_real_set_has_its_names(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)
    y = np.arange(6) % 2
    np.savez(tmp_path / "a.npz", x_train=noise, y_train=y, x_test=noise[:4], y_test=y[:4])
    np.savez(tmp_path / "b.npz", x_train=noise, y_train=y, x_test=255 - noise[:4], y_test=y[:4])

    def names(path, real=None, *, whole=False, **settings):
        chosen = ImageSetSettings(**settings)
        return read_labelled(path, chosen, Reading(print, whole), size=(4, 4), real=real).class_names

    test = read_labelled(tmp_path / "a.npz", ImageSetSettings(), Reading(print), size=(4, 4)).test.digest()
    real = RealSet(("ship", "frog"), frozenset({test}))
    assert names(tmp_path / "a.npz", real) == names(tmp_path / "a.npz", real, whole=True) == ("ship", "frog")
    assert names(tmp_path / "b.npz", real) == ("0", "1")
    assert names(tmp_path / "b.npz", real, classes="real") == ("ship", "frog")
    assert names(tmp_path / "b.npz", real, classes=("no", "yes")) == ("no", "yes")
    with pytest.raises(DataError, match=r"cannot be read as labelled pictures: expected an \.npz file"):
        names(tmp_path / "c.bin")


def test_arrays_become_of_a_size_where_it_is_asked_for(tmp_path):
    x = np.repeat(np.array([10, 200], np.uint8), 5 * 5).reshape(2, 5, 5)
    np.savez(tmp_path / "a.npz", x_test=x, y_test=[0, 1])
    data = read_labelled(tmp_path / "a.npz", ImageSetSettings(), Reading(print, True), size=(4, 6), resized=True)
    assert data.test.x.shape == (2, 4, 6, 3)
    assert [int(image.min()) for image in data.test.x] == [int(image.max()) for image in data.test.x] == [10, 200]
