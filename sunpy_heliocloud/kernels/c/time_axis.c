/*
 * Interpolation and averages along the time axis, each pixel by itself, with gaps.
 *
 * Samples v1, v2 at times t1, t2 (seconds) next to the time t give
 *
 *     linear  v1 (1 - w) + v2 w,  w = (t - t1) / (t2 - t1);
 *     cubic   Hermite's cubic with the slopes of Fritsch & Butland 1984 (SIAM J. Sci. Stat. Comput. 5, 300), which
 *             prevent overshoot: inside, the harmonic mean of the slopes on both sides, weighted by their lengths;
 *     mean    the integral of the polygon of all samples over a step, divided by its length (trapezoids).
 *
 * Samples that are not finite are missing: a pixel takes the next ones before and after. NaN where there is none, or where they
 * are farther apart than the longest gap. Planes lie one after the other; both types of numbers have the same functions.
 */
#include "kernels.h"

/* Times that differ by less are the same, in seconds. */
static const double SAME_TIME = 1e-6;

enum { TOGETHER = 4096 }; /* pixels, so that their parts of the planes stay in the cache */

/* Hermite's cubic in its interval: first sample, slope and length; the slopes and lengths of the intervals beside it, if there. */
typedef struct {
    double first, slope, length, left, left_length, right, right_length;
    bool has_left, has_right;
} Cubic;

INLINE double inner_slope(double left, double right, double left_length, double right_length)
{
    if (left * right <= 0) return 0;
    const double weight = 2 * right_length + left_length, other = right_length + 2 * left_length;
    return (weight + other) / (weight / left + other / right);
}

INLINE double end_slope(double slope, double neighbour, double length, double neighbour_length)
{
    const double end = ((2 * length + neighbour_length) * slope - length * neighbour) / (length + neighbour_length);
    if (end * slope <= 0) return 0;
    return slope * neighbour <= 0 && fabs(end) > 3 * fabs(slope) ? 3 * slope : end;
}

INLINE double cubic_at(const Cubic *c, double elapsed)
{
    double start = c->slope, end = c->slope;
    if (c->has_left)
        start = inner_slope(c->left, c->slope, c->left_length, c->length);
    else if (c->has_right)
        start = end_slope(c->slope, c->right, c->length, c->right_length);
    if (c->has_right)
        end = inner_slope(c->slope, c->right, c->length, c->right_length);
    else if (c->has_left)
        end = end_slope(c->slope, c->left, c->length, c->left_length);
    const double quadratic = (3 * c->slope - 2 * start - end) / c->length;
    const double cubic = (start + end - 2 * c->slope) / (c->length * c->length);
    return c->first + elapsed * (start + elapsed * (quadratic + elapsed * cubic));
}

/*
 * Fill the weights of the samples that are there in the mean over a step, and say which of them are the first and the last; false if
 * a long gap touches the step, or the samples do not cover it.
 */
static bool weigh(
    const double *times, const int64_t *there, int64_t count, double start, double stop, double max_gap, double *weights,
    int64_t *first, int64_t *last)
{
    double covered = 0;
    int64_t low = 0, high = count; /* the first sample from the start on */
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (times[there[middle]] < start)
            low = middle + 1;
        else
            high = middle;
    }
    *last = -1;
    for (int64_t k = larger(low - 1, 0); k < count - 1; k++) {
        const int64_t i = there[k], j = there[k + 1];
        if (times[i] >= stop) break;
        const double from = fmax(times[i], start), to = fmin(times[j], stop), gap = times[j] - times[i];
        if (to <= from) continue;
        if (gap > max_gap) return false;
        if (*last < 0) {
            *first = k;
            weights[i] = 0;
        }
        weights[j] = (to - from) * ((from + to) / 2 - times[i]) / gap;
        weights[i] += (to - from) * (times[j] - (from + to) / 2) / gap;
        *last = k + 1;
        covered += to - from;
    }
    if (*last < 0 || stop - start - covered > SAME_TIME) return false;
    for (int64_t k = *first; k <= *last; k++) weights[there[k]] /= covered;
    return true;
}

#define OF_BOTH_TYPES "time_axis.h"
#include "both_types.h"
