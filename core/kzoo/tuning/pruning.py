"""In the process that trains a trial: after each epoch its value goes to the storage, and its pruner is asked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from kzoo.tuning.samplers import load_optuna, pruner_of
from kzoo.tuning.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["asked_after_epochs"]


def asked_after_epochs(
    *, storage: str, study: str, trial: int, metric: str, pruner: str, epochs: int, longest: int
) -> Callable[[int, Mapping[str, Any]], str]:
    """Return who is asked after each epoch of a trial; see `kzoo.training.run.train`.

    Args:
        storage: The address of Optuna's storage.
        study: The name of the study.
        trial: What the storage knows the trial by.
        metric: What of the logs is its value.
        pruner: The reference of the pruner.
        epochs: The epochs of the trial. After the last one nothing is saved by giving it up, so that nobody is asked.
        longest: The epochs of the default settings, by which the pruner counts.
    """
    optuna = load_optuna()
    rule = pruner_of(pruner, epochs=longest)
    opened = optuna.load_study(study_name=study, storage=open_storage(storage), pruner=rule)
    kept = opened._storage  # noqa: SLF001 - a `Trial` made here would have the sampler propose its settings anew
    known = set(kept.get_trial(trial).intermediate_values)

    def ask(epoch: int, logs: Mapping[str, Any]) -> str:
        value = logs.get(metric)
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            return ""
        if epoch not in known:  # as those of a trial that is gone on with
            kept.set_trial_intermediate_value(trial, epoch, float(value))
            known.add(epoch)
        if epoch >= epochs or not rule.prune(opened, kept.get_trial(trial)):
            return ""
        return f"By the rule `{pruner}` its {metric} of {value:.4g} after epoch {epoch} promises nothing."

    return ask
