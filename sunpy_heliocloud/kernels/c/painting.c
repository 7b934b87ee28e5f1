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
 * by transformed rejection (Hoermann 1993, Insurance: Mathematics and Economics 12, 39), of uniform numbers by xoshiro256+
 * (Blackman & Vigna 2021, ACM Transactions on Mathematical Software 47, 36).
 */
#include "elementary.h"

static const double PI = 3.14159265358979323846;
static const double QUIET_COUNTS = 60, HALO_WIDTH = 0.07, HALO_END = 1.3;
static const double REGION_END = 3; /* radii of the region */
enum { FEW_PHOTONS = 10 };

enum { TOGETHER = 128 }; /* pixels of a row; a multiple of LANES and of STREAMS */

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

/* At the time of the image: values at the times from `start` on, `step` apart. */
typedef struct {
    const double *values;
    double start, step, time;
} Curve;

/* Longitude at the time of reference and latitude, NaN off the disk; distance from the disk's centre in units of the limb's. */
typedef struct {
    doubles longitude, latitude, cosine, radius; /* cosine of the latitude */
} Points;

INLINE Points points_in_lanes(const View *view, const Motion *motion, doubles x, double y)
{
    const double distance = view->distance, beyond = distance * distance - 1;
    doubles west = (x - all(view->center_x)) * all(view->scale);
    doubles north = all((y - view->center_y) * view->scale);
    doubles square = west * west + north * north;
    doubles radius = lanes_square_root(square * all(beyond));
    doubles root = all(distance * distance) - (all(1) + square) * all(beyond);
    integers is_on_disk = root >= all(0);
    if (!in_any_lane(is_on_disk)) return (Points){all(NAN), all(NAN), all(NAN), radius};
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
    sine *= sine;
    doubles turn = all(motion->a) + sine * (all(motion->b) + sine * all(motion->c));
    longitude += all(view->longitude) + all(motion->offset) - turn;
    return (Points){choose(is_on_disk, longitude, all(NAN)), choose(is_on_disk, latitude, all(NAN)), cosine, radius};
}

/* Between the values of the four cells around each point; 0 where there is none. */
INLINE doubles texture_in_lanes(const Texture *texture, doubles longitude, doubles latitude)
{
    const int64_t last = texture->cells - 1; /* the remainder of a division by a power of two */
    doubles column = longitude / all(texture->cell), row = latitude / all(texture->cell);
    doubles left = lanes_floor(column), low = lanes_floor(row), dx = column - left, dy = row - low, result = all(0);
    for (int lane = 0; lane < LANES; lane++) {
        if (isnan(column[lane])) continue;
        const int64_t i = (int64_t)left[lane] & last, i1 = (i + 1) & last, j = (int64_t)low[lane] & last, j1 = (j + 1) & last;
        const double *below = texture->values + j * texture->cells, *above = texture->values + j1 * texture->cells;
        const double here = below[i] + (below[i1] - below[i]) * dx[lane], there = above[i] + (above[i1] - above[i]) * dx[lane];
        result[lane] = here + (there - here) * dy[lane];
    }
    return result;
}

/* The brightness at times of the light curve, in lanes where there is any. */
INLINE doubles light_in_lanes(const Curve *curve, integers is_lit, doubles time)
{
    doubles place = (time - all(curve->start)) / all(curve->step), result = all(0);
    for (int lane = 0; lane < LANES; lane++) {
        if (!is_lit[lane]) continue;
        const double *value = curve->values + (int64_t)place[lane];
        result[lane] = value[0] + (value[1] - value[0]) * (place[lane] - floor(place[lane]));
    }
    return result;
}

INLINE doubles lanes_tanh(doubles x)
{
    doubles power = lanes_exp(all(2) * choose(x > all(20), all(20), choose(x < all(-20), all(-20), x)));
    return (power - all(1)) / (power + all(1));
}

