/*
 * Preparation of time series for correlation: from planes to rows, one a pixel, which are centred and divided by their standard
 * deviation; and the means and standard deviations of rows that are shorter at one end, from running sums:
 *
 *     mean = S1 / n,  variance = S2 / n - mean^2.
 *
 * Sums are doubles.
 */
#include "kernels.h"

enum { SIDE = 16 }; /* pixels whose rows are written together */

#define REAL float
#define REALS_ANYWHERE floats_anywhere
#define OF_TYPE(name) name##_f4
#include "series.h"
#undef REAL
#undef REALS_ANYWHERE
#undef OF_TYPE
#define REAL double
#define REALS_ANYWHERE doubles_anywhere
#define OF_TYPE(name) name##_f8
#include "series.h"
