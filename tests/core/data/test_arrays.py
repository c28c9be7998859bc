"""Arrays from files: compared with what NumPy loads, and refused with the reason."""

import gzip
import io
import os
import struct
import zipfile

import numpy as np
import pytest

from kzoo.data import arrays, limits
from kzoo.data.arrays import is_idx_folder, read_idx_folder, read_npz
from kzoo.errors import DataError

RNG = np.random.default_rng(0)
GOOD = {
    "x_train": RNG.integers(0, 256, (20, 6, 5), dtype=np.uint8),
    "y_train": np.arange(20, dtype=np.uint8) % 10,
    "x_test": RNG.integers(0, 256, (10, 6, 5), dtype=np.uint8),
    "y_test": np.arange(10, dtype=np.uint8),
}


def npz(path, **changes):
    arrays = {key: value for key, value in (GOOD | changes).items() if value is not None}
    np.savez_compressed(path, **arrays)
    return path


def test_an_npz_equals_what_numpy_loads(tmp_path):
    path = npz(tmp_path / "a.npz")
    data = read_npz(path, class_names="abcdefghij")
    with np.load(path) as file:
        np.testing.assert_array_equal(data.train.x[..., 0], file["x_train"])
        np.testing.assert_array_equal(data.test.y, file["y_test"])
    assert data.train.x.shape == (20, 6, 5, 1)
    assert data.train.y.dtype == np.int64
    assert data.class_names == tuple("abcdefghij")
    assert data.validation is None
    assert data.description == "20 train, 10 test images of 10 classes from a.npz, 6x5x1"


@pytest.mark.parametrize(("x", "y"), [("x_validation", "y_validation"), ("x_val", "y_val")])
def test_a_validation_split_is_taken_along(tmp_path, x, y):
    data = read_npz(npz(tmp_path / "a.npz", **{x: GOOD["x_test"], y: GOOD["y_test"]}))
    assert len(data.validation) == 10


def test_colour_and_a_column_of_labels_are_taken(tmp_path):
    colour = {key: np.repeat(GOOD[key][..., None], 3, axis=-1) for key in ("x_train", "x_test")}
    column = {key: GOOD[key].reshape(-1, 1).astype(np.int32) for key in ("y_train", "y_test")}
    data = read_npz(npz(tmp_path / "a.npz", **colour, **column))
    assert data.train.x.shape == (20, 6, 5, 3)
    assert data.train.y.shape == (20,)


def test_classes_without_names_are_numbered(tmp_path):
    path = npz(tmp_path / "a.npz", y_train=np.arange(20) % 3, y_test=np.arange(10) % 3)
    data = read_npz(path)
    assert (data.class_names, data.notes) == (("0", "1", "2"), ())
    with pytest.raises(DataError, match=r"labels up to 2, and 2 names are given for its classes \(a, b\)"):
        read_npz(path, class_names="ab")


@pytest.mark.parametrize("key", ["class_names", "label_names", "classes"])
def test_the_names_in_an_npz_are_those_of_its_classes(tmp_path, key):
    names = [f"n{number}" for number in range(10)]
    path = npz(tmp_path / "a.npz", **{key: np.array(names)})
    assert read_npz(path).class_names == tuple(names)
    assert read_npz(path, class_names="abcdefghij").class_names == tuple("abcdefghij")
    for wrong in (np.arange(10), np.array([["a"] * 10]), np.array(["a"] * 10)):
        with pytest.raises(DataError, match=rf"`{key}` in .*expected a name for each class"):
            read_npz(npz(tmp_path / "b.npz", **{key: wrong}))


@pytest.mark.parametrize(
    ("known", "names", "places"),
    [
        ("abcdefghij", tuple("abcdefghij"), np.arange(10)),  # by number
        (tuple(map(str, range(9, -1, -1))), tuple(map(str, range(9, -1, -1))), np.arange(9, -1, -1)),  # by name
        ("abc", tuple(map(str, range(10))), np.arange(10)),  # other classes: whoever measures says so
        (tuple(map(str, range(1, 11))), tuple(map(str, range(10))), np.arange(10)),
    ],
)
def test_a_test_set_alone_is_measured_in_the_classes_of_the_model(tmp_path, known, names, places):
    path = npz(tmp_path / "a.npz", x_train=None, y_train=None)
    data = read_npz(path, known=known, whole=True)
    assert (data.class_names, len(data.train), len(data.test)) == (names, 0, 10)
    np.testing.assert_array_equal(data.test.y, places)
    assert data.description == f"10 test images of {len(names)} classes from a.npz, 6x5x1"
    said = "0 is `a`, 1 is `b`" in " ".join(data.notes)
    assert said == (known == "abcdefghij")
    with pytest.raises(DataError, match=r"lacks the array\(s\) x_train, y_train"):
        read_npz(path)
    folder = idx_folder(tmp_path / "raw")
    for file in folder.glob("train-*"):
        file.unlink()
    same = read_idx_folder(folder, known=known, whole=True)
    assert (same.class_names, same.test.digest()) == (data.class_names, data.test.digest())
    with pytest.raises(DataError, match="lacks the images of the train split"):
        read_idx_folder(folder)