INLINE doubles region_in_lanes(const Region *region, const Texture *texture, const Curve *curve, const Points *at)
{
    const double end = REGION_END * region->radius;
    doubles north = at->latitude - all(region->latitude), west = at->longitude - all(region->longitude);
    west -= all(2 * PI) * lanes_floor((west + all(PI)) / all(2 * PI));
    /* The sine of half an angle is at least the angle / pi. */
    doubles cosines = at->cosine * all(region->cosine), share = west / all(PI);
    integers is_near = (north * north <= all(end * end)) & (all(4) * cosines * share * share <= all(end * end));
    if (!in_any_lane(is_near)) return all(0);
    /* The square of the angle between them, as good as exact over a region. */
    doubles half_north, half_west, sine_of_third, unused;
    lanes_sin_cos(choose(is_near, north, all(0)) / all(2), &half_north, &unused);
    lanes_sin_cos(choose(is_near, west, all(0)) / all(2), &half_west, &unused);
    doubles square = all(4) * (half_north * half_north + cosines * half_west * half_west);
    square /= all(region->radius * region->radius);
    is_near &= square <= all(REGION_END * REGION_END);
    north = choose(is_near, north, all(0));
    west = choose(is_near, west, all(0));
    lanes_sin_cos(north * all(180 / PI / 3), &sine_of_third, &unused);
    doubles delay = all(2400) * lanes_tanh(west * all(180 / PI / 5)) + all(900) * sine_of_third;
    /* Half a patch away, so that the texture of the region differs from that of the quiet Sun. */
    const double half = texture->cell * (double)(texture->cells / 2);
    doubles loops = all(0.25) + all(0.75) * texture_in_lanes(texture, at->longitude + all(half), at->latitude + all(half));
    doubles light = light_in_lanes(curve, is_near, all(curve->time) - all(region->delay) * delay);
    doubles counts = all(region->counts) * lanes_exp(choose(is_near, -square, all(0))) * loops * light;
    return choose(is_near, counts, all(0));
}

INLINE doubles counts_in_lanes(const Region *region, const Texture *texture, const Curve *curve, const Points *at)
{
    integers is_in_halo = at->radius <= all(HALO_END), is_on_disk = at->longitude == at->longitude;
    doubles counts = all(0);
    if (in_any_lane(is_in_halo & ~is_on_disk)) {
        doubles fading = (all(1) - at->radius) / all(HALO_WIDTH);
        counts = choose(is_in_halo, all(QUIET_COUNTS) * lanes_exp(choose(is_in_halo, fading, all(0))), all(0));
    }
    if (in_any_lane(is_on_disk)) {
        doubles quiet = all(QUIET_COUNTS) * (all(1) + texture_in_lanes(texture, at->longitude, at->latitude));
        counts = choose(is_on_disk, quiet + region_in_lanes(region, texture, curve, at), counts);
    }
    return counts;
}

/* As many sequences of random numbers, so that vectors of any length draw the same. */
enum { STREAMS = 4 };
typedef struct {
    uint64_t state[4][STREAMS];
} Random;

/* At least `count` uniform numbers between 0 and 1, neither of which occurs; there is room for TOGETHER. */
static void draw(Random *random, double *uniform, int count)
{
    const double least = 0x1p-53;
    uint64_t (*s)[STREAMS] = random->state;
    for (int i = 0; i < count; i += STREAMS)
        for (int k = 0; k < STREAMS; k++) {
            const uint64_t bits = (s[0][k] + s[3][k]) >> 12 | 0x3ff0000000000000, shifted = s[1][k] << 17;
            double between_one_and_two;
            memcpy(&between_one_and_two, &bits, 8);
            uniform[i + k] = between_one_and_two - 1 + least;
            s[2][k] ^= s[0][k];
            s[3][k] ^= s[1][k];
            s[1][k] ^= s[2][k];
            s[0][k] ^= s[3][k];
            s[2][k] ^= shifted;
            s[3][k] = s[3][k] << 45 | s[3][k] >> 19;
        }
}

/*
 * One attempt at Poisson numbers of the means, which are at least FEW_PHOTONS; says where it has succeeded. Stirling's series for
 * ln(count!) is good to 3e-4 for no photon, and to 5e-6 otherwise.
 */
INLINE integers attempt(doubles mean, doubles u, doubles v, doubles *count)
{
    u -= all(0.5);
    doubles side = all(0.5) - choose(u < all(0), -u, u);
    doubles b = all(0.931) + all(2.53) * lanes_square_root(mean), a = all(-0.059) + all(0.02483) * b;
    *count = lanes_floor((all(2) * a / side + b) * u + mean + all(0.43));
    integers at_once = (side >= all(0.07)) & (v <= all(0.9277) - all(3.6224) / (b - all(2)));
    integers possible = (*count >= all(0)) & ~((side < all(0.013)) & (v > side));
    doubles inverse_alpha = all(1.1239) + all(1.1328) / (b - all(3.4));
    doubles height = v * inverse_alpha * side * side / (a + b * side * side);
    /* ln(height) <= count ln(mean) - mean - ln(count!), with ln(count!) = (x - 1/2) ln(x) - x + ln(2 pi) / 2 + ... at x = count + 1 */
    doubles x = choose(possible, *count + all(1), all(1)), inverse = all(1) / x, square = inverse * inverse;
    doubles series = inverse * (all(1.0 / 12) - square * (all(1.0 / 360) - square * (all(1.0 / 1260) - square * all(1.0 / 1680))));
    doubles excess = (x - all(1)) * lanes_log(mean * inverse) - mean + x - all(0.9189385332046727) - series;
    return at_once | (possible & (all(0.5) * lanes_log(x * height * height) <= excess));
}

