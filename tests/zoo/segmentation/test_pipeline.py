"""Networks, augmentation and the reader of the segmentation pipeline."""

import json

import keras
import numpy as np
import pipelines
import pytest
import tensorflow as tf
from PIL import Image
from pycocotools import mask as coco_masks

from kzoo.data.frames import Frame
from kzoo.errors import KzooError, UsageError
from kzoo.plugins.build import build
from kzoo.plugins.registry import get_registry
from kzoo.tasks import Measured, task_named
from kzoo.tasks.segments import Segments
from kzoo_zoo.segmentation.networks import build_classic, build_default, of_any_size
from kzoo_zoo.segmentation.pipeline import Segmentation
from kzoo_zoo.segmentation.split import fitted_mask, fitted_picture

PIPELINE = Segmentation()
NAMES = ("none", "left", "right")
NARROW = {"default": (4, 4, 8, 8), "classic": (2, 2, 4, 4, 8)}
BUILDERS = {"default": build_default, "classic": build_classic}


def built(shape=(32, 48, 3), outputs=3, predicts="classes", augment=None, **settings):
    widths = {"widths": NARROW[settings.get("network", "default")]}
    problem = {"predicts": predicts, "schema": {"colours": [[1, 2, 3]] * outputs}}
    return pipelines.built(PIPELINE, shape, outputs, problem=problem, augment=augment, **{**widths, **settings})


@pytest.mark.parametrize("network", NARROW)
@pytest.mark.parametrize(("channels", "outputs"), [(1, 2), (3, 5)])
def test_a_network_gives_probabilities_for_each_pixel_of_pictures_of_any_size(network, channels, outputs):
    found = built((32, 48, channels), outputs, network=network)
    model = of_any_size(found.model)
    for height, width in ((16, 16), (48, 80)):
        x = np.random.default_rng(0).integers(0, 256, (2, height, width, channels), dtype=np.uint8)
        y = np.asarray(model(x))
        assert y.shape == (2, height, width, outputs)
        np.testing.assert_allclose(y.sum(axis=-1), 1, atol=1e-5)
    x = np.random.default_rng(0).integers(0, 256, (1, 32, 48, channels), dtype=np.uint8)
    np.testing.assert_allclose(np.asarray(model(x)), np.asarray(found.model(x)), atol=1e-6)


def test_blocks_are_those_that_are_asked_for():
    def convolutions(blocks):
        return sum(isinstance(layer, keras.layers.Conv2D) for layer in built(blocks=blocks).model.layers)

    assert convolutions((2, 0, 0, 1)) - convolutions((0, 0, 0, 0)) == 6
    assert convolutions(None) == convolutions((0, 1, 2, 3))
    for wrong in ({"blocks": (1, 2)}, {"blocks": (1, 1, 1, 1), "network": "classic"}):
        with pytest.raises(UsageError, match=r"`model\.blocks` is 4 numbers"):
            built(**wrong)


