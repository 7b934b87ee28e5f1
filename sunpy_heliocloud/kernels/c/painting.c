/*
 * Light of the simulated Sun (sunpy_heliocloud/simulation/painting.py), in counts.
 *
 * A pixel looks along a line that meets the Sun, a sphere of radius 1, at heliographic latitude B and longitude L; at the time of
 * reference the point was at L + offset - (a + b sin^2 B + c sin^4 B). There the surface shows
 *
 *     60 (1 + texture) + counts exp(-(distance / radius)^2) (1/4 + 3/4 texture) light(time - delay),
 *
 * with the angle between the point and the centre of the active region, and a delay that grows with the longitude and the
 * latitude from there; beyond the limb 60 exp((1 - r) / 0.07) at r radii of the disk's limb. Photons are counted: a Poisson number,
 * by transformed rejection (Hoermann 1993, Insurance: Mathematics and Economics 12, 39), as numpy draws it.
 */
#include "elementary.h"

static const double QUIET_COUNTS = 60, HALO_WIDTH = 0.07, HALO_END = 1.3;
static const double REGION_END = 3; /* radii of the region */

enum { TOGETHER = 128 }; /* pixels of a row; a multiple of LANES */

/* An image's pixels, and the observer: angles in radians, the distance in solar radii. */
typedef struct {
    double scale, center_x, center_y, longitude, sin_latitude, cos_latitude, distance;
} View;

typedef struct {
    double offset, a, b, c;
} Motion;

/* At the time of reference: angles in radians, counts, how much of the delay applies. */
typedef struct {
    double longitude, latitude, radius, counts, delay, cosine; /* of the latitude */
} Region;

/* A square patch that repeats; its number of cells on a side is a power of two. */
typedef struct {
    const double *values;
    int64_t cells;
    double cell;
} Texture;

typedef struct {
    const double *values;
    double start, step;
} Curve;

/* Uniform numbers from 0 to 1, of numpy. */
typedef struct {
    double (*next)(void *state);
    void *state;
} Random;

typedef struct {
    double longitude[TOGETHER], latitude[TOGETHER], cosine[TOGETHER], radius[TOGETHER]; /* cosine of the latitude */
} Points;

/* Longitude at the time of reference, latitude, and distance from the disk's centre in units of the limb's; NaN off the disk. */
INLINE void points_in_lanes(const View *view, const Motion *motion, doubles x, double y, Points *points, int m)
{
    const double distance = view->distance, beyond = distance * distance - 1;
    doubles west = (x - all(view->center_x)) * all(view->scale);
    doubles north = all((y - view->center_y) * view->scale);
    doubles square = west * west + north * north;
    store(points->radius + m, lanes_square_root(square * all(beyond)));
    doubles root = all(distance * distance) - (all(1) + square) * all(beyond);
    integers is_on_disk = root >= all(0);
    /* Where the line of sight of this pixel meets the sphere first, seen from its centre. */
    doubles along = (all(distance) - lanes_square_root(choose(is_on_disk, root, all(0)))) / (all(1) + square);
    west *= along;
    north *= along;
    doubles near = all(distance) - along;
    doubles sine = north * all(view->cos_latitude) + near * all(view->sin_latitude);
    doubles toward = near * all(view->cos_latitude) - north * all(view->sin_latitude);
    /* Half angles: the arc tangent of a fraction has no quadrants. */
    doubles longitude = all(2) * lanes_arctan(west / (lanes_square_root(west * west + toward * toward) + toward));
    doubles cosine = lanes_square_root(all(1) - sine * sine);
    doubles latitude = all(2) * lanes_arctan(sine / (all(1) + cosine));
    store(points->cosine + m, cosine);
    sine *= sine;
    doubles turn = all(motion->a) + sine * (all(motion->b) + sine * all(motion->c));
    longitude += all(view->longitude) + all(motion->offset) - turn;
    store(points->longitude + m, choose(is_on_disk, longitude, all(NAN)));
    store(points->latitude + m, choose(is_on_disk, latitude, all(NAN)));
}

/* Between the values of the four cells around a point. */
static double texture_at(const Texture *texture, double longitude, double latitude)
{
    const double column = longitude / texture->cell, row = latitude / texture->cell;
    const double left = floor(column), low = floor(row), dx = column - left, dy = row - low;
    const int64_t last = texture->cells - 1; /* the remainder of a division by a power of two */
    const int64_t i = (int64_t)left & last, i1 = (i + 1) & last, j = (int64_t)low & last, j1 = (j + 1) & last;
    const double *below = texture->values + j * texture->cells, *above = texture->values + j1 * texture->cells;
    return (below[i] * (1 - dx) + below[i1] * dx) * (1 - dy) + (above[i] * (1 - dx) + above[i1] * dx) * dy;
}

static double light(const Curve *curve, double time)
{
    const double place = (time - curve->start) / curve->step;
    const double *value = curve->values + (int64_t)place;
    return value[0] + (value[1] - value[0]) * (place - floor(place));
}