/* Poisson numbers of means below FEW_PHOTONS: the first count whose cumulative probability is at least u. */
INLINE doubles few_photons(doubles mean, doubles u)
{
    doubles count = all(0), probability = lanes_exp(-mean), cumulative = probability;
    for (int k = 1; k < 10 * FEW_PHOTONS; k++) {
        integers is_more = u > cumulative;
        if (!in_any_lane(is_more)) break;
        count += (doubles)(is_more & (integers)all(1));
        probability *= mean * all(1.0 / k);
        cumulative += probability;
    }
    return count;
}

INLINE int32_t whole(double count) { return count < INT32_MAX ? (int32_t)count : INT32_MAX; }

/* The means of the next pixels of a list of them. */
INLINE doubles gathered(const double *means, const int *pixels, int lanes)
{
    doubles result = all(FEW_PHOTONS);
    for (int lane = 0; lane < lanes; lane++) result[lane] = means[pixels[lane]];
    return result;
}

/* Poisson numbers of TOGETHER means. */
static void count_photons(Random *random, const double *means, int32_t *counts)
{
    double u[TOGETHER], v[TOGETHER];
    int faint[TOGETHER], waiting[TOGETHER], faint_number = 0, number = 0;
    for (int m = 0; m < TOGETHER; m++) {
        if (means[m] >= FEW_PHOTONS)
            waiting[number++] = m;
        else if (means[m] > 0)
            faint[faint_number++] = m;
        else
            counts[m] = 0;
    }
    draw(random, u, faint_number);
    for (int i = 0; i < faint_number; i += LANES) {
        const int lanes = (int)smaller(LANES, faint_number - i);
        doubles count = few_photons(gathered(means, faint + i, lanes), load(u + i));
        for (int lane = 0; lane < lanes; lane++) counts[faint[i + lane]] = whole(count[lane]);
    }
    while (number) {
        const int attempts = number;
        draw(random, u, attempts);
        draw(random, v, attempts);
        number = 0;
        for (int i = 0; i < attempts; i += LANES) {
            const int lanes = (int)smaller(LANES, attempts - i);
            doubles count;
            integers accepted = attempt(gathered(means, waiting + i, lanes), load(u + i), load(v + i), &count);
            for (int lane = 0; lane < lanes; lane++) {
                const int m = waiting[i + lane];
                counts[m] = whole(count[lane]);
                if (!accepted[lane]) waiting[number++] = m;
            }
        }
    }
}

/* Fill a row of `columns` points. */
EXPORT void surface_points(
    const View *view, const Motion *motion, double first_column, double row, int64_t columns, double *longitudes,
    double *latitudes, double *radii)
{
    for (int64_t start = 0; start < columns; start += LANES) {
        Points points = points_in_lanes(view, motion, all(first_column + (double)start) + lane_numbers(), row);
        for (int64_t i = start; i < smaller(start + LANES, columns); i++) {
            longitudes[i] = points.longitude[i - start];
            latitudes[i] = points.latitude[i - start];
            radii[i] = points.radius[i - start];
        }
    }
}

/*
 * Fill the image with counts: `gain` times those of the nominal exposure; whole numbers next to them if there are no random
 * ones, whose state is given otherwise.
 */
EXPORT void paint(
    const View *view, const Motion *motion, const Region *region, const double *texture_values, int64_t cells, double cell,
    const double *curve_values, double curve_start, double curve_step, double time, double gain,
    const uint64_t *random_state, int64_t rows, int64_t columns, int32_t *image)
{
    const Texture texture = {texture_values, cells, cell};
    const Curve curve = {curve_values, curve_start, curve_step, time};
    Random random;
    if (random_state) memcpy(&random, random_state, sizeof random);
    for (int64_t y = 0; y < rows; y++)
        for (int64_t start = 0; start < columns; start += TOGETHER) {
            double means[TOGETHER];
            int32_t counts[TOGETHER];
            for (int m = 0; m < TOGETHER; m += LANES) {
                Points points = points_in_lanes(view, motion, all((double)(start + m)) + lane_numbers(), (double)y);
                store(means + m, all(gain) * counts_in_lanes(region, &texture, &curve, &points));
            }
            if (random_state)
                count_photons(&random, means, counts);
            else
                for (int m = 0; m < TOGETHER; m++) counts[m] = whole(rint(means[m]));
            memcpy(image + y * columns + start, counts, 4 * smaller(TOGETHER, columns - start));
        }
}
