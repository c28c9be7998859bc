"""Measures of masks are those of scikit-learn, and boundaries are as near as a search by hand finds them."""

import json

import numpy as np
import pytest
from pycocotools import mask as coco
from scipy.spatial import cKDTree
from sklearn import metrics

from kzoo.errors import DataError, KzooError, UsageError
from kzoo.tasks import Measured, task_named
from kzoo.tasks.mask_drawing import overlaid, painted, palette_of
from kzoo.tasks.mask_measures import NO_CLASS, boundary_counts, boundary_f1, overlaps, pixel_counts
from kzoo.tasks.segments import Segments

CLASSES = 4
NAMES = ("sky", "road", "car", "person")


def blobs(seed, size=(40, 56), classes=CLASSES, ignored=0.1):
    """Return a true mask with pixels without a class, and a predicted one that is mostly like it."""
    rng = np.random.default_rng(seed)
    row, column = np.indices(size)
    true = np.zeros(size, np.uint8)
    said = np.zeros(size, np.uint8)
    for label in range(1, classes):
        centre, radius = rng.uniform(0.1, 0.9, 2) * size, rng.uniform(4, 16)
        true[np.hypot(row - centre[0], column - centre[1]) < radius] = label
        moved = centre + rng.uniform(-4, 4, 2)
        said[np.hypot(row - moved[0], column - moved[1]) < radius * rng.uniform(0.8, 1.2)] = label
    true[rng.random(size) < ignored] = NO_CLASS
    return true, said


def flat(pairs):
    true, said = (np.concatenate([pair[at].ravel() for pair in pairs]) for at in (0, 1))
    return true[true != NO_CLASS], said[true != NO_CLASS]


def test_overlaps_are_scikit_learns():
    pairs = [blobs(seed) for seed in range(3)]
    counts = sum(pixel_counts(*pair, CLASSES) for pair in pairs)
    true, said = flat(pairs)
    labels = range(CLASSES)
    np.testing.assert_array_equal(counts, metrics.confusion_matrix(true, said, labels=labels))
    found = overlaps(counts)
    expected = {
        "iou": metrics.jaccard_score(true, said, labels=labels, average=None),
        "dice": metrics.f1_score(true, said, labels=labels, average=None),
        "precision": metrics.precision_score(true, said, labels=labels, average=None),
        "recall": metrics.recall_score(true, said, labels=labels, average=None),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-12, err_msg=name)


def edge_of(labels, label, counts):
    """Return the places of a boundary, found pixel by pixel."""
    height, width = labels.shape
    found = []
    for row, column in np.argwhere((labels == label) & counts):
        around = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
        inside = [(r, c) for r, c in around if 0 <= r < height and 0 <= c < width and counts[r, c]]
        if any(labels[r, c] != label for r, c in inside):
            found.append((row, column))
    return found


@pytest.mark.parametrize("tolerance", [0.0075, 0.05])
def test_boundary_f1_is_that_of_a_search_for_the_nearest(tolerance):
    pairs = [blobs(seed, ignored=0.03) for seed in range(3)]
    scores = np.full((len(pairs), CLASSES), np.nan)
    for number, (true, said) in enumerate(pairs):
        reach = max(1.0, tolerance * np.hypot(*true.shape))
        for label in range(CLASSES):
            own, other = (edge_of(labels, label, true != NO_CLASS) for labels in (true, said))
            if not own and not other:
                continue
            scores[number, label] = 0
            if own and other:
                precision = np.mean(cKDTree(own).query(other)[0] <= reach)
                recall = np.mean(cKDTree(other).query(own)[0] <= reach)
                scores[number, label] = 2 * precision * recall / max(precision + recall, 1e-12)
    found = boundary_f1([boundary_counts(*pair, CLASSES, tolerance) for pair in pairs], CLASSES)
    np.testing.assert_allclose(found, np.nanmean(scores, axis=0), atol=1e-9)


def test_an_exact_mask_has_one_and_a_class_that_is_nowhere_has_none():
    true = np.zeros((20, 20), np.uint8)
    true[5:12, 5:12] = 1
    counts = pixel_counts(true, true, 3)
    np.testing.assert_array_equal(overlaps(counts)["iou"], [1, 1, np.nan])
    np.testing.assert_array_equal(boundary_f1([boundary_counts(true, true, 3)], 3), [1, 1, np.nan])


class Drawn:
    """A picture with its mask in memory."""

    def __init__(self, mask, name="a"):
        self.name, self.path, self._mask = name, None, mask

    def read(self):
        return np.full((*self._mask.shape, 3), 90, np.uint8)

    def mask(self):
        return self._mask


class Pictures:
    def __init__(self, masks):
        self.pictures = [Drawn(mask, f"picture {number}") for number, mask in enumerate(masks)]

    def __len__(self):
        return len(self.pictures)


