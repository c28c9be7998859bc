"""A trained model is written, compared with the original, and used without TensorFlow."""

import json
import os
import re
import shutil
import subprocess
import sys
import types

import keras
import numpy as np
import pipelines
import pytest
from PIL import Image

from kzoo.errors import UsageError
from kzoo.export.exporting import Request, export
from kzoo.export.formats import FORMATS
from kzoo.models.card import ModelCard
from kzoo.models.onnx_file import EXPORT, read_onnx
from kzoo.models.saved import find_model, find_pipeline
from kzoo.models.saving import load_model, save_model

pytest.importorskip("onnx", reason="models are exported by the extra `onnx`")
pytest.importorskip("onnxruntime", reason="exported models are run by the extra `onnx`")

from kzoo.export import onnx_format

DIGITS = tuple("0123456789")
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {missing}:
            raise ImportError(f"{{name}} is not here")

sys.meta_path.insert(0, Missing())
from kzoo.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a network for the sample of digits as a file; two batches are enough to tell its outputs apart."""
    keras.utils.set_random_seed(0)
    pipeline = find_pipeline("mnist")
    data = pipelines.sample(pipeline)
    built = pipelines.built(pipeline, (28, 28, 1), 10, train=data.train, network="classic")
    x, y = data.train.examples(np.arange(512))
    built.model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    built.model.fit(x, y, batch_size=64, epochs=1, verbose=0)
    path = tmp_path_factory.mktemp("trained") / "m.keras"
    card = ModelCard(
        pipeline="mnist", task="classification", class_names=DIGITS, input_shape=(28, 28, 1), label_form="sparse",
        own=built.card,
    )  # fmt: skip
    save_model(built.model, path, card)
    return path


@pytest.fixture(scope="module")
def exported(trained):
    """Return what is made of it, beside it."""
    from kzoo.engine.listener import Silent

    return export(find_model(str(trained)), Request(data="sample", inputs=4), Silent())


def test_it_is_equal_and_has_the_card_and_says_where_it_is_from(trained, exported):
    import hashlib

    assert exported.path == trained.with_suffix(".onnx")
    assert 0 < exported.difference < 1e-5
    assert exported.bytes == exported.path.stat().st_size
    assert [one.inputs for one in exported.replay] == ["test data", "zeros", "ones", "all white", "noise"]
    found = read_onnx(exported.path)
    assert found.card == find_model(str(trained)).card
    assert found.made["source_sha256"] == hashlib.sha256(trained.read_bytes()).hexdigest()
    assert found.made["input"] == {"shape": ["N", 28, 28, 1], "dtype": "uint8", "channels": "last"}
    assert "0 to 255" in found.made["preprocessing"]
    import onnx

    entries = {entry.key for entry in onnx.load(exported.path).metadata_props}
    assert EXPORT in entries
    assert {one.name for one in trained.parent.iterdir()} == {"m.keras", "m.onnx"}


@pytest.mark.long
def test_the_same_figures_come_of_the_file_as_of_the_model(trained, exported, kzoo):
    code, out, _ = kzoo("evaluate", str(exported.path), "--data", "sample", "--json")
    found = json.loads(out)
    assert code == 0
    code, out, _ = kzoo("evaluate", str(trained), "--data", "sample", "--json")
    original = json.loads(out)
    assert found["metrics"]["accuracy"] == pytest.approx(original["metrics"]["accuracy"], abs=1e-6)
    assert found["confusion"] == original["confusion"]


def test_the_same_is_predicted_by_either_engine(trained, exported, tmp_path, kzoo):
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 13:16] = 250
    Image.fromarray(pixels).save(tmp_path / "one.png")
    said = []
    for arguments in ([str(exported.path)], [str(trained)], [str(trained), "--engine", "onnx"]):
        code, out, _ = kzoo("predict", arguments[0], str(tmp_path / "one.png"), *arguments[1:], "--json")
        assert code == 0
        said.append(json.loads(out)["probabilities"])
    assert said[0] == said[2]
    assert said[0] == pytest.approx(said[1], abs=1e-6)


def test_an_export_of_another_model_is_not_taken_for_it(trained, exported, tmp_path, kzoo):
    other = tmp_path / "m.keras"
    save_model(load_model(trained), other, find_model(str(trained)).card)
    with pytest.raises(UsageError, match=f"run `kzoo export {other}`"):
        find_model(str(other), engine="onnx")
    (tmp_path / "m.onnx").write_bytes(exported.path.read_bytes())
    code, _, err = kzoo("predict", str(other), "x.png", "--engine", "onnx")
    assert (code, "was not exported from" in err) == (1, True)


@pytest.fixture
def alone(trained, tmp_path, monkeypatch):
    """Return the network in a folder without an export, beside a picture, with a cache of its own."""
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "data"))
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 13:16] = 250
    Image.fromarray(pixels).save(tmp_path / "one.png")
    return shutil.copy(trained, tmp_path / "m.keras")


def test_for_an_engine_a_model_is_exported_once_and_kept(alone, exported, tmp_path, kzoo):
    predict = ("predict", str(alone), str(tmp_path / "one.png"), "--engine", "onnxruntime")
    times = []
    for times_said in (1, 0):
        code, _, err = kzoo(*predict)
        said = " ".join(err.split())
        [kept] = (tmp_path / "data" / "exports").iterdir()
        assert (code, said.count("Exporting")) == (0, times_said)
        assert re.search(rf"Run by ONNX Runtime \d[\d.]*: {re.escape(str(kept))}", said)
        times.append(kept.stat().st_mtime_ns)
    assert times[0] == times[1]
    expected = json.loads(kzoo("predict", str(exported.path), predict[2], "--json")[1])
    assert json.loads(kzoo(*predict, "--json")[1]) == expected
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", "m.keras", "one.png"]


@pytest.mark.long
def test_a_kept_export_that_is_damaged_is_made_again(alone, tmp_path, kzoo):
    predict = ("predict", str(alone), str(tmp_path / "one.png"), "--json")
    expected = json.loads(kzoo(*predict)[1])["probabilities"]
    assert kzoo(*predict, "--engine", "onnxruntime")[0] == 0
    [kept] = (tmp_path / "data" / "exports").iterdir()
    kept.write_bytes(kept.read_bytes()[:-100])
    found = json.loads(kzoo(*predict, "--engine", "onnxruntime")[1])["probabilities"]
    assert found == pytest.approx(expected, abs=1e-5)
    assert read_onnx(kept).made["numbers"] == "as in the source"


def test_an_engine_that_says_something_else_is_refused(alone, tmp_path, kzoo, monkeypatch):
    from kzoo.export import kept

    genuine = kept.forward_of_onnx

    def off(path, engine):
        forward = genuine(path, engine)
        return lambda x: forward(x) + 2e-4

    monkeypatch.setattr(kept, "forward_of_onnx", off)
    code, _, err = kzoo("predict", str(alone), str(tmp_path / "one.png"), "--engine", "onnxruntime")
    assert (code, "differs by 0.0002" in " ".join(err.split())) == (1, True)
    assert list((tmp_path / "data" / "exports").iterdir()) == []


@pytest.mark.long
def test_openvino_and_python_say_the_same(alone, tmp_path, kzoo):
    pytest.importorskip("openvino", reason="the extra `openvino` has the engine")
    import kzoo as package

    picture = str(tmp_path / "one.png")
    expected = list(package.open(alone).predict(picture).probabilities.values())
    for engine in ("openvino", "onnxruntime"):
        opened = package.open(alone, engine=engine)
        np.testing.assert_allclose(list(opened.predict(picture).probabilities.values()), expected, atol=1e-5)
        [(_, found)] = package.predict(alone, picture, engine=engine)
        np.testing.assert_allclose(list(found.probabilities.values()), expected, atol=1e-5)
        figures = package.evaluate(alone, "sample", engine=engine).metrics
        assert figures["accuracy"] == pytest.approx(package.evaluate(alone, "sample").metrics["accuracy"], abs=1e-6)
    code, out, err = kzoo("evaluate", str(alone), "--data", "sample", "--engine", "openvino")
    assert (code, "Run by OpenVINO" in out) == (0, True), err
    code, _, err = kzoo("predict", str(alone), picture, "--engine", "auto")
    assert (code, "Run by OpenVINO" in err) == (0, True), err


@pytest.mark.parametrize("engine", ["torch", "onnx runtime"])
def test_an_engine_that_there_is_not_is_refused(alone, kzoo, engine):
    code, _, err = kzoo("predict", str(alone), "one.png", "--engine", engine)
    assert (code, "run by `tensorflow`, `onnxruntime`, `openvino`" in " ".join(err.split())) == (2, True)


def test_what_differs_is_refused_and_not_left_there(trained, tmp_path, kzoo, monkeypatch):
    genuine = onnx_format.opened

    def off(path):
        forward = genuine(path)
        return lambda x: forward(x) + (np.asarray(x) == 0).all() * 2e-4

    monkeypatch.setattr(onnx_format, "opened", off)
    out = tmp_path / "off.onnx"
    code, _, err = kzoo("export", str(trained), "-o", str(out), "--data", "sample", "--replay", "2")
    assert (code, "is not exported: on zeros what was made of it differs by 0.0002" in " ".join(err.split())) == (
        1,
        True,
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "tflight"], "There is no format `tflight`"),
        (["--format", "saved-model", "--int8"], "`--int8` is for onnx, litert, openvino"),
        (["-o", "model.pb"], "is to end in .onnx"),
        (["-o", "nowhere/m.onnx"], "There is no folder nowhere"),
        ([], "Name the data to measure"),
    ],
)
def test_what_cannot_be_done_is_said_first(trained, kzoo, monkeypatch, arguments, said):
    monkeypatch.setattr("kzoo.pipeline.DataSource.real", None, raising=False)
    if not arguments:
        pipeline = find_pipeline("mnist")
        source = types.SimpleNamespace(**{**vars(pipeline.source()), "real": None})
        monkeypatch.setattr("kzoo.models.saved.SavedModel.pipeline", lambda self: types.SimpleNamespace(
            name="mnist", source=lambda card: source))  # fmt: skip
    code, _, err = kzoo("export", str(trained), *arguments)
    assert (code, said in " ".join(err.split())) == (2, True)


def test_what_is_exported_already_is_not_exported_again(exported, kzoo):
    code, _, err = kzoo("export", str(exported.path))
    assert (code, "is exported already" in err) == (2, True)


def test_a_format_says_what_it_needs(monkeypatch):
    from kzoo.errors import KzooError

    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(KzooError, match=r"pip install 'kzoo\[litert\]'"):
        FORMATS["litert"].check_installed()


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in FORMATS if name != "onnx"])
def test_every_format_says_the_same(trained, tmp_path, kzoo, name):
    for needed in FORMATS[name].needs:
        pytest.importorskip(needed, reason=f"the format {name} needs {needed}")
    out = tmp_path / f"m{FORMATS[name].suffix}"
    code, said, _ = kzoo("export", str(trained), "-f", name, "-o", str(out), "--data", "sample", "--json")
    assert code == 0
    assert json.loads(said)["difference"] < 1e-5
    texts = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert b"source_sha256" in texts
    assert b"class_names" in texts


@pytest.mark.long
def test_in_8_bits_it_is_measured_and_refused_where_it_loses_too_much(trained, exported, tmp_path, kzoo, monkeypatch):
    out = tmp_path / "small.onnx"
    arguments = ("export", str(trained), "--int8", "-o", str(out), "--data", "sample", "--json")
    code, said, _ = kzoo(*arguments)
    found = json.loads(said)
    assert (code, found["quality"]) == (0, "accuracy")
    assert found["before"] - found["after"] <= 0.01
    assert found["bytes"] < 0.4 * exported.bytes
    assert read_onnx(out).made["numbers"] == "int8"
    code, said, _ = kzoo("evaluate", str(out), "--data", "sample", "--json")
    assert json.loads(said)["metrics"]["accuracy"] == pytest.approx(found["after"])
    out.unlink()
    monkeypatch.setattr(
        onnx_format, "opened", lambda path: lambda x: np.eye(10, dtype=np.float32)[np.zeros(len(x), int)]
    )
    code, _, err = kzoo(*arguments)
    assert (code, "in 8 bits it is" in " ".join(err.split())) == (1, True)
    assert not out.exists()


@pytest.mark.long
@pytest.mark.parametrize(("name", "most"), [("openvino", 0.9), ("litert", 0.5)])
def test_the_other_formats_in_8_bits_are_as_good_and_smaller(trained, exported, tmp_path, kzoo, name, most):
    for needed in FORMATS[name].needs:
        pytest.importorskip(needed, reason=f"the format {name} needs {needed}")
    out = tmp_path / f"small{FORMATS[name].suffix}"
    arguments = ("-f", name, "-o", str(out), "--int8", "--calibrate", "32", "--data", "sample", "--json")
    code, said, _ = kzoo("export", str(trained), *arguments)
    found = json.loads(said)
    assert (code, found["quality"]) == (0, "accuracy")
    assert found["before"] - found["after"] <= 0.01
    assert found["difference"] > 1e-4  # it is another model
    assert found["bytes"] < most * exported.bytes  # OpenVINO writes its graph as text
    pipeline = find_pipeline("mnist")
    test = pipelines.sample(pipeline).test
    x, y = test.examples(np.arange(len(test)))
    told = FORMATS[name].writer().opened(out)(x)
    assert np.mean(np.argmax(told, -1) == np.ravel(y)) == pytest.approx(found["after"], abs=0.005)
    texts = b"".join(one.read_bytes() for one in tmp_path.rglob("small*")).replace(b"&quot;", b'"')
    assert b'"numbers": "int8"' in texts


@pytest.mark.long
def test_the_converter_says_nothing_that_is_of_no_use(trained, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="the format litert needs ai_edge_litert")
    arguments = ("-f", "litert", "-o", str(tmp_path / "m.tflite"), "--int8", "--calibrate", "8", "--data", "sample")
    done = subprocess.run(
        [sys.executable, "-m", "kzoo", "export", str(trained), *arguments, "--json"],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["quality"] == "accuracy"


@pytest.mark.long
def test_predicting_and_measuring_need_neither_keras_nor_tensorflow_nor_onnx(exported, tmp_path):
    Image.fromarray(np.full((28, 28), 200, np.uint8)).save(tmp_path / "x.png")
    missing = ("tensorflow", "keras", "h5py", "onnx", "matplotlib", "safetensors")
    for arguments in (
        ["predict", str(exported.path), str(tmp_path / "x.png"), "--json"],
        ["evaluate", str(exported.path), "--data", "sample", "--json"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT.format(missing=missing), *arguments],
            capture_output=True, text=True, timeout=300, env=os.environ, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)
