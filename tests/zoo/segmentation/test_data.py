"""Pictures with masks in each form that they come in, and what is said of those that are wrong."""

import re

import numpy as np
import pipelines
import pytest
from mask_sets import MALFORMED, coco, folders, mask, picture, scene, voc
from PIL import Image

from kzoo.data.image_rows import caching
from kzoo.errors import KzooError
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo_zoo.segmentation.mask_files import read_mask
from kzoo_zoo.segmentation.naming import parse_names
from kzoo_zoo.segmentation.pipeline import Segmentation

PIPELINE = Segmentation()


def read(root, **settings):
    return pipelines.read(PIPELINE, root, **settings)


def masks_of(*splits):
    return {one.name.rpartition("/")[2].partition(".")[0]: one.mask() for split in splits for one in split.pictures}


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, labels in expected.items():
        np.testing.assert_array_equal(found[name], labels, err_msg=name)


def test_it_is_listed_as_what_it_is():
    entry = get_registry().pipeline("segmentation")
    assert load_target(entry) is Segmentation
    assert set(entry.spec.recipes) == set(PIPELINE.recipes())


@pytest.mark.parametrize("layout", ["images/{split}{name}", "{split}images/{name}", "data/{split}images/{name}"])
def test_folders_with_splits_in_any_order(tmp_path, layout):
    expected = folders(tmp_path, layout=layout, splits=("train", "val", "test"))
    data = read(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (5, 5, 5)
    assert data.class_names == ("0", "1", "2")
    assert data.declares_test
    same(masks_of(data.train, data.validation, data.test), expected)
    x, y = data.train.examples(np.arange(2))
    assert x.shape == (2, 32, 32, 3)
    assert y.shape == (2, 32, 32)
    np.testing.assert_array_equal(y[0, :24], data.train.pictures[0].mask())
    assert (y[:, 24:] == 255).all()
    np.testing.assert_array_equal(data.train.labels.any(axis=0), [True] * 3)


def test_without_splits_some_are_kept_for_the_test_always_the_same(tmp_path):
    folders(tmp_path, count=10)
    data, again = read(tmp_path), read(tmp_path)
    assert (len(data.train), len(data.test)) == (8, 2)
    assert [one.name for one in data.test.pictures] == [one.name for one in again.test.pictures]
    assert not data.declares_test
    measured = pipelines.read(PIPELINE, tmp_path, whole=True)
    assert (len(measured.train), len(measured.test)) == (0, 10)


def test_names_that_end_otherwise_belong_together(tmp_path):
    for number in range(3):
        pixels, labels = scene(number)
        picture(tmp_path / f"leftImg8bit/train/city_{number}_leftImg8bit.png", pixels)
        mask(tmp_path / f"gtFine/train/city_{number}_gtFine_labelIds.png", labels)
        picture(tmp_path / f"leftImg8bit/val/city_{number}_leftImg8bit.png", pixels)
        mask(tmp_path / f"gtFine/val/city_{number}_gtFine_labelIds.png", labels)
    data = read(tmp_path)
    assert (len(data.train), len(data.test)) == (3, 3)


def test_numbers_as_classes_txt_names_them(tmp_path):
    expected = folders(tmp_path, change=lambda labels: np.where(labels == 2, 255, labels).astype(np.uint8))
    (tmp_path / "classes.txt").write_text("sky\nroad\n")
    data = read(tmp_path)
    assert data.class_names == ("sky", "road")
    same(masks_of(data.train, data.test), {n: np.where(m == 2, 255, m) for n, m in expected.items()})
    named = read(tmp_path, classes="a,b")
    assert named.class_names == ("a", "b")


@pytest.mark.parametrize("place", ["masks/classes.txt", "masks/train/classes.txt"])
def test_classes_txt_may_stand_among_the_masks(place, tmp_path):
    folders(tmp_path, layout="images/{split}{name}", splits=("train", "val"))
    (tmp_path / place).write_text("sky 0 0 0\nroad 128 64 0\ncar 0 0 200\n")
    assert read(tmp_path).class_names == ("sky", "road", "car")
    (tmp_path / "classes.txt").write_text("sky\nroad\ncar\n")
    assert read(tmp_path).class_names == ("sky", "road", "car")
    (tmp_path / "classes.txt").write_text("sky\ncar\nroad\n")
    with pytest.raises(KzooError, match=f"classes.txt and {place} in .* name other classes: .* `car` .* `road`"):
        read(tmp_path)


def test_numbers_that_are_not_in_a_row(tmp_path):
    folders(tmp_path, change=lambda labels: np.array([7, 33, 0], np.uint8)[labels])
    data = read(tmp_path, ignore=0)
    assert data.class_names == ("7", "33")
    assert any("Nothing names the classes" in note for note in data.notes)
    assert set(np.unique(data.train.pictures[0].mask())) <= {0, 1, 255}
    several = read(tmp_path, ignore=(7, 255))
    assert several.class_names == ("0", "33")


def test_sixteen_bits_hold_large_numbers(tmp_path):
    for number in range(3):
        pixels, labels = scene(number)
        picture(tmp_path / f"images/{number}.png", pixels)
        mask(tmp_path / f"masks/{number}.png", (labels.astype(np.uint16) * 1000))
    assert read(tmp_path).class_names == ("0", "1000", "2000")


@pytest.mark.parametrize("how", ["bytes", "bits", "jpeg", "palette"])
def test_black_and_white_is_one_mask(tmp_path, how):
    expected = {}
    for number in range(4):
        pixels, labels = scene(number, 2)
        picture(tmp_path / f"images/{number}.png", pixels)
        white = labels * 255
        (tmp_path / "masks").mkdir(exist_ok=True)
        if how == "jpeg":
            Image.fromarray(white).save(tmp_path / f"masks/{number}.jpg", quality=100, subsampling=0)
        elif how == "bits":
            Image.fromarray(white).convert("1").save(tmp_path / f"masks/{number}.png")
        elif how == "palette":
            mask(tmp_path / f"masks/{number}.png", white, np.repeat(np.arange(256)[:, None], 3, 1))
        else:
            mask(tmp_path / f"masks/{number}.png", white)
        expected[str(number)] = labels
    data = read(tmp_path)
    assert data.class_names == ("background", "foreground")
    assert any("black and white" in note for note in data.notes)
    same(masks_of(data.train, data.test), expected)


COLOURS = np.array([(0, 0, 0), (128, 64, 0), (0, 0, 200)], np.uint8)


def coloured(root, **options):
    found = {}
    for number in range(4):
        pixels, labels = scene(number)
        picture(root / f"images/{number}.png", pixels)
        picture(root / f"masks/{number}.png", COLOURS[labels])
        found[str(number)] = labels
    return found


@pytest.mark.parametrize(
    "names",
    ["void 0 0 0\nroad 128 64 0\ncar 0 0 200\n", "name,r,g,b\nvoid,0,0,0\nroad,128,64,0\ncar,0,0,200\n",
     "0 0 0\tvoid\n128 64 0\troad\n0 0 200\tcar\n", "void #000000\nroad #804000 // brown\ncar #0000c8\n"],
)  # fmt: skip
def test_colours_as_a_file_names_them(tmp_path, names):
    expected = coloured(tmp_path)
    (tmp_path / "class_dict.csv").write_text(names)
    data = read(tmp_path)
    assert data.class_names == ("void", "road", "car")
    assert data.schema["colours"] == COLOURS.tolist()
    same(masks_of(data.train, data.test), expected)


def test_colours_found_by_looking(tmp_path):
    expected = coloured(tmp_path)
    data = read(tmp_path)
    assert data.class_names == ("#000000", "#0000c8", "#804000")
    same(masks_of(data.train, data.test), {n: np.array([0, 2, 1])[m] for n, m in expected.items()})
    ignoring = read(tmp_path, ignore="#000000")
    assert ignoring.class_names == ("#0000c8", "#804000")


def test_a_palette_in_an_order_of_its_own_is_read_by_its_colours(tmp_path):
    expected = {}
    for number in range(3):
        pixels, labels = scene(number)
        picture(tmp_path / f"images/{number}.png", pixels)
        palette = np.zeros((256, 3), np.uint8)
        palette[[9, 4, 6]] = COLOURS
        mask(tmp_path / f"masks/{number}.png", np.array([9, 4, 6], np.uint8)[labels], palette)
        expected[str(number)] = labels
    (tmp_path / "classes.txt").write_text("void 0 0 0\nroad 128 64 0\ncar 0 0 200\n")
    data = read(tmp_path)
    same(masks_of(data.train, data.test), expected)
    for split in (data.train, data.test):
        shown = [np.isin(range(3), one.mask()) for one in split.pictures]
        np.testing.assert_array_equal(split.labels, shown)


@pytest.mark.parametrize("lists", [True, False])
def test_voc(tmp_path, lists):
    expected = voc(tmp_path, lists=lists)
    data = read(tmp_path)
    assert len(data.class_names) == 21
    assert data.class_names[:3] == ("background", "aeroplane", "bicycle")
    assert (len(data.train), len(data.test)) == (3, 1)
    same(masks_of(data.train, data.test), expected)
    assert data.schema["colours"][:3] != COLOURS.tolist()


@pytest.mark.parametrize("form", ["text", "numbers", "polygons"])
def test_coco(tmp_path, form):
    expected = coco(tmp_path, form=form)
    coco(tmp_path / "val", form=form, name="instances_val.json")
    data = read(tmp_path)
    assert data.class_names == ("background", "disc", "other")
    assert (len(data.train), len(data.test)) == (3, 3)
    same(masks_of(data.train), expected)
    one = read(tmp_path / "instances_train.json")
    assert len(one.train) + len(one.test) == 3


def test_of_pieces_on_one_another_the_smaller_one_is_seen(tmp_path):
    large, small = [[0, 0, 30, 0, 30, 20, 0, 20]], [[10, 5, 20, 5, 20, 15, 10, 15]]

    def change(tables):
        tables["annotations"] = [
            {"id": n, "image_id": 0, "category_id": category, "segmentation": segmentation}
            for n, (category, segmentation) in enumerate([(10, small), (20, large)])
        ]
        return tables

    coco(tmp_path, change=change)
    (found,) = [one.mask() for one in read(tmp_path).train.pictures if one.name.endswith("0.png")] or [
        one.mask() for one in read(tmp_path).test.pictures
    ]
    assert found[10, 15] == 1
    assert found[2, 2] == 2
    assert found[22, 2] == 0


def test_what_is_wrong_can_be_left_out(tmp_path):
    folders(tmp_path, count=6)
    (tmp_path / "masks/a3.png").unlink()
    mask(tmp_path / "masks/a4.png", np.zeros((9, 9), np.uint8))
    data = read(tmp_path, fix="skip")
    assert len(data.train) + len(data.test) == 4
    (note,) = [note for note in data.notes if "left out" in note]
    assert "images/a3.png" in note
    assert "images/a4.png" in note


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_wrong_is_named_before_training(tmp_path, name):
    make, settings, said = MALFORMED[name]
    root = make(tmp_path)
    with pytest.raises(KzooError) as caught:
        read(root, **settings)
    message = str(caught.value)
    assert re.search(said, message), message
    assert message.endswith(".")
    assert "\n" not in message


def test_pictures_of_any_size_fit_with_their_shape_kept(tmp_path):
    for number, size in enumerate([(24, 32), (48, 64), (30, 90), (64, 20)]):
        pixels, labels = scene(number, size=size)
        picture(tmp_path / f"images/{number}.png", pixels)
        mask(tmp_path / f"masks/{number}.png", labels)
    data = read(tmp_path, image_size=(40, 60))
    assert data.train.shape == (48, 64, 3)
    for one, y in zip(data.train.pictures, data.train.examples(np.arange(len(data.train)))[1], strict=True):
        scale = min(40 / one.size[0], 60 / one.size[1])
        seen = y != 255
        assert seen.any(axis=1).sum() == round(one.size[0] * scale)
        assert seen.any(axis=0).sum() == round(one.size[1] * scale)
    gray = read(tmp_path, image_size=32, channels=1)
    assert gray.train.examples(np.arange(1))[0].shape == (1, 32, 32, 1)


def test_what_is_too_large_for_the_memory_is_read_from_its_files(tmp_path, monkeypatch):
    folders(tmp_path)
    data = read(tmp_path)
    expected = data.train.examples(np.arange(2))
    monkeypatch.setattr("kzoo_zoo.segmentation.split.MEMORY_LIMIT", 10)
    from_files = read(tmp_path)
    for one, other in zip(expected, from_files.train.examples(np.arange(2)), strict=True):
        np.testing.assert_array_equal(one, other)
    x, _ = from_files.train.fetch(np.array([1, 0]))
    np.testing.assert_array_equal(np.asarray(x)[1], expected[0][0])
    with caching("memory"):
        kept = read(tmp_path).train
    np.testing.assert_array_equal(kept.examples(np.arange(2))[1], expected[1])
    monkeypatch.setattr(type(kept.pictures[0]), "read", lambda self: pytest.fail("it is in memory"))
    np.testing.assert_array_equal(kept.take(np.arange(2)).examples(np.arange(2))[0], expected[0])
    monkeypatch.undo()
    monkeypatch.setattr("kzoo_zoo.segmentation.split.MEMORY_LIMIT", 10)
    digest = from_files.train.digest()
    assert digest == read(tmp_path).train.digest()
    mask(tmp_path / "masks/a0.png", np.ones((24, 32), np.uint8))
    assert digest != read(tmp_path).train.digest()


def test_the_sample_is_always_the_same_and_exact():
    data = pipelines.sample(PIPELINE, image_size=(40, 48))
    again = pipelines.sample(PIPELINE, image_size=(40, 48))
    assert data.train.digest() == again.train.digest()
    assert len(data.class_names) == 6
    assert data.test.labels.any(axis=0).all()
    x, y = data.train.examples(np.arange(4))
    assert x.shape == (4, 48, 48, 3)
    assert set(np.unique(y[:, :40])) <= set(range(6))


def test_names_and_colours_are_told_apart(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("traffic light\nlane 1 marking\n0 0 0 dark road\n", encoding="utf-8-sig")
    with pytest.raises(KzooError, match="to some classes"):
        parse_names(path)
    path.write_text("traffic light\n\nroad 66\n")
    assert [one.name for one in parse_names(path)] == ["traffic light", "road 66"]


def test_an_exact_file_of_gray_colours_holds_numbers(tmp_path):
    gray = np.repeat(np.arange(12, dtype=np.uint8).reshape(3, 4)[..., None], 3, axis=-1)
    picture(tmp_path / "a.png", gray)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png").values, gray[..., 0])
