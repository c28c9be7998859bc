"""Losses between images."""

from __future__ import annotations

from kzoo.plugin import LossSpec

__all__ = ["LOSSES"]

LOSSES: list[LossSpec] = []
