"""Pictures as people have them: in folders of any names, in pairs, of any size; and what is wrong with others."""
# ruff: noqa: E501 - a table with a line for each

import json

import numpy as np
import pipelines
import pytest
from PIL import Image

from kzoo.data.image_rows import caching
from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.errors import DataError, KzooError, UsageError
from kzoo_zoo.restoration.pipeline import Restoration
from kzoo_zoo.restoration.reading import _split_of
from kzoo_zoo.restoration.shelf import Shelf

PIPELINE = Restoration()


def photo(seed, size=(40, 52), channels=3):
    noise = np.random.default_rng(seed)
    small = noise.integers(0, 256, (size[0] // 4 + 1, size[1] // 4 + 1, channels), dtype=np.uint8)
    return small.repeat(4, axis=0).repeat(4, axis=1)[: size[0], : size[1]]


def saved(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels if pixels.shape[-1] > 1 else pixels[..., 0]).save(path)
    return path


def photos(root, names, **options):
    for seed, name in enumerate(names):
        saved(root / name, photo(seed, **options))
    return root


def pairs(root, count=5, scale=1, worn="damaged", true="clean"):
    for seed in range(count):
        pixels = photo(seed)
        saved(root / true / f"{seed}.png", pixels)
        small = Image.fromarray(pixels).resize((52 // scale, 40 // scale))
        saved(root / worn / f"{seed}.png", np.asarray(small) // 2)
    return root


def read(path, **settings):
    return pipelines.read(PIPELINE, path, **{"patch": 16, **settings})


def names_of(split):
    return [picture.name for picture in split.pictures]


@pytest.mark.parametrize(
    ("names", "train", "test"),
    [
        ([f"{n}.png" for n in range(10)], 8, 2),
        ([f"holiday/day {n % 3}/{n}.jpg" for n in range(10)], 8, 2),
        (["train/a/1.png", "train/2.png", "test/3.png"], 2, 1),
        (["training/1.png", "val/2.png"], 1, 1),
    ],
)  # fmt: skip
def test_folders_of_any_names(tmp_path, names, train, test):
    found = read(photos(tmp_path, names))
    assert (len(found.train), len(found.test)) == (train, test)
    assert not set(names_of(found.train)) & set(names_of(found.test))
    x, y = found.train.examples(np.arange(train))
    assert x.shape == y.shape == (train, 16, 16, 3)
    assert x.dtype == y.dtype == np.uint8
    assert (x != y).mean() > 0.5
    assert "noise:sigma=25" in found.description


def test_sizes_and_colours_may_differ(tmp_path):
    saved(tmp_path / "a.png", photo(0, (16, 90)))
    saved(tmp_path / "b.png", photo(1, (33, 17)))
    saved(tmp_path / "c.png", photo(2, (40, 40), 1))
    found = read(tmp_path)
    for picture in (*found.train.pictures, *found.test.pictures):
        assert picture.clean().shape == picture.damaged().shape
        assert picture.clean().shape[-1] == 3
    gray = read(tmp_path, channels=1)
    assert gray.train.examples(np.arange(2))[0].shape == (2, 16, 16, 1)
    inside = photos(tmp_path / "gray", ["1.png", "2.png"], channels=1)
    assert read(inside).train.form.channels == 1
    assert "1 file(s)" in read(_with_text(inside)).notes[0]


def _with_text(folder):
    (folder / "readme.txt").write_text("about these")
    return folder


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_pairs_are_read_as_they_are(tmp_path, scale):
    found = read(pairs(tmp_path, scale=scale))
    assert found.schema == {"scale": scale}
    x, y = found.train.examples(np.arange(4))
    assert y.shape == (4, 16, 16, 3)
    assert x.shape == (4, 16 // scale, 16 // scale, 3)
    if scale == 1:
        np.testing.assert_array_equal(x, y // 2)
    assert found.train.methods == ()
    assert "in pairs" in found.description
    picture = found.test.pictures[0]
    assert picture.damaged().shape[0] * scale == picture.clean().shape[0]


def test_pairs_have_other_names_and_splits(tmp_path):
    for split in ("train", "test"):
        pairs(tmp_path / split, 2, worn="noisy", true="GT")
    found = read(tmp_path)
    assert names_of(found.test) == ["test/GT/0.png", "test/GT/1.png"]


def broken(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    saved(path, photo(0))
    path.write_bytes(path.read_bytes()[:-300])


def no_pictures(root):
    (root / "readme.txt").write_text("photos follow")


def resized(root):
    pairs(root)
    saved(root / "damaged/1.png", photo(0, (40, 51)))


def no_scale(root):
    for seed in range(3):
        saved(root / f"clean/{seed}.png", photo(seed, (40, 52)))
        saved(root / f"damaged/{seed}.png", photo(seed, (30, 40)))


def lonely(root):
    (pairs(root) / "damaged/2.png").unlink()


def twice(root):
    saved(pairs(root) / "clean/1.jpg", photo(0))


def stray(root):
    saved(pairs(root) / "9.png", photo(0))


def only_test(root):
    photos(root / "test", ["1.png", "2.png"])


MALFORMED = {
    "no pictures": (no_pictures, {}, "holds no pictures. They are read from a folder of pictures"),
    "a broken JPEG": (lambda root: (photos(root, ["1.jpg", "2.jpg"]), broken(root / "a/3.jpg")), {}, r"1 of 3 pictures .* a/3\.jpg: .*-o data\.unreadable=skip|a/3\.jpg"),
    "no image": (lambda root: (photos(root, ["1.jpg"]), (root / "2.jpg").write_text("<html>")), {}, r"2\.jpg: it is a web page"),
    "an empty file": (lambda root: (photos(root, ["1.jpg"]), (root / "2.jpg").touch()), {}, r"2\.jpg: "),
    "smaller than a patch": (lambda root: photos(root, ["1.png", "2.png"], size=(31, 80)), {"patch": 64}, r"-o data\.patch=30\. 1\.png: it has 80 x 31 pixels, and patches have 64 x 64"),
    "smaller than any patch": (lambda root: photos(root, ["1.png", "2.png"], size=(12, 80)), {}, r"No patch is smaller than 16 x 16\. 1\.png"),
    "a single picture": (lambda root: photos(root, ["1.png"]), {}, "a single picture to use"),
    "only test pictures": (only_test, {}, "pictures to test on and none to train on"),
    "a pair of another size": (resized, {}, r"clean/1\.png: the true picture has 52 x 40 pixels and the damaged one 51 x 40, and in the other pairs the true one is as large"),
    "pairs of no whole scale": (no_scale, {}, r"or 2, 3 or 4 times as large.* clean/0\.png, the true picture has 52 x 40 pixels and the damaged one 40 x 30"),
    "a picture without its pair": (lonely, {}, r"clean/2\.png: none in a folder `damaged` is called `2`"),
    "two of a name": (twice, {}, r"clean/1\.jpg and clean/1\.png and damaged/1\.png: they are called alike"),
    "neither clean nor damaged": (stray, {}, r"9\.png: it is neither in a folder `clean` nor in one `damaged`"),
    "a damage for pairs": (pairs, {"damage": "blur:sigma=2"}, "has damaged pictures of its own"),
    "an unknown damage": (lambda root: photos(root, ["1.png", "2.png"]), {"damage": "rain:mm=3"}, "`rain` is no damage .* noise:sigma=25"),
    "a sigma that is no number": (lambda root: photos(root, ["1.png", "2.png"]), {"damage": "noise:sigma=strong"}, "`sigma` must be a number"),
    "a patch too small": (lambda root: photos(root, ["1.png", "2.png"]), {"patch": 3}, r"data\.patch"),
}  # fmt: skip


@pytest.mark.parametrize("fault", MALFORMED)
def test_what_is_wrong_is_named(tmp_path, fault):
    make, settings, said = MALFORMED[fault]
    make(tmp_path)
    with pytest.raises(KzooError, match=said) as caught:
        read(tmp_path, **settings)
    assert isinstance(caught.value, DataError | UsageError)
    assert "\n" not in str(caught.value)


def test_a_file_is_no_folder(tmp_path):
    with pytest.raises(DataError, match=r"1\.png is a file"):
        read(saved(tmp_path / "1.png", photo(0)))


def test_what_is_wrong_can_be_left_out(tmp_path):
    photos(tmp_path, [f"{n}.png" for n in range(5)])
    broken(tmp_path / "bad.jpg")
    saved(tmp_path / "small.png", photo(0, (8, 8)))
    found = read(tmp_path, unreadable="skip")
    assert len(found.train) + len(found.test) == 5
    (note,) = found.notes
    assert "2 of 7 pictures" in note
    assert "bad.jpg: " in note
    assert "small.png: it has 8 x 8" in note


@pytest.mark.parametrize(("sides", "patch"), [((90, 70), 64), ((50, 80), 48), ((32, 39), 32)])
def test_patches_are_as_large_as_the_pictures_allow(tmp_path, sides, patch):
    photos(tmp_path, ["1.png", "2.png"], size=sides)
    assert pipelines.read(PIPELINE, tmp_path).train.form.side == patch


def test_an_example_is_a_function_of_its_number(tmp_path):
    found = read(photos(tmp_path, ["1.png", "2.png", "3.png"]))
    split = found.train
    numbers = np.array([0, 1, 5, 10**12 + 1])
    first, again = split.read(numbers), split.read(numbers[::-1])
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other[::-1])
    assert (first[0][1] != first[0][2]).any()  # of one picture, another place and another noise
    whole = split.pictures[0]
    np.testing.assert_array_equal(whole.damaged(), whole.damaged())


def test_parts_of_a_split(tmp_path):
    split = read(photos(tmp_path, [f"{n}.png" for n in range(10)])).train
    part = split.take(np.array([3, 1]))
    assert names_of(part) == [names_of(split)[3], names_of(split)[1]]
    assert names_of(part.join(split.take(np.array([0])))) == [names_of(split)[n] for n in (3, 1, 0)]
    assert part.digest() != split.digest()
    assert len(split.patches(4)) == 32
    assert split.labels.shape == (8, 16, 16, 3)
    x, y = split.fetch([2, 7])
    np.testing.assert_array_equal(x, split.examples(np.array([2, 7]))[0])
    np.testing.assert_array_equal(y, split.examples(np.array([2, 7]))[1])


@pytest.mark.parametrize("where", ["memory", "disk", "off", "auto"])
def test_pictures_are_the_same_wherever_they_are_kept(tmp_path, monkeypatch, where):
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "cache"))
    photos(tmp_path / "data", ["1.png", "2.png", "3.png"])
    plain = read(tmp_path / "data").train
    monkeypatch.setattr("kzoo_zoo.restoration.shelf.MEMORY_LIMIT", 40 * 52 * 3)
    with caching(where):
        kept = read(tmp_path / "data").train
    assert kept.digest() == plain.digest()
    np.testing.assert_array_equal(kept.examples(np.arange(2))[0], plain.examples(np.arange(2))[0])
    assert Shelf()  # another one in the same folder


def test_validation_pictures_are_others(tmp_path):
    photos(tmp_path, [f"{n}.png" for n in range(20)])
    asked = DataRequest(str(tmp_path), settings={"patch": 16}, validation_fraction=0.25)
    splits = load_splits(PIPELINE.source(), asked, pipelines.Heard())
    parts = [set(names_of(part)) for part in (splits.train, splits.validation, splits.test)]
    assert [len(part) for part in parts] == [12, 4, 4]
    assert len(set.union(*parts)) == 20


def test_other_pictures_are_measured_as_a_whole(tmp_path):
    found = pipelines.read(PIPELINE, photos(tmp_path, ["1.png", "2.png"]), whole=True, patch=16)
    assert len(found.test) == 2
    assert not found.declares_test


def test_the_sample_is_scikit_learns_photos():
    from sklearn.datasets import load_sample_image

    found = pipelines.sample(PIPELINE)
    sizes = [len(part) for part in (found.train, found.validation, found.test)]
    assert sizes == [28, 4, 8]
    pixels = load_sample_image("flower.jpg")
    picture = next(one for one in found.test.pictures if one.name.startswith("flower-2"))
    column = next(c for c in range(5) if _split_of(1, c) == "test")
    np.testing.assert_array_equal(picture.clean(), pixels[105:210, 128 * column : 128 * (column + 1)])
    assert found.train.digest() == pipelines.sample(PIPELINE).train.digest()
    assert json.dumps(dict(found.schema)) == '{"scale": 1}'
    with pytest.raises(UsageError, match="128 x 105"):
        pipelines.sample(PIPELINE, patch=200)
