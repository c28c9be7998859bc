"""Folders of kinds: which are learned and which are kept, Omniglot as its authors publish it, and what is wrong."""

import hashlib
import io
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image
from pipelines import Heard, read, request

from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.errors import KzooError
from kzoo_zoo.embedding import data, pipeline
from kzoo_zoo.embedding.pipeline import Embedding

PIPELINE = Embedding()
RNG = np.random.default_rng(0)


def png(*, colour=False):
    shape = (12, 12, 3) if colour else (12, 12)
    buffer = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def folder(root, kinds, count=5, **how):
    """Write pictures of some kinds, each in a folder of its own."""
    for kind in kinds:
        (root / kind).mkdir(parents=True)
        for number in range(count):
            (root / kind / f"{number}.png").write_bytes(png(**how))
    return root


def names(split):
    return {split.kinds[label] for label in np.unique(split.labels)}


def read_from(root, **settings):
    return read(PIPELINE, root, image_size=16, **settings)


def test_kinds_are_folders_at_any_depth_and_some_are_never_learned(tmp_path):
    kinds = [f"Greek/character{n:02}" for n in range(6)] + ["cups", "Latin/a"]
    found = read_from(folder(tmp_path / "set", kinds))
    again = read_from(tmp_path / "set")
    assert names(found.train) | names(found.test) == set(kinds)
    assert not names(found.train) & names(found.test)
    assert len(names(found.test)) == 2  # a quarter
    assert names(again.test) == names(found.test)
    assert found.class_names == tuple(sorted(names(found.train)))
    assert set(found.train.labels) == set(range(6))
    assert set(found.test.labels) == {6, 7}
    assert len(names(read_from(tmp_path / "set", unseen=0.5).test)) == 4


def test_pictures_of_every_kind_are_kept_where_no_kind_is(tmp_path):
    folder(tmp_path, ["a", "b"], 10)
    found = read_from(folder(tmp_path, ["few"], 3), unseen=0)
    assert names(found.test) == {"a", "b"}
    assert [int((found.test.labels == n).sum()) for n in range(2)] == [2, 2]
    assert (len(found.train), names(found.train)) == (19, {"a", "b", "few"})


def test_the_kinds_of_a_test_folder_may_be_others(tmp_path):
    folder(tmp_path / "train", ["a", "c"])
    folder(tmp_path / "test", ["b", "c"])
    folder(tmp_path / "valid", ["d"])
    found = read_from(tmp_path)
    assert found.class_names == ("a", "c")
    assert (names(found.test), names(found.validation)) == ({"b", "c"}, {"d"})
    assert found.declares_test
    assert "2 kinds, 1 of the test never learned" in found.description


def test_what_is_only_measured_is_all_test_unless_it_says_what_is(tmp_path):
    splits = load_splits(PIPELINE.source(), DataRequest(str(folder(tmp_path / "one", ["x", "y"])), whole=True), Heard())
    assert (len(splits.test), splits.whole) == (10, True)
    folder(tmp_path / "two/train", ["x", "y"])
    folder(tmp_path / "two/test", ["z"])
    splits = load_splits(PIPELINE.source(), DataRequest(str(tmp_path / "two"), whole=True), Heard())
    assert (len(splits.test), splits.whole) == (5, False)


def test_colours_are_kept_where_there_are_any_and_as_a_network_takes_them(tmp_path):
    gray, coloured = folder(tmp_path / "gray", "abcd"), folder(tmp_path / "coloured", "abcd", colour=True)
    shapes = [
        read_from(root, **how).test.examples(np.arange(1))[0].shape[1:]
        for root, how in ((gray, {}), (coloured, {}), (coloured, {"colour": "gray"}), (gray, {"colour": "rgb"}))
    ]
    assert shapes == [(16, 16, 1), (16, 16, 3), (16, 16, 1), (16, 16, 3)]
    known = read(PIPELINE, gray, card={"input_shape": (20, 24, 3)})
    assert known.test.examples(np.arange(1))[0].shape == (1, 20, 24, 3)


def test_validation_is_of_the_kinds_that_are_learned(tmp_path):
    asked = request(folder(tmp_path, "abcdef", 20), image_size=16)
    splits = load_splits(PIPELINE.source(), asked, Heard())
    assert set(splits.validation.labels) == set(splits.train.labels)
    assert names(splits.validation) == names(splits.train)


@pytest.mark.parametrize("limit", [None, 10])
def test_of_little_data_the_kinds_that_are_validated_have_two_pictures_each(limit, tmp_path):
    asked = replace(request(folder(tmp_path, [f"kind{n:02}" for n in range(16)], 8), image_size=16), limit=limit)
    splits = load_splits(PIPELINE.source(), asked, Heard())
    again = load_splits(PIPELINE.source(), asked, Heard())
    assert len(splits.validation) == 10
    for part in (splits.validation, splits.test, splits.train):
        assert np.unique(part.labels, return_counts=True)[1].min() >= 2
    assert splits.fingerprint == again.fingerprint


def test_what_is_left_out_is_said(tmp_path):
    folder(tmp_path, "abcd")
    (tmp_path / "loose.png").write_bytes(png())
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "b" / "half.png").write_bytes(png()[:60])
    said = " ".join(read_from(tmp_path, unreadable="skip").notes)
    assert "1 image(s) in" in said
    assert "loose.png" in said
    assert "notes.txt" in said
    assert "half.png" in said


def archive(name, kinds):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for kind in kinds:
            for number in range(3):
                file.writestr(f"{name}/{kind}/{number}.png", png())
    return buffer.getvalue()


