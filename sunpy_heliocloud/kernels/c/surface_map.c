/*
 * Where the pixels of one image of the Sun lie in another, with the rotation of the surface between them.
 *
 * A pixel (x, y) is the direction  d = directions (x, y, 1)  from the observer o. Its ray meets the sphere of radius R at
 * o + s d, with s the smaller root of |o + s d| = R. The point turns about the Sun's axis by the angle
 * turn0 + turn1 sin^2 B + turn2 sin^4 B, with the latitude B; and seen from the other observer it is a pixel again:
 * (X, Y) = (p0, p1) / p2 with p = pixels (turned point - source). Lengths are metres, angles radians.
 *
 * NaN where the ray misses the sphere, where the other observer is below the point's horizon or looks away.
 *
 * In whole rows only every sixteenth pixel is mapped so, and those between are interpolated by polynomials of the seventh
 * degree, where eighth differences say that these are as good as the doubles: not near the limb, nor near the horizon of the other observer.
 *
 * Sources: Calabretta & Greisen 2002, A&A 395, 1077; Thompson 2006, A&A 449, 791; Howard et al. 1990, Solar Physics 130, 295.
 */
#include "elementary.h"

/* Pixels from node to node; nodes of a polynomial, of which SIDE are before the pixels; stretches mapped together. */
enum { SPACING = 16, NODES = 8, SIDE = 4, STRETCHES = 32 };
/* Pixels: largest eighth difference. The polynomials' error is about a thousandth of it. */
static const double SMOOTH = 2e-8;
/* Sine of the least height of the other observer above the horizon of a node. */
static const double LEAST_HEIGHT = 0.05;

INLINE doubles dot(doubles a_x, doubles a_y, doubles a_z, doubles b_x, doubles b_y, doubles b_z)
{
    return lanes_multiply_add(a_x, b_x, lanes_multiply_add(a_y, b_y, a_z * b_z));
}

/* A row of a 3 x 3 matrix times a vector. */
INLINE doubles times(const double *row, doubles x, doubles y, doubles z)
{
    return dot(all(row[0]), all(row[1]), all(row[2]), x, y, z);
}

typedef struct {
    const double *directions, *observer;
    double radius, turn[2]; /* by the latitude: what all points turn by is part of the next two */
    double pixels[9], source[3], distance; /* of the source from the centre */
    bool is_small;
} Geometry;

/* Turning all points by an angle is turning the other observer back. */
static Geometry turned_back(
    const double *directions, const double *observer, double radius, const double *turn, const double *pixels,
    const double *source)
{
    const double sine = sin(turn[0]), cosine = cos(turn[0]);
    Geometry geometry = {directions, observer, radius, {turn[1], turn[2]}, {0},
                         {cosine * source[0] + sine * source[1], cosine * source[1] - sine * source[0], source[2]},
                         sqrt(source[0] * source[0] + source[1] * source[1] + source[2] * source[2]),
                         fabs(turn[1]) + fabs(turn[2]) < SMALL_ANGLE};
    for (int i = 0; i < 9; i += 3) {
        geometry.pixels[i] = cosine * pixels[i] + sine * pixels[i + 1];
        geometry.pixels[i + 1] = cosine * pixels[i + 1] - sine * pixels[i];
        geometry.pixels[i + 2] = pixels[i + 2];
    }
    return geometry;
}

