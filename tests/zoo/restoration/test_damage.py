"""What is done to pictures, and what OpenCV has against it."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from kzoo.errors import UsageError
from kzoo_zoo.restoration.damage import Blur, Downscale, Jpeg, Noise, damage_of
from kzoo_zoo.restoration.methods import Enlarged, NonLocalMeans, Sharpened, methods_for
from kzoo_zoo.restoration.shelf import InMemory
from kzoo_zoo.restoration.split import Form, Picture

TEXTS = ["noise:sigma=25", "downscale:factor=2", "downscale:factor=3", "jpeg:quality=20", "blur:sigma=2"]


def photo(size=(96, 132), channels=3, seed=0):
    rng = np.random.default_rng(seed)
    row, column = np.indices(size)
    waves = 128 + 80 * np.sin(row[..., None] / 4 + column[..., None] / rng.uniform(3, 9, channels))
    return np.clip(waves + rng.normal(0, 8, waves.shape), 0, 255).astype(np.uint8)


def test_noise_has_the_deviation_that_was_asked_for():
    gray = np.full((200, 200, 3), 128, np.uint8)
    noisy = damage_of("noise:sigma=25").apply(gray, np.random.default_rng(0)).astype(float)
    assert noisy.std() == pytest.approx(25, rel=0.01)
    assert noisy.mean() == pytest.approx(128, abs=0.3)
    drawn = [Noise((0, 50)).apply(gray, np.random.default_rng(seed)).std() for seed in range(40)]
    assert min(drawn) < 5
    assert max(drawn) > 45


def test_a_picture_made_smaller_is_pillows():
    pixels = photo((60, 90))
    small = damage_of("downscale:factor=3").apply(pixels, None)
    np.testing.assert_array_equal(small, Image.fromarray(pixels).resize((30, 20), Image.Resampling.BICUBIC))


def test_a_blurred_picture_is_scipys():
    pixels = photo((60, 70))
    blurred = damage_of("blur:sigma=1.5").apply(pixels, None)
    expected = ndimage.gaussian_filter(pixels.astype(float), (1.5, 1.5, 0), mode="reflect")
    assert np.abs(blurred - expected).max() < 1.5  # both are rounded


def test_a_jpeg_of_low_quality_is_farther_away():
    pixels = photo()
    away = [np.abs(Jpeg((quality, quality)).apply(pixels, None).astype(int) - pixels).mean() for quality in (5, 30, 90)]
    assert away[0] > away[1] > away[2] > 0


@pytest.mark.long_but_first(5)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("text", TEXTS)
def test_every_damage_is_for_gray_and_colours_and_its_methods_undo_its_size(text, channels):
    damage, pixels = damage_of(text), photo(channels=channels)
    worn = damage.apply(pixels, np.random.default_rng(0))
    assert worn.dtype == np.uint8
    assert worn.shape == (96 // damage.scale, 132 // damage.scale, channels)
    assert methods_for(damage)
    for method in methods_for(damage):
        assert method.restored(worn, method.strengths[0]).shape == pixels.shape


def test_opencv_knows_colours_by_their_places():
    """The colours of a picture in one of them alone are not mixed up: blue and red do not weigh alike in brightness."""
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    np.testing.assert_allclose(NonLocalMeans().restored(red, 10)[16, 16], [200, 0, 0], atol=3)
    small = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert (Enlarged("bicubic", 2).restored(small, 0)[..., 0] <= 60).all()
    flat = np.full((20, 20, 1), 70, np.uint8)
    np.testing.assert_array_equal(Sharpened(2.0).restored(flat, 3), flat)
    assert methods_for(None) == ()


@pytest.mark.parametrize("text", [text for text in TEXTS if "noise" not in text])
def test_a_patch_is_damaged_as_the_whole_picture_is(text):
    damage = damage_of(text)
    picture = Picture("one", InMemory(photo((100, 140))), Form(32, 3, damage, damage.scale))
    whole, true = picture.damaged(), picture.clean()
    side = picture.form.side
    for draw in range(6):
        patch, clean = picture.example(draw)
        assert clean.shape == (side, side, 3)
        places = [
            (top, left)
            for top in range(true.shape[0] - side + 1)
            for left in range(true.shape[1] - side + 1)
            if np.array_equal(true[top : top + side, left : left + side], clean)
        ]
        (top, left) = (at // damage.scale for at in places[0])
        part = whole[top : top + patch.shape[0], left : left + patch.shape[1]]
        assert np.abs(part.astype(int) - patch).max() <= 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rain", "`rain` is no damage that kzoo does"),
        ("noise:sigma=much", "`sigma` must be a number from 0 to 200"),
        ("noise:sigma=-1", "must be a number from 0 to 200"),
        ("noise:sigma=[30,10]", "must be a number from 0 to 200, or the least and the largest"),
        ("noise:sigma=[1,2,3]", "must be a number from 0 to 200"),
        ("noise:sigma=true", "must be a number from 0 to 200"),
        ("noise:sigma=NaN", "must be a number from 0 to 200"),
        ("noise:strength=3", "`noise` has no `strength`, only `sigma`"),
        ("jpeg:quality=0", "`quality` must be a number from 1 to 95"),
        ("blur:sigma=50", "`sigma` must be a number from 0.1 to 20"),
        ("downscale:factor=5", "`factor` must be 2, 3 or 4, not 5"),
        ("downscale:factor=2.5", "`factor` must be 2, 3 or 4"),
        ("noise:25", "it has not the form name:key=value"),
        ("", "it has not the form name:key=value"),
    ],
)
def test_a_damage_that_is_none_is_refused(text, said):
    with pytest.raises(UsageError, match=said.replace("[", r"\[")):
        damage_of(text)


def test_defaults_and_ranges():
    assert damage_of("noise") == Noise((25, 25))
    assert damage_of("jpeg:quality=[10,40]") == Jpeg((10, 40))
    assert damage_of("downscale") == Downscale(2)
    assert damage_of("blur:sigma=2") == Blur((2, 2))
