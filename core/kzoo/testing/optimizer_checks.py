"""The checks of an optimizer, in the order in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.testing import common, optimizer_kernels, optimizer_options, optimizer_steps, restart, surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CHECKS"]

CHECKS: dict[str, Callable[[Any], None]] = {
    "right_base": common.right_base,
    "registered": common.registered,
    "config_round_trip": common.config_round_trip,
    "arguments_saved": common.arguments_saved,
    "global_state": surroundings.global_state,
    "descends": optimizer_steps.descends,
    "any_rank": optimizer_steps.any_rank,
    "own_state": optimizer_steps.own_state,
    "kernels": optimizer_kernels.kernels,
    "kernel_of_one": optimizer_kernels.kernel_of_one,
    "zero_gradient": optimizer_steps.zero_gradient,
    "tiny_and_huge": optimizer_steps.tiny_and_huge,
    "nan": optimizer_steps.nan,
    "sparse_gradients": optimizer_steps.sparse_gradients,
    "state_listed": optimizer_steps.state_listed,
    "counts_steps": optimizer_options.counts_steps,
    "learning_rate": optimizer_options.learning_rate,
    "rate_assigned": optimizer_options.rate_assigned,
    "schedule": optimizer_options.schedule,
    "accumulation": optimizer_options.accumulation,
    "clipping": optimizer_options.clipping,
    "weight_decay": optimizer_options.weight_decay,
    "moving_average": optimizer_options.moving_average,
    "graph": optimizer_steps.graph,
    "xla": optimizer_steps.xla,
    "one_trace": optimizer_steps.one_trace,
    "half_precision": optimizer_steps.half_precision,
    "keras_file": restart.keras_file,
    "fresh_process": restart.fresh_process,
}
"""By name; the first sentence of each function's docstring is what the check says."""
