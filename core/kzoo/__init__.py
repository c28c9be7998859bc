"""kzoo: components for Keras 3 as plugins, and a zoo of ready pipelines to try them in.

Every name is resolved on first use: importing kzoo imports neither keras nor tensorflow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kzoo._version import __version__

if TYPE_CHECKING:
    from kzoo.api import (
        evaluate,
        list_losses,
        list_metrics,
        list_optimizers,
        list_pipelines,
        list_plugins,
        list_regularizers,
        list_trackers,
        loss,
        metric,
        optimizer,
        predict,
        regularizer,
        run,
        schedule,
    )
    from kzoo.api import open as open  # noqa: A004 - not in __all__: a star must not hide Python's own
    from kzoo.comparing.called import compare
    from kzoo.errors import KzooError
    from kzoo.models.saving import load_model, register_with_keras
    from kzoo.tuning.called import tune

__all__ = [
    "KzooError",
    "__version__",
    "compare",
    "evaluate",
    "list_losses",
    "list_metrics",
    "list_optimizers",
    "list_pipelines",
    "list_plugins",
    "list_regularizers",
    "list_trackers",
    "load_model",
    "loss",
    "metric",
    "optimizer",
    "predict",
    "register_with_keras",
    "regularizer",
    "run",
    "schedule",
    "tune",
]

_HOMES = {
    "KzooError": "kzoo.errors",
    "compare": "kzoo.comparing.called",
    "evaluate": "kzoo.api",
    "list_losses": "kzoo.api",
    "list_metrics": "kzoo.api",
    "list_optimizers": "kzoo.api",
    "list_pipelines": "kzoo.api",
    "list_plugins": "kzoo.api",
    "list_regularizers": "kzoo.api",
    "list_trackers": "kzoo.api",
    "load_model": "kzoo.models.saving",
    "loss": "kzoo.api",
    "metric": "kzoo.api",
    "open": "kzoo.api",
    "optimizer": "kzoo.api",
    "predict": "kzoo.api",
    "register_with_keras": "kzoo.models.saving",
    "regularizer": "kzoo.api",
    "run": "kzoo.api",
    "schedule": "kzoo.api",
    "tune": "kzoo.tuning.called",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'kzoo' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOMES.keys() | {"__version__"})