@pytest.fixture
def published(monkeypatch, tmp_path):
    """Serve two archives laid out as Omniglot's, and have the pipeline know them by their checksums."""
    contents = {
        "/images_background.zip": archive("images_background", ["Greek/character01", "Greek/character02", "Latin/a"]),
        "/images_evaluation.zip": archive("images_evaluation", ["Ge_ez/character01", "Ge_ez/character02"]),
    }
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = contents[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        remotes = tuple(
            replace(
                remote,
                urls=(f"{address}/{remote.filename}",),
                md5=hashlib.md5(contents[f"/{remote.filename}"]).hexdigest(),
            )
            for remote in data.REMOTES
        )
        monkeypatch.setattr(pipeline, "REMOTES", remotes)
        monkeypatch.setenv("KZOO_DATA", str(tmp_path / "cache"))
        yield asked
        server.shutdown()
        thread.join()


def test_omniglot_comes_in_two_archives_of_other_alphabets(published):
    asked = DataRequest("real", validation_fraction=0, settings={"image_size": 16})
    heard = Heard()
    splits = load_splits(PIPELINE.source(), asked, heard)
    assert published == ["/images_background.zip", "/images_evaluation.zip"]
    assert splits.class_names == ("Greek/character01", "Greek/character02", "Latin/a")
    assert (len(splits.train), len(splits.test)) == (9, 6)
    assert splits.provenance.used == "real"
    load_splits(PIPELINE.source(), asked, heard)
    assert len(published) == 2  # they are kept
    assert sum("Unpacking" in said for said in heard.said) == 2


def test_fetch_brings_both(published, kzoo):
    code, out, _ = kzoo("fetch", "embedding", "--json")
    assert code == 0
    assert len(published) == 2
    assert all(name in out for name in ("images_background.zip", "images_evaluation.zip"))


def test_the_addresses_and_checksums_are_those_that_torchvision_has():
    assert [(remote.filename, remote.md5) for remote in data.REMOTES] == [
        ("images_background.zip", "68d2efa1b9178cc56df9314c21c6e718"),
        ("images_evaluation.zip", "6b91aef0f799c5bb55b94e3f2daec811"),
    ]
    assert all("brendenlake/omniglot" in url for remote in data.REMOTES for url in remote.urls)


def flat(root):
    for number in range(4):
        (root / f"{number}.png").write_bytes(png())


def broken(content, name="x.png"):
    def make(root):
        folder(root, "abcd")
        (root / "a" / name).write_bytes(content)

    return make


def split_of_singles(root):
    folder(root / "train", "ab")
    folder(root / "test", "cd", 1)


def unreadable_test(root):
    folder(root / "train", "ab")
    for number in range(2):
        (root / "test" / "c").mkdir(parents=True, exist_ok=True)
        (root / "test" / "c" / f"{number}.png").write_bytes(b"")


def zipped(content):
    def make(root):
        (root / "set.zip").write_bytes(content() if callable(content) else content)
        return root / "set.zip"

    return make


def climbing():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("../../out.png", png())
    return buffer.getvalue()


def two_of_train(root):
    folder(root / "train", "ab")
    folder(root / "Training", "ab")


def text(root):
    (root / "data.txt").write_text("not a picture")
    return root / "data.txt"


MALFORMED = {
    "nothing in it": (lambda root: None, {}, "holds no folder of images. Expected a folder of images for each kind"),
    "pictures in no folder": (flat, {}, "holds no folder of images"),
    "one kind": (lambda root: folder(root, "a") and None, {}, "holds only the kind `a`"),
    "three kinds": (lambda root: folder(root, "abc") and None, {}, "3 kinds and no `test` .*-o data.unseen=0"),
    "kinds of three": (lambda root: folder(root, "abcd", 3) and None, {"unseen": 0}, "No kind in .* has 4 pictures"),
    "kinds of one": (lambda root: folder(root, "abcd", 1) and None, {}, "have a single picture each"),
    "no train": (lambda root: folder(root / "test", "ab") and None, {}, "has `test` but no `train`"),
    "two of train": (two_of_train, {}, "one train split too many"),
    "a test of singles": (split_of_singles, {}, r"holds 2 kind\(s\) of a single picture each"),
    "half a picture": (broken(png()[:50]), {}, "1 of 21 images in .* cannot be read; .* -o data.unreadable=skip"),
    "an empty file": (broken(b""), {}, r"x\.png: .*empty"),
    "a web page": (broken(b"<!doctype html><p>404", "y.jpg"), {}, "it is a web page, not an image"),
    "a test that cannot be read": (unreadable_test, {"unreadable": "skip"}, "No picture of the test split"),
    "no zip": (zipped(b"PK\x03\x04 and nothing more"), {}, "set.zip"),
    "a zip that climbs out": (zipped(climbing), {}, "out.png"),
    "a text": (text, {}, "data.txt"),
    "another word for unseen": (lambda root: folder(root, "abcd") and None, {"unseen": 1.5}, "`?data.unseen`?"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_wrong_is_said_before_anything_is_trained(name, tmp_path, monkeypatch):
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "cache"))
    make, settings, said = MALFORMED[name]
    (tmp_path / "set").mkdir()
    root = make(tmp_path / "set") or tmp_path / "set"
    with pytest.raises(KzooError, match=said):
        read_from(root, **settings)
    assert not list(tmp_path.rglob("out.png"))


def test_several_folders_must_be_called_as_splits(tmp_path):
    one, other = folder(tmp_path / "one", "ab"), folder(tmp_path / "two", "cd")
    with pytest.raises(KzooError, match=r"The name of .*one says no split"):
        read(PIPELINE, one, other, image_size=16)
    found = read(PIPELINE, one.rename(tmp_path / "train"), other.rename(tmp_path / "testing"), image_size=16)
    assert names(found.test) == {"c", "d"}
