/*
 * The lag of the largest correlation of two series, of SIDE pixels at once from the planes to the result: they are centred and
 * scaled (group.h), transformed (fourier.h), their transforms multiplied and transformed back, which gives the sums S of products at
 * each lag. With N samples and n pairs, series that are 0 on average and 1 in variance, and sums over what is outside of the overlap,
 *
 *     r = (S / n - mean(x) mean(y)) / sqrt(var(x) var(y)),  mean(x) = -sum(x) / n,  var(x) = (N - sum(x^2)) / n - mean(x)^2,
 *
 * or S / N for the tapered correlation; the maximum is that of maxima.c. Pixels do not mix: the result of one does not depend on
 * those beside it. Lags are steps of the cadence.
 *
 * Source: Padfield 2012, IEEE Transactions on Image Processing 21, 2706, without masks.
 */
#include "kernels.h"

enum { SIDE = 16 }; /* pixels beside each other */

#define OF_BOTH_TYPES "one_pass.h"
#include "both_types.h"
