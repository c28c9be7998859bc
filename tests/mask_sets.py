"""Sets of pictures with masks as people have them, small, written to disk; and what is wrong with others."""
# ruff: noqa: E501 - a table with a line for each

import json

import numpy as np
from PIL import Image
from pycocotools import mask as coco_masks

__all__ = ["MALFORMED", "coco", "folders", "mask", "picture", "scene", "voc"]

SIZE = (24, 32)


def scene(seed, classes=3, size=SIZE):
    """Return pixels and a mask of class indices with a disc of each class."""
    rng = np.random.default_rng(seed)
    row, column = np.indices(size)
    labels = np.zeros(size, np.uint8)
    for label in range(1, classes):
        centre = rng.uniform(0.2, 0.8, 2) * size
        labels[np.hypot(row - centre[0], column - centre[1]) < size[0] / 4] = label
    pixels = rng.integers(0, 60, (*size, 3)) + 60 * labels[..., None]
    return pixels.astype(np.uint8), labels


def picture(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def mask(path, labels, palette=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels)
    if palette is not None:
        image.putpalette(np.asarray(palette, np.uint8).tobytes())
    image.save(path)


def folders(root, count=5, classes=3, *, layout="images/{split}{name}", splits=("",), change=lambda labels: labels):
    """Write pictures and masks of class ids; return the masks by name."""
    found = {}
    for at, split in enumerate(splits):
        for number in range(count):
            pixels, labels = scene(100 * at + number, classes)
            name = f"{'abcdefgh'[at]}{number}"
            where = f"{split}/" if split else ""
            picture(root / f"{layout.format(split=where, name=name)}.png", pixels)
            mask(root / f"{layout.replace('images', 'masks').format(split=where, name=name)}.png", change(labels))
            found[name] = labels
    return found


def voc(root, *, lists=True, count=4):
    """Write VOC's layout: masks with its palette, borders of 255, lists, more pictures than masks."""
    found = {}
    palette = np.zeros((256, 3), np.uint8)
    palette[:3], palette[255] = [(0, 0, 0), (128, 0, 0), (0, 128, 0)], (224, 224, 192)
    for number in range(count):
        pixels, labels = scene(number)
        labels[0] = 255
        picture(root / f"JPEGImages/2007_{number}.jpg", pixels)
        mask(root / f"SegmentationClass/2007_{number}.png", labels, palette)
        mask(root / f"SegmentationObject/2007_{number}.png", labels, palette)
        found[f"2007_{number}"] = labels
    picture(root / "JPEGImages/2007_boxes_only.jpg", scene(9)[0])
    if lists:
        folder = root / "ImageSets/Segmentation"
        folder.mkdir(parents=True)
        names = sorted(found)
        (folder / "train.txt").write_text("\n".join(names[:-1]) + "\n")
        (folder / "val.txt").write_text(names[-1] + "\n")
        (folder / "trainval.txt").write_text("\n".join(names))
    return found


def coco(root, *, form="text", count=3, name="instances_train.json", change=lambda tables: tables):
    """Write COCO's json, masks as run lengths in text or numbers, or one square as a polygon."""
    images, annotations, found = [], [], {}
    for number in range(count):
        pixels, labels = scene(number)
        if form == "polygons":
            labels = np.zeros(SIZE, np.uint8)
            labels[4:12, 6:16] = 1 + number % 2
        picture(root / f"images/{number}.png", pixels)
        images.append({"id": number, "file_name": f"{number}.png", "height": SIZE[0], "width": SIZE[1]})
        for label in range(1, 3):
            own = np.asfortranarray(labels == label).astype(np.uint8)
            if not own.any():
                continue
            run_lengths = coco_masks.encode(np.asfortranarray(own))
            segmentation = {"size": list(SIZE), "counts": run_lengths["counts"].decode()}
            if form == "numbers":
                flat = own.ravel(order="F")
                edges = np.flatnonzero(np.diff(flat, prepend=0))
                segmentation["counts"] = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
            if form == "polygons":
                segmentation = [[6, 4, 16, 4, 16, 12, 6, 12]]
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": number,
                    "category_id": 10 * label,
                    "iscrowd": 0,
                    "segmentation": segmentation,
                }
            )
        found[f"{number}"] = labels
    categories = [{"id": 10, "name": "disc"}, {"id": 20, "name": "other"}]
    tables = change({"images": images, "annotations": annotations, "categories": categories})
    (root / name).write_text(json.dumps(tables))
    return found


def _folders(**options):
    def make(root, spoil=lambda root: None):
        folders(root, **options)
        return spoil(root) or root

    return make


