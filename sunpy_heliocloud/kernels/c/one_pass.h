/* The functions of one_pass.c for one type of numbers, REAL. Rows have SIDE numbers. */
#include "vectors.h"
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
    const int64_t farthest = larger(-lags->first, lags->last);
    for (int part = 0; part < SIDE; part += OF_TYPE(WIDTH)) {
        NUMBERS best = (NUMBERS){0} - INFINITY;
        WHOLES at = {0};
        for (int64_t distance = 0; distance <= farthest; distance++)
            for (int sign = -1; sign <= 1; sign += 2) {
                const int64_t step = sign * distance;
                if (step < lags->first || step > lags->last) continue;
                const NUMBERS value = OF_TYPE(numbers_at)(OF_TYPE(at_lag)(sums, length, step) + part);
                const WHOLES is_larger = value > best;
                at = (is_larger & (WHOLE)step) | (~is_larger & at);
                best = OF_TYPE(most_of)(value, best);
            }
        for (int i = 0; i < OF_TYPE(WIDTH); i++) steps[part + i] = at[i];
    }
}

/*
 * Covariances of m pairs, times m^2, and products of their variances, times m^4, at lags of one sign: `x` is without its end, `y`
 * without its start. Lag zero is among the positive ones.
 */
INLINE void OF_TYPE(covariances)(
    const REAL *x, const REAL *y, int64_t n, const REAL *sums, int64_t length, const struct OF_TYPE(lags) *lags, int sign,
    REAL *restrict covariance, REAL *restrict product)
{
    const int64_t from = larger(sign < 0, sign * (sign < 0 ? lags->last_enough : lags->first_enough));
    const int64_t to = sign * (sign < 0 ? lags->first_enough : lags->last_enough);
    const double unit = 1 / (4 * (double)length);
    for (int part = 0; part < SIDE; part += LANES) {
        /* Sums outside of the overlap, and of squares within. */
        doubles x_sum = all(0), x_square = all((double)n), y_sum = all(0), y_square = all((double)n);
        for (int64_t less = 0; less <= to; less++) {
            if (LIKELY(less >= from)) {
                const double pairs = (double)(n - less);
                const int64_t at = SIDE * (sign * less - lags->first_enough) + part;
                const doubles x_variance = lanes_multiply_add(-x_sum, x_sum, x_square * pairs);
                const doubles y_variance = lanes_multiply_add(-y_sum, y_sum, y_square * pairs);
                const doubles total = OF_TYPE(doubles_at)(OF_TYPE(at_lag)(sums, length, sign * less) + part) * (unit * pairs);
                OF_TYPE(put_doubles)(covariance + at, lanes_multiply_add(-x_sum, y_sum, total));
                OF_TYPE(put_doubles)(product + at, x_variance * y_variance);
            }
            const doubles last = OF_TYPE(doubles_at)(x + SIDE * (n - 1 - less) + part);
            const doubles first = OF_TYPE(doubles_at)(y + SIDE * less + part);
            x_sum += last;
            y_sum += first;
            x_square = lanes_multiply_add(-last, last, x_square);
            y_square = lanes_multiply_add(-first, first, y_square);
        }
    }
}

/* Pearson's coefficient of the pairs at a lag, of one pixel's series; NaN where a variance is not above the least. */
static REAL OF_TYPE(coefficient)(const REAL *a, const REAL *b, int64_t n, int64_t step, double least)
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
    const double x_variance = x_square - x_total * x_total / number, y_variance = y_square - y_total * y_total / number;
    if (!(x_variance > least * number && y_variance > least * number)) return NAN;
    const double found = (product - x_total * y_total / number) / sqrt(x_variance * y_variance);
    return (REAL)(found < -1 ? -1 : found > 1 ? 1 : found);
}

