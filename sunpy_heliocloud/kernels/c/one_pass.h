/* The functions of one_pass.c for one type of numbers, REAL. Rows have SIDE numbers. */
#include "group.h"
#include "fourier.h"
#include "peak.h"

/* Lags in steps: those that are asked for, and of these the ones that have enough pairs. */
struct OF_TYPE(lags) {
    int64_t first, last, first_enough, last_enough;
};

/* The row of sums at a lag: a transform of real numbers, with real and imaginary parts exchanged. */
INLINE const REAL *OF_TYPE(at_lag)(const REAL *sums, int64_t length, int64_t step)
{
    return sums + SIDE * ((step < 0 ? step + length : step) ^ 1);
}

/* The step at which each pixel's sum is largest, the smaller of two. */
static void OF_TYPE(steps_of_largest)(const REAL *sums, int64_t length, const struct OF_TYPE(lags) *lags, int64_t *steps)
{
    REAL best[SIDE];
    WHOLE at[SIDE];
    for (int i = 0; i < SIDE; i++) best[i] = -INFINITY, at[i] = 0;
    for (int64_t distance = 0; distance <= larger(-lags->first, lags->last); distance++)
        for (int sign = -1; sign <= 1; sign += 2) {
            const int64_t step = sign * distance;
            if (step < lags->first || step > lags->last) continue;
            const REAL *row = OF_TYPE(at_lag)(sums, length, step);
            for (int i = 0; i < SIDE; i++) {
                at[i] = row[i] > best[i] ? (WHOLE)step : at[i];
                best[i] = row[i] > best[i] ? row[i] : best[i];
            }
        }
    for (int i = 0; i < SIDE; i++) steps[i] = at[i];
}

/*
 * Covariances of the pairs, and products of their variances, NaN where one of these is not above the least, at lags of one sign: `x` is
 * without its end, `y` without its start. Lag zero is among the positive ones.
 */
static void OF_TYPE(covariances)(
    const REAL *x, const REAL *y, int64_t n, const REAL *sums, int64_t length, double unit, const struct OF_TYPE(lags) *lags, int sign,
    double least, REAL *restrict covariance, REAL *restrict product)
{
    const int64_t from = larger(sign < 0, sign * (sign < 0 ? lags->last_enough : lags->first_enough));
    const int64_t to = sign * (sign < 0 ? lags->first_enough : lags->last_enough);
    for (int part = 0; part < SIDE; part += LANES) {
        doubles x_sum = all(0), x_square = all(0), y_sum = all(0), y_square = all(0);
        for (int64_t less = 0; less <= to; less++) {
            if (less >= from) {
                const double share = 1 / (double)(n - less);
                const REAL *row = OF_TYPE(at_lag)(sums, length, sign * less);
                const doubles total = __builtin_convertvector(*(const REALS_ANYWHERE *)(row + part), doubles);
                const doubles x_mean = x_sum * share, y_mean = y_sum * share;
                const doubles x_variance = ((double)n - x_square) * share - x_mean * x_mean;
                const doubles y_variance = ((double)n - y_square) * share - y_mean * y_mean;
                const doubles both = choose((x_variance > least) & (y_variance > least), x_variance * y_variance, all(NAN));
                const int64_t at = SIDE * (sign * less - lags->first_enough) + part;
                *(REALS_ANYWHERE *)(covariance + at) =
                    __builtin_convertvector(total * (unit * share) - x_mean * y_mean, REALS_ANYWHERE);
                *(REALS_ANYWHERE *)(product + at) = __builtin_convertvector(both, REALS_ANYWHERE);
            }
            const doubles last = __builtin_convertvector(*(const REALS_ANYWHERE *)(x + SIDE * (n - 1 - less) + part), doubles);
            const doubles first = __builtin_convertvector(*(const REALS_ANYWHERE *)(y + SIDE * less + part), doubles);
            x_sum += last;
            y_sum += first;
            x_square = lanes_multiply_add(last, last, x_square);
            y_square = lanes_multiply_add(first, first, y_square);
        }
    }
}

