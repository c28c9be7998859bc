"""Which data a run gets, and that it never lies about it."""

import os

import numpy as np
import pytest

from kzoo.data import sources
from kzoo.data.download import RemoteFile
from kzoo.data.sources import load_splits
from kzoo.data.splits import ArraySplit, DataRequest, Dataset
from kzoo.errors import DataError, NetworkUnreachableError, UsageError
from kzoo.pipeline import DataSource, FromPath, FromPaths, FromSample, settings

REAL = RemoteFile(urls=("http://127.0.0.1/x",), sha256="0" * 64, filename="x", subdir="sets", size=1)


def dataset(first, train=100, test=20, **more):
    def split(n, at):
        return ArraySplit(np.arange(at, at + n)[:, None], np.sort(np.arange(n) % 5))

    return Dataset(split(train, first), split(test, first + 500), tuple("abcde"), f"from {first}", **more)


class Told:
    """A listener that keeps what it is told."""

    def __init__(self):
        self.said, self.warned, self.downloads = [], [], []

    def say(self, text):
        self.said.append(text)

    def warn(self, text):
        self.warned.append(text)

    def download(self, done, total, name):
        self.downloads.append((done, total, name))


class Source:
    """A source of data that notes what it was asked for."""

    def __init__(self, monkeypatch, real=None, **kinds):
        self.real, self.asked, self.told = real, [], Told()
        self.kinds = {"path": FromPath(self.read), "sample": FromSample(self.make), "real": REAL, **kinds}
        monkeypatch.setattr(sources, "fetch", self.fetch)

    def fetch(self, file, *, progress):
        assert file is self.kinds["real"]
        self.asked.append("real")
        progress(1, 2, file.filename)
        if isinstance(self.real, Exception):
            raise self.real
        return self.real

    def read(self, path, chosen, reading):
        self.asked.append(path)
        reading.say("reading")
        self.chosen, self.whole = chosen, reading.whole
        return dataset(1000)

    def make(self, chosen):
        self.chosen = chosen
        return dataset(2000)

    def load(self, *request, **more):
        return load_splits(DataSource(**self.kinds), DataRequest(*request, **more), self.told)


@pytest.fixture
def source(monkeypatch):
    """Return a function that makes a source of data whose real file is what is given."""

    def make(real=None, **kinds):
        return Source(monkeypatch, real, **kinds)

    return make


UNREACHABLE = NetworkUnreachableError("no route to x.")


def test_auto_takes_the_real_data(tmp_path, source):
    one = source(tmp_path)
    splits = one.load("auto")
    assert splits.provenance.used == "real"
    assert splits.provenance.location == str(tmp_path)
    assert splits.train.x.min() < 2000
    assert one.told.warned == []
    assert one.told.said == ["reading"]
    assert one.told.downloads == [(1, 2, "x")]


def test_auto_falls_back_only_where_the_network_is_unreachable_and_says_so(source):
    one = source(UNREACHABLE)
    splits = one.load("auto")
    assert (splits.provenance.used, splits.provenance.reason) == ("sample", "no route to x.")
    assert "NOT on the real data" in one.told.warned[0]
    other = source(DataError("wrong checksum"))
    with pytest.raises(DataError, match="wrong checksum"):
        other.load("auto")
    assert other.told.warned == []


def test_real_never_falls_back(source):
    one = source(UNREACHABLE)
    with pytest.raises(NetworkUnreachableError, match="--data sample"):
        one.load("real")
    assert one.told.warned == []


def test_auto_means_the_sample_where_there_is_nothing_to_download(source):
    one = source()
    one.kinds.update(real=None, without_real="Record your own with `kzoo capture`.")
    splits = one.load("auto")
    assert (splits.provenance.requested, splits.provenance.used, splits.provenance.reason) == ("auto", "sample", "")
    assert one.asked == []
    (warning,) = one.told.warned
    assert "there is no data set to download" in warning
    assert "Record your own" in warning
    assert "could not be downloaded" not in warning
    with pytest.raises(DataError, match=r"no data set to download for this pipeline\. Record your own"):
        one.load("real")