def test_without_a_test_split_all_of_an_npz_is_measured(tmp_path):
    path = npz(tmp_path / "a.npz", x_test=None, y_test=None, x_val=GOOD["x_test"], y_val=GOOD["y_test"])
    data = read_npz(path, whole=True)
    assert (len(data.train), len(data.test), data.declares_test) == (0, 30, False)
    (tmp_path / "b").mkdir()
    assert len(read_npz(npz(tmp_path / "b" / "a.npz"), whole=True).test) == 10


@pytest.mark.parametrize(
    ("train", "test", "names"),
    [
        (np.arange(20) % 3 + 1, np.arange(10) % 3 + 1, ("1", "2", "3")),
        (np.arange(20) % 2 * 7, np.full(10, 4), ("0", "4", "7")),
        (np.arange(20) % 26 + 1, np.arange(10) + 17, tuple(map(str, range(1, 27)))),
    ],
)
@pytest.mark.parametrize("kind", ["npz", "idx"])
def test_labels_that_leave_some_out_are_classes_without_gaps(tmp_path, kind, train, test, names):
    if kind == "npz":
        data = read_npz(npz(tmp_path / "a.npz", y_train=train, y_test=test))
    else:
        changes = {"y_train": train.astype(np.uint8), "y_test": test.astype(np.uint8)}
        data = read_idx_folder(idx_folder(tmp_path / "raw", arrays=GOOD | changes))
    assert data.class_names == names
    for split, labels in ((data.train, train), (data.test, test)):
        assert [int(data.class_names[index]) for index in split.labels] == labels.tolist()
        assert split.labels.dtype == np.int64
    (note,) = data.notes
    assert "leave out" in note
    assert f"those {len(names)} that occur" in note


def test_known_classes_keep_their_places_where_one_has_no_example(tmp_path):
    data = read_npz(
        npz(tmp_path / "a.npz", y_train=np.arange(20) % 2 * 9, y_test=np.full(10, 9)), class_names="abcdefghij"
    )
    assert data.class_names == tuple("abcdefghij")
    assert set(data.train.labels.tolist()) == {0, 9}
    assert "no example of 8 of the 10 classes: b, c, d" in data.notes[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"y_test": None}, r"lacks the array\(s\) y_test; it holds: x_test, x_train, y_train"),
        ({"x_train": GOOD["x_train"] / 255}, r"`x_train` in .* type float64 and shape \(20, 6, 5\).*255"),
        ({"x_train": GOOD["x_train"] % 2}, r"`x_train` in .* no value above 1.*Save \(255 [*] x\)"),
        ({"x_test": GOOD["x_test"][0]}, r"`x_test` in .* shape \(6, 5\)"),
        ({"x_train": GOOD["x_train"][:, None]}, r"shape \(20, 1, 6, 5\).* channels come first"),
        ({"x_train": GOOD["x_train"][:0], "y_train": GOOD["y_train"][:0]}, r"shape \(0, 6, 5, 1\)"),
        ({"x_test": np.zeros((10, 7, 5), np.uint8)}, r"shape \(6, 5, 1\) and test images of shape \(7, 5, 1\)"),
        ({"y_train": GOOD["y_train"][:-1]}, "20 images but 19 labels"),
        ({"y_train": np.eye(20, dtype=np.uint8)}, "one-hot, save y.argmax"),
        ({"y_train": GOOD["y_train"].astype(float)}, "type float64.*save y.astype"),
        ({"y_train": GOOD["y_train"] > 4}, "type bool.*save y.astype"),
        ({"y_train": GOOD["y_train"] + 0.5}, "type float64 .* integer label for each image[.]$"),
        ({"y_train": np.arange(20) - 1}, "labels from -1 to 18.*leave these examples out"),
        ({"y_train": np.arange(20) - 2}, "labels from -2 to 17.*at most 999[.]$"),
        ({"y_test": np.arange(991, 1001)}, "labels from 991 to 1000"),
        ({"y_test": np.array(list("abcdefghij"))}, "type <U1"),
        ({"y_train": np.array([None] * 20)}, "Python objects, which are never loaded"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_with_what_was_found(tmp_path, changes, reason):
    path = npz(tmp_path / "a.npz", **changes)
    with pytest.raises(DataError, match=reason) as caught:
        read_npz(path)
    assert str(path) in str(caught.value)


def test_an_object_with_code_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    with pytest.raises(DataError, match="never loaded"):
        read_npz(npz(tmp_path / "a.npz", y_test=np.array([Evil()] * 10, dtype=object)))
    assert not (tmp_path / "ran").exists()


def whole_npz():
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **GOOD)
    return buffer.getvalue()


def huge_npz():
    """Return an npz that claims an array larger than any memory."""
    buffer = io.BytesIO()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (1 << 60, 6, 5)})
    with zipfile.ZipFile(buffer, "w") as file:
        for key in GOOD:
            file.writestr(f"{key}.npy", header.getvalue())
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>not found", id="page"),
        pytest.param(whole_npz()[:-300], id="cut off"),
        pytest.param(whole_npz()[:200] + b"x" + whole_npz()[201:], id="changed"),
        pytest.param(huge_npz(), id="huge"),
    ],
)
def test_a_damaged_npz_is_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz cannot be read: "):
        read_npz(path)