/* Pearson's coefficient of the pairs at a lag, of one pixel's series. */
static REAL OF_TYPE(coefficient)(const REAL *a, const REAL *b, int64_t n, int64_t step)
{
    const int64_t count = n - (step < 0 ? -step : step);
    const REAL *x = a + SIDE * larger(0, -step), *y = b + SIDE * larger(0, step);
    const double number = (double)count;
    double x_total = 0, y_total = 0, x_square = 0, y_square = 0, product = 0;
    for (int64_t t = 0; t < count; t++) {
        const double one = x[SIDE * t], other = y[SIDE * t];
        x_total += one;
        y_total += other;
        product += one * other;
        x_square += one * one;
        y_square += other * other;
    }
    const double variances = (x_square - x_total * x_total / number) * (y_square - y_total * y_total / number);
    const double found = (product - x_total * y_total / number) / sqrt(variances);
    return (REAL)(found < -1 ? -1 : found > 1 ? 1 : found); /* NaN stays */
}

/* Coefficients of the overlaps at lags with enough pairs; where products of variances are below the steepest, of sums in doubles. */
static void OF_TYPE(normalize)(
    const REAL *a, const REAL *b, int64_t n, const REAL *sums, int64_t length, const struct OF_TYPE(lags) *lags, double least,
    double steepest, REAL *restrict correlation, REAL *restrict product)
{
    const int64_t count = lags->last_enough - lags->first_enough + 1;
    const double unit = 1 / (4 * (double)length);
    OF_TYPE(covariances)(a, b, n, sums, length, unit, lags, 1, least, correlation, product);
    OF_TYPE(covariances)(b, a, n, sums, length, unit, lags, -1, least, correlation, product);
    REAL lowest[SIDE];
    for (int i = 0; i < SIDE; i++) lowest[i] = 1;
    for (int64_t k = 0; k < count; k++)
        for (int i = 0; i < SIDE; i++) {
            const REAL variances = product[SIDE * k + i];
            REAL value = correlation[SIDE * k + i] / SQUARE_ROOT(variances);
            value = value > 1 ? 1 : value;
            correlation[SIDE * k + i] = value < -1 ? -1 : value;
            lowest[i] = variances < lowest[i] ? variances : lowest[i];
        }
    for (int i = 0; sizeof(REAL) < 8 && i < SIDE; i++)
        for (int64_t k = 0; lowest[i] < steepest && k < count; k++)
            if (product[SIDE * k + i] < steepest)
                correlation[SIDE * k + i] = OF_TYPE(coefficient)(a + i, b + i, n, k + lags->first_enough);
}

/* The tapered correlations. */
static void OF_TYPE(taper)(
    int64_t n, const REAL *sums, int64_t length, const struct OF_TYPE(lags) *lags, REAL *restrict correlation)
{
    const REAL unit = (REAL)(1 / (4 * (double)length * (double)n));
    for (int64_t step = lags->first_enough; step <= lags->last_enough; step++) {
        const REAL *row = OF_TYPE(at_lag)(sums, length, step);
        for (int i = 0; i < SIDE; i++) correlation[SIDE * (step - lags->first_enough) + i] = row[i] * unit;
    }
}

/*
 * Note the maxima of a group, see maxima.c. There is room for a row before and after the correlations.
 */
static void OF_TYPE(note_maxima)(
    REAL *correlation, const struct OF_TYPE(lags) *lags, const int64_t *tapered, double tolerance,
    const struct OF_TYPE(question) *question, REAL *maxima, int64_t side, int64_t pixels)
{
    const int64_t zero = -lags->first_enough, count = lags->last_enough + zero + 1;
    REAL largest[SIDE], threshold[SIDE];
    WHOLE missing[SIDE] = {0}, at[SIDE], ties[SIDE] = {0};
    for (int i = 0; i < SIDE; i++) {
        largest[i] = correlation[i - SIDE] = correlation[SIDE * count + i] = -INFINITY;
        at[i] = NO_STEP;
    }
    for (int64_t k = 0; k < count; k++)
        for (int i = 0; i < SIDE; i++) {
            const REAL value = correlation[SIDE * k + i];
            largest[i] = value > largest[i] ? value : largest[i];
            missing[i] += value != value;
        }
    for (int i = 0; i < SIDE; i++) threshold[i] = (REAL)(largest[i] - tolerance);
    for (int64_t distance = 0; distance <= larger(zero, count - 1 - zero); distance++)
        for (int sign = -1; sign <= 1; sign += 2) {
            const int64_t k = zero + sign * distance;
            if (k < 0 || k >= count || (!distance && sign > 0)) continue;
            const REAL *here = correlation + SIDE * k, *before = here - SIDE, *after = here + SIDE;
            const WHOLE step = (WHOLE)(sign * distance);
            for (int i = 0; i < SIDE; i++) {
                /* Written so that a missing neighbour is no larger. */
                const WHOLE is_maximum = (here[i] >= threshold[i]) & !(before[i] > here[i]) & !(after[i] > here[i]);
                ties[i] |= is_maximum & (at[i] == -step) & (step > 0);
                at[i] = is_maximum & (at[i] == NO_STEP) ? step : at[i];
            }
        }
    for (int64_t i = 0; i < side; i++)
        OF_TYPE(note_maximum)(correlation + i, SIDE, count, lags->first_enough, count - missing[i], largest[i], at[i] + zero, ties[i],
                              tapered ? tapered + i : NULL, question, maxima + i, pixels);
}

