"""How near pictures are: as TensorFlow's tf.image calculates it; and what is said of a network and of other methods."""

from dataclasses import dataclass, field

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.data.splits import ArraySplit
from kzoo.errors import DataError, KzooError
from kzoo.plugins.build import build
from kzoo.tasks import Measured, image_figures, images, task_named
from kzoo.tasks.image_measures import LEAST_SIDE, ms_ssim, psnr, ssim
from kzoo.tasks.image_views import most_detailed, thinned
from kzoo.tasks.images import ImageOutcome, RestoredPicture
from kzoo.tasks.restored import Restored
from kzoo.wrappers.image_sizes import LargeImageMetric, OfLargeImages

RESTORATION = task_named("restoration")


def pictures(seed, size=(60, 71), channels=3, noise=20):
    """Return waves, and the same with noise."""
    rng = np.random.default_rng(seed)
    row, column = np.indices(size)
    true = 128 + 90 * np.sin(row[..., None] / 5 + column[..., None] / rng.uniform(3, 9, channels))
    said = true + rng.normal(0, noise, true.shape)
    return (np.clip(np.rint(one), 0, 255).astype(np.uint8) for one in (true, said))


@pytest.mark.parametrize("channels", [1, 3])
def test_measures_are_those_of_tensorflow(channels):
    true, said = pictures(0, (180, 197), channels)
    assert psnr(true, said) == pytest.approx(float(tf.image.psnr(true, said, 255)), abs=1e-4)
    assert ssim(true, said) == pytest.approx(float(tf.image.ssim(true, said, 255)), abs=1e-5)
    expected = tf.image.ssim_multiscale(tf.constant(true), tf.constant(said), 255)
    assert ms_ssim(true, said) == pytest.approx(float(expected), abs=1e-4)


def test_a_small_picture_is_mirrored_for_the_scales():
    true, said = pictures(1, (40, 300))
    large = [np.pad(one, ((0, LEAST_SIDE - 40), (0, 0), (0, 0)), mode="symmetric") for one in (true, said)]
    expected = tf.image.ssim_multiscale(*map(tf.constant, large), 255)
    assert ms_ssim(true, said) == pytest.approx(float(expected), abs=1e-4)
    assert 0 < ssim(true[:5, :7], said[:5, :7]) < 1


def test_equal_pictures_are_as_near_as_can_be():
    true, _ = pictures(2)
    assert psnr(true, true) == 100
    assert (ssim(true, true), ms_ssim(true, true)) == pytest.approx((1, 1), abs=1e-6)


@pytest.mark.parametrize("name", ["ms_ssim", "ssim"])
def test_loss_and_metric_of_patches_give_what_is_measured_of_a_picture(name):
    """By their names alone, also of patches that are smaller than the five scales need."""
    true, said = pictures(3, (64, 64))
    images = [keras.ops.convert_to_tensor(one[None] / np.float32(255)) for one in (true, said)]
    inputs = "large_images" if name == "ms_ssim" else "images"
    expected = {"ssim": ssim, "ms_ssim": ms_ssim}[name](true, said)
    loss = RESTORATION.fit_loss(build("loss", name), inputs)
    assert 1 - float(loss(*images)) == pytest.approx(expected, abs=2e-5)
    metric = RESTORATION.fit_measure(build("metric", name), inputs)
    metric.update_state(*images)
    assert float(metric.result()) == pytest.approx(expected, abs=2e-5)
    metric.reset_state()
    assert float(metric.result()) == 0
    for one in (loss, metric):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(one))
        assert again.get_config() == one.get_config()


def test_what_takes_patches_as_they_are_is_not_wrapped():
    for inputs in ("images", "values", ""):
        loss, metric = build("loss", "charbonnier"), build("metric", "psnr")
        assert RESTORATION.fit_loss(loss, inputs) is loss
        assert RESTORATION.fit_measure(metric, inputs) is metric
    assert isinstance(RESTORATION.fit_loss(build("loss", "ms_ssim"), "large_images"), OfLargeImages)
    assert isinstance(RESTORATION.fit_measure(build("metric", "ms_ssim"), "large_images"), LargeImageMetric)


@dataclass
class Photo:
    true: np.ndarray
    worn: np.ndarray
    name: str = "photo"
    path: None = None

    def clean(self):
        return self.true

    def damaged(self):
        return self.worn


@dataclass
class Photos(ArraySplit):
    pictures: list
    methods: tuple = ()

    def __len__(self):
        return len(self.pictures)


@dataclass
class Brighter:
    """Adds a strength to all pixels."""

    name: str = "brighter"
    strengths: tuple = (0, 20, 40)
    asked: list = field(default_factory=list)

    def restored(self, pixels, strength):
        self.asked.append(strength)
        return pixels + np.uint8(strength)


@dataclass
class Reader:
    said: object
    batch_size: int = 2

    def load(self):
        pass

    close = load

    def predict(self, frames):
        return [Restored(self.said(frame.pixels), frame.pixels) for frame in frames]


