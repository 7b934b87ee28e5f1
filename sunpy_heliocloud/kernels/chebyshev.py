"""Interpolation of smooth functions of two coordinates between the Chebyshev nodes of a rectangle."""

from ctypes import c_int64
from functools import lru_cache

import numpy as np

from sunpy_heliocloud.kernels.library import Array, Function

__all__ = ["POINTS", "error", "interpolate", "nodes", "positions_between"]

# A side of a rectangle.
_NODES = 16
# Numbers of the gaps between nodes in the middle of which the error is measured, along each side: it is
# largest near an edge.
_MEASURED_GAPS = (0, 1, _NODES // 2, _NODES - 3, _NODES - 2)
# Points of a rectangle at which the function is evaluated: nodes, and those between them.
POINTS = _NODES**2 + len(_MEASURED_GAPS) ** 2

_NUMBERS = Array(np.float64)
_interpolate_along_y = Function("interpolate_along_y", _NUMBERS, _NUMBERS, *(c_int64,) * 8, _NUMBERS)


@lru_cache
def nodes() -> np.ndarray:
    """Chebyshev points of the second kind, from -1 to 1, both included; those of a rectangle are their grid."""
    return -np.cos(np.pi * np.arange(_NODES) / (_NODES - 1))


@lru_cache
def positions_between() -> np.ndarray:
    """Positions between nodes, whose grid is where `error` compares."""
    return -np.cos(np.pi * (np.array(_MEASURED_GAPS) + 0.5) / (_NODES - 1))


def error(at_nodes: np.ndarray, between: np.ndarray) -> float:
    """
    The largest error of the interpolation.

    Parameters
    ----------
    at_nodes, between
        Values of the function at the grids of `nodes` and of `positions_between`, shape ``(components, n, n)``.

    Returns
    -------
    float
        NaN if a value is.
    """
    matrix = _interpolation_matrix(tuple(positions_between()))
    return float(np.abs(matrix @ at_nodes @ matrix.T - between).max())


def interpolate(at_nodes: np.ndarray, rows: slice, columns: slice, pixels: np.ndarray) -> None:
    """
    Fill a rectangle of pixels, whose outermost ones lie on its outermost nodes.

    Parameters
    ----------
    at_nodes
        Values at the grid of `nodes`, shape ``(components, n, n)``.
    rows, columns
        The rectangle.
    pixels
        Shape ``(components, ny, nx)``, filled in place.
    """
    height, width = rows.stop - rows.start, columns.stop - columns.start
    lines = np.einsum("cij,xj->cix", at_nodes, _interpolation_matrix_to_pixels(width), order="C")
    matrix = _interpolation_matrix_to_pixels(height)
    _interpolate_along_y(
        lines, matrix, *lines.shape[:2], height, width, rows.start, columns.start, *pixels.shape[1:], pixels
    )


@lru_cache(maxsize=64)
def _interpolation_matrix_to_pixels(count: int) -> np.ndarray:
    return _interpolation_matrix(tuple(np.linspace(-1, 1, count)))


@lru_cache(maxsize=4)
def _interpolation_matrix(positions: tuple[float, ...]) -> np.ndarray:
    """
    Matrix from values at nodes to values at positions of their polynomial, by the barycentric formula.

    See Berrut and Trefethen (2004), https://doi.org/10.1137/S0036144502417715
    """
    weights = (-1.0) ** np.arange(_NODES)
    weights[[0, -1]] /= 2
    distance = np.subtract.outer(np.array(positions), nodes())
    at_node = distance == 0
    matrix = weights / np.where(at_node, 1, distance)
    matrix[at_node.any(axis=1)] = 0
    matrix[at_node] = 1
    return matrix / matrix.sum(axis=1, keepdims=True)
