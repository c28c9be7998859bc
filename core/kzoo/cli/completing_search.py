"""What the shell offers in a `kzoo tune` line: what can be searched, what is made better, samplers and pruners."""

from __future__ import annotations

from typing import Any

from kzoo.cli.completion import Answers, begun_names, begun_several, complete_setting, quiet

__all__ = ["complete_logged", "complete_pruner", "complete_sampler", "complete_search"]


def complete_search(ctx: Any, incomplete: str) -> Answers:
    """Return the settings that can be searched and start with what was typed; after ``=`` values, or components."""
    with quiet():
        from kzoo.tuning.space import COMPONENTS, searchable

        key, equals, begun = incomplete.partition("=")
        if equals and key in COMPONENTS:
            return [(f"{key}={name}", text) for name, text in begun_several(key, begun)]
        found = [one for one in complete_setting(ctx, incomplete) if searchable(one[0].partition("=")[0])]
        own = [] if equals else [(f"{one}=", f"{one} by name") for one in COMPONENTS if one.startswith(incomplete)]
        return [*found, *own]
    return []


def complete_logged(incomplete: str) -> Answers:
    """Return what a run logs of its validation data and starts with what was typed: the loss, and any metric."""
    with quiet():
        if not "val_".startswith(incomplete[:4]):
            return []
        names = begun_names(("metric",), incomplete[4:])
        loss = [("val_loss", "the loss")] if "val_loss".startswith(incomplete) else []
        return [*loss, *((f"val_{name}", text) for name, text in names)]
    return []


def complete_sampler(incomplete: str) -> Answers:
    """Return the samplers of a study that start with what was typed."""
    from kzoo.tuning.samplers import SAMPLERS

    return [(name, cls) for name, cls in SAMPLERS.items() if name.startswith(incomplete)]


def complete_pruner(incomplete: str) -> Answers:
    """Return the pruners of a study that start with what was typed."""
    from kzoo.tuning.samplers import PRUNERS

    return [(name, cls) for name, cls in PRUNERS.items() if name.startswith(incomplete)]
