/*
 * The maximum of a correlation C over lags k, in steps, and the vertex of the parabola through it and its neighbours, which are i
 * steps before and j steps after it:
 *
 *     k + (1/2) (f j^2 - r i^2) / (f j + r i),  f = C(k) - C(k - i),  r = C(k) - C(k + j).
 *
 * Of maxima that are equal to a tolerance, the one at the smallest lag counts; if it occurs at a lag and at its opposite, there is
 * none. A maximum without neighbours at most three steps away is at an edge. NaN where there are too few pairs.
 */
#include "kernels.h"

#define OF_BOTH_TYPES "maxima.h"
#include "both_types.h"
