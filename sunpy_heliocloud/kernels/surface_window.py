"""
The parts of a map of the surface where the window of an image that resampling needs touches its outermost pixels.

Few pixels decide on the window: a coarse map shows which, and only these are mapped. The window is the same.
"""

import numpy as np

from sunpy_heliocloud.kernels.surface_map import SurfaceMap

__all__ = ["outermost_parts"]

_SPACING = 8  # pixels between places of the coarse map, about
_LEAST_SIDE = 64  # of a target image of which the exact map costs more


def outermost_parts(
    surface: SurfaceMap, image_shape: tuple[int, int], sample_region_width: float
) -> list[np.ndarray] | None:
    """
    The parts of the map that decide which window of the image anti-aliased resampling needs.

    Parameters
    ----------
    surface
        The map.
    image_shape
        ``(ny, nx)`` of the source image.
    sample_region_width
        As for `~sunpy_heliocloud.kernels.adaptive.resample_adaptive`.

    Returns
    -------
    list of `numpy.ndarray` or None
        Coordinates with a rim, as of `~sunpy_heliocloud.kernels.surface_map.SurfaceMap.rows`; `None` where the coarse
        map does not tell: at the limb, at the edges of the image, and for small targets.
    """
    if min(surface.shape) < _LEAST_SIDE:
        return None
    spans = [(0.0, (size - 1) / (size // _SPACING), size // _SPACING + 1) for size in surface.shape]
    coarse = surface.grid(*spans)
    if not np.isfinite(coarse).all():
        return None
    slopes = np.gradient(coarse, axis=(1, 2))
    by_pixel = [slope / span[1] for slope, span in zip(slopes, spans, strict=True)]
    norm = np.sqrt(sum((slope**2).sum(axis=0) for slope in by_pixel))
    reach = sample_region_width / 2 * np.maximum(norm, 1)
    # Differences between the coarse map and the exact one are an eighth of second differences. Those of the reach are
    # differences of slopes.
    bend = sum(float(np.abs(np.diff(slope, axis=axis)).max()) for slope in slopes for axis in (1, 2))
    margin = bend * (1 + sample_region_width / _SPACING) + 0.01
    last = np.array(image_shape[::-1])[:, np.newaxis, np.newaxis] - 1
    edges = np.stack([coarse - reach, last - coarse - reach])
    if edges.min() < margin:
        return None
    # The pixel next to a place may be half a pixel away on each axis.
    outermost = edges <= edges.min(axis=(2, 3), keepdims=True) + 2 * margin + norm.max()
    return [surface.part(*_around(one, spans, surface.shape)) for one in outermost.reshape(4, *norm.shape)]


def _around(
    places: np.ndarray, spans: list[tuple[float, float, int]], shape: tuple[int, int]
) -> list[tuple[int, int]]:
    """Rows and columns of pixels, with a rim, around some places of the coarse map and their neighbours."""
    around = []
    for axis, (_, spacing, count) in enumerate(spans):
        numbers = np.flatnonzero(places.any(axis=1 - axis))
        first = int(max(numbers[0] - 1, 0) * spacing)
        last = min(int(np.ceil(min(numbers[-1] + 1, count - 1) * spacing)), shape[axis] - 1)
        around.append((first - 1, last + 2))
    return around