static double region_counts(
    const Region *region, const Texture *texture, const Curve *curve, double time, double longitude, double latitude,
    double cosine)
{
    const double pi = 3.14159265358979323846;
    const double north = latitude - region->latitude;
    if (fabs(north) > REGION_END * region->radius) return 0;
    double west = longitude - region->longitude;
    west -= 2 * pi * floor((west + pi) / (2 * pi));
    /* The square of the angle between them, as good as exact over a region. The sine of half an angle is at least the angle / pi. */
    const double cosines = cosine * region->cosine, share = west / pi;
    if (4 * cosines * share * share > REGION_END * REGION_END * region->radius * region->radius) return 0;
    const double half_north = sin(north / 2), half_west = sin(west / 2);
    double square = 4 * (half_north * half_north + cosines * half_west * half_west);
    square /= region->radius * region->radius;
    if (square > REGION_END * REGION_END) return 0;
    const double delay = 2400 * tanh(west * (180 / pi) / 5) + 900 * sin(north * (180 / pi) / 3);
    /* Half a patch away, so that the texture of the region differs from that of the quiet Sun. */
    const double half = texture->cell * (double)(texture->cells / 2);
    const double loops = 0.25 + 0.75 * texture_at(texture, longitude + half, latitude + half);
    return region->counts * exp(-square) * loops * light(curve, time - region->delay * delay);
}

/* ln(x - 1)! of whole numbers: Stirling's series from 7 on. */
static double log_gamma(double x)
{
    static const double series[] = {8.333333333333333e-02, -2.777777777777778e-03, 7.936507936507937e-04, -5.952380952380952e-04,
                                    8.417508417508418e-04, -1.917526917526918e-03, 6.410256410256410e-03, -2.955065359477124e-02,
                                    1.796443723688307e-01, -1.39243221690590e+00};
    if (x <= 2) return 0;
    double at = x < 7 ? 7 : x;
    const double inverse_square = (1 / at) * (1 / at);
    double sum = series[9];
    for (int k = 8; k >= 0; k--) sum = sum * inverse_square + series[k];
    double result = sum / at + 0.5 * 1.8378770664093453 + (at - 0.5) * log(at) - at;
    while (at > x) result -= log(at -= 1);
    return result;
}

static int32_t photons(const Random *random, double mean)
{
    if (!(mean > 0)) return 0;
    if (mean < 10) {
        const double least = exp(-mean);
        int32_t count = 0;
        for (double product = random->next(random->state); product > least; product *= random->next(random->state)) count++;
        return count;
    }
    const double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b;
    const double accepted_at_once = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        const double u = random->next(random->state) - 0.5, v = random->next(random->state), side = 0.5 - fabs(u);
        const int32_t count = (int32_t)fmax((2 * a / side + b) * u + mean + 0.43, -1);
        if (side >= 0.07 && v <= accepted_at_once) return count;
        if (count < 0 || (side < 0.013 && v > side)) continue;
        const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        if (log(v) + log(inverse_alpha) - log(a / (side * side) + b) <= -mean + count * log(mean) - log_gamma(count + 1.0))
            return count;
    }
}

/* Fill a row of `columns` points, and more to a multiple of LANES, for which there is room. */
EXPORT void surface_points(
    const View *view, const Motion *motion, double first_column, double row, int64_t columns, double *longitudes,
    double *latitudes, double *radii)
{
    Points points;
    for (int64_t start = 0; start < columns; start += LANES) {
        points_in_lanes(view, motion, all(first_column + (double)start) + lane_numbers(), row, &points, 0);
        for (int64_t i = start; i < smaller(start + LANES, columns); i++) {
            longitudes[i] = points.longitude[i - start];
            latitudes[i] = points.latitude[i - start];
            radii[i] = points.radius[i - start];
        }
    }
}

/*
 * Fill the image with counts: `gain` times those of the nominal exposure; whole numbers next to them if there are no random
 * ones.
 */
EXPORT void paint(
    const View *view, const Motion *motion, const Region *region, const double *texture_values, int64_t cells, double cell,
    const double *curve_values, double curve_start, double curve_step, double time, double gain,
    double (*next_random)(void *), void *random_state, int64_t rows, int64_t columns, int32_t *image)
{
    const Texture texture = {texture_values, cells, cell};
    const Curve curve = {curve_values, curve_start, curve_step};
    const Random random = {next_random, random_state};
    Points points;
    for (int64_t y = 0; y < rows; y++)
        for (int64_t start = 0; start < columns; start += TOGETHER) {
            const int count = (int)smaller(TOGETHER, columns - start);
            for (int m = 0; m < count; m += LANES)
                points_in_lanes(view, motion, all((double)(start + m)) + lane_numbers(), (double)y, &points, m);
            for (int m = 0; m < count; m++) {
                const double longitude = points.longitude[m], latitude = points.latitude[m], radius = points.radius[m];
                double counts = 0;
                if (isnan(longitude)) {
                    if (radius <= HALO_END) counts = QUIET_COUNTS * exp((1 - radius) / HALO_WIDTH);
                } else {
                    counts = QUIET_COUNTS * (1 + texture_at(&texture, longitude, latitude));
                    counts += region_counts(region, &texture, &curve, time, longitude, latitude, points.cosine[m]);
                }
                counts *= gain;
                image[y * columns + start + m] = next_random ? photons(&random, counts) : (int32_t)rint(counts);
            }
        }
}