def spoiled(spoil, make=None):
    def made(root):
        (make or _folders())(root)
        return spoil(root) or root

    return made


def _changed(labels):
    labels = labels.copy()
    labels[3, 5] = 9
    return labels


def _named(text):
    def made(root):
        folders(root)
        (root / "classes.txt").write_text(text)
        return root

    return made


def _coloured(root, names="sky\nroad\n"):
    pixels, labels = scene(0, 2)
    for number in range(3):
        picture(root / f"images/{number}.png", pixels)
        picture(
            root / f"masks/{number}.png", np.where(labels[..., None] == 1, (128, 64, 0), (0, 0, 200)).astype(np.uint8)
        )
    if names:
        (root / "classes.txt").write_text(names)
    return root


def _coco_with(change, form="text"):
    def made(root):
        coco(root, change=change, form=form)
        return root

    return made


def _annotation(**changes):
    def change(tables):
        tables["annotations"][0].update(changes)
        return tables

    return _coco_with(change)


def _other_size(root):
    mask(root / "masks/a2.png", np.zeros((24, 30), np.uint8))


def _photo_as_mask(root):
    for number in range(5):
        pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"masks/a{number}.png")


def _jpeg(root):
    for number in range(5):
        (root / f"masks/a{number}.png").unlink()
        Image.fromarray((scene(number)[1] * 40).astype(np.uint8)).save(root / f"masks/a{number}.jpg")


def _fractions(root):
    (root / "masks/a0.png").unlink()
    Image.fromarray(np.full((24, 32), 0.5, np.float32)).save(root / "masks/a0.tif")


def _cut_off(root, path="masks/a1.png"):
    file = root / path
    file.write_bytes(file.read_bytes()[:60])


def _two_jsons(root):
    coco(root)
    (root / "annotations_train.json").write_bytes((root / "instances_train.json").read_bytes())
    (root / "instances_train.json").rename(root / "train_again.json")
    return root


def _ignored_alone(root):
    folders(root, change=lambda labels: np.where(labels == 1, 1, 255).astype(np.uint8))
    return root


def _nothing_named(root):
    folders(root, change=lambda labels: np.full_like(labels, 255))
    (root / "classes.txt").write_text("sky\nroad\ncar\n")
    return root


