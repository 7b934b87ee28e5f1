/*
 * Pearson's coefficient of the pairs at each lag, of series without gaps, from the sums S of products x y at that lag:
 *
 *     r = (S / n - mean(x) mean(y)) / (std(x) std(y)),
 *
 * with the n pairs' own means and standard deviations, which series.c has from running sums. Where these are so small that sums in
 * single precision are too coarse, the pairs are summed again. Without units.
 *
 * Sources: Pearson 1895, Proc. R. Soc. London 58, 240; all lags from running sums and one transform as by Padfield 2012, IEEE
 * Transactions on Image Processing 21, 2706.
 */
#include "kernels.h"

#define OF_BOTH_TYPES "overlap.h"
#include "both_types.h"
