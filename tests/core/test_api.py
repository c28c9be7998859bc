"""The same from Python, and the same again in another process."""

import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import kzoo
from kzoo.cli import main
from kzoo.errors import UsageError
from kzoo.runs.folder import Run
from kzoo_zoo.mnist.data import sample

TINY = {"recipe": "quick", "epochs": 1, "limit": 60, "batch_size": 20}


def test_components_by_name():
    assert kzoo.loss("emd", p=1).p == 1
    assert kzoo.loss("emd:p=3", normalize=False).get_config()["p"] == 3
    assert isinstance(kzoo.metric("mean_absolute_error"), keras.metrics.MeanAbsoluteError)
    assert float(kzoo.optimizer("adam:learning_rate=0.5").learning_rate) == 0.5
    assert kzoo.regularizer("l2", l2=0.25).l2 == 0.25


def test_the_argument_name_is_the_component_s_own():
    assert kzoo.loss("mse", name="m").name == "m"
    assert kzoo.metric("mse", name="m").name == "m"
    assert kzoo.optimizer("sgd", name="m").name == "m"
    assert kzoo.schedule("cosine_decay", name="m", initial_learning_rate=0.1, decay_steps=1).name == "m"
    with pytest.raises(UsageError, match="no argument `name`"):
        kzoo.regularizer("l2", name="m")


def test_a_wrong_name_is_a_kzoo_error():
    with pytest.raises(kzoo.KzooError, match="Did you mean `emd`"):
        kzoo.loss("emdd")
    with pytest.raises(kzoo.KzooError, match="no argument `loses`"):
        kzoo.run("mnist", loses="emd")


