"""Lines of text in all the forms that people have them in, and what is said of those that cannot be used."""

import csv

import numpy as np
import pipelines
import pytest
from PIL import Image

from kzoo.data.image_rows import caching
from kzoo.errors import DataError, KzooError, UsageError
from kzoo_zoo.transcription.lines import fitted
from kzoo_zoo.transcription.pipeline import Transcription

PIPELINE = Transcription()
TEXTS = ("120", "31", "2013", "7", "77", "312", "20", "13")


def line(path, seed=0, size=(20, 60), mode="L"):
    """Write a picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, *([3] if mode == "RGB" else [])), "uint8")
    Image.fromarray(pixels).save(path)


def rows(path, header, *cells):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *cells] if header else cells)


def table(root, *, header=("image", "text"), texts=TEXTS):
    for number, _ in enumerate(texts):
        line(root / f"{number}.png", number)
    rows(root / "labels.csv", header, *((f"{number}.png", text) for number, text in enumerate(texts)))
    return root


def texts_of(split):
    return sorted(one.text for one in split.lines)


def all_texts(found):
    parts = [part for part in (found.train, found.validation, found.test) if part is not None]
    return sorted(text for part in parts for text in texts_of(part))


def named(root, texts=TEXTS):
    for number, text in enumerate(texts):
        line(root / f"{text}.png", number)
    return root


def beside(root, texts=TEXTS, ending=".txt"):
    for number, text in enumerate(texts):
        line(root / f"{number}.jpg", number)
        (root / f"{number}{ending}").write_text(f"{text}\n", encoding="utf-8")
    return root


def listed(root, form, name="labels.txt", texts=TEXTS):
    for number, _ in enumerate(texts):
        line(root / f"{number}.png", number)
    (root / name).write_text("\n".join(form.format(number, text) for number, text in enumerate(texts)) + "\n", "utf-8")
    return root


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (table, {}),
        (lambda root: table(root, header=("file", "transcription")), {}),
        (lambda root: table(root, header=()), {}),
        (lambda root: table(root) / "labels.csv", {}),
        (lambda root: listed(root, "{}.png {}"), {}),
        (lambda root: listed(root, "{}.png\t{}", "gt.txt"), {}),
        (lambda root: listed(root, '{}.png, "{}"', "gt.txt"), {}),  # as ICDAR has them
        (beside, {}),
        (lambda root: beside(root, ending=".gt.txt"), {}),  # as Tesseract takes them
        (named, {"labels": "names"}),
        (
            lambda root: named(root, [f"{n}_{text}_x" for n, text in enumerate(TEXTS)]),
            {"labels": "names", "pattern": r"\d+_(.+)_x"},
        ),
    ],
)  # fmt: skip
def test_texts_are_read_wherever_they_stand(tmp_path, make, settings):
    found = pipelines.read(PIPELINE, make(tmp_path), **settings)
    assert all_texts(found) == sorted(TEXTS)
    assert (len(found.train), len(found.test)) == (6, 2)
    again = pipelines.read(PIPELINE, make(tmp_path), **settings)
    assert again.test.digest() == found.test.digest()
    x, y = found.train.examples(np.arange(6))
    assert x.shape == (6, 32, 96, 1)
    for row, one in zip(y, found.train.lines, strict=True):
        assert "".join(found.schema["alphabet"][symbol - 1] for symbol in row if symbol) == one.text
        assert not row[len(one.text) :].any()
    fetched = [np.asarray(part) for part in found.train.fetch(np.arange(6))]
    np.testing.assert_array_equal(fetched[0], x)
    np.testing.assert_array_equal(fetched[1], y)


def test_quotes_commas_and_blanks_belong_to_texts(tmp_path):
    texts = ["a, b", 'say "hi"', "it is", "x", "# 5"]
    found = pipelines.read(PIPELINE, table(tmp_path / "csv", texts=texts * 2))
    assert all_texts(found) == sorted(texts * 2)
    found = pipelines.read(PIPELINE, listed(tmp_path / "txt", "{}.png {}", texts=texts * 2))
    assert all_texts(found) == sorted(texts * 2)
    quoted = listed(tmp_path / "icdar", '{}.png, "{}"', "gt.txt", ["a, b", r"\"q\"", "b", "q, a"] * 2)
    assert all_texts(pipelines.read(PIPELINE, quoted)) == sorted(["a, b", '"q"', "b", "q, a"] * 2)


def test_splits_are_folders_lists_or_a_column(tmp_path):
    for split, texts in (("train", ["12", "21"]), ("val", ["1"]), ("test", ["2", "22"])):
        table(tmp_path / "folders" / split, texts=texts)
    for number, text in enumerate(TEXTS):
        line(tmp_path / "lists" / "all" / f"{number}.png", number)
        line(tmp_path / "column" / f"{number}.png", number)
        (tmp_path / "beside" / ("test" if number > 5 else "train")).mkdir(parents=True, exist_ok=True)
        line(tmp_path / "beside" / ("test" if number > 5 else "train") / f"{number}.png")
        (tmp_path / "beside" / ("test" if number > 5 else "train") / f"{number}.txt").write_text(text)
    lists = {"train": range(6), "test": range(6, 8)}
    for split, numbers in lists.items():
        text = "".join(f"all/{number}.png {TEXTS[number]}\n" for number in numbers)
        (tmp_path / "lists" / f"{split}.txt").write_text(text)
    cells = [(f"{n}.png", text, "test" if n > 5 else "train") for n, text in enumerate(TEXTS)]
    rows(tmp_path / "column" / "all.csv", ("file", "text", "split"), *cells)
    found = pipelines.read(PIPELINE, tmp_path / "folders")
    assert [texts_of(part) for part in (found.train, found.validation, found.test)] == [
        ["12", "21"],
        ["1"],
        ["2", "22"],
    ]
    for name in ("lists", "column", "beside"):
        found = pipelines.read(PIPELINE, tmp_path / name)
        assert texts_of(found.test) == sorted(TEXTS[6:]), name
        assert found.validation is None


def test_words_of_mjsynth_are_in_its_names(tmp_path):
    words = ("Lube", "MONIKER", "Lube", "MONIKER")
    names = [f"{number}_{word}_{100 + number}.jpg" for number, word in enumerate(words)]
    for number, name in enumerate(names):
        line(tmp_path / "1" / name, number)
    (tmp_path / "annotation.txt").write_text("".join(f"./1/{name} {100 + n}\n" for n, name in enumerate(names)))
    found = pipelines.read(PIPELINE, tmp_path)
    assert all_texts(found) == sorted(words)
    assert any("MJSynth" in note for note in found.notes)


def test_an_npz_of_pictures_and_strings_is_read(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (6, 16, 40), "uint8")
    y = np.array(["12", "1", "21", "2", "11", "22"])
    np.savez(tmp_path / "a.npz", x_train=x[:4], y_train=y[:4], x_test=x[4:], y_test=y[4:])
    found = pipelines.read(PIPELINE, tmp_path / "a.npz")
    assert (texts_of(found.train), texts_of(found.test)) == (["1", "12", "2", "21"], ["11", "22"])
    assert found.train.examples(np.arange(4))[0].shape == (4, 32, 80, 1)
    np.savez(tmp_path / "b.npz", x_train=x[:4], y_train=np.arange(4), x_test=x[4:], y_test=y[4:])
    with pytest.raises(DataError, match=r"`y_train` in .*b\.npz has type int64 .*expected a text for each"):
        pipelines.read(PIPELINE, tmp_path / "b.npz")


def test_pictures_keep_the_ratio_of_their_sides_and_are_padded_with_their_border():
    pixels = np.full((16, 24, 1), 210, np.uint8)
    pixels[4:12, 8:16] = pixels[0, :3] = 20
    found, left = fitted(pixels, (32, 80, 1))
    assert left == 1
    expected = np.asarray(Image.fromarray(pixels[..., 0]).resize((48, 32), Image.Resampling.LANCZOS, reducing_gap=3.0))
    np.testing.assert_array_equal(found[:, :48, 0], expected)
    assert (found[:, 48:] == 210).all()
    squeezed, left = fitted(pixels, (32, 24, 1))
    assert (squeezed.shape, left) == ((32, 24, 1), 0.5)
    again, left = fitted(found, (32, 80, 1))
    assert again is found
    gray, _ = fitted(np.repeat(pixels, 3, axis=-1), (32, 80, 1))
    np.testing.assert_array_equal(gray, found)
    assert fitted(pixels, (32, 80, 3))[0].shape == (32, 80, 3)


def test_squeezed_lines_and_symbols_never_seen_are_said(tmp_path):
    root = table(tmp_path)
    line(root / "3.png", size=(20, 400))
    found = pipelines.read(PIPELINE, root, width=160, alphabet="0123456789abc")
    assert found.train.examples(np.arange(1))[0].shape[2] == 160
    (absent, squeezed) = found.notes
    assert absent.startswith("`data.alphabet` has 8 symbol(s) that no text to train on in")
    assert absent.endswith("it has not learned: 45689abc")
    assert "1 of 8 lines are wider than 160 columns at a height of 32 and are squeezed, 3.png most, to 25%" in squeezed
    assert found.schema["alphabet"] == "0123456789abc"


def test_capitals_may_become_small_and_colours_stay(tmp_path):
    root = table(tmp_path, texts=("Ab", "B", "aa", "AB", "ba"))
    assert set(pipelines.read(PIPELINE, root).schema["alphabet"]) <= set("aAbB")
    found = pipelines.read(PIPELINE, root, case="lower")
    assert found.schema == {"alphabet": "ab", "case": "lower"}
    for number in range(5):
        line(root / f"{number}.png", mode="RGB")
    assert pipelines.read(PIPELINE, root, case="lower").train.examples(np.arange(1))[0].shape[-1] == 3
    assert pipelines.read(PIPELINE, root, case="lower", channels=1).train.examples(np.arange(1))[0].shape[-1] == 1


@pytest.mark.parametrize("where", ["memory", "disk", "off"])
def test_pictures_are_the_same_wherever_they_are_kept(tmp_path, where):
    root = table(tmp_path)
    expected = pipelines.read(PIPELINE, root)
    with caching(where):
        found = pipelines.read(PIPELINE, root)
    for name in ("train", "test"):
        assert getattr(found, name).digest() == getattr(expected, name).digest()
    if where == "off":
        (root / "0.png").unlink()
        with pytest.raises(DataError, match=r"\.png cannot be read any more: no such file"):
            found.everything().digest()


def test_a_trained_network_says_how_other_data_is_read(tmp_path):
    card = {"input_shape": (16, 48, 1), "class_names": (), "alphabet": "01237 ", "case": "keep"}
    root = table(tmp_path, texts=("120", "31", "2013", "7", "77"))
    found = pipelines.read(PIPELINE, root, whole=True, card=card)
    assert (len(found.train), len(found.test)) == (0, 5)
    assert found.test.examples(np.arange(1))[0].shape == (1, 16, 48, 1)
    assert found.schema["alphabet"] == "01237 "
    table(tmp_path, texts=("120", "31", "95"))
    with pytest.raises(DataError, match=r"2\.png: its text '95' has 9 5, which is no symbol that the network knows"):
        pipelines.read(PIPELINE, root, whole=True, card=card)
    for wrong in ({"alphabet": ""}, {"alphabet": "aa"}, {"alphabet": 7}, {"case": "loud"}):
        with pytest.raises(KzooError, match="The network's card"):
            PIPELINE.source({**card, **wrong})


def test_the_sample_is_always_the_same_and_depends_on_its_seed():
    one, other = (pipelines.sample(PIPELINE, lines=24, seed=seed) for seed in (0, 1))
    assert (len(one.train), len(one.test)) == (24, 6)
    assert one.train.digest() == pipelines.sample(PIPELINE, lines=24).train.digest() != other.train.digest()
    assert all(3 <= len(text) <= 6 and text.isdigit() for text in texts_of(one.train))
    assert one.schema["alphabet"] == "0123456789"


CELLS = [(f"{number}.png", text) for number, text in enumerate(TEXTS)]


def relabelled(*cells, header=("image", "text")):
    """Return what writes another table of labels."""

    def make(root):
        rows(root / "labels.csv", header, *cells)
        return root

    return make


def written(name, content):
    """Return what writes a file; None takes it away."""

    def make(root):
        (root / name).unlink(missing_ok=True)
        if content is not None:
            (root / name).write_bytes(content)
        return root

    return make


def with_texts_beside(texts):
    """Return what writes files beside pictures in the place of the table."""

    def make(root):
        (root / "labels.csv").unlink()
        for number, text in texts.items():
            (root / f"{number}.txt").write_text(text)
        return root

    return make


def cut_off(root):
    (root / "2.png").write_bytes((root / "2.png").read_bytes()[:300])
    return root


def flat(root):
    line(root / "4.png", size=(3, 60))
    return root


def narrow(root):
    line(root / "4.png", size=(30, 1))
    return root


def empty(root):
    (root / "empty").mkdir()
    return root / "empty"


def in_splits(*cells):
    return relabelled(*cells, header=("image", "text", "split"))


SEMICOLONS = "".join(f"{name};{text}\n" for name, text in CELLS).encode()
BROKEN = {
    "not an image": written("2.png", b"<html>not found</html>"),
    "cut off": cut_off,
    "missing": relabelled(*CELLS, ("nine.png", "9")),
    "no text": relabelled(*CELLS[1:], ("0.png", "  ")),
    "two texts": relabelled(*CELLS, ("0.png", "9")),
    "control": relabelled(*CELLS[1:], ("0.png", "1\x072")),
    "flat": flat,
    "narrow": narrow,
    "a split that is none": in_splits(*((*c, "train") for c in CELLS[1:]), (*CELLS[0], "tset")),
    "semicolons": lambda root: written("labels.txt", SEMICOLONS)(written("labels.csv", None)(root)),
    "strange": in_splits(*((*c, "train") for c in CELLS[2:]), (*CELLS[1], "test"), ("0.png", "1é", "test")),
    "some without": with_texts_beside({0: "12"}),
    "two lines": with_texts_beside({n: f"{text}\nmore" if n == 5 else text for n, text in enumerate(TEXTS)}),
    "three cells": relabelled(*CELLS, ("0.png", "1", "2")),
    "no column": relabelled(*((name, 60, 20) for name, _ in CELLS), header=("image", "width", "height")),
    "latin-1": written("labels.csv", "image,text\n0.png,é\n".encode("latin-1")),
    "only test": in_splits(*((*c, "test") for c in CELLS)),
    "one": relabelled(CELLS[0]),
    "nothing shared": relabelled(("0.png", "1"), ("1.png", "2"), ("2.png", "3")),
    "nothing said": written("labels.csv", None),
    "empty": empty,
    "another file": lambda root: root / "0.png",
}
WRONG = [
    ("not an image", r"1 of 8 lines .*or leave them out.*unreadable=skip\. 2\.png: it is a web page", True),
    ("cut off", r"2\.png: it is cut off", True),
    ("missing", r"1 of 9 lines .* line 10 of labels\.csv: there is no picture nine\.png", True),
    ("no text", r"0\.png: it has no text", True),
    ("two texts", r"line 10 of labels\.csv: 0\.png has the text '120' already", True),
    ("control", r"0\.png: its text '1\\x072' has the control character U\+0007", True),
    ("flat", r"4\.png: it has 60 x 3 pixels, too few rows", True),
    ("narrow", r"4\.png: it has 1 x 30 pixels, too narrow for a symbol", True),
    ("a split that is none", r"Line 9 of .*labels\.csv has 'tset' in the column `split`, which says no split", False),
    ("semicolons", r"line 1 of labels\.txt: there is no picture 0\.png;120 \(a blank, a tab or a comma stands", False),
    ("strange", r"0\.png: its text '1é' has é, which is no symbol that any text to train on has", True),
    ("some without", r"7 of 8 lines .* 1\.png: there is no 1\.txt beside it", False),
    ("two lines", r"5\.png: 5\.txt has 2 lines, and a picture is one line", True),
    ("three cells", r"Line 10 of .*labels\.csv has 3 cells where the header has 2", False),
    ("no column", r"No column of .*labels\.csv has their texts; it has `image`, `width`, `height`\. Call", False),
    ("latin-1", r"labels\.csv is not text in UTF-8", False),
    ("only test", r"has lines to test on and none to train on", False),
    ("one", r"has a single line to use", False),
    ("nothing shared", r"has no line whose symbols all stand in others as well, and no folder or list `test`", False),
    ("nothing said", r"has 8 pictures \(0\.png, .* and nothing that says what stands.*data\.labels=names", False),
    ("empty", r"empty holds no pictures\. Lines of text are read from a folder", False),
    ("another file", r"0\.png is no list of pictures and their texts", False),
]  # fmt: skip


@pytest.mark.parametrize(("what", "said", "skipped"), WRONG, ids=[one[0] for one in WRONG])
def test_what_cannot_be_used_is_named(tmp_path, what, said, skipped):
    root = BROKEN[what](table(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=f"(?s){said}") as error:
        pipelines.read(PIPELINE, root)
    assert "\n" not in str(error.value)
    assert str(root) in str(error.value)
    assert sorted(tmp_path.rglob("*")) == before
    if skipped:
        found = pipelines.read(PIPELINE, root, unreadable="skip")
        assert len(found.train) + len(found.test) == (8 if what in ("missing", "two texts") else 7)
        assert any("are left out" in note for note in found.notes)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"height": 40}, r"`data\.height` is 40, .* take a multiple of 16, such as 32"),
        ({"digits": (4, 2)}, r"`data\.digits` is \[4, 2\]: the fewest digits come first"),
        ({"alphabet": "abca"}, r"`data\.alphabet` has 'a' 2 times"),
        ({"pattern": "("}, r"`data\.pattern` is `\(`, which is no regular expression"),
        ({"pattern": "(a)(b)"}, r"has 2 groups: put what is the text in one pair"),
        ({"labels": "maybe"}, "data.labels"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path, settings, said):
    with pytest.raises(UsageError, match=said):
        pipelines.read(PIPELINE, tmp_path, **settings)
    with pytest.raises(DataError, match=r"its name is not of the form `x\(\.\+\)`"):
        pipelines.read(PIPELINE, named(tmp_path), labels="names", pattern="x(.+)")
