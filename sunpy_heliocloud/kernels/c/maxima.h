/* The functions of maxima.c for one type of numbers, REAL. */

/* The next lag that has a correlation, at most three steps away; -1 for none. */
static int64_t OF_TYPE(neighbour)(const REAL *correlation, int64_t count, int64_t k, int direction)
{
    for (int distance = 1; distance <= 3; distance++) {
        const int64_t at = k + direction * distance;
        if (at < 0 || at >= count) return -1;
        if (!isnan(correlation[at])) return at;
    }
    return -1;
}

static double OF_TYPE(vertex)(const REAL *correlation, int64_t before, int64_t best, int64_t after)
{
    const double left = (double)(best - before), right = (double)(after - best), here = correlation[best];
    const double fall = here - correlation[before], rise = here - correlation[after];
    const double bend = fall * right + rise * left;
    return bend > 0 ? 0.5 * (fall * right * right - rise * left * left) / bend : 0;
}

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
    for (int64_t pixel = 0; pixel < pixels; pixel++) {
        const REAL *correlation = correlations + pixel * count;
        REAL *found = maxima + pixel;
        const double largest = OF_TYPE(largest)(correlation, count);
        if (largest == -INFINITY) {
            for (int i = 0; i < 6; i++) found[i * pixels] = i == 3 ? 0 : NAN;
            continue;
        }
        int64_t present = 0, first = 0, last = count - 1, best = -1;
        for (int64_t k = 0; k < count; k++) present += !isnan(correlation[k]);
        while (isnan(correlation[first])) first++;
        while (isnan(correlation[last])) last--;
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
        const int64_t step = best + first_step;
        const int64_t before = OF_TYPE(neighbour)(correlation, count, best, -1);
        const int64_t after = OF_TYPE(neighbour)(correlation, count, best, 1);
        const bool at_edge = before < 0 || after < 0;
        double lag = (double)step, refined = lag;
        if (!at_edge) refined += OF_TYPE(vertex)(correlation, before, best, after);
        int marks = present < fewest ? SHORT : 0;
        if (at_edge)
            marks += EDGE;
        else if (knows_tapered && !is_tie && (tapered[pixel] - step > 1 || step - tapered[pixel] > 1))
            marks += PULLED;
        if (is_tie || (at_edge && !keep_edges)) lag = refined = NAN;
        const double values[] = {lag * cadence, refined * cadence, largest, marks, (double)(first + first_step) * cadence,
                                 (double)(last + first_step) * cadence};
        for (int i = 0; i < 6; i++) found[i * pixels] = (REAL)values[i];
    }
}
