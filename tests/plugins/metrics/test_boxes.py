"""Mean average precision against pycocotools, and the callback that reports it."""

import sys

import keras
import numpy as np
import pytest

from kzoo.detection import average_precision
from kzoo_plugins.metrics.boxes import BoxMAP, box_map

# What pycocotools 2.0.11 says of the two sets below: COCOeval(..., "bbox").stats.
PYCOCOTOOLS = {
    0: [0.135627, 0.300547, 0.10281, 0.0, 0.10796, 0.515553, 0.163864, 0.424242, 0.424242, 0.0, 0.373393, 0.521667],
    1: [0.21431, 0.338524, 0.265436, 0.025, 0.144989, 0.592327, 0.243056, 0.445556, 0.445556, 0.1, 0.353929, 0.6],
}
NAMES = (
    *("map", "map_50", "map_75", "map_small", "map_medium", "map_large"),
    *("mar_1", "mar_10", "mar_100", "mar_small", "mar_medium", "mar_large"),
)
BOX = [[10.0, 10.0, 50.0, 60.0]]


def boxes_of(seed, images=12, classes=4):
    """Return true boxes, some of them crowds, and found ones: most of the true, moved, and some of nothing."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(images):
        count = int(rng.integers(0, 7))
        corner, size = rng.uniform(0, 300, (count, 2)), rng.uniform(8, 180, (count, 2))
        true = np.concatenate([corner, corner + size], -1).round()
        labels, crowd = rng.integers(0, classes, count), (rng.uniform(size=count) < 0.1).astype(int)
        truth.append({"boxes": true, "labels": labels, "crowd": crowd})
        kept = rng.uniform(size=count) < 0.8
        moved = (true + rng.normal(size=true.shape) * 6).round()[kept]
        corner = rng.uniform(0, 300, (4, 2)).round()
        seen = np.concatenate([moved, np.concatenate([corner, corner + rng.integers(10, 90, (4, 2))], -1)])
        seen[:, 2:] = np.maximum(seen[:, 2:], seen[:, :2] + 1)
        labels = np.concatenate([labels[kept], rng.integers(0, classes, 4)])
        found.append({"boxes": seen, "labels": labels, "scores": rng.uniform(size=len(labels)).round(3)})
    return truth, found


@pytest.mark.parametrize("seed", PYCOCOTOOLS)
def test_it_is_what_pycocotools_says(seed):
    found = box_map(*boxes_of(seed))
    assert tuple(found) == NAMES
    np.testing.assert_allclose(list(found.values()), PYCOCOTOOLS[seed], atol=1e-6)


def test_the_mean_of_the_classes_is_the_whole():
    found = box_map(*boxes_of(0), per_class=True)
    assert np.mean(list(found["map_per_class"].values())) == pytest.approx(found["map"])
    assert sorted(found["map_per_class"]) == [0, 1, 2, 3]


def test_the_average_of_batches_is_another_number():
    # Why this is no metric that is summed over batches.
    truth, found = boxes_of(1)
    halves = [box_map(truth[part], found[part])["map"] for part in (slice(0, 6), slice(6, 12))]
    assert np.mean(halves) != pytest.approx(box_map(truth, found)["map"], rel=1e-2)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"boxes": BOX, "labels": [3], "scores": [0.4]}, 1.0),
        ({"boxes": BOX, "labels": [2], "scores": [0.4]}, 0.0),
        ({"boxes": [], "labels": [], "scores": []}, 0.0),
        ({"boxes": [[60.0, 10.0, 50.0, 60.0]], "labels": [3], "scores": [0.4]}, 0.0),
        ({"boxes": BOX * 2, "labels": [3, 3], "scores": [0.9, 0.8]}, 1.0),
        ({"boxes": [[0.0, 0.0, 5.0, 5.0], *BOX], "labels": [3, 3], "scores": [0.9, 0.8]}, 0.5),
        ({"boxes": BOX * 2, "labels": [3, -1], "scores": [0.9, 0.0]}, 1.0),
    ],
    ids=["exact", "another class", "nothing", "no area", "twice", "wrong first", "padding"],
)
def test_one_image(found, expected):
    assert box_map([{"boxes": BOX, "labels": [3]}], [found])["map"] == pytest.approx(expected)


def test_without_true_boxes_there_is_no_number():
    found = box_map([{"boxes": [], "labels": []}], [{"boxes": BOX, "labels": [0], "scores": [1.0]}], per_class=True)
    assert found.pop("map_per_class") == {}
    assert np.isnan(list(found.values())).all()
    assert np.isnan(box_map([], [])["map"])


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [
        ([], [{}], "true boxes of 0 images and the found boxes of 1"),
        ([{"boxes": BOX}], [{}], "`truth` of image 0 has no labels"),
        ([{"boxes": BOX, "labels": [0]}], [{"boxes": BOX, "labels": [0]}], "`found` of image 0 has no scores"),
        ([{"boxes": BOX, "labels": [0, 1]}], [{}], r"shapes boxes \(1, 4\), labels \(2,\)"),
        ([{"boxes": [[1.0, 2.0, 3.0]], "labels": [0]}], [{}], r"shapes boxes \(1, 3\)"),
        ([{"boxes": [[5.0, 0.0, 1.0, 1.0]], "labels": [0]}], [{}], "second corner is before its first"),
        ([{"boxes": [[np.nan, 0.0, 1.0, 1.0]], "labels": [0]}], [{}], "not finite"),
    ],
)
def test_what_does_not_belong_together_is_refused(truth, found, message):
    with pytest.raises(ValueError, match=message):
        box_map(truth, found)


def decode(outputs):
    """Return a box for each row of four numbers."""
    return [{"boxes": [row], "labels": [0], "scores": [0.5]} for row in outputs]


def detector():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, kernel_initializer="identity")])
    model.compile("sgd", "mse")
    return model


ROWS = np.array([[0.0, 0.0, 40.0, 40.0], [10.0, 10.0, 90.0, 50.0], [5.0, 5.0, 60.0, 60.0]], "float32")
AS_LISTS = [
    (ROWS[:2], [{"boxes": [row], "labels": [0]} for row in ROWS[:2]]),
    (ROWS[2:], [{"boxes": [ROWS[2]], "labels": [0]}]),
]
PADDED = [(ROWS, {"boxes": np.stack([ROWS, 0 * ROWS], 1), "labels": np.array([[0, -1]] * 3)})]


@pytest.mark.parametrize("data", [AS_LISTS, PADDED], ids=["lists", "padded"])
def test_the_callback_reports_after_an_epoch(data):
    model = detector()
    report = BoxMAP(data, decode, every=2)
    history = model.fit(np.zeros((2, 4)), np.zeros((2, 4)), epochs=4, verbose=0, callbacks=[report]).history
    assert history["val_map"] == history["val_map_50"] == [1.0, 1.0]
    assert report.measure(model)["map_medium"] == 1.0


def test_its_results_can_be_monitored():
    stop = keras.callbacks.EarlyStopping("val_map", mode="max", patience=1)
    history = detector().fit(
        np.zeros((2, 4)), np.zeros((2, 4)), epochs=5, verbose=0, callbacks=[BoxMAP(AS_LISTS, decode), stop]
    )
    assert len(history.epoch) == 2


@pytest.mark.parametrize("arguments", [{"every": 0}, {"names": ()}, {"names": ("map", "mAP")}], ids=str)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be"):
        BoxMAP([], decode, **arguments)


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    for call in (lambda: box_map([], []), lambda: BoxMAP([], decode), average_precision.coco_library):
        with pytest.raises(ImportError, match=r'pip install "kzoo\[detection\]"'):
            call()
