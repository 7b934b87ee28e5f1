"""DrawnCube: a cube whose planes are drawn as sunpy draws Maps, and whose light curves have dates."""

from typing import Any, Self

import dask
import numpy as np

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from astropy.wcs.wcsapi import HighLevelWCSWrapper

from sunpy_heliocloud.arguments import flag
from sunpy_heliocloud.coordinates.path import ImagePath, PathWCS
from sunpy_heliocloud.coordinates.slicing import SlicedStackWCS
from sunpy_heliocloud.display.curves import (
    curve_axes,
    draw_curve,
    draw_over_time,
    is_without_coordinates,
    places_of,
)
from sunpy_heliocloud.display.facts import cube_summary
from sunpy_heliocloud.display.images import (
    PLAIN,
    draw_bar,
    draw_on_sun,
    hide_fixed_place,
    label_axes,
    line_options,
    percentiles,
    plain_limits,
    require_wcs_axes,
    ticks_of_stretch,
    values_drawn,
)
from sunpy_heliocloud.display.looks import Look, name_of_channel, shown_time
from sunpy_heliocloud.display.time_distance import TimeDistance
from sunpy_heliocloud.lazy.along import along_path
from sunpy_heliocloud.lazy.mapped import MappedCube
from sunpy_heliocloud.lazy.planes import full_stack, planes_of, shared_stack
from sunpy_heliocloud.lazy.plotting import PlanesOnDemand
from sunpy_heliocloud.summary import Summarised, Summary

__all__ = ["DrawnCube"]