def test_an_npz_that_unpacks_out_of_proportion_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SMALL", 100_000)
    path = npz(tmp_path / "a.npz", x_train=np.zeros((20, 200, 200), np.uint8), y_train=np.zeros(20, np.uint8))
    with pytest.raises(DataError, match=r"would unpack to 800\.8 kB or more, and no data set shrinks by more"):
        read_npz(path)
    monkeypatch.setattr(arrays, "MAX_ARRAY_BYTES", 800_000)
    with pytest.raises(DataError, match=r"the limit is 800\.0 kB"):
        read_npz(path)


def test_an_npz_of_too_many_arrays_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        for number in range(1001):
            file.writestr(f"{number}.npy", b"")
    with pytest.raises(DataError, match="holds 1,001 arrays, and the limit is 1,000"):
        read_npz(path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.npz")
    with pytest.raises(DataError, match="is a named pipe, not a file"):
        read_npz(tmp_path / "a.npz")


def test_a_single_array_and_a_missing_file_are_refused(tmp_path):
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, GOOD["x_train"])
    with pytest.raises(DataError, match="holds a single array"):
        read_npz(tmp_path / "a.npz")
    with pytest.raises(DataError, match="No such file"):
        read_npz(tmp_path / "none.npz")


def idx(array):
    """Return an array in the format of http://yann.lecun.com/exdb/mnist, written by its description."""
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return head + array.tobytes()


def idx_folder(folder, separator="-", suffix="", test="t10k", arrays=GOOD):
    folder.mkdir(exist_ok=True)
    for prefix, split in (("train", "train"), (test, "test")):
        for kind, key, dimensions in (("images", f"x_{split}", 3), ("labels", f"y_{split}", 1)):
            content = idx(arrays[key])
            path = folder / f"{prefix}-{kind}{separator}idx{dimensions}-ubyte{suffix}"
            path.write_bytes(gzip.compress(content) if suffix else content)
    return folder


@pytest.mark.parametrize("separator", ["-", "."])
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("test", ["t10k", "test"])
def test_idx_files_hold_the_same_as_an_npz(tmp_path, separator, suffix, test):
    folder = idx_folder(tmp_path / "raw", separator, suffix, test)
    assert is_idx_folder(folder)
    assert not is_idx_folder(tmp_path)
    data = read_idx_folder(folder, class_names="abcdefghij")
    same = read_npz(npz(tmp_path / "a.npz"), class_names="abcdefghij")
    assert data.train.digest() == same.train.digest()
    assert data.test.digest() == same.test.digest()
    assert data.class_names == same.class_names


def test_an_unpacked_file_that_kept_its_gz_name_is_read(tmp_path):
    folder = idx_folder(tmp_path, suffix=".gz")
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.decompress(path.read_bytes()))
    assert len(read_idx_folder(folder).train) == 20


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("train-images-idx3-ubyte", None, "lacks the images of the train split"),
        ("t10k-labels-idx1-ubyte", None, "lacks the labels of the test split"),
        ("train-images-idx3-ubyte", lambda b: b[:-1], "should hold 600 bytes .* holds 599"),
        ("train-images-idx3-ubyte", lambda b: b + b"x", "holds more"),
        ("train-images-idx3-ubyte", lambda b: b[:10], "is not an idx file of images"),
        ("train-images-idx3-ubyte", lambda b: b"", "begins with nothing"),
        ("train-images-idx3-ubyte", lambda b: b"\0\0\x0d\3" + b[4:], "is not an idx file of images"),
        ("train-labels-idx1-ubyte", lambda b: idx(GOOD["x_train"]), "is not an idx file of labels"),
        ("train-labels-idx1-ubyte", lambda b: idx(GOOD["y_test"]), "20 images but 10 labels"),
        ("train-images-idx3-ubyte", lambda b: b[:4] + b"\xff" * 12, "claims a size of"),
        (
            "train-images-idx3-ubyte",
            lambda b: b[:4] + struct.pack(">3I", 9, 500, 500),
            "should hold 2.2 MB .* 16 bytes",
        ),
        (
            "train-images-idx3-ubyte",
            lambda b: gzip.compress(b[:4] + struct.pack(">3I", 100_000, 28, 28)),
            r"claims a size of \(100000, 28, 28\).*shrinks by more than 200",
        ),
        ("train-images-idx3-ubyte", lambda b: gzip.compress(b)[:-20], "cannot be read"),
        ("train-images-idx3-ubyte", lambda b: gzip.compress(b)[:-8] + bytes(8), "cannot be read: CRC"),
    ],
)
def test_idx_files_that_do_not_fit_are_refused(tmp_path, name, change, reason):
    folder = idx_folder(tmp_path)
    if change is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(change((folder / name).read_bytes()))
    with pytest.raises(DataError, match=reason):
        read_idx_folder(folder)
