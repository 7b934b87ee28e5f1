/* The functions of series.c for one type of numbers, REAL. */
#include "vectors.h"
#include "group.h"

/* The sum of a row, and that of the squares of what is left without the mean; rows are 0 where missing, if not centred. */
INLINE double OF_TYPE(sum)(const REAL *row, int64_t n)
{
    doubles total = all(0), more = all(0);
    int64_t t = 0;
    for (; t + 2 * LANES <= n; t += 2 * LANES) {
        total += OF_TYPE(doubles_at)(row + t);
        more += OF_TYPE(doubles_at)(row + t + LANES);
    }
    total += more;
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += total[lane];
    for (; t < n; t++) sum += row[t];
    return sum;
}

INLINE double OF_TYPE(sum_of_squares)(const REAL *row, int64_t n, double mean)
{
    doubles total = all(0), more = all(0), centre = all(mean);
    int64_t t = 0;
    for (; t + 2 * LANES <= n; t += 2 * LANES) {
        doubles one = OF_TYPE(doubles_at)(row + t) - centre, other = OF_TYPE(doubles_at)(row + t + LANES) - centre;
        total += one * one;
        more += other * other;
    }
    total += more;
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += total[lane];
    for (; t < n; t++) sum += (row[t] - mean) * (row[t] - mean);
    return sum;
}

/*
 * Centre a row and divide it by its standard deviation; NaN if that is not above the smallest, or for a constant, whose
 * variance may not round to 0.
 */
static void OF_TYPE(standardise_row)(REAL *restrict row, const bool *restrict there, int64_t n, double smallest)
{
    int64_t count = 0, first = 0;
    for (int64_t t = 0; t < n; t++) count += there[t];
    while (count && !there[first]) first++;
    int differs = 0;
    for (int64_t t = 0; t < n; t++) differs |= there[t] & (row[t] != row[first]);
    double mean = 0, squares = 0;
    if (count == n) {
        mean = OF_TYPE(sum)(row, n) / (double)n;
        squares = OF_TYPE(sum_of_squares)(row, n, mean);
    } else {
        for (int64_t t = 0; t < n; t++)
            if (there[t]) mean += row[t];
        mean /= (double)count;
        for (int64_t t = 0; t < n; t++)
            if (there[t]) squares += (row[t] - mean) * (row[t] - mean);
    }
    const double deviation = sqrt(squares / (double)count);
    if (!(differs && deviation > smallest)) {
        for (int64_t t = 0; t < n; t++) row[t] = NAN;
        return;
    }
    const double scale = 1 / deviation;
    if (count == n)
        for (int64_t t = 0; t < n; t++) row[t] = (REAL)((row[t] - mean) * scale);
    else
        for (int64_t t = 0; t < n; t++)
            if (there[t]) row[t] = (REAL)((row[t] - mean) * scale);
}

/* Centre and scale rows, see standardise_row. */
EXPORT void OF_TYPE(standardise_series)(
    REAL *samples, const bool *present, int64_t pixels, int64_t length, int64_t n, const double *smallest)
{
    for (int64_t pixel = 0; pixel < pixels; pixel++)
        OF_TYPE(standardise_row)(samples + pixel * length, present + pixel * n, n, smallest[pixel]);
}

/* Rows of a group of pixels of which samples are missing; see gather_series. */
static void OF_TYPE(gather_present)(
    const REAL *group, int64_t n, int64_t count, int64_t length, REAL *samples, bool *present, bool *complete)
{
    for (int64_t i = 0; i < count; i++) {
        complete[i] = true;
        for (int64_t t = 0; t < n; t++) {
            const REAL value = group[t * SIDE + i];
            const bool there = value - value == 0;
            complete[i] &= there;
            present[i * n + t] = there;
            samples[i * length + t] = there ? value : 0;
        }
    }
}

/* Rows of the complete pixels of a group, from `group`, shape (n, SIDE). */
static void OF_TYPE(transpose)(
    const REAL *restrict group, int64_t n, int64_t count, int64_t length, const bool *complete, REAL *restrict samples)
{
    for (int64_t first = 0; first < n; first += SIDE) {
        const int64_t last = smaller(first + SIDE, n);
        for (int64_t i = 0; i < count; i++)
            for (int64_t t = first; complete[i] && t < last; t++) samples[i * length + t] = group[t * SIDE + i];
    }
}

/*
 * Rows of the planes, which are `stride` numbers apart: `samples`, shape (pixels, length), 0 where missing and from n on;
 * `present`, shape (pixels, n); and which rows are complete. On request complete rows are centred and scaled. Room: `group`,
 * n SIDE.
 */
