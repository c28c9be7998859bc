"""What two processes do in `test_several_workers`: train with one, which is Keras's own step, and then together.

All is in double precision, so that what differs by rounding stays below 1e-9, and nothing else hides there.
"""

import json

import numpy as np

from kzoo.engine import runtime

runtime.start()

from kzoo.engine.cluster import cluster_of
from kzoo.engine.workers import join

workers = join(cluster_of())

import keras
import tensorflow as tf
from keras import layers

import kzoo
from kzoo.data.splits import ArraySplit
from kzoo.engine.batches import TrainingBatches, ordered_batches
from kzoo.engine.interrupt import StopRequest
from kzoo.errors import KzooError
from kzoo.training.trainer import Trainer

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 255, (23, 8, 8, 1)).astype("uint8")
CLASSES = rng.integers(0, 3, 23)


def changed(x, y, moment):
    noise = tf.random.stateless_uniform(tf.shape(x), moment.seed, 0, 20, tf.int32)
    mixed = (tf.cast(x, tf.int32) + tf.cast(tf.reverse(x, [0]), tf.int32)) // 2
    return tf.cast(mixed + noise, tf.uint8), y


def network(outputs, *own):
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((8, 8, 1), dtype="uint8")
    x = layers.Rescaling(1 / 255)(x)
    x = layers.Conv2D(4, 3, kernel_regularizer=keras.regularizers.L2(1e-2))(x)
    x = layers.BatchNormalization(momentum=0.8)(x)
    x = layers.SpatialDropout2D(0.2)(layers.Activation("relu")(x))
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    for layer in own:
        x = layer(x)
    return keras.Model(inputs, outputs(x))


def classes(x):
    return layers.Dense(3, activation="softmax")(x)


def vectors(x):
    return layers.UnitNormalization()(layers.Dense(4)(x))


def trained(together, make, loss, labels, metrics=(), optimizer="sgd", batch_size=9, **batches):
    keras.backend.clear_session()
    model = make()
    model.compile(kzoo.optimizer(optimizer), loss(), metrics=[kzoo.metric(one) for one in metrics], jit_compile=False)
    stop = StopRequest()
    if together:
        stop.share(workers.any)
    trainer = Trainer(model, steps_per_execution=2, stop=stop, workers=workers if together else None)
    split = ArraySplit(IMAGES, labels)
    part = {"part": workers.index, "parts": workers.count} if together else {}
    data = ordered_batches(split, 10, **part)
    result = trainer.fit(TrainingBatches(split, batch_size, 1, **batches), epochs=2, validation=data)
    assert not result.apart
    return model.get_weights(), [*result.history, trainer.evaluate(data)]


def compared(*arguments, **keywords):
    """Return how far weights and logs of two processes are from those of one."""
    two = trained(True, *arguments, **keywords)
    if not workers.is_chief:
        return None
    one = trained(False, *arguments, **keywords)
    apart = max(float(np.abs(a - b).max()) for a, b in zip(one[0], two[0], strict=True))
    logs = 0.0
    for a, b in zip(one[1], two[1], strict=True):
        assert a.keys() == b.keys()
        logs = max(logs, *(float(np.abs(np.asarray(a[name]) - np.asarray(b[name])).max()) for name in a))
    return [apart, logs]


def refused(make):
    try:
        trained(True, make, keras.losses.SparseCategoricalCrossentropy, CLASSES)
    except KzooError as error:
        return str(error)
    return ""


class Centred(layers.Layer):
    """Looks across the batch."""

    def call(self, x):
        return x - keras.ops.mean(x, axis=0, keepdims=True)


def with_own_step():
    model = network(classes)
    return OwnStep(model.inputs, model.outputs)


class OwnStep(keras.Model):
    """Has a step of its own."""

    def train_step(self, data):
        return super().train_step(data)


found = {
    "classes, and an example alone in the last batch": compared(
        lambda: network(classes), keras.losses.SparseCategoricalCrossentropy, CLASSES, ["sparse_categorical_accuracy"],
        "sgd:learning_rate=0.05,momentum=0.9", 11, augment=changed, class_weight=np.array([0.5, 1.0, 2.0]),
    ),
    "a loss and a metric that compare examples with each other": compared(
        lambda: network(vectors), lambda: kzoo.loss("supcon"), CLASSES, ["recall_at_k"],
        "sam:inner=adam(learning_rate=0.01)", 9,
    ),
}  # fmt: skip
said = {
    "centred": refused(lambda: network(classes, Centred(name="centred"))),
    "activity": refused(lambda: network(classes, layers.Dense(4, activity_regularizer="l2", name="active"))),
    "own step": refused(with_own_step),
}
if workers.is_chief:
    print(json.dumps({"apart": found, "said": said}))  # noqa: T201 - for the test
workers.any(False)