/* Pixels of a row, one a lane, where directions begin at `start`; the other observer must be so high above the horizon. */
INLINE void map_lanes(
    const Geometry *geometry, bool is_small, double least_height, const double *start, doubles x, doubles *to_x, doubles *to_y)
{
    const double *observer = geometry->observer, *source = geometry->source, *directions = geometry->directions;
    const doubles o_x = all(observer[0]), o_y = all(observer[1]), o_z = all(observer[2]), radius = all(geometry->radius);
    doubles ray_x = lanes_multiply_add(all(directions[0]), x, all(start[0]));
    doubles ray_y = lanes_multiply_add(all(directions[3]), x, all(start[1]));
    doubles ray_z = lanes_multiply_add(all(directions[6]), x, all(start[2]));
    /* The nearer of the points where the ray meets the sphere; by the cross product, which does not cancel. */
    doubles cross_x = o_y * ray_z - o_z * ray_y, cross_y = o_z * ray_x - o_x * ray_z;
    doubles cross_z = o_x * ray_y - o_y * ray_x;
    doubles square = dot(ray_x, ray_y, ray_z, ray_x, ray_y, ray_z);
    doubles missed = dot(cross_x, cross_y, cross_z, cross_x, cross_y, cross_z);
    doubles along = dot(ray_x, ray_y, ray_z, o_x, o_y, o_z);
    doubles steps = (-along - lanes_square_root(square * (radius * radius) - missed)) / square;
    doubles point_x = lanes_multiply_add(steps, ray_x, o_x), point_y = lanes_multiply_add(steps, ray_y, o_y);
    doubles point_z = lanes_multiply_add(steps, ray_z, o_z);
    doubles sine = point_z * all(1 / geometry->radius), sin, cos;
    sine *= sine;
    doubles angle = sine * lanes_multiply_add(sine, all(geometry->turn[1]), all(geometry->turn[0]));
    if (is_small)
        sin_cos_of_small_angles(angle, &sin, &cos);
    else
        lanes_sin_cos(angle, &sin, &cos);
    doubles turned_x = cos * point_x - sin * point_y, turned_y = lanes_multiply_add(sin, point_x, cos * point_y);
    doubles seen_x = turned_x - all(source[0]), seen_y = turned_y - all(source[1]), seen_z = point_z - all(source[2]);
    doubles depth = times(geometry->pixels + 6, seen_x, seen_y, seen_z);
    doubles below = dot(turned_x, turned_y, point_z, seen_x, seen_y, seen_z);
    below += all(least_height * geometry->radius * geometry->distance);
    doubles share = choose((depth > all(0)) & (below < all(0)), all(1) / depth, all(NAN));
    *to_x = times(geometry->pixels, seen_x, seen_y, seen_z) * share;
    *to_y = times(geometry->pixels + 3, seen_x, seen_y, seen_z) * share;
}

/* Map so many pixels, some steps apart, of a row; a few more if not a multiple of LANES. */
INLINE void map_line(
    const Geometry *geometry, double least_height, const double *start, double first, double step, int64_t count, double *to_x,
    double *to_y)
{
    for (int64_t i = 0; i < count; i += LANES) {
        doubles x = all(first) + all(step) * (all((double)i) + lane_numbers()), lanes_x, lanes_y;
        if (geometry->is_small)
            map_lanes(geometry, true, least_height, start, x, &lanes_x, &lanes_y);
        else
            map_lanes(geometry, false, least_height, start, x, &lanes_x, &lanes_y);
        store(to_x + i, lanes_x);
        store(to_y + i, lanes_y);
    }
}

/* The direction of a row's first pixel. */
static void start_row(const double *directions, double y, double *start)
{
    for (int i = 0; i < 3; i++) start[i] = directions[3 * i + 1] * y + directions[3 * i + 2];
}

/* The same of that many pixels. */
INLINE void map_part(
    const Geometry *geometry, const double *start, double first, double step, int64_t count, double *to_x, double *to_y)
{
    const int64_t whole = count - count % LANES, last = count - whole;
    double last_x[LANES], last_y[LANES];
    map_line(geometry, 0, start, first, step, whole, to_x, to_y);
    map_line(geometry, 0, start, first + step * (double)whole, step, last, last_x, last_y);
    memcpy(to_x + whole, last_x, last * sizeof *to_x);
    memcpy(to_y + whole, last_y, last * sizeof *to_y);
}

/*
 * Fill `rows`, shape (2, height, width), with the pixels (X, Y) of the pixels (x, y) from (first_column, first_row) on,
 * so many steps apart.
 */
EXPORT void map_surface(
    const double *directions, const double *observer, double radius, const double *turn, const double *pixels,
    const double *source, double first_row, double first_column, double row_step,
    double column_step, int64_t height, int64_t width, double *rows)
{
    const Geometry geometry = turned_back(directions, observer, radius, turn, pixels, source);
    for (int64_t j = 0; j < height; j++) {
        double start[3], *to_x = rows + j * width;
        start_row(directions, first_row + row_step * (double)j, start);
        map_part(&geometry, start, first_column, column_step, width, to_x, to_x + height * width);
    }
}

/* The weights of the nodes for each pixel of a stretch: Lagrange's polynomials. */
static void find_weights(double weights[NODES][SPACING])
{
    for (int node = 0; node < NODES; node++)
        for (int i = 0; i < SPACING; i++) {
            weights[node][i] = 1;
            for (int other = 0; other < NODES; other++)
                if (other != node) weights[node][i] *= (SIDE - 1 + (double)i / SPACING - other) / (node - other);
        }
}

