"""Curves over time, with dates on the axis."""

from typing import Any

import numpy as np

from astropy.time import Time

from sunpy_heliocloud.arguments import shown

__all__ = ["curve_axes", "date_axis", "draw_curve", "is_without_coordinates"]

# Samples up to which each is marked.
_FEW = 200
_MOST_DATES = 7


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
