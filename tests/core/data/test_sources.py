"""Which data a run gets, and that it never lies about it."""

import numpy as np
import pytest

from kzoo.data.sources import load_splits
from kzoo.data.splits import ArraySplit, DataRequest, Dataset
from kzoo.errors import DataError, NetworkUnreachableError, UsageError


def dataset(first, train=100, test=20):
    def split(n, at):
        return ArraySplit(np.arange(at, at + n)[:, None], np.sort(np.arange(n) % 5))

    return Dataset(split(train, first), split(test, first + 500), tuple("abcde"), f"from {first}")


class Source:
    def __init__(self, real=None):
        self.real, self.asked = real, []

    def fetch_real(self, *, download):
        self.asked.append(download)
        if isinstance(self.real, Exception):
            raise self.real
        return self.real

    def load_path(self, path):
        self.asked.append(path)
        return dataset(1000)

    def load_sample(self):
        return dataset(2000)


UNREACHABLE = NetworkUnreachableError("no route to x.")


def test_auto_takes_the_real_data(tmp_path):
    splits = load_splits(Source(tmp_path), DataRequest("auto"), pytest.fail)
    assert splits.provenance.used == "real"
    assert splits.provenance.location == str(tmp_path)
    assert splits.train.x.min() < 2000


def test_auto_falls_back_only_where_the_network_is_unreachable_and_says_so():
    said = []
    splits = load_splits(Source(UNREACHABLE), DataRequest("auto"), said.append)
    assert (splits.provenance.used, splits.provenance.reason) == ("sample", "no route to x.")
    assert "NOT on the real data" in said[0]
    with pytest.raises(DataError, match="wrong checksum"):
        load_splits(Source(DataError("wrong checksum")), DataRequest("auto"), pytest.fail)


def test_real_never_falls_back():
    with pytest.raises(NetworkUnreachableError, match="--data sample"):
        load_splits(Source(UNREACHABLE), DataRequest("real"), pytest.fail)


def test_sample_asks_nobody():
    source = Source(UNREACHABLE)
    assert load_splits(source, DataRequest("sample"), pytest.fail).provenance.used == "sample"
    assert source.asked == []


def test_a_path_is_read_and_a_missing_one_refused(tmp_path):
    source = Source()
    splits = load_splits(source, DataRequest(str(tmp_path)), pytest.fail)
    assert (splits.provenance.used, source.asked) == ("path", [tmp_path])
    with pytest.raises(UsageError, match="neither auto, real nor sample"):
        load_splits(source, DataRequest("smaple"), pytest.fail)


@pytest.mark.parametrize("seed", [0, 1])
def test_validation_comes_from_the_training_data_by_the_seed(seed):
    splits = load_splits(Source(), DataRequest("sample", seed, 0.25), pytest.fail)
    train, validation, test = (set(s.x.ravel().tolist()) for s in (splits.train, splits.validation, splits.test))
    assert (len(train), len(validation), len(test)) == (75, 25, 20)
    assert train | validation == set(range(2000, 2100))
    assert not test & (train | validation)
    again = load_splits(Source(), DataRequest("sample", seed, 0.25), pytest.fail)
    assert again.fingerprint == splits.fingerprint
    other = load_splits(Source(), DataRequest("sample", seed + 1, 0.25), pytest.fail)
    assert other.fingerprint["train"] != splits.fingerprint["train"]
    assert other.fingerprint["test"] == splits.fingerprint["test"]


def test_a_fraction_of_nothing_leaves_no_validation():
    splits = load_splits(Source(), DataRequest("sample", validation_fraction=0.0), pytest.fail)
    assert splits.validation is None
    assert splits.sizes == {"train": 100, "validation": 0, "test": 20}


def test_a_limit_holds_for_every_split_and_drops_no_class():
    splits = load_splits(Source(), DataRequest("sample", limit=15), pytest.fail)
    assert splits.sizes == {"train": 15, "validation": 10, "test": 15}
    assert len(set(splits.train.y.tolist())) >= 4  # the labels are sorted, so the first 15 would be one class


def test_too_little_to_keep_aside_is_refused():
    class One(Source):
        def load_sample(self):
            return dataset(0, train=1)

    with pytest.raises(DataError, match="too few"):
        load_splits(One(), DataRequest("sample"), pytest.fail)


def test_the_fingerprint_sees_values_types_and_shapes():
    x, y = np.arange(6, dtype=np.uint8), np.zeros(6)
    base = ArraySplit(x, y).digest()
    assert ArraySplit(x.copy(), y).digest() == base
    assert ArraySplit(x[::-1], y).digest() != base
    assert ArraySplit(x.astype(np.int8), y).digest() != base
    assert ArraySplit(x.reshape(6, 1), y).digest() != base
    with pytest.raises(ValueError, match="6 inputs and 5 labels"):
        ArraySplit(x, y[:5])
