"""Images with many labels, or with shares of classes: the forms that people hold them in, and what is refused."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from sklearn.preprocessing import MultiLabelBinarizer

from kzoo.data.labelled_sets import has_label_files, read_label_set
from kzoo.data.splits import Reading
from kzoo.errors import DataError, UsageError

COUNT = 12
NAMES = ("ant", "bee", "cow")
TRUE = [("bee",), (), ("ant", "bee"), ("cow",), ("ant",), ("ant", "bee", "cow")] * 2
ROWS = MultiLabelBinarizer(classes=NAMES).fit_transform(TRUE)
SHARES = np.random.default_rng(0).dirichlet((1, 1, 1), COUNT)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a dozen small pictures, each of a gray of its own."""
    (tmp_path / "pictures").mkdir()
    for number in range(COUNT):
        Image.new("RGB", (16, 16), (20 * number,) * 3).save(tmp_path / "pictures" / f"p{number}.png")
    return tmp_path


def table(folder, rows, header=("image", *NAMES), name="labels.csv", **options):
    with (folder / name).open("w", newline="") as file:
        csv.writer(file, **options).writerows([header, *rows] if header else rows)
    return folder


def read(
    path, labels="auto", *, classes=(), known=(), whole=False, fix="stop", unreadable="stop", say=lambda text: None
):
    asked = SimpleNamespace(labels=labels, classes=classes, outside=False, format="", fix=fix)
    return read_label_set(path, asked, Reading(say, whole, tuple(known)), size=(8, 8), unreadable=unreadable)


def by_picture(found):
    """Return the labels of each picture by its number, which its gray says."""
    split = found.everything()
    return {round(float(x.mean()) / 20): y.tolist() for x, y in zip(split.x, split.y, strict=True)}


def files():
    return [f"p{number}.png" for number in range(COUNT)]


def one_hot(folder):
    return table(folder, [(name, *row) for name, row in zip(files(), ROWS.tolist(), strict=True)])


def by_pandas(folder):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(ROWS.astype(bool), columns=NAMES)
    frame.insert(0, "image", files())
    frame.to_csv(folder / "labels.csv")  # with its index, True and False
    return folder


def in_a_column(sign):
    def write(folder):
        return table(folder, [(n, sign.join(row)) for n, row in zip(files(), TRUE, strict=True)], ("image", "labels"))

    return write


def by_row(folder):
    rows = [(n, label) for n, row in zip(files(), TRUE, strict=True) for label in row or ("",)]
    return table(folder, rows, ("image", "label"))


def in_a_list(folder):
    lines = [f"pictures/{n} {';'.join(row)}".strip() for n, row in zip(files(), TRUE, strict=True)]
    (folder / "all.txt").write_text("\n".join(line if " " in line else f"{line} ;" for line in lines))
    return folder / "all.txt"


def in_coco(folder):
    boxes = [(number, NAMES.index(label)) for number, row in enumerate(TRUE) for label in row for _ in range(2)]
    found = {
        "images": [{"id": n, "file_name": f"p{n}.png", "width": 16, "height": 16} for n in range(COUNT)],
        "categories": [{"id": n + 1, "name": name} for n, name in enumerate(NAMES)],
        "annotations": [
            {"id": n, "image_id": image, "category_id": label + 1, "bbox": [1 + n % 3, 1, 4, 4]}
            for n, (image, label) in enumerate(boxes)
        ],
    }
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances.json").write_text(json.dumps(found))
    return folder


def in_yolo(folder):
    (folder / "labels").mkdir()
    (folder / "classes.txt").write_text("\n".join(NAMES))
    for number, row in enumerate(TRUE):
        lines = [f"{NAMES.index(label)} 0.5 0.5 0.2 0.2" for label in row]
        (folder / "labels" / f"p{number}.txt").write_text("\n".join(lines))
    (folder / "pictures").rename(folder / "images")
    return folder


