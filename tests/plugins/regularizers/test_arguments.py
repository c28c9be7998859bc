"""What the regularizers refuse, what a kernel is to them, and the edges of the numbers."""

import keras
import numpy as np
import pytest
from gradients import gradient

import kzoo
from kzoo.errors import UsageError
from kzoo_plugins.regularizers.activity import DeCov, Entropy
from kzoo_plugins.regularizers.bounds import LogBarrier, MaxNormPenalty
from kzoo_plugins.regularizers.groups import GroupLasso, SparseGroupLasso, group_lasso
from kzoo_plugins.regularizers.hoyer import HoyerSquare
from kzoo_plugins.regularizers.matrices import top_direction
from kzoo_plugins.regularizers.orthogonality import SRIP, SoftOrthogonal, soft_orthogonal, srip
from kzoo_plugins.regularizers.spectrum import Nuclear, Spectral, nuclear, spectral

ALL = (
    GroupLasso,
    SparseGroupLasso,
    HoyerSquare,
    SoftOrthogonal,
    SRIP,
    Spectral,
    Nuclear,
    MaxNormPenalty,
    LogBarrier,
    Entropy,
    DeCov,
)
KERNEL = np.random.default_rng(1).normal(size=(3, 3, 2, 5)).astype("float32")


class TestArguments:
    @pytest.mark.parametrize("factor", [-0.1, float("nan"), float("inf")])
    @pytest.mark.parametrize("made", ALL)
    def test_a_factor_below_0_or_no_number(self, made, factor):
        with pytest.raises(ValueError, match="`factor` must be a finite number of at least 0"):
            made(factor=factor)

    @pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
    def test_a_share_that_is_none(self, alpha):
        with pytest.raises(ValueError, match="`alpha` must be from 0"):
            SparseGroupLasso(alpha=alpha)

    @pytest.mark.parametrize("made", [GroupLasso, SparseGroupLasso, HoyerSquare, MaxNormPenalty])
    def test_an_axis_that_is_none(self, made):
        for axis in (0.5, True, "outputs"):
            with pytest.raises(ValueError, match="`axis` must be an integer"):
                made(axis=axis)
        with pytest.raises(ValueError, match=r"`axis` is -2, and weights of shape \(5,\) have no such axis"):
            made(axis=-2)(np.ones(5, "float32"))

    def test_a_barrier_that_is_none(self):
        with pytest.raises(ValueError, match="`bound` must be a finite number above 0"):
            LogBarrier(bound=0)
        with pytest.raises(ValueError, match="`t` must be a finite number of at least 1"):
            LogBarrier(t=0.5)
        with pytest.raises(ValueError, match="`max_norm` must be a finite number of at least 0"):
            MaxNormPenalty(max_norm=-1)

    @pytest.mark.parametrize("made", [SoftOrthogonal, SRIP, Spectral, Nuclear, Entropy, DeCov])
    def test_a_single_number(self, made):
        with pytest.raises(ValueError, match="A single number is no"):
            made()(np.float32(1.0))

    def test_by_name(self):
        assert kzoo.regularizer("group_lasso:factor=0.5,axis=-2").axis == -2
        with pytest.raises(UsageError, match="`alpha` must be from 0"):
            kzoo.regularizer("sparse_group_lasso", alpha=2)


