"""LagCube: lags, or how well two channels match, in windows of time."""

from typing import Any, Self

import dask.array as da
import numpy as np

import astropy.units as u
from astropy.time import Time

from sunpy_heliocloud.arguments import flag
from sunpy_heliocloud.coordinates.stack import StackWCS
from sunpy_heliocloud.display.curves import (
    curve_axes,
    draw_curve,
    draw_over_time,
    is_without_coordinates,
    places_of,
)
from sunpy_heliocloud.display.images import PLAIN, hide_fixed_place, values_drawn
from sunpy_heliocloud.display.looks import with_grey
from sunpy_heliocloud.display.peeking import Peekable
from sunpy_heliocloud.lags.bars import draw_lag_bar
from sunpy_heliocloud.lags.facts import lag_summary
from sunpy_heliocloud.lags.lag_map import LagMap
from sunpy_heliocloud.lags.marks import CountingCube
from sunpy_heliocloud.lags.quantities import colours, pair_title
from sunpy_heliocloud.summary import Summarised, Summary

__all__ = ["LagCube"]


class LagCube(Peekable, Summarised, CountingCube):
    """
    Lags, or maximum correlations, in windows of time: an `ndcube.NDCube` with axes time, y, x.

    `.TimeLagCube.time_lag` and `~TimeLagCube.max_cross_correlation` make it when they are given a ``window``. It is lazy,
    like a cube of images. A plane, ``cube[3]``, is the `LagMap` of a window. In ``meta``, ``planes`` are
    those of one window, ``start`` and ``stop`` those of all windows together.

    Examples
    --------
    >>> lags = cube_193.time_lag(cube_171, window=40 * u.min, lag_bounds=[-12, 12] * u.min)
    >>> type(lags).__name__, type(lags[0]).__name__
    ('LagCube', 'LagMap')
    """

    @classmethod
    def of_windows(cls, data: da.Array, stack: StackWCS, middles: Time, unit: u.Unit, meta: dict) -> Self:
        """
        A cube of values in windows of time.

        Parameters
        ----------
        data
            Shape ``(windows, y, x)``.
        stack
            The planes that windows are made of.
        middles
            Of the windows.
        unit
            Of the data.
        meta
            How they were made; ``planes`` and ``cadence`` say how long a window is.
        """
        wcs = stack.with_times(middles)
        return cls(data, wcs=wcs, unit=unit, meta=meta | _span(wcs.times, meta))

    @property
    def times(self) -> Time:
        """
        The middle of each window.

        Examples
        --------
        >>> lags = cube_193.time_lag(cube_171, window=40 * u.min, lag_bounds=[-12, 12] * u.min)
        >>> len(lags.times) == lags.shape[0]
        True
        """
        return self.wcs.low_level_wcs.times

    def plot(self, *args: Any, **kwargs: Any) -> Any:
        """
        Plot the cube with a slider for time, or what is left of it, see `ndcube.NDCube.plot`.

        Parameters
        ----------
        *args
            As for `ndcube.NDCube.plot`.
        **kwargs
            As for `LagMap.plot`, with the same defaults for colours.

        Returns
        -------
        `~astropy.visualization.wcsaxes.WCSAxes`, `~matplotlib.axes.Axes` or `mpl_animators.ArrayAnimatorWCS`
            The second for pixels, and for rows in plain axes, with dates; the last for a cube of three axes.

        Examples
        --------
        >>> lags = cube_193.time_lag(cube_171, window=40 * u.min, lag_bounds=[-12, 12] * u.min)
        >>> axes = lags[0].plot()
        """
        data_unit = kwargs.pop("data_unit", None)
        shown: LagCube = self if data_unit is None else self.to(data_unit)
        axes, places = args[0] if args else kwargs.get("axes"), places_of(self.wcs.low_level_wcs)
        is_plain = axes is not None and is_without_coordinates(axes)
        if (len(self.shape) == 1 and axes is None) or is_plain:
            return shown.compute()._plot_over_time(places, *args, **kwargs)
        if len(self.shape) == 1:
            return super(LagCube, shown).plot(*args, **kwargs)
        colorbar = flag("colorbar", kwargs.pop("colorbar", True))
        # One plane is computed for its colours, where no lag bounds say how far they go.
        first = shown[0] if shown[0].reach else shown[0].compute()
        settings = colours([first], kwargs)
        drawn = super(LagCube, shown).plot(*args, **settings | {"cmap": with_grey(settings["cmap"])})
        image = drawn.axes if len(self.shape) == 3 else drawn
        image.set_title(first.title, **PLAIN)
        hide_fixed_place(image, self.wcs.low_level_wcs)
        if colorbar and image.images:
            draw_lag_bar(image, first)
        return drawn

    def _plot_over_time(
        self,
        places: tuple[str, np.ndarray] | None,
        axes: Any = None,
        *,
        colorbar: bool = True,
        **kwargs: Any,
    ) -> Any:
        """A pixel, a row or a column, with dates."""
        axes, values, colorbar = curve_axes(axes), values_drawn(self), flag("colorbar", colorbar)
        if places is None:
            draw_curve(axes, self.times, values, None, **kwargs)
            axes.set_ylabel(f"{self.meta.get('quantity')} [{self.unit}]", **PLAIN)
        else:
            label, along = places
            settings = colours([self[0]], kwargs)
            mesh = draw_over_time(
                axes, self.times, along, values, **settings | {"cmap": with_grey(settings["cmap"])}
            )
            axes.set_ylabel(label)
            if colorbar:
                axes.figure.colorbar(mesh, ax=axes).set_label(self[0].label, **PLAIN)
        axes.set_title(pair_title(self.meta), **PLAIN)
        return axes

    def __getitem__(self, item: Any) -> "LagCube | LagMap":
        windows = self._index(item)[0]
        sliced = super().__getitem__(item)
        meta = sliced.meta | _span(self.times[windows.with_axis().item], self.meta)
        if windows.keeps_axis:
            return sliced._new_instance(meta=meta)
        beside = {"mask": sliced.mask, "meta": meta, "global_coords": sliced.global_coords}
        plane = LagMap(sliced.data, wcs=sliced.wcs, unit=sliced.unit, **beside)
        return plane if sliced._marks is None else plane.with_marks(sliced._marks)

    def _summary(self) -> Summary:
        return lag_summary(self, f", unit: {str(self.unit) or 'none'}", windows=self.times.size)


def _span(middles: Time, meta: dict[str, Any]) -> dict[str, Any]:
    """First and last time of windows around the middles."""
    half = (meta["planes"] - 1) / 2 * meta["cadence"]
    return {"start": middles[0] - half, "stop": middles[-1] + half}
