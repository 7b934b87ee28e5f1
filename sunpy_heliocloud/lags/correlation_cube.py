"""CorrelationCube: how well two channels match in every pixel, at every lag."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

import astropy.units as u
from astropy.wcs import WCS
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS

from sunpy_heliocloud.coordinates.indexers import Indexer, Stretch, items, stretches
from sunpy_heliocloud.store.stored import StoredCube

__all__ = ["CorrelationCube"]


class CorrelationCube(StoredCube):
    """
    An `ndcube.NDCube` with axes lag, y, x, made by `TimeLagCube.cross_correlation`.

    It is lazy, like a cube of images. Its WCS has the lag in seconds as third axis.
    """

    @classmethod
    def at_lags(cls, data: Any, wcs: WCS, lags: u.Quantity, meta: dict[str, Any]) -> Self:
        """
        A cube of correlations.

        Parameters
        ----------
        data
            Shape ``(lags, y, x)``.
        wcs
            Celestial.
        lags
            Evenly spaced.
        meta
            How it was made.
        """
        header = wcs.to_header()
        seconds = lags.to_value(u.s)
        header["WCSAXES"] = 3
        header.update(CTYPE3="LAG", CNAME3="lag", CUNIT3="s", CRPIX3=1.0, CRVAL3=float(seconds[0]))
        header["CDELT3"] = float(seconds[1] - seconds[0]) if seconds.size > 1 else 1.0
        with_lags = WCS(header)
        with_lags.array_shape = data.shape
        return cls(data, wcs=with_lags, unit=u.dimensionless_unscaled, meta=meta)

    @property
    def lags(self) -> u.Quantity:
        """Of each plane; a scalar for one plane. Positive: the first channel leads."""
        wcs = self.wcs.low_level_wcs
        if "lag" not in wcs.world_axis_names:
            dropped = wcs.dropped_world_dimensions
            return dropped["value"][dropped["world_axis_names"].index("lag")] * u.s
        (pixel_axis,) = np.flatnonzero(wcs.axis_correlation_matrix[wcs.world_axis_names.index("lag")])
        return self.axis_world_coords(wcs.pixel_n_dim - 1 - int(pixel_axis))[0]

    def _bin_wcs(self, bins: Sequence[int]) -> WCS | None:
        wcs = self.wcs.low_level_wcs
        if not isinstance(wcs, WCS):
            return None
        sides = np.array(bins)
        return _resampled(wcs, np.array(self.shape) // sides, (sides - 1) / 2, sides)

    def _sliced_wcs(self, index: Sequence[Indexer]) -> WCS | HighLevelWCSWrapper:
        wcs = self.wcs.low_level_wcs
        if isinstance(wcs, WCS) and all(one.keeps_axis for one in index):
            parts = [(part.count, part.first, part.step) for part in stretches(index)]
            shape, offset, step = np.array(parts).T
            return _resampled(wcs, shape, offset, step)
        if any(isinstance(one, Stretch) and one.step != 1 for one in index):
            raise IndexError(
                "what has lost an axis can be sliced with steps of 1 only; slice with steps first, or in one go: "
                "cube[::2, 5, 5]"
            )
        return HighLevelWCSWrapper(SlicedLowLevelWCS(wcs, items(index)))


def _resampled(wcs: WCS, shape: np.ndarray, offset: np.ndarray, factor: np.ndarray) -> WCS:
    """The WCS of pixels of which ``p`` (from zero, in array order) is ``offset + factor * p`` of these."""
    factor = factor[::-1]
    resampled = wcs.deepcopy()
    resampled.wcs.crpix = (wcs.wcs.crpix - 1 - offset[::-1]) / factor + 1
    resampled.wcs.pc = wcs.wcs.get_pc() * factor / factor[:, None]
    resampled.wcs.cdelt = wcs.wcs.get_cdelt() * factor
    resampled.array_shape = tuple(shape.tolist())
    return resampled
