"""A hub on this machine, and a run that can be published."""

import getpass
import importlib.util
import platform
from pathlib import Path

import pytest
from local_hub import TOKEN, Served

if importlib.util.find_spec("huggingface_hub") is None:  # it is an extra
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Serve a hub, which is the one in force; somebody is logged in there."""
    from huggingface_hub import constants, file_download

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)  # as `client` has it in a process of its own
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the hub here has large files, and no storage like that
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)  # between its attempts
    with Served() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        # Read from the variable when it is imported, which is long done here.
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield hub


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A model file as `kzoo run mnist` saves it, without its training."""
    import keras

    from kzoo.models.card import ModelCard
    from kzoo.models.saving import save_model
    from kzoo.plugins.build import build

    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential(layers)
    model.compile("sgd", build("loss", "emd"), jit_compile=False)
    path = tmp_path_factory.mktemp("trained") / "model.keras"
    card = ModelCard(
        pipeline="mnist",
        task="classification",
        class_names=tuple("0123456789"),
        input_shape=(28, 28, 1),
        label_form="onehot",
        own={"as_mnist": True},
        trained_on="path",
        run="mnist/of-a-test",
    )
    save_model(model, path, card)
    return path


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    """A run that is done, of data in a folder of its user, on a machine with a name."""
    from kzoo.runs.configure import configure
    from kzoo.runs.folder import create_run
    from kzoo.runs.manifest import DataRecord, Manifest, TrainingRecord

    monkeypatch.chdir(tmp_path)
    data = tmp_path / "private-photos"
    data.mkdir()
    config = configure("mnist", options=[f"data.source={data}", "train.epochs=2"])
    record = Manifest(
        argv=["kzoo", "run", "mnist", "--data", str(data)],
        environment={"host": platform.node(), "versions": {"kzoo": "0.1.0", "keras": "3.15.1"}, "cpu": "secret-cpu"},
        plugins={"loss": {"name": "kzoo:emd", "version": "0.1.0"}},
        task="classification",
        data=DataRecord(
            requested=str(data),
            used="path",
            description="60 train, 40 test images of 10 classes from private-photos, 28x28x1",
            location=str(data),
            sizes={"train": 60, "test": 40},
            class_names=list("0123456789"),
            fingerprint={"test": "ab" * 32},
        ),
    )
    run = create_run(tmp_path / "runs", config, record)
    run.model_path.write_bytes(trained.read_bytes())
    run.update(
        status="done",
        results={"test": {"loss": 0.25, "accuracy": 0.975}},
        training=TrainingRecord(epochs=2, steps=10),
        resumed=[{"argv": [str(data)]}],
    )
    return run


@pytest.fixture
def personal(run):
    """Texts of this machine and its user that no file may hold."""
    return [
        str(Path.home()),
        platform.node(),
        f"/{getpass.getuser()}/",
        str(Path.cwd()),
        "private-photos",
        "secret-cpu",
    ]
