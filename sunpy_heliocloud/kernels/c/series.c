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

#define OF_BOTH_TYPES "series.h"
#include "both_types.h"
