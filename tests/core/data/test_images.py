"""Image files: every kind that people have becomes the same kind of array, or one line says why not."""

import io
import os
import random
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from kzoo.data import decoding
from kzoo.data.images import IMAGE_SUFFIXES, UnreadableImageError, expand, find_images, read_image, read_image_folder
from kzoo.errors import DataError

# A picture whose four corners differ, large enough that JPEG keeps them apart.
CORNERS = np.zeros((32, 48, 3), np.uint8)
CORNERS[:16, :24] = (200, 30, 40)
CORNERS[:16, 24:] = (20, 180, 60)
CORNERS[16:, :24] = (30, 40, 220)
CORNERS[16:, 24:] = (240, 230, 20)


def saved(path, image=CORNERS, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".ppm", ".tif", ".webp"])
def test_lossless_formats_give_the_pixels_that_were_saved(tmp_path, suffix):
    options = {"lossless": True} if suffix == ".webp" else {}
    array = read_image(saved(tmp_path / f"a{suffix}", **options))
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, CORNERS)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright(tmp_path, orientation):
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.jpg", np.ascontiguousarray(turns[orientation](CORNERS)), exif=exif, quality=95)
    array = read_image(path)
    assert array.shape == CORNERS.shape
    assert np.abs(array[4:-4:8, 4:-4:8].astype(int) - CORNERS[4:-4:8, 4:-4:8]).max() < 30
    small = read_image(path, size=(16, 24))
    assert np.abs(small[2:-2:4, 2:-2:4].astype(int) - CORNERS[4:-4:8, 4:-4:8]).max() < 30


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_data_does_not_stop_a_good_image(tmp_path):
    path = saved(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff garbage")
    assert read_image(path).shape == CORNERS.shape


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_other_modes_equal_what_pillow_makes_of_them(tmp_path, mode):
    suffix = "jpg" if mode in ("CMYK", "YCbCr") else "png"
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(CORNERS).convert(mode))
    with Image.open(path) as image:
        np.testing.assert_array_equal(read_image(path), np.asarray(image.convert("RGB")))
        np.testing.assert_array_equal(read_image(path, mode="L")[..., 0], np.asarray(image.convert("L")))


def test_gray_has_one_channel(tmp_path):
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = saved(tmp_path / "a.png", gray)
    np.testing.assert_array_equal(read_image(path, mode="L"), gray[..., None])
    np.testing.assert_array_equal(read_image(path), np.repeat(gray[..., None], 3, axis=2))


@pytest.mark.parametrize("kind", ["RGBA", "LA", "palette"])
def test_transparent_parts_become_white(tmp_path, kind):
    if kind == "palette":
        image = Image.fromarray(np.repeat(np.array([[0, 1]], np.uint8), 2, axis=0), "P")
        image.putpalette([0, 0, 0, 10, 20, 30])
        path = saved(tmp_path / "a.png", image, transparency=0)
        expected = [(255, 255, 255), (10, 20, 30)]
    else:
        pixels = {"RGBA": [(0, 0, 0, 0), (10, 20, 30, 255)], "LA": [(0, 0), (20, 255)]}[kind]
        path = saved(tmp_path / "a.png", np.array([pixels, pixels], np.uint8))
        expected = [(255, 255, 255), (10, 20, 30) if kind == "RGBA" else (20, 20, 20)]
    np.testing.assert_array_equal(read_image(path), [expected, expected])


def test_half_transparent_is_half_white(tmp_path):
    path = saved(tmp_path / "a.png", np.array([[(0, 0, 0, 128)]], np.uint8))
    assert read_image(path)[0, 0].tolist() == [127, 127, 127]


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path, suffix):
    deep = np.array([[0, 257, 25_700], [32_768, 65_278, 65_535]], np.uint16)
    path = saved(tmp_path / f"a.{suffix}", deep)
    np.testing.assert_array_equal(read_image(path, mode="L")[..., 0], [[0, 1, 100], [128, 254, 255]])


def test_pixels_without_a_known_white_are_refused(tmp_path):
    path = saved(tmp_path / "a.tif", np.array([[0.5]], np.float32))
    with pytest.raises(DataError, match="32-bit numbers"):
        read_image(path)


