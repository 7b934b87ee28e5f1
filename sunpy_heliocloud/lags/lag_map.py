"""LagMap: a time lag, or how well two channels match, in every pixel."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Self

import dask
import numpy as np

import astropy.units as u
from astropy.io import fits
from astropy.time import Time
from astropy.wcs import WCS

import sunpy.map

from sunpy_heliocloud.arguments import file_path, flag
from sunpy_heliocloud.display.images import PLAIN, draw_on_sun, label_axes, line_options, require_wcs_axes
from sunpy_heliocloud.display.looks import shown_span, with_grey
from sunpy_heliocloud.display.peeking import Peekable
from sunpy_heliocloud.lags import files as lag_files
from sunpy_heliocloud.lags.bars import draw_lag_bar
from sunpy_heliocloud.lags.facts import lag_summary
from sunpy_heliocloud.lags.marks import CountingCube
from sunpy_heliocloud.lags.quantities import LAG, colours, normalization, pair_title
from sunpy_heliocloud.lazy.image_array import ImageArray
from sunpy_heliocloud.summary import Summarised, Summary
from sunpy_heliocloud.text import inert, many

__all__ = ["LagMap"]


class LagMap(Peekable, Summarised, CountingCube):
    """
    A two-dimensional `ndcube.NDCube` with a plain celestial WCS, made by `.TimeLagCube.time_lag` and related methods.

    It is lazy: ``compute()`` gives one with values, ``dask.compute(lag, correlation)`` several in one pass. ``meta`` says
    how it was made: channels, times, lag bounds, version. Missing is NaN.

    Examples
    --------
    >>> lag = cube_193.time_lag(cube_171, lag_bounds=[-20, 20] * u.min)
    >>> lag.shape, str(lag.unit)
    ((12, 12), 's')
    """

    @classmethod
    def read(cls, path: str | os.PathLike) -> Self:
        """
        Read what `write` has written, or sunpy from `to_map`.

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
            When the suffix of the path is unknown, or the file holds something else.

        Examples
        --------
        >>> lag.write("lag.fits", overwrite=True)
        >>> sunpy_heliocloud.LagMap.read("lag.fits").title
        '193-171 SDO'
        """
        data, wcs, unit, meta = lag_files.read(file_path("path", path))
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
            When the path has another suffix, or the map has lost an axis.
        FileExistsError
            When there is such a file, and it is not to be overwritten.

        Examples
        --------
        >>> lag.write("lag.fits", overwrite=True)
        >>> lag.write("lag.asdf", overwrite=True)
        """
        self._check_axes("write")
        file, overwrite = file_path("path", path), flag("overwrite", overwrite)
        computed = self.compute()
        lag_files.write(file, np.asarray(computed.data), computed._header("write"), overwrite=overwrite)

    def plot(
        self, axes: Any = None, *, colorbar: bool = True, limb: Any = False, grid: Any = False, **kwargs: Any
    ) -> Any:
        """
        Plot the map; what is lazy is computed, once.

        Parameters
        ----------
        axes : `~astropy.visualization.wcsaxes.WCSAxes`, optional
            Axes to plot into; by default new ones in the current figure.
        colorbar
            Whether to draw a colour bar. That of lags is in minutes or hours where this reads better, whatever the
            unit of the values, and says which channel leads.
        limb, grid
            Whether to draw the limb and a heliographic grid; or keywords for their lines, see `.TimeLagCube.plot`.
        **kwargs
            As for `ndcube.NDCube.plot`, such as ``cmap``, ``norm``, ``data_unit``, ``vmin`` and ``vmax`` (in the unit
            of the plot, or with a unit). Lags have by default the diverging ``"RdYlBu_r"`` with limits that are
            symmetric around zero (also where only one is given), correlations ``"viridis"`` from 0 to 1. Pixels
            without a lag are grey.

        Returns
        -------
        `~astropy.visualization.wcsaxes.WCSAxes`

        Raises
        ------
        ValueError
            When the map has lost an axis, or limits are not finite, or the lower is the higher one.
        TypeError
            When ``colorbar`` is not True or False.

        Examples
        --------
        >>> axes = lag.plot(limb=True, vmin=-20 * u.min, vmax=20 * u.min)
        """
        self._check_axes("plot")
        require_wcs_axes(axes)
        flag("colorbar", colorbar)
        lines = {name: line_options(name, value) for name, value in (("limb", limb), ("grid", grid))}
        data_unit = kwargs.pop("data_unit", None)
        shown = self.compute() if data_unit is None else self.compute().to(data_unit)
        settings = colours([shown], kwargs)
        axes = super(LagMap, shown).plot(axes=axes, **settings | {"cmap": with_grey(settings["cmap"])})
        axes.set_title("\n".join(filter(None, (shown.title, shown._span()))), **PLAIN)
        label_axes(axes, shown.wcs.low_level_wcs)
        draw_on_sun(axes, shown.wcs.low_level_wcs, **lines, color="black")
        if colorbar:
            draw_lag_bar(axes, shown)
        return axes

    def plot_histogram(self, axes: Any = None, *, bin_width: u.Quantity | None = None, **kwargs: Any) -> Any:
        """
        Plot how often each value occurs; what is lazy is computed.

        Parameters
        ----------
        axes : `matplotlib.axes.Axes`, optional
            Axes to plot into; by default new ones in the current figure.
        bin_width
            By default 60 s, or 0.02 for correlations, for which a number will do. One bin has zero in its middle.
        **kwargs
            As for `matplotlib.axes.Axes.stairs`.

        Returns
        -------
        `matplotlib.axes.Axes`

        Examples
        --------
        >>> axes = lag.plot_histogram(bin_width=4 * u.min)
        """
        import matplotlib.pyplot as plt

        axes = plt.gca() if axes is None else axes
        default = 60 * u.s if self.unit.is_equivalent(u.s) else 0.02 * u.one
        width = _bin_width(default if bin_width is None else bin_width, self.unit)
        values = np.asarray(self.compute().data)
        values = values[np.isfinite(values)]
        reach = np.abs(values).max(initial=width)
        bins = np.arange(np.floor(-reach / width), np.ceil(reach / width) + 2) - 0.5
        counts, edges = np.histogram(values, bins * width)
        axes.stairs(counts, edges, **kwargs)
        axes.set_xlabel(self.label, **PLAIN)
        axes.set_ylabel("pixels")
        axes.set_title(self.title, **PLAIN)
        return axes

    def to_map(self) -> sunpy.map.GenericMap:
        """
        The same as a `sunpy.map.GenericMap`, on the same array (lazy if this is), with its colours.

        Returns
        -------
        `sunpy.map.GenericMap`

        Raises
        ------
        ValueError
            When the map has lost an axis.

        Examples
        --------
        >>> lag.to_map().unit
        Unit("s")
        """
        from matplotlib.colors import CenteredNorm, Normalize

        header = dict(self._header("to_map"))
        if self.meta.get("quantity") == LAG:
            settings = {"cmap": with_grey("RdYlBu_r"), "norm": CenteredNorm(halfrange=self.reach)}
        else:
            limits = {name: limit for name, limit in colours([self], {}).items() if name != "cmap"}
            settings = {"cmap": with_grey(colours([self], {})["cmap"]), "norm": Normalize(**limits)}
        data = ImageArray.of(self.data, self.title) if dask.is_dask_collection(self.data) else self.data
        lag_map = sunpy.map.Map(data, header, plot_settings=settings)
        lag_map.nickname = f"{inert(self.meta.get('quantity', ''))} {self.title}".strip()
        return lag_map

    def rebin(self, bin_shape: Sequence[int], operation: Any = np.mean, **kwargs: Any) -> Self:
        """
        Bin pixels; see `ndcube.NDCube.rebin`.

        Parameters
        ----------
        bin_shape
            Rows and columns that make a bin; -1 takes the whole axis.
        operation
            What makes one value of a bin; `numpy.nanmean` leaves out missing pixels. To find the lag of an average,
            which is not the average of lags, rebin the cubes.
        **kwargs
            As for `ndcube.NDCube.rebin`.

        Returns
        -------
        LagMap
            Lazy if this is.

        Examples
        --------
        >>> lag.rebin((2, 2), operation=np.nanmean).shape
        (6, 6)
        """
        self._check_axes("rebin")
        return super().rebin(bin_shape, operation, **kwargs)

    @property
    def title(self) -> str:
        """
        The two channels, and who observed them.

        Examples
        --------
        >>> lag.title
        '193-171 SDO'
        """
        return pair_title(self.meta)

    @property
    def label(self) -> str:
        """
        The quantity of the values, with their unit and how the correlation is normalised.

        Examples
        --------
        >>> lag.label
        'time lag [s], normalised on the overlap'
        """
        unit = "" if self.unit == u.dimensionless_unscaled else f" [{self.unit}]"
        how = "" if "overlap_normalized" not in self.meta else f", {normalization(self.meta)}"
        return inert(self.meta.get("quantity", "")) + unit + how

    def _span(self) -> str:
        """The times that the map was made from."""
        start, stop = self.meta.get("start"), self.meta.get("stop")
        return shown_span(start, stop) if isinstance(start, Time) and isinstance(stop, Time) else ""

    @property
    def reach(self) -> float | None:
        """
        The largest possible lag, as a number in the unit; `None` while it is not known.

        Examples
        --------
        >>> lag.reach
        1200.0
        """
        bounds = self.meta.get("lag_bounds")
        if bounds is not None and self.meta.get("quantity") == LAG:
            return float(np.abs(bounds.to_value(self.unit)).max()) or None
        if dask.is_dask_collection(self.data):
            return None
        return float(np.nanmax(np.abs(self.data), initial=0)) or None

    def _summary(self) -> Summary:
        return lag_summary(self, f"of {self.title}, unit: {str(self.unit) or 'none'}", _counted(self.meta))

    def _check_axes(self, method: str) -> None:
        if not isinstance(self.wcs.low_level_wcs, WCS):
            raise ValueError(
                f"{method} needs a map of two axes, but this one has the shape {self.shape}; slice with ranges (2:3) "
                "instead of integers (2) to keep an axis"
            )

    def _header(self, method: str) -> fits.Header:
        self._check_axes(method)
        return lag_files.header_of(self.wcs.low_level_wcs, self.unit, self.meta)


def _counted(meta: Mapping[str, Any]) -> list[str]:
    """What speaks against some of the lags."""
    return [
        f"{many(meta[name], 'pixel')} {what}"
        for name, what in (
            ("at_edge", "at an edge of the lags"),
            ("pulled", "where tapering moves the maximum"),
            ("short_of_pairs", "beside lags with too few pairs"),
            ("ambiguous", "ambiguous"),
        )
        if meta.get(name)
    ]


def _bin_width(width: Any, unit: u.Unit) -> float:
    """In the unit, if it is a positive width."""
    try:
        number = u.Quantity(width).to_value(unit)
    except (TypeError, u.UnitConversionError):
        number = np.nan
    if np.shape(number) != () or not 0 < number < np.inf:
        example = "60 * u.s" if unit.is_equivalent(u.s) else "0.02"
        raise ValueError(f"bin_width is {width!r}, but has to be positive, such as {example}")
    return float(number)
