"""Textures: a folder of photos for each kind of surface; by itself, drawn stripes and dots."""

from typing import Annotated

import numpy as np

from kzoo.data.images import read_image_folder
from kzoo.data.splits import ArraySplit, Dataset
from kzoo.errors import UsageError
from kzoo.pipeline import Built, DataSource, FromPath, FromSample, ImageClassReader, NoSettings, Pipeline
from kzoo.settings import setting, settings

SIZE = (32, 32)


@settings
class NetworkSettings:
    filters: Annotated[int, setting("The channels of the convolution.", ge=1)] = 16


def read(path, settings, reading):
    return read_image_folder(path, size=SIZE, say=reading.say, whole=reading.whole, known=reading.known)


def sample(settings):
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    row, column = np.indices(SIZE)
    phase = rng.integers(0, 8, (120, 1, 1))
    dots = ((row + phase) % 8 < 4) & ((column + phase) % 8 < 4)
    stripes = (row + column + phase) % 8 < 4
    shapes = np.where(y[:, None, None], stripes, dots)[..., None]
    x = (shapes * 120 + rng.integers(0, 120, (120, *SIZE, 3))).astype(np.uint8)
    whole = ArraySplit(x, y)
    train, test = whole.take(np.arange(100)), whole.take(np.arange(100, 120))
    return Dataset(train, test, ("dots", "stripes"), "100 train, 20 test drawings of stripes and dots")


class Textures(Pipeline):
    name = "textures"
    model_settings = NetworkSettings
    augment_settings = NoSettings

    def source(self, card=None):
        return DataSource(path=FromPath(read), sample=FromSample(sample), without_real="Name yours: --data FOLDER.")

    def build(self, problem, train, settings):
        import keras
        import tensorflow as tf
        from keras import layers

        inputs = keras.Input(problem.input_shape, dtype="uint8")
        x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
        x = layers.Conv2D(settings.model.filters, 5, activation="relu", kernel_regularizer=problem.regularizer)(x)
        x = layers.Flatten()(layers.MaxPooling2D(4)(x))
        outputs = layers.Dense(problem.outputs, activation="softmax", dtype="float32")(x)

        def augment(x, y, moment):
            return tf.image.stateless_random_flip_left_right(x, moment.seed), y

        return Built(model=keras.Model(inputs, outputs), augment=augment if settings.augment else None)

    def reader(self, card, forward, settings):
        if forward is None:
            raise UsageError(self.untrained("photo.jpg"))
        return TextureReader(card, forward)


class TextureReader(ImageClassReader):
    def draw(self, frame, prediction):
        picture = super().draw(frame, prediction)
        picture[-4:] = (0, 160, 0) if prediction.probability > 0.8 else (200, 0, 0)
        return picture
