"""Other pictures than digits in the MNIST pipeline: the network for any kind, mirrored or not, and what is said."""

import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from pipelines import built, moment, pictures_of, read, reader, sample
from sklearn.neighbors import KNeighborsClassifier

from kzoo.data.frames import Frame
from kzoo.data.splits import ArraySplit
from kzoo.pipeline import Problem
from kzoo.runs.choices import build_settings
from kzoo.runs.configure import configure
from kzoo_zoo.mnist.augment import changed, mirror_test, shift
from kzoo_zoo.mnist.pipeline import Mnist
from kzoo_zoo.mnist.preparing import prepared
from kzoo_zoo.whitening import COMPONENTS, PATCH, whiten

PIPELINE = Mnist()
RNG = np.random.default_rng(0)


def waves(count, size=28):
    """Return pictures of four classes with patterns that mirroring leaves as they are, anywhere and in noise."""
    y = RNG.integers(0, 4, count)
    rows, columns = np.indices((size, size))
    phase = RNG.integers(0, 6, (count, 1, 1))
    along = np.where((y % 2)[:, None, None] == 0, rows, np.abs(columns - (size - 1) / 2))
    light = np.sin((along + phase) / (1 + y // 2)[:, None, None]) * 60 + 128 + RNG.normal(0, 30, (count, size, size))
    return np.clip(light, 0, 255).astype(np.uint8)[..., None], y


def garments(folder, count=60):
    """Write pictures that are no digits, filled shapes on black, in MNIST's own form."""
    x = np.zeros((count, 28, 28), np.uint8)
    x[:, 2:26, 2:26] = RNG.integers(90, 250, (count, 24, 24))
    x[::2, 2:10] = 0
    path = folder / "garments.npz"
    np.savez(path, x_train=x, y_train=np.arange(count) % 2, x_test=x[:20], y_test=np.arange(20) % 2)
    return path


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (64, 48, 3)])
def test_the_network_for_any_kind_is_whitened_and_takes_pictures_of_any_size(shape):
    train = pictures_of(shape, count=50)
    network = built(PIPELINE, shape, 7, train=train, network="general").model
    layer = network.get_layer("whitening")
    kernel, _ = layer.get_weights()
    assert not layer.trainable
    rows = train.x.reshape(50, shape[0] // PATCH, PATCH, shape[1] // PATCH, PATCH, shape[2])
    rows = rows.transpose(0, 1, 3, 2, 4, 5).reshape(-1, PATCH * PATCH * shape[2]) / 255
    filters = kernel.reshape(-1, 2 * COMPONENTS)[:, :COMPONENTS]
    covariance = np.cov(rows @ filters, rowvar=False)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=2e-3)  # uncorrelated
    outputs = network(np.zeros((2, *shape), np.uint8))
    np.testing.assert_allclose(np.sum(outputs, -1), 1, rtol=1e-5)
    assert whiten.__module__ == "kzoo_zoo.whitening"


def test_digits_are_not_mirrored_and_patterns_are():
    digits = sample(PIPELINE).train
    found = mirror_test(digits.x, digits.y)
    asked = len(digits.x) // 5
    rows = digits.x.reshape(len(digits.x), -1).astype(float)
    # Pearson's correlation as scikit-learn measures it, by its own neighbours.
    nearest = KNeighborsClassifier(1, metric="correlation", algorithm="brute").fit(rows[asked:], digits.y[asked:])
    mirrored = digits.x[:asked, :, ::-1].reshape(asked, -1).astype(float)
    assert found.own == pytest.approx(nearest.score(rows[:asked], digits.y[:asked]), abs=0.011)
    assert found.mirrored == pytest.approx(nearest.score(mirrored, digits.y[:asked]), abs=0.011)
    assert (found.verdict, found.asked) == ("other", asked)
    assert mirror_test(*waves(800)).verdict == "same"


@pytest.mark.parametrize("count", [0, 3, 300])
def test_where_neighbours_know_nothing_it_is_not_told(count):
    noise = RNG.integers(0, 256, (count, 40, 70, 3), dtype=np.uint8)
    found = mirror_test(noise, RNG.integers(0, 2, count))
    assert found.verdict == "unknown"
    assert "cannot be told" in found.words


def test_auto_mirrors_what_stays_the_same_and_says_so():
    x, y = waves(800)
    both = built(PIPELINE, (28, 28, 1), 4, train=ArraySplit(x, y), augment={"mirror": "auto", "reach": 0}, widths=[4])
    assert any(note.startswith("Pictures are mirrored in every other epoch: ") for note in both.notes)
    one, other = (both.augment(x[:8], y[:8], moment([5, 6], epoch=epoch))[0].numpy() for epoch in (0, 1))
    np.testing.assert_array_equal(one, other[:, :, ::-1])
    digits = sample(PIPELINE).train
    left = built(PIPELINE, (28, 28, 1), 10, train=digits, augment={"mirror": "auto", "reach": 0}, widths=[4])
    assert any(note.startswith("Pictures are not mirrored: ") for note in left.notes)
    np.testing.assert_array_equal(left.augment(digits.x[:8], digits.y[:8], moment([5, 6]))[0], digits.x[:8])


def change(x, **how):
    plain = {"seed": [5, 6], "epoch": tf.constant(0), "reach": 0, "border": "black", "mirror": False}
    return changed(x, **{**plain, **how}).numpy()


