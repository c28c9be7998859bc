"""The checks of a metric, in the order in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.testing import common, metric_numbers, metric_state, restart

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CHECKS"]

CHECKS: dict[str, Callable[[Any], None]] = {
    "right_base": common.right_base,
    "registered": common.registered,
    "config_round_trip": common.config_round_trip,
    "arguments_saved": common.arguments_saved,
    "state_kept": metric_state.state_kept,
    "reset_state": metric_state.reset_state,
    "batches_add_up": metric_state.batches_add_up,
    "additive_state": metric_state.additive_state,
    "sample_weight": metric_state.sample_weight,
    "batch_of_one": metric_state.batch_of_one,
    "empty": metric_state.empty,
    "flat_labels": metric_state.flat_labels,
    "mismatch_refused": metric_state.mismatch_refused,
    "label_forms": metric_state.label_forms,
    "precision": metric_numbers.precision,
    "half_precision": metric_numbers.half_precision,
    "finite_at_edges": metric_numbers.finite_at_edges,
    "graph": metric_numbers.graph,
    "xla": metric_numbers.xla,
    "unknown_batch": metric_numbers.unknown_batch,
    "in_model": metric_numbers.in_model,
    "zero_at_equality": metric_numbers.zero_at_equality,
    "symmetric": metric_numbers.symmetric,
    "range": metric_numbers.range_of_values,
    "keras_file": restart.keras_file,
    "fresh_process": restart.fresh_process,
}
"""By name; the first sentence of each function's docstring is what the check says."""
