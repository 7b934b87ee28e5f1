"""LagMap: a time lag, or how well two channels match, in every pixel."""

from typing import Any

import numpy as np

import astropy.units as u

import sunpy.map

from sunpy_heliocloud.collection import DaskCube

__all__ = ["LagMap"]


class LagMap(DaskCube):
    """
    A two-dimensional `ndcube.NDCube` with a plain celestial WCS, made by `TimeLagCube.time_lag` and its kin.

    It is lazy: `compute` gives one with values, ``dask.compute(lag, correlation)`` several in one pass. ``meta`` says
    how it was made: channels, times, lag bounds. Missing is NaN.
    """

    def plot(self, axes: Any = None, *, colorbar: bool = True, **kwargs: Any) -> Any:
        """
        Plot the map; what is lazy is computed, once.

        Parameters
        ----------
        axes : `~astropy.visualization.wcsaxes.WCSAxes`, optional
            Where to; by default new axes in the current figure.
        colorbar
            Whether to draw a colour bar.
        **kwargs
            As for `ndcube.NDCube.plot`, such as ``cmap``, ``vmin`` and ``vmax``. Lags have by default the diverging
            ``"RdYlBu_r"`` with limits that are symmetric around zero (also where only one is given), correlations ``"viridis"`` from 0 to 1.

        Returns
        -------
        `~astropy.visualization.wcsaxes.WCSAxes`
        """
        computed = self.compute()
        if computed.unit.is_equivalent(u.s):
            limit = abs(kwargs.get("vmax", kwargs.get("vmin", self._limit(computed))))
            kwargs = {"cmap": "RdYlBu_r", "vmin": -limit, "vmax": limit} | kwargs
        else:
            kwargs = {"cmap": "viridis", "vmin": 0, "vmax": 1} | kwargs
        axes = super(LagMap, computed).plot(axes=axes, **kwargs)
        axes.set_title(self._title())
        if colorbar:
            label = self.meta.get("quantity", "")
            unit = "" if computed.unit == u.dimensionless_unscaled else f" [{computed.unit}]"
            axes.figure.colorbar(axes.images[-1], ax=axes, label=label + unit)
        return axes

    def to_map(self) -> sunpy.map.GenericMap:
        """
        The same as a `sunpy.map.GenericMap`, on the same array (lazy if this is).

        Returns
        -------
        `sunpy.map.GenericMap`
        """
        header = dict(self.wcs.low_level_wcs.to_header())
        header["bunit"] = self.unit.to_string("fits")
        header["content"] = f"{self.meta.get('quantity', '')} {self._channels()}".strip()
        return sunpy.map.Map(self.data, header)

    def __str__(self) -> str:
        planes, cadence = self.meta.get("planes"), self.meta.get("cadence")
        return (
            f"LagMap of shape {self.shape}, {self.data.dtype}, {self._state()}\n"
            f"  {self.meta.get('quantity')} of {self._title()}, unit: {self.unit or 'none'}\n"
            f"  from {planes} planes of {cadence}, {self.meta.get('start')} to {self.meta.get('stop')}"
        )

    def _limit(self, computed: "LagMap") -> float:
        """Of the symmetric colour scale: the lag bounds, or what occurs."""
        bounds = self.meta.get("lag_bounds")
        if bounds is not None:
            return float(np.abs(bounds.to_value(computed.unit)).max())
        return float(np.nanmax(np.abs(computed.data), initial=1))

    def _channels(self) -> str:
        channels = [channel for channel in self.meta.get("channels", ()) if channel is not None]
        return "-".join(f"{channel.value:g}" for channel in channels)

    def _title(self) -> str:
        return f"{self._channels()} {self.meta.get('observatory') or ''}".strip()