def dark(count=3, less=20):
    """Return photos that became darker."""
    found = []
    for seed in range(count):
        true, _ = pictures(seed)
        true = np.clip(true, 60, 200)
        found.append(Photo(true, true - np.uint8(less), f"photo{seed}"))
    return found


def measured(split, said, forward=None):
    return RESTORATION.measure(
        Measured(forward=forward, test=split, description="photos", reader=lambda settings: Reader(said))
    )


def test_a_network_is_beside_the_damage_and_other_methods():
    photos, method = dark(), Brighter(strengths=(0, 10, 15))
    outcome = measured(Photos(photos, (method,)), lambda pixels: pixels + np.uint8(19))
    found = outcome.metrics()
    by_hand = [10 * np.log10(255**2 / error**2) for error in (1, 20, 5)]
    assert (found["psnr"], found["psnr_damaged"]) == pytest.approx(by_hand[:2])
    assert found["gain_over_opencv"] == pytest.approx(by_hand[0] - by_hand[2])
    rows = outcome.per_class()
    assert list(rows) == ["network", "damaged", "brighter 15"]  # at the strength that is best for it
    assert rows["brighter 15"]["psnr"] == pytest.approx(by_hand[2])
    assert rows["damaged"]["gain"] == pytest.approx(by_hand[0] - by_hand[1])
    assert {"psnr", "ssim", "ms_ssim", "gain", "pictures"} == set(rows["brighter 15"])
    assert RESTORATION.rows == "method"
    assert outcome.confusion() is None
    assert outcome.measures() == found


def test_other_methods_are_tried_on_few_pictures_and_not_in_a_training(monkeypatch):
    monkeypatch.setattr(images, "_MOST_COMPARED", 4)
    monkeypatch.setattr(images, "_MOST_TRIED", 2)
    photos, method = dark(6), Brighter()
    split = Photos(photos, (method,))
    outcome = measured(split, lambda pixels: pixels)
    assert not method.asked  # not before it is asked for
    assert outcome.per_class()["brighter 20"]["pictures"] == 4
    assert len(method.asked) == 3 * 2 + 4

    class Changing:
        changing = True

    assert set(measured(split, lambda pixels: pixels, Changing()).metrics()) == {
        "psnr", "ssim", "ms_ssim", "psnr_damaged"}  # fmt: skip


def test_what_cannot_be_measured_is_said():
    with pytest.raises(KzooError, match="do not tell their pictures"):
        measured(ArraySplit(np.zeros((1, 8, 8, 3)), np.zeros(1)), None)
    with pytest.raises(DataError, match="no picture to measure on in photos"):
        measured(Photos([]), None)
    with pytest.raises(
        DataError, match=r"photo0 has 71 x 60 x 3 .* made 70 x 60 x 3: it was trained to restore another"
    ):
        measured(Photos(dark(1)), lambda pixels: pixels[:, 1:])


def test_pictures_are_drawn_with_a_part_magnified(monkeypatch):
    monkeypatch.setattr(image_figures, "MOST_PICTURES", 2)
    found = []
    for at, one in enumerate(dark(7)):
        true = one.true[:60, :70]
        photo = Photo(true, true[::2, ::2], one.name)
        part = true[8:40, 4:36]
        found.append(RestoredPicture(photo, (60, 70), true, (8, 4, 32), part, {"psnr": 30.0 - at}, {"psnr": 20.0}))
    figures = ImageOutcome(found).figures()
    assert set(figures) == set(RESTORATION.pictures)
    assert {name for name in figures if name != "gains"} == set(RESTORATION.photos)
    titles = [axes.get_title() for axes in figures["farthest"].axes]
    assert titles[0] == "photo6\nbefore, 20.0 dB"  # the farthest first
    assert len(figures["farthest"].axes) == 2 * 2 * 3


def test_the_part_that_is_magnified_has_most_detail():
    pixels = np.full((100, 160, 3), 90, np.uint8)
    pixels[60:80, 120:140] = np.random.default_rng(0).integers(0, 256, (20, 20, 3))
    top, left, side = most_detailed(pixels)
    assert side == 32
    assert max(top, left - 60) <= 60
    assert min(top + side, left + side - 60) >= 80
    assert most_detailed(pixels[:3, :5])[2] <= 3
    assert thinned(np.zeros((1500, 100, 3))).shape == (500, 34, 3)


def test_a_restored_picture_says_its_size_and_how_much_changed():
    before = np.full((4, 6, 3), 100, np.uint8)
    found = Restored(np.full((8, 12, 3), 97, np.uint8), before, 2)
    assert found.text == "12 x 8, changed by 3.0 of 255"
    assert found.to_dict() == {"width": 12, "height": 8, "scale": 2, "changed": 3.0}
    assert found.rows() == [found.to_dict()]
    assert found.columns() == {"width": 12, "height": 8, "changed": "3.00"}
