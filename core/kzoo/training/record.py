"""What a run says of itself: the manifest that is written before it starts, and its opening line."""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.engine import runtime
from kzoo.models.starting import recorded
from kzoo.plugins.nested import with_inner
from kzoo.plugins.reference import Reference
from kzoo.runs.manifest import DataRecord, Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.splits import Splits
    from kzoo.plugins.registry import Entry, Registry
    from kzoo.runs.config import RunConfig
    from kzoo.training.assembly import Assembly

__all__ = ["components_of", "manifest", "opening"]


def components_of(config: RunConfig, registry: Registry) -> dict[str, Entry]:
    """Return the pipeline and all components that a run uses, those inside others too, each by what it is used as."""
    asked = {"pipeline": Reference(config.pipeline), "loss": config.loss, "optimizer": config.optimizer}
    asked |= {f"metric {reference}": reference for reference in config.metrics}
    asked |= {"regularizer": config.regularizer} if config.regularizer else {}
    names = {what: reference.name for what, reference in asked.items()}
    for what, outer in asked.items():
        if what != "pipeline":
            _, *inner = with_inner(what.split()[0], outer, registry)
            names |= {f"{kind} {reference}": reference.name for kind, reference in inner}
    return {what: registry.get(what.split()[0], name) for what, name in names.items()}


def manifest(config: RunConfig, splits: Splits, parts: Assembly, argv: Sequence[str], registry: Registry) -> Manifest:
    """Return what ``run.json`` says before the training starts."""
    used = components_of(config, registry)
    return Manifest(
        argv=list(argv) or [Path(sys.executable).name, "-c", "kzoo.run(...)"],
        environment={"host": platform.node(), **runtime.describe()},
        plugins={what: {"name": entry.qualified, "version": entry.version} for what, entry in used.items()},
        data=DataRecord(
            **{**asdict(splits.provenance), "description": splits.described},
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
            **({"class_weight": parts.class_weights} if parts.class_weights else {}),
            **({"started_from": recorded(parts.started)} if parts.started else {}),
            "jit_compile": parts.model.jit_compile,
            "dtype_policy": parts.model.dtype_policy.name,
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
        f"Data: {splits.described}; {sizes['train']:,} to train on, {sizes['validation']:,} to validate, "
        f"{sizes['test']:,} to test."
    )
