"""The lag at which a correlation is largest."""

import numpy as np
from numba import njit

__all__ = ["TOLERANCE", "find_maxima"]

# Maxima that differ by less are equal: several times the rounding errors of the transforms.
TOLERANCE = {np.dtype(np.float32): 2e-6, np.dtype(np.float64): 1e-12}


@njit(nogil=True, cache=True, error_model="numpy")
def find_maxima(correlations, steps, cadence, tolerance, maxima):
    """Fill ``maxima`` with the lag, the lag finer than the cadence, and the correlation of each pixel's maximum."""
    count = len(steps)
    for pixel in range(len(correlations)):
        correlation = correlations[pixel]
        largest = -np.inf
        for k in range(count):
            if correlation[k] > largest:
                largest = correlation[k]
        if largest == -np.inf:
            maxima[:, pixel] = np.nan
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
        lag = refined = np.float64(steps[best])
        if 0 < best < count - 1:
            before, here, after = correlation[best - 1], correlation[best], correlation[best + 1]
            bend = np.float64(before) - 2 * np.float64(here) + np.float64(after)
            if bend < 0:
                refined += 0.5 * (np.float64(before) - np.float64(after)) / bend
        maxima[0, pixel] = np.nan if tie else lag * cadence
        maxima[1, pixel] = np.nan if tie else refined * cadence
        maxima[2, pixel] = largest


@njit(nogil=True, cache=True, error_model="numpy")
def _is_local_maximum(correlation, k):
    # Written so that a missing neighbour is no larger.
    return not (k > 0 and correlation[k - 1] > correlation[k]) and not (
        k < len(correlation) - 1 and correlation[k + 1] > correlation[k]
    )
