"""Photos that EXIF turns, and sizes that are not the image's own: a box is on its thing, or the image left out."""

import json

import numpy as np
import pytest
from PIL import Image

from kzoo.data.annotations import read_annotations
from kzoo.data.decoding import read_image
from kzoo.errors import DataError

WIDTH, HEIGHT = 48, 32  # as the file stores it
BOX = (8, 4, 20, 12)  # where the thing is in what the file stores


def photo(path, orientation, size=(WIDTH, HEIGHT)):
    """Write a photo with one bright thing, which a camera that was turned stored so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    x1, y1, x2, y2 = BOX
    pixels[y1:y2, x1:x2] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)


def annotation(root, form, size, box=BOX):
    """Write the annotation of ``a.png`` that gives this size."""
    x1, y1, x2, y2 = box
    if form == "voc":
        corners = "".join(
            f"<{name}>{value}</{name}>" for name, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        )
        sides = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>" if size else ""
        thing = f"<object><name>cat</name><bndbox>{corners}</bndbox></object>"
        (root / "a.xml").write_text(f"<annotation><filename>a.png</filename>{sides}{thing}</annotation>")
    else:
        image = {"id": 1, "file_name": "a.png"} | ({"width": size[0], "height": size[1]} if size else {})
        box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}
        found = {"images": [image], "categories": [{"id": 1, "name": "cat"}], "annotations": [box]}
        (root / "a.json").write_text(json.dumps(found))


def bright(path):
    """Return the box of what is bright in a picture as kzoo shows it to a network."""
    rows, columns = np.nonzero(read_image(path)[..., 0] > 127)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize("form", ["voc", "coco"])
@pytest.mark.parametrize("fix", ["stop", "clip", "skip"])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_of_what_the_file_stores_are_turned_with_it_and_that_is_said(orientation, fix, form, tmp_path):
    photo(tmp_path / "a.png", orientation)
    annotation(tmp_path, form, (WIDTH, HEIGHT))
    sets = read_annotations(tmp_path, fix=fix)
    (image,) = sets.train
    assert image.size == (HEIGHT, WIDTH)
    assert image.boxes.tolist() == [bright(tmp_path / "a.png")]
    assert image.areas.tolist() == [96.0]
    (note,) = sets.notes
    assert "1 image(s)" in note
    assert "the boxes are turned with them: a.png" in note


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (0, 0), None])
def test_boxes_of_what_is_seen_stay_and_a_doubt_is_said(size, tmp_path):
    photo(tmp_path / "a.png", 6)
    annotation(tmp_path, "voc", size, box=(20, 8, 28, 20))
    sets = read_annotations(tmp_path)
    assert sets.train.images[0].boxes.tolist() == [[20, 8, 28, 20]] == [bright(tmp_path / "a.png")]
    assert [("do not show whether the boxes are" in note, "a.png" in note) for note in sets.notes] == (
        [] if size == (HEIGHT, WIDTH) else [(True, True)]
    )


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_that_a_photo_is_mirrored_or_upside_down_is_said_as_no_size_shows_it(orientation, tmp_path):
    photo(tmp_path / "a.png", orientation)
    annotation(tmp_path, "voc", (WIDTH, HEIGHT))
    (note,) = read_annotations(tmp_path).notes
    assert "turned or mirrored by their EXIF data" in note


@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (HEIGHT, WIDTH)), (6, (96, 64)), (3, (HEIGHT, WIDTH)), (1, (96, 64))]
)
def test_any_other_size_is_a_fault_and_the_image_is_left_out(orientation, size, tmp_path):
    photo(tmp_path / "a.png", orientation)
    photo(tmp_path / "b.png", 1)
    annotation(tmp_path, "voc", size)
    (tmp_path / "b.xml").write_text((tmp_path / "a.xml").read_text().replace("a.png", "b.png").replace("size>", "s>"))
    with pytest.raises(DataError, match=rf"a\.xml: it says that a\.png has {size[0]}x{size[1]} pixels, but it has"):
        read_annotations(tmp_path)
    for fix in ("clip", "skip"):
        sets = read_annotations(tmp_path, fix=fix)
        assert [image.path.name for image in sets.train] == ["b.png"]
        assert "0 mended, 1 left out. a.xml: it says" in sets.notes[-1]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_data_says_nothing_of_a_good_photo(tmp_path):
    photo(tmp_path / "a.jpg", 1)
    Image.open(tmp_path / "a.jpg").save(
        tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x09\0\0"
    )
    annotation(tmp_path, "voc", (WIDTH, HEIGHT))
    (tmp_path / "a.xml").write_text((tmp_path / "a.xml").read_text().replace("a.png", "a.jpg"))
    assert read_annotations(tmp_path).notes == ()
