"""Regularizers of weights and of activations."""

from __future__ import annotations

from kzoo.plugin import RegularizerSpec

__all__ = ["REGULARIZERS"]

REGULARIZERS: list[RegularizerSpec] = []
