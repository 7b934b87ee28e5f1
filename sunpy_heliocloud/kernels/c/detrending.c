/*
 * Trends that are taken off light curves, in place: running means (the samples of a window of 2 reach + 1, divided by their number)
 * and local lines (least squares over the samples of such a window: mean and slope = cov(t, v) / var(t)), from running sums.
 * Rows have `length` samples, of which `n` are looked at.
 */
#include "kernels.h"

#define REAL float
#define OF_TYPE(name) name##_f4
#include "detrending.h"
#undef REAL
#undef OF_TYPE
#define REAL double
#define OF_TYPE(name) name##_f8
#include "detrending.h"
