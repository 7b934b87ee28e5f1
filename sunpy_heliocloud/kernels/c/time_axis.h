/* The functions of time_axis.c for one type of numbers, REAL. */

typedef struct {
    const REAL *values;
    const double *times;
    int64_t count, pixels;
    double max_gap;
} OF_TYPE(Planes);

INLINE REAL OF_TYPE(sample)(const OF_TYPE(Planes) *planes, int64_t plane, int64_t pixel)
{
    return planes->values[plane * planes->pixels + pixel];
}

INLINE bool OF_TYPE(is_missing)(const OF_TYPE(Planes) *planes, int64_t plane, int64_t pixel)
{
    return !isfinite(OF_TYPE(sample)(planes, plane, pixel));
}

/*
 * The first sample of the pixel that is there, from a plane on, backwards or forwards; -1 or their number if there is none. The
 * search ends at the longest gap from a time, so that pixels that are always missing do not cost a long search.
 */
INLINE int64_t OF_TYPE(before)(const OF_TYPE(Planes) *planes, int64_t pixel, int64_t plane, double time)
{
    while (plane >= 0 && time - planes->times[plane] <= planes->max_gap && OF_TYPE(is_missing)(planes, plane, pixel)) plane--;
    return plane;
}

INLINE int64_t OF_TYPE(after)(const OF_TYPE(Planes) *planes, int64_t pixel, int64_t plane, double time)
{
    while (plane < planes->count && planes->times[plane] - time <= planes->max_gap &&
           OF_TYPE(is_missing)(planes, plane, pixel))
        plane++;
    return plane;
}

static REAL OF_TYPE(linear_across_missing)(
    const OF_TYPE(Planes) *planes, int64_t pixel, double time, int64_t first, int64_t second, bool nearest)
{
    const double *times = planes->times;
    first = OF_TYPE(before)(planes, pixel, first, time);
    second = OF_TYPE(after)(planes, pixel, second, time);
    if (first < 0 || second == planes->count || times[second] - times[first] > planes->max_gap) return NAN;
    double weight = (time - times[first]) / (times[second] - times[first]);
    if (nearest) weight = weight > 0.5;
    return (REAL)(OF_TYPE(sample)(planes, first, pixel) * (1 - weight) + OF_TYPE(sample)(planes, second, pixel) * weight);
}

/*
 * Fill `result`, a row for each of the new times, which lie between the samples `firsts` and `seconds`, with the latter's
 * weight; NaN where the first is -1.
 */
EXPORT void OF_TYPE(interpolate_linear)(
    const REAL *values, const double *times, int64_t count, int64_t pixels, double max_gap, const double *new_times,
    const int64_t *firsts, const int64_t *seconds, const double *weights, int64_t new_count, int nearest, REAL *result)
{
    const OF_TYPE(Planes) planes = {values, times, count, pixels, max_gap};
    for (int64_t start = 0; start < pixels; start += TOGETHER) {
        const int64_t length = smaller(TOGETHER, pixels - start);
        for (int64_t k = 0; k < new_count; k++) {
            REAL *restrict out = result + k * pixels + start;
            if (firsts[k] < 0) {
                for (int64_t i = 0; i < length; i++) out[i] = NAN;
                continue;
            }
            const REAL *restrict first = values + firsts[k] * pixels + start, *restrict second = values + seconds[k] * pixels + start;
            const REAL weight = (REAL)weights[k], rest = 1 - weight;
            int missing = 0;
            for (int64_t i = 0; i < length; i++) {
                /* A missing sample with weight 0 also gives NaN, since 0 * NaN is NaN. */
                out[i] = first[i] * rest + second[i] * weight;
                missing |= !(out[i] - out[i] == 0);
            }
            for (int64_t i = 0; missing && i < length; i++)
                if (!isfinite(out[i]))
                    out[i] = OF_TYPE(linear_across_missing)(&planes, start + i, new_times[k], firsts[k], seconds[k], nearest);
        }
    }
}

/* Of the pixel, between the samples `i` and `j`, with those before and after if no long gap divides them. */
INLINE REAL OF_TYPE(cubic_between)(
    const OF_TYPE(Planes) *planes, int64_t pixel, double time, int64_t h, int64_t i, int64_t j, int64_t g)
{
    const double *times = planes->times;
    const REAL first = OF_TYPE(sample)(planes, i, pixel), second = OF_TYPE(sample)(planes, j, pixel);
    Cubic cubic = {.first = first, .length = times[j] - times[i]};
    cubic.slope = (second - first) / cubic.length;
    cubic.has_left = h >= 0 && times[i] - times[h] <= planes->max_gap;
    cubic.has_right = g < planes->count && times[g] - times[j] <= planes->max_gap;
    if (cubic.has_left) {
        cubic.left_length = times[i] - times[h];
        cubic.left = (first - OF_TYPE(sample)(planes, h, pixel)) / cubic.left_length;
    }
    if (cubic.has_right) {
        cubic.right_length = times[g] - times[j];
        cubic.right = (OF_TYPE(sample)(planes, g, pixel) - second) / cubic.right_length;
    }
    return (REAL)cubic_at(&cubic, time - times[i]);
}

