"""Image files as a source: every odd one is read, or refused by name and reason, and the rest go on."""

import zlib

import numpy as np
import pytest
from PIL import Image

from kzoo.data.frames import Failure, Frame, Part, open_sources
from kzoo.data.frames.pictures import ImageSource

READ = {
    "Cat1018.png": (1223, 1000),
    "Cat1035.png": (450, 800),
    "cat.111.jpg": (356, 299),
    "cat.4577.jpg": (106, 59),
    "cat.4629.jpg": (75, 99),
    "cat.664.jpg": (199, 75),
    "dog.123.jpg": (374, 500),
    "dog.630.jpg": (50, 73),
    "made_cmyk.jpg": (337, 499),
    "made_rgba.png": (337, 499),
    "not_a_pet_gray_coco_000000000086.jpg": (640, 512),
}
REFUSED = {
    "made_empty.jpg": "the file is empty",
    "made_html_named.jpg": "it is a web page, not an image: its download failed",
    "made_truncated_half.jpg": "it is cut off",
}


def account(source):
    """Return the shapes of what was read, and the reasons of what was not, by name."""
    items = list(source)
    shapes = {item.path.name: item.pixels.shape for item in items if isinstance(item, Frame)}
    assert all(item.pixels.dtype == np.uint8 and item.time is None for item in items if isinstance(item, Frame))
    reasons = {item.path.name: item.error for item in items if isinstance(item, Failure)}
    assert len(shapes) + len(reasons) == len(items)
    return shapes, reasons


def test_every_real_odd_image_is_accounted_for(real_data):
    (source,) = open_sources(real_data / "odd_images")
    shapes, reasons = account(source)
    assert shapes == {name: (*shape, 3) for name, shape in READ.items()}
    assert reasons.keys() == REFUSED.keys()
    for name, reason in REFUSED.items():
        assert name in reasons[name]
        assert reason in reasons[name]


def png_that_claims(width, height):
    """Return a PNG of a few bytes whose header claims any size."""

    def chunk(kind, data):
        whole = kind + data
        return len(data).to_bytes(4, "big") + whole + zlib.crc32(whole).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_every_made_odd_image_is_accounted_for(tmp_path):
    colors = Image.fromarray(np.full((20, 30, 3), (200, 30, 40), np.uint8))
    colors.convert("CMYK").save(tmp_path / "cmyk.jpg")
    colors.convert("RGBA").save(tmp_path / "rgba.png")
    colors.convert("P").save(tmp_path / "palette.png")
    colors.convert("L").save(tmp_path / "gray.png")
    colors.save(tmp_path / "webp.png", format="WEBP")
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    colors.save(tmp_path / "turned.jpg", exif=exif)
    frames = [Image.fromarray(np.full((8, 9), shade, np.uint8)) for shade in (0, 100, 200)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:], duration=40)
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    colors.save(tmp_path / "whole.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:300])
    (tmp_path / "page.jpg").write_bytes(b"<!DOCTYPE html><html>404</html>")
    (tmp_path / "empty.png").touch()
    (tmp_path / "bomb.png").write_bytes(png_that_claims(50_000, 50_000))
    (tmp_path / "large.png").write_bytes(png_that_claims(10_000, 9_000))
    (source,) = open_sources(tmp_path)
    shapes, reasons = account(source)
    assert shapes == {
        "cmyk.jpg": (20, 30, 3),
        "rgba.png": (20, 30, 3),
        "palette.png": (20, 30, 3),
        "gray.png": (20, 30, 3),
        "webp.png": (20, 30, 3),
        "turned.jpg": (30, 20, 3),
        "moving.gif": (8, 9, 3),
        "one.png": (1, 1, 3),
        "whole.jpg": (20, 30, 3),
    }
    assert reasons.keys() == {"half.jpg", "page.jpg", "empty.png", "bomb.png", "large.png"}
    for name, words in {"half": "", "page": "web page", "empty": "empty", "bomb": "limit", "large": "limit"}.items():
        (found,) = [text for path, text in reasons.items() if path.startswith(name)]
        assert words in found


def test_order_and_part(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(20)]
    for number, path in enumerate(paths):
        Image.new("RGB", (2, 2), (number, 0, 0)).save(path)
    paths.insert(3, tmp_path / "missing.png")
    items = list(ImageSource(paths, Part(every=3, max_frames=5)))
    assert [item.index for item in items] == [0, 3, 6, 9, 12]
    assert isinstance(items[1], Failure)
    assert "missing.png" in items[1].error
    assert [item.pixels[0, 0, 0] for item in items if isinstance(item, Frame)] == [0, 5, 8, 11]


def test_times_of_images_are_not_ignored_in_silence(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    source = ImageSource([tmp_path / "a.png"], Part(start=3))
    assert len(list(source)) == 1
    assert "start and end" in source.notes[0]


def test_a_closed_source_ends(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    source = ImageSource([tmp_path / "a.png"] * 10)
    assert len([source.close() for _ in source]) == 1


@pytest.mark.parametrize("paths", [[]])
def test_nothing_is_nothing(paths):
    assert list(ImageSource(paths)) == []
