/* The functions of overlap.c for one type of numbers, REAL. */

/* The smallest of the steps, of which that of lag zero is given, at which a row is largest. */
static int64_t OF_TYPE(step_of_largest)(const REAL *row, int64_t count, int64_t zero)
{
    enum { AT_ONCE = 8 };
    REAL best[AT_ONCE], largest = row[0];
    int64_t k = 0;
    for (int i = 0; i < AT_ONCE; i++) best[i] = row[0];
    for (; k + AT_ONCE <= count; k += AT_ONCE)
        for (int i = 0; i < AT_ONCE; i++) best[i] = row[k + i] > best[i] ? row[k + i] : best[i];
    for (; k < count; k++) largest = row[k] > largest ? row[k] : largest;
    for (int i = 0; i < AT_ONCE; i++) largest = best[i] > largest ? best[i] : largest;
    for (int64_t distance = 0; distance <= larger(zero < 0 ? -zero : zero, count < zero ? zero - count : count - zero); distance++) {
        if (zero >= distance && zero - distance < count && row[zero - distance] == largest) return -distance;
        if (zero + distance >= 0 && zero + distance < count && row[zero + distance] == largest) return distance;
    }
    return 0;
}

/* Coefficients, between -1 and 1, of `count` sums, from the overlap on that is shorter by `less`; backwards or not. */
INLINE void OF_TYPE(divide)(
    REAL *restrict row, int64_t count, const REAL *restrict share, const REAL *restrict a_mean, const REAL *restrict a_scale,
    const REAL *restrict b_mean, const REAL *restrict b_scale)
{
    for (int64_t k = 0; k < count; k++) {
        REAL coefficient = (row[k] * share[k] - a_mean[k] * b_mean[k]) * (a_scale[k] * b_scale[k]);
        coefficient = coefficient > 1 ? 1 : coefficient;
        row[k] = coefficient < -1 ? -1 : coefficient;
    }
}

static void OF_TYPE(sum_again)(
    REAL *row, const REAL *a, const REAL *b, int64_t n, const REAL *a_scale, int64_t a_count, const REAL *b_scale,
    int64_t b_count, double steep, int64_t zero, int64_t start, int64_t stop)
{
    for (int64_t k = start; k < stop; k++) {
        const int64_t step = k - zero, less = step < 0 ? -step : step, side = step < 0;
        if (!(a_scale[side * a_count + less] * b_scale[(1 - side) * b_count + less] > steep)) continue;
        const REAL *x = a + larger(0, -step), *y = b + larger(0, step);
        const double number = (double)(n - less);
        double x_total = 0, y_total = 0, x_square = 0, y_square = 0, product = 0;
        for (int64_t t = 0; t < n - less; t++) {
            x_total += x[t];
            y_total += y[t];
            product += (double)x[t] * y[t];
            x_square += (double)x[t] * x[t];
            y_square += (double)y[t] * y[t];
        }
        const double variances = (x_square - x_total * x_total / number) * (y_square - y_total * y_total / number);
        const double coefficient = (product - x_total * y_total / number) / sqrt(variances);
        /* NaN stays. */
        row[k] = (REAL)(coefficient < -1 ? -1 : coefficient > 1 ? 1 : coefficient);
    }
}

/*
 * Make coefficients of the sums, shape (pixels, count), at lags from `first_step` on, up to `most` either way, NaN beyond; and
 * note the steps at which the sums are largest, if there is room for them. Scales have the shape (pixels, 2, scales); `share` is
 * one over the number of pairs, shorter by 0, 1, ... `most`; `backwards` has room for a row.
 */
EXPORT void OF_TYPE(normalize_overlap)(
    REAL *sums, int64_t pixels, int64_t count, int64_t first_step, int64_t most, int64_t n, int64_t length, const REAL *share,
    const REAL *a_samples, const REAL *a_means, const REAL *a_scales, const REAL *a_steepest, int64_t a_count,
    const REAL *b_samples, const REAL *b_means, const REAL *b_scales, const REAL *b_steepest, int64_t b_count, double steep,
    REAL *restrict backwards, int64_t *steps_of_largest)
{
    /* Where lags of one sign and enough pairs start and stop. */
    const int64_t zero = -first_step, start = larger(0, zero - most), stop = larger(0, smaller(count, zero + most + 1));
    const int64_t middle = smaller(larger(start, zero), stop), negative = middle - start;
    for (int64_t pixel = 0; pixel < pixels; pixel++) {
        REAL *row = sums + pixel * count;
        const REAL *a_mean = a_means + 2 * pixel * a_count, *a_scale = a_scales + 2 * pixel * a_count;
        const REAL *b_mean = b_means + 2 * pixel * b_count, *b_scale = b_scales + 2 * pixel * b_count;
        if (steps_of_largest) steps_of_largest[pixel] = OF_TYPE(step_of_largest)(row, count, zero);
        for (int64_t k = 0; k < smaller(start, count); k++) row[k] = NAN;
        for (int64_t k = stop; k < count; k++) row[k] = NAN;
        /* The first series without its start and the second without its end; then the other way round. */
        int64_t less = zero - middle + 1;
        for (int64_t k = 0; k < negative; k++) backwards[k] = row[middle - 1 - k];
        OF_TYPE(divide)(backwards, negative, share + less, a_mean + a_count + less, a_scale + a_count + less, b_mean + less,
                        b_scale + less);
        for (int64_t k = 0; k < negative; k++) row[middle - 1 - k] = backwards[k];
        less = middle - zero;
        OF_TYPE(divide)(row + middle, stop - middle, share + less, a_mean + less, a_scale + less, b_mean + b_count + less,
                        b_scale + b_count + less);
        if (sizeof(REAL) < 8 && a_steepest[pixel] * b_steepest[pixel] > steep)
            OF_TYPE(sum_again)(row, a_samples + pixel * length, b_samples + pixel * length, n, a_scale, a_count, b_scale, b_count,
                               steep, zero, start, stop);
    }
}
