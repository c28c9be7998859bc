"""What a run says of itself: the manifest that is written before it starts, and its opening line."""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.engine import runtime
from kzoo.runs.manifest import DataRecord, Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.splits import Splits
    from kzoo.plugins.registry import Registry
    from kzoo.runs.config import RunConfig
    from kzoo.training.assembly import Assembly

__all__ = ["manifest", "opening"]


def manifest(config: RunConfig, splits: Splits, parts: Assembly, argv: Sequence[str], registry: Registry) -> Manifest:
    """Return what ``run.json`` says before the training starts."""
    asked = {"pipeline": config.pipeline, "loss": config.loss.name, "optimizer": config.optimizer.name}
    asked |= {f"metric {reference}": reference.name for reference in config.metrics}
    asked |= {"regularizer": config.regularizer.name} if config.regularizer else {}
    plugins = {}
    for what, name in asked.items():
        entry = registry.get(what.split()[0], name)
        plugins[what] = {"name": entry.qualified, "version": entry.version}
    return Manifest(
        argv=list(argv) or [Path(sys.executable).name, "-c", "kzoo.run(...)"],
        environment={"host": platform.node(), **runtime.describe()},
        plugins=plugins,
        data=DataRecord(
            **asdict(splits.provenance),
            sizes=splits.sizes,
            class_names=list(splits.class_names),
            schema=dict(splits.schema),
            fingerprint=dict(splits.fingerprint),
        ),
        task=parts.task.name,
        model={
            "parameters": parts.model.count_params(),
            "input_shape": list(parts.input_shape),
            "label_form": parts.label_form,
            "augmented": parts.augmented,
            "jit_compile": parts.model.jit_compile,
            "optimizer": parts.optimizer.get_config(),
            "loss": parts.loss.get_config(),
        },
    )


def opening(config: RunConfig, splits: Splits) -> str:
    """Return what is trained on what, in one line."""
    sizes = splits.sizes
    return (
        f"{config.pipeline} ({config.recipe}), loss {config.loss}, optimizer {config.optimizer.name}, "
        f"seed {config.seed}. "
        f"Data: {splits.provenance.description}; {sizes['train']:,} to train on, {sizes['validation']:,} to validate, "
        f"{sizes['test']:,} to test."
    )
