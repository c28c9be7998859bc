"""``kzoo capture`` as a user types it: frames of a film into the folders that training reads."""

import cv2
import numpy as np
import pytest
from PIL import Image

from kzoo.cli import main


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "hand.mp4"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 48))
    for number in range(20):
        frame = np.zeros((48, 64, 3), np.uint8)
        frame[:, :32] = 10 * number
        writer.write(frame)
    writer.release()
    return path


def test_frames_go_to_the_folder_of_their_label(film, tmp_path, capsys):
    folder = tmp_path / "data"
    assert main(["capture", "fingers", "--label", "3", str(film), "--to", str(folder), "--every", "5"]) == 0
    assert len(list((folder / "3").glob("*.jpg"))) == 4
    said = capsys.readouterr()
    assert "4 pictures" in said.out
    assert "as `3`" in said.err


def test_a_second_recording_adds_to_the_first(film, tmp_path, capsys):
    command = ["capture", "fingers", "--label", "none", str(film), "--to", str(tmp_path / "data"), "--max-frames", "3"]
    assert main(command) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "data" / "none").iterdir()}
    assert main(command) == 0
    after = sorted((tmp_path / "data" / "none").iterdir())
    assert len(after) == 6
    assert all(path.read_bytes() == content for path, content in before.items())
    assert "now holds 6" in capsys.readouterr().out


@pytest.mark.parametrize("place", [1, 3])
def test_only_the_region_is_kept_as_predict_would_see_it(film, tmp_path, place):
    command = ["fingers", "--label=1", str(film), "--to", str(tmp_path), "--start", "1.5", "--max-frames", "1"]
    command[place:place] = ["--roi", "32,0,32,40", "--mirror"]
    assert main(["capture", *command]) == 0
    (path,) = (tmp_path / "1").iterdir()
    pixels = np.asarray(Image.open(path))
    assert pixels.shape == (40, 32, 3)
    assert pixels.mean() > 100  # mirrored, the bright left half is at the right


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["fingers", "--label", "6"], "none, 0, 1, 2, 3, 4, 5"),
        (["regression", "--label", "3"], "no labelled pictures"),
        (["fingers", "--label", "3", "--roi", "1,2"], "x,y,w,h"),
        (["fingers", "--label", "3", "-o", "zoom=2"], "no setting `zoom`"),
        (["mnist", "--label", "3", "--roi", "0,0,9,9"], "no option `--roi`"),
        (["fingers", "--label", "3", "--rio", "0,0,9,9"], "Did you mean `--roi`"),
        (["fingers", "--label", "3", "--roi"], "none is named"),
        (["fingers", "--label", "3", "another.mp4"], "not `another.mp4` and `"),
        (["--mirror", "fingers", "--label", "3"], "Name the pipeline before `--mirror`"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(film, tmp_path, capsys, arguments, what):
    assert main(["capture", *arguments, str(film), "--to", str(tmp_path / "data")]) == 2
    assert what in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "data").exists()


def test_a_source_without_frames_is_a_failure(tmp_path, capsys):
    (tmp_path / "no.mp4").write_bytes(b"no film")
    assert main(["capture", "fingers", "--label", "3", str(tmp_path / "no.mp4"), "--to", str(tmp_path / "data")]) == 1
    assert "cannot be read as a video" in capsys.readouterr().err
