"""Regularizers of weights."""

from __future__ import annotations

from kzoo.plugin import RegularizerSpec

__all__ = ["REGULARIZERS"]

_MATRIX = (
    "A kernel counts as the matrix (positions * inputs, outputs), a bias as one row; where there are more columns than "
    "rows, the rows count."
)

REGULARIZERS: list[RegularizerSpec] = [
    RegularizerSpec(
        name="group_lasso",
        target="kzoo_plugins.regularizers.groups:GroupLasso",
        summary="Sum of the lengths of groups of weights: drives whole filters, neurons or inputs to 0.",
        aliases=("group_lasso_regularizer",),
        example={"factor": 0.001, "axis": -1},
        note=(
            "A group is all weights of one output (axis=-1) or of one input channel (axis=-2). Gradient descent brings "
            "groups close to 0, not to 0: remove those whose length is below a threshold."
        ),
        reference="Yuan, Lin 2006, https://doi.org/10.1111/j.1467-9868.2005.00532.x",
    ),
    RegularizerSpec(
        name="sparse_group_lasso",
        target="kzoo_plugins.regularizers.groups:SparseGroupLasso",
        summary="Group lasso and L1 together: whole groups to 0, and single weights in the groups that stay.",
        example={"factor": 0.001, "alpha": 0.5},
        note="alpha is the share of L1. A group is all weights of one output (axis=-1) or one input channel (axis=-2).",
        reference="Simon et al. 2013, https://doi.org/10.1080/10618600.2012.681250",
    ),
    RegularizerSpec(
        name="hoyer_square",
        target="kzoo_plugins.regularizers.hoyer:HoyerSquare",
        summary="Squared sum of the absolute weights over the sum of squares: sparse weights, not small ones.",
        aliases=("hoyer",),
        example={"factor": 0.0001},
        note=(
            "The value is about the number of weights in use, and does not change with their scale. With axis=-1 it "
            "counts outputs instead, with axis=-2 input channels."
        ),
        reference="Yang, Wen, Li 2020, https://arxiv.org/abs/1908.09979",
    ),
    RegularizerSpec(
        name="soft_orthogonal",
        target="kzoo_plugins.regularizers.orthogonality:SoftOrthogonal",
        summary="Squared distance of the inner products of filters from those of an orthonormal set.",
        aliases=("soft_orthogonality",),
        example={"factor": 0.001},
        note=f"{_MATRIX} Unlike `orthogonal_regularizer` it draws lengths to 1 as well.",
        reference="Bansal, Chen, Wang 2018, https://arxiv.org/abs/1810.09102",
    ),
    RegularizerSpec(
        name="srip",
        target="kzoo_plugins.regularizers.orthogonality:SRIP",
        summary="How far any squared singular value of a kernel is from 1, at most: drives it towards orthonormal.",
        aliases=("spectral_restricted_isometry",),
        example={"factor": 0.01},
        note=(
            f"{_MATRIX} 13 products of k x k matrices each step, k being the smaller side; exact but for rounding, or "
            "at most 0.05 % too small for k up to 1000 where several singular values are equally far from 1."
        ),
        reference="Bansal, Chen, Wang 2018, https://arxiv.org/abs/1810.09102",
    ),
    RegularizerSpec(
        name="spectral",
        target="kzoo_plugins.regularizers.spectrum:Spectral",
        summary="Square of the largest singular value: keeps a layer from stretching any input much.",
        aliases=("spectral_norm",),
        example={"factor": 0.01},
        note=(
            f"{_MATRIX} 13 products of k x k matrices each step, k being the smaller side; exact but for rounding, or "
            "at most 0.05 % too small for k up to 1000 where several singular values are almost equal."
        ),
        reference="Yoshida, Miyato 2017, https://arxiv.org/abs/1705.10941",
    ),
    RegularizerSpec(
        name="nuclear",
        target="kzoo_plugins.regularizers.spectrum:Nuclear",
        summary="Sum of the singular values: drives a kernel to a low rank.",
        aliases=("nuclear_norm", "trace_norm"),
        example={"factor": 0.001},
        note="A kernel counts as the matrix (positions * inputs, outputs). A singular value decomposition each step.",
        reference="Recht, Fazel, Parrilo 2010, https://arxiv.org/abs/0706.4138",
    ),
    RegularizerSpec(
        name="max_norm_penalty",
        target="kzoo_plugins.regularizers.bounds:MaxNormPenalty",
        summary="Squared excess of each filter's or neuron's length over a limit; none within it.",
        aliases=("max_norm",),
        example={"factor": 0.1, "max_norm": 1.0},
        note="A limit on the weights of one output (axis=-1) or of one input channel (axis=-2).",
        reference="Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html",
    ),
    RegularizerSpec(
        name="log_barrier",
        target="kzoo_plugins.regularizers.bounds:LogBarrier",
        summary="A barrier at a bound on the size of every weight: flat within it, a steep straight line beyond it.",
        example={"factor": 0.001, "bound": 1.0, "t": 5.0},
        note="Beyond the bound the logarithm goes on as its tangent, so that weights may start outside.",
        reference="Kervadec et al. 2019, https://arxiv.org/abs/1904.04205",
    ),
]
