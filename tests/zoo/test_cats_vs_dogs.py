"""Photos in folders: the tutorial's network, changes at random, the archive, the sample, and the task that follows."""

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from pipelines import Heard, read, request
from pipelines import sample as sample_of
from scipy import ndimage

import kzoo
from kzoo.cli import main
from kzoo.data.sources import load_splits
from kzoo.errors import DataError, UsageError
from kzoo.inference.evaluation import evaluate
from kzoo.models.saved import find_model
from kzoo.models.saving import load_model
from kzoo.tasks.labels import label_encoder
from kzoo_zoo.cats_vs_dogs import data
from kzoo_zoo.cats_vs_dogs.animals import draw_animals
from kzoo_zoo.cats_vs_dogs.pipeline import CatsVsDogs

PIPELINE = CatsVsDogs()
RNG = np.random.default_rng(0)
PHOTOS = RNG.integers(0, 256, (6, 24, 32, 3), dtype=np.uint8)
SMOOTH = np.stack([ndimage.gaussian_filter(photo, (3, 3, 0)) for photo in PHOTOS])


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def photo(number, kind="JPEG"):
    buffer = io.BytesIO()
    Image.fromarray(PHOTOS[number % len(PHOTOS)]).save(buffer, kind)
    return buffer.getvalue()


