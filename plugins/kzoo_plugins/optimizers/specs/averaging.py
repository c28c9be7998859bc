"""Optimizers around another optimizer, and those that average weights."""

from __future__ import annotations

from kzoo.plugin import OptimizerSpec

__all__ = ["OPTIMIZERS"]

OPTIMIZERS: list[OptimizerSpec] = []
