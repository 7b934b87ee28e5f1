"""LagMap: a time lag, or how well two channels match, in every pixel."""

import os
from pathlib import Path
from typing import Any, Self

import dask.array as da
import numpy as np

import astropy.units as u

import sunpy.map

from sunpy_heliocloud import lag_files
from sunpy_heliocloud.collection import DaskCube
from sunpy_heliocloud.comparison import Comparison

__all__ = ["LagMap"]

LAG, CORRELATION = "time lag", "maximum cross-correlation"


class LagMap(DaskCube):
    """
    A two-dimensional `ndcube.NDCube` with a plain celestial WCS, made by `TimeLagCube.time_lag` and its kin.

    It is lazy: `compute` gives one with values, ``dask.compute(lag, correlation)`` several in one pass. ``meta`` says
    how it was made: channels, times, lag bounds, version. Missing is NaN.
    """

    @classmethod
    def of_lags(
        cls,
        comparison: Comparison,
        maxima: da.Array,
        refine: str | None,
        min_correlation: float | None,
        pair: tuple[int, int] = (0, 1),
    ) -> Self:
        """
        The lags of two cubes of a comparison.

        Parameters
        ----------
        comparison
            The cubes.
        maxima
            Lag, refined lag and correlation, shape ``(3, y, x)``.
        refine, min_correlation
            As for `TimeLagCube.time_lag`.
        pair
            Which of the cubes ``maxima`` are of.

        Raises
        ------
        ValueError
            When ``refine`` is unknown.
        """
        if refine not in (None, "parabolic"):
            raise ValueError(f"refine={refine!r} is unknown; use 'parabolic' or None")
        lag, refined, correlation = maxima
        if refine is not None:
            lag = refined
        if min_correlation is not None:
            lag = da.where(correlation >= min_correlation, lag, np.nan)
        meta = comparison.meta(LAG, pair, min_correlation=min_correlation, refine=refine)
        return cls(lag, wcs=comparison.wcs, unit=u.s, meta=meta)

    @classmethod
    def of_correlations(
        cls, comparison: Comparison, maxima: da.Array, pair: tuple[int, int] = (0, 1)
    ) -> Self:
        """
        The maximum correlations, see `of_lags`.

        Parameters
        ----------
        comparison, maxima, pair
            As for `of_lags`.
        """
        meta = comparison.meta(CORRELATION, pair)
        return cls(maxima[2], wcs=comparison.wcs, unit=u.dimensionless_unscaled, meta=meta)

    @classmethod
    def read(cls, path: str | os.PathLike) -> Self:
        """
        Read what `write` has written.

        Parameters
        ----------
        path
            Of a FITS or ASDF file.

        Returns
        -------
        LagMap
            In memory.

        Raises
        ------
        ValueError
            When the path ends in none of the known ways.
        """
        data, wcs, unit, meta = lag_files.read(Path(path))
        return cls(data, wcs=wcs, unit=unit, meta=meta)

    def write(self, path: str | os.PathLike, *, overwrite: bool = False) -> None:
        """
        Write the map to a file; what is lazy is computed.

        Parameters
        ----------
        path
            Ends in ``.fits`` or ``.asdf``, which says how it is written.
        overwrite
            Whether a file of that name is replaced.

        Raises
        ------
        ValueError
            When the path ends in another way.
        FileExistsError
            When there is such a file, and it is not to be overwritten.
        """
        header = lag_files.header_of(self.wcs.low_level_wcs, self.unit, self.meta)
        lag_files.write(Path(path), np.asarray(self.compute().data), header, overwrite=overwrite)

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
            ``"RdYlBu_r"`` with limits that are symmetric around zero (also where only one is given), correlations
            ``"viridis"`` from 0 to 1.

        Returns
        -------
        `~astropy.visualization.wcsaxes.WCSAxes`
        """
        computed = self.compute()
        axes = super(LagMap, computed).plot(axes=axes, **self._colours(computed, kwargs))
        axes.set_title(self._title())
        if colorbar:
            axes.figure.colorbar(axes.images[-1], ax=axes, label=self._label())
        return axes

    def plot_histogram(self, axes: Any = None, *, bin_width: u.Quantity | None = None, **kwargs: Any) -> Any:
        """
        Plot how often each value occurs; what is lazy is computed.

        Parameters
        ----------
        axes : `matplotlib.axes.Axes`, optional
            Where to; by default new axes in the current figure.
        bin_width
            By default 60 s, or 0.02 for correlations. One bin has zero in its middle.
        **kwargs
            As for `matplotlib.axes.Axes.stairs`.

        Returns
        -------
        `matplotlib.axes.Axes`
        """
        import matplotlib.pyplot as plt

        axes = plt.gca() if axes is None else axes
        default = 60 * u.s if self.unit.is_equivalent(u.s) else 0.02 * u.one
        width = (default if bin_width is None else bin_width).to_value(self.unit)
        values = np.asarray(self.compute().data)
        values = values[np.isfinite(values)]
        reach = np.abs(values).max(initial=width)
        bins = np.arange(np.floor(-reach / width), np.ceil(reach / width) + 2) - 0.5
        counts, edges = np.histogram(values, bins * width)
        axes.stairs(counts, edges, **kwargs)
        axes.set(xlabel=self._label(), ylabel="pixels", title=self._title())
        return axes

    def to_map(self) -> sunpy.map.GenericMap:
        """
        The same as a `sunpy.map.GenericMap`, on the same array (lazy if this is).

        Returns
        -------
        `sunpy.map.GenericMap`
        """
        header = dict(lag_files.header_of(self.wcs.low_level_wcs, self.unit, self.meta))
        header["content"] = f"{self.meta.get('quantity', '')} {self._channels()}".strip()
        return sunpy.map.Map(self.data, header)

    def __str__(self) -> str:
        planes, cadence = self.meta.get("planes"), self.meta.get("cadence")
        return (
            f"LagMap of shape {self.shape}, {self.data.dtype}, {self._state()}\n"
            f"  {self.meta.get('quantity')} of {self._title()}, unit: {self.unit or 'none'}\n"
            f"  from {planes} planes of {cadence}, {self.meta.get('start')} to {self.meta.get('stop')}"
        )

    def _colours(self, computed: "LagMap", given: dict[str, Any]) -> dict[str, Any]:
        if not computed.unit.is_equivalent(u.s):
            return {"cmap": "viridis", "vmin": 0, "vmax": 1} | given
        if self.meta.get("quantity") != LAG:
            return {"cmap": "magma", "vmin": 0} | given
        limit = abs(given.get("vmax", given.get("vmin", self._limit(computed))))
        return {"cmap": "RdYlBu_r", "vmin": -limit, "vmax": limit} | given

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

    def _label(self) -> str:
        unit = "" if self.unit == u.dimensionless_unscaled else f" [{self.unit}]"
        return self.meta.get("quantity", "") + unit
