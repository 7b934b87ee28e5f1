"""CorrelationCube: how well two channels match in every pixel, at every lag."""

from collections.abc import Sequence
from typing import Any, Self

import dask
import numpy as np

import astropy.units as u
from astropy.wcs import WCS
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS

from sunpy_heliocloud.arguments import flag
from sunpy_heliocloud.coordinates.indexers import Indexer, Stretch, items, stretches
from sunpy_heliocloud.display.curves import curve_axes
from sunpy_heliocloud.display.images import PLAIN, draw_bar, hide_fixed_place, label_axes, require_wcs_axes
from sunpy_heliocloud.display.looks import with_grey
from sunpy_heliocloud.display.peeking import Peekable
from sunpy_heliocloud.lags.arguments import number, random_numbers
from sunpy_heliocloud.lags.bars import leaders, readable_unit
from sunpy_heliocloud.lags.facts import lag_summary
from sunpy_heliocloud.lags.pixel import Pair, PixelMarks, draw_correlation
from sunpy_heliocloud.lags.quantities import CROSS_CORRELATION, pair_title
from sunpy_heliocloud.store.stored import StoredCube
from sunpy_heliocloud.summary import Summarised, Summary

__all__ = ["CorrelationCube"]


class CorrelationCube(Peekable, Summarised, StoredCube):
    """
    An `ndcube.NDCube` with axes lag, y, x, made by `.TimeLagCube.cross_correlation`.

    It is lazy, like a cube of images. Its WCS has the lag in seconds as third axis.

    Examples
    --------
    >>> correlation = cube_193.cross_correlation(cube_171, lag_bounds=[-20, 20] * u.min)
    >>> correlation.shape  # lag, y, x
    (11, 12, 12)
    """

    # What was correlated; not known of cubes that were loaded or binned.
    _pair: Pair | None = None

    def plot(
        self,
        axes: Any = None,
        *,
        uncertainty: bool = True,
        significance: float | None = 0.05,
        trials: int = 199,
        seed: int = 0,
        **kwargs: Any,
    ) -> Any:
        """
        Plot the correlation of a pixel over lag with its maximum, or a plane, or all planes with a slider for lag.

        What is lazy is computed once, of a pixel together with its light curves.

        Parameters
        ----------
        axes : `matplotlib.axes.Axes`, optional
            Axes to plot into, for planes with coordinates; by default new ones in the current figure.
        uncertainty
            Whether the uncertainty of a pixel's lag is marked, see `.TimeLagCube.lag_uncertainty`.
        significance
            Probability of the level that is marked: unrelated light curves with the pixel's spectra have a larger
            correlation, at whatever lag, that often, see `.TimeLagCube.false_alarm_probability`. `None` for no level.
        trials, seed
            Of both: how many, and of the random numbers.
        **kwargs
            Of `matplotlib.axes.Axes.plot` for a pixel; of `.TimeLagCube.plot` for planes, which are from -1 to 1 by default.

        Returns
        -------
        `~matplotlib.axes.Axes`, `~astropy.visualization.wcsaxes.WCSAxes` or `mpl_animators.ArrayAnimatorWCS`

        Raises
        ------
        ValueError, TypeError
            When an option makes no sense.

        Notes
        -----
        Cubes that were loaded from a store or binned do not know their light curves: of these only the maximum is marked.

        Examples
        --------
        >>> correlation = cube_193.cross_correlation(cube_171, lag_bounds=[-20, 20] * u.min)
        >>> axes = correlation[:, 4, 4].plot()
        """
        flag("uncertainty", uncertainty)
        if significance is not None:
            significance = number("significance", significance, 0, 1, "a probability")
        trials, seed = random_numbers(trials, seed)
        colorbar = flag("colorbar", kwargs.pop("colorbar", True))
        if len(self.shape) == 1 and self.lags.size > 1:
            pair, axes = self._pair, curve_axes(axes)
            data, series = dask.compute(self.data, None if pair is None else pair.series)
            marks = PixelMarks.of(data, self.lags)
            if pair is not None and uncertainty:
                marks = marks.with_uncertainty(pair.how, series, trials, seed)
            if pair is not None and significance:
                marks = marks.with_level(pair.how, series, significance, trials, seed)
            return draw_correlation(axes, self.lags, data, marks, self.meta, **kwargs)
        if len(self.shape) > 1:
            kwargs = {"cmap": "RdBu_r"} | ({} if "norm" in kwargs else {"vmin": -1, "vmax": 1}) | kwargs
            kwargs["cmap"] = with_grey(kwargs["cmap"])
        if (
            len(self.shape) != 2
            or not isinstance(self.wcs.low_level_wcs, SlicedLowLevelWCS)
            or not self.lags.isscalar
        ):
            return self._plot_several_lags(axes, colorbar, kwargs)
        require_wcs_axes(axes)
        axes = super().plot(axes=axes, **kwargs)
        lag = self.lags.to(readable_unit(abs(self.lags)))
        pair_names = leaders(self.meta)
        named = "" if pair_names is None else f"{pair_names[0]} and {pair_names[1]}, "
        axes.set_title(f"{named}lag {lag:.4g}", **PLAIN)
        label_axes(axes, self._celestial())
        if colorbar:
            draw_bar(axes, CROSS_CORRELATION)
        return axes

    def _plot_several_lags(self, axes: Any, colorbar: bool, kwargs: dict[str, Any]) -> Any:
        """All planes with a slider, or a row over lag, as ndcube does."""
        drawn = super().plot(*[] if axes is None else [axes], **kwargs)
        image = getattr(drawn, "axes", drawn) if len(self.shape) == 3 else drawn
        image.set_title(pair_title(self.meta), **PLAIN)
        hide_fixed_place(image, self.wcs.low_level_wcs)
        if len(self.shape) == 2:
            of_lag = image.coords[2]
            for place in (
                of_lag.set_ticks_position,
                of_lag.set_ticklabel_position,
                of_lag.set_axislabel_position,
            ):
                place("l")
            of_lag.set_axislabel("lag [s]")
        if colorbar and image.images:
            draw_bar(image, CROSS_CORRELATION)
        return drawn

    def _summary(self) -> Summary:
        lags = np.atleast_1d(self.lags)
        at = f"a lag of {lags[0]:g}" if lags.size == 1 else f"{lags.size} lags, {lags[0]:g} to {lags[-1]:g}"
        return lag_summary(self, f"of {pair_title(self.meta)}, at {at}")

    def _celestial(self) -> WCS:
        wcs = self.wcs.low_level_wcs
        return (wcs._wcs if isinstance(wcs, SlicedLowLevelWCS) else wcs).celestial

    def _new_instance(self, **changed: Any) -> Self:
        new = super()._new_instance(**changed)
        if new.shape == self.shape:
            new._pair = self._pair
        return new

    def __getitem__(self, item: Any) -> Self:
        sliced = super().__getitem__(item)
        lags, *pixels = self._index(item)
        # What was correlated gives the same maximum while all lags are there.
        if self._pair is not None and lags.keeps_axis and len(lags.positions) == self.shape[0]:
            sliced._pair = self._pair[items(pixels)]
        return sliced

    @classmethod
    def at_lags(
        cls, data: Any, wcs: WCS, lags: u.Quantity, meta: dict[str, Any], pair: Pair | None = None
    ) -> Self:
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
        pair
            What was correlated.
        """
        header = wcs.to_header()
        seconds = lags.to_value(u.s)
        header["WCSAXES"] = 3
        header.update(CTYPE3="LAG", CNAME3="lag", CUNIT3="s", CRPIX3=1.0, CRVAL3=float(seconds[0]))
        header["CDELT3"] = float(seconds[1] - seconds[0]) if seconds.size > 1 else 1.0
        with_lags = WCS(header)
        with_lags.array_shape = data.shape
        cube = cls(data, wcs=with_lags, unit=u.dimensionless_unscaled, meta=meta)
        cube._pair = pair
        return cube

    @property
    def lags(self) -> u.Quantity:
        """
        The lag of each plane; a scalar for one plane. It is positive where the first channel leads.

        Examples
        --------
        >>> cube_193.cross_correlation(cube_171, lag_bounds=[-8, 8] * u.min).lags
        <Quantity [-480., -240.,    0.,  240.,  480.] s>
        """
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
