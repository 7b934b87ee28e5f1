"""Curves over time, with dates on the axis."""

from typing import Any

import numpy as np

import astropy.units as u
from astropy.time import Time

from sunpy_heliocloud.arguments import shown
from sunpy_heliocloud.coordinates.slicing import SlicedStackWCS

__all__ = ["curve_axes", "date_axis", "draw_curve", "draw_over_time", "is_without_coordinates", "places_of"]

# Samples up to which each is marked.
_FEW = 200
_MOST_DATES = 7
# In units of the median step: longer ones are drawn as gaps.
_GAP = 1.5


def is_without_coordinates(axes: Any) -> bool:
    """Whether axes are plain ones of matplotlib."""
    from astropy.visualization.wcsaxes import WCSAxes

    return not isinstance(axes, WCSAxes)


def curve_axes(axes: Any) -> Any:
    """The axes, or by default the current ones if they are empty or have curves, else new ones."""
    import matplotlib.pyplot as plt

    if axes is not None:
        if not hasattr(axes, "plot"):
            raise TypeError(f"axes is {shown(axes)}, but has to be axes of matplotlib, such as plt.subplot()")
        return axes
    current = plt.gcf().axes
    return plt.gca() if current and is_without_coordinates(plt.gca()) else plt.subplot()


def date_axis(axis: Any) -> None:
    """Concise dates on an axis of matplotlib."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=_MOST_DATES)
    axis.set_major_locator(locator)
    axis.set_major_formatter(ConciseDateFormatter(locator))
    axis.set_label_text("time (UTC)")


def draw_curve(axes: Any, times: Time, values: np.ndarray, error: np.ndarray | None, **kwargs: Any) -> None:
    """Draw values over time; each sample is marked where they are few."""
    dates = times.utc.datetime64
    if not {"marker", "fmt", "ls", "linestyle"} & kwargs.keys() and len(dates) <= _FEW:
        kwargs |= {"marker": ".", "markersize": 4}
    if error is None:
        axes.plot(dates, values, **kwargs)
    else:
        axes.errorbar(dates, values, yerr=error, **kwargs)
    date_axis(axes.xaxis)


def places_of(wcs: Any) -> tuple[str, np.ndarray] | None:
    """The places along a row or a column over time, and their label; `None` for other coordinates."""
    from sunpy.visualization import axis_labels_from_ctype

    if (
        not isinstance(wcs, SlicedStackWCS)
        or not wcs.stack.is_shared
        or wcs.fixed.count(True) != 1
        or wcs.fixed[0]
    ):
        return None
    along = 0 if wcs.fixed[1] else 1  # longitudes of a row, latitudes of a column
    pixels: list[Any] = [0, 0, 0]
    pixels[along] = np.arange(wcs.stack.pixel_shape[along])
    world = wcs.stack.pixel_to_world_values(*np.broadcast_arrays(*pixels))[along]
    plane = wcs.stack.plane(0)
    unit = u.arcsec if plane.ctype[along].startswith("HP") else u.deg
    places = (np.unwrap(world, period=360) * u.deg).to_value(unit)
    full = (360 * u.deg).to_value(unit)
    places -= full * np.round(places.mean() / full)
    return axis_labels_from_ctype(plane.ctype[along], str(unit)), places


def draw_over_time(axes: Any, times: Time, places: np.ndarray, values: np.ndarray, **kwargs: Any) -> Any:
    """
    Draw values over time and place, with dates; gaps in time are as grey as missing values.

    Parameters
    ----------
    axes
        Of matplotlib, without coordinates.
    times, places
        Of rows and columns of the values.
    values
        Shape ``(times, places)``.
    **kwargs
        Of `matplotlib.axes.Axes.pcolormesh`.
    """
    edges, columns = _columns(times, values)
    mesh = axes.pcolormesh(edges, _edges(places), columns.T, **kwargs)
    axes.set_facecolor(mesh.get_cmap().get_bad())
    date_axis(axes.xaxis)
    return mesh


def _edges(values: np.ndarray) -> np.ndarray:
    """Between values, and as far beyond the first and the last."""
    if len(values) == 1:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def _columns(times: Time, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges of columns as dates, and their values: NaN within gaps."""
    seconds = (times - times[0]).to_value(u.s)
    steps = np.diff(seconds)
    half = float(np.median(steps)) / 2 if steps.size else 0.5
    edges, columns = [seconds[0] - half], []
    for i, column in enumerate(values):
        columns.append(column)
        if i == len(values) - 1:
            edges.append(seconds[i] + half)
        elif steps[i] > 2 * _GAP * half:
            edges += [seconds[i] + half, seconds[i + 1] - half]
            columns.append(np.full_like(column, np.nan))
        else:
            edges.append((seconds[i] + seconds[i + 1]) / 2)
    return (times[0] + np.array(edges) * u.s).utc.datetime64, np.array(columns)
