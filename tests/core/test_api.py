"""The same from Python, and the same again in another process."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import kzoo
from kzoo.runs.folder import Run

TINY = {"recipe": "quick", "epochs": 1, "limit": 60, "batch_size": 20}


def test_components_by_name():
    assert kzoo.loss("emd", p=1).p == 1
    assert kzoo.loss("emd:p=3", normalize=False).get_config()["p"] == 3
    assert isinstance(kzoo.metric("mean_absolute_error"), keras.metrics.MeanAbsoluteError)
    assert float(kzoo.optimizer("adam:learning_rate=0.5").learning_rate) == 0.5
    assert kzoo.regularizer("l2", l2=0.25).l2 == 0.25


def test_a_wrong_name_is_a_kzoo_error():
    with pytest.raises(kzoo.KzooError, match="Did you mean `emd`"):
        kzoo.loss("emdd")
    with pytest.raises(kzoo.KzooError, match="no argument `loses`"):
        kzoo.run("mnist", loses="emd")


def test_a_run_and_its_model(tmp_path):
    with pytest.warns(UserWarning, match="order of the classes"):
        result = kzoo.run("mnist", loss="emd", metrics=["emd"], out=tmp_path, options={"train.keep": "best"}, **TINY)
    assert result.status == "done"
    assert set(result.results) == {"loss", "accuracy", "emd"}
    assert len(result.history) == 1
    again = kzoo.load_model(result.run.path)
    for a, b in zip(again.get_weights(), result.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


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
    first, second = (kzoo.run("mnist", seed=seed, out=tmp_path, **TINY) for seed in (1, 2))
    assert any((a != b).any() for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True))
