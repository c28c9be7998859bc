"""How a training computes: the type of its numbers, XLA, and how gradients reach the optimizer."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError
from kzoo.plugins.build import parameters_of
from kzoo.plugins.reference import Reference
from kzoo.plugins.targets import load_target
from kzoo.processor import computes_in_bfloat16

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kzoo.plugins.registry import Registry
    from kzoo.runs.config import TrainSettings

__all__ = ["Computing", "computing", "optimizer_of"]

_BFLOAT16_SINCE = (8, 0)
"""The compute capability of Nvidia's first processors whose tensor cores take bfloat16, Ampere's."""
_FLOAT16_SINCE = (7, 0)
"""And of the first with tensor cores, Volta's, which take float16."""


@dataclass(frozen=True)
class Computing:
    """How a training computes on this machine.

    Attributes:
        policy: The name of Keras's dtype policy for the network; empty for the one in force.
        jit: Whether XLA compiles the steps.
        notes: What was chosen by the machine, a sentence each.
    """

    policy: str
    jit: bool
    notes: tuple[str, ...] = ()

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """Have Keras make layers of this policy in the block."""
        import keras

        before = keras.config.dtype_policy()
        if self.policy:
            keras.config.set_dtype_policy(self.policy)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)


def computing(settings: TrainSettings) -> Computing:
    """Return how to compute; ``auto`` asks the machine, and what comes of that is in the notes.

    A processor with instructions for bfloat16 trains 1.3 to 1.6 times as fast in it as in float32, measured on networks
    of cifar10, and one with AMX two to almost three times; one without takes two to six times as long. XLA was measured
    at half the speed of TensorFlow's own kernels on a processor. A GPU with tensor cores is faster in half precision,
    and with XLA.
    """
    import tensorflow as tf

    policy, jit = settings.precision or "", settings.jit
    if "auto" not in (policy, jit):
        return Computing(policy, bool(jit))
    gpus = tf.config.list_physical_devices("GPU")
    found = [tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) for gpu in gpus]
    capability = min(found, default=(0, 0))
    narrow = computes_in_bfloat16()
    device = f"a GPU of compute capability {'.'.join(map(str, capability))}"
    if not gpus:
        device = f"a processor {'with' if narrow else 'without'} instructions for bfloat16"
    notes = []
    if policy == "auto":
        policy = "mixed_float16" if capability >= _FLOAT16_SINCE else "float32"
        if capability >= _BFLOAT16_SINCE or (narrow and not gpus):
            policy = "mixed_bfloat16"
        notes.append(f"It computes in {policy}: train.precision is auto, and this is {device}.")
    if jit == "auto":
        jit = bool(gpus)
        notes.append(f"XLA is {'on' if jit else 'off'}: train.jit is auto, and this is {device}.")
    return Computing(policy, bool(jit), tuple(notes))


def optimizer_of(settings: TrainSettings, reference: Reference, registry: Registry) -> Reference:
    """Return the optimizer of a run with what the settings of the training say of gradients.

    That goes to the innermost one, which is what takes the steps.

    Raises:
        UsageError: The optimizer says another thing itself, or cannot do it.
    """
    options: dict[str, tuple[str, float]] = {}
    if settings.gradient_accumulation_steps > 1:
        options["gradient_accumulation_steps"] = (
            "train.gradient_accumulation_steps",
            settings.gradient_accumulation_steps,
        )
    if settings.global_clipnorm:
        options["global_clipnorm"] = ("train.global_clipnorm", settings.global_clipnorm)
    return _with(reference, options, registry) if options else reference


def _with(reference: Reference, options: Mapping[str, tuple[str, float]], registry: Registry) -> Reference:
    entry = registry.optimizer(reference.name)
    inner = next((name for name, kind in entry.spec.resolves.items() if kind == "optimizer"), None)
    if inner is not None:
        given = reference.kwargs.get(inner)
        if given is None:
            return reference  # which is refused when it is built, for what it needs
        changed = _with(Reference.read(given), options, registry).to_mapping()
        return Reference(reference.name, {**reference.kwargs, inner: changed})
    takes: Mapping[str, Any] = parameters_of(load_target(entry, variant=None))
    for argument, (setting, _) in options.items():
        if argument in reference.kwargs:
            message = f"`{argument}` is said twice: by the optimizer `{reference}`, and by `{setting}`. Leave out one."
            raise UsageError(message)
        if argument not in takes:
            message = (
                f"`{setting}` is given to the optimizer as its argument `{argument}`, and `{reference.name}` (from "
                f"{entry.origin}) has none of that name. Leave out the setting, or take an optimizer that has it."
            )
            raise UsageError(message)
    return Reference(reference.name, {**reference.kwargs, **{name: value for name, (_, value) in options.items()}})
