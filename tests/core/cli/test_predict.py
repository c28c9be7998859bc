"""``kzoo predict`` as a user types it, with a pipeline that needs no training and counts the frames of a source."""

import csv
import json
import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import pytest
from PIL import Image

import kzoo
from kzoo.cli import main, window
from kzoo.data.frames import Failure, Item, Source, camera
from kzoo.errors import KzooError, UsageError
from kzoo.inference import predicting
from kzoo.models.input_ranges import InputRanges, Watch
from kzoo.pipeline import (
    ClassPrediction,
    ImageClassReader,
    Pipeline,
    Reader,
    ValuePrediction,
    setting,
    settings,
)


class Bright(Reader):
    """Says whether a frame is bright, and how many frames of its source it has seen."""

    batch_size = 4

    def __init__(self, threshold, mirror):
        self.threshold, self.mirror = threshold, mirror
        self.batches, self.seen = [], {}

    def start(self, source):
        self.seen = {}

    def predict(self, frames):
        self.batches.append(len(frames))
        found = []
        for frame in frames:
            self.seen[frame.index] = True
            bright = int(frame.pixels.mean() > self.threshold)
            label = f"{('dark', 'bright')[bright]}{len(self.seen)}"
            found.append(ClassPrediction(label, bright, 0.75, {"dark": 0.75 - bright / 2, "bright": 0.25 + bright / 2}))
        return found


@settings
class BrightSettings:
    threshold: Annotated[float, setting("What is bright.", ge=0)] = 100.0
    mirror: Annotated[bool, setting("Whether frames are mirrored.")] = False


class Brightness(Pipeline):
    name = "brightness"
    reader_settings = BrightSettings
    made = None

    def reader(self, card, forward, settings):
        assert (card, forward) == ({}, None)
        Brightness.made = Bright(settings.threshold, settings.mirror)
        return Brightness.made


Brightness.__abstractmethods__ = frozenset()


@pytest.fixture(autouse=True)
def target(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = predicting.Predicting(Brightness(), None)
    monkeypatch.setattr(predicting, "find_predicting", lambda text, root=None, engine="", export=None: found)
    return found


def film(path, shades, rate=25.0):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, (160, 130))
    for shade in shades:
        writer.write(np.full((130, 160, 3), shade, np.uint8))
    writer.release()


def frames_of(path):
    capture = cv2.VideoCapture(str(path))
    found = []
    while (read := capture.read())[0]:
        found.append(read[1])
    return found


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        Image.new("RGB", (40, 30), (40 * number,) * 3).save(folder / f"{number}.png")
    (folder / "broken.jpg").write_bytes(b"nonsense")
    return folder


def csv_rows(path):
    with Path(path).open() as file:
        return list(csv.DictReader(file))


def lines(capsys):
    out, err = capsys.readouterr()
    return [json.loads(line) for line in out.splitlines()], err


def test_images_and_what_cannot_be_read(photos, capsys):
    assert main(["predict", "x", "photos", "--save", "out", "--csv", "all.csv", "--json", "--top", "1"]) == 1
    found, err = lines(capsys)
    assert [Path(line["image"]).name for line in found] == [*(f"{n}.png" for n in range(6)), "broken.jpg"]
    assert "broken.jpg" in found[-1]["error"]
    assert [line["index"] for line in found[:-1]] == [0, 0, 0, 1, 1, 1]
    assert len(found[0]["top"]) == 1
    assert "1 of 7 images could not be read" in err
    assert "a second" in err
    assert sorted(path.name for path in Path("out").iterdir()) == [f"{n}.png" for n in range(6)]
    rows = csv_rows("all.csv")
    assert [(row["class"], row["dark"]) for row in rows[2:4]] == [("dark3", "0.75"), ("bright4", "0.25")]
    assert Brightness.made.batches == [4, 2]