def archive(path, *, corrupt=()):
    """Write an archive laid out as Microsoft's."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme[1].txt", "read me")
        for name in ("Cat", "Dog"):
            for number in range(10):
                member = f"PetImages/{name}/{number}.jpg"
                file.writestr(member, b"" if member in corrupt else photo(number))
            file.writestr(f"PetImages/{name}/Thumbs.db", b"\0")
    return path


def class_folder(root, names, count=10, size=32):
    """Write a folder of images for each class, each class with a colour of its own."""
    for index, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for number in range(count):
            image = RNG.integers(0, 60, (size, size, 3), dtype=np.uint8)
            image[..., index % 3] += 60 * (1 + index // 3)
            Image.fromarray(image).save(root / name / f"{number}.png")
    return root


@pytest.mark.long
def test_the_sample_is_the_same_on_every_call_and_as_large_as_asked():
    one, again = sample_of(PIPELINE, image_size=32), sample_of(PIPELINE, image_size=32)
    assert one.train.digest() == again.train.digest()
    assert one.test.digest() == again.test.digest()
    assert one.train.x.shape == (1200, 32, 32, 3)
    assert one.train.x.dtype == np.uint8
    assert np.bincount(one.test.y).tolist() == [150, 150]
    assert one.class_names == ("cat", "dog")
    images, _ = draw_animals(40, 3, (24, 40))
    assert images.shape == (40, 24, 40, 3)
    assert len({image.tobytes() for image in images}) == 40


@pytest.mark.long
def test_colour_alone_does_not_tell_the_animals_apart():
    from sklearn.linear_model import LogisticRegression

    sample = sample_of(PIPELINE, image_size=32)
    mean = [split.x.mean((1, 2)) for split in (sample.train, sample.test)]
    assert LogisticRegression(max_iter=1000).fit(mean[0], sample.train.y).score(mean[1], sample.test.y) < 0.7


def test_microsofts_archive_is_read_and_its_corrupt_files_are_left_out_and_counted(tmp_path, home):
    path = archive(tmp_path / "pets.zip", corrupt=("PetImages/Cat/6.jpg", "PetImages/Dog/1.jpg"))
    found = read(PIPELINE, path, image_size=[20, 30])
    assert found.class_names == ("Cat", "Dog")
    assert len(found.train) + len(found.test) == 18
    assert found.train.x.shape[1:] == (20, 30, 3)
    assert "2 of 20 images" in found.notes[0]
    assert "Cat/6.jpg: the file is empty; Dog/1.jpg: the file is empty" in found.notes[0]
    with pytest.raises(DataError, match="2 of 20 images"):
        read(PIPELINE, path, image_size=20, unreadable="stop")
    assert len(list((home / "cats_vs_dogs").glob("pets-*/PetImages"))) == 1  # unpacked once


def test_the_real_archive_comes_from_the_network_once(tmp_path, home, monkeypatch, file_server):
    content = archive(tmp_path / "pets.zip", corrupt=("PetImages/Cat/6.jpg",)).read_bytes()
    url = file_server(content)
    remote = replace(
        data.REMOTE, urls=(f"{url}/pets.zip",), sha256=hashlib.sha256(content).hexdigest(), size=len(content)
    )
    monkeypatch.setattr(data, "REMOTE", remote)
    heard = Heard()
    splits = load_splits(PIPELINE.source(), request("real", image_size=24), heard)
    assert sum(splits.sizes.values()) == 19
    assert splits.provenance.used == "real"
    (warning,) = heard.warned
    assert "left out" in warning
    assert "Unpacking" in heard.said[0]


def test_published_address_and_checksum_are_well_formed():
    assert data.REMOTE.urls[0].endswith(f"/{data.REMOTE.filename}")
    assert len(data.REMOTE.sha256) == 64


@pytest.mark.parametrize("size", [0, 8, 5000, "96", [96], [96, 96, 3], 96.0, True])
def test_an_impossible_image_size_is_refused(size):
    with pytest.raises(UsageError, match=r"data\.image_size"):
        sample_of(PIPELINE, image_size=size)


# Runs


def quick(folder, out, **asked):
    options = ["model.widths=[4,8]", "data.image_size=32", *asked.pop("options", [])]
    listener = asked.pop("listener", None)
    from kzoo.runs.configure import configure
    from kzoo.training.run import train

    config = configure("cats_vs_dogs", recipe="quick", data=str(folder), epochs=1, options=options, **asked)
    return train(config, root=out, listener=listener)


@pytest.mark.long
def test_a_folder_of_two_classes_is_one_yes_or_no(tmp_path):
    heard = Heard()
    result = quick(class_folder(tmp_path / "pets", ["ant", "bee"]), tmp_path / "runs", listener=heard,
                   metrics=["precision", "ece"])  # fmt: skip
    assert result.model.output_shape == (None, 1)
    assert {"loss", "accuracy", "precision", "ece"} <= set(result.results)
    assert not any("classes: the task" in text for text in heard.said)
    manifest = json.loads((result.run.path / "run.json").read_text())
    assert manifest["task"] == "binary"
    assert (result.run.path / "report.html").exists()
    saved = find_model(str(result.run.path))
    assert saved.card.task == "binary"
    assert saved.card.data_settings == {"image_size": 32}
    found = evaluate(saved, data=None, listener=heard)
    assert found.metrics == pytest.approx(result.results, rel=1e-5)
    assert np.sum(found.confusion.counts) == 4
    assert set(found.per_class) == {"ant", "bee"}
    assert found.measured == "its test split"
    right = np.trace(found.confusion.counts) / 4
    assert found.metrics["accuracy"] == pytest.approx(right)  # the threshold of the metric is that of the matrix


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """Return a tiny run on ten photos of each of two classes."""
    root = tmp_path_factory.mktemp("pets")
    return quick(class_folder(root / "pets", ["ant", "bee"]), root / "runs", options=["report=false"]).run


@pytest.mark.long
def test_a_new_folder_is_measured_on_as_a_whole(pets, tmp_path, capsys):
    folder = class_folder(tmp_path / "new", ["ant", "bee"], count=3)
    for number in (1, 2):
        (folder / "bee" / f"{number}.png").unlink()
    assert main(["evaluate", str(pets.path), "--data", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["size"], found["measured"]) == (4, "all of it")
    assert [found["per_class"][name]["support"] for name in ("ant", "bee")] == [3, 1]
    photos = [np.asarray(Image.open(folder / name)) for name in ("ant/0.png", "ant/1.png", "ant/2.png", "bee/0.png")]
    says = load_model(pets.model_path).predict(np.stack(photos), verbose=0)[:, 0] > 0.5
    assert found["metrics"]["accuracy"] == pytest.approx(np.mean(says == [False, False, False, True]))
    assert main(["evaluate", str(pets.path), "--data", str(folder)]) == 0
    assert "4 test examples, all of it" in capsys.readouterr().out


@pytest.mark.long
def test_of_a_new_folder_with_a_test_split_that_is_measured_on(pets, tmp_path, capsys):
    class_folder(tmp_path / "new" / "train", ["ant", "bee"], count=4)
    class_folder(tmp_path / "new" / "test", ["ant", "bee"], count=1)
    assert main(["evaluate", str(pets.path), "--data", str(tmp_path / "new")]) == 0
    assert "2 test examples, its test split" in capsys.readouterr().out


@pytest.mark.long
def test_of_the_folder_of_a_run_its_test_split_is_measured_on(pets, capsys):
    for named in ([], ["--data", str(pets.path.parents[2] / "pets")]):
        assert main(["evaluate", str(pets.path), *named]) == 0
        assert "4 test examples, its test split" in capsys.readouterr().out


def test_labels_of_yes_and_no_stand_in_a_column_as_the_outputs_do():
    labels = label_encoder("column", 2)(tf.constant([0, 1, 1], tf.int64))
    assert labels.dtype == tf.float32
    np.testing.assert_array_equal(labels, [[0], [1], [1]])


@pytest.mark.long
def test_a_folder_of_five_classes_becomes_a_classification_and_says_so(tmp_path):
    heard = Heard()
    folder = class_folder(tmp_path / "flowers", ["daisy", "iris", "lily", "rose", "tulip"])
    result = quick(folder, tmp_path / "runs", listener=heard, loss="categorical_crossentropy",
                   metrics=["top_k_categorical_accuracy:k=2"])  # fmt: skip
    assert result.model.output_shape == (None, 5)
    assert any("5 classes: the task is classification, not binary" in text for text in heard.said)
    saved = find_model(str(result.run.path))
    assert saved.card.task == "classification"
    assert evaluate(saved, data=None, listener=heard).metrics == pytest.approx(result.results, rel=1e-5)


def test_a_component_that_does_not_fit_the_data_is_refused_before_training(tmp_path):
    folder = class_folder(tmp_path / "pets", ["ant", "bee"])
    with pytest.raises(UsageError, match=r"`categorical_crossentropy` .* not for binary"):
        quick(folder, tmp_path / "runs", loss="categorical_crossentropy")
    with pytest.raises(UsageError, match=r"is for regression, not for binary"):
        quick(folder, tmp_path / "runs", loss="scaled_mse")
    assert not (tmp_path / "runs").exists()


def test_a_setting_that_the_data_does_not_have_is_refused(tmp_path):
    with pytest.raises(
        UsageError, match=r"no setting `data\.image_sise` \(from -o\)\. Did you mean `data\.image_size`"
    ):
        quick("sample", tmp_path, options=["data.image_sise=32"])


@pytest.mark.long
def test_python_callers_get_the_same(tmp_path):
    result = kzoo.run("cats_vs_dogs", recipe="quick", epochs=1, limit=40, out=tmp_path,
                      options={"data.image_size": 32, "model.widths": [4, 8]})  # fmt: skip
    assert result.status == "done"
