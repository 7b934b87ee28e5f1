/* Groups of SIDE pixels, one beside the other at each time, for one type of numbers, REAL. */

/* Fill `group`, shape (n, SIDE), from planes that are `stride` numbers apart, with 0 beyond `count` pixels; whether all is there. */
INLINE bool OF_TYPE(gather_group)(const REAL *planes, int64_t stride, int64_t n, int64_t count, REAL *restrict group)
{
    REAL unknown[SIDE] = {0}; /* 0, or NaN where something is missing */
    for (int64_t t = 0; t < n; t++) {
        const REAL *restrict plane = planes + t * stride;
        REAL *restrict row = group + t * SIDE;
        if (LIKELY(count == SIDE))
            memcpy(row, plane, SIDE * sizeof(REAL));
        else
            for (int64_t i = 0; i < SIDE; i++) row[i] = i < count ? plane[i] : 0;
        /* Of the next group: planes are too far apart for the processor to see it. */
        __builtin_prefetch(plane + SIDE);
        for (int i = 0; i < SIDE; i++) unknown[i] += row[i] - row[i];
    }
    int missing = 0;
    for (int i = 0; i < SIDE; i++) missing |= unknown[i] != 0;
    return !missing;
}

/* Centre and scale the complete pixels of a group, each by itself; NaN for a constant. */
static void OF_TYPE(standardise_group)(REAL *restrict group, int64_t n)
{
    double mean[SIDE] = {0}, squares[SIDE] = {0}, scale[SIDE];
    int differs[SIDE] = {0};
    for (int64_t t = 0; t < n; t++)
        for (int i = 0; i < SIDE; i++) {
            mean[i] += group[t * SIDE + i];
            differs[i] |= group[t * SIDE + i] != group[i];
        }
    for (int i = 0; i < SIDE; i++) mean[i] /= (double)n;
    for (int64_t t = 0; t < n; t++)
        for (int i = 0; i < SIDE; i++) {
            const double off = group[t * SIDE + i] - mean[i];
            squares[i] += off * off;
        }
    for (int i = 0; i < SIDE; i++) scale[i] = differs[i] && squares[i] > 0 ? 1 / sqrt(squares[i] / (double)n) : NAN;
    for (int64_t t = 0; t < n; t++)
        for (int i = 0; i < SIDE; i++) group[t * SIDE + i] = (REAL)((group[t * SIDE + i] - mean[i]) * scale[i]);
}
