"""ComparableCube: a cube of images that is compared with that of another channel."""

from typing import Self, Unpack

import numpy as np

import astropy.units as u

from sunpy_heliocloud.lags.arguments import Options
from sunpy_heliocloud.lags.comparison import Comparison
from sunpy_heliocloud.lags.correlation_cube import CorrelationCube
from sunpy_heliocloud.lags.lag_cube import LagCube
from sunpy_heliocloud.lags.lag_map import LagMap
from sunpy_heliocloud.lags.results import (
    correlation_over_lag,
    false_alarm_map,
    maps_of_maxima,
    uncertainty_map,
    window_cubes_of_maxima,
)
from sunpy_heliocloud.store.stored import StoredCube

__all__ = ["ComparableCube"]


class ComparableCube(StoredCube):
    """
    The part of `~sunpy_heliocloud.TimeLagCube` that finds time lags and correlations between two channels.

    Examples
    --------
    >>> lag = cube_193.time_lag(cube_171, lag_bounds=[-20, 20] * u.min)
    """

    def time_lag(
        self,
        other: Self,
        *,
        lag_bounds: u.Quantity | None = None,
        min_correlation: float | None = None,
        min_overlap: float = 0.5,
        detrend: str | u.Quantity | tuple[str, u.Quantity] | None = None,
        refine: str | None = None,
        window: u.Quantity | None = None,
        overlap_normalized: bool = True,
        at_bounds: str = "nan",
        dtype: np.typing.DTypeLike = np.float32,
    ) -> LagMap | LagCube:
        """
        The time lag between two channels in every pixel: where their cross-correlation is largest.

        Both are compared over their common times, each centred on its mean and divided by its standard
        deviation. Missing values are left out.

        Parameters
        ----------
        other
            A cube on the same grid, with the same even times or a part of them.
        lag_bounds
            Smallest and largest lag considered, in this order, such as ``[-2, 2] * u.hour``; by default all.
        min_correlation
            Pixels whose maximum correlation is lower become NaN.
        min_overlap
            Least share of valid pairs, of those that a complete series would have, for a pixel or a lag to count.
        detrend
            ``"linear"`` takes a straight line off every light curve first; a width in time, such as ``2 * u.hour``,
            the running mean, where its window is whole: half a width at either end of the light curves is left out.
            ``("line", 2 * u.hour)`` takes off the value of a line that is fitted in each window, which at the ends is
            of one side, so that no times are lost.
        refine
            ``"parabolic"`` for lags finer than the cadence, from the correlation's maximum and its neighbours.
        window
            Width of windows of time that follow each other (a warning names the planes after the last whole one); or width and step, such as ``[2, 0.5] * u.hour``, of one
            that slides. By default all times are one window.
        overlap_normalized
            The correlation at each lag is that of the pairs that overlap there, with their own means and deviations
            (Pearson's), and its maximum is searched in that. Lags at which less than ``min_overlap`` of all planes
            overlap do not count. ``False`` is the definition of `sunkit_image.time_lag` and of published maps: means and
            deviations of all planes, and the sum divided by their number. That multiplies the correlation by
            1 - abs(lag) / duration, which moves maxima towards zero, the more the smoother the light curves (Welsh 1999).
            ``meta["pulled"]`` counts the pixels in which the two maxima differ by more than a step.
        at_bounds
            A maximum at the first or last lag, or beside lags with too few pairs, is no maximum: the correlation may
            rise beyond. ``"nan"`` gives no lag there, ``"keep"`` that of the edge. ``meta["at_edge"]`` counts them.
        dtype
            Of the computation and the result; `numpy.float64` takes twice as long and differs where two maxima are
            equal to one in a million.

        Returns
        -------
        LagMap or LagCube
            In seconds, lazy; with a ``window`` a cube over the middles of the windows. **Positive: this cube leads the
            other**, as in `sunkit_image.time_lag`. A pixel without variance or with too few data is NaN; a lag of zero
            is a lag. Of equal maxima the smallest lag counts. Once it is computed, ``meta`` has ``at_edge``,
            ``pulled``, ``short_of_pairs`` (the pixels in which some of the lags have too few pairs of valid samples)
            and ``lags_used``, the first and the last lag that took part.

        Warns
        -----
        sunpy.util.exceptions.SunpyUserWarning
            When it is computed, once, of maxima at an edge of the lags.

        Raises
        ------
        ValueError
            When grids or times do not match; the message says what to do.

        See Also
        --------
        max_cross_correlation : The correlation at that lag. ``dask.compute(lag, correlation)`` computes both
            in one pass.
        false_alarm_probability : The probability that it is chance.
        lag_uncertainty : The standard deviation of the lag.
        sunpy_heliocloud.time_lag_pairs : Lags of all pairs of more than two channels.

        References
        ----------
        * Welsh, W. F. 1999, PASP 111, 1347, https://doi.org/10.1086/316457
        * Viall, N. M. & Klimchuk, J. A. 2012, ApJ 753, 35, https://doi.org/10.1088/0004-637X/753/1/35
        * Barnes, W. T., Bradshaw, S. J. & Viall, N. M. 2019, ApJ 880, 56,
          https://doi.org/10.3847/1538-4357/ab290c

        Examples
        --------
        >>> lag = cube_193.time_lag(cube_171, lag_bounds=[-20, 20] * u.min, refine="parabolic")
        >>> lag.title
        '193-171 SDO'
        """
        comparison = Comparison(
            (self, other),
            lag_bounds=lag_bounds,
            min_overlap=min_overlap,
            detrend=detrend,
            overlap_normalized=overlap_normalized,
            at_bounds=at_bounds,
            dtype=dtype,
        )
        if window is None:
            [(lags, _)] = maps_of_maxima(comparison, refine=refine, min_correlation=min_correlation)
            return lags
        windows, _ = window_cubes_of_maxima(
            comparison, window, refine=refine, min_correlation=min_correlation
        )
        return windows

    def max_cross_correlation(
        self, other: Self, *, window: u.Quantity | None = None, **options: Unpack[Options]
    ) -> LagMap | LagCube:
        """
        The largest cross-correlation of two channels in every pixel, over the lags considered.

        Parameters
        ----------
        other, window
            As for `time_lag`.
        **options
            ``lag_bounds``, ``min_overlap``, ``detrend``, ``overlap_normalized``, ``at_bounds`` and ``dtype`` as for
            `time_lag`.

        Returns
        -------
        LagMap or LagCube
            Without a unit, lazy; at most 1, with ``overlap_normalized=False`` where nothing is missing. NaN where
            `time_lag` is, but for ties and for maxima at an edge of the lags, of which it is the height.

        Raises
        ------
        ValueError
            When grids or times do not match; the message says what to do.

        Examples
        --------
        >>> best = cube_193.max_cross_correlation(cube_171, lag_bounds=[-20, 20] * u.min)
        >>> bool(np.nanmax(best.data.compute()) <= 1.001)
        True
        """
        comparison = Comparison((self, other), **options)
        if window is None:
            [(_, correlations)] = maps_of_maxima(comparison)
        else:
            _, correlations = window_cubes_of_maxima(comparison, window)
        return correlations

    def cross_correlation(self, other: Self, **options: Unpack[Options]) -> CorrelationCube:
        """
        The cross-correlation of two channels in every pixel at every lag considered.

        Parameters
        ----------
        other
            As for `time_lag`.
        **options
            ``lag_bounds``, ``min_overlap``, ``detrend``, ``overlap_normalized``, ``at_bounds`` and ``dtype`` as for
            `time_lag`.

        Returns
        -------
        CorrelationCube
            With axes lag, y, x; lazy. Without bounds it is twice as large as a cube.

        Raises
        ------
        ValueError
            When grids or times do not match; the message says what to do.

        Examples
        --------
        >>> cube_193.cross_correlation(cube_171, lag_bounds=[-8, 8] * u.min).shape
        (5, 12, 12)
        """
        return correlation_over_lag(Comparison((self, other), **options))

    def false_alarm_probability(
        self,
        other: Self,
        *,
        surrogates: str = "phase",
        trials: int = 200,
        seed: int = 0,
        **options: Unpack[Options],
    ) -> LagMap:
        """
        The probability that two unrelated channels correlate as well as these, at any of the lags.

        In each pixel the light curve of one of the cubes is replaced by surrogates. A surrogate has the mean, the variance
        and the power spectrum (or the memory) of the original, and is unrelated to the other cube. The result is the
        fraction of surrogates whose maximum correlation is as large. Of the two light curves the one with more
        independent samples is replaced, whichever cube comes first.

        Parameters
        ----------
        other
            As for `time_lag`.
        surrogates
            ``"phase"``: the same power spectrum with random phases, which are 0 or 180 degrees (Theiler & Prichard 1996).
            The spectrum is that of the cosine transform, since the ends of a light curve do not meet (Schreiber &
            Schmitz 2000); of smooth light curves that change as slowly as they are long, that of their differences.
            It assumes that light curves are stationary and Gaussian: of bursts, such as flares and nanoflare storms, it
            finds too many significant.
            ``"pixels"``: this cube's light curves of ``trials`` other pixels, farther away than a quarter of the map's
            longer side. It assumes nothing about the shape of light curves, but that those of the map are of one kind,
            and that distant ones have nothing in common: no trend, no eclipse.
            ``"red_noise"``: an autoregressive process with the same correlation from plane to plane (Allen & Smith
            1996), only for light curves that are such.
        trials
            Number of surrogates; each costs as much as a lag map, or three. The least probability that can come out
            is 1 / (trials + 1).
        seed
            Of the random numbers, which are the same in all pixels: the result is the same on any scheduler and with
            any chunks, and neighbouring pixels are not independent trials.
        **options
            ``lag_bounds``, ``min_overlap``, ``detrend``, ``overlap_normalized``, ``at_bounds`` and ``dtype`` as for
            `time_lag`.

        Returns
        -------
        LagMap
            From 0 to 1, lazy; NaN where there is no correlation. Of unrelated light curves (white and red noise, power
            laws, smooth ones) 4 to 7 % are at 0.05 or below with ``"phase"``, whatever the detrending, bounds and length;
            with ``"red_noise"`` as many of those that are such, but more of smoother ones
            (``benchmarks/false_alarms.py``).

        Raises
        ------
        ValueError
            When grids or times do not match, or an argument makes no sense.

        References
        ----------
        * Theiler, J. & Prichard, D. 1996, Physica D 94, 221, https://doi.org/10.1016/0167-2789(96)00050-4
        * Schreiber, T. & Schmitz, A. 2000, Physica D 142, 346, https://doi.org/10.1016/S0167-2789(00)00043-9
        * Allen, M. R. & Smith, L. A. 1996, J. Climate 9, 3373,
          https://doi.org/10.1175/1520-0442(1996)009<3373:MCSSDI>2.0.CO;2

        Examples
        --------
        >>> chance = cube_193.false_alarm_probability(cube_171, trials=19, lag_bounds=[-20, 20] * u.min)
        >>> chance.shape
        (12, 12)
        """
        return false_alarm_map(Comparison((self, other), **options), surrogates, trials, seed)

    def lag_uncertainty(
        self, other: Self, *, trials: int = 100, seed: int = 0, **options: Unpack[Options]
    ) -> LagMap:
        """
        The standard deviation of the time lag in every pixel, from repetitions with other noise.

        What both light curves, shifted by their lag, have in common is taken for signal, and their difference for noise.
        Each trial adds noise of the same spectrum to the signal, and finds the refined lag (a parametric bootstrap, Efron
        & Tibshirani 1993; Peterson et al. 1998 randomise fluxes so). It says how sensitive the lag is to noise; not
        whether the lag is one of cooling, nor what derotation leaves.

        Parameters
        ----------
        other
            As for `time_lag`.
        trials
            Number of repetitions; each costs about two lag maps.
        seed
            Of the random numbers; the result is the same on any scheduler and with any chunks.
        **options
            ``lag_bounds``, ``min_overlap``, ``detrend``, ``overlap_normalized``, ``at_bounds`` and ``dtype`` as for
            `time_lag`.

        Returns
        -------
        LagMap
            In seconds, lazy; NaN where there is no lag. Of light curves of known lag with 180 and more planes and
            correlations of 0.8 and more, 65 to 71 % are within one and 93 to 97 % within two of them; of shorter or
            noisier ones at least 60 and 88 % (``benchmarks/truth.py``). Where more than a third of the trials find another
            maximum, the lag is ambiguous: ``meta["ambiguous"]`` counts such pixels, and ``ambiguous`` is the array of them.

        Raises
        ------
        ValueError
            When grids or times do not match, or an argument makes no sense.

        References
        ----------
        * Efron, B. & Tibshirani, R. J. 1993, An Introduction to the Bootstrap, Chapman & Hall
        * Peterson, B. M. et al. 1998, PASP 110, 660, https://doi.org/10.1086/316177

        Examples
        --------
        >>> sigma = cube_193.lag_uncertainty(cube_171, trials=20, lag_bounds=[-20, 20] * u.min)
        >>> sigma.unit
        Unit("s")
        """
        return uncertainty_map(Comparison((self, other), **options), trials, seed)
