"""From photos to objects, by the real networks, against OpenCV's detections."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from pipelines import reader

from kzoo.data.decoding import read_image
from kzoo.data.frames import Frame
from kzoo.errors import UsageError
from kzoo_zoo.yolov3.detecting import DetectorReader
from kzoo_zoo.yolov3.pipeline import Yolo
from kzoo_zoo.yolov3.settings import Decisions

NETWORKS = {"yolo-fastest-1.1": "coco.names", "MobileNetV2-YOLOv3-Nano-voc": "voc.names"}
PHOTOS = ("dog.jpg", "horses.jpg", "kite.jpg", "person.jpg")


@pytest.fixture(scope="module", params=NETWORKS)
def network(request, real_data):
    """Return a real network's name, and a function that makes its reader with other decisions."""
    folder, name = real_data / "yolo", request.param
    files = {
        "weights": str(folder / f"weights/{name}.weights"),
        "network": str(folder / f"cfg/{name}.cfg"),
        "names": str(folder / NETWORKS[name]),
    }
    loaded = reader(Yolo(), **files).network

    def make(**settings):
        return DetectorReader(lambda: replace(loaded, decisions=Decisions(**settings)))

    return name, make


@pytest.fixture(scope="module")
def photos(real_data):
    return [
        Frame(index=number, pixels=read_image(real_data / "yolo/images" / name), path=real_data / name)
        for number, name in enumerate(PHOTOS)
    ]


@pytest.mark.long_but_first
def test_the_objects_of_every_photo_are_opencvs(network, photos, real_data):
    name, make = network
    oracle = json.loads((real_data / f"yolo/oracle/{name}.json").read_text())
    detector = make(resize="stretch", threshold=oracle["conf"], iou=oracle["nms"])
    for photo, found in zip(PHOTOS, detector.predict(photos), strict=True):
        expected = oracle["images"][photo]["detections"]
        assert found.names == [one["class"] for one in expected], photo
        # The oracle's numbers are rounded to 5 and 2 decimals.
        np.testing.assert_allclose(found.scores, [one["score"] for one in expected], atol=2e-5)
        np.testing.assert_allclose(found.boxes, [one["box"] for one in expected], atol=0.02)


@pytest.mark.long
def test_a_batch_is_as_each_photo_alone(network, photos):
    _, make = network
    detector = make()
    together = detector.predict(photos)
    for frame, one in zip(photos, together, strict=True):
        alone = detector.predict([frame])[0]
        assert alone.names == one.names
        np.testing.assert_allclose(alone.boxes, one.boxes, atol=0.05)


def test_opencvs_way_with_a_letterbox(network, photos, real_data):
    import cv2

    from kzoo_zoo.yolov3.letterbox import Letterbox

    name, make = network
    folder = real_data / "yolo"
    net = cv2.dnn.readNetFromDarknet(str(folder / f"cfg/{name}.cfg"), str(folder / f"weights/{name}.weights"))
    found = make().predict(photos)
    for frame, one in zip(photos, found, strict=True):
        box = Letterbox.of(frame.pixels.shape, (320, 320))
        net.setInput(np.ascontiguousarray(box.apply(frame.pixels).transpose(2, 0, 1)[None]))
        rows = np.concatenate(net.forward(net.getUnconnectedOutLayersNames()))
        at, label = np.nonzero(rows[:, 5:] > 0.25)
        scores, (x, y, w, h) = rows[at, 5 + label], rows[at, :4].T * 320
        boxes = box.undo(np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1))
        kept = []
        for each in np.unique(label):
            own = np.flatnonzero(label == each)
            sides = np.concatenate([boxes[own, :2], boxes[own, 2:] - boxes[own, :2]], -1).astype(float)
            kept += own[np.asarray(cv2.dnn.NMSBoxes(sides.tolist(), scores[own].tolist(), 0.0, 0.45))].tolist()
        kept.sort(key=lambda number: -scores[number])
        assert one.labels.tolist() == label[kept].tolist()
        np.testing.assert_allclose(one.scores, scores[kept], rtol=1e-4)
        np.testing.assert_allclose(one.boxes, boxes[kept], atol=0.05)