/* Coefficients of the overlaps at lags with enough pairs; where the products are below their `limits`, of sums in doubles. */
static void OF_TYPE(normalize)(
    const REAL *a, const REAL *b, int64_t n, const REAL *sums, int64_t length, const struct OF_TYPE(lags) *lags, double least,
    const REAL *limits, REAL *restrict correlation, REAL *restrict product)
{
    const int64_t count = lags->last_enough - lags->first_enough + 1;
    WHOLE is_below[SIDE];
    OF_TYPE(covariances)(a, b, n, sums, length, lags, 1, correlation, product);
    OF_TYPE(covariances)(b, a, n, sums, length, lags, -1, correlation, product);
    for (int part = 0; part < SIDE; part += OF_TYPE(WIDTH)) {
        const NUMBERS one = (NUMBERS){0} + 1;
        WHOLES below = {0};
        for (int64_t k = 0; k < count; k++) {
            REAL *at = correlation + SIDE * k + part;
            const NUMBERS variances = OF_TYPE(numbers_at)(product + SIDE * k + part);
            const NUMBERS value = OF_TYPE(numbers_at)(at) / OF_TYPE(square_roots)(variances);
            OF_TYPE(put_numbers)(at, OF_TYPE(most_of)(-one, OF_TYPE(least_of)(one, value)));
            below |= variances < limits[k];
        }
        for (int i = 0; i < OF_TYPE(WIDTH); i++) is_below[part + i] = below[i];
    }
    for (int i = 0; i < SIDE; i++)
        for (int64_t k = 0; is_below[i] && k < count; k++)
            if (product[SIDE * k + i] < limits[k])
                correlation[SIDE * k + i] = OF_TYPE(coefficient)(a + i, b + i, n, k + lags->first_enough, least);
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
    const int64_t farthest = larger(zero, count - 1 - zero);
    REAL largest[SIDE];
    WHOLE missing[SIDE], at[SIDE], ties[SIDE];
    for (int i = 0; i < SIDE; i++) correlation[i - SIDE] = correlation[SIDE * count + i] = -INFINITY;
    for (int part = 0; part < SIDE; part += OF_TYPE(WIDTH)) {
        NUMBERS best = (NUMBERS){0} - INFINITY;
        WHOLES gaps = {0}, found = {0}, tied = {0}, step_found = {0};
        for (int64_t k = 0; k < count; k++) {
            const NUMBERS value = OF_TYPE(numbers_at)(correlation + SIDE * k + part);
            best = OF_TYPE(most_of)(value, best);
            gaps += value != value;
        }
        const NUMBERS threshold = best - (REAL)tolerance;
        for (int64_t distance = 0; distance <= farthest; distance++)
            for (int sign = -1; sign <= 1; sign += 2) {
                const int64_t k = zero + sign * distance;
                if (k < 0 || k >= count || (!distance && sign > 0)) continue;
                const REAL *row = correlation + SIDE * k + part;
                const NUMBERS here = OF_TYPE(numbers_at)(row);
                const NUMBERS before = OF_TYPE(numbers_at)(row - SIDE), after = OF_TYPE(numbers_at)(row + SIDE);
                const WHOLE step = (WHOLE)(sign * distance);
                /* Written so that a missing neighbour is no larger. */
                const WHOLES is_maximum = (here >= threshold) & ~(before > here) & ~(after > here);
                if (sign > 0) tied |= is_maximum & found & (step_found == -step);
                step_found |= is_maximum & ~found & step;
                found |= is_maximum;
            }
        OF_TYPE(put_numbers)(largest + part, best);
        for (int i = 0; i < OF_TYPE(WIDTH); i++) {
            missing[part + i] = -gaps[i];
            ties[part + i] = tied[i];
            at[part + i] = step_found[i];
        }
    }
    for (int64_t i = 0; i < side; i++)
        OF_TYPE(note_maximum)(correlation + i, SIDE, count, lags->first_enough, count - missing[i], largest[i], at[i] + zero, ties[i] != 0,
                              tapered ? tapered + i : NULL, question, maxima + i, pixels);
}

/* Mark pixels of which something is missing as not complete; the number of those that were. */
static int64_t OF_TYPE(mark_missing)(const REAL *group, int64_t n, int64_t side, bool *complete)
{
    int64_t marked = 0;
    for (int64_t i = 0; i < side; i++) {
        bool there = true;
        for (int64_t t = 0; t < n; t++) there &= group[t * SIDE + i] - group[t * SIDE + i] == 0;
        marked += complete[i] && !there;
        complete[i] &= there;
    }
    return marked;
}