def test_sample_asks_nobody(source):
    one = source(UNREACHABLE)
    assert one.load("sample").provenance.used == "sample"
    assert (one.asked, one.told.warned) == ([], [])


def test_a_path_is_read_and_a_missing_one_refused(tmp_path, source):
    one = source()
    splits = one.load(str(tmp_path))
    assert (splits.provenance.used, one.asked) == ("path", [tmp_path])
    with pytest.raises(UsageError, match="neither auto, real nor sample"):
        one.load("smaple")


def test_a_pipe_is_refused_before_anybody_waits_for_it(tmp_path, source):
    os.mkfifo(tmp_path / "pipe")
    one = source()
    with pytest.raises(DataError, match="is a named pipe, not a file"):
        one.load(str(tmp_path / "pipe"))
    assert one.asked == []


def test_several_paths_are_one_only_where_they_are_read_so(tmp_path, source):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    both = f"{tmp_path / 'a'},{tmp_path / 'b'}"
    one = source()
    with pytest.raises(UsageError, match="no file or folder of that name"):
        one.load(both)
    one.kinds["path"] = FromPaths(one.read)
    splits = one.load(both)
    assert one.asked == [[tmp_path / "a", tmp_path / "b"]]
    assert splits.provenance.location == both


@settings
class Files:
    size: int = 3
    unreadable: str = "stop"


@settings
class Drawn:
    size: int = 3
    count: int = 10


def test_files_and_sample_get_those_settings_that_they_have(tmp_path, source):
    one = source(real=tmp_path)
    one.kinds.update(path=FromPath(one.read, Files), sample=FromSample(one.make, Drawn))
    given = {"size": 5, "count": 7, "unreadable": "skip"}
    one.load("sample", settings=given)
    assert one.chosen == Drawn(size=5, count=7)
    for asked in ("real", str(tmp_path)):
        one.load(asked, settings=given)
        assert one.chosen == Files(size=5, unreadable="skip")


def test_what_a_user_must_know_of_the_data_is_a_warning(source):
    one = source()
    one.kinds["sample"] = FromSample(lambda _: dataset(0, notes=("3 files left out.",)))
    one.load("sample")
    assert one.told.warned == ["3 files left out."]


@pytest.mark.parametrize("seed", [0, 1])
def test_validation_comes_from_the_training_data_by_the_seed(seed, source):
    splits = source().load("sample", seed, 0.25)
    train, validation, test = (set(s.x.ravel().tolist()) for s in (splits.train, splits.validation, splits.test))
    assert (len(train), len(validation), len(test)) == (75, 25, 20)
    assert train | validation == set(range(2000, 2100))
    assert not test & (train | validation)
    again = source().load("sample", seed, 0.25)
    assert again.fingerprint == splits.fingerprint
    other = source().load("sample", seed + 1, 0.25)
    assert other.fingerprint["train"] != splits.fingerprint["train"]
    assert other.fingerprint["test"] == splits.fingerprint["test"]


@pytest.mark.parametrize("seed", range(5))
def test_a_rare_class_is_never_in_validation_alone(seed, source):
    one = source()
    labels = np.array([0] * 95 + [1] * 2 + [2] + [3] * 2)
    split = ArraySplit(np.arange(100)[:, None], labels)
    one.kinds["sample"] = FromSample(lambda _: Dataset(split, split, tuple("abcd"), "rare"))
    for limit in (None, 20):
        splits = one.load("sample", seed, 0.5, limit=limit)
        assert set(splits.train.y.tolist()) == {0, 1, 2, 3}
        assert 2 not in splits.validation.y
    warned, *_ = one.told.warned
    assert "`c` 1, `b` 1, `d` 1 of 50" in warned.replace("`b` 1, `c` 1", "`c` 1, `b` 1")
    assert "train.class_weight=balanced" in warned