/* Whether eighth differences around nodes are small, one a lane; they are not where one is NaN. */
INLINE integers are_smooth(const double *nodes)
{
    doubles by_1 = load(nodes - 1) + load(nodes + 1), by_2 = load(nodes - 2) + load(nodes + 2);
    doubles by_3 = load(nodes - 3) + load(nodes + 3), by_4 = load(nodes - 4) + load(nodes + 4);
    doubles odd = all(8) * by_3 + all(56) * by_1, even = by_4 + all(28) * by_2 + all(70) * load(nodes);
    return lanes_size(even - odd) < all(SMOOTH);
}

INLINE void interpolate(const double *nodes, const double weights[NODES][SPACING], double *pixels)
{
    for (int i = 0; i < SPACING; i += LANES) {
        doubles sum = all(nodes[0]) * load(weights[0] + i);
        for (int node = 1; node < NODES; node++)
            sum = lanes_multiply_add(all(nodes[node]), load(weights[node] + i), sum);
        store(pixels + i, sum);
    }
}

/* Map the columns from `first` to before `last` of a row, which go to `to_x` and `to_y`, those of column 0. */
static void map_row(
    const Geometry *geometry, const double weights[NODES][SPACING], const double *start, int64_t first, int64_t last,
    double *to_x, double *to_y)
{
    /* Nodes are at multiples of SPACING, so that a pixel is the same whatever the first column is. */
    const int64_t first_stretch = (first - (first % SPACING + SPACING) % SPACING) / SPACING;
    for (int64_t stretch = first_stretch; stretch * SPACING < last; stretch += STRETCHES) {
        double nodes_x[STRETCHES + 2 * SIDE + 1 + LANES] = {0}, nodes_y[STRETCHES + 2 * SIDE + 1 + LANES] = {0};
        int64_t is_smooth[STRETCHES + 1 + LANES];
        const int count = (int)smaller(STRETCHES, (last - stretch * SPACING + SPACING - 1) / SPACING);
        const double first_node = (double)((stretch - SIDE) * SPACING);
        map_line(geometry, LEAST_HEIGHT, start, first_node, SPACING, count + 2 * SIDE + 1, nodes_x, nodes_y);
        for (int i = 0; i <= count; i += LANES) {
            integers smooth = are_smooth(nodes_x + SIDE + i) & are_smooth(nodes_y + SIDE + i);
            memcpy(is_smooth + i, &smooth, sizeof smooth);
        }
        for (int i = 0, next; i < count; i = next) {
            const bool smooth = is_smooth[i] & is_smooth[i + 1];
            for (next = i + 1; next < count && !smooth && !(is_smooth[next] & is_smooth[next + 1]);) next++;
            const int64_t column = (stretch + i) * SPACING;
            const int64_t from = larger(column, first), to = smaller((stretch + next) * SPACING, last);
            if (!smooth) {
                map_part(geometry, start, (double)from, 1, to - from, to_x + from, to_y + from);
            } else if (to - from == SPACING) {
                interpolate(nodes_x + i + 1, weights, to_x + column);
                interpolate(nodes_y + i + 1, weights, to_y + column);
            } else {
                double part_x[SPACING], part_y[SPACING];
                interpolate(nodes_x + i + 1, weights, part_x);
                interpolate(nodes_y + i + 1, weights, part_y);
                memcpy(to_x + from, part_x + (from - column), (to - from) * sizeof *to_x);
                memcpy(to_y + from, part_y + (from - column), (to - from) * sizeof *to_y);
            }
        }
    }
}

/* The same of whole rows of pixels. */
EXPORT void map_surface_rows(
    const double *directions, const double *observer, double radius, const double *turn, const double *pixels,
    const double *source, int64_t first_row, int64_t first_column, int64_t height, int64_t width, double *rows)
{
    const Geometry geometry = turned_back(directions, observer, radius, turn, pixels, source);
    double weights[NODES][SPACING], start[3];
    find_weights(weights);
    for (int64_t j = 0; j < height; j++) {
        double *to_x = rows + j * width - first_column;
        start_row(directions, (double)(first_row + j), start);
        map_row(&geometry, weights, start, first_column, first_column + width, to_x, to_x + height * width);
    }
}
