"""Keras's regularizers as specs."""

from __future__ import annotations

from kzoo.plugin import RegularizerSpec
from kzoo_plugins.keras_builtins.names import with_class_names

__all__ = ["NOT_OFFERED", "REGULARIZERS"]

REGULARIZERS: list[RegularizerSpec] = with_class_names(
    RegularizerSpec(
        name="l1",
        target="keras.regularizers:L1",
        summary="Sum of the absolute weights: drives small weights to exactly 0.",
        example={"l1": 0.0001},
    ),
    RegularizerSpec(
        name="l2",
        target="keras.regularizers:L2",
        summary="Sum of the squared weights: keeps all weights small.",
        example={"l2": 0.0001},
    ),
    RegularizerSpec(
        name="l1_l2",
        target="keras.regularizers:L1L2",
        summary="L1 and L2 together, also known as the elastic net.",
        example={"l1": 0.0001, "l2": 0.0001},
        note="Both factors are 0 unless given, so that without arguments it does nothing.",
    ),
    RegularizerSpec(
        name="orthogonal_regularizer",
        target="kzoo_plugins.keras_builtins.orthogonal:OrthogonalRegularizer",
        summary="Mean dot product of different rows (or columns) of a matrix: drives them to right angles.",
        aliases=("orthogonal",),
        example={"factor": 0.01, "mode": "columns"},
        successor_of=("keras.regularizers.OrthogonalRegularizer",),
        note="Keras's own refuses a convolution's kernel; here it counts as a matrix with one filter in each column.",
    ),
)
"""The regularizers that Keras offers."""

NOT_OFFERED: dict[str, str] = {"Regularizer": "the base class of regularizers"}
"""The public classes of ``keras.regularizers`` that are not listed, and why."""
