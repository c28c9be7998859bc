"""What this distribution publishes; light, since kzoo imports it whenever it lists components."""

from __future__ import annotations

from kzoo.plugin import LossSpec, hookimpl

__all__ = ["kzoo_losses"]


@hookimpl
def kzoo_losses() -> list[LossSpec]:
    """Return the losses of this distribution."""
    return [
        LossSpec(
            name="example",
            target="kzoo_example_loss.losses:ExampleLoss",
            summary="Squared error that forgives small mistakes.",
            tasks={"classification", "ordinal", "regression"},
            targets={"dense"},
            example={"tolerance": 0.05},
            properties={"zero_at_equality": True, "symmetric": True, "range": (0, None)},
            reference="Vapnik 1995, https://doi.org/10.1007/978-1-4757-2440-0",
        ),
    ]