EXPORT void OF_TYPE(gather_series)(
    const REAL *planes, int64_t stride, int64_t n, int64_t pixels, int64_t length, int standardise, REAL *restrict group,
    REAL *samples, bool *present, bool *complete)
{
    for (int64_t start = 0; start < pixels; start += SIDE) {
        const int64_t count = smaller(SIDE, pixels - start);
        REAL *const rows = samples + start * length;
        double means[SIDE], scales[SIDE];
        OF_TYPE(gather_groups)(planes + start, stride, n, count, group, 1, 0);
        const bool whole = OF_TYPE(moments)(group, n, means, scales);
        memset(present + start * n, 1, (size_t)(count * n));
        memset(complete + start, 1, (size_t)count);
        if (!whole) OF_TYPE(gather_present)(group, n, count, length, rows, present + start * n, complete + start);
        if (standardise) OF_TYPE(standardise_group)(group, n, means, scales);
        OF_TYPE(transpose)(group, n, count, length, complete + start, rows);
        for (int64_t i = 0; i < count; i++) {
            if (standardise && !complete[start + i])
                OF_TYPE(standardise_row)(rows + i * length, present + (start + i) * n, n, 0);
            for (int64_t t = n; t < length; t++) rows[i * length + t] = 0;
        }
    }
}

/* The smallest of some numbers and another one; several at once, since each comparison would wait for the one before it. */
INLINE REAL OF_TYPE(smallest)(const REAL *values, int64_t count, REAL least)
{
    REAL found[AT_ONCE];
    for (int i = 0; i < AT_ONCE; i++) found[i] = least;
    int64_t k = 0;
    for (; k + AT_ONCE <= count; k += AT_ONCE)
        for (int i = 0; i < AT_ONCE; i++) found[i] = values[k + i] < found[i] ? values[k + i] : found[i];
    for (; k < count; k++) found[0] = values[k] < found[0] ? values[k] : found[0];
    for (int i = 0; i < AT_ONCE; i++) least = found[i] < least ? found[i] : least;
    return least;
}

/*
 * Fill the means, and one over the standard deviations, of rows without 0, 1, ... `count - 1` samples at the end, then at the start,
 * shape (pixels, 2, count), NaN where the variance is not above the least; and the largest scale of each row. Room: `totals`,
 * 5 count.
 */
EXPORT void OF_TYPE(shorten_series)(
    const REAL *samples, int64_t pixels, int64_t length, int64_t n, int64_t count, double least_variance, double *totals,
    REAL *means, REAL *scales, REAL *steepest)
{
    const REAL one = 1, least = (REAL)least_variance;
    double *restrict squares = totals + 2 * count, *restrict share = totals + 4 * count;
    for (int64_t less = 0; less < count; less++) share[less] = 1 / (double)(n - less);
    for (int64_t pixel = 0; pixel < pixels; pixel++) {
        const REAL *row = samples + pixel * length;
        const double total = OF_TYPE(sum)(row, n), square = OF_TYPE(sum_of_squares)(row, n, 0);
        /* Sums of both ends at once: each waits for its last addition only. */
        double start = 0, start_square = 0, end = 0, end_square = 0;
        for (int64_t less = 0; less < count; less++) {
            totals[less] = total - end;
            squares[less] = square - end_square;
            totals[count + less] = total - start;
            squares[count + less] = square - start_square;
            const double first = row[less], last = row[n - 1 - less];
            start += first;
            start_square += first * first;
            end += last;
            end_square += last * last;
        }
        REAL lowest = one;
        for (int side = 0; side < 2; side++) {
            REAL *restrict mean = means + (2 * pixel + side) * count, *restrict scale = scales + (2 * pixel + side) * count;
            const double *restrict sums = totals + side * count, *restrict sums_of_squares = squares + side * count;
            for (int64_t less = 0; less < count; less++) {
                const double average = sums[less] * share[less];
                mean[less] = (REAL)average;
                scale[less] = (REAL)(sums_of_squares[less] * share[less] - average * average);
            }
            lowest = OF_TYPE(smallest)(scale, count, lowest);
            for (int64_t less = 0; less < count; less++) {
                const REAL variance = scale[less];
                const REAL inverse = one / SQUARE_ROOT(variance > least ? variance : least);
                scale[less] = variance > least ? inverse : (REAL)NAN;
            }
        }
        steepest[pixel] = one / (REAL)sqrt(lowest > least ? lowest : least);
    }
}
