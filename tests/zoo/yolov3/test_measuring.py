"""``kzoo evaluate`` of a detector: the real network on COCO's photos, against OpenCV's detections and pycocotools."""

import contextlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from kzoo.cli import main
from kzoo.data.decoding import read_image
from kzoo_zoo.yolov3.letterbox import Letterbox

IMAGES = 40


@pytest.fixture(scope="module")
def model(real_data, tmp_path_factory):
    """Return the yolo-fastest network as a .keras file."""
    folder, path = real_data / "yolo", tmp_path_factory.mktemp("model") / "fastest.keras"
    assert not kzoo(
        "import-darknet",
        folder / "cfg/yolo-fastest-1.1.cfg",
        folder / "weights/yolo-fastest-1.1.weights",
        *("--names", folder / "coco.names", "-o", path),
    )
    return path


def kzoo(*arguments):
    return main([str(argument) for argument in arguments])


def pycocotools_says(annotations, results):
    with contextlib.redirect_stdout(io.StringIO()):
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        known = COCO(str(annotations))
        evaluation = COCOeval(known, known.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


def opencv_finds(real_data, annotations, folder, threshold):
    """Return OpenCV's detections of the same network, suppressed class by class, as COCO's results."""
    import cv2

    cfg = (real_data / "yolo/cfg/yolo-fastest-1.1.cfg").read_text()
    (folder / "low.cfg").write_text(cfg.replace("[yolo]", f"[yolo]\nthresh={threshold}"))  # its own is 0.2
    net = cv2.dnn.readNetFromDarknet(str(folder / "low.cfg"), str(real_data / "yolo/weights/yolo-fastest-1.1.weights"))
    results = []
    for image in json.loads(annotations.read_text())["images"]:
        pixels = read_image(real_data / "detection/coco128/images/val2017" / image["file_name"])
        box = Letterbox.of(pixels.shape, (320, 320))
        net.setInput(np.ascontiguousarray(box.apply(pixels).transpose(2, 0, 1)[None]))
        rows = np.concatenate(net.forward(net.getUnconnectedOutLayersNames()))
        at, label = np.nonzero(rows[:, 5:] > threshold)
        scores, (x, y, w, h) = rows[at, 5 + label], rows[at, :4].T * 320
        x1, y1, x2, y2 = box.undo(np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1)).T
        sides = np.stack([x1, y1, x2 - x1, y2 - y1], -1).astype(float)
        for each in np.unique(label):
            own = np.flatnonzero(label == each)
            kept = own[np.asarray(cv2.dnn.NMSBoxes(sides[own], scores[own].tolist(), 0.0, 0.45), int)].tolist()
            results += [
                {
                    "image_id": image["id"],
                    "category_id": int(each),
                    "bbox": sides[number].tolist(),
                    "score": float(scores[number]),
                }
                for number in kept
            ]
    return results


@pytest.fixture
def annotations(real_data, tmp_path):
    """Return the annotations of the first photos, a third of all: each costs two networks and a long list of boxes."""
    whole = json.loads((real_data / "detection/coco128/instances_val2017.json").read_text())
    whole["images"] = whole["images"][:IMAGES]
    kept = {image["id"] for image in whole["images"]}
    whole["annotations"] = [entry for entry in whole["annotations"] if entry["image_id"] in kept]
    (tmp_path / "data").mkdir()
    (tmp_path / "data/images").symlink_to(real_data / "detection/coco128/images/val2017")
    (tmp_path / "data/val.json").write_text(json.dumps(whole))
    return tmp_path / "data/val.json"


@pytest.mark.long
def test_the_figures_are_those_of_opencvs_detections(model, annotations, real_data, tmp_path, capsys):
    assert not kzoo(
        *("evaluate", model, "--data", annotations, "--json"),
        *("--coco", tmp_path / "found.json", "--save", tmp_path / "pictures"),
    )
    found = json.loads(capsys.readouterr().out)
    assert found["size"] == IMAGES
    own = pycocotools_says(annotations, json.loads((tmp_path / "found.json").read_text()))
    np.testing.assert_allclose(list(found["metrics"].values())[:12], own, atol=1e-6)
    expected = pycocotools_says(annotations, opencv_finds(real_data, annotations, tmp_path, 0.001))
    np.testing.assert_allclose(own, expected, atol=1e-3)
    assert found["metrics"]["AP50"] > 0.3
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {
        "precision_recall",
        "confusion_of_boxes",
        "worst",
        "detected",
    }


def test_a_model_alone_must_be_told_its_data(model, capsys):
    assert kzoo("evaluate", model) == 2
    assert "Name the data to measure" in capsys.readouterr().err


def test_data_with_classes_that_it_does_not_know(model, tmp_path, capsys):
    annotations = {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 64}],
        "categories": [{"id": 1, "name": "raccoon"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "area": 81, "iscrowd": 0}],
    }
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    (tmp_path / "a.json").write_text(json.dumps(annotations))
    assert kzoo("evaluate", model, "--data", tmp_path / "a.json") == 2
    assert "does not know: raccoon" in capsys.readouterr().err


def test_settings_of_a_detector_that_do_not_exist(model, capsys):
    assert kzoo("evaluate", model, "--data", "sample", "-o", "conf=0.1") == 2
    assert "no setting `conf`" in capsys.readouterr().err
