"""What pages ask and are answered: by pipelines that need no trained model, and by stand-ins."""

import base64
import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from kzoo.data.frames import Item
from kzoo.demo import showing
from kzoo.demo.cameras import MOST_CAMERAS
from kzoo.demo.showing import Shown
from kzoo.errors import UsageError
from kzoo.inference.predicting import find_predicting
from kzoo.pipeline import ClassPrediction, InputField, Reader, ValuePrediction
from kzoo.tasks.detections import Detections

SMALL = (96, 128, 3)


def address(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def pixels_of(picture):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))))


def sent(pixels, session="a", index=0, opened=1):
    return {"session": session, "picture": address(pixels), "opened": opened, "index": index, "time": index / 30}


class Fixed(Reader):
    """Gives the same answer to everything."""

    def __init__(self, prediction, fields=()):
        self.prediction, self.fields = prediction, fields

    def input_fields(self):
        return self.fields

    def item(self, value, index=0):
        if value["x"] == "?":
            message = "No number."
            raise UsageError(message)
        return Item(index=index)

    def predict(self, items):
        return [self.prediction] * len(items) if self.prediction else 1 / 0


def shown(prediction, fields=(), examples=()):
    asked = SimpleNamespace(
        saved=None, pipeline=SimpleNamespace(name="fixed"), readers=lambda _: lambda: Fixed(prediction, fields)
    )
    return Shown(asked, {}, examples)


def wall(seed):
    """A plain wall with some texture of its own."""
    shades = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(shades).resize(SMALL[1::-1], Image.Resampling.BICUBIC))


def test_two_pages_do_not_see_each_other_s_background():
    fingers = Shown(find_predicting("fingers"), {"method": "classical", "calibration": 5, "window": 1})
    first, second = wall(1), wall(2)
    states = {"a": [], "b": []}
    for index in range(8):
        for page, pixels in (("a", first), ("b", second)):
            states[page].append(fingers.frame(sent(pixels, page, index))["answer"]["state"])
    assert states["a"] == states["b"]
    assert states["a"][:5] == ["calibrating"] * 5
    assert states["a"][-1] == "no hand"
    assert fingers.frame(sent(second, "a", 8))["answer"]["state"] == "moved"  # with one background it was this before
    again = fingers.frame(sent(second, "a", 9, opened=2))
    assert (again["answer"]["state"], again["text"]) == ("calibrating", "calibrating 20%")
    assert "Nothing was counted" in fingers.closed({"session": "a"})["notes"][0]
    assert fingers.closed({"session": "b"}) == {"notes": []}


def test_classes_are_bars_in_their_order_or_the_best_where_they_are_many():
    few = {"a": 0.2, "b": 0.7, "c": 0.1}
    found = shown(ClassPrediction("b", 1, 0.7, few)).picture({"picture": address(wall(0)), "name": "x.png"})
    assert found["bars"] == [["a", 0.2], ["b", 0.7], ["c", 0.1]]
    assert (found["text"], found["rows"]) == ("b 70%", [])
    assert found["answer"] == ClassPrediction("b", 1, 0.7, few).to_dict(3)
    assert pixels_of(found["picture"]).shape == (192, 256, 3)  # enlarged, so that the text can be read
    many = {f"class {n}": n / 4950 for n in range(100)}
    bars = shown(ClassPrediction("class 99", 99, 0.02, many)).picture({"picture": address(wall(0)), "name": "x"})[
        "bars"
    ]
    assert [name for name, _ in bars] == [f"class {n}" for n in range(99, 87, -1)]


def test_objects_are_a_table():
    boxes = Detections(np.float32([[1, 2, 30, 40]]), np.array([1]), np.float32([0.875]), ("cat", "dog"), SMALL[:2])
    found = shown(boxes).picture({"picture": address(wall(0)), "name": "x.png"})
    assert found["columns"] == ["class", "index", "score", "x1", "y1", "x2", "y2"]
    assert found["rows"] == [["dog", 1, 0.875, 1.0, 2.0, 30.0, 40.0]]
    assert (found["text"], found["bars"]) == ("1 dog", [])


