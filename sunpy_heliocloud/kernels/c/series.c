/*
 * Preparation of time series for correlation: from planes to rows, one a pixel, which are centred and divided by their standard
 * deviation; and the means and standard deviations of rows that are shorter at one end, from running sums:
 *
 *     mean = S1 / n,  variance = S2 / n - mean^2.
 *
 * Sums are doubles.
 */
#include "kernels.h"

enum { SIDE = 16 };   /* pixels whose rows are written together */
enum { AT_ONCE = 8 }; /* numbers that are compared at once */

#define REAL float
#define WHOLE int32_t
#define REALS_ANYWHERE floats_anywhere
#define OF_TYPE(name) name##_f4
#define SQUARE_ROOT sqrtf
#include "series.h"
#undef REAL
#undef WHOLE
#undef REALS_ANYWHERE
#undef OF_TYPE
#undef SQUARE_ROOT
#define REAL double
#define WHOLE int64_t
#define REALS_ANYWHERE doubles_anywhere
#define OF_TYPE(name) name##_f8
#define SQUARE_ROOT sqrt
#include "series.h"
