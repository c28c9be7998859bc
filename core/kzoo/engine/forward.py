"""A trained model as a function from a batch of its inputs to its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TENSORFLOW", "Forward"]

TENSORFLOW = "tensorflow"
"""The name of the engine that runs Keras models."""


class Forward:
    """Calls a model, compiled once for batches of any size; NumPy in, NumPy out.

    Args:
        model: A Keras model.
        load: Instead of it, a function that loads one; it is called when the model is first needed.
        changing: Whether the weights may change later, as while the model is trained. Whoever compiles the network in
            a way of its own, with its weights as constants, must not do so where they change.

        watch: Called with every batch of inputs before the model is.

    Attributes:
        changing: As given.
        watch: As given.
        engine: What runs the network; where it is not TensorFlow, `model` is no Keras model.
    """

    engine: ClassVar[str] = TENSORFLOW

    def __init__(
        self,
        model: Any = None,
        *,
        load: Callable[[], Any] | None = None,
        changing: bool = False,
        watch: Callable[[Any], None] | None = None,
    ) -> None:
        self.changing = changing
        self.watch = watch
        self._model, self._load = model, load
        self._compiled: dict[Any, Any] = {}
        self._made: dict[Any, Any] = {}

    @property
    def model(self) -> Any:
        """The Keras model, or what another engine has of it, loaded if it was not yet."""
        if self._model is None:
            assert self._load is not None, "either a model or a way to load one is given"
            self._model = self._load()
        return self._model

    def made(self, make: Callable[[Any], Any]) -> Any:
        """Return what ``make`` makes of the model, made once: the readers of one model share it."""
        if make not in self._made:
            self._made[make] = make(self.model)
        return self._made[make]

    def __call__(self, x: Any) -> Any:
        """Return the model's outputs for a batch; a list of them where the model has several."""
        import numpy as np
        import tensorflow as tf

        model = self.model
        if self.watch is not None:
            self.watch(x)
        x = tf.convert_to_tensor(x)
        spec = tf.TensorSpec((None, *x.shape[1:]), x.dtype)
        if spec not in self._compiled:
            self._compiled[spec] = tf.function(lambda x: model(x, training=False), [spec], autograph=False)
        return tf.nest.map_structure(np.asarray, self._compiled[spec](x))