static REAL OF_TYPE(cubic_of_pixel)(const OF_TYPE(Planes) *planes, int64_t pixel, double time, int64_t i, int64_t j)
{
    const double *times = planes->times;
    if (i == j) {
        if (!OF_TYPE(is_missing)(planes, i, pixel)) return OF_TYPE(sample)(planes, i, pixel);
        i--;
        j++;
    }
    i = OF_TYPE(before)(planes, pixel, i, time);
    j = OF_TYPE(after)(planes, pixel, j, time);
    if (i < 0 || j >= planes->count || times[j] - times[i] > planes->max_gap) return NAN;
    const int64_t h = OF_TYPE(before)(planes, pixel, i - 1, times[i]), g = OF_TYPE(after)(planes, pixel, j + 1, times[j]);
    return OF_TYPE(cubic_between)(planes, pixel, time, h, i, j, g);
}

/* As interpolate_linear. */
EXPORT void OF_TYPE(interpolate_cubic)(
    const REAL *values, const double *times, int64_t count, int64_t pixels, double max_gap, const double *new_times,
    const int64_t *firsts, const int64_t *seconds, int64_t new_count, REAL *result)
{
    const OF_TYPE(Planes) planes = {values, times, count, pixels, max_gap};
    for (int64_t start = 0; start < pixels; start += TOGETHER)
        for (int64_t k = 0; k < new_count; k++) {
            const int64_t i = firsts[k], j = seconds[k], h = larger(i - 1, 0), g = smaller(j + 1, count - 1);
            const int64_t stop = smaller(start + TOGETHER, pixels);
            REAL *out = result + k * pixels;
            for (int64_t pixel = start; pixel < stop; pixel++) {
                if (i < 0) {
                    out[pixel] = NAN;
                    continue;
                }
                const REAL sum = OF_TYPE(sample)(&planes, h, pixel) + OF_TYPE(sample)(&planes, i, pixel) +
                                 OF_TYPE(sample)(&planes, j, pixel) + OF_TYPE(sample)(&planes, g, pixel);
                out[pixel] = i < j && isfinite(sum)
                                 ? OF_TYPE(cubic_between)(&planes, pixel, new_times[k], i - 1, i, j, j + 1)
                                 : OF_TYPE(cubic_of_pixel)(&planes, pixel, new_times[k], i, j);
            }
        }
}

static REAL OF_TYPE(mean_of_present)(
    const OF_TYPE(Planes) *planes, int64_t pixel, double start, double stop, double *weights, int64_t *there)
{
    int64_t count = 0, first, last;
    for (int64_t plane = 0; plane < planes->count; plane++) /* nothing beyond the longest gap counts */
        if (planes->times[plane] >= start - planes->max_gap && planes->times[plane] <= stop + planes->max_gap &&
            !OF_TYPE(is_missing)(planes, plane, pixel))
            there[count++] = plane;
    if (!weigh(planes->times, there, count, start, stop, planes->max_gap, weights, &first, &last)) return NAN;
    double mean = 0;
    for (int64_t k = first; k <= last; k++) mean += weights[there[k]] * OF_TYPE(sample)(planes, there[k], pixel);
    return (REAL)mean;
}

/*
 * Fill `result`, a row for each step, with means over it; NaN where it is uncovered. `work` and `there` have room for a number
 * for each plane.
 */
EXPORT void OF_TYPE(average_steps)(
    const REAL *values, const double *times, int64_t count, int64_t pixels, double max_gap, const double *starts,
    const double *stops, const bool *uncovered, int64_t steps, double *work, int64_t *there, REAL *result)
{
    const OF_TYPE(Planes) planes = {values, times, count, pixels, max_gap};
    for (int64_t k = 0; k < steps; k++) {
        REAL *out = result + k * pixels;
        int64_t first, last;
        for (int64_t plane = 0; plane < count; plane++) there[plane] = plane;
        const bool is_known =
            !uncovered[k] && weigh(times, there, count, starts[k], stops[k], max_gap, work, &first, &last);
        for (int64_t i = 0; i < pixels; i++) out[i] = is_known ? 0 : NAN;
        if (!is_known) continue;
        for (int64_t start = 0; start < pixels; start += TOGETHER) {
            const int64_t length = smaller(TOGETHER, pixels - start);
            REAL *restrict part = out + start;
            for (int64_t plane = first; plane <= last; plane++) {
                const REAL *restrict row = values + plane * pixels + start, weight = (REAL)work[plane];
                for (int64_t i = 0; i < length; i++) part[i] += row[i] * weight;
            }
        }
        for (int64_t i = 0; i < pixels; i++)
            if (!isfinite(out[i])) out[i] = OF_TYPE(mean_of_present)(&planes, i, starts[k], stops[k], work, there);
    }
}
