"""The small pictures: the published archive, npz files, image folders, and the drawn sample."""

import importlib.util
import io
import os
import pickle
import struct
import tarfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image
from pipelines import read
from pipelines import sample as sample_of

from kzoo.errors import DataError
from kzoo_zoo.cifar10 import data, scenes
from kzoo_zoo.cifar10.batches import FOLDER
from kzoo_zoo.cifar10.pipeline import Cifar10

PIPELINE = Cifar10()
RNG = np.random.default_rng(0)
NAMES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
IMAGES = {name: RNG.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8) for name in NAMES}
LABELS = {name: [9, 0, 3, number] for number, name in enumerate(NAMES)}


class Python2Pickler(pickle._Pickler):
    """Writes texts and bytes as Python 2 did when CIFAR-10 was published: as byte strings without an encoding."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_text(self, value):
        content = value.encode("latin1") if isinstance(value, str) else value
        self.write(b"T" + struct.pack("<i", len(content)) + content)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_text


def python2_pickle(value):
    buffer = io.BytesIO()
    Python2Pickler(buffer, 2).dump(value)
    return buffer.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")  # the NumPy of that time


def batch(name):
    flat = IMAGES[name].transpose(0, 3, 1, 2).reshape(4, -1)
    return {"batch_label": name, "labels": LABELS[name], "data": flat, "filenames": ["a.png"] * 4}


WRITERS = {
    "python 2": python2_pickle,
    "python 3, protocol 2": lambda value: pickle.dumps({k.encode(): v for k, v in value.items()}, protocol=2),
    "python 3, protocol 5": lambda value: pickle.dumps(value, protocol=5),
}


def archive(path, contents, folder=FOLDER):
    with tarfile.open(path, "w:gz") as file:
        for name, content in contents.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def batch_folder(folder, write=python2_pickle, **changes):
    folder.mkdir(parents=True)
    for name in NAMES:
        content = changes.get(name, write(batch(name)))
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


def assert_whole(dataset):
    np.testing.assert_array_equal(dataset.train.x, np.concatenate([IMAGES[name] for name in NAMES[:5]]))
    np.testing.assert_array_equal(dataset.test.x, IMAGES["test_batch"])
    assert dataset.train.y.tolist() == [label for name in NAMES[:5] for label in LABELS[name]]
    assert dataset.test.y.tolist() == LABELS["test_batch"]
    assert dataset.class_names == data.CLASS_NAMES
    assert dataset.train.x.dtype == np.uint8
    assert dataset.train.y.dtype == np.int64


def test_the_file_is_the_one_that_keras_downloads():
    keras = importlib.util.find_spec("keras")
    source = Path(keras.origin).parent / "src" / "datasets" / "cifar10.py"
    if not source.exists():
        pytest.skip(f"this Keras keeps its data sets elsewhere than in {source}")
    text = source.read_text()
    assert data.REMOTE.sha256 in text
    assert data.REMOTE.urls[0] in text


@pytest.mark.parametrize("writer", WRITERS)
def test_the_archive_is_read_as_it_was_published(tmp_path, writer):
    contents = {name: WRITERS[writer](batch(name)) for name in NAMES} | {"readme.html": b"<html>", "batches.meta": b"x"}
    path = archive(tmp_path / "cifar-10-python.tar.gz", contents)
    assert_whole(read(PIPELINE, path))
    assert list(tmp_path.iterdir()) == [path]  # nothing was unpacked


def test_it_is_read_as_keras_reads_it(tmp_path):
    """Keras's own reader needs its whole package; its few lines are these."""
    path = batch_folder(tmp_path / FOLDER) / "data_batch_1"
    with path.open("rb") as file:
        raw = pickle.load(file, encoding="bytes")
    expected = raw[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(read(PIPELINE, tmp_path).train.x[:4], expected)


@pytest.mark.parametrize("inside", [FOLDER, f"{FOLDER}-target/{FOLDER}", "."])
def test_the_unpacked_folder_or_its_parent_is_read(tmp_path, inside):
    batch_folder(tmp_path / "set" / inside)
    assert_whole(read(PIPELINE, tmp_path / "set"))


def test_an_npz_is_read(tmp_path):
    x, y = IMAGES["test_batch"], np.array([[0], [1], [2], [9]], np.uint8)
    np.savez(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    dataset = read(PIPELINE, tmp_path / "a.npz")
    np.testing.assert_array_equal(dataset.train.x, x)
    assert dataset.class_names == ("0", "1", "2", "9")  # ten classes of anybody are none of CIFAR-10's
    named = read(PIPELINE, tmp_path / "a.npz", classes="real")
    assert named.class_names == data.CLASS_NAMES
    assert named.test.y.tolist() == [0, 1, 2, 9]
    np.savez(tmp_path / "b.npz", x_train=x, y_train=y % 3, x_test=x, y_test=y % 3)
    assert read(PIPELINE, tmp_path / "b.npz").class_names == ("0", "1", "2")


@pytest.mark.long
def test_the_real_set_is_known_by_its_arrays_and_nothing_else(tmp_path):
    named = os.environ.get("KZOO_TEST_DATA")
    if not named or not (Path(named) / "cifar10").is_dir():
        pytest.skip("needs real data: set KZOO_TEST_DATA to a folder with cifar10")
    sheets = [np.asarray(Image.open(path)) for path in sorted((Path(named) / "cifar10").glob("test-*.webp"))]
    x = np.concatenate([s.reshape(25, 32, 40, 32, 3).transpose(0, 2, 1, 3, 4).reshape(1000, 32, 32, 3) for s in sheets])
    y = np.load(Path(named) / "cifar10" / "test-labels.npy").reshape(-1, 1)
    np.savez(tmp_path / "a.npz", x_test=x, y_test=y)
    assert read(PIPELINE, tmp_path / "a.npz", whole=True).class_names == data.CLASS_NAMES
    np.savez(tmp_path / "b.npz", x_test=x[::-1], y_test=y[::-1])
    assert read(PIPELINE, tmp_path / "b.npz", whole=True).class_names == tuple("0123456789")


def test_the_test_batch_alone_is_measured(tmp_path):
    folder = batch_folder(tmp_path / FOLDER, **dict.fromkeys(NAMES[:5]))
    measured = read(PIPELINE, folder, whole=True)
    assert (len(measured.train), measured.test.y.tolist()) == (0, LABELS["test_batch"])
    with pytest.raises(DataError, match="it lacks data_batch_1"):
        read(PIPELINE, folder)


def test_a_folder_of_images_is_made_small(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.fromarray(RNG.integers(0, 256, (40, 50), dtype=np.uint8)).save(tmp_path / name / f"{number}.png")
    dataset = read(PIPELINE, tmp_path)
    assert dataset.train.x.shape == (8, 32, 32, 3)
    assert dataset.class_names == ("cat", "dog")


class Evil:
    """Runs a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_runs_code_is_refused(tmp_path, protocol):
    content = pickle.dumps({"data": Evil(exec, f"open({str(tmp_path / 'ran')!r}, 'w')")}, protocol=protocol)
    folder = batch_folder(tmp_path / FOLDER, data_batch_3=content)
    with pytest.raises(DataError, match=r"data_batch_3 in .* asks for `(__builtin__|builtins)\.exec`"):
        read(PIPELINE, folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data_batch_2": None, "test_batch": None}, "lacks data_batch_2, test_batch"),
        ({"data_batch_1": b""}, "data_batch_1 in .* cannot be read: Ran out of input"),
        ({"data_batch_1": b"<html>not found"}, "data_batch_1 in .* cannot be read"),
        ({"data_batch_1": python2_pickle(batch("data_batch_1"))[:2000]}, "data_batch_1 in .* cannot be read"),
        ({"data_batch_1": pickle.dumps([1, 2])}, "holds a list"),
        ({"data_batch_1": pickle.dumps({})}, "`data` of data_batch_1 .* is NoneType"),
        ({"data_batch_1": pickle.dumps({"data": np.zeros((2, 3072))})}, r"float64 of shape \(2, 3072\)"),
        ({"data_batch_1": pickle.dumps({"data": np.zeros((2, 9), np.uint8)})}, r"uint8 of shape \(2, 9\)"),
        ({"data_batch_1": pickle.dumps(batch("data_batch_1") | {"labels": [1, 2]})}, "4 images but 2 labels"),
        ({"data_batch_1": pickle.dumps(batch("data_batch_1") | {"labels": None})}, "4 images but no labels"),
        ({"data_batch_1": pickle.dumps(batch("data_batch_1") | {"labels": [1, 2, 3, -4]})}, "labels from -4 to 3"),
        ({"data_batch_1": pickle.dumps(batch("data_batch_1") | {"labels": ["a"] * 4})}, "type <U1"),
        ({"data_batch_1": pickle.dumps(batch("data_batch_1") | {"labels": [[1], [1, 2], [], []]})}, "type object"),
    ],
)
def test_batches_that_do_not_fit_are_refused(tmp_path, changes, reason):
    with pytest.raises(DataError, match=reason):
        read(PIPELINE, batch_folder(tmp_path / FOLDER, **changes))


def test_a_damaged_archive_is_refused(tmp_path):
    path = archive(tmp_path / "a.tar.gz", {name: python2_pickle(batch(name)) for name in NAMES})
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match="is not a whole zip or tar archive"):
        read(PIPELINE, path)
    with pytest.raises(DataError, match="No such file"):
        read(PIPELINE, tmp_path / "none.tar.gz")
    with pytest.raises(DataError, match="lacks data_batch_1"):
        read(PIPELINE, archive(tmp_path / "b.tar.gz", {"other": b""}))


@pytest.fixture(scope="module")
def sample():
    return sample_of(PIPELINE)


def test_the_sample_is_always_the_same_and_evenly_divided(sample):
    again = sample_of(PIPELINE)
    assert sample.train.digest() == again.train.digest()
    assert sample.test.digest() == again.test.digest()
    assert sample.train.x.shape == (2000, 32, 32, 3)
    assert sample.test.x.shape == (500, 32, 32, 3)
    assert sample.train.x.dtype == np.uint8
    assert np.bincount(sample.train.y).tolist() == [200] * 10
    assert np.bincount(sample.test.y).tolist() == [50] * 10
    assert not set(sample.class_names) & set(data.CLASS_NAMES)
    assert list(sample.class_names) == sorted(sample.class_names)


def test_no_scene_comes_twice(sample):
    scenes_as_bytes = {x.tobytes() for split in (sample.train, sample.test) for x in split.x}
    assert len(scenes_as_bytes) == 2500


def test_train_and_test_are_drawn_from_different_seeds(monkeypatch):
    seeds = []
    monkeypatch.setattr(data, "draw_scenes", lambda count, seed: seeds.append(seed) or scenes.draw_scenes(10, seed))
    sample_of(PIPELINE)
    assert len(set(seeds)) == 2


def test_another_seed_gives_other_scenes():
    assert not np.array_equal(scenes.draw_scenes(20, 0)[0], scenes.draw_scenes(20, 1)[0])


def test_colours_alone_tell_nothing_but_shapes_can_be_seen():
    """A classifier of mean colours is at chance, so that a network has to look at the shape."""
    from sklearn.ensemble import RandomForestClassifier

    x, y = scenes.draw_scenes(1000, 0)
    x_test, y_test = scenes.draw_scenes(300, 1)
    colours = RandomForestClassifier(50, random_state=0).fit(x.mean(axis=(1, 2)), y)
    assert colours.score(x_test.mean(axis=(1, 2)), y_test) < 0.2
    # The shape's mask, drawn with the same sizes and turns, fills clearly different parts of the picture.
    rng = np.random.default_rng(0)
    filled = {
        name: np.mean([scenes._shape_mask(scenes._SHAPES[name], rng).sum() for _ in range(100)])
        for name in scenes.SCENE_CLASSES
    }
    assert filled["ring"] < 0.85 * filled["circle"]
    assert filled["star"] < 0.6 * filled["circle"]
    assert all(area > 25 for area in filled.values())