def test_classes_without_an_example_are_said_even_where_few_are_asked_for(source):
    one = source()
    split = ArraySplit(np.arange(40)[:, None], np.arange(40) % 2)
    one.kinds["sample"] = FromSample(lambda _: Dataset(split, split, tuple("abc"), "gap"))
    one.load("sample", limit=4)
    assert "(`c` 0 of 4)" in one.told.warned[0]


def test_a_fraction_of_nothing_leaves_no_validation(source):
    splits = source().load("sample", validation_fraction=0.0)
    assert splits.validation is None
    assert splits.sizes == {"train": 100, "validation": 0, "test": 20}


def test_a_limit_holds_for_every_split_and_drops_no_class(source):
    splits = source().load("sample", limit=15)
    assert splits.described == "at most 15 of each split of from 2000"
    assert source().load("sample", limit=100).described == "from 2000", "nothing was left out"
    assert splits.sizes == {"train": 15, "validation": 10, "test": 15}
    assert len(set(splits.train.y.tolist())) >= 4  # the labels are sorted, so the first 15 would be one class


def test_too_little_to_keep_aside_is_refused(source):
    one = source()
    one.kinds["sample"] = FromSample(lambda _: dataset(0, train=1))
    with pytest.raises(DataError, match="too few"):
        one.load("sample")


def test_new_data_is_measured_as_a_whole_unless_it_says_what_is_for_testing(tmp_path, source):
    one = source()
    chosen_here = dataset(0, validation=ArraySplit(np.arange(900, 907)[:, None], np.zeros(7, int)), declares_test=False)
    one.kinds["path"] = FromPath(lambda path, chosen, reading: one.read(path, chosen, reading) and chosen_here)
    splits = one.load(str(tmp_path), whole=True)
    assert one.whole
    assert splits.test.x.ravel().tolist() == [*range(100), *range(900, 907), *range(500, 520)]
    assert splits.test.y.tolist() == [*chosen_here.train.y, *[0] * 7, *chosen_here.test.y]
    ordinary = one.load(str(tmp_path))
    assert not one.whole
    assert len(ordinary.test) == 20
    one.kinds["path"] = FromPath(one.read)
    assert one.load(str(tmp_path), whole=True).test.x.ravel().tolist() == list(range(1500, 1520))


def test_measuring_as_a_whole_keeps_nothing_aside_and_needs_nothing_to_learn_from(tmp_path, source):
    one = source()
    one.kinds["path"] = FromPath(lambda *_: dataset(0, train=0, declares_test=False))
    splits = one.load(str(tmp_path), whole=True)
    assert splits.sizes == {"train": 0, "validation": 0, "test": 20}
    assert one.load(str(tmp_path), whole=True, limit=6).sizes["test"] == 6


def test_the_fingerprint_is_computed_when_it_is_asked_for(source, monkeypatch):
    computed = []
    digest = ArraySplit.digest
    monkeypatch.setattr(ArraySplit, "digest", lambda self: computed.append(len(self)) or digest(self))
    splits = source().load("sample")
    assert computed == []
    assert set(splits.fingerprint) == {"train", "validation", "test"}
    assert splits.fingerprint == splits.fingerprint
    assert computed == [90, 10, 20]


def test_the_fingerprint_sees_values_types_and_shapes():
    x, y = np.arange(6, dtype=np.uint8), np.zeros(6)
    base = ArraySplit(x, y).digest()
    assert ArraySplit(x.copy(), y).digest() == base
    assert ArraySplit(x[::-1], y).digest() != base
    assert ArraySplit(x.astype(np.int8), y).digest() != base
    assert ArraySplit(x.reshape(6, 1), y).digest() != base
    with pytest.raises(ValueError, match="6 inputs and 5 labels"):
        ArraySplit(x, y[:5])