def test_a_table_of_images_named_one_by_one_is_predicted_in_batches(photos, capsys):
    assert main(["predict", "x", *(f"photos/{n}.png" for n in range(6))]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == ["IMAGE", "CLASS", "PROBABILITY", "NEXT"]
    assert len(out) == 7
    assert Brightness.made.batches == [4, 2]


def test_one_bad_source_does_not_end_the_others(photos, capsys, file_server):
    address = file_server((photos / "5.png").read_bytes())
    sources = ["nothing.png", "photos/1.png", f"{address}/big%20dog.png", "ftp://x/y", f"{address}/a.jpg"]
    assert main(["predict", "x", *sources, "--json", "--save", "out"]) == 1
    found, err = lines(capsys)
    assert [line["image"] for line in found] == [*sources[2::2], sources[0], sources[1], sources[3]]
    assert [line.get("class", "none") for line in found] == ["bright1", "bright2", "none", "dark1", "none"]
    assert "2 of 5 images could not be read" in err
    assert sorted(path.name for path in Path("out").iterdir()) == ["1.png", "a.jpg", "big dog.png"]
    assert main(["predict", "x", "nothing.png"]) == 1
    assert "`nothing.png` cannot be found" in capsys.readouterr().err


def test_behind_two_dashes_are_files_whatever_they_are_called(photos, capsys):
    for name in ("-a.png", "--threshold"):
        (photos / "1.png").rename(name)
        assert main(["predict", "x", "--json", "photos/0.png", "--", name]) == 0
        found, _ = lines(capsys)
        assert [line["image"] for line in found] == ["photos/0.png", name]
        Path(name).rename(photos / "1.png")
    assert main(["predict", "x", "-a.png"]) == 2
    assert "or behind `--`" not in capsys.readouterr().err
    for name in ("-dog.png", "-kat.png"):  # read as the options -d and -o, and -k
        (photos / "1.png").rename(name)
        assert main(["predict", "x", name]) == 2
        said = " ".join(capsys.readouterr().err.split())
        assert f"`{name}` is a file here: a name that begins with - is written as `./{name}`, or behind `--`." in said
        assert main(["predict", "x", f"./{name}"]) == 0
        Path(name).rename(photos / "1.png")


def test_pipes_and_circles_of_links_are_named_and_the_rest_is_saved(photos, capsys):
    os.mkfifo("photos/x.jpg")
    Path("photos/y.jpg").symlink_to("z.jpg")
    Path("photos/z.jpg").symlink_to("y.jpg")
    for source in ("photos", "photos/*"):
        assert main(["predict", "x", source, "--json", "--save", "out"]) == 1
        found, err = lines(capsys)
        errors = {Path(line["image"]).name: line["error"] for line in found if "error" in line}
        assert list(errors) == ["broken.jpg", "x.jpg", "y.jpg", "z.jpg"]
        assert "it is a named pipe, not a file" in errors["x.jpg"]
        assert "4 of 10 images could not be read" in err
        assert len(list(Path("out").iterdir())) == 6
    assert main(["predict", "x", "photos/x.jpg", "photos/y.jpg", "photos/0.png", "--json", "--save", "out"]) == 1
    found, _ = lines(capsys)
    assert [Path(line["image"]).name for line in found if "error" in line] == ["x.jpg", "y.jpg"]


class Doubted(ClassPrediction):
    doubts = ("It may be upside down.",)


def test_what_speaks_against_a_prediction_is_said_of_the_first_and_counted(photos, capsys, monkeypatch):
    plain = Bright.predict
    monkeypatch.setattr(Bright, "predict", lambda *it: [Doubted(one.label, one.index, 0.5) for one in plain(*it)])
    film("clip.mp4", [0] * 8)
    assert main(["predict", "x", "clip.mp4", "photos/1.png", "--json"]) == 0
    found, err = lines(capsys)
    assert [line["doubts"] for line in found] == [["It may be upside down."]] * 9
    assert err.count("It may be upside down.") == 5
    assert "warning: video clip.mp4, frame 0, time 0.0: It may be upside down." in err
    assert "speaks against 4 more of 9 predictions" in err
    monkeypatch.setattr(Bright, "predict", plain)
    assert main(["predict", "x", "photos/1.png", "--json"]) == 0
    found, err = lines(capsys)
    assert "doubts" not in found[0]
    assert "warning" not in err


def test_inputs_far_from_those_of_the_training_are_doubted(photos, capsys, monkeypatch):
    figures = ("brightness", "contrast", "detail", "brightness of the border", "colour")
    watch = Watch(InputRanges(figures, (0.0,) * 5, (0.4,) * 5))
    plain = Bright.predict

    def predict(self, frames):
        self.watch = watch
        for _ in range(2):  # as a reader that shows its network each of them mirrored as well
            watch(np.stack([frame.pixels for frame in frames]))
        return plain(self, frames)

    monkeypatch.setattr(Bright, "predict", predict)
    assert main(["predict", "x", *(f"photos/{n}.png" for n in range(6)), "--json"]) == 0
    found, _ = lines(capsys)
    # The shades are 0, 40, 80, 120, 160 and 200 of 255.
    assert ["doubts" in line for line in found] == [False, False, False, True, True, True]
    assert "brighter (0.627, and not 0 to 0.4)" in found[4]["doubts"][0]


def test_a_video_becomes_a_video(capsys):
    film("clip.mp4", [0] * 5 + [200] * 6)
    assert main(["predict", "x", "clip.mp4", "--save", "out.mp4", "--json"]) == 0
    found, err = lines(capsys)
    assert [line["frame"] for line in found] == list(range(11))
    assert [line["index"] for line in found] == [0] * 5 + [1] * 6
    assert found[5]["time"] == pytest.approx(0.2)
    assert found[5]["video"] == "clip.mp4"
    assert found[5]["latency_ms"] >= 0
    assert "Saved out.mp4" in err
    written = frames_of("out.mp4")
    assert len(written) == 11
    assert written[0].shape == (130, 160, 3)
    assert (written[0] > 180).any()  # white letters on a black frame
    assert np.abs(written[-1][-30:].astype(int) - 200).max() < 12


def test_parts_of_a_video_as_lines(capsys):
    film("clip.mp4", [0] * 20)
    assert (
        main(["predict", "x", "clip.mp4", "--every", "2", "--start", "0:00.2", "--end", "0.6", "--csv", "in/a.csv"])
        == 0
    )
    said = capsys.readouterr()
    assert "Wrote in/a.csv." in said.err
    out = said.out.splitlines()
    assert out[0].split() == ["VIDEO", "FRAME", "TIME", "CLASS", "PROBABILITY", "NEXT"]
    assert [line.split()[1] for line in out[1:]] == ["5", "7", "9", "11", "13"]
    assert [row["frame"] for row in csv_rows("in/a.csv")] == ["5", "7", "9", "11", "13"]


def test_state_starts_anew_with_every_source(photos, capsys):
    film("a.mp4", [0] * 3)
    film("b.mp4", [0] * 3)
    assert main(["predict", "x", "photos/0.png", "a.mp4", "b.mp4", "--json", "--csv", "all.csv"]) == 0
    assert [line["class"] for line in lines(capsys)[0]] == ["dark1", *("dark1", "dark2", "dark3") * 2]
    rows = csv_rows("all.csv")
    assert [(row["image"] != "", row["frame"]) for row in rows[:2]] == [(True, ""), (False, "0")]


def test_a_damaged_video_is_reported_and_the_rest_goes_on(capsys):
    film("a.mp4", [0] * 3)
    Path("b.mp4").write_bytes(Path("a.mp4").read_bytes()[:300])
    film("c.mp4", [0] * 3)
    assert main(["predict", "x", "*.mp4", "--json"]) == 1
    found, err = lines(capsys)
    assert [line.get("frame") for line in found] == [0, 1, 2, None, 0, 1, 2]
    assert found[3]["video"] == "b.mp4"
    assert "b.mp4 cannot be read as a video" in err


@pytest.mark.parametrize("given", [["-o", "threshold=150"], ["--threshold", "150"], ["--threshold=150", "--mirror"]])
def test_settings_of_the_pipeline(photos, capsys, given):
    assert main(["predict", "x", *given, "photos/3.png"]) == 0
    assert "dark" in capsys.readouterr().out
    assert (Brightness.made.threshold, Brightness.made.mirror) == (150, "--mirror" in given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--treshold", "3"], "Did you mean `--threshold`"),
        (["--tpo", "3"], "Did you mean `--top`"),
        (["-o", "roi=1"], "It has: threshold, mirror"),
        (["-x"], "no option `-x`"),
        (["--threshold"], "needs a value"),
        (["--mirror", "false"], "write `--no-mirror` or `--mirror=false`"),
        (["--start", "abc"], "is no time"),
        (["--start", "3", "--end", "2"], "`end` later"),
        (["--save", "out.mp4"], "one film"),
    ],
)
def test_wrong_usage(photos, capsys, given, words):
    assert main(["predict", "x", "photos/0.png", *given]) == 2
    assert words in capsys.readouterr().err