def test_rows_are_filled_in():
    fields = (InputField(name="x", default="1"),)
    rows = shown(ValuePrediction({"y": float("nan"), "z": 2.5}), fields)
    rows.load()
    found = rows.row({"values": {"x": "3"}})
    assert (found["columns"], found["rows"], found["picture"]) == (["y", "z"], [[None, 2.5]], "")
    assert rows.row({"values": {"x": "?"}}) == {"error": "No number."}
    with pytest.raises(UsageError, match="`fixed` reads rows: x"):
        shown(ValuePrediction({}), fields, ["x.png"])


def test_the_examples_of_a_folder(tmp_path):
    paths = [tmp_path / f"{n}.png" for n in range(2 * showing.MOST_EXAMPLES)]
    for path in paths:
        Image.fromarray(np.zeros((400, 300, 3), np.uint8)).save(path)
    pictures = shown(ClassPrediction("a", 0, 1.0, {"a": 1.0}), examples=paths)
    offered = pictures.thumbnails()
    assert [one["name"] for one in offered] == [f"{2 * n}.png" for n in range(showing.MOST_EXAMPLES)]
    assert pixels_of(offered[0]["picture"]).shape == (160, 120, 3)
    assert pictures.example({"number": 3})["text"] == "a 100%"
    assert "no example 24" in pictures.example({"number": 24})["error"]
    assert "no example -1" in pictures.example({"number": -1})["error"]
    paths[0].write_bytes(b"<html>")
    assert "0.png cannot be read as an image: it is a web page" in pictures.example({"number": 0})["error"]


def test_an_example_that_cannot_be_read_is_left_out_and_said(tmp_path):
    good, empty = tmp_path / "good.png", tmp_path / "empty.jpg"
    Image.fromarray(np.zeros((40, 30, 3), np.uint8)).save(good)
    empty.touch()
    pictures = shown(ClassPrediction("a", 0, 1.0, {"a": 1.0}), examples=[empty, good])
    assert [one["name"] for one in pictures.thumbnails()] == ["good.png"]
    assert [text.split(": ")[1] for text in pictures.left_out] == [
        "the file is empty. It is not offered as an example."
    ]
    assert pictures.example({"number": 0})["text"] == "a 100%"


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        ("data:image/png;base64,", "x.jpg cannot be read as an image: the file is empty"),
        ("data:image/png;base64,AAAA", "x.jpg cannot be read as an image: its content is none of the image formats"),
        ("data:image/png;base64,A", "a picture that is no base64"),
        ("data:image/png;base64,!!!!", "a picture that is no base64"),
        ("no address", "the file is empty"),
        (7, "The page sent something else than it should: Expected `str`, got `int`"),
    ],
)
def test_what_is_no_picture_is_said(picture, said):
    assert said in shown(ValuePrediction({})).picture({"picture": picture, "name": "x.jpg"})["error"]


def test_the_page_on_security_gives_the_limits_that_hold():
    page = (Path(__file__).parents[3] / "SECURITY.md").read_text("utf-8").partition("## The page of `kzoo demo`")[2]
    assert f"A picture may have {showing.MOST_BYTES // 2**20} MB" in page
    assert f"Cameras of {MOST_CAMERAS} pages" in page


def test_too_large_a_picture_is_said(monkeypatch):
    monkeypatch.setattr(showing, "MOST_BYTES", 3 * 2**20)
    found = shown(ValuePrediction({})).picture({"picture": "," + "A" * (4 * 2**20 + 4), "name": "x.jpg"})
    assert "larger than 3 MB" in found["error"]


def test_a_reader_that_fails_is_said_with_its_name():
    broken = shown(None)
    said = broken.picture({"picture": address(wall(0)), "name": "x"})["error"]
    assert "Fixed` cannot work with its network: ZeroDivisionError" in said


def test_what_a_page_sends_is_looked_at():
    pictures = shown(ValuePrediction({}))
    for wrong in (None, [], {"session": "a"}, {**sent(wall(0)), "index": "1"}, {**sent(wall(0)), "more": 1}):
        assert "The page sent something else" in pictures.frame(wrong)["error"]


def test_frames_that_are_passed_over_say_so_alone(monkeypatch):
    pictures = shown(ValuePrediction({"y": 1.0}))
    camera = pictures._cameras.of("a")
    monkeypatch.setattr(camera, "read", lambda frame, opened: None)
    assert pictures.frame(sent(wall(0))) == {"dropped": True}
