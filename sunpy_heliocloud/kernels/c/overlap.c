/*
 * Pearson's coefficient of the pairs at each lag, of series without gaps, from the sums S of products x y at that lag:
 *
 *     r = (S / n - mean(x) mean(y)) / (std(x) std(y)),
 *
 * with the n pairs' own means and standard deviations, which series.c has from running sums. Where these are so small that sums in
 * single precision are too coarse, the pairs are summed again.
 */
#include "kernels.h"

#define REAL float
#define OF_TYPE(name) name##_f4
#include "overlap.h"
#undef REAL
#undef OF_TYPE
#define REAL double
#define OF_TYPE(name) name##_f8
#include "overlap.h"
