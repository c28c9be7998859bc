"""A pipeline's data, networks and readers for tests, by the settings that a user would give."""

import numpy as np

from kzoo.data.splits import ArraySplit, DataRequest, Dataset, Reading
from kzoo.engine.batches import Moment
from kzoo.engine.forward import Forward
from kzoo.inference.evaluation import reader_of
from kzoo.pipeline import BuildSettings, Built, Pipeline, Problem, Reader
from kzoo.settings import read_settings

__all__ = ["Heard", "built", "moment", "pictures_of", "read", "reader", "request", "sample"]


class Heard:
    """A listener that remembers."""

    def __init__(self):
        self.said, self.warned = [], []

    def say(self, text):
        self.said.append(text)

    def warn(self, text):
        self.warned.append(text)

    def download(self, done, total, name):
        pass

    def progress(self, *, examples, batch_size, unit):
        del examples, batch_size, unit


def read(pipeline: Pipeline, *paths, whole=False, say=lambda text: None, card=None, **settings) -> Dataset:
    """Return what a pipeline reads from its paths."""
    source = pipeline.source(card).path
    return source.load(paths, read_settings(source.settings, settings, prefix="data."), Reading(say, whole))


def sample(pipeline: Pipeline, *, card=None, **settings) -> Dataset:
    """Return a pipeline's sample."""
    source = pipeline.source(card).sample
    return source.make(read_settings(source.settings, settings, prefix="data."))


def request(source, **settings) -> DataRequest:
    """Return a request for data with settings of the pipeline's own."""
    return DataRequest(str(source), settings=settings)


def pictures_of(shape, count=8) -> ArraySplit:
    """Return examples to build a network for: noise, with labels 0, 1, 0, 1, ..."""
    noise = np.random.default_rng(0)
    y = np.arange(count) % 2
    if len(shape) == 1:
        return ArraySplit(noise.normal(size=(count, *shape)), y[:, None].astype(np.float32))
    return ArraySplit(noise.integers(0, 256, (count, *shape), dtype=np.uint8), y)


def built(
    pipeline: Pipeline,
    shape,
    outputs=2,
    *,
    train=None,
    augment=None,
    problem=None,
    regularizer=None,
    start=None,
    **settings,
) -> Built:
    """Return what a pipeline builds for inputs of a shape.

    Args:
        pipeline: The pipeline.
        shape: Of one input.
        outputs: The number of classes, or of values.
        train: The training examples; noise by default.
        augment: Settings of the table ``[augment]``; None changes nothing at random.
        problem: What else there is in a `Problem`.
        regularizer: For the kernels.
        start: The file of the trained model whose weights it is to begin with.
        settings: Of the table ``[model]``.
    """
    chosen = BuildSettings(
        model=read_settings(pipeline.model_settings, settings, prefix="model."),
        augment=None if augment is None else read_settings(pipeline.augment_settings, augment, prefix="augment."),
        start=start,
    )
    asked = {"task": "classification", "input_shape": tuple(shape), "outputs": outputs, "regularizer": regularizer}
    return pipeline.build(Problem(**{**asked, **(problem or {})}), train or pictures_of(shape), chosen)


def reader(pipeline: Pipeline, forward=None, card=None, **settings) -> Reader:
    """Return a pipeline's reader; ``forward`` is a Keras model, any function of a batch, or None."""
    if hasattr(forward, "get_weights"):
        forward = Forward(forward)
    return reader_of(pipeline, card or {}, forward, settings)


def moment(seed, *, epoch=0, step=0, run_seed=(0, 3)) -> Moment:
    """Return when a batch is changed at random."""
    import tensorflow as tf

    seeds = (tf.constant(pair, tf.int64) for pair in (seed, run_seed))
    return Moment(*seeds, tf.constant(epoch, tf.int64), tf.constant(step, tf.int64))
