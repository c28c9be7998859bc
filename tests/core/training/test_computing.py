"""In which numbers a training computes, and how gradients reach the optimizer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kzoo
from kzoo.engine.listener import Silent
from kzoo.errors import UsageError
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry
from kzoo.runs.config import TrainSettings
from kzoo.runs.configure import configure
from kzoo.settings import read_settings
from kzoo.training import run
from kzoo.training.computing import computing, optimizer_of
from kzoo.training.work import Clock

ZOO = [entry.name for entry in get_registry().entries("pipeline") if entry.distribution == "kzoo"]


def settings(**values):
    return read_settings(TrainSettings, values, prefix="train.")


def trained(tmp_path, pipeline="regression", **options):
    given = {"train.epochs": 1, "report": False, "train.save_every": "off", **options}
    return kzoo.run(pipeline, recipe="quick", data="sample", out=tmp_path, options=given, verbose=0)


def weights(result):
    return np.concatenate([np.asarray(one).ravel() for one in result.model.trainable_variables])


def test_accumulated_gradients_are_those_of_a_larger_batch(tmp_path):
    common = {"optimizer": {"name": "sgd", "learning_rate": 0.05}, "data.limit": 64, "augment.enabled": False}
    large = trained(tmp_path, **common, **{"train.batch_size": 32})
    parts = trained(tmp_path, **common, **{"train.batch_size": 8, "train.gradient_accumulation_steps": 4})
    single = trained(tmp_path, **common, **{"train.batch_size": 8})
    np.testing.assert_allclose(weights(parts), weights(large), rtol=1e-5, atol=1e-6)
    assert np.abs(weights(single) - weights(large)).max() > 1e-3


def test_a_clipped_step_is_as_long_as_is_said(tmp_path):
    """One step of SGD with a rate of 1 is the gradient: from one begin, 0.01 and 0.03 far in the same direction."""
    common = {"optimizer": {"name": "sgd", "learning_rate": 1.0}, "data.limit": 64, "train.batch_size": 64}
    short, long = (trained(tmp_path, **common, **{"train.global_clipnorm": norm}) for norm in (0.01, 0.03))
    assert np.linalg.norm(weights(long) - weights(short)) == pytest.approx(0.02, rel=1e-4)


def test_the_optimizer_inside_a_wrapper_takes_the_steps():
    asked = settings(gradient_accumulation_steps=2, global_clipnorm=1)
    found = optimizer_of(asked, Reference.parse("lookahead:inner=swa(inner=adam)"), get_registry())
    assert str(found) == "lookahead:inner=swa(inner=adam(gradient_accumulation_steps=2,global_clipnorm=1.0))"
    assert optimizer_of(settings(), found, get_registry()) is found


def test_what_is_said_twice_is_refused():
    asked = settings(global_clipnorm=1)
    with pytest.raises(UsageError, match="`global_clipnorm` is said twice: by the optimizer `sgd:global_clipnorm=2`"):
        optimizer_of(asked, Reference.parse("sgd:global_clipnorm=2"), get_registry())


def test_an_optimizer_that_cannot_is_refused(monkeypatch):
    monkeypatch.setattr("kzoo.training.computing.parameters_of", lambda target: {"learning_rate": None})
    with pytest.raises(UsageError, match=r"`train.global_clipnorm` is given .* and `sgd` \(from kzoo .*\) has none"):
        optimizer_of(settings(global_clipnorm=1), Reference.parse("sgd"), get_registry())


@pytest.mark.long_but_first
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains_and_is_recorded(tmp_path, policy):
    before = keras.config.dtype_policy().name
    found = trained(tmp_path, **{"train.precision": policy, "data.limit": 64})
    assert found.model.compute_dtype == policy.removeprefix("mixed_")
    assert {one.dtype for one in found.model.trainable_variables} == {"float32"}
    assert keras.config.dtype_policy().name == before
    record = found.run.manifest()
    assert record.model["dtype_policy"] == policy
    assert np.isfinite(found.results["loss"])
    loaded = kzoo.load_model(found.run.model_path)
    assert policy.removeprefix("mixed_") in {layer.compute_dtype for layer in loaded.layers}


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize("pipeline", ZOO)
def test_every_network_ends_in_float32(pipeline):
    """What leaves a network in half precision has lost what the loss would need."""
    options = ["train.precision=mixed_bfloat16"]
    config = configure(pipeline, recipe="quick", options=[*options, "data.source=sample"])
    _, parts, record = run._prepared(config, Silent(), [], Clock(), debug=False, strategy=None)
    assert {one.dtype for one in parts.model.outputs} == {"float32"}
    assert "bfloat16" in {layer.compute_dtype for layer in parts.model.layers}
    assert record.model["dtype_policy"] == "mixed_bfloat16"


@pytest.mark.long
def test_xla_compiles_the_step(tmp_path):
    plain = trained(tmp_path, **{"data.limit": 64})
    found = trained(tmp_path, **{"train.jit": True, "data.limit": 64})
    assert found.model.jit_compile is True
    np.testing.assert_allclose(weights(found), weights(plain), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("capability", "narrow", "policy", "jit", "says"),
    [(None, False, "float32", False, "a processor without instructions for bfloat16"),
     (None, True, "mixed_bfloat16", False, "a processor with instructions for bfloat16"),
     ((6, 1), True, "float32", True, "a GPU of compute capability 6.1"),
     ((7, 5), False, "mixed_float16", True, "a GPU of compute capability 7.5"),
     ((9, 0), False, "mixed_bfloat16", True, "a GPU of compute capability 9.0")],
)  # fmt: skip
def test_auto_asks_the_machine_and_says_so(monkeypatch, capability, narrow, policy, jit, says):
    gpus = [] if capability is None else ["gpu"]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    details = {"compute_capability": capability}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)
    monkeypatch.setattr("kzoo.training.computing.computes_in_bfloat16", lambda: narrow)
    found = computing(settings(precision="auto", jit="auto"))
    assert (found.policy, found.jit) == (policy, jit)
    assert all(says in note for note in found.notes)
    assert len(found.notes) == 2
    assert computing(settings()).notes == ()
