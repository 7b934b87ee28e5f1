/* Groups of SIDE pixels, one beside the other at each time, for one type of numbers, REAL. */

/*
 * Fill so many groups, `apart` numbers from each other and of shape (n, SIDE), from planes that are `stride` numbers apart, with 0
 * beyond `count` pixels. Several at once, since planes are too far apart for the processor to fetch what comes next.
 */
INLINE void OF_TYPE(gather_groups)(
    const REAL *planes, int64_t stride, int64_t n, int64_t count, REAL *restrict groups, int64_t number, int64_t apart)
{
    for (int64_t t = 0; t < n; t++)
        for (int64_t group = 0; group < number; group++) {
            const REAL *restrict from = planes + t * stride + group * SIDE;
            REAL *restrict row = groups + group * apart + t * SIDE;
            const int64_t side = count - group * SIDE;
            if (LIKELY(side >= SIDE))
                memcpy(row, from, SIDE * sizeof(REAL));
            else
                for (int64_t i = 0; i < SIDE; i++) row[i] = i < side ? from[i] : 0;
        }
}

/*
 * Means, and one over the standard deviations, of a group's pixels, from sums of differences from the first sample; NaN for a constant,
 * and where something is missing. Returns whether nothing is.
 */
static bool OF_TYPE(moments)(const REAL *group, int64_t n, double *means, double *scales)
{
    enum { AT_ONCE = SIDE / LANES < 4 ? SIDE / LANES : 4 };
    bool whole = true;
    for (int part = 0; part < SIDE; part += AT_ONCE * LANES) {
        doubles first[AT_ONCE], sum[AT_ONCE], square[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++) {
            first[i] = OF_TYPE(doubles_at)(group + part + i * LANES);
            sum[i] = square[i] = all(0);
        }
        for (int64_t t = 0; t < n; t++)
#pragma GCC unroll 4
            for (int i = 0; i < AT_ONCE; i++) {
                const doubles off = OF_TYPE(doubles_at)(group + t * SIDE + part + i * LANES) - first[i];
                sum[i] += off;
                square[i] = lanes_multiply_add(off, off, square[i]);
            }
        for (int i = 0; i < AT_ONCE * LANES; i++) {
            const double mean = sum[i / LANES][i % LANES] / (double)n;
            const double variance = square[i / LANES][i % LANES] / (double)n - mean * mean;
            means[part + i] = first[i / LANES][i % LANES] + mean;
            scales[part + i] = variance > 0 ? 1 / sqrt(variance) : NAN;
            whole &= mean - mean == 0;
        }
    }
    return whole;
}

/* Centre and scale a group. */
static void OF_TYPE(standardise_group)(REAL *group, int64_t n, const double *means, const double *scales)
{
    for (int part = 0; part < SIDE; part += 2 * LANES) {
        const doubles mean[] = {load(means + part), load(means + part + LANES)};
        const doubles scale[] = {load(scales + part), load(scales + part + LANES)};
        for (int64_t t = 0; t < n; t++)
#pragma GCC unroll 2
            for (int i = 0; i < 2; i++) {
                REAL *at = group + t * SIDE + part + i * LANES;
                OF_TYPE(put_doubles)(at, (OF_TYPE(doubles_at)(at) - mean[i]) * scale[i]);
            }
    }
}