def test_settings_change_what_is_found(network, photos):
    _, make = network
    usual, low = make().predict(photos), make(threshold=0.05).predict(photos)
    assert sum(map(len, low)) > sum(map(len, usual))
    assert [len(found) for found in make(threshold=0.05, most=2).predict(photos)] == [2, 2, 2, 2]
    label = int(usual[0].labels[0])
    assert set(make(classes=(label,)).predict(photos)[0].labels.tolist()) == {label}
    assert sum(map(len, make(threshold=0.05, soft=True).predict(photos))) > sum(map(len, low))


HEAD = {"anchors": [[10, 10], [20, 20]], "mask": [0, 1], "classes": 2, "scale_x_y": 1.0, "stride": 32}
CARD = {"input_shape": [64, 96, 3], "class_names": ["cat", "dog"], "heads": [HEAD]}


class OneDog:
    """A network that sees one dog in the middle of every picture."""

    changing = True

    def __call__(self, x):
        raw = np.full((len(x), 2, 3, 2, 7), -9, np.float32)
        raw[:, 0, 1, 1] = [0, 9, 0, 0, 9, -9, 9]
        return [raw.reshape(len(x), 2, 3, 14)]


def stub(**settings):
    """Return the reader of such a network."""
    return reader(Yolo(), OneDog(), CARD, **settings)


FRAME = Frame(index=0, pixels=np.zeros((64, 96, 3), np.uint8))


def test_without_darknets_files_a_run_is_enough():
    found = stub().predict([FRAME, FRAME])
    assert [one.names for one in found] == [["dog"], ["dog"]]
    np.testing.assert_allclose(found[0].boxes[0], [38, 22, 58, 42], atol=0.01)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"threshold": 1}, "`threshold` must be a number of at least 0 and below 1, not 1"),
        ({"threshold": "high"}, "`threshold` must be a number"),
        ({"iou": 0}, "`iou` must be a number above 0"),
        ({"max_detections": 0}, "`max_detections` must be a whole number"),
        ({"batch": 0}, "`batch` must be a whole number"),
        ({"classes": "dgo"}, "'dgo', which this network does not know. Did you mean `dog`"),
        ({"classes": "7"}, "'7', which this network does not know. There are: cat, dog"),
        ({"resize": "crop"}, "`resize` must be letterbox"),
        ({"weights": "x.weights"}, "--weights: the network named before the sources has its own"),
    ],
)
def test_settings_that_mean_nothing(settings, said):
    with pytest.raises(UsageError, match=said):
        stub(**settings)


@pytest.mark.parametrize("classes", ["dog", 1, "1", ["dog"], "dog, cat", ""])
def test_classes_by_name_or_index(classes):
    assert stub(classes=classes).predict([FRAME])[0].names == ["dog"]
    assert stub(classes="cat").predict([FRAME])[0].names == []


def test_without_a_network_it_is_said_how_to_name_one():
    with pytest.raises(UsageError, match=r"needs a network to predict.*--weights FILE --network CFG"):
        reader(Yolo())


def test_other_names_for_the_classes_of_a_run(tmp_path):
    (tmp_path / "x.names").write_text("Katze\nHund\n")
    assert stub(names=str(tmp_path / "x.names")).predict([FRAME])[0].names == ["Hund"]
    (tmp_path / "x.names").write_text("Katze\n")
    with pytest.raises(UsageError, match="has 2 classes, and 1 names are given"):
        stub(names=str(tmp_path / "x.names"))


def test_results_are_written_beside(tmp_path):
    detector = stub(coco=str(tmp_path / "c.json"), txt=str(tmp_path / "txt"))
    detector.start(SimpleNamespace(name="camera 0"))
    detector.predict([FRAME])
    detector.close()
    assert json.loads((tmp_path / "c.json").read_text())[0]["category_name"] == "dog"
    assert [path.name for path in (tmp_path / "txt").iterdir()] == ["camera-0.txt"]
