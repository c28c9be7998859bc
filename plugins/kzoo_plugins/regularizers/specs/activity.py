"""Regularizers of what a layer puts out."""

from __future__ import annotations

from kzoo.plugin import RegularizerSpec

__all__ = ["REGULARIZERS"]

REGULARIZERS: list[RegularizerSpec] = [
    RegularizerSpec(
        name="entropy",
        target="kzoo_plugins.regularizers.activity:Entropy",
        summary="Confidence penalty: the negative entropy of predicted probabilities.",
        aliases=("confidence_penalty",),
        tasks={"classification", "ordinal", "segmentation"},
        applies_to="activity",
        layer="outputs",
        example={"factor": 0.1},
        note="For the layer whose outputs are the probabilities, or the logits with from_logits=true. At most 0.",
        reference="Pereyra et al. 2017, https://arxiv.org/abs/1701.06548",
    ),
    RegularizerSpec(
        name="decov",
        target="kzoo_plugins.regularizers.activity:DeCov",
        summary="Covariance between different features of a layer over a batch: keeps them from repeating one another.",
        applies_to="activity",
        layer="features",
        example={"factor": 0.1},
        note="A convolution's positions count as samples, its channels as features.",
        reference="Cogswell et al. 2015, https://arxiv.org/abs/1511.06068",
    ),
]