/*
 * Fill `maxima`, shape (pairs, 6, pixels), for pairs of series, and which pixels are complete: of others they are not defined.
 *
 * Series are planes, of shape (n, pixels), at `addresses`, `strides` numbers apart. They are padded to `length`, which is twice the
 * product of `radices`; `roots` are the complex exp(-2 pi i k / length). Lags are in steps: see the struct. `room` has space for
 * (2 series + 3) (length + 2) + 1 rows.
 */
EXPORT void OF_TYPE(lags_in_one_pass)(
    const int64_t *addresses, const int64_t *strides, int64_t series, int64_t n, int64_t pixels, const int64_t *pairs,
    int64_t n_pairs, int64_t length, const int64_t *radices, int64_t passes, const REAL *roots, int per_overlap,
    const int64_t *steps, double cadence, double tolerance, int keep_edges, double least, double steepest, REAL *room, REAL *maxima,
    bool *complete)
{
    const struct OF_TYPE(lags) lags = {steps[0], steps[1], steps[2], steps[3]};
    const int64_t rows = SIDE * (length + 2);
    REAL *const groups = (REAL *)(((uintptr_t)room + 63) & ~(uintptr_t)63), *const transforms = groups + series * rows;
    REAL *const sums = transforms + series * rows, *const spectrum = sums + rows, *const scratch = spectrum + rows;
    const struct OF_TYPE(question) question = {cadence, keep_edges, lags.last_enough - lags.first_enough + 1};
    for (int64_t start = 0; start < pixels; start += SIDE) {
        const int64_t side = smaller(SIDE, pixels - start);
        memset(complete + start, 1, (size_t)side);
        for (int64_t one = 0; one < series; one++) {
            REAL *group = groups + one * rows;
            const REAL *planes = (const REAL *)addresses[one] + start;
            if (!OF_TYPE(gather_group)(planes, strides[one], n, side, group))
                for (int64_t t = 0; t < n; t++)
                    for (int64_t i = 0; i < side; i++) complete[start + i] &= group[t * SIDE + i] - group[t * SIDE + i] == 0;
        }
        int64_t whole = 0;
        for (int64_t i = 0; i < side; i++) whole += complete[start + i];
        if (!whole) continue;
        for (int64_t one = 0; one < series; one++) {
            REAL *group = groups + one * rows;
            OF_TYPE(standardise_group)(group, n);
            memset(group + SIDE * n, 0, (size_t)(length - n) * SIDE * sizeof(REAL));
            OF_TYPE(transform)(group, transforms + one * rows, scratch, length / 2, radices, passes, roots);
        }
        for (int64_t pair = 0; pair < n_pairs; pair++) {
            const int64_t a = rows * pairs[2 * pair], b = rows * pairs[2 * pair + 1];
            int64_t tapered[SIDE];
            OF_TYPE(cross)(transforms + a, transforms + b, spectrum, length, roots);
            OF_TYPE(transform)(spectrum, sums, scratch, length / 2, radices, passes, roots);
            if (per_overlap) {
                OF_TYPE(steps_of_largest)(sums, length, &lags, tapered);
                OF_TYPE(normalize)(groups + a, groups + b, n, sums, length, &lags, least, steepest, scratch + SIDE, spectrum);
            } else
                OF_TYPE(taper)(n, sums, length, &lags, scratch + SIDE);
            OF_TYPE(note_maxima)(scratch + SIDE, &lags, per_overlap ? tapered : NULL, tolerance, &question,
                                 maxima + pair * 6 * pixels + start, side, pixels);
        }
    }
}
