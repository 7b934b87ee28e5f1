/*
 * The vertex of a parabola through a maximum and its neighbours, and what is noted of a maximum, for one type of numbers, REAL.
 * Correlations at lags that follow each other are `apart` numbers from each other.
 */

/* Marks, which are added: see kernels/maxima.py. */
#ifndef PEAK_H
#define PEAK_H
enum { EDGE = 1, PULLED = 2, SHORT = 4 };
#endif

/* The next lag that has a correlation, at most three steps away; -1 for none. */
static int64_t OF_TYPE(neighbour)(const REAL *correlation, int64_t apart, int64_t count, int64_t k, int direction)
{
    for (int distance = 1; distance <= 3; distance++) {
        const int64_t at = k + direction * distance;
        if (at < 0 || at >= count) return -1;
        if (!isnan(correlation[at * apart])) return at;
    }
    return -1;
}

static double OF_TYPE(vertex)(const REAL *correlation, int64_t apart, int64_t before, int64_t best, int64_t after)
{
    const double left = (double)(best - before), right = (double)(after - best), here = correlation[best * apart];
    const double fall = here - correlation[before * apart], rise = here - correlation[after * apart];
    const double bend = fall * right + rise * left;
    return bend > 0 ? 0.5 * (fall * right * right - rise * left * left) / bend : 0;
}

/* What is asked of maxima, and is the same for all pixels. */
struct OF_TYPE(question) {
    double cadence; /* lags are multiples of it, in seconds */
    int keep_edges; /* whether a maximum at an edge is a lag */
    int64_t fewest; /* number of lags that could take part */
};

/*
 * Fill the six numbers of a pixel, `pixels` numbers from each other, from its correlations at lags from `first_step` on, of which so
 * many are present. The largest counts at `best`; `tapered` is the step at which the tapered correlation is largest, if known.
 */
static void OF_TYPE(note_maximum)(
    const REAL *correlation, int64_t apart, int64_t count, int64_t first_step, int64_t present, double largest,
    int64_t best, bool is_tie, const int64_t *tapered, const struct OF_TYPE(question) *question, REAL *found, int64_t pixels)
{
    if (!present) {
        for (int i = 0; i < 6; i++) found[i * pixels] = i == 3 ? 0 : NAN;
        return;
    }
    int64_t first = 0, last = count - 1;
    while (isnan(correlation[first * apart])) first++;
    while (isnan(correlation[last * apart])) last--;
    const int64_t step = best + first_step;
    const int64_t before = OF_TYPE(neighbour)(correlation, apart, count, best, -1);
    const int64_t after = OF_TYPE(neighbour)(correlation, apart, count, best, 1);
    const bool at_edge = before < 0 || after < 0;
    double lag = (double)step, refined = lag;
    if (!at_edge) refined += OF_TYPE(vertex)(correlation, apart, before, best, after);
    int marks = present < question->fewest ? SHORT : 0;
    if (at_edge)
        marks += EDGE;
    else if (tapered && !is_tie && (*tapered - step > 1 || step - *tapered > 1))
        marks += PULLED;
    if (is_tie || (at_edge && !question->keep_edges)) lag = refined = NAN;
    const double cadence = question->cadence;
    const double values[] = {lag * cadence, refined * cadence, largest, marks,
                             (double)(first + first_step) * cadence, (double)(last + first_step) * cadence};
    for (int i = 0; i < 6; i++) found[i * pixels] = (REAL)values[i];
}