def test_the_target_comes_first(capsys):
    assert main(["predict", "--mirror", "x", "a.png"]) == 2
    assert "before `--mirror`" in capsys.readouterr().err


class Endless:
    """A camera that gives frames as fast as they are read."""

    def __init__(self):
        self.released = threading.Event()

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return True

    def get(self, name):
        return 10.0

    def read(self):
        return True, np.full((130, 160, 3), 7, np.uint8)

    def release(self):
        self.released.set()


def test_ctrl_c_ends_a_camera_and_its_film_is_whole(monkeypatch, capsys):
    device = Endless()
    monkeypatch.setattr(camera, "_open", lambda number: device)
    said = Bright.predict

    def fifth(self, frames):
        if len(self.batches) == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return said(self, frames)

    monkeypatch.setattr(Bright, "predict", fifth)
    assert main(["predict", "x", "0", "--save", "out.mp4", "--csv", "a.csv", "--json"]) == 0
    found, err = lines(capsys)
    assert len(found) == 5
    assert "Stopping" in err
    assert len(frames_of("out.mp4")) >= 1
    assert len(csv_rows("a.csv")) == 5
    assert set(Brightness.made.batches) == {1}
    assert device.released.is_set()


def test_a_camera_that_is_not_there(capsys):
    assert main(["predict", "x", "98"]) == 1
    assert "camera 98 cannot be opened" in capsys.readouterr().err
    assert main(["predict", "x", "98", "--json"]) == 1
    assert lines(capsys)[0][0]["camera"] == "98"


