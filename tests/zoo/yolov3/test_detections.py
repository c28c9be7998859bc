"""What was found in a picture: as text, rows, JSON, on the picture and in files of results."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from kzoo.data.class_names import read_names
from kzoo.data.frames import Frame
from kzoo.errors import DataError
from kzoo.tasks.detections import Detections
from kzoo_zoo.yolov3.drawing import color_of, draw
from kzoo_zoo.yolov3.names import COCO_NAMES, VOC_NAMES
from kzoo_zoo.yolov3.result_files import CocoResults, YoloText

NAMES = ("cat", "dog", "a bird")


def found(boxes=((-10, 20, 50, 80), (60, 10, 90, 40)), labels=(1, 0), scores=(0.9, 0.4), size=(100, 200)):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(boxes, np.array(labels, int), np.array(scores, np.float32), NAMES, size)


NOTHING = found((), (), ())


def frame(path="photos/dog.jpg", **more):
    return Frame(index=7, pixels=np.zeros((100, 200, 3), np.uint8), path=Path(path), **more)


def test_in_words_and_columns():
    assert found().text == "1 dog, 1 cat"
    assert NOTHING.text == "nothing"
    assert found().columns(1) == {"objects": "1 dog, 1 cat", "surest": "dog 0.900"}
    assert NOTHING.columns(3) == {"objects": "nothing", "surest": ""}


def test_rows_and_json_hold_everything():
    assert found().rows()[0] == {"class": "dog", "index": 1, "score": 0.9, "x1": -10, "y1": 20, "x2": 50, "y2": 80}
    assert NOTHING.rows() == []
    whole = json.loads(json.dumps(found().to_dict()))
    assert whole["detections"][1] == {"class": "cat", "index": 0, "score": 0.4, "box": [60, 10, 90, 40]}


def test_clipped_boxes_stay_within_the_picture():
    assert found().clipped[0].tolist() == [0, 20, 50, 80]


@pytest.mark.parametrize("size", [(20, 31), (100, 200), (2000, 3000)])
def test_drawn_boxes_have_their_classes_colours_where_they_are(size):
    height, width = size
    box = (0.25 * width, 0.5 * height, 0.75 * width, 0.9 * height)
    picture = np.zeros((*size, 3), np.uint8)
    drawn = draw(picture, found((box,), (1,), (0.9,), size))
    assert not picture.any()
    factor = drawn.shape[0] // height
    row, column = round(box[3]) * factor, round((box[0] + box[2]) / 2) * factor
    window = drawn[row - 3 * factor : row + 4 * factor, column].reshape(-1, 3)
    assert (window == color_of(1)).all(-1).any()
    assert min(drawn.shape[:2]) >= 100  # a thumbnail is enlarged, so that its label can be read
    assert (drawn == color_of(1)).all(-1).sum() > 12 * 12


def test_boxes_beyond_the_picture_and_of_no_area_can_be_drawn():
    boxes = [(-50, -50, 500, 500), (150, 50, 150, 50), (198, 98, 260, 130)]
    assert draw(np.zeros((100, 200, 3), np.uint8), found(boxes, (0, 1, 2), (0.9, 0.8, 0.7))).any()


def test_the_colours_of_eighty_classes_differ():
    assert len({color_of(label) for label in range(80)}) == 80


def test_cocos_results(tmp_path):
    file = CocoResults(tmp_path / "new/found.json")
    file.add(frame("000000000139.jpg"), found(), "x")
    file.add(frame("clip.mp4", time=1.5), found(), "clip.mp4")
    file.add(frame("b.png"), NOTHING, "x")
    assert not file.path.exists()  # whole, at the end
    file.close()
    records = json.loads(file.path.read_text())
    assert [record["image_id"] for record in records] == [139, 139, "clip_7", "clip_7"]
    assert records[0]["bbox"] == [-10, 20, 60, 60]
    assert records[0]["category_id"] == 1
    assert records[0]["category_name"] == "dog"
    assert records[0]["score"] == pytest.approx(0.9)


def test_yolos_text(tmp_path):
    file = YoloText(tmp_path, scores=False)
    file.add(frame(), found(), "x")
    file.add(frame("other/dog.png"), NOTHING, "x")
    file.add(frame("clip.mp4", time=1.5), found(), "clip.mp4")
    assert (tmp_path / "dog.txt").read_text().splitlines()[0] == "1 0.125000 0.500000 0.250000 0.600000"
    assert (tmp_path / "dog-2.txt").read_text() == ""
    assert (tmp_path / "clip_7.txt").exists()
    scored = YoloText(tmp_path / "s", scores=True)
    scored.add(frame(), found(), "x")
    assert (tmp_path / "s/dog.txt").read_text().splitlines()[1].endswith(" 0.400000")


def test_a_place_that_cannot_be_written_is_said_before_anything_is_predicted(tmp_path):
    (tmp_path / "file").touch()
    for make in (lambda path: YoloText(path, scores=False), lambda path: CocoResults(path / "x.json")):
        with pytest.raises(DataError, match="cannot be written"):
            make(tmp_path / "file" / "folder")


def test_names(real_data):
    assert read_names(real_data / "yolo/coco.names") == COCO_NAMES
    assert read_names(real_data / "yolo/voc.names") == VOC_NAMES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "names no class: it is empty"),
        (b"\n\n", "names no class: it is empty"),
        (b"cat\n\ndog\n", "line 2: it is empty"),
        (b"cat\ndog\ncat\n", "line 3: it repeats 'cat' of line 1"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
    ],
)
def test_files_that_are_no_names(tmp_path, text, said):
    (tmp_path / "x.names").write_bytes(text)
    with pytest.raises(DataError, match=said):
        read_names(tmp_path / "x.names")
    with pytest.raises(DataError, match="cannot be read"):
        read_names(tmp_path / "missing.names")
    os.mkfifo(tmp_path / "pipe.names")
    with pytest.raises(DataError, match="cannot be read: it is a named pipe"):
        read_names(tmp_path / "pipe.names")
