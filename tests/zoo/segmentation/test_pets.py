"""The published pets, from a server on this machine that has a few of them."""

import dataclasses
import hashlib
import io
import tarfile

import numpy as np
import pytest
from PIL import Image
from pipelines import Heard, read

from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.errors import DataError
from kzoo_zoo.segmentation import pets
from kzoo_zoo.segmentation.pipeline import Segmentation

TRAIN, TEST = ("Abyssinian_1", "beagle_2", "pug_3"), ("Bengal_4",)


def trimap(seed):
    """Return 1 in the animal, 2 around it and 3 on the rim, as the authors have it."""
    row, column = np.indices((30, 40))
    away = np.hypot(row - 15, column - 15 - seed)
    return np.where(away < 8, 1, np.where(away < 10, 3, 2)).astype(np.uint8)


def archive(files):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def encoded(pixels, form):
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, form)
    return data.getvalue()


@pytest.fixture
def published(file_server, monkeypatch, tmp_path):
    """Serve two small archives laid out as those of the authors, with checksums of their own."""
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "cache"))
    images, annotations = {"images/Abyssinian_100.mat": b"MATLAB"}, {}
    for number, name in enumerate((*TRAIN, *TEST)):
        pixels = np.random.default_rng(number).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        images[f"images/{name}.jpg"] = encoded(pixels, "JPEG")
        annotations[f"annotations/trimaps/{name}.png"] = encoded(trimap(number), "PNG")
        annotations[f"annotations/trimaps/._{name}.png"] = b"Mac OS X"
    annotations["annotations/trainval.txt"] = "".join(f"{name} 1 1 1\n" for name in TRAIN).encode()
    annotations["annotations/test.txt"] = "".join(f"{name} 2 1 1\n" for name in TEST).encode()
    annotations["annotations/list.txt"] = b"#Image CLASS-ID\n"
    found = {}
    for name, files in (("ANNOTATIONS", annotations), ("IMAGES", images)):
        content = archive(files)
        found[name] = dataclasses.replace(
            getattr(pets, name),
            urls=(f"{file_server(content)}/{name.lower()}.tar.gz",),
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            beside=(found["ANNOTATIONS"],) if found else (),
        )
        monkeypatch.setattr(pets, name, found[name])
    return found


def test_both_archives_are_fetched_checked_and_read(published):
    splits = load_splits(Segmentation().source(), DataRequest("real", validation_fraction=0.0), Heard())
    assert splits.class_names == ("background", "pet")
    assert [one.name for one in splits.train.pictures] == [f"{name}.jpg" for name in TRAIN]
    assert [one.name for one in splits.test.pictures] == [f"{name}.jpg" for name in TEST]
    expected = np.array([255, 1, 0, 255], np.uint8)[trimap(0)]  # the rim has no class
    np.testing.assert_array_equal(splits.train.pictures[0].mask(), expected)
    again = load_splits(Segmentation().source(), DataRequest("auto", validation_fraction=0.0), Heard())
    assert again.fingerprint == splits.fingerprint


def test_a_wrong_checksum_of_either_is_refused(published, monkeypatch):
    wrong = dataclasses.replace(published["ANNOTATIONS"], sha256="0" * 64)
    monkeypatch.setattr(pets, "IMAGES", dataclasses.replace(published["IMAGES"], beside=(wrong,)))
    with pytest.raises(DataError, match=r"annotations.tar.gz .* has a wrong checksum"):
        load_splits(Segmentation().source(), DataRequest("auto"), Heard())


def test_a_folder_of_ones_own_with_both_unpacked_is_read_too(published, tmp_path):
    load_splits(Segmentation().source(), DataRequest("real"), Heard())
    folder = tmp_path / "cache" / "oxford_pets" / "unpacked"
    (folder / "annotations/trimaps/pug_3.png").unlink()
    with pytest.raises(
        DataError, match=r"pug_3: trainval.txt names it, and annotations/trimaps/pug_3.png is not there"
    ):
        read(Segmentation(), folder)
    assert len(read(Segmentation(), folder, fix="skip").train) == 2


def test_the_authors_files_are_asked_for_where_they_are():
    for remote in (pets.IMAGES, pets.ANNOTATIONS):
        assert remote.algorithm == "sha256"
        assert len(remote.sha256) == 64
        assert all(url.startswith("https://") and url.endswith(remote.filename) for url in remote.urls)
    assert pets.IMAGES.beside == (pets.ANNOTATIONS,)
