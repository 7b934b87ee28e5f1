"""TimeDistance: values along a path over time."""

from typing import Any

import numpy as np

import astropy.units as u
from astropy.time import Time
from astropy.wcs.wcsapi import HighLevelWCSWrapper

from sunpy_heliocloud.arguments import flag, shown
from sunpy_heliocloud.coordinates.path import PathWCS
from sunpy_heliocloud.display.curves import curve_axes, draw_curve, draw_over_time, is_without_coordinates
from sunpy_heliocloud.display.facts import chunk_rows, step_rows, time_rows, times_text
from sunpy_heliocloud.display.images import PLAIN, percentiles, plain_limits, ticks_of_stretch, values_drawn
from sunpy_heliocloud.display.looks import Look, name_of_channel
from sunpy_heliocloud.display.peeking import Peekable
from sunpy_heliocloud.lazy.combined import channel_name
from sunpy_heliocloud.lazy.cube import DaskCube
from sunpy_heliocloud.summary import Summarised, Summary
from sunpy_heliocloud.text import many

__all__ = ["TimeDistance"]


class TimeDistance(Peekable, Summarised, DaskCube):
    """
    Values along a path over time: an `ndcube.NDCube` with axes time and distance, made by `.TimeLagCube.time_distance`.

    It is lazy, like a cube of images.

    Examples
    --------
    >>> path = SkyCoord([-150, 0] * u.arcsec, [150, 300] * u.arcsec, frame=ref_map.coordinate_frame)
    >>> diagram = cube_171.time_distance(path)
    >>> type(diagram).__name__
    'TimeDistance'
    """

    @property
    def times(self) -> Time:
        """
        Of each row, UTC; a scalar for one.

        Examples
        --------
        >>> diagram.times[0].isot
        '2018-05-29T17:00:00.000'
        """
        wcs, rows, _ = self._whole()
        return wcs.times[rows]

    @property
    def distance(self) -> u.Quantity:
        """
        Along the path, of each point, as an angle on the sky.

        Examples
        --------
        >>> diagram.distance[0]
        <Quantity 0. arcsec>
        """
        wcs, _, points = self._whole()
        return wcs.distance[points] * u.arcsec

    @property
    def length(self) -> u.Quantity:
        """
        The same in the plane of the sky at the distance of the Sun's centre; foreshortening is not corrected.

        Examples
        --------
        >>> diagram.length.unit
        Unit("Mm")
        """
        wcs, _, points = self._whole()
        return (wcs.length[points] * u.m).to(u.Mm)

    def plot(
        self,
        axes: Any = None,
        *,
        unit: u.UnitBase | str = u.arcsec,
        colorbar: bool = True,
        clip_interval: u.Quantity | None = None,
        **kwargs: Any,
    ) -> Any:
        """
        Plot the values over time and distance, or the one of them that is left.

        What is lazy is computed once. Gaps in time are grey, like missing values.

        Parameters
        ----------
        axes : `matplotlib.axes.Axes`, optional
            Axes to plot into; by default new ones in the current figure.
        unit
            Of the distance: of an angle or a length.
        colorbar
            Whether to draw a colour bar.
        clip_interval
            Percentiles of the values that limit the colours, such as ``(1, 99.5) * u.percent``.
        **kwargs
            Of `matplotlib.axes.Axes.pcolormesh`, or of `~matplotlib.axes.Axes.plot` where one axis is left: ``cmap``,
            ``norm``, ``vmin``, ``vmax``. By default the colours of the channel, as for `.TimeLagCube.plot`.

        Returns
        -------
        `~matplotlib.axes.Axes`
            Of matplotlib, with dates.

        Raises
        ------
        TypeError, ValueError
            When the unit is none of a distance, or another option makes no sense.

        Examples
        --------
        >>> axes = diagram.plot(unit=u.Mm)
        """
        import matplotlib.pyplot as plt

        flag("colorbar", colorbar)
        interval, kwargs = percentiles(clip_interval), plain_limits(kwargs, self.unit)
        label, distance = self._distance_in(unit)
        if axes is not None and not (hasattr(axes, "pcolormesh") and is_without_coordinates(axes)):
            raise TypeError(
                f"axes is {shown(axes)}, but has to be plain axes of matplotlib, such as plt.subplot()"
            )
        text = "" if self.unit in (None, u.one) else self.unit.to_string("unicode", fraction="inline")
        if self.data.ndim == 1:
            axes = curve_axes(axes)
            values = np.asarray(self.compute().data, float)
            if self.times.isscalar:
                axes.plot(distance, values, **kwargs)
                axes.set_xlabel(label)
            else:
                draw_curve(axes, self.times, values, None, **kwargs)
            axes.set_ylabel(text or "value", **PLAIN)
            axes.set_title(name_of_channel(self), **PLAIN)
            return axes
        axes = plt.subplot() if axes is None else axes
        cube = self.compute()
        values = values_drawn(cube)
        options = Look(cube).options(values, kwargs, interval)
        mesh = draw_over_time(axes, self.times, distance, values, **options)
        axes.set_ylabel(label)
        axes.set_title(name_of_channel(self), **PLAIN)
        if colorbar:
            axes.figure.colorbar(mesh, ax=axes, **ticks_of_stretch(mesh.norm)).set_label(text, **PLAIN)
        return axes

    def _distance_in(self, unit: Any) -> tuple[str, np.ndarray]:
        try:
            unit = u.Unit(unit)
            values = (self.distance if unit.is_equivalent(u.deg) else self.length).to_value(unit)
        except (ValueError, TypeError, u.UnitConversionError) as e:
            raise ValueError(
                f"unit is {shown(unit)}, but has to be one of angle or length, such as u.Mm"
            ) from e
        return f"distance along the path [{unit}]", values

    def _whole(self) -> tuple[PathWCS, Any, Any]:
        """The WCS of the whole, and which rows and points of it there are."""
        wcs = self.wcs.low_level_wcs
        if isinstance(wcs, PathWCS):
            return wcs, slice(None), slice(None)
        rows, points = wcs._slices_array
        return wcs._wcs, rows, points

    def _sliced_wcs(self, index: Any) -> Any:
        whole, _, _ = self._whole()
        if isinstance(self.wcs.low_level_wcs, PathWCS) and all(one.keeps_axis for one in index):
            rows, points = (one.item for one in index)
            return HighLevelWCSWrapper(
                PathWCS(whole.distance[points], whole.length[points], whole.times[rows])
            )
        return super()._sliced_wcs(index)

    def _bin_wcs(self, bins: Any) -> Any:
        wcs = self.wcs.low_level_wcs
        if not isinstance(wcs, PathWCS):
            return None
        seconds, distance, length = (
            one.reshape(-1, size).mean(axis=1)
            for one, size in ((wcs._seconds, bins[0]), (wcs.distance, bins[1]), (wcs.length, bins[1]))
        )
        return PathWCS(distance, length, wcs.times[0] + seconds * u.s)

    def _summary(self) -> Summary:
        distance, length = np.atleast_1d(self.distance), np.atleast_1d(self.length)
        megametres = "" if np.isnan(length[-1]) else f", {length[-1]:.4g} in the plane of the sky"
        rows = [
            ("Channel", channel_name(self.meta)),
            ("Times", times_text(self.times)),
            *time_rows(self.times),
            ("Path", f"{many(distance.size, 'point')}, {distance[0]:.4g} to {distance[-1]:.4g}{megametres}"),
            ("Unit", "unknown" if self.unit is None else str(self.unit) or "none"),
            *([("Grid", str(self.meta["derotated"]))] if "derotated" in self.meta else []),
            *step_rows(self.meta),
            *chunk_rows(self.data),
        ]
        return Summary(
            f"{type(self).__name__} of shape {self.shape}, {self.data.dtype}, {self._state()}", rows
        )
