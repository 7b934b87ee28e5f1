/* The functions of maxima.c for one type of numbers, REAL. */
#include "peak.h"

/* Written so that a missing neighbour is no larger. */
INLINE bool OF_TYPE(is_local_maximum)(const REAL *correlation, int64_t count, int64_t k)
{
    return !(k > 0 && correlation[k - 1] > correlation[k]) && !(k < count - 1 && correlation[k + 1] > correlation[k]);
}

INLINE REAL OF_TYPE(largest)(const REAL *correlation, int64_t count)
{
    enum { AT_ONCE = 8 };
    REAL best[AT_ONCE], largest = -INFINITY;
    int64_t k = 0;
    for (int i = 0; i < AT_ONCE; i++) best[i] = -INFINITY;
    for (; k + AT_ONCE <= count; k += AT_ONCE)
        for (int i = 0; i < AT_ONCE; i++) best[i] = correlation[k + i] > best[i] ? correlation[k + i] : best[i];
    for (; k < count; k++) largest = correlation[k] > largest ? correlation[k] : largest;
    for (int i = 0; i < AT_ONCE; i++) largest = best[i] > largest ? best[i] : largest;
    return largest;
}

/*
 * Fill `maxima`, shape (6, pixels), from correlations, shape (pixels, count), at lags from `first_step` on; `tapered` are the steps
 * at which the tapered correlations are largest, if known. Marks are counted, lags in seconds; see kernels/maxima.py.
 */
EXPORT void OF_TYPE(find_maxima)(
    const REAL *correlations, int64_t pixels, int64_t count, const int64_t *tapered, int knows_tapered, int64_t first_step,
    double cadence, double tolerance, int keep_edges, int64_t fewest, REAL *maxima)
{
    const struct OF_TYPE(question) question = {cadence, keep_edges, fewest};
    for (int64_t pixel = 0; pixel < pixels; pixel++) {
        const REAL *correlation = correlations + pixel * count;
        const double largest = OF_TYPE(largest)(correlation, count);
        int64_t present = 0, best = -1;
        for (int64_t k = 0; k < count; k++) present += !isnan(correlation[k]);
        bool is_tie = false;
        for (int64_t k = 0; k < count; k++) {
            if (!(correlation[k] >= largest - tolerance) || !OF_TYPE(is_local_maximum)(correlation, count, k)) continue;
            const int64_t size = k + first_step < 0 ? -(k + first_step) : k + first_step;
            const int64_t smallest = best + first_step < 0 ? -(best + first_step) : best + first_step;
            if (best < 0 || size < smallest) {
                best = k;
                is_tie = false;
            } else if (k + first_step == -(best + first_step))
                is_tie = true;
        }
        OF_TYPE(note_maximum)(correlation, 1, count, first_step, present, largest, best, is_tie,
                              knows_tapered ? tapered + pixel : NULL,
                              &question, maxima + pixel, pixels);
    }
}