class Says:
    """A reader that says what it was told to."""

    batch_size = 2

    def __init__(self, answers, names=NAMES):
        self.answers, self.names = list(answers), names

    def load(self):
        pass

    def close(self):
        pass

    def predict(self, items):
        return [
            Segments(self.answers[frame.index], self.names, np.ones(len(self.names)), palette_of(len(self.names)))
            for frame in items
        ]


def measured(pairs, *, data_names=NAMES, known=NAMES):
    split = Pictures([true for true, _ in pairs])
    says = Says([said for _, said in pairs], known)
    return Measured(forward=None, test=split, class_names=data_names, known_classes=known, reader=lambda chosen: says)


def test_the_outcome_is_of_all_pixels_together():
    pairs = [blobs(seed) for seed in range(5)]
    outcome = task_named("segmentation").measure(measured(pairs))
    true, said = flat(pairs)
    found = outcome.metrics()
    assert found["mean_iou"] == pytest.approx(metrics.jaccard_score(true, said, average="macro"))
    assert found["mean_dice"] == pytest.approx(metrics.f1_score(true, said, average="macro"))
    assert found["pixel_accuracy"] == pytest.approx(metrics.accuracy_score(true, said))
    assert outcome.measures() == found
    share = (true == 2).mean()
    assert outcome.per_class()["car"]["share"] == pytest.approx(share)
    worst = outcome.worst(5)
    scores = [metrics.jaccard_score(*flat([pair]), average="macro") for pair in pairs]
    assert worst == np.argsort(scores, kind="stable").tolist()
    np.testing.assert_array_equal(outcome.pictures[3].predicted, pairs[3][1])


def test_its_file_is_what_coco_reads():
    pairs = [blobs(seed) for seed in range(2)]
    records = json.loads(task_named("segmentation").measure(measured(pairs)).files()["coco"])
    again = np.zeros_like(pairs[1][1])
    for record in records:
        if record["image_id"] == 1:
            again[coco.decode(record["segmentation"]).astype(bool)] = record["category_id"]
    np.testing.assert_array_equal(again, pairs[1][1])


def test_its_pictures_are_drawn():
    outcome = task_named("segmentation").measure(measured([blobs(0), blobs(1)]))
    figures = outcome.figures()
    assert set(figures) == set(task_named("segmentation").pictures)
    for figure in figures.values():
        figure.canvas.draw()


def test_the_classes_of_other_data_are_found_by_their_names():
    pairs = [blobs(seed) for seed in range(2)]
    turned = {0: 3, 1: 2, 2: 1, 3: 0}
    other = [(np.vectorize(lambda one: turned.get(one, NO_CLASS))(true).astype(np.uint8), said) for true, said in pairs]
    task = task_named("segmentation")
    expected = task.measure(measured(pairs)).metrics()
    assert task.measure(measured(other, data_names=NAMES[::-1])).metrics() == expected
    with pytest.raises(UsageError, match="does not know: tram"):
        task.measure(measured(pairs, data_names=("sky", "road", "car", "tram")))


def test_what_cannot_be_measured_is_refused():
    task = task_named("segmentation")
    with pytest.raises(DataError, match="no picture"):
        task.measure(measured([]))
    with pytest.raises(KzooError, match="do not tell their pictures"):
        task.measure(Measured(forward=None, test=[1, 2], class_names=NAMES))
    true, said = blobs(0)
    with pytest.raises(DataError, match="picture 0 has 56 x 40 pixels, and the picture 55 x 40"):
        task.measure(measured([(true, said[:, 1:])]))


def test_a_prediction_tells_shares_and_masks():
    _, said = blobs(0)
    found = Segments(said, NAMES, np.array([0.5, 0.6, 0.7, 0.8]), palette_of(4))
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.text.startswith("sky ")
    assert list(found.columns(1)) == ["classes", "more"]
    for segment in found.to_dict()["segments"]:
        mask = coco.decode(segment["segmentation"])
        np.testing.assert_array_equal(mask.astype(bool), said == segment["index"])
        assert segment["pixels"] == mask.sum()
    assert [row["class"] for row in found.rows()] == list(found.shares)


def test_a_palette_tells_classes_apart_and_masks_lie_over_pictures():
    colours = palette_of(40).astype(int)
    apart = np.abs(colours[:, None] - colours[None]).sum(axis=-1)
    assert apart[~np.eye(40, dtype=bool)].min() > 10
    assert apart[np.arange(39), np.arange(1, 40)].min() > 120
    labels = np.array([[0, 1], [NO_CLASS, 1]], np.uint8)
    np.testing.assert_array_equal(painted(labels, palette_of(2))[1, 0], [0, 0, 0])
    plain = np.full((2, 2, 3), 100, np.uint8)
    drawn = overlaid(plain, np.full((2, 2), NO_CLASS, np.uint8), palette_of(2))
    np.testing.assert_array_equal(drawn, plain)
