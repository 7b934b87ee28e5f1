"""The maximum of a correlation over lags: where it is, also between two lags, and what speaks against it."""

import numpy as np
from numba import njit

__all__ = ["EDGE", "FIRST", "LAST", "MARKS", "N_MAXIMA", "PULLED", "SHORT", "find_maxima"]

# What `find_maxima` fills for each pixel: lag, refined lag, correlation, marks, first and last lag that took part.
N_MAXIMA = 6
MARKS, FIRST, LAST = 3, 4, 5
# Marks, which are added.
EDGE = 1  # the correlation is largest at an edge of the lags
PULLED = 2  # the maximum of the tapered correlation is more than a step away
SHORT = 4  # of the lags some have too few pairs


@njit(nogil=True, cache=True, error_model="numpy")
def find_maxima(correlations, tapered, steps, cadence, tolerance, keep_edges, fewest, maxima):
    """
    Find the maximum of each pixel's correlation.

    Of maxima that are equal to the tolerance, the one at the smallest lag counts; if it occurs at a lag and at its
    opposite, the lag is NaN. A maximum without a lag on both sides of it, at most two steps away, is at an edge, for
    the correlation may go on rising there: the lag is NaN, unless ``keep_edges``.

    Parameters
    ----------
    correlations
        Shape ``(pixels, lags)``; NaN where there are too few pairs.
    tapered
        Step at which the tapered correlation of each pixel is largest; empty if that is not known.
    steps
        The lags in samples, increasing by one.
    cadence
        Seconds of a step.
    tolerance
        Within which maxima are equal.
    keep_edges
        Whether a maximum at an edge is a lag.
    fewest
        Number of lags that could take part.
    maxima
        Filled, shape ``(N_MAXIMA, pixels)``; the last two in seconds.
    """
    count = len(steps)
    for pixel in range(len(correlations)):
        correlation = correlations[pixel]
        largest = -np.inf
        present = 0
        first = last = -1
        for k in range(count):
            if correlation[k] > largest:
                largest = correlation[k]
            if not np.isnan(correlation[k]):
                present += 1
                first = k if first < 0 else first
                last = k
        if largest == -np.inf:
            maxima[:, pixel] = np.nan
            maxima[3, pixel] = 0
            continue
        best = -1
        tie = False
        for k in range(count):
            if correlation[k] >= largest - tolerance and _is_local_maximum(correlation, k):
                if best < 0 or abs(steps[k]) < abs(steps[best]):
                    best = k
                    tie = False
                elif steps[k] == -steps[best]:
                    tie = True
        lag = refined = float(steps[best])
        before, after = _neighbour(correlation, best, -1), _neighbour(correlation, best, 1)
        at_edge = before < 0 or after < 0
        if not at_edge:
            refined += _vertex(correlation, before, best, after)
        marks = 0
        if at_edge:
            marks += EDGE
        elif len(tapered) > 0 and not tie and abs(tapered[pixel] - steps[best]) > 1:
            marks += PULLED
        if present < fewest:
            marks += SHORT
        if tie or (at_edge and not keep_edges):
            lag = refined = np.nan
        maxima[0, pixel] = lag * cadence
        maxima[1, pixel] = refined * cadence
        maxima[2, pixel] = largest
        maxima[3, pixel] = marks
        maxima[4, pixel] = steps[first] * cadence
        maxima[5, pixel] = steps[last] * cadence


@njit(nogil=True, cache=True, error_model="numpy")
def _neighbour(correlation, k, direction):
    """The next lag that has a correlation, at most two steps away; -1 for none."""
    for distance in range(1, 3):
        at = k + direction * distance
        if not 0 <= at < len(correlation):
            return -1
        if not np.isnan(correlation[at]):
            return at
    return -1


@njit(nogil=True, cache=True, error_model="numpy")
def _vertex(correlation, before, best, after):
    """Steps from the maximum to that of the parabola through it and its neighbours."""
    left, right = np.float64(best - before), np.float64(after - best)
    here = np.float64(correlation[best])
    fall, rise = here - np.float64(correlation[before]), here - np.float64(correlation[after])
    bend = fall * right + rise * left
    if not bend > 0:
        return 0.0
    return 0.5 * (fall * right**2 - rise * left**2) / bend


@njit(nogil=True, cache=True, error_model="numpy")
def _is_local_maximum(correlation, k):
    # Written so that a missing neighbour is no larger.
    return not (k > 0 and correlation[k - 1] > correlation[k]) and not (
        k < len(correlation) - 1 and correlation[k + 1] > correlation[k]
    )