def test_in_half_precision_the_scores_are_enlarged_in_whole():
    """TensorFlow's enlarging of bfloat16 takes a processor three times as long as that of float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = built().model
    finally:
        keras.config.set_dtype_policy(before)
    kinds = {type(layer).__name__: layer.compute_dtype for layer in model.layers}
    assert kinds["Conv2D"] == "bfloat16"
    (mixing,) = [one for one in model.layers if getattr(one, "interpolation", "") == "bilinear"]
    assert (mixing.compute_dtype, model.output.dtype) == ("float32", "float32")


def test_the_classic_network_is_that_of_the_paper():
    """ "In total the network has 23 convolutional layers", whose channels its figure 1 shows."""
    convolutions = [
        layer for layer in build_classic((None, None, 1), 2).layers if isinstance(layer, keras.layers.Conv2D)
    ]
    down = [64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024]
    up = [512, 512, 512, 256, 256, 256, 128, 128, 128, 64, 64, 64, 2]
    assert [layer.filters for layer in convolutions] == down + up
    assert [layer.kernel_size[0] for layer in convolutions] == [3] * 10 + [2, 3, 3] * 4 + [1]
    joined = [layer.kernel.shape[2] for layer in convolutions if layer.kernel.shape[2] == 2 * layer.filters]
    assert joined == [1024, 1024, 512, 512, 256, 256, 128, 128]  # the up-convolutions, and what was handed across


def test_one_mask_has_one_output_where_the_loss_compares_masks():
    y = tf.constant(np.array([[[0, 1], [255, 1]]], np.uint8))
    one = built(outputs=2, predicts="masks")
    assert one.model.output_shape[-1] == 1
    np.testing.assert_array_equal(one.encode(y, None)[0, ..., 0], [[0, 1], [255, 1]])
    two = built(outputs=2, predicts="classes")
    assert two.model.output_shape[-1] == 2
    np.testing.assert_array_equal(two.encode(y, None)[0, 1], [[0, 0], [0, 1]])


def test_a_regularizer_is_on_every_kernel():
    for network, widths in NARROW.items():
        model = built(network=network).model
        plain = sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers)
        regularized = pipelines.built(
            PIPELINE, (32, 48, 3), 3, regularizer=keras.regularizers.L2(1e-3), network=network, widths=widths
        )
        assert len(regularized.model.losses) == plain


def test_widths_are_for_each_size():
    with pytest.raises(UsageError, match="has 4 numbers"):
        built(widths=(1, 2))


def test_a_picture_and_its_mask_are_changed_alike():
    """A picture drawn from its mask shows where each class went."""
    rng = np.random.default_rng(3)
    row, column = np.indices((48, 64))
    y = np.stack(
        [1 + (np.hypot(row - r, column - c) < 14) + (column > c) for r, c in rng.uniform(16, 40, (6, 2))]
    ).astype(np.uint8)
    x = np.repeat((y * 60)[..., None], 3, axis=-1)
    augment = built(
        (48, 64, 3),
        augment={"rotation": 25, "zoom": (0.5, 1.2), "shift": 0.2, "shear": 10, "stretch": 0.3},
    ).augment
    changed = set()
    for step in range(4):
        new_x, new_y = (
            np.asarray(part) for part in augment(tf.constant(x), tf.constant(y), pipelines.moment((5, step)))
        )
        assert new_x.shape == x.shape
        assert new_y.shape == y.shape
        expected = new_y.astype(int) * 60
        away = np.abs(new_x[..., 0].astype(int) - expected)
        assert (away > 2).mean() < 0.12  # where two classes meet, the picture's pixels are mixed
        assert set(np.unique(new_y)) <= set(np.unique(y))
        changed.add(new_y.tobytes())
    assert len(changed) == 4
    again = augment(tf.constant(x), tf.constant(y), pipelines.moment((5, 0)))
    assert np.asarray(again[1]).tobytes() in changed


def test_colours_change_in_the_picture_alone():
    x = np.full((4, 32, 48, 3), 100, np.uint8)
    y = np.ones((4, 32, 48), np.uint8)
    augment = built(augment={"mirror": False, "colour": 0.5}).augment
    new_x, new_y = augment(tf.constant(x), tf.constant(y), pipelines.moment((1, 2)))
    assert len({int(one) for one in np.asarray(new_x)[:, 0, 0, 0]}) > 1
    np.testing.assert_array_equal(new_y, y)


@pytest.mark.parametrize("zoom", [(0.0, 1.0), (1.0, 0.5), (0.5, 9.0)])
def test_a_zoom_that_shows_nothing_is_refused(zoom):
    with pytest.raises(UsageError, match=r"augment\.zoom"):
        built(augment={"zoom": zoom})


def brightness(inputs):
    """Say `left` of dark pixels and `right` of bright ones."""
    bright = np.asarray(inputs)[..., :1] > 127
    return np.concatenate(
        [np.full_like(bright, 0.1, float), 0.8 * ~bright + 0.05, 0.8 * bright + 0.05], axis=-1
    ).astype(np.float32)


CARD = {"input_shape": (32, 48, 3), "class_names": NAMES, "box": [30, 40]}


def frame(size, index=0, **options):
    pixels = np.full((*size, 3), 20, np.uint8)
    pixels[:, size[1] // 2 :] = 220
    return Frame(index=index, pixels=pixels, **options)


@pytest.mark.parametrize("size", [(30, 40), (60, 80), (15, 20), (33, 47), (10, 200), (500, 21)])
def test_frames_of_any_size_get_a_class_for_each_of_their_pixels(size):
    reader = pipelines.reader(PIPELINE, brightness, CARD)
    (found,) = reader.predict([frame(size)])
    assert found.labels.shape == size
    middle = size[1] // 2
    slack = max(2, round(2 * max(size[0] / 30, size[1] / 40)))  # the mask of a frame made smaller is as coarse as that
    assert (found.labels[:, : max(0, middle - slack)] == 1).all()
    assert (found.labels[:, middle + slack :] == 2).all()


def test_what_is_padded_is_cut_off_again():
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    fitted = fitted_picture(picture, (30, 40))
    assert fitted.shape == (32, 48, 3)
    np.testing.assert_array_equal(fitted[:30, :40], picture)
    np.testing.assert_array_equal(fitted[31, :40], picture[29])
    mask = fitted_mask(picture[..., 0] % 3, (30, 40))
    assert (mask[30:] == 255).all()
    assert (mask[:, 40:] == 255).all()


def test_full_pictures_and_mirror_images():
    found = built((32, 48, 3))
    card = {**CARD, "box": [32, 48]}
    picture = np.random.default_rng(1).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    full = pipelines.reader(PIPELINE, found.model, card, full=True)
    full.load()
    (said,) = full.predict([Frame(index=0, pixels=picture)])
    direct = np.asarray(of_any_size(found.model)(fitted_picture(picture, picture.shape[:2])[None]))[0, :70, :90]
    np.testing.assert_array_equal(said.labels, direct.argmax(axis=-1))
    mirror = pipelines.reader(PIPELINE, found.model, card, mirror=True)
    both = [frame((32, 48)), Frame(index=1, pixels=np.ascontiguousarray(frame((32, 48)).pixels[:, ::-1]))]
    one, other = mirror.predict(both)
    np.testing.assert_array_equal(one.labels, other.labels[:, ::-1])

    class Exported:
        engine = "onnx"

    with pytest.raises(UsageError, match="an exported one takes one size"):
        pipelines.reader(PIPELINE, Exported(), card, full=True)
    with pytest.raises(UsageError, match="kzoo run segmentation"):
        pipelines.reader(PIPELINE)


@pytest.mark.parametrize(
    "wrong",
    [{"box": "large"}, {"box": [30]}, {"box": [30, 4000]}, {"box": [0, 4]}, {"colours": [[1, 2, 3]]},
     {"colours": [[1, 2, 300]] * 3}, {"colours": "red"}],
)  # fmt: skip
def test_a_card_that_says_what_cannot_be_is_refused(wrong):
    with pytest.raises(KzooError, match="The network's card"):
        pipelines.reader(PIPELINE, brightness, {**CARD, **wrong})


def test_one_mask_is_above_its_threshold():
    card = {**CARD, "class_names": ("background", "cell")}

    def forward(x):
        return np.asarray(x)[..., :1].astype(np.float32) / 255

    for threshold, expected in ((0.5, (0, 1)), (0.05, (1, 1)), (0.9, (0, 0))):
        reader = pipelines.reader(PIPELINE, forward, card, threshold=threshold)
        (found,) = reader.predict([frame((30, 40))])
        assert (found.labels[0, 0], found.labels[0, -1]) == expected


def test_masks_are_written_as_other_tools_read_them(tmp_path):
    reader = pipelines.reader(
        PIPELINE, brightness, {**CARD, "colours": [[9, 9, 9], [200, 0, 0], [0, 0, 200]]},
        masks=str(tmp_path / "masks"), coco=str(tmp_path / "found.json"),
    )  # fmt: skip
    frames = [
        frame((30, 40), path=tmp_path / "000012.jpg"),
        frame((15, 20), path=tmp_path / "other/000012.jpg"),
        frame((30, 40), 7, path=tmp_path / "film.mp4", time=0.5),
    ]
    found = reader.predict(frames)
    reader.close()
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == [
        "000012-2.png", "000012.png", "classes.txt", "film_000007.png",
    ]  # fmt: skip
    image = Image.open(tmp_path / "masks/000012.png")
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), found[0].labels)
    assert np.asarray(image.convert("RGB"))[0, -1].tolist() == [0, 0, 200]
    assert (tmp_path / "masks/classes.txt").read_text().splitlines()[1] == "left 200 0 0"
    records = json.loads((tmp_path / "found.json").read_text())
    assert {record["image_id"] for record in records} == {12, "film_7"}
    first = next(record for record in records if record["category_name"] == "right")
    np.testing.assert_array_equal(coco_masks.decode(first["segmentation"]).astype(bool), found[0].labels == 2)


def test_a_picture_is_drawn_with_the_classes_over_it():
    reader = pipelines.reader(PIPELINE, brightness, CARD)
    one = frame((150, 200))
    (found,) = reader.predict([one])
    drawn = reader.draw(one, found)
    assert drawn.shape == one.pixels.shape
    assert (drawn[140, 10] != drawn[140, 190]).any()
    assert (drawn != one.pixels).mean() > 0.9


def test_of_many_classes_in_a_small_picture_the_largest_are_named():
    """Names of all would cover it."""
    names = [f"class number {n}" for n in range(9)]
    stripes = np.repeat(np.arange(9, dtype=np.uint8), 20)[:, None].repeat(240, 1)
    found = Segments(stripes, tuple(names), np.ones(9), np.full((9, 3), 200, np.uint8))
    one = frame((180, 240))
    card = CARD | {"class_names": names, "colours": [[9, 9, 9]] * 9}
    drawn = pipelines.reader(PIPELINE, brightness, card).draw(one, found)
    letters = (drawn == 0).all(axis=-1).any(axis=1)  # black ones on a bright ground
    assert letters[:20].any()
    assert not letters[130:].any()


def test_a_split_is_measured_in_its_own_size():
    data = pipelines.sample(PIPELINE, image_size=(40, 48))
    split = data.test.take(np.arange(3))
    card = {"input_shape": split.shape, "class_names": data.class_names, "box": [40, 48]}
    truths = {one.read().tobytes(): one.mask() for one in split.pictures}

    class Knowing:
        """Says the truth of a picture, which is known again by its pixels."""

        model = None

        def __call__(self, x):
            found = [np.pad(truths[one[:40].tobytes()], ((0, 8), (0, 0))) for one in x]
            return np.eye(6, dtype=np.float32)[np.stack(found)]

    measured = Measured(
        forward=Knowing(),
        test=split,
        class_names=data.class_names,
        reader=lambda chosen: pipelines.reader(PIPELINE, Knowing(), card, **chosen),
    )
    found = task_named("segmentation").measure(measured).metrics()
    assert found == {"mean_iou": 1.0, "mean_dice": 1.0, "pixel_accuracy": 1.0, "boundary_f1": 1.0}


@pytest.mark.long
@pytest.mark.parametrize("network", NARROW)
def test_it_learns_two_scenes_by_heart(network):
    keras.utils.set_random_seed(0)
    data = pipelines.sample(PIPELINE, image_size=(32, 48))
    x, y = data.train.examples(np.arange(2))
    widths = {"default": (8, 16, 16, 16), "classic": (8, 8, 16, 16, 16)}[network]
    found = built(x.shape[1:], 6, network=network, widths=widths, dropout=0)
    loss = task_named("segmentation").fit_loss(build("loss", "categorical_crossentropy"), "classes")
    found.model.compile(keras.optimizers.Adam(2e-3), loss=loss, jit_compile=False)
    target = found.encode(tf.constant(y), None)
    for _ in range(160):
        found.model.train_on_batch(x, target)
    said = np.asarray(found.model(x, training=True)).argmax(axis=-1)
    right = (said == y)[y != 255].mean()
    largest = np.bincount(y[y != 255]).max() / (y != 255).sum()  # what saying one class everywhere is worth
    assert right > 0.92 > largest, (right, largest)


def test_every_fitting_loss_is_named_with_a_command():
    entry = get_registry().pipeline("segmentation")
    assert entry.spec.task == "segmentation"
    fitting = {one.name for one in get_registry().fitting("loss", "segmentation")}
    assert {"lovasz_softmax", "lovasz_hinge", "soft_dice", "cldice", "boundary", "hausdorff", "crossentropy"} <= fitting