FORMS = {
    "a column for each label": (one_hot, "auto"),
    "pandas with its index": (by_pandas, "auto"),
    "one column, semicolons": (in_a_column(";"), "auto"),
    "one column, bars": (in_a_column("|"), "auto"),
    "one column, blanks": (in_a_column(" "), "many"),
    "a row for each label": (by_row, "many"),
    "a text file": (in_a_list, "many"),
    "coco": (in_coco, "auto"),
    "coco, named": (lambda folder: in_coco(folder) / "annotations" / "instances.json", "auto"),
    "yolo": (in_yolo, "many"),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_what_scikit_learns_binarizer_gives(folder, form):
    write, labels = FORMS[form]
    found = read(write(folder), labels)
    assert (found.task, found.class_names) == ("multilabel", NAMES)
    assert by_picture(found) == dict(enumerate(ROWS.astype(float).tolist()))
    assert found.train.x.dtype == np.uint8
    assert found.train.y.dtype == np.float32
    assert (len(found.train), len(found.test), found.declares_test) == (10, 2, False)


@pytest.mark.parametrize("factor", [1, 40])
def test_shares_and_counts(folder, factor):
    given = SHARES if factor == 1 else np.rint(SHARES * factor)
    table(folder, [(name, *row) for name, row in zip(files(), given.tolist(), strict=True)])
    found = read(folder, "auto" if factor == 1 else "counts")
    assert (found.task, found.class_names) == ("distribution", NAMES)
    expected = given / given.sum(axis=1, keepdims=True)
    for number, row in by_picture(found).items():
        np.testing.assert_allclose(row, expected[number], rtol=1e-6)
    assert found.train.y.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_rounded_shares_become_1(folder):
    table(folder, [(name, 0.3333, 0.3333, 0.3333) for name in files()])
    assert read(folder).train.y == pytest.approx(1 / 3, abs=1e-7)


def test_splits_by_a_column_and_by_lists(folder):
    rows = [(n, *r, "test" if at % 3 == 0 else "train") for at, (n, r) in enumerate(zip(files(), ROWS, strict=True))]
    found = read(table(folder, rows, ("image", *NAMES, "split")))
    assert (len(found.train), len(found.test), found.declares_test) == (8, 4, True)
    table(folder, [row[:-1] for row in rows[:8]], name="train.csv")
    table(folder, [row[:-1] for row in rows[8:]], name="test.csv")
    (folder / "labels.csv").unlink()
    found = read(folder)
    assert (len(found.train), len(found.test), found.declares_test) == (8, 4, True)
    assert np.sort(found.test.x[:, 0, 0, 0] // 20).tolist() == [8, 9, 10, 11]
    whole = read(folder, known=NAMES, whole=True)
    assert (len(whole.train), len(whole.test)) == (0, 4)


def test_a_model_s_labels_have_its_order_and_others_are_left_out_and_said(folder):
    found = read(one_hot(folder), known=("cow", "dog", "bee"), whole=True)
    assert found.class_names == ("cow", "dog", "bee")
    by_number = by_picture(found)
    for number, row in enumerate(ROWS):
        assert by_number[number] == [row[2], 0, row[1]]
    notes = " ".join(found.notes)
    assert "does not know 1 label(s)" in notes
    assert "ant" in notes
    assert "No image of" in notes
    assert "dog" in notes
    with pytest.raises(DataError, match="the model was trained for cod, dab"):
        read(folder, known=("cod", "dab"), whole=True)


def test_shares_of_other_classes_are_not_measured(folder):
    table(folder, [(name, *row) for name, row in zip(files(), SHARES.tolist(), strict=True)])
    with pytest.raises(DataError, match="no column `dog`"):
        read(folder, known=(*NAMES, "dog"), whole=True)
    with pytest.raises(DataError, match="has `ant`, which it does not know"):
        read(folder, known=NAMES[1:], whole=True)


def test_labels_that_are_numbers_get_names(folder):
    rows = [(n, ";".join(str(NAMES.index(label)) for label in row)) for n, row in zip(files(), TRUE, strict=True)]
    table(folder, rows, ("image", "labels"))
    assert read(folder).class_names == ("0", "1", "2")
    assert read(folder, classes="emu,fox,gnu").class_names == ("emu", "fox", "gnu")
    with pytest.raises(UsageError, match=r"has 2 names, and .* has the label 2"):
        read(folder, classes="emu,fox")
    with pytest.raises(UsageError, match="names labels that are numbers"):
        read(one_hot(folder), classes="emu,fox,gnu")


def test_a_folder_of_classes_is_read_by_its_folders_and_a_table_of_numbers_beside_them_is_named(tmp_path):
    heard = []
    for name in NAMES:
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.new("RGB", (16, 16)).save(tmp_path / name / f"{name}{number}.png")
    table(tmp_path, [(f"{name}{n}.png", 0, 1) for name in NAMES for n in range(2)], ("image", "indoors", "at night"))
    assert read(tmp_path, say=heard.append) is None
    assert "labels.csv says more of the images" in heard[0]
    assert read(tmp_path, "many").class_names == ("indoors", "at night")
    assert read(tmp_path, "one") is None


@pytest.mark.parametrize("cells", [[("ant",), ("bee",)] * 6, [("big ant",), ("bee",)] * 6, [("3",), ("4",)] * 6])
def test_one_label_for_each_image_is_another_s_to_read(folder, cells):
    assert read(table(folder, [(n, *row) for n, row in zip(files(), cells, strict=True)], ("image", "label"))) is None


def test_files_that_say_labels_are_seen(folder):
    assert not has_label_files(folder)
    assert has_label_files(one_hot(folder))
    (folder / "labels.csv").unlink()
    assert has_label_files(in_coco(folder))


def test_images_without_a_row_and_rows_that_come_twice_are_said(folder):
    rows = [(name, *row) for name, row in zip(files(), ROWS.tolist(), strict=True)]
    notes = " ".join(read(table(folder, [*rows[:-1], rows[0]])).notes)
    assert "1 row(s) of labels.csv" in notes
    assert "1 image(s)" in notes
    assert "p11.png" in notes


def test_images_that_cannot_be_read(folder):
    one_hot(folder)
    (folder / "pictures" / "p3.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"1 of 12 images .*p3\.png: the file is empty"):
        read(folder)
    found = read(folder, unreadable="skip")
    assert len(found.train) + len(found.test) == COUNT - 1
    assert by_picture(found) == {n: row for n, row in enumerate(ROWS.astype(float).tolist()) if n != 3}


def changed(row, column, value):
    """Return what writes a table of labels with another value in one of its cells."""

    def write(folder, values):
        rows = [[name, *own] for name, own in zip(files(), values.tolist(), strict=True)]
        rows[row][column] = value
        return table(folder, rows)

    return write


def with_rows(change, header=("image", *NAMES), **named):
    def write(folder, values):
        rows = [[name, *own] for name, own in zip(files(), values.tolist(), strict=True)]
        return table(folder, change(rows), header, **named)

    return write


def two_lists(folder, values):
    rows = [[name, *own] for name, own in zip(files(), values.tolist(), strict=True)]
    table(folder, rows[:6], name="train.csv")
    return table(folder, [row[:3] for row in rows[6:]], ("image", "ant", "dog"), name="test.csv")


def broken_coco(folder, values):
    path = in_coco(folder) / "annotations" / "instances.json"
    path.write_text(path.read_text().replace('"category_id": 3', '"category_id": 9', 1))
    return folder


CONTRADICTING = with_rows(lambda rows: [*rows, [rows[0][0], *rows[1][1:]]])
UNKNOWN = changed(2, 0, "nowhere.png")
NO_IMAGES = with_rows(lambda rows: [[f"x{row[0]}", *row[1:]] for row in rows], ("what", *NAMES))

WRONG_LABELS = {
    "a number above 1": (changed(3, 2, 2), r"Line 5 of .*labels\.csv has `2` in the column `bee`.*1 or 0"),
    "a number below 0": (changed(3, 1, -1), r"Line 5 .* `-1` in the column `ant`"),
    "a share": (changed(3, 1, 0.5), r"Line 5 .* `0\.5` .* -o data\.labels=distribution"),
    "nan": (changed(0, 1, "nan"), r"Line 2 .* `nan` in the column `ant`"),
    "nothing": (changed(0, 3, ""), r"Line 2 .* nothing in the column `cow`"),
    "a word": (changed(0, 3, "perhaps"), r"`perhaps` in the column `cow`"),
    "no such file": (
        UNKNOWN,
        r"1 image\(s\) that labels\.csv names are not there .*line 4 of labels\.csv: nowhere\.png",
    ),
    "two rows that differ": (CONTRADICTING, r"Line 14 .*other than a row before: `bee` is 1 there and 0 here"),
    "no images": (NO_IMAGES, r"No column of .* has names of images that are there; it has `what`, `ant`"),
    "no labels": (with_rows(lambda rows: [row[:1] for row in rows], ("image",)), r"no columns that say the labels"),
    "a cell too many": (with_rows(lambda rows: [*rows[:4], [*rows[4], 1]]), r"Line 6 .* has 5 cells where .* has 4"),
    "a name twice": (with_rows(lambda rows: rows, ("image", "ant", "ant", "cow")), r"names `ant` 2 times"),
    "nobody has a label": (with_rows(lambda rows: [[r[0], 0, 0, 0] for r in rows]), r"No image to train on .* has a l"),
    "no label in a column": (with_rows(lambda rows: [[r[0], ""] for r in rows], ("image", "labels")), "has no label"),
    "a single image": (with_rows(lambda rows: rows[:1]), "has a single image"),
    "other columns": (two_lists, r"has other columns than .*: `bee` is in one of them alone"),
    "an unknown category": (broken_coco, r"9"),
    "cells that differ": (
        with_rows(lambda rows: [*([r[0], "ant;bee"] for r in rows), ["p0.png", "ant"]], ("image", "labels")),
        r"`bee` is 1 there and no label here",
    ),
}


@pytest.mark.parametrize("fault", WRONG_LABELS)
def test_wrong_labels_are_refused_with_their_place(folder, fault):
    write, said = WRONG_LABELS[fault]
    with pytest.raises(DataError, match=said) as caught:
        read(write(folder, ROWS), "many")
    assert str(folder) in str(caught.value)


WRONG_SHARES = {
    "below 0": (changed(3, 1, -0.2), r"Line 5 of .*labels\.csv has `-0\.2` in the column `ant`, which is below 0"),
    "too little": (changed(3, 1, 0), r"The numbers in line 5 .* sum to 0\.[0-9]+, .*data\.labels=counts"),
    "nan": (changed(0, 1, "nan"), r"Line 2 .* `nan` in the column `ant`, which is no finite number"),
    "without an end": (changed(0, 2, "inf"), r"`inf` in the column `bee`, which is no finite number"),
    "nothing": (changed(0, 2, ""), r"has nothing in the column `bee`"),
    "a word": (changed(0, 2, "half"), r"`half` in the column `bee`"),
    "no such file": (UNKNOWN, r"1 image\(s\) .* line 4 of labels\.csv: nowhere\.png"),
    "two rows that differ": (CONTRADICTING, r"Line 14 .*other than a row before"),
    "no images": (NO_IMAGES, r"No column of .* has names of images"),
    "one class": (
        with_rows(lambda rows: [[r[0], 1] for r in rows], ("image", "ant")),
        r"expected a column for each cl",
    ),
    "a cell too few": (with_rows(lambda rows: [*rows[:4], rows[4][:3]]), r"Line 6 .* has 3 cells where .* has 4"),
    "other columns": (two_lists, r"has other columns than|sum to"),
    "no list": (lambda folder, values: folder, r"cannot be read as images with shares of classes"),
    "a list of paths": (lambda folder, values: in_a_list(folder), r"is a list of paths, and shares .* from a table"),
}


@pytest.mark.parametrize("fault", WRONG_SHARES)
def test_wrong_shares_are_refused_with_their_place(folder, fault):
    write, said = WRONG_SHARES[fault]
    with pytest.raises(DataError, match=said) as caught:
        read(write(folder, SHARES), "distribution")
    assert str(folder) in str(caught.value)


def test_counts_are_shares_only_where_that_is_said(folder):
    table(folder, [(name, 3, 4, 13) for name in files()])
    with pytest.raises(DataError, match=r"line 2 .* sum to 20, .* -o data\.labels=counts"):
        read(folder)
    assert read(folder, "counts").train.y[0].tolist() == pytest.approx([0.15, 0.2, 0.65])
    table(folder, [(name, 0, 0, 0) for name in files()])
    with pytest.raises(DataError, match=r"counts in line 2 .* sum to 0"):
        read(folder, "counts")


def test_it_stays_open_what_a_blank_in_a_cell_means(folder):
    table(folder, [(name, "clear sky") for name in files()], ("image", "tags"))
    with pytest.raises(DataError, match=r"cells with blanks, such as `clear sky`.* data\.labels=many .*labels=one"):
        read(folder / "labels.csv")
    assert read(folder, "many").class_names == ("clear", "sky")
    assert read(folder, "one") is None


def test_no_class_is_known_of_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", x=1)
    assert read(tmp_path / "a.npz") is None
    with pytest.raises(DataError, match=r"a\.npz cannot be read as images with labels \(data\.labels=many\)"):
        read(tmp_path / "a.npz", "many")


@pytest.mark.parametrize("labels", [0.03, 0.4])
def test_each_label_has_its_share_of_what_is_set_aside(labels):
    from kzoo.data.shares import aside_of
    from kzoo.data.splits import ArraySplit

    rng = np.random.default_rng(1)
    rows = (rng.random((800, 30)) < rng.uniform(0.01, labels, 30)).astype(np.float32)
    names = [str(n) for n in range(30)]
    taken = aside_of(ArraySplit(np.zeros(800), rows), names, 160, (3, 4))
    assert taken.sum() == 160
    share, counts = rows[taken].sum(axis=0), rows.sum(axis=0)
    assert (np.abs(share - 0.2 * counts) <= 1.5 + 0.05 * counts).all()
    drawn = rng.permutation(800)[:160]  # by chance, they are farther off
    assert np.abs(share - 0.2 * counts).mean() < 0.7 * np.abs(rows[drawn].sum(axis=0) - 0.2 * counts).mean()