/*
 * Fill `maxima`, shape (pairs, 6, pixels), for pairs of series, and which pixels are complete: of others they are not defined.
 *
 * Series are planes, of shape (n, pixels), at `addresses`, `strides` numbers apart. They are padded to `length`, which is twice the
 * product of `radices`; `roots` are the complex exp(-2 pi i k / length). Lags are in steps: see the struct. So many groups are
 * gathered at once; `room` has space for ((at_once + 1) series + 4) (length + 2) + 1 rows.
 */
EXPORT void OF_TYPE(lags_in_one_pass)(
    const int64_t *addresses, const int64_t *strides, int64_t series, int64_t n, int64_t pixels, const int64_t *pairs,
    int64_t n_pairs, int64_t length, const int64_t *radices, int64_t passes, const REAL *roots, int per_overlap,
    const int64_t *steps, double cadence, double tolerance, int keep_edges, double least, double steepest, int64_t at_once, REAL *room, REAL *maxima,
    bool *complete)
{
    const struct OF_TYPE(lags) lags = {steps[0], steps[1], steps[2], steps[3]};
    const int64_t rows = SIDE * (length + 2), apart = at_once * rows;
    REAL *const groups = (REAL *)(((uintptr_t)room + 63) & ~(uintptr_t)63), *const transforms = groups + series * apart;
    REAL *const sums = transforms + series * rows, *const spectrum = sums + rows, *const scratch = spectrum + rows;
    REAL *const limits = scratch + rows;
    for (int64_t step = lags.first_enough; step <= lags.last_enough; step++)
        limits[step - lags.first_enough] = (REAL)(steepest * pow((double)(n - (step < 0 ? -step : step)), 4));
    const struct OF_TYPE(question) question = {cadence, keep_edges, lags.last_enough - lags.first_enough + 1};
    for (int64_t start = 0; start < pixels; start += SIDE) {
        const int64_t side = smaller(SIDE, pixels - start), number = start / SIDE % at_once;
        REAL *const these = groups + number * rows;
        if (!number)
            for (int64_t one = 0; one < series; one++)
                OF_TYPE(gather_groups)((const REAL *)addresses[one] + start, strides[one], n, pixels - start, groups + one * apart,
                                       smaller(at_once, (pixels - start + SIDE - 1) / SIDE), rows);
        memset(complete + start, 1, (size_t)side);
        int64_t whole = side;
        for (int64_t one = 0; one < series; one++) {
            REAL *group = these + one * apart;
            double means[SIDE], scales[SIDE];
            if (!OF_TYPE(moments)(group, n, means, scales)) whole -= OF_TYPE(mark_missing)(group, n, side, complete + start);
            if (whole <= 0) break;
            OF_TYPE(standardise_group)(group, n, means, scales);
            memset(group + SIDE * n, 0, (size_t)(length - n) * SIDE * sizeof(REAL));
            OF_TYPE(transform)(group, transforms + one * rows, scratch, length / 2, radices, passes, roots);
        }
        for (int64_t pair = 0; whole > 0 && pair < n_pairs; pair++) {
            const int64_t first = pairs[2 * pair], second = pairs[2 * pair + 1];
            const REAL *a = these + first * apart, *b = these + second * apart;
            int64_t tapered[SIDE];
            OF_TYPE(cross)(transforms + first * rows, transforms + second * rows, spectrum, length, roots);
            OF_TYPE(transform)(spectrum, sums, scratch, length / 2, radices, passes, roots);
            if (per_overlap) {
                OF_TYPE(steps_of_largest)(sums, length, &lags, tapered);
                OF_TYPE(normalize)(a, b, n, sums, length, &lags, least, limits, scratch + SIDE, spectrum);
            } else
                OF_TYPE(taper)(n, sums, length, &lags, scratch + SIDE);
            OF_TYPE(note_maxima)(scratch + SIDE, &lags, per_overlap ? tapered : NULL, tolerance, &question,
                                 maxima + pair * 6 * pixels + start, side, pixels);
        }
    }
}
