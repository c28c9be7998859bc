"""The network, what it learns from, and pictures of any size through it in tiles."""

import itertools

import keras
import numpy as np
import pipelines
import pytest
import tensorflow as tf
from PIL import Image

from kzoo.data.frames import Frame
from kzoo.engine.batches import TrainingBatches
from kzoo.errors import KzooError, UsageError
from kzoo_zoo.restoration.network import build, of_any_size, reach_of
from kzoo_zoo.restoration.pipeline import Restoration
from kzoo_zoo.restoration.split import PatchSplit
from kzoo_zoo.restoration.tiles import in_tiles, starts_of

PIPELINE = Restoration()
SMALL = {"width": 4, "blocks": 1}


def built(train=None, augment=None, damage="noise:sigma=25", **settings):
    train = train or pipelines.sample(PIPELINE, damage=damage, patch=32).train
    side = train.form.side // train.form.scale
    shape = (side, side, train.form.channels)
    return pipelines.built(PIPELINE, shape, 3, train=train, augment=augment, **{**SMALL, **settings})


def network(scale=1, channels=3, seed=0, blocks=1):
    """Return a network with weights of chance throughout, so that every pixel in its reach has a say."""
    keras.utils.set_random_seed(seed)
    model = build((16, 16, channels), scale, width=4, blocks=blocks)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.25 / np.sqrt(max(1, w[..., 0].size) / 9), w.shape) for w in model.get_weights()])
    return model


def picture(size, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size, channels), dtype=np.uint8)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_new_network_changes_nothing(scale, channels):
    """It begins with the picture, or with its pixels repeated."""
    model = build((16, 20, channels), scale, width=4, blocks=1)
    x = picture((2, 16, 20), channels).reshape(2, 16, 20, channels)
    expected = np.kron(x / 255, np.ones((1, scale, scale, 1)))
    np.testing.assert_allclose(np.asarray(model(x)), expected, atol=1e-5)
    assert model.output_shape == (None, 16 * scale, 20 * scale, channels)


def test_a_regularizer_is_on_every_kernel():
    model = build((16, 16, 3), 1, keras.regularizers.L2(1e-3), width=4, blocks=2)
    assert len(model.losses) == sum(len(layer.weights) > 0 for layer in model.layers)


@pytest.mark.long_but_first(3)
@pytest.mark.parametrize(("scale", "blocks"), [(1, 1), (1, 2), (2, 1), (3, 2)])
def test_a_pixel_depends_on_no_more_than_the_reach(scale, blocks):
    model = of_any_size(network(scale, blocks=blocks))
    reach = reach_of(scale, blocks)
    x = picture((2 * reach + 24, 2 * reach + 24))[None]
    changed = x.copy()
    changed[:, :2] ^= 255
    apart = np.abs(np.asarray(model(x)) - np.asarray(model(changed)))[0].max(axis=(1, 2))
    touched = np.flatnonzero(apart)
    assert touched.max() < (2 + reach) * scale
    assert touched.max() > (2 + reach) * scale // 2  # and it is not much less


@pytest.mark.long_but_first(4)
@pytest.mark.parametrize("size", [(96, 130), (71, 33), (40, 200), (5, 7), (1, 90)])
@pytest.mark.parametrize("scale", [1, 2])
def test_tiles_give_what_the_whole_picture_gives(scale, size):
    model, pixels = of_any_size(network(scale)), picture(size)
    stride, reach = 2 if scale == 1 else 1, reach_of(scale, 1)
    options = {"reach": reach, "stride": stride, "scale": scale}
    found = in_tiles(model, pixels, tile=2 * reach + 12, **options)
    whole = in_tiles(model, pixels, tile=4096, **options)
    assert found.shape == (size[0] * scale, size[1] * scale, 3)
    assert np.abs(found.astype(int) - whole).max() <= 1
    if stride == 1 or not (size[0] % 2 or size[1] % 2):
        plain = np.clip(np.rint(np.asarray(model(pixels[None]))[0] * 255), 0, 255)
        assert np.abs(whole - plain).max() <= 1