class TestKernels:
    @pytest.mark.parametrize("made", [SoftOrthogonal, SRIP, Spectral, Nuclear, GroupLasso, MaxNormPenalty])
    def test_a_kernel_counts_as_the_matrix_of_its_filters(self, made):
        assert float(made()(KERNEL)) == float(made()(KERNEL.reshape(18, 5)))

    def test_an_input_channel_is_a_group_with_all_its_positions(self):
        channels = np.moveaxis(KERNEL, 2, 0).reshape(2, -1)
        expected = np.sqrt(45) * np.linalg.norm(channels.astype("float64"), axis=1).sum()
        assert float(group_lasso(KERNEL, axis=-2)) == pytest.approx(expected, rel=1e-6)

    def test_on_a_bias_group_lasso_is_l1(self):
        bias = KERNEL[0, 0, 0]
        assert float(GroupLasso(0.5)(bias)) == pytest.approx(float(keras.regularizers.L1(0.5)(bias)), rel=1e-6)
        assert float(SparseGroupLasso(0.5, 1.0)(KERNEL)) == float(keras.regularizers.L1(0.5)(KERNEL))

    def test_a_wide_matrix_can_be_orthonormal_in_its_rows(self):
        rows = np.eye(3, 7, dtype="float32")
        assert float(soft_orthogonal(rows)) == float(srip(rows)) == 0
        literal = np.random.default_rng(2).normal(size=(3, 7))
        expected = np.linalg.norm(literal.T @ literal - np.eye(7)) ** 2 - (7 - 3)
        assert float(soft_orthogonal(literal)) == pytest.approx(expected, rel=1e-6)


class TestNumbers:
    @pytest.mark.parametrize("made", [GroupLasso, SparseGroupLasso, HoyerSquare, Spectral, Nuclear, MaxNormPenalty])
    def test_weights_of_0_stay(self, made):
        zeros = np.zeros((4, 3), "float32")
        assert float(made()(zeros)) == 0
        assert (gradient(made(), zeros) == 0).all()

    def test_singular_values_that_are_equal_have_the_sum_of_their_gradients(self):
        assert gradient(nuclear, np.eye(4, dtype="float32")) == pytest.approx(np.eye(4), abs=1e-6)

    def test_eigenvalues_of_both_signs(self):
        """Singular values 0 and the root of 2 are equally far from 1 when squared: no Rayleigh quotient shows it."""
        assert float(srip(np.diag([0.0, np.sqrt(2.0), 1.0]))) == pytest.approx(1.0, rel=1e-6)

    @pytest.mark.parametrize("size", [2, 17, 200])
    def test_the_norm_is_never_above_and_hardly_below(self, size):
        """Whatever the gaps between the eigenvalues, the estimate is at least size^(-1 / 16384) of the norm."""
        rng = np.random.default_rng(size)
        q, _ = np.linalg.qr(rng.normal(size=(size, size)))
        for spread in (1, 1e-2, 1e-4, 1e-8, 0):
            values = (1 - spread * rng.uniform(size=size)) * rng.choice([-1, 1], size)
            symmetric = (q * values) @ q.T
            found = np.linalg.norm(symmetric @ np.asarray(top_direction(symmetric)))
            norm = np.abs(values).max()
            assert norm * size ** (-1 / 16384) - 1e-9 <= found <= norm * (1 + 1e-9)

    def test_no_start_can_miss_the_direction(self):
        """Power iteration from a vector of ones, at right angles to this direction, would find 1."""
        direction = np.array([1.0, -1.0, 0.0, 0.0]) / np.sqrt(2)
        matrix = np.ones((4, 4)) / 4 + 3 * np.outer(direction, direction)
        assert float(spectral(matrix)) == pytest.approx(9.0, rel=1e-6)

    @pytest.mark.parametrize("t", [1.0, 2.0, 5.0, 50.0])
    def test_the_barrier_and_its_slope_have_no_jump_where_the_tangent_begins(self, t):
        at = 2.0 * (1 - 1 / t**2)
        barrier = LogBarrier(factor=1.0, bound=2.0, t=t)
        below, above = (np.array([at + step]) for step in (-1e-9, 1e-9))
        assert float(barrier(below)) == pytest.approx(float(barrier(above)), abs=1e-6)
        assert gradient(barrier, below) == pytest.approx(gradient(barrier, above), abs=1e-5 * t)

    def test_the_barrier_is_finite_outside_the_bound(self):
        far = np.array([1.0, -1.0, 30.0, -30.0], "float32")
        assert np.isfinite(float(LogBarrier()(far)))
        assert (np.sign(gradient(LogBarrier(), far)) == np.sign(far)).all()
