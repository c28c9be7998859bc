"""Images decoded once into the cache: the same pixels as from memory, made once, and never half."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kzoo.data import image_store, images
from kzoo.data.image_rows import DecodedSplit, StoredSplit, caching
from kzoo.data.image_store import decode_all, open_store
from kzoo.data.images import read_image_folder
from kzoo.data.splits import ArraySplit
from kzoo.errors import DataError, UsageError

RNG = np.random.default_rng(0)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    """Return a folder with 20 noisy images of each of two classes."""
    root = tmp_path / "photos"
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for number in range(20):
            noise = RNG.integers(0, 256, (12, 9, 3), dtype=np.uint8)
            Image.fromarray(noise).save(root / name / f"{number:02}.png")
    return root


@pytest.fixture
def stored(monkeypatch):
    """Make every folder too large for memory."""
    monkeypatch.setattr(images, "MEMORY_LIMIT", 0)


def stores(home):
    return sorted((home / "images").glob("*.u8"))


def test_a_stored_folder_has_the_examples_of_one_in_memory(folder, home, monkeypatch):
    small = read_image_folder(folder, size=(8, 6))
    assert isinstance(small.train, ArraySplit)
    assert not home.exists()
    monkeypatch.setattr(images, "MEMORY_LIMIT", 0)
    large = read_image_folder(folder, size=(8, 6))
    for name in ("train", "test"):
        memory, disk = getattr(small, name), getattr(large, name)
        assert isinstance(disk, StoredSplit)
        assert disk.digest() == memory.digest()
        np.testing.assert_array_equal(disk.labels, memory.labels)
        chosen = np.array([3, 0, 3, len(disk) - 1])
        for ours, theirs in zip(disk.fetch(chosen), memory.fetch(chosen), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        part, other = disk.take(chosen), memory.take(chosen)
        assert part.digest() == other.digest()
        np.testing.assert_array_equal(part.fetch([1])[0], other.fetch([1])[0])
    assert large.description == small.description


def test_where_they_are_kept_changes_no_example(folder, home):
    memory = read_image_folder(folder, size=(8, 6))
    for where, kind in (("memory", ArraySplit), ("disk", StoredSplit), ("off", DecodedSplit)):
        with caching(where):
            found = read_image_folder(folder, size=(8, 6))
        assert isinstance(found.train, kind)
        assert (found.train.digest(), found.test.digest()) == (memory.train.digest(), memory.test.digest())
        assert len(stores(home)) == (where != "memory")
    chosen = np.array([5, 0, 5])
    for ours, theirs in zip(found.train.take(chosen).fetch([2, 1]), memory.train.fetch([5, 0]), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_file_that_goes_away_while_nothing_is_kept_is_named(folder, home):
    with caching("off"):
        train = read_image_folder(folder, size=(8, 6)).train
    (folder / "cat" / "03.png").write_text("no image any more")
    with pytest.raises(DataError, match=r"cat/03\.png cannot be read any more: "):
        train.read(np.arange(len(train)))


def test_memory_that_is_not_there_is_said(folder, home, monkeypatch):
    genuine = np.empty

    def empty(shape, *args, **kwargs):
        if shape == (40, 8, 6, 3):
            raise MemoryError
        return genuine(shape, *args, **kwargs)

    monkeypatch.setattr(images.np, "empty", empty)
    with (
        caching("memory"),
        pytest.raises(DataError, match=r"40 images of .* at 8x6 need .* of memory, which is not there"),
    ):
        read_image_folder(folder, size=(8, 6))


def test_batches_come_out_of_a_graph_with_a_known_shape(folder, home, stored):
    train = read_image_folder(folder, size=(8, 6)).train
    batches = tf.data.Dataset.range(len(train)).batch(5).map(train.fetch, num_parallel_calls=2)
    assert batches.element_spec[0].shape.as_list() == [None, 8, 6, 3]
    x = np.concatenate([x for x, _ in batches])
    np.testing.assert_array_equal(x, train.read(np.arange(len(train))))


def test_the_images_are_decoded_once_and_again_when_a_file_changes(folder, home, stored, monkeypatch):
    decoded = []
    monkeypatch.setattr(image_store, "read_image", lambda path, **how: decoded.append(path) or np.zeros((8, 6, 3)))
    read_image_folder(folder, size=(8, 6))
    assert len(decoded) == 40
    read_image_folder(folder, size=(8, 6))
    assert len(decoded) == 40
    os.utime(folder / "cat" / "03.png", (1, 1))
    read_image_folder(folder, size=(8, 6))
    assert len(decoded) == 80
    assert len(stores(home)) == 2


def test_a_store_cut_off_is_made_again(folder, home, stored):
    before = read_image_folder(folder, size=(8, 6)).train.digest()
    with stores(home)[0].open("rb+") as file:
        file.truncate(100)
    assert read_image_folder(folder, size=(8, 6)).train.digest() == before


def test_an_interrupted_store_leaves_nothing_behind(folder, home, stored, monkeypatch):
    def interrupted(paths, **how):
        yield from [next(decode_all(paths[:4], **how))]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(image_store, "decode_all", interrupted)
        with pytest.raises(KeyboardInterrupt):
            read_image_folder(folder, size=(8, 6))
    assert [path.suffix for path in (home / "images").iterdir()] == [".lock"]
    assert len(read_image_folder(folder, size=(8, 6)).train) == 32


def test_a_training_keeps_its_images_when_the_store_is_removed(folder, home, stored):
    train = read_image_folder(folder, size=(8, 6)).train
    before = train.read(np.arange(5))
    stores(home)[0].unlink()
    np.testing.assert_array_equal(train.read(np.arange(5)), before)


def test_stores_used_longest_ago_make_room(folder, home, stored, monkeypatch):
    one = 40 * 8 * 6 * 3
    monkeypatch.setattr(image_store, "STORE_LIMIT", 2 * one)
    paths = images.find_images(folder)
    first, _ = open_store(folder, paths, size=(8, 6), mode="RGB")
    second, _ = open_store(folder, paths, size=(6, 8), mode="RGB")
    os.utime(first, (1, 1))
    os.utime(second, (2, 2))
    open_store(folder, paths, size=(8, 6), mode="RGB")  # used again: the other is now the oldest
    third, _ = open_store(folder, paths, size=(4, 12), mode="RGB")
    assert stores(home) == sorted([first, third])
    assert not second.with_suffix(".json").exists()


def test_what_can_never_fit_is_refused(folder, home, stored, monkeypatch):
    monkeypatch.setattr(image_store, "STORE_LIMIT", 1000)
    with pytest.raises(DataError, match=r"40 images .* at 8x6 need 5\.8 kB .* limit is 1\.0 kB"):
        read_image_folder(folder, size=(8, 6))


def test_who_waits_is_told_for_what(folder, home, stored, monkeypatch):
    monkeypatch.setattr(image_store, "_CHUNK", 8)
    said = []
    for _ in range(2):  # the second time there is nothing to wait for
        read_image_folder(folder, size=(8, 6), say=said.append)
    assert said[0].startswith(f"Decoding 40 images of {folder} once into {stores(home)[0]} (5.8 kB)")
    assert said[1:] == [f"Decoded {n} of 40 images." for n in (16, 24, 32)]


@pytest.mark.parametrize("limit", [0, 10**9])
def test_unreadable_files_stop_or_are_left_out_and_named(folder, home, limit, monkeypatch):
    monkeypatch.setattr(images, "MEMORY_LIMIT", limit)
    whole = read_image_folder(folder, size=(8, 6))
    (folder / "dog" / "broken.jpg").write_bytes(b"<html>not found")
    (folder / "cat" / "empty.jpg").touch()
    named = r"cat/empty\.jpg: the file is empty; dog/broken\.jpg: it is a web page"
    for _ in range(2):  # the second time from the cache
        with pytest.raises(DataError, match=rf"2 of 42 images .*data\.unreadable=skip.*{named}"):
            read_image_folder(folder, size=(8, 6))
        data = read_image_folder(folder, size=(8, 6), unreadable="skip")
        assert len(data.train) + len(data.test) == 40
        assert data.notes[0].startswith(f"2 of 42 images in {folder} cannot be read and are left out. cat/empty.jpg")
        assert (data.train.fetch(np.arange(len(data.train)))[0].numpy() == 0).all((1, 2, 3)).sum() == 0
    assert whole.notes == ()
    assert len(json.loads(json.dumps(data.notes))) == 1


def test_a_class_without_a_readable_image_is_refused(folder, home):
    for path in (folder / "cat").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="No image of the class `cat` in the train split"):
        read_image_folder(folder, size=(8, 6), unreadable="skip")


def test_another_word_than_stop_or_skip_is_refused(folder):
    with pytest.raises(UsageError, match=r"data\.unreadable` must be stop or skip, not 'ignore'"):
        read_image_folder(folder, size=(8, 6), unreadable="ignore")
