/* The functions of detrending.c for one type of numbers, REAL. */

/* Interpolate what is missing; beyond the ends, the nearest sample. */
static void OF_TYPE(fill_row)(REAL *row, const bool *there, int64_t n)
{
    int64_t before = -1;
    for (int64_t t = 0; t < n; t++) {
        if (!there[t]) continue;
        const REAL first = before >= 0 ? row[before] : row[t];
        for (int64_t missing = before + 1; missing < t; missing++)
            row[missing] = (REAL)(first + (row[t] - first) * (double)(missing - before) / (double)(t - before));
        before = t;
    }
    for (int64_t missing = before + 1; missing < n; missing++) row[missing] = before >= 0 ? row[before] : NAN;
}

EXPORT void OF_TYPE(fill_gaps)(REAL *rows, const bool *present, int64_t pixels, int64_t n)
{
    for (int64_t pixel = 0; pixel < pixels; pixel++) OF_TYPE(fill_row)(rows + pixel * n, present + pixel * n, n);
}

/*
 * Take running means off. Rows become shorter by `reach` at either end; `kept`, shape (pixels, n - 2 reach), says where there are
 * samples: where the window is whole and less than half of it missing on either side. Room: `totals` and `counts`, n + 1 each.
 */
EXPORT void OF_TYPE(remove_running_mean)(
    REAL *samples, const bool *present, int64_t pixels, int64_t length, int64_t n, int64_t reach, double *totals,
    int64_t *counts, bool *kept)
{
    totals[0] = 0;
    counts[0] = 0;
    for (int64_t pixel = 0; pixel < pixels; pixel++) {
        REAL *row = samples + pixel * length;
        const bool *there = present + pixel * n;
        bool *keep = kept + pixel * (n - 2 * reach);
        for (int64_t t = 0; t < n; t++) counts[t + 1] = counts[t] + there[t];
        if (counts[n] < n) OF_TYPE(fill_row)(row, there, n);
        for (int64_t t = 0; t < n; t++) totals[t + 1] = totals[t] + row[t];
        for (int64_t t = reach; t < n - reach; t++) {
            const int64_t start = t - reach, stop = t + reach + 1;
            const int64_t before = counts[t] - counts[start], after = counts[stop] - counts[t + 1];
            /* A window that begins before the first sample is not whole, nor is one that ends after the last. */
            const bool is_whole = counts[start + 1] > 0 && counts[stop - 1] < counts[n];
            keep[start] = there[t] && is_whole && 2 * smaller(before, after) >= reach;
            const double mean = (totals[stop] - totals[start]) / (double)(2 * reach + 1);
            row[start] = keep[start] ? (REAL)(row[t] - mean) : 0;
        }
        for (int64_t t = n - 2 * reach; t < n; t++) row[t] = 0;
    }
}

/* Take local lines off; windows are cut at the ends. Room: `sums`, 5 (n + 1), and `trend`, n. */
EXPORT void OF_TYPE(remove_local_line)(
    REAL *samples, const bool *present, int64_t pixels, int64_t length, int64_t n, int64_t reach, double *sums, double *trend)
{
    /* Running sums of one, time, time squared, the samples, and time by samples. */
    double *ones = sums, *times = sums + n + 1, *squares = times + n + 1, *values = squares + n + 1, *products = values + n + 1;
    ones[0] = times[0] = squares[0] = values[0] = products[0] = 0;
    const double middle = (double)(n - 1) / 2;
    for (int64_t pixel = 0; pixel < pixels; pixel++) {
        REAL *row = samples + pixel * length;
        const bool *there = present + pixel * n;
        double total = 0;
        int64_t number = 0;
        for (int64_t t = 0; t < n; t++)
            if (there[t]) {
                total += row[t];
                number++;
            }
        const double mean = total / (double)larger(number, 1);
        for (int64_t t = 0; t < n; t++) {
            /* Small numbers, so that little is lost by rounding. */
            const double time = (double)t - middle, value = row[t] - mean, weight = there[t];
            ones[t + 1] = ones[t] + weight;
            times[t + 1] = times[t] + weight * time;
            squares[t + 1] = squares[t] + weight * time * time;
            values[t + 1] = values[t] + weight * value;
            products[t + 1] = products[t] + weight * time * value;
        }
        for (int64_t t = 0; t < n; t++) {
            const int64_t start = larger(0, t - reach), stop = smaller(n, t + reach + 1);
            const double count = fmax(ones[stop] - ones[start], 1), time = (times[stop] - times[start]) / count;
            const double value = (values[stop] - values[start]) / count;
            const double square = (squares[stop] - squares[start]) / count - time * time;
            const double together = (products[stop] - products[start]) / count - time * value;
            const double slope = square > 1e-9 ? together / square : 0;
            trend[t] = mean + value + slope * ((double)t - middle - time);
        }
        for (int64_t t = 0; t < n; t++)
            if (there[t]) row[t] = (REAL)(row[t] - trend[t]);
    }
}
