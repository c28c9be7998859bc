"""What a worker elsewhere must have as it is here, so that it computes what this process would."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.processor import usable_processors

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["surroundings", "take_on", "threads_for"]

_FLAGS = ("TF_ENABLE_ONEDNN_OPTS", "TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "XLA_FLAGS", "KERAS_BACKEND")
"""Variables that change what TensorFlow computes."""


def surroundings(*, shares_gpu: bool = False) -> dict[str, Any]:
    """Return what a worker is to take on, as plain data.

    Args:
        shares_gpu: Whether another worker may have the same GPU: TensorFlow takes all memory of one that it looks at.
    """
    flags = {name: os.environ[name] for name in _FLAGS if name in os.environ}
    return {
        "folder": str(Path.cwd()),
        "flags": {**flags, **({"TF_FORCE_GPU_ALLOW_GROWTH": "true"} if shares_gpu else {})},
    }


def take_on(given: Mapping[str, Any]) -> None:
    """Have this process be as `surroundings` says, before it imports TensorFlow.

    The working folder, in which relative paths begin, stays what it is where there is none of that name.
    """
    os.environ.update(given["flags"])
    if Path(given["folder"]).is_dir():
        os.chdir(given["folder"])


def threads_for(cpus: int) -> int:
    """Return the threads that TensorFlow is to have for so many processors; 0, for all, where these are all.

    All of a machine is then as TensorFlow takes it without being asked, and the result is bit for bit the same.
    """
    return 0 if cpus >= usable_processors() else cpus