MALFORMED = {
    # name: (what makes it, settings, what must be said)
    "nothing there": (lambda root: root, {}, "holds no pictures with masks"),
    "pictures alone": (spoiled(lambda root: [file.unlink() for file in (root / "masks").iterdir()] and None), {}, "holds no pictures with masks"),
    "a picture by itself": (lambda root: folders(root) and root / "images/a0.png", {}, "a0.png is no folder and no COCO json"),
    "a mask of another size": (spoiled(_other_size), {}, r"images/a2.png: the mask a2.png has 30 x 24 pixels and the picture a2.png 32 x 24"),
    "a picture without a mask": (spoiled(lambda root: (root / "masks/a3.png").unlink()), {}, r"images/a3.png: it has no mask"),
    "a mask without a picture": (spoiled(lambda root: (root / "images/a3.png").unlink()), {}, r"masks/a3.png: the mask has no picture"),
    "two masks of one name": (spoiled(lambda root: mask(root / "masks/a1.bmp", scene(1)[1])), {}, r"masks/a1.bmp and masks/a1.png: they are called alike"),
    "an id that no class has": (_named("sky\nroad\n"), {}, r"The mask a\d.png has the value 2, which is none of the 2 classes \(0 sky, 1 road\)"),
    "a mask cut off": (spoiled(_cut_off), {}, r"images/a1.png: its mask a1.png: image file is truncated"),
    "a picture cut off": (spoiled(lambda root: _cut_off(root, "images/a1.png")), {}, r"images/a1.png: it is cut off"),
    "a picture that is a page": (spoiled(lambda root: (root / "images/a0.png").write_text("<html></html>") and None), {}, r"a0.png: it is a web page"),
    "an empty mask": (spoiled(lambda root: (root / "masks/a0.png").write_bytes(b"") and None), {}, r"a0.png: its content is none"),
    "photos for masks": (spoiled(_photo_as_mask), {}, r"The masks have [\d,]+ different colours.*smoothed or that were saved as JPEG"),
    "masks as JPEG": (spoiled(_jpeg), {}, r"a0.jpg: it is a JPEG, which changes values.*save it as PNG"),
    "masks of fractions": (spoiled(_fractions), {}, r"a0.tif: its values are numbers with fractions"),
    "colours without names for them": (_coloured, {}, r"The masks are in colours, as 0.png is, and classes.txt names 2 classes without a colour"),
    "a colour that no class has": (lambda root: _coloured(root, "sky 0 0 200\nroad 128 64 1\n"), {}, r"The mask 0.png has the colour #804000.*data.ignore=\"#804000\""),
    "a class twice": (_named("sky\nroad\nsky\n"), {}, r"classes.txt, line 3: it has the name 'sky' twice"),
    "a colour twice": (_named("sky 1 2 3\nroad 1 2 3\n"), {}, "classes.txt, line 2: another class has the colour #010203"),
    "colours for some": (_named("sky 1 2 3\nroad\n"), {}, "gives colours to some classes, and none to `road`"),
    "no names in the file": (_named("\n\n"), {}, "names no class: it is empty"),
    "names that are no text": (lambda root: folders(root) and (root / "classes.txt").write_bytes(b"\xff\xfe\x00") and root, {}, "classes.txt cannot be read"),
    "one class alone": (_ignored_alone, {}, r"only the class `1`, beside pixels that .*data.ignore=\[\]"),
    "one value alone": (lambda root: folders(root, classes=1) and root, {}, r"only the class `0`: .* around it\.$"),
    "white alone": (lambda root: folders(root, change=lambda labels: np.full_like(labels, 255)) and root, {}, r"Every pixel of every mask is white \(255\), which is `foreground`"),
    "ignored that is no number": (_folders(), {"ignore": "void"}, "`data.ignore` must be numbers or colours"),
    "nothing to train on": (_folders(splits=("test",)), {}, "none to train on"),
    "no pixel of a class": (_nothing_named, {}, r"No pixel of the 4 pictures to train on in .* has a class.*`data.ignore` \(255\)"),
    "json beside nothing": (lambda root: (root / "notes.json").write_text("{}") and root, {}, "notes.json is no COCO json: it has no images and annotations"),
    "a single picture": (_folders(count=1), {}, "a single picture"),
    "VOC without the folders": (_folders(), {"format": "voc"}, "is not laid out as VOC"),
    "VOC's list of what is not there": (lambda root: (voc(root) and (root / "SegmentationClass/2007_1.png").unlink()) or root, {}, "2007_1: train.txt names it, and SegmentationClass has no file"),
    "VOC's lists with one picture twice": (lambda root: voc(root) and (root / "ImageSets/Segmentation/val.txt").write_text("2007_0\n") and root, {}, "val.txt names 2007_0, which .*train.txt has too"),
    "json cut off": (lambda root: coco(root) and (root / "instances_train.json").write_text('{"images": [], "annotations"') and root, {}, r"instances_train.json:1: it is no json that can be read"),
    "a number without an end": (lambda root: coco(root) and (root / "instances_train.json").write_text('{"images": [' + "1" * 5000 + '], "annotations": [], "categories": []}') and root, {}, "instances_train.json cannot be read"),
    "json of something else": (lambda root: coco(root) and (root / "instances_train.json").write_text('{"images": [], "annotations": [], "info": {}}') and root, {}, "lacks the list `categories` that COCO has"),
    "an annotation of no image": (_annotation(image_id=77), {}, "annotation 0 is of the image 77"),
    "an annotation of no category": (_annotation(category_id=77), {}, "annotation 0 has the category 77"),
    "an annotation without a mask": (_annotation(segmentation=[]), {}, "annotation 0 has no segmentation"),
    "a polygon of two corners": (_annotation(segmentation=[[1, 1, 2, 2]]), {}, r"annotation 0, of 0.png: a polygon needs x and y of three corners"),
    "run lengths of another size": (_annotation(segmentation={"size": [9, 9], "counts": [81]}), {}, r"run lengths are of 9 x 9 pixels, and the picture has 32 x 24"),
    "run lengths that are too short": (_annotation(segmentation={"size": [24, 32], "counts": [5]}), {}, r"annotation 0, of 0.png: run lengths add up to 5"),
    "run lengths that are no text": (_annotation(segmentation={"size": [24, 32], "counts": "\t"}), {}, "no letter"),
    "an image that is not there": (lambda root: (coco(root) and (root / "images/1.png").unlink()) or root, {}, "the image 1.png is missing"),
    "categories without ids": (_coco_with(lambda tables: {**tables, "categories": [{"name": "disc"}]}), {}, "needs a name and a whole number"),
    "no categories": (_coco_with(lambda tables: {**tables, "categories": []}), {}, "has no categories"),
    "two files of one split": (_two_jsons, {}, "one train split too many"),
    "a size that the json has otherwise": (_coco_with(lambda tables: {**tables, "images": [{**one, "width": 33} for one in tables["images"]]}), {}, "0.png has 32 x 24 pixels, and the json says 33 x 24"),
}  # fmt: skip
