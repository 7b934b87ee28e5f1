"""The planes of a cube as pictures, one after the other in one figure."""

from typing import Any

import dask
import numpy as np

import astropy.units as u
from astropy.wcs import WCS

from sunpy_heliocloud.display.images import PLAIN, clip, draw_on_sun, label_axes, line_options
from sunpy_heliocloud.display.looks import Look
from sunpy_heliocloud.lazy.plotting import PlanesOnDemand

__all__ = ["Pictures", "fit_figure", "show"]

# Planes of whose values the limits of colours are taken, and the percentiles.
_SAMPLES = 3
_INTERVAL = (0.5, 99.9)
# In inches, and the part of the width that an image with its colour bar has.
_WIDTH, _TITLE, _OF_IMAGE = 6.4, 0.45, 0.62
_WITHOUT_WINDOWS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")


def show() -> None:
    """Show the figures of pyplot, if they can be."""
    import matplotlib.pyplot as plt

    if plt.get_backend().lower() not in _WITHOUT_WINDOWS:
        plt.show()


def fit_figure(figure: Any, shape: tuple[int, int], below: float) -> None:
    """Make a figure as high as an image of a shape needs, with a title, and so many inches below it."""
    image = float(np.clip(_OF_IMAGE * _WIDTH * shape[0] / shape[1], 1.5, 8))
    height = _TITLE + image + below
    figure.set_size_inches(_WIDTH, height)
    figure.subplots_adjust(bottom=below / height, top=1 - _TITLE / height)


class Pictures:
    """
    Draws planes of a cube into one figure, with colours that stay; what is lazy is computed when it is drawn, and kept.

    Parameters
    ----------
    cube
        A `~sunpy_heliocloud.TimeLagCube` of three axes.
    figure
        Of matplotlib.
    interval
        Percentiles of three planes that limit the colours; by default 0.5 and 99.9.
    options
        Of `.TimeLagCube.plot`.
    """

    def __init__(
        self, cube: Any, figure: Any, interval: tuple[float, float] | None, options: dict[str, Any]
    ) -> None:
        self._cube, self._options = cube, options
        lazy = dask.is_dask_collection(cube.data)
        self._planes = PlanesOnDemand(cube.data) if lazy else cube.data
        if "norm" not in options:
            options["norm"] = self._norm(interval or _INTERVAL)
        first = self._plane(0)
        self.axes = first.plot(axes=figure.add_subplot(projection=first), **options)
        self._image = self.axes.images[-1]

    def __len__(self) -> int:
        return self._cube.shape[0]

    def draw(self, index: int) -> str:
        """Draw a plane; returns its title."""
        plane = self._plane(index)
        self._image.set_data(np.ma.masked_invalid(plane.data))
        self.axes.set_title(plane.plot_title, **PLAIN)
        if not self._cube.wcs.low_level_wcs.is_shared:
            self._set_coordinates(plane.wcs.low_level_wcs)
        return plane.plot_title

    def _set_coordinates(self, wcs: WCS) -> None:
        """Axes, limb and grid of a plane with coordinates of its own."""
        for line in (*self.axes.patches, *self.axes.lines):
            line.remove()
        limits = self.axes.get_xlim(), self.axes.get_ylim()
        self.axes.reset_wcs(wcs)
        label_axes(self.axes, wcs)
        lines = {name: line_options(name, self._options.get(name, False)) for name in ("limb", "grid")}
        draw_on_sun(self.axes, wcs, limb=lines["limb"], grid=lines["grid"], color="white")
        self.axes.set(xlim=limits[0], ylim=limits[1])

    def _plane(self, index: int) -> Any:
        return self._cube[index]._new_instance(data=np.asarray(self._planes[index]))

    def _norm(self, interval: tuple[float, float]) -> Any:
        samples = np.unique(np.linspace(0, len(self) - 1, _SAMPLES).round().astype(int))
        values = np.array([self._planes[int(i)] for i in samples], dtype=float)
        limits = {name: self._options.pop(name) for name in ("vmin", "vmax") if name in self._options}
        norm = Look(self._cube).settings(values)["norm"]
        if not Look(self._cube).is_difference:
            clip(norm, values, interval)
        for name, value in limits.items():
            setattr(norm, name, u.Quantity(value, self._cube.unit or u.one).value)
        return norm
