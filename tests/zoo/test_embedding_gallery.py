"""A gallery: its vectors are kept, what changed is noticed, and the nearest are found and drawn."""

import json

import numpy as np
import pytest
from PIL import Image
from pipelines import reader

from kzoo.data.frames import Frame
from kzoo.errors import DataError, UsageError
from kzoo_zoo.embedding.pipeline import Embedding

PIPELINE = Embedding()
CARD = {"input_shape": (4, 4, 3)}
COLOURS = {"red": (220, 30, 20), "green": (20, 200, 40), "blue": (30, 40, 210)}


class Colours:
    """A network whose vector is the mean colour of the picture; it counts what it is shown."""

    engine = "numpy"
    watch = None
    model = None

    def __init__(self, turn=0):
        self.seen, self.turn = 0, turn

    def __call__(self, x):
        self.seen += len(x)
        colours = np.asarray(x, np.float64).mean(axis=(1, 2)) + 1
        return np.roll(colours, self.turn, axis=1) / np.linalg.norm(colours, axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def gallery(tmp_path):
    for name, colour in COLOURS.items():
        for number in range(3):
            picture(tmp_path / "gallery" / name / f"{number}.png", np.add(colour, 5 * number))
    picture(tmp_path / "gallery" / "loose.png", (100, 100, 100))
    return tmp_path / "gallery"


def picture(path, colour):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 8, 3), colour, np.uint8)).save(path)


def frame(colour):
    return Frame(index=0, pixels=np.full((6, 8, 3), colour, np.uint8))


def loaded(folder, network=None):
    """Return a reader with its gallery, and how many pictures the network was shown besides the four it is known by."""
    network = network or Colours()
    made, before = reader(PIPELINE, network, CARD, gallery=str(folder)), network.seen
    made.load()
    return made, network.seen - before - 4


def test_the_nearest_are_found_with_their_kinds(gallery):
    made, shown = loaded(gallery)
    assert shown == 10
    (found,) = made.predict([frame((200, 40, 30))])
    assert [one.kind for one in found.nearest(3)] == ["red"] * 3
    assert found.nearest(1)[0].cosine == pytest.approx(1, abs=0.01)
    assert len(found.nearest(50)) == 10
    (gray,) = made.predict([frame((90, 90, 90))])
    assert (gray.nearest(1)[0].image, gray.nearest(1)[0].kind, gray.text) == ("loose.png", "", "loose.png 1.00")


def test_vectors_are_kept_and_only_what_changed_is_made_anew(gallery, home):
    loaded(gallery)
    assert loaded(gallery)[1] == 0
    picture(gallery / "red" / "9.png", (255, 0, 0))
    assert loaded(gallery)[1] == 1
    Image.fromarray(np.full((9, 9, 3), (0, 0, 255), np.uint8)).save(gallery / "red" / "0.png")
    made, shown = loaded(gallery)
    assert shown == 1
    assert "red/0.png" in [one.image for one in made.predict([frame((0, 0, 255))])[0].nearest(4)]
    (gallery / "red" / "0.png").unlink()
    made, shown = loaded(gallery)
    assert shown == 0
    assert "red/0.png" not in [one.image for one in made.predict([frame((0, 0, 255))])[0].nearest(20)]
    assert len(list((home / "galleries").glob("*.npz"))) == 1


def test_another_model_has_vectors_of_its_own(gallery):
    loaded(gallery)
    assert loaded(gallery, Colours(turn=1))[1] == 10
    assert loaded(gallery)[1] == 0  # those of the first are still there


def test_a_file_of_vectors_that_is_damaged_is_made_anew_and_said(gallery, home):
    loaded(gallery)
    (kept,) = (home / "galleries").glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:200])
    made, shown = loaded(gallery)
    assert shown == 10
    (source,) = made.open(str(gallery / "loose.png"), None)
    made.start(source)
    assert any("was damaged" in note for note in source.notes)
    assert loaded(gallery)[1] == 0


def test_pictures_that_cannot_be_read_are_left_out_and_said(gallery):
    (gallery / "red" / "half.png").write_bytes(b"<!doctype html>")
    made, _ = loaded(gallery)
    (source,) = made.open(str(gallery / "loose.png"), None)
    made.start(source)
    assert any("1 of 11 images in the gallery cannot be read: red/half.png" in note for note in source.notes)
    made.start(source)
    assert sum("cannot be read" in note for note in source.notes) == 1


def test_each_reason_is_said_of_its_own_pictures(gallery):
    for name, content in {"empty.png": b"", "page.png": b"<!doctype html>", "red/none.jpg": b""}.items():
        (gallery / name).write_bytes(content)
    made, _ = loaded(gallery)
    (source,) = made.open(str(gallery / "loose.png"), None)
    made.start(source)
    (note,) = source.notes
    assert "3 of 13 images in the gallery cannot be read: empty.png, red/none.jpg (" in note
    assert "; page.png (it is a web page" in note
    again, _ = loaded(gallery)
    (source,) = again.open(str(gallery / "loose.png"), None)
    again.start(source)
    assert source.notes == [note]


def nothing(root):
    return root / "nowhere"


def a_file(root):
    picture(root / "one.png", (1, 2, 3))
    return root / "one.png"


def empty(root):
    (root / "empty").mkdir()
    return root / "empty"


def broken(root):
    (root / "broken").mkdir()
    (root / "broken" / "a.png").write_bytes(b"")
    return root / "broken"


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (nothing, UsageError, "nowhere does not exist. Name a folder"),
        (a_file, UsageError, "is a file, not a folder"),
        (empty, DataError, "holds no images"),
        (broken, DataError, "No picture in --gallery .* can be read"),
    ],
)
def test_a_gallery_that_cannot_be_searched_is_refused(make, error, said, tmp_path):
    with pytest.raises(error, match=said):
        loaded(make(tmp_path))


def test_the_picture_is_drawn_with_the_nearest_below_it(gallery):
    made, _ = loaded(gallery)
    shown = frame((200, 40, 30))
    drawn = made.draw(shown, made.predict([shown])[0])
    assert drawn.shape == (360 + 4 + 92, 480, 3)
    np.testing.assert_array_equal(drawn[0, 0], (200, 40, 30))
    below = drawn[360 + 4 : 360 + 4 + 30]
    assert np.abs(below[:, 10].astype(int) - COLOURS["red"]).max() < 12
    alone = reader(PIPELINE, Colours(), CARD)
    alone.load()
    assert alone.predict([shown])[0].text == "a vector of 3 numbers"


def test_a_pipeline_without_a_model_looks_nothing_up(kzoo):
    code, _, err = kzoo("predict", "embedding", "x.png", "--gallery", ".")
    assert code == 2
    assert "needs a trained model" in err


def test_a_picture_is_told_by_its_vector_as_json(gallery):
    made, _ = loaded(gallery)
    answer = made.predict([frame((200, 40, 30))])[0].to_dict(2)
    assert json.loads(json.dumps(answer))["nearest"][0]["kind"] == "red"
    assert len(answer["nearest"]) == 2