def test_a_run_and_its_model(tmp_path):
    more = {"options": {"train.keep": "best"}, "track": ["tensorboard"]}
    with pytest.warns(UserWarning, match="order of the classes"):
        result = kzoo.run("mnist", loss="emd", metrics=["emd"], out=tmp_path, **more, **TINY)
    assert result.status == "done"
    assert sorted(one.name for one in (result.run.path / "tb").iterdir()) == ["test", "train", "validation"]
    assert set(result.results) == {"loss", "accuracy", "emd"}
    assert len(result.history) == 1
    again = kzoo.load_model(result.run.path)
    for a, b in zip(again.get_weights(), result.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


PICTURE = np.zeros((28, 28), np.uint8)
THREE = np.zeros((3, 28, 28), np.uint8)


def closed_picture(folder):
    """Return a PIL image whose file was closed before it was read."""
    Image.fromarray(PICTURE).save(folder / "closed.png")
    image = Image.open(folder / "closed.png")
    image.close()
    return image


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: kzoo.loss(3), "named by text such as focal:gamma=2, not given as 3"),
        (lambda: kzoo.schedule(3), "named by text"),
        (lambda: kzoo.run(3), "`pipeline` must be the name of a pipeline, as text, not 3"),
        (lambda: kzoo.run("mnist", loss=3), "named by text"),
        (lambda: kzoo.run("mnist", loss=keras.losses.MeanSquaredError()), "the type MeanSquaredError"),
        (lambda: kzoo.run("mnist", recipe=3), "`recipe` must be the name of a recipe"),
        (lambda: kzoo.run("mnist", options=["a"]), r"`options` must be a mapping such as .*, not \['a'\] \(list\)"),
        (lambda: kzoo.run("mnist", options="train.epochs=1"), "`options` must be a mapping"),
        (lambda: kzoo.run("mnist", options={3: 1}), "the name of a setting, as text, not 3"),
        (lambda: kzoo.run("mnist", options={"train.epochs": THREE}), "`train.epochs` must be a plain value"),
        (lambda: kzoo.run("mnist", limit=THREE), r"`limit` must be a plain value .* ndarray of shape \(3, 28, 28\)"),
        (lambda: kzoo.run("mnist", data=THREE), "`data` must be `real`, .* ndarray of shape .* Arrays are saved"),
        (lambda: kzoo.run("mnist", data=""), "`data` names no file or folder"),
        (lambda: kzoo.run("mnist", out=3), "`out` must be the path of a folder, as text or a Path, not 3"),
        (lambda: kzoo.run("mnist", metrics=3), "`metrics` must be a list of names"),
        (lambda: kzoo.run("mnist", track=3), "`track` must be a list of names such as .*tensorboard"),
        (lambda: kzoo.run("mnist", strategy=3), "`strategy` must be a tf.distribute.Strategy"),
        (lambda: kzoo.run(resume=123), "`resume` must be a run that was stopped or killed.* not 123"),
        (lambda: kzoo.load_model(None), "`path` must be a .keras file or the folder of a run, .* not None"),
        (lambda: kzoo.open(3), "`model` must be a run"),
        (lambda: kzoo.open(""), "`model` names no file or folder"),
        (lambda: kzoo.predict("last", THREE), r"`source` must be a file, .* kzoo\.open\(\.\.\.\)\.predict"),
        (lambda: kzoo.predict("last", ""), "`source` names no file or folder"),
        (lambda: kzoo.predict("last", "a.png", start="x"), "`start` and `end` must be numbers of seconds, not 'x'"),
        (lambda: kzoo.predict("last", "a.png", every=1.5), "`every` and `max_frames` must be whole numbers"),
    ],
)
def test_arguments_of_a_wrong_type_are_refused_in_words(call, said):
    with pytest.raises(UsageError, match=said):
        call()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return what a tiny run came to; its metric is named without a list."""
    return kzoo.run("mnist", data="sample", metrics="mcc", out=tmp_path_factory.mktemp("runs"), **TINY)


def test_a_model_is_opened_from_what_a_run_returned(trained):
    assert set(trained.results) == {"loss", "accuracy", "mcc"}
    for form in (trained, trained.run, trained.run.path, str(trained.run.path)):
        assert kzoo.open(form).path == trained.run.saved_model()
    assert kzoo.evaluate(trained).metrics == pytest.approx(trained.results)


def test_an_input_far_from_those_of_the_training_is_warned_of(trained):
    model = kzoo.open(trained)
    assert set(model.card.inputs) == {"names", "low", "high", "pictures"}
    images = sample(None).test.x[:8]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(list(images))
    with pytest.warns(UserWarning, match=r"input 1: It is far from what the network learned from: brighter \("):
        model.predict([images[0], 255 - images[1]], prepare=False)
    with pytest.warns(UserWarning, match="input 0: No digit is seen"):
        model.predict(np.full((60, 60), 200, np.uint8))


@pytest.mark.long
def test_data_far_from_that_of_the_training_is_warned_of_where_it_is_measured(trained, tmp_path):
    x, y = sample(None).test.x, sample(None).test.y
    np.savez(tmp_path / "inverted.npz", x_train=x, y_train=y, x_test=255 - x, y_test=y)
    with pytest.warns(UserWarning, match="256 of 256"):
        found = kzoo.open(trained).evaluate(tmp_path / "inverted.npz")
    assert "256 of 256 test examples that were looked at are far from what the network learned from" in found.notes[0]
    assert kzoo.open(trained).evaluate("sample").notes == []


def test_a_model_that_is_not_the_one_of_its_run_is_said_to_be_another(trained, tmp_path, capsys):
    assert set(trained.run.manifest().models) == {"model.keras", "best.keras"}
    folder = tmp_path / "run"
    shutil.copytree(trained.run.path, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kzoo.open(folder)
    shutil.copy(folder / "best.keras", folder / "moved.keras")
    kzoo.open(folder / "moved.keras")  # the run has said nothing of a file of this name
    with zipfile.ZipFile(folder / "model.keras", "a") as archive:
        archive.writestr("notes.txt", "changed")
    said = r"model\.keras is not the model that its run saved: its SHA-256 is \w{64}, and run\.json has \w{64}"
    with pytest.warns(UserWarning, match=said):
        model = kzoo.open(folder)
    with pytest.warns(UserWarning, match=said):
        assert re.search(said, model.evaluate().notes[0])
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    assert main(["predict", str(folder), str(tmp_path / "a.png")]) == 0
    assert re.search(said, capsys.readouterr().err)


def test_an_opened_model_refuses_what_it_cannot_measure_or_predict(trained, tmp_path):
    model = kzoo.open(trained)
    for data in (THREE, (THREE, PICTURE)):
        with pytest.raises(UsageError, match="`data` must be `real`"):
            model.evaluate(data)
    with pytest.raises(UsageError, match="`data` names no file or folder"):
        model.evaluate("")
    for size in (-1, 0, "a", 1.5, True):
        with pytest.raises(UsageError, match="`batch_size` must be a whole number of at least 1"):
            model.evaluate(batch_size=size)
    with pytest.raises(UsageError, match="`source` names no file or folder"):
        model.predict("")
    with pytest.raises(UsageError, match="one flat list"):
        model.predict([[PICTURE, np.zeros((3, 3), np.uint8)], [PICTURE]])
    with pytest.raises(UsageError, match="PIL image cannot be read: Operation on closed image"):
        model.predict(closed_picture(tmp_path))


@pytest.mark.long
def test_measuring_again_compiles_nothing(trained):
    model = kzoo.open(trained)
    first = model.evaluate()
    steps = model._measuring.tester._test_steps
    traced = steps.experimental_get_tracing_count()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = [model.evaluate() for _ in range(5)]
    assert all(one.to_dict() == first.to_dict() for one in again)
    assert steps.experimental_get_tracing_count() == traced
    assert model._measuring.tester._test_steps is steps
    assert first.metrics == pytest.approx(trained.results)
    assert model.evaluate(batch_size=np.int64(7)).metrics == pytest.approx(first.metrics)


def test_the_command_line_refuses_the_same(trained, capsys):
    from kzoo.cli import main

    run = str(trained.run.path)
    for arguments, said in (
        (["predict", run, ""], "`source` names no file or folder"),
        (["evaluate", run, "--data", ""], "`data` names no file or folder"),
        (["evaluate", run, "-b", "0"], "a whole number of at least 1, not 0"),
    ):
        assert main(arguments) == 2
        assert said in capsys.readouterr().err


@pytest.mark.long
def test_the_same_seed_gives_the_same_weights_in_two_processes(tmp_path):
    """Bit for bit, with augmentation, a validation split and a schedule."""
    here = kzoo.run("cifar10", seed=5, out=tmp_path / "here", **TINY)
    script = f"import kzoo; print(kzoo.run('cifar10', seed=5, out={str(tmp_path / 'there')!r}, **{TINY!r}).run.path)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run = Run(Path(done.stdout.strip()))
    there = kzoo.load_model(run.path)
    for a, b in zip(here.model.get_weights(), there.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert here.model.optimizer.iterations.numpy() == there.optimizer.iterations.numpy() == 3
    assert here.run.manifest().results == run.manifest().results


@pytest.mark.long
def test_another_seed_gives_other_weights(tmp_path):
    first, second = (kzoo.run("regression", seed=seed, out=tmp_path, **TINY) for seed in (1, 2))
    assert any((a != b).any() for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True))
