"""Optimizers that adapt the step of each weight or layer."""

from __future__ import annotations

from kzoo.plugin import OptimizerSpec

__all__ = ["OPTIMIZERS"]

OPTIMIZERS: list[OptimizerSpec] = []
