/*
 * Trends that are taken off light curves, in place: running means (the samples of a window of 2 reach + 1, divided by their number)
 * and local lines (least squares over the samples of such a window: mean and slope = cov(t, v) / var(t)), from running sums.
 * Times are numbers of samples, values keep their units. Rows have `length` samples, of which `n` are looked at.
 */
#include "kernels.h"

#define OF_BOTH_TYPES "detrending.h"
#include "both_types.h"
