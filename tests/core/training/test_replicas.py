"""Two replicas on one machine, in a process of their own: TensorFlow divides its processor only before it starts."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
import numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
import keras
from kzoo.data.splits import ArraySplit
from kzoo.engine.batches import TrainingBatches, ordered_batches
from kzoo.errors import UsageError
from kzoo.training.trainer import Trainer

rng = np.random.default_rng(0)
x = rng.normal(size=(96, 5)).astype("float32")
y = (x @ rng.normal(size=(5, 1))).astype("float32")
split = ArraySplit(x, y)


def trained(strategy, batch_size):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        layers = [keras.Input((5,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)]
        model = keras.Sequential(layers)
        model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    trainer = Trainer(model, strategy=strategy, steps_per_execution=3)
    result = trainer.fit(
        TrainingBatches(split, batch_size, 0), epochs=3, validation=ordered_batches(split, batch_size)
    )
    return result.history, trainer.evaluate(ordered_batches(split, 32)), model.get_weights()


def compared(batch_size):
    one = trained(tf.distribute.get_strategy(), batch_size)
    two = trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), batch_size)
    apart = max(float(np.abs(a - b).max()) for a, b in zip(one[2], two[2]))
    return {"one": [one[0][-1], one[1]], "two": [two[0][-1], two[1]], "apart": apart}


found = {"even": compared(32), "last one smaller": compared(36)}
try:
    trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), 35)
except UsageError as error:
    found["refused"] = str(error)
print(json.dumps(found))
"""


@pytest.mark.long
def test_two_replicas_train_and_evaluate_as_one():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for case in ("even", "last one smaller"):
        assert found[case]["apart"] < 1e-6
        for one, two in zip(found[case]["one"], found[case]["two"], strict=True):
            assert one.keys() == two.keys()
            assert all(abs(one[name] - two[name]) < 1e-5 for name in one)
    assert "which 2 replicas cannot share evenly: take a multiple of 2" in found["refused"]