def test_a_reflected_border_shows_the_picture_itself():
    x = RNG.integers(1, 256, (30, 8, 8, 1), dtype=np.uint8)
    moved = change(x, reach=2, border="reflected")
    padded = np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)], mode="reflect")
    for one, big in zip(moved, padded, strict=True):
        assert sum((big[i : i + 8, j : j + 8] == one).all() for i in range(5) for j in range(5)) == 1
    tiny = change(x[:, :2, :2], reach=5, border="reflected", mirror=True)
    assert set(np.unique(tiny)) <= set(np.unique(x[:, :2, :2]))
    np.testing.assert_array_equal(change(x, reach=2), shift(x, seed=[5, 6], reach=2))


def test_pictures_turn_and_grow_as_far_as_they_are_let():
    rows, columns = np.indices((41, 41)) - 20
    bar = ((np.abs(columns) < 1.5) & (np.abs(rows) < 13)).astype(np.uint8) * 255  # upright, 25 tall
    bars = np.repeat(bar[None, ..., None], 60, axis=0)

    def angles_and_lengths(pictures):
        for picture in pictures[..., 0]:
            y, x = np.nonzero(picture > 100)
            values, vectors = np.linalg.eigh(np.cov(x, y))
            yield np.degrees(np.arctan2(vectors[0, 1], abs(vectors[1, 1]))), np.sqrt(12 * values[1])

    angles, _ = np.array(list(angles_and_lengths(change(bars, rotation=30.0)))).T
    assert 15 < np.abs(angles).max() < 31
    assert angles.min() < -5 < 5 < angles.max()
    angles, lengths = np.array(list(angles_and_lengths(change(bars, zoom=0.3)))).T
    assert np.abs(angles).max() < 1
    assert 25 / 1.3 - 1.5 < lengths.min() < 22
    assert 29 < lengths.max() < 25 / 0.7 + 1.5
    np.testing.assert_array_equal(change(bars), bars)


def test_pictures_that_are_no_digits_are_not_called_so(tmp_path):
    found = read(PIPELINE, garments(tmp_path))
    assert not found.schema
    asked = {"train": found.train, "problem": {"schema": found.schema}}
    default = built(PIPELINE, (28, 28, 1), 2, **asked)
    (note,) = default.notes
    assert "--recipe general" in note
    assert "only resize them" in note
    assert default.card == {"as_mnist": False, "digits": False}
    general = built(PIPELINE, (28, 28, 1), 2, network="general", **asked)
    assert not general.notes
    card = {**general.card, "input_shape": (28, 28, 1), "class_names": ("a", "b")}
    assert "digit" not in PIPELINE.preprocessing_of(card)
    assert "28x28" in PIPELINE.preprocessing_of(card)
    plain = reader(PIPELINE, lambda x: np.eye(2)[np.zeros(len(x), int)], card)
    (prediction,) = plain.predict([Frame(index=0, pixels=np.full((90, 60, 3), 200, np.uint8))])
    assert not prediction.doubts


def test_the_sample_and_mnist_are_known_as_digits():
    digits = sample(PIPELINE)
    made = built(PIPELINE, (28, 28, 1), 10, train=digits.train, problem={"schema": digits.schema})
    assert made.card == {"as_mnist": True, "digits": True}
    assert not made.notes
    assert "digit" in PIPELINE.preprocessing_of({**made.card, "input_shape": (28, 28, 1)})


def test_other_signs_are_prepared_too_but_not_called_digits():
    page = np.full((200, 300, 3), 220, np.uint8)
    page[95:107, 40:260] = 30  # as wide as no digit is
    assert "wider than any digit" in prepared(page).notes[0]
    assert prepared(page, digits=False).notes == ()
    blank = np.full((200, 300, 3), 220, np.uint8)
    assert "No sign is seen" in prepared(blank, digits=False).notes[0]


@pytest.mark.parametrize(("recipe", "network", "mirrored"), [("fast", "default", 0), ("general", "general", 1)])
def test_the_recipes_name_their_networks_and_changes(recipe, network, mirrored):
    config = configure("mnist", recipe=recipe)
    chosen = build_settings(config, PIPELINE)
    assert chosen.model.network == network
    x, y = waves(400)
    problem = Problem(task="classification", input_shape=(28, 28, 1), outputs=4, class_names=tuple("abcd"))
    made = PIPELINE.build(problem, ArraySplit(x, y), chosen)
    assert made.model.name == f"mnist_{network}"
    assert len([note for note in made.notes if note.startswith("Pictures are mirrored")]) == mirrored
    pictures, _ = made.augment(x[:8], y[:8], moment([5, 6]))
    assert pictures.shape == (8, 28, 28, 1)
    assert (pictures.numpy() != x[:8]).any()


@pytest.mark.long
def test_no_text_of_run_report_and_commands_speaks_of_digits(kzoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = garments(tmp_path)
    Image.fromarray(np.full((90, 60), 200, np.uint8)).save("coat.png")
    code, out, err = kzoo("run", "mnist", "--recipe", "general", "--data", str(path), "--limit", "16", "--epochs", "1")
    assert code == 0, err
    page = next((tmp_path / "runs").rglob("report.html")).read_text("utf-8")
    page = re.sub(r'src="data:[^"]*"', "", page)  # pictures
    assert "garments.npz" in page
    told = [out, err, page]
    for command in (("evaluate", "last"), ("predict", "last", "coat.png"), ("check", "last")):
        code, out, err = kzoo(*command)
        assert code == 0, err
        told += [out, err]
    code, out, err = kzoo("run", "mnist", "--data", str(path), "--limit", "16", "--epochs", "1")
    assert code == 0, err
    assert "add --recipe general" in err + out
    assert not [text for text in told if "digit" in text.lower() or "handwr" in text.lower()]
