"""Which checks of the conformance kit take long, and in which of them a component has its turn."""

from kzoo.testing import checks

__all__ = ["HEAVY", "in_turn", "light"]

# What compiles, takes many steps, trains or saves a network: up to a third of a second each.
HEAVY = {
    "loss": (
        "repeatable",
        "ignored_class",
        "graph",
        "xla",
        "unknown_batch",
        "mixed_precision",
        "trains",
        "keras_file",
        "fresh_process",
    ),
    "metric": (
        "many_batches",
        "graph",
        "graph_at_edges",
        "xla",
        "unknown_batch",
        "half_precision",
        "in_model",
        "keras_file",
        "fresh_process",
    ),
    "optimizer": (
        "descends",
        "any_rank",
        "kernels",
        "state_listed",
        "clipping",
        "graph",
        "xla",
        "one_trace",
        "half_precision",
        "keras_file",
        "fresh_process",
    ),
    "schedule": ("graph", "xla", "keras_file", "fresh_process"),
    "regularizer": ("xla", "in_model", "keras_file", "fresh_process"),
    "tracker": (),
}


def light(kind):
    """Return the checks of a kind that take little time."""
    return [check for check in checks(kind) if check not in HEAVY[kind]]


def in_turn(kind, number, of=3):
    """Return every third heavy check of a kind: three components that follow one another have them all."""
    return HEAVY[kind][number % of :: of]
