"""Products of a tensor with a matrix along each of its axes, and the eigenvectors and powers of those matrices."""

from __future__ import annotations

from typing import Any

from keras import ops

__all__ = ["along_axes", "covariance", "eigenvectors", "power", "power_iteration"]


def along_axes(tensor: Any, matrices: dict[int, Any], *, back: bool = False) -> Any:
    """Return a tensor multiplied along each axis by the transpose of its matrix, or with ``back`` by the matrix.

    A vector stands for a diagonal matrix; an axis without a matrix stays as it is.

    Example:
        >>> swap = ops.convert_to_tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> along_axes(ops.convert_to_tensor([[1.0, 2.0], [3.0, 4.0]]), {0: swap}).numpy().tolist()
        [[3.0, 4.0], [1.0, 2.0]]
    """
    for axis in range(len(tensor.shape)):
        # The first axis is worked on and goes to the end, so that all are in their places when the last one is done.
        matrix = matrices.get(axis)
        if matrix is None or len(matrix.shape) == 1:
            tensor = ops.moveaxis(tensor, 0, -1)
            tensor = tensor if matrix is None else tensor * matrix
        else:
            tensor = ops.tensordot(tensor, matrix, axes=[[0], [1 if back else 0]])
    return tensor


def covariance(tensor: Any, axis: int, *, diagonal: bool = False) -> Any:
    """Return the products of all pairs of a tensor's slices along an axis, or the squares of the slices alone."""
    others = [other for other in range(len(tensor.shape)) if other != axis]
    if diagonal:
        return ops.sum(ops.square(tensor), axis=tuple(others)) if others else ops.square(tensor)
    return ops.tensordot(tensor, tensor, axes=[others, others])


def eigenvectors(matrix: Any) -> Any:
    """Return the eigenvectors of a symmetric matrix as columns, that of the largest eigenvalue first."""
    return ops.flip(_eigh(_scaled(matrix)[0])[1], axis=1)


def power_iteration(matrix: Any, basis: Any) -> tuple[Any, Any]:
    """Return a basis brought nearer to a symmetric matrix's eigenvectors, and the order that its columns had before.

    Columns are sorted by the eigenvalues that they stand for, the largest first.
    """
    product = ops.matmul(matrix, basis)
    order = ops.argsort(-ops.sum(basis * product, axis=0))
    scaled, scale = _scaled(ops.take(product, order, axis=1))
    turned = ops.qr(scaled)[0]
    return ops.where(scale > 0, turned, ops.take(basis, order, axis=1)), order


def power(matrix: Any, exponent: float, epsilon: float) -> Any:
    """Return ``(matrix + epsilon * I)^exponent`` for a positive semidefinite matrix, or for a diagonal."""
    if len(matrix.shape) == 1:
        return ops.power(matrix + epsilon, exponent)
    scaled, scale = _scaled(matrix)
    values, vectors = _eigh(scaled)
    # Rounding makes eigenvalues of 0 negative; epsilon is added to them and not to the matrix, where it would be lost.
    powers = ops.power(ops.maximum(values, 0.0) * scale + epsilon, exponent)
    return ops.matmul(vectors * powers, ops.transpose(vectors))


def _eigh(matrix: Any) -> tuple[Any, Any]:
    """Return eigenvalues and eigenvectors; all NaN where the matrix has a number that is not finite."""
    # LAPACK ends the program's step with an error there, which names neither the optimizer nor the gradient.
    finite = ops.all(ops.isfinite(matrix))
    values, vectors = ops.eigh(ops.where(finite, matrix, ops.eye(matrix.shape[0], dtype=matrix.dtype)))
    shown = ops.where(finite, 0.0, ops.cast(float("nan"), matrix.dtype))
    return values + shown, vectors + shown


def _scaled(matrix: Any) -> tuple[Any, Any]:
    """Return a matrix divided by its largest number, whose squares neither overflow nor vanish, and that number."""
    scale = ops.max(ops.abs(matrix))
    return matrix / ops.where(scale > 0, scale, 1.0), scale