def test_without_overlap_there_would_be_seams():
    """The test above sees what it must."""
    model, pixels = of_any_size(network()), picture((96, 96))
    apart = [
        np.abs(in_tiles(model, pixels, tile=32, reach=reach, stride=2, scale=1).astype(int)
               - in_tiles(model, pixels, tile=96, reach=reach, stride=2, scale=1)).max()
        for reach in (0, 12)
    ]  # fmt: skip
    assert apart[0] > 4
    assert apart[1] <= 1


def test_tiles_cover_a_side_once():
    for side in range(20, 120, 2):
        found = starts_of(side, 20, 6)
        assert found[0][1] == 0
        assert found[-1][2] == side
        assert all(one[2] == other[1] for one, other in itertools.pairwise(found))
        assert all(0 <= start <= side - 20 for start, _, _ in found)


def test_each_picture_comes_as_often_as_any_other_at_another_place_each_time():
    train = pipelines.sample(PIPELINE, patch=32).train
    found = built(train, augment={}, patches=3)
    batches = TrainingBatches(found.train, 8, 5, found.augment, found.encode, None, found.batch_order)
    assert batches.steps_per_epoch == 11  # 28 pictures, 3 patches of each
    orders = [np.asarray(found.batch_order(tf.constant([5, at], tf.int64), 11, 8)).ravel() for at in (0, 1)]
    counts = np.bincount(orders[0] % 28, minlength=28)
    assert set(counts) <= {3, 4}
    assert counts.sum() == 88
    assert not set(orders[0]) & set(orders[1])


@pytest.mark.long
def test_batches_go_on_where_they_were_left():
    train = pipelines.sample(PIPELINE, patch=32).train
    found = built(train, augment={}, patches=3)
    batches = TrainingBatches(found.train, 8, 5, found.augment, found.encode, None, found.batch_order)
    whole = [[np.asarray(part) for part in batch] for batch in batches.dataset(2)]
    resumed = [[np.asarray(part) for part in batch] for batch in batches.dataset(2, epoch=1, step=4)]
    for one, other in zip(whole[11 + 4 :], resumed, strict=True):
        for part, again in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, again)
    x, y = whole[0]
    assert y.dtype == np.float32
    assert 0 <= y.min() <= y.max() <= 1
    assert (x / 255 - y).std() == pytest.approx(25 / 255, rel=0.2)


def test_nothing_at_random_is_one_place_of_each():
    found = built(augment=None)
    assert found.augment is None
    assert found.batch_order is None
    kept = built(augment={"places": False, "mirror": False, "turn": False})
    assert (kept.augment, kept.batch_order) == (None, None)
    assert len(found.train) == 28 * 293  # so many that there are 8,192
    many = PatchSplit(found.train.pictures * 40, found.train.form)
    assert len(built(many).train.pictures) == 28 * 40
    assert built(many).train.copies == 13  # pieces of 105 x 128 pixels, patches of 32 x 32


def test_a_patch_and_its_truth_are_turned_alike():
    found = built(augment={}, damage="downscale:factor=2")
    y = picture((6, 32, 32)).reshape(6, 32, 32, 3)
    x = y[:, ::2, ::2]
    seen = set()
    for step in range(5):
        new_x, new_y = (np.asarray(one) for one in found.augment(x, y, pipelines.moment((3, step))))
        for one, true, before in zip(new_x, new_y, y, strict=True):
            turns = [before, before[:, ::-1], before[::-1], before[::-1, ::-1]]
            turns += [np.swapaxes(turn, 0, 1) for turn in turns]
            (which,) = [at for at, turn in enumerate(turns) if np.array_equal(turn, true)]
            small = [x[0], x[0][:, ::-1]] and turns[which]
            corner = {tuple(small[row, column]) for row in (0, 1) for column in (0, 1)}
            assert tuple(one[0, 0]) in corner
            seen.add(which)
    assert len(seen) == 8


CARD = {"input_shape": (16, 16, 3), "class_names": (), "scale": 1, "reach": 12}


