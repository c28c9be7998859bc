"""Folders of images for a cluster: what a worker makes of a batch, and the folder that results go to; without Ray."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from kzoo.cluster.places import Place
from kzoo.cluster.surroundings import surroundings, threads_for
from kzoo.data.frames import Part
from kzoo.data.frames.pictures import ImageSource
from kzoo.data.frames.video import VideoSource
from kzoo.engine import runtime
from kzoo.errors import KzooError, UsageError
from kzoo.inference import on_ray, predicting
from kzoo.inference.on_ray import Wanted, Worker, predict_on_ray
from kzoo.inference.predicting import Predicting
from kzoo.pipeline import ClassPrediction, Reader
from kzoo.processor import usable_processors

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


class Bright(Reader):
    batch_size = 2

    def predict(self, frames):
        levels = [float(frame.pixels.mean()) / 255 for frame in frames]
        return [ClassPrediction("bright", 1, level, {"dark": 1 - level, "bright": level}) for level in levels]


@pytest.fixture
def images(tmp_path):
    for number in range(4):
        Image.fromarray(np.full((8, 8, 3), 60 * number, np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    return [*sorted(tmp_path.glob("[0-9].png")), tmp_path / "broken.png"]


@pytest.fixture
def worker(monkeypatch):
    asked = SimpleNamespace(reader=lambda settings: Bright())
    monkeypatch.setattr(predicting, "find_predicting", lambda text: asked)
    monkeypatch.setattr(runtime, "start", lambda: None)

    def make(**given):
        plain = {"cpus": usable_processors(), "plugins": None, "surroundings": surroundings(), "settings": {}, "top": 1}
        return Worker({"model": None, "pipeline": "bright", "flat": True, **plain, **given})

    return make


def batch(paths, first=0):
    return pa.table({"input": range(first, first + len(paths)), "image": [str(path) for path in paths]})


def test_a_worker_writes_a_row_for_each_image_and_says_which_could_not_be_read(worker, images):
    rows = worker()(batch(images, first=7)).to_pylist()
    assert [row["input"] for row in rows] == [7, 8, 9, 10, 11]
    assert [row["image"] for row in rows] == list(map(str, images))
    assert [row["bright"] for row in rows[:4]] == pytest.approx([0, 60 / 255, 120 / 255, 180 / 255])
    assert [row["error"] for row in rows[:4]] == [None] * 4
    assert "broken.png" in rows[4]["error"]
    assert rows[4]["class"] is None


def test_the_columns_of_a_file_keep_their_types_where_nothing_in_it_could_be_read(worker, images):
    one = worker()
    whole = one(batch(images))
    broken = one(batch(images[-1:]))
    assert sorted(broken.schema.names) == sorted(whole.schema.names)
    assert all(broken.schema.field(name).type == whole.schema.field(name).type for name in whole.schema.names)


def test_json_has_what_predict_writes_as_json(worker, images):
    [row] = worker(flat=False)(batch(images[1:2])).to_pylist()
    assert row["probabilities"] == pytest.approx({"dark": 1 - 60 / 255, "bright": 60 / 255})
    assert [one["class"] for one in row["top"]] == ["dark"]


def test_threads_are_all_where_a_worker_has_all_processors():
    assert threads_for(usable_processors()) == 0
    assert threads_for(usable_processors() + 1) == 0


ASKED = Predicting(SimpleNamespace(name="bright"), None)


@pytest.fixture
def begin(tmp_path, images, monkeypatch):
    """Return a function that predicts with a cluster that writes results as Ray would, or is killed before."""

    class Connected:
        def __init__(self, *given, **more):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(on_ray, "connected", Connected)
    monkeypatch.setattr(on_ray, "machines_of", lambda cluster: [])
    monkeypatch.setattr(on_ray, "machines_with", lambda machines, share: [])
    monkeypatch.setattr(on_ray, "check_machines", lambda *given, **more: None)

    def call(*, killed=False, top=1, to=tmp_path / "out.parquet", sources=None):
        def through(cluster, asked, work, wanted, jobs, share):
            listed = pq.read_table(work.list).to_pylist()
            assert [Path(row["image"]) for row in listed] == images
            done = listed[:2] if killed else listed[on_ray._rows(work.rows) :]
            rows = [{**row, "error": "cannot" if "broken" in row["image"] else None} for row in done]
            pq.write_table(pa.Table.from_pylist(rows), work.rows / f"{killed}.parquet")
            if killed:
                raise KeyboardInterrupt

        monkeypatch.setattr(on_ray, "_through", through)
        wanted = Wanted(to=to, place=Place(on="ray"), top=top, settings={})
        return predict_on_ray(ASKED, sources or [ImageSource(images)], wanted)

    return call


def test_what_was_killed_goes_on_and_is_in_its_place_only_when_it_is_whole(begin, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        begin(killed=True)
    assert not (tmp_path / "out.parquet").exists()
    with pytest.raises(KzooError, match="the beginning of other predictions"):
        begin(top=2)
    found = begin()
    assert (found.images, found.failed, found.before) == (5, 1, 2)
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 5
    assert not list(tmp_path.glob(".out*"))
    with pytest.raises(UsageError, match="is there already"):
        begin()


def test_what_a_cluster_does_not_read_or_write_is_refused(begin, tmp_path, images):
    with pytest.raises(UsageError, match=r"clip\.mp4 is a video, and a cluster reads images in files"):
        begin(sources=[VideoSource(tmp_path / "clip.mp4")])
    with pytest.raises(UsageError, match=r"must end in .parquet or .jsonl"):
        begin(to=tmp_path / "out.csv")
    part = ImageSource(images, Part(every=2, max_frames=2))
    assert on_ray._paths_of([part]) == [images[0], images[2]]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--on", "ray"], "name it with --results"),
        (["--results", "x.parquet"], "are for a cluster"),
        (["--on", "ray", "--results", "x.parquet", "--json"], "--json is for predictions by this process"),
    ],
)
def test_options_that_do_not_go_together_are_refused(kzoo, images, monkeypatch, more, words):
    asked = SimpleNamespace(
        saved=None, pipeline=SimpleNamespace(reader_settings=None, name="bright"), reader=lambda settings: Bright()
    )
    monkeypatch.setattr(predicting, "find_predicting", lambda *given: asked)
    monkeypatch.setattr("kzoo.cli.predict.settings_of", lambda source, table, whose, own: (source, {}))
    code, _, err = kzoo("predict", "bright", str(images[0]), *more)
    assert code == 2
    assert words in err