class DrawnCube(Summarised, MappedCube):
    """
    The part of `~sunpy_heliocloud.TimeLagCube` that draws, and takes what is drawn along a path.

    Examples
    --------
    >>> axes = cube_171[3].plot(limb=True, grid=True)
    >>> axes = cube_171[:, 4, 4].plot(axes=plt.figure().subplots())
    """

    def plot(
        self,
        axes: Any = None,
        *,
        colorbar: bool = True,
        limb: Any = False,
        grid: Any = False,
        clip_interval: u.Quantity | None = None,
        **kwargs: Any,
    ) -> Any:
        """
        Plot a plane as sunpy plots a Map, a light curve over dates, or the cube with a slider for time.

        What is lazy is computed once; of a cube with a slider a plane when it is shown.

        Parameters
        ----------
        axes : `matplotlib.axes.Axes`, optional
            Axes to plot into: for images such as ``plt.subplot(projection=cube[0])``, for light curves any. A row or a
            column over time has dates in plain axes, ``plt.subplot()``, and is as ndcube draws it in others. By default
            new ones in the current figure, or, for light curves, the current ones.
        colorbar
            Whether an image has a colour bar.
        limb, grid
            Whether to draw the limb and a heliographic grid into an image; or keywords for their lines, such as
            ``grid={"grid_spacing": 10 * u.deg}``, see `sunpy.map.GenericMap.draw_limb` and
            `~sunpy.map.GenericMap.draw_grid`.
        clip_interval
            Percentiles of the values that limit the colours of an image, such as ``(1, 99.5) * u.percent``.
        **kwargs
            As for `ndcube.NDCube.plot`, and of `matplotlib.axes.Axes.imshow` or `~matplotlib.axes.Axes.plot`:
            ``cmap``, ``norm``, ``vmin``, ``vmax`` (in the unit of the plot, or with a unit), ``data_unit``,
            ``axes_units``. By default images have the colour map and the norm that sunpy's Map of the instrument has;
            differences are blue and red, symmetric about zero. Missing pixels are grey.
            With ``plot_axes``, ``axes_coordinates`` or ``wcs`` the plot is that of ndcube.

        Returns
        -------
        `~astropy.visualization.wcsaxes.WCSAxes`, `~matplotlib.axes.Axes` or `mpl_animators.ArrayAnimatorWCS`
            The second for light curves, and for rows in plain axes, the last for a cube of three axes.

        Raises
        ------
        TypeError, ValueError
            When axes have no coordinates, limits are not in order, or the cube has no unit for ``data_unit``.

        Examples
        --------
        >>> axes = cube_171[3].plot(clip_interval=(1, 99.5) * u.percent, limb=True)
        """
        flag("colorbar", colorbar)
        interval, lines = (
            percentiles(clip_interval),
            {name: line_options(name, value) for name, value in (("limb", limb), ("grid", grid))},
        )
        if any(kwargs.get(name) is not None for name in ("plot_axes", "axes_coordinates", "wcs")):
            return super().plot(axes=axes, **kwargs)
        data_unit = kwargs.pop("data_unit", None)
        cube: Self = self if data_unit is None else self.to(data_unit)
        kwargs = plain_limits(kwargs, cube.unit)
        if len(self.shape) == 1:
            return cube._plot_curve(axes, kwargs)
        if len(self.shape) > 2:
            if dask.is_dask_collection(cube.data):
                cube = cube._new_instance(data=PlanesOnDemand(cube.data))
            first = np.asarray(cube.data[0], float)
            animator = super(DrawnCube, cube).plot(**Look(cube).options(first, kwargs, interval))
            animator.axes.set_title(cube.plot_title, **PLAIN)
            if colorbar and animator.axes.images:
                draw_bar(animator.axes, cube._unit_text())
            return animator
        places = places_of(cube.wcs.low_level_wcs)
        if places is not None and axes is not None and is_without_coordinates(axes):
            return cube.compute()._plot_over_time(axes, *places, kwargs, interval, colorbar)
        require_wcs_axes(axes)
        cube = cube.compute()
        colours = Look(cube).options(values_drawn(cube), kwargs, interval)
        axes = super(DrawnCube, cube).plot(axes=axes, **colours)
        axes.set_title(cube.plot_title, **PLAIN)
        wcs = cube.wcs.low_level_wcs
        if isinstance(wcs, WCS) and wcs.naxis == 2:
            label_axes(axes, wcs)
            draw_on_sun(axes, wcs, **lines, color="white")
        hide_fixed_place(axes, wcs)
        if colorbar:
            draw_bar(axes, cube._unit_text())
        return axes

    def time_distance(self, path: SkyCoord, *, width: u.Quantity | None = None) -> TimeDistance:
        """
        Values along a path over time.

        Parameters
        ----------
        path
            Places on the Sun, two or more, which straight lines connect; in any frame of sunpy. Places without an
            observer are directions from the cube's observer.
        width
            Across the path, as an angle or a length, over which valid pixels are averaged; `None` for the path alone.

        Returns
        -------
        TimeDistance
            Lazy if this is, shape ``(times, points)``. Points are a pixel apart; between pixels values are interpolated
            linearly. NaN where the path shows nothing. Only the rows and columns around the path are read.

        Raises
        ------
        ValueError
            When planes have coordinates of their own (derotate first), or the path lies beside the image.
        TypeError, ~astropy.units.UnitsError
            When it is no path, or the width neither an angle nor a length.

        Examples
        --------
        >>> path = SkyCoord([-150, 0] * u.arcsec, [150, 300] * u.arcsec, frame=ref_map.coordinate_frame)
        >>> diagram = cube_171.time_distance(path, width=50 * u.arcsec)
        >>> diagram.shape[0] == cube_171.shape[0]
        True
        """
        full_stack(self, "time_distance")
        stack = shared_stack(self, "time_distance")
        image_path = ImagePath.across(stack.plane(0), path, width)
        data = along_path(planes_of(self, stack), image_path)
        wcs = PathWCS(image_path.distance, image_path.length, stack.times)
        line = "the path alone" if width is None else f"averaged over {width:g}"
        meta = dict(self.meta) | {"path": f"{path.size} places, {line}"}
        return TimeDistance(data, wcs=HighLevelWCSWrapper(wcs), unit=self.unit, meta=meta)

    def _summary(self) -> Summary:
        return cube_summary(self)

    def _plot_over_time(
        self,
        axes: Any,
        label: str,
        places: np.ndarray,
        kwargs: dict[str, Any],
        interval: tuple[float, float] | None,
        colorbar: bool,
    ) -> Any:
        """A row or a column over time, with dates."""
        values = values_drawn(self)
        mesh = draw_over_time(
            axes, self.times, places, values, **Look(self).options(values, kwargs, interval)
        )
        axes.set_ylabel(label)
        axes.set_title(self.plot_title, **PLAIN)
        if colorbar:
            axes.figure.colorbar(mesh, ax=axes, **ticks_of_stretch(mesh.norm)).set_label(
                self._unit_text(), **PLAIN
            )
        return axes

    def _plot_curve(self, axes: Any, kwargs: dict[str, Any]) -> Any:
        wcs = self.wcs.low_level_wcs
        over_time = isinstance(wcs, SlicedStackWCS) and not wcs.fixed[0]
        axes = curve_axes(axes) if over_time and not kwargs.get("axes_units") else axes
        cube = self.compute()
        kwargs = {"label": cube.plot_title} | kwargs
        if over_time and axes is not None and is_without_coordinates(axes):
            error = None if cube.uncertainty is None else cube.uncertainty.array
            draw_curve(axes, cube.times, values_drawn(cube), error, **kwargs)
        else:
            axes = super(DrawnCube, cube).plot(axes=axes, **kwargs)
            hide_fixed_place(axes, wcs)
        several = len(axes.get_legend_handles_labels()[0]) > 1
        axes.set_title("" if several else cube.plot_title, **PLAIN)
        if several:
            for text in axes.legend().get_texts():
                text.set(**PLAIN)
        if over_time:
            axes.set_ylabel(cube._unit_text() or "value", **PLAIN)
        return axes

    @property
    def plot_title(self) -> str:
        """
        The channel, and the time of a plane or the place of a light curve.

        Examples
        --------
        >>> cube_171[3].plot_title
        'SDO AIA 171 Å 2018-05-29 17:12:00'
        """
        name, wcs = name_of_channel(self), self.wcs.low_level_wcs
        if difference := self.meta.get("difference"):
            name += f" {'running' if str(difference).startswith('running') else 'base'} difference"
        if self.times.isscalar:
            return f"{name} {shown_time(self.times)}"
        if (
            len(self.shape) > 1
            or not isinstance(wcs, SlicedStackWCS)
            or wcs.stack.planes[0].cunit != ("deg", "deg")
        ):
            return name
        longitude, latitude, _ = (
            3600 * np.atleast_1d(value)[0] for value in wcs.stack.pixel_to_world_values(0, 0, 0)
        )
        longitude = (longitude + 648000) % 1296000 - 648000
        return f"{name} at ({longitude:.0f}″, {latitude:.0f}″)"

    def _unit_text(self) -> str:
        return (
            ""
            if self.unit in (None, u.dimensionless_unscaled)
            else self.unit.to_string("unicode", fraction="inline")
        )
