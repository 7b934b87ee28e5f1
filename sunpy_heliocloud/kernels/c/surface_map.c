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
 * Sources: Calabretta & Greisen 2002, A&A 395, 1077; Thompson 2006, A&A 449, 791; Howard et al. 1990, Solar Physics 130, 295.
 */
#include "elementary.h"

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
    double pixels[9], source[3];
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
                         fabs(turn[1]) + fabs(turn[2]) < SMALL_ANGLE};
    for (int i = 0; i < 9; i += 3) {
        geometry.pixels[i] = cosine * pixels[i] + sine * pixels[i + 1];
        geometry.pixels[i + 1] = cosine * pixels[i + 1] - sine * pixels[i];
        geometry.pixels[i + 2] = pixels[i + 2];
    }
    return geometry;
}

/* Pixels of a row, one a lane, where directions begin at `start`. */
INLINE void map_lanes(const Geometry *geometry, bool is_small, const double *start, doubles x, doubles *to_x, doubles *to_y)
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
    /* Below zero where the other observer is above the point's horizon. */
    doubles below = dot(turned_x, turned_y, point_z, seen_x, seen_y, seen_z);
    doubles share = choose((depth > all(0)) & (below < all(0)), all(1) / depth, all(NAN));
    *to_x = times(geometry->pixels, seen_x, seen_y, seen_z) * share;
    *to_y = times(geometry->pixels + 3, seen_x, seen_y, seen_z) * share;
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
        const double y = first_row + row_step * (double)j;
        const double start[3] = {directions[1] * y + directions[2], directions[4] * y + directions[5],
                                 directions[7] * y + directions[8]};
        double *to_x = rows + j * width, *to_y = to_x + height * width;
        for (int64_t i = 0; i < width; i += LANES) {
            doubles x = all(first_column) + all(column_step) * (all((double)i) + lane_numbers()), lanes_x, lanes_y;
            if (geometry.is_small)
                map_lanes(&geometry, true, start, x, &lanes_x, &lanes_y);
            else
                map_lanes(&geometry, false, start, x, &lanes_x, &lanes_y);
            if (i + LANES <= width) {
                store(to_x + i, lanes_x);
                store(to_y + i, lanes_y);
            } else {
                memcpy(to_x + i, &lanes_x, (width - i) * sizeof *to_x);
                memcpy(to_y + i, &lanes_y, (width - i) * sizeof *to_y);
            }
        }
    }
}
