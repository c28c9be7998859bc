"""The digits: Keras's file, idx files, image folders, and the sample."""

import gzip
import importlib.util
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipelines import read
from pipelines import sample as sample_of

from kzoo.errors import DataError
from kzoo_zoo.mnist import data
from kzoo_zoo.mnist.pipeline import Mnist

PIPELINE = Mnist()
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (20, 28, 28), dtype=np.uint8)
LABELS = np.arange(20, dtype=np.uint8) % 10


def test_the_file_is_the_one_that_keras_downloads():
    keras = importlib.util.find_spec("keras")
    source = Path(keras.origin).parent / "src" / "datasets" / "mnist.py"
    if not source.exists():
        pytest.skip(f"this Keras keeps its data sets elsewhere than in {source}")
    text = source.read_text()
    assert data.REMOTE.sha256 in text
    address, _, name = data.REMOTE.urls[0].rpartition("/")
    assert address in text
    assert name in text


def test_the_file_of_keras_is_read(tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:10], y_test=LABELS[:10])
    dataset = read(PIPELINE, tmp_path / "mnist.npz")
    np.testing.assert_array_equal(dataset.train.x[..., 0], IMAGES)
    np.testing.assert_array_equal(dataset.train.y, LABELS)
    assert dataset.class_names == tuple("0123456789")


@pytest.mark.parametrize("inside", [".", "raw", "MNIST/raw"])
def test_idx_files_are_found_where_torchvision_puts_them(tmp_path, inside):
    folder = tmp_path / inside
    folder.mkdir(parents=True, exist_ok=True)
    for prefix in ("train", "t10k"):
        head = struct.pack(">4I", 0x803, *IMAGES.shape)
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + IMAGES.tobytes()))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, 20) + LABELS.tobytes())
    dataset = read(PIPELINE, tmp_path)
    np.testing.assert_array_equal(dataset.test.x[..., 0], IMAGES)
    assert dataset.class_names == tuple("0123456789")


def test_a_folder_of_images_becomes_gray_digits(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.fromarray(RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(tmp_path / name / f"{number}.png")
    dataset = read(PIPELINE, tmp_path)
    assert dataset.train.x.shape == (8, 28, 28, 1)
    assert dataset.test.x.shape == (2, 28, 28, 1)
    assert dataset.class_names == ("cat", "dog")


def test_what_else_there_is_is_refused(tmp_path):
    for name, reason in (
        ("digits.pkl", r"digits\.pkl cannot be read as labelled pictures: expected an \.npz file"),
        ("digits.csv", r"first line of .*digits\.csv holds numbers only"),
    ):
        (tmp_path / name).write_text("1,2,3")
        with pytest.raises(DataError, match=reason):
            read(PIPELINE, tmp_path / name)
    with pytest.raises(DataError, match="holds no folders"):
        read(PIPELINE, tmp_path)


@pytest.fixture(scope="module")
def sample():
    return sample_of(PIPELINE)


def test_the_sample_is_always_the_same_and_evenly_divided(sample):
    again = sample_of(PIPELINE)
    assert sample.train.digest() == again.train.digest()
    assert sample.test.digest() == again.test.digest()
    assert sample.train.x.shape == (1437, 28, 28, 1)
    assert sample.test.x.shape == (360, 28, 28, 1)
    assert sample.train.x.dtype == np.uint8
    assert np.ptp(np.bincount(sample.test.y)) <= 2
    assert sample.class_names == tuple("0123456789")


def test_the_sample_holds_each_of_scikit_learn_s_digits_once(sample):
    from sklearn.datasets import load_digits

    x = np.concatenate([sample.train.x, sample.test.x])[..., 0].astype(float)
    ink = np.sort(x.sum(axis=(1, 2)) / 255 * 16 / 6.25)  # 20x20 pixels for 8x8
    expected = np.sort(load_digits().images.sum(axis=(1, 2)))
    assert np.abs(ink - expected).max() < 10
    assert np.corrcoef(ink, expected)[0, 1] > 0.99
    y = np.concatenate([sample.train.y, sample.test.y])
    np.testing.assert_array_equal(np.bincount(y), np.bincount(load_digits().target))


def test_the_sample_is_framed_like_mnist(sample):
    x = sample.train.x[..., 0].astype(float)
    for edge in (x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]):
        assert edge.max() == 0  # nothing was pushed over the edge
    rows, columns = np.indices((28, 28))
    for axis in (rows, columns):
        centres = (axis * x).sum(axis=(1, 2)) / x.sum(axis=(1, 2))
        assert np.abs(centres - 13.5).max() <= 0.51  # MNIST puts the centre of mass in the middle


def test_the_sample_teaches_something_about_real_digits(sample):
    named = os.environ.get("KZOO_TEST_DATA")
    if not named or not (Path(named) / "mnist.npz").is_file():
        pytest.skip("needs real data: set KZOO_TEST_DATA to a folder with mnist.npz")
    from sklearn.neighbors import KNeighborsClassifier

    real = read(PIPELINE, Path(named) / "mnist.npz")
    assert real.train.x.shape == (60_000, 28, 28, 1)
    assert real.test.x.shape == (10_000, 28, 28, 1)
    nearest = KNeighborsClassifier(3).fit(sample.train.x.reshape(1437, -1).astype(float), sample.train.y)
    assert nearest.score(real.test.x[:500].reshape(500, -1).astype(float), real.test.y[:500]) > 0.5
    assert nearest.score(sample.test.x.reshape(360, -1).astype(float), sample.test.y) > 0.95
