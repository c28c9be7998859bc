"""A Keras network -> a function that is as fast as TensorFlow makes it, compiled once for batches of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compiled"]


def compiled(model: Any) -> Callable[[np.ndarray], Any]:
    """Return a function from a batch of inputs to the outputs, NumPy to NumPy; a list of them where there are several.

    The network's weights become constants of one graph, in which batch norm is folded into the convolutions and each
    convolution fused with what follows it. Later changes of the weights do not reach it.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    specs = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in model.inputs]
    traced = tf.function(lambda x: model(x, training=False), specs, autograph=False).get_concrete_function()
    frozen = convert_variables_to_constants_v2(traced)
    # Its public call writes an error with the numbers of its input each time, catches it and comes here, too.
    call = frozen._call_flat  # noqa: SLF001
    single = not isinstance(model.output, (list, tuple))

    def forward(x: np.ndarray) -> Any:
        outputs = call([tf.constant(x)], frozen.captured_inputs)
        outputs = [np.asarray(output) for output in tf.nest.flatten(outputs)]
        return outputs[0] if single else outputs

    return forward
