"""The checks of a metric, in the order in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.testing import (
    common,
    metric_arguments,
    metric_inputs,
    metric_numbers,
    metric_shapes,
    metric_state,
    restart,
    surroundings,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CHECKS"]

CHECKS: dict[str, Callable[[Any], None]] = {
    "right_base": common.right_base,
    "registered": common.registered,
    "config_round_trip": common.config_round_trip,
    "arguments_saved": common.arguments_saved,
    "global_state": surroundings.global_state,
    "state_kept": metric_state.state_kept,
    "state_listed": metric_state.state_listed,
    "reset_state": metric_state.reset_state,
    "batches_add_up": metric_state.batches_add_up,
    "batch_order": metric_state.batch_order,
    "many_batches": metric_state.many_batches,
    "additive_state": metric_state.additive_state,
    "sample_weight": metric_state.sample_weight,
    "step_weights": metric_shapes.step_weights,
    "mask": metric_shapes.mask,
    "positions": metric_shapes.positions,
    "turned_images": metric_shapes.turned_images,
    "higher_rank": metric_shapes.higher_rank,
    "batch_of_one": metric_state.batch_of_one,
    "empty": metric_state.empty,
    "empty_batch": metric_inputs.empty_batch,
    "flat_labels": metric_state.flat_labels,
    "mismatch_refused": metric_state.mismatch_refused,
    "label_forms": metric_state.label_forms,
    "label_forms_with_arguments": metric_arguments.label_forms_with_arguments,
    "many_classes": metric_inputs.many_classes,
    "wrong_labels": metric_inputs.wrong_labels,
    "nan": metric_inputs.nan,
    "nan_left_out": metric_inputs.nan_left_out,
    "labels_not_rounded": metric_inputs.labels_not_rounded,
    "integer_predictions": metric_inputs.integer_predictions,
    "class_predictions": metric_inputs.class_predictions,
    "axis": metric_arguments.axis,
    "thresholds": metric_arguments.thresholds,
    "outputs": metric_arguments.outputs,
    "average": metric_arguments.average,
    "ignored_class": metric_arguments.ignored_class,
    "class_weight": metric_arguments.class_weight,
    "precision": metric_numbers.precision,
    "half_precision": metric_numbers.half_precision,
    "finite_at_edges": metric_numbers.finite_at_edges,
    "graph": metric_numbers.graph,
    "graph_at_edges": metric_numbers.graph_at_edges,
    "xla": metric_numbers.xla,
    "unknown_batch": metric_numbers.unknown_batch,
    "in_model": metric_numbers.in_model,
    "zero_at_equality": metric_numbers.zero_at_equality,
    "symmetric": metric_numbers.symmetric,
    "range": metric_numbers.range_of_values,
    "direction": metric_numbers.direction,
    "keras_file": restart.keras_file,
    "fresh_process": restart.fresh_process,
}
"""By name; the first sentence of each function's docstring is what the check says."""
