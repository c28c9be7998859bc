"""Random changes to batches of training images: where pixels go, and what colour they have.

All of it runs inside a graph, on a whole batch at once, and is random by a seed alone: the same seed gives the same
pixels, in any process. What `augment` of a pipeline's `kzoo.pipeline.Built` is called with has such a seed, another one
in every step.

Example:
    >>> import tensorflow as tf
    >>> from kzoo.augmentation import colour_jitter, random_affine_maps, split_seed, transform
    >>> def changed(images, seed):
    ...     where, colours = split_seed(seed, 2)
    ...     maps = random_affine_maps(images, seed=where, rotation=15.0, zoom=(0.7, 1.0))
    ...     return colour_jitter(transform(images, maps), seed=colours, brightness=0.3, contrast=0.3)
    >>> images = tf.zeros((8, 32, 32, 3), tf.uint8)
    >>> found = changed(images, seed=tf.constant([1, 2], tf.int64))
    >>> found.shape, found.dtype
    (TensorShape([8, 32, 32, 3]), tf.uint8)
"""

from kzoo.augmentation.colour import (
    brightness_contrast_saturation,
    colour_jitter,
    contrast,
    hue_jitter,
    hue_saturation_exposure,
    saturation,
    to_uint8,
)
from kzoo.augmentation.draws import log_uniform, split_seed
from kzoo.augmentation.geometry import (
    affine_maps,
    random_affine_maps,
    transform,
    turned_and_sheared,
)
from kzoo.augmentation.shifts import alternating_mirror, mirror, random_shift

__all__ = [
    "affine_maps",
    "alternating_mirror",
    "brightness_contrast_saturation",
    "colour_jitter",
    "contrast",
    "hue_jitter",
    "hue_saturation_exposure",
    "log_uniform",
    "mirror",
    "random_affine_maps",
    "random_shift",
    "saturation",
    "split_seed",
    "to_uint8",
    "transform",
    "turned_and_sheared",
]
