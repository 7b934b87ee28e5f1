"""
Anti-aliased resampling of an image at pixel coordinates, see `sunpy_heliocloud.kernels.coordinates`.

An image may be a window of the whole image; the result is that of the whole image if the window holds what
`sunpy_heliocloud.kernels.adaptive_window.window_needed` tells.
"""

from ctypes import c_double, c_int, c_int64

import numpy as np

from sunpy_heliocloud.kernels.coordinates import checked_coordinates
from sunpy_heliocloud.kernels.library import Array, Function

__all__ = ["resample_adaptive"]

_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)

_resample = Function(
    "resample_adaptive",
    Array(_SINGLE, _DOUBLE),
    c_int,
    *(c_int64,) * 4,
    Array(_DOUBLE),
    *(c_int64,) * 2,
    *(c_double,) * 2,
    Array(_SINGLE, _DOUBLE),
    c_int,
)


def resample_adaptive(
    image: np.ndarray,
    coordinates: np.ndarray,
    *,
    origin: tuple[int, int] = (0, 0),
    dtype: np.typing.DTypeLike = np.float32,
    out: np.ndarray | None = None,
    kernel_width: float = 1.3,
    sample_region_width: float = 4.0,
) -> np.ndarray:
    """
    Anti-aliased resampling with a Gaussian whose shape follows the transformation.

    The method is that of DeForest (2004) [1]_ with the choices of `reproject.reproject_adaptive`: a Gaussian
    that is nowhere narrower than ``kernel_width`` input pixels, a Jacobian from the neighbouring pixels, no
    conservation of flux. An output pixel is NaN where its coordinates or a neighbour's are, where its window
    leaves the image, and where a pixel in its window is NaN. Given the same coordinates the result is that of
    reproject.

    Parameters
    ----------
    image : `numpy.ndarray`
        The input image, or a window of it, of any real type, shape ``(rows, columns)``.
    coordinates : `numpy.ndarray`
        Input pixels ``(x, y)`` of the output pixels, with the rim, shape ``(2, ny + 2, nx + 2)``.
    origin
        Row and column in the whole image of the pixel ``image[0, 0]``.
    dtype
        Type of the result: float32 or float64. Sums are in float64.
    out : `numpy.ndarray`
        Array for the result, of shape ``(ny, nx)``; by default a new array.
    kernel_width
        Width of the Gaussian in pixels (twice its standard deviation).
    sample_region_width
        Width of the window, in output pixels.

    Returns
    -------
    `numpy.ndarray`
        The resampled image, shape ``(ny, nx)``.

    References
    ----------
    .. [1] C. E. DeForest, "On Re-sampling of Solar Images", Solar Physics 219, 3 (2004),
       https://doi.org/10.1023/B:SOLA.0000021743.24248.b0
    """
    coordinates = checked_coordinates(coordinates)
    # Single precision holds what 16 bits can.
    image = np.ascontiguousarray(image, _SINGLE if np.can_cast(image.dtype, _SINGLE) else _DOUBLE)
    ny, nx = coordinates.shape[1] - 2, coordinates.shape[2] - 2
    if out is None:
        out = np.empty((ny, nx), dtype)
    if out.shape != (ny, nx):
        raise ValueError(f"out has shape {out.shape}, but coordinates are those of {(ny, nx)} pixels")
    _resample(
        image,
        image.dtype == _SINGLE,
        *image.shape,
        *map(int, origin),
        coordinates,
        ny,
        nx,
        2 / kernel_width**2,
        float(sample_region_width),
        out,
        out.dtype == _SINGLE,
    )
    return out