def frame(size, channels=3, index=0):
    pixels = picture(size, channels, index)
    return Frame(index=index, pixels=np.repeat(pixels, 3, axis=-1) if channels == 1 else pixels)


def test_frames_of_any_size_are_restored_and_drawn(tmp_path):
    model = network()
    reader = pipelines.reader(PIPELINE, model, CARD, tile=64, restored=str(tmp_path / "out"))
    reader.load()
    frames = [frame((90, 71)), frame((10, 3), index=1)]
    found = reader.predict(frames)
    for one, said in zip(frames, found, strict=True):
        assert said.pixels.shape == one.pixels.shape
        np.testing.assert_array_equal(reader.draw(one, said), said.pixels)
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == 2
    assert np.array_equal(np.asarray(Image.open(files[0])), found[0].pixels) or np.array_equal(
        np.asarray(Image.open(files[1])), found[0].pixels
    )


@pytest.mark.long_but_first
@pytest.mark.parametrize("size", [(60, 100), (100, 60), (4, 4), (1, 1)])
def test_before_and_after_are_beside_each_other(size):
    card = {**CARD, "scale": 2, "reach": 6}
    reader = pipelines.reader(PIPELINE, network(2), card, beside=True)
    reader.load()
    one = frame(size)
    (said,) = reader.predict([one])
    sheet = reader.draw(one, said)
    height, width = said.pixels.shape[:2]
    assert sheet.shape[0] > height
    assert sheet.shape[1] == 2 * width + 6
    shown = sheet[:height, width + 6 :]
    assert (shown == said.pixels).all(axis=-1).mean() > 0.4  # all but the frame around the part


def test_a_gray_network_restores_colours_one_by_one():
    model = network(channels=1)
    reader = pipelines.reader(PIPELINE, model, {**CARD, "input_shape": (16, 16, 1)})
    reader.load()
    colours, gray = frame((20, 30)), frame((20, 30), 1)
    said, said_gray = reader.predict([colours, gray])
    direct = np.asarray(of_any_size(model)(np.moveaxis(colours.pixels, -1, 0)[..., None]))[..., 0]
    np.testing.assert_allclose(said.pixels, np.clip(np.moveaxis(direct, 0, -1) * 255, 0, 255), atol=0.51)
    assert said_gray.pixels.shape == (20, 30, 1)
    assert reader.draw(gray, said_gray).shape == (20, 30, 3)


def test_an_exported_network_restores_what_the_run_does():
    """It takes pictures as large as a patch alone."""
    model = network()
    card = {**CARD, "input_shape": (48, 48, 3)}

    class Exported:
        engine = "onnx"
        model = None

        def __call__(self, x):
            assert x.shape[1:] == (48, 48, 3)
            return np.asarray(free(x))

    free = of_any_size(model)
    sizes = [(90, 101), (49, 48), (1, 1), (3, 100), (47, 20)]  # some smaller than a patch
    pixels = [frame(size, index=index) for index, size in enumerate(sizes)]
    exported = pipelines.reader(PIPELINE, Exported(), card)
    exported.load()
    own = pipelines.reader(PIPELINE, model, card)
    own.load()
    for one, other in zip(exported.predict(pixels), own.predict(pixels), strict=True):
        assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 1
    assert exported.predict([frame((5, 6))])[0].pixels.shape == (5, 6, 3)
    with pytest.raises(KzooError, match=r"would have seams\. .*data\.patch=96"):
        pipelines.reader(PIPELINE, Exported(), {**card, "reach": 24})


def test_what_cannot_be_is_refused():
    with pytest.raises(UsageError, match="tiles must be larger than 240"):
        pipelines.reader(PIPELINE, network(), {**CARD, "reach": 120}, tile=128)
    with pytest.raises(UsageError, match="kzoo run restoration"):
        pipelines.reader(PIPELINE)
    for wrong in ({"scale": "2"}, {"reach": None}, {"scale": 0}):
        with pytest.raises(KzooError, match="The network's card"):
            pipelines.reader(PIPELINE, network(), {**CARD, **wrong})