def test_the_first_frame_of_an_animation_counts(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for suffix, options in (("gif", {}), ("webp", {"lossless": True})):
        path = saved(tmp_path / f"a.{suffix}", frames[0], save_all=True, append_images=frames[1:], **options)
        assert read_image(path)[0, 0].tolist() == [255, 0, 0]


def test_the_content_decides_not_the_name(tmp_path):
    path = saved(tmp_path / "a.webp", lossless=True).rename(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(path), CORNERS)


@pytest.mark.parametrize("factor", [2, 8])
def test_making_smaller_averages(tmp_path, factor):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    small = read_image(saved(tmp_path / "a.png", noise), size=(64 // factor, 64 // factor))
    assert small.shape == (64 // factor, 64 // factor, 3)
    block_means = noise.reshape(64 // factor, factor, 64 // factor, factor, 3).mean(axis=(1, 3))
    assert np.corrcoef(small.ravel(), block_means.ravel())[0, 1] > 0.8  # taking every n-th pixel gives 1/n


def test_a_large_photo_made_smaller_equals_pillow_s_slow_way(tmp_path):
    y, x = np.mgrid[:600, :900]
    photo = np.stack([x % 256, y % 256, (x + y) // 8 % 256], axis=2).astype(np.uint8)
    photo = np.asarray(Image.fromarray(photo).resize((900, 600)).convert("RGB"))
    path = saved(tmp_path / "a.jpg", photo, quality=92)
    with Image.open(path) as image:
        slow = np.asarray(image.resize((45, 30), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(read_image(path, size=(30, 45)).astype(int) - slow).mean() < 2


def test_size_is_height_then_width(tmp_path):
    assert read_image(saved(tmp_path / "a.png"), size=(10, 70)).shape == (10, 70, 3)
    assert read_image(saved(tmp_path / "a.png"), size=(10, 70), mode="L").shape == (10, 70, 1)


def cut_off(image_format):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, image_format)
    return buffer.getvalue()[: len(buffer.getvalue()) // 2]


def huge_png():
    """Return a PNG of a hundred bytes that claims 60,000 x 60,000 pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n<!DOCTYPE html><p>Not found", "it is a web page"),
        (b"<HTML>", "it is a web page"),
        (b"<?xml version='1.0'?><svg>", "it is XML"),
        (b"%PDF-1.7", "it is a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is a PostScript document"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "it is an AVIF photo, and damaged or cut off"),
        (b"/* XPM */\nstatic char *x[] = {", "none of the image formats that are read"),
        (b"PK\x03\x04 and so on", "it is a zip archive"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "it is a HEIF photo, and damaged or cut off"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer"),
        (random.Random(0).randbytes(500), "its content is none of the image formats"),
        (cut_off("JPEG"), "it is cut off"),
        (cut_off("PNG"), "it is cut off"),
        (cut_off("BMP"), "it is cut off"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 30, "cannot be read as an image: "),
        (huge_png(), "more pixels than the limit of 80,000,000"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, content, reason):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"{path} cannot be read as an image: ")
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match=reason) as in_memory:
        decoding.decode_image(content, str(path))
    assert str(in_memory.value) == str(caught.value)


@pytest.mark.parametrize("suffix", [".avif", ".heic", ".ico", ".j2k", ".jp2", ".tga"])
def test_what_phones_and_older_programs_write_is_read_in_folders_too(tmp_path, suffix):
    pillow_heif.register_heif_opener()
    shade = Image.new("RGB", (32, 48), (200, 100, 50))
    shade.save(tmp_path / f"a{suffix.upper()}", format="HEIF" if suffix == ".heic" else None)
    (path,) = find_images(tmp_path)
    pixels = read_image(path)
    assert pixels.shape[2] == 3
    assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 4
    shutil.copy(path, tmp_path / "b.jpg")  # what a file is, its content says; that of TGA says nothing
    if suffix == ".tga":
        with pytest.raises(DataError, match="none of the image formats"):
            read_image(tmp_path / "b.jpg")
    else:
        np.testing.assert_array_equal(read_image(tmp_path / "b.jpg"), pixels)


@pytest.mark.parametrize("suffix", [".avif", ".heic"])
def test_a_photo_turned_by_a_phone_is_upright(tmp_path, suffix):
    halves = np.zeros((32, 48, 3), np.uint8)
    halves[:16] = 255
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by 90 degrees, to the right
    if suffix == ".heic":  # phones write the turn into the file's own structure, and EXIF says what it was
        pillow_heif.from_pillow(Image.fromarray(halves)).save(tmp_path / "a.heic", exif=turned.tobytes())
    else:
        Image.fromarray(halves).save(tmp_path / "a.avif", exif=turned)
    pixels = read_image(tmp_path / f"a{suffix}")
    assert pixels.shape == (48, 32, 3)
    assert pixels[:, -8:].min() > 240
    assert pixels[:, :8].max() < 15


@pytest.mark.long
def test_without_what_reads_them_photos_of_phones_are_counted_and_named(tmp_path):
    """In a process of its own, in which there is no pillow-heif and no AVIF in Pillow."""
    for name in ("a/1.png", "b/1.png", "a/2.heic", "b/2.HEIC", "a/3.avif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
        shutil.copy(tmp_path / "x.png", tmp_path / name)
    (tmp_path / "x.png").unlink()
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    program = f"""if True:
        import importlib.util, sys
        from pathlib import Path
        from PIL import features
        features.check = lambda name: False
        known = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *more: None if name == "pillow_heif" else known(name, *more)
        from kzoo.data.images import read_image, read_image_folder
        print(read_image_folder(Path({str(tmp_path)!r}), size=(2, 2), whole=True).notes[0])
        try:
            read_image(Path({str(tmp_path / "photo.heic")!r}))
        except Exception as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    note, refused = done.stdout.splitlines()
    assert "4 file(s)" in note
    assert "3 .heic (photo.heic, a/2.heic, b/2.HEIC), 1 .avif (a/3.avif)" in note
    assert '`pip install "kzoo[heif]"` lets kzoo read HEIC. Pictures of other formats can be saved as JPEG' in note
    assert 'it is a HEIF photo, which is not read here; `pip install "kzoo[heif]"` reads it; or' in refused


@pytest.mark.parametrize("form", ["PCX", "TGA", "EPS"])
def test_only_the_formats_that_are_named_are_read_whatever_the_file_is_called(tmp_path, form):
    path = saved(tmp_path / "photo.jpg", format=form)
    with pytest.raises(DataError, match=r"none of the image formats that are read|it is a PostScript document"):
        read_image(path)


def test_the_limit_on_pixels_is_kept_below_that_of_pillow(tmp_path, monkeypatch):
    assert decoding.MAX_PIXELS < Image.MAX_IMAGE_PIXELS
    monkeypatch.setattr(decoding, "MAX_PIXELS", 1000)
    with pytest.raises(DataError, match="it has 48 x 32 pixels, more than the limit of 1,000"):
        read_image(saved(tmp_path / "a.png"))


def test_a_missing_file_and_a_folder_are_said_so(tmp_path):
    with pytest.raises(UnreadableImageError, match="no such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(UnreadableImageError, match="is a directory"):
        read_image(tmp_path)


def test_a_file_in_memory_is_read_as_one_on_the_disk(tmp_path):
    path = saved(tmp_path / "a.png")
    np.testing.assert_array_equal(decoding.decode_image(path.read_bytes(), "a.png"), read_image(path))


def test_real_odd_files_are_read_or_refused(real_data):
    refused = {}
    for path in (real_data / "odd_images").iterdir():
        try:
            array = read_image(path)
        except DataError as error:
            refused[path.name] = str(error)
        else:
            assert array.dtype == np.uint8
            assert array.shape[2] == 3
    assert sorted(refused) == ["made_empty.jpg", "made_html_named.jpg", "made_truncated_half.jpg"]


def test_images_are_found_at_any_depth_in_order(tmp_path):
    names = ["b.JPG", "a/2.png", "a/10.webp", "a/deep/er/x.tiff"]
    others = ["notes.txt", ".hidden.png", "a/._2.png", "__MACOSX/a.png", ".git/a.png", "Thumbs.db"]
    for name in names + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert found == ["a/10.webp", "a/2.png", "a/deep/er/x.tiff", "b.JPG"]
    assert all(suffix == suffix.lower() for suffix in IMAGE_SUFFIXES)


def test_a_source_is_a_file_a_folder_or_a_pattern(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.png", "a.png", "c.txt", "sub/d.jpg", "odd[1].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert expand("c.txt") == [Path("c.txt")]
    assert expand("odd[1].png") == [Path("odd[1].png")]
    assert expand(".") == [Path("a.png"), Path("b.png"), Path("odd[1].png"), Path("sub/d.jpg")]
    assert expand(f"{tmp_path}/[ab].png") == [tmp_path / "a.png", tmp_path / "b.png"]
    assert expand("**/*.jpg") == [Path("sub/d.jpg")]
    assert expand("?.*") == [Path("a.png"), Path("b.png")]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("none.png", "cannot be found"),
        ("*.gif", "matches nothing"),
        ("*.txt", r"matches 1 file\(s\), but none is named like images"),
        ("empty", "holds no images"),
    ],
)
def test_a_source_of_nothing_is_an_error(tmp_path, monkeypatch, source, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=reason):
        expand(source)


def class_folder(root, counts, start=0):
    """Write plain gray images, each of its own brightness, for each class."""
    for index, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            value = start + 40 * index + number
            saved(root / name / f"{number:03}.png", np.full((9, 7), value, np.uint8))
    return root


def test_splits_are_read_in_order_with_sorted_classes(tmp_path):
    class_folder(tmp_path / "train", {"dog": 3, "cat": 2})
    class_folder(tmp_path / "val", {"cat": 1, "dog": 1}, start=100)
    class_folder(tmp_path / "Test", {"cat": 2, "dog": 2}, start=200)
    data = read_image_folder(tmp_path, size=(4, 6), mode="L")
    assert data.class_names == ("cat", "dog")
    assert data.train.x.shape == (5, 4, 6, 1)
    assert data.train.x.dtype == np.uint8
    assert data.train.x[:, 0, 0, 0].tolist() == [40, 41, 0, 1, 2]
    assert data.train.y.tolist() == [0, 0, 1, 1, 1]
    assert data.train.y.dtype == np.int64
    assert data.validation.x[:, 0, 0, 0].tolist() == [100, 140]
    assert data.test.x[:, 0, 0, 0].tolist() == [200, 201, 240, 241]
    assert data.description == f"5 train, 2 validation, 4 test images of 2 classes from {tmp_path.name} at 4x6 L"
    assert data.location == str(tmp_path)
    assert read_image_folder(tmp_path, size=(4, 6)).test.x.shape == (4, 4, 6, 3)


def test_without_a_test_split_a_fifth_of_each_class_is_kept(tmp_path):
    class_folder(tmp_path, {"a": 20, "b": 10, "c": 2})
    data = read_image_folder(tmp_path, size=(2, 2), mode="L")
    again = read_image_folder(tmp_path, size=(2, 2), mode="L")
    assert np.bincount(data.test.y).tolist() == [4, 2, 1]
    assert np.bincount(data.train.y).tolist() == [16, 8, 1]
    values = np.concatenate([data.train.x[:, 0, 0, 0], data.test.x[:, 0, 0, 0]])
    assert len(set(values.tolist())) == 32  # no image is in both
    assert data.test.digest() == again.test.digest()
    assert data.test.x[:4, 0, 0, 0].tolist() != [0, 1, 2, 3]  # drawn, not the first ones
    assert data.description.endswith("20% of each class kept for the test")


def test_a_validation_split_does_not_replace_the_test(tmp_path):
    class_folder(tmp_path / "train", {"a": 5, "b": 5})
    class_folder(tmp_path / "valid", {"a": 1, "b": 1})
    data = read_image_folder(tmp_path, size=(2, 2))
    assert (len(data.train), len(data.validation), len(data.test)) == (8, 2, 2)


@pytest.mark.parametrize(
    ("layout", "reason"),
    [
        ({}, "holds no folders"),
        ({"a": 1}, "holds only the folder `a`"),
        ({"set/a": 2, "set/b": 2}, "Did you mean .*set"),
        ({"a": 2, "b": 0}, "class folder .*b holds no images"),
        ({"a": 5, "b": 1}, "class `b` .* has a single image"),
        ({"test/a": 1, "test/b": 1}, "has `test` but no `train`"),
        ({"train/a": 1, "train/b": 1, "test/a": 1, "test/c": 1}, "lacks `b` and has `c` besides"),
        ({"train/a": 1, "train/b": 1, "test/a": 1}, "lacks `b`"),
        ({"train/a": 1, "train/b": 1, "test/a": 1, "test/b": 0}, "test/b holds no images"),
        ({"train/a": 1, "train/b": 1, "val/a": 1, "valid/a": 1}, "both `val` and `valid`"),
    ],
)
def test_a_folder_laid_out_otherwise_is_refused(tmp_path, layout, reason):
    class_folder(tmp_path, layout)
    with pytest.raises(DataError, match=reason):
        read_image_folder(tmp_path, size=(2, 2))


def test_a_root_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        read_image_folder(tmp_path / "none", size=(2, 2))


def test_unreadable_files_are_all_named_at_once(tmp_path):
    class_folder(tmp_path / "train", {"a": 3, "b": 3})
    class_folder(tmp_path / "test", {"a": 1, "b": 1})
    (tmp_path / "train" / "a" / "000.png").write_bytes(b"")
    (tmp_path / "test" / "b" / "000.png").write_bytes(b"<html>")
    with pytest.raises(DataError) as caught:
        read_image_folder(tmp_path, size=(2, 2))
    message = str(caught.value)
    assert message.startswith("2 of 8 images in ")
    assert f"{Path('train/a/000.png')}: the file is empty." in message
    assert f"{Path('test/b/000.png')}: it is a web page" in message


def test_many_unreadable_files_are_counted(tmp_path):
    class_folder(tmp_path, {"a": 2, "b": 2})
    for number in range(30):
        (tmp_path / "a" / f"bad{number:02}.jpg").touch()
    with pytest.raises(DataError, match=r"30 of 34 images .*bad00\.jpg.*bad19\.jpg: the file is empty; and 10 more"):
        read_image_folder(tmp_path, size=(2, 2))


def test_real_photos_are_read(real_data, tmp_path):
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            for path in find_images(real_data / "cats_vs_dogs" / split / name)[:10]:
                shutil.copy(path, folder)
    data = read_image_folder(tmp_path, size=(24, 24))
    assert data.class_names == ("cat", "dog")
    assert data.train.x.shape == (20, 24, 24, 3)
    first = find_images(tmp_path / "train" / "cat")[0]
    with Image.open(first) as image:
        mean = np.asarray(image).mean()
    assert abs(data.train.x[0].mean() - mean) < 2


def test_a_folder_of_hands_is_read_whole(real_data):
    data = read_image_folder(real_data / "fingers", size=(16, 16), mode="L")
    assert data.class_names == tuple("012345")
    assert (len(data.train), len(data.test)) == (986, 251)


def test_new_images_are_measured_as_a_whole(tmp_path):
    class_folder(tmp_path, {"a": 6, "b": 4})
    data = read_image_folder(tmp_path, size=(2, 2), mode="L", whole=True)
    assert (len(data.train), data.validation, len(data.test)) == (0, None, 10)
    assert data.test.x[:, 0, 0, 0].tolist() == [*range(6), *range(40, 44)]
    assert data.test.y.tolist() == [0] * 6 + [1] * 4
    assert data.description == f"10 test images of 2 classes from {tmp_path.name} at 2x2 L"


def test_measured_as_a_whole_are_the_images_that_are_said_to_be_for_testing(tmp_path):
    class_folder(tmp_path / "train", {"a": 3, "b": 3})
    class_folder(tmp_path / "val", {"a": 1, "b": 1}, start=100)
    without = read_image_folder(tmp_path, size=(2, 2), mode="L", whole=True)
    assert without.test.x[:, 0, 0, 0].tolist() == [0, 1, 2, 40, 41, 42, 100, 140]
    class_folder(tmp_path / "test", {"a": 1, "b": 1}, start=200)
    data = read_image_folder(tmp_path, size=(2, 2), mode="L", whole=True)
    assert data.test.x[:, 0, 0, 0].tolist() == [200, 240]
    assert data.declares_test
    shutil.rmtree(tmp_path / "train")
    shutil.rmtree(tmp_path / "val")
    alone = read_image_folder(tmp_path, size=(2, 2), mode="L", whole=True)
    assert alone.test.digest() == data.test.digest()


def test_one_image_of_a_class_is_enough_to_measure_on(tmp_path):
    class_folder(tmp_path, {"a": 1, "b": 1})
    assert len(read_image_folder(tmp_path, size=(2, 2), whole=True).test) == 2
    (tmp_path / "a" / "broken.png").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="broken"):
        read_image_folder(tmp_path, size=(2, 2), whole=True)
    skipped = read_image_folder(tmp_path, size=(2, 2), whole=True, unreadable="skip")
    assert len(skipped.test) == 2
    assert "broken.png" in skipped.notes[0]


def test_a_test_folder_of_one_class_is_refused_with_the_reason(tmp_path):
    class_folder(tmp_path / "test", {"a": 2})
    with pytest.raises(DataError, match=r"test holds only the folder `a`.*at least two classes"):
        read_image_folder(tmp_path, size=(2, 2), whole=True)


def test_class_folders_and_files_whose_names_are_no_utf8(tmp_path):
    for folder in (b"b", b"caf\xe9"):
        place = tmp_path / os.fsdecode(folder)
        place.mkdir()
        for number in range(6):
            with (place / os.fsdecode(b"x\xff%d.png" % number)).open("wb") as file:
                Image.new("L", (4, 4)).save(file, "PNG")
    found = read_image_folder(tmp_path, size=(4, 4), mode="L")
    assert found.class_names == ("b", r"caf\xe9")
    assert len(found.train.labels) + len(found.test.labels) == 12