def test_show_without_a_screen_or_windows(photos, monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(window.sys, "platform", "linux")
    assert main(["predict", "x", "photos/0.png", "--show"]) == 2
    assert "--save OUT" in capsys.readouterr().err
    monkeypatch.setenv("DISPLAY", ":0")

    class Headless:
        WINDOW_NORMAL = 0

        def namedWindow(self, *args):  # noqa: N802 - OpenCV's name
            raise cv2.error

    with pytest.raises(UsageError, match="pip install opencv-python"):
        window.Window("x", Headless())


def test_a_window_is_shown_until_q(photos, monkeypatch):
    class Screen:
        WINDOW_NORMAL = COLOR_RGB2BGR = WND_PROP_VISIBLE = 0
        namedWindow = imshow = destroyAllWindows = lambda *args: None  # noqa: N815
        cvtColor = staticmethod(lambda pixels, code: pixels)  # noqa: N815
        getWindowProperty = staticmethod(lambda title, name: 1)  # noqa: N815
        keys = iter([-1, ord("x"), ord("q")])

        def waitKey(self, delay):  # noqa: N802 - OpenCV's name
            return next(self.keys)

    monkeypatch.setenv("DISPLAY", ":0")
    shown = window.Window("x", Screen())
    monkeypatch.setattr(window, "Window", lambda title, instead: shown)
    film("a.mp4", [0] * 10)
    assert main(["predict", "x", "a.mp4", "--show"]) == 0
    assert Brightness.made.batches == [4]


def test_reader_goes_away_in_the_middle_and_the_film_is_whole(monkeypatch, capsys):
    from kzoo.cli import output

    film("a.mp4", [0] * 10)
    calls = iter(range(100))
    show = output.show

    def broken(text="", *, flush=False):
        if next(calls) == 3:
            raise BrokenPipeError
        show(text)

    monkeypatch.setattr(output, "show", broken)
    monkeypatch.setattr("kzoo.streams.silence", lambda stream: None)
    assert main(["predict", "x", "a.mp4", "--save", "out.mp4"]) == 141
    assert len(frames_of("out.mp4")) == 2


class Rows(Source):
    def __iter__(self):
        yield Row(index=0)
        yield Failure(index=1, error="line 2 is no number")
        yield Row(index=2)


class Row(Item):
    def columns(self):
        return {"row": self.index}


def test_inputs_that_are_no_pictures(monkeypatch, capsys):
    class Table(Reader):
        def open(self, text, part):
            return [Rows(text, "table", part)]

        def predict(self, items):
            return [ValuePrediction({"y": float(row.index)}) for row in items]

    monkeypatch.setattr(Brightness, "reader", lambda self, card, forward, settings: Table())
    assert main(["predict", "x", "a.csv", "--csv", "out.csv"]) == 1
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [["ROW", "y"], ["0", "0"], ["2", "2"]]
    assert Path("out.csv").read_text() == "row,y\n0,0.0\n2,2.0\n"
    assert main(["predict", "x", "a.csv", "--save", "out"]) == 2
    assert "a table has none" in capsys.readouterr().err


def test_from_python(photos):
    found = list(kzoo.predict("x", photos, threshold=150, max_frames=5, every=2))
    assert [(item.index, said.label) for item, said in found[:3]] == [(0, "dark1"), (2, "dark2"), (4, "bright3")]
    with pytest.raises(UsageError, match="no setting `treshold`"):
        kzoo.predict("x", photos, treshold=1)


def test_a_pipeline_that_needs_training_says_so(monkeypatch):
    monkeypatch.undo()
    asked = predicting.find_predicting("mnist")
    assert asked.saved is None
    with pytest.raises(UsageError, match=r"kzoo run mnist"):
        asked.reader()
    with pytest.raises(UsageError, match=r"has no setting `roi`\. It has: prepare"):
        asked.reader({"roi": 1})


def test_a_model_is_asked_in_batches_and_must_answer_for_every_frame(photos, monkeypatch):
    asked = []

    def forward(x):
        asked.append(x.shape)
        return np.tile([0.25, 0.75], (len(x), 1))

    card = {"input_shape": [8, 8, 3], "class_names": ["no", "yes"]}
    forward.model = None
    monkeypatch.setattr(Brightness, "reader", lambda *_: ImageClassReader(card, forward))
    assert [said.label for _, said in kzoo.predict("x", photos) if said] == ["yes"] * 6
    assert asked == [(6, 8, 8, 3)]
    monkeypatch.setattr(ImageClassReader, "predict", lambda self, frames: [])
    with pytest.raises(KzooError, match="0 predictions for 6 inputs"):
        list(kzoo.predict("x", photos))


def test_a_name_that_a_spreadsheet_would_run_is_quoted_in_the_csv_file(photos, capsys):
    Path("photos/0.png").rename("=cmd.png")
    assert main(["predict", "x", "=cmd.png", "--csv", "all.csv"]) == 0
    [row] = csv_rows("all.csv")
    assert (row["image"], row["dark"]) == ("'=cmd.png", "0.75")
