/*
 * Windows and weights of anti-aliased resampling (adaptive.c), several pixels at a time, one a lane.
 *
 * A block of pixels goes through short loops, one after the other: Jacobians, exponents, windows, exponentials. The processor
 * works on several turns of a short loop at once, so that square roots and divisions do not wait for each other.
 */
#ifndef ADAPTIVE_WEIGHTS_H
#define ADAPTIVE_WEIGHTS_H

#include "elementary.h"

enum { BLOCK = 128 }; /* pixels whose weights are prepared together */
/* Weights by multiplication up to this exponent and half-width; beyond, rounding would add up, and each takes an exp. */
static const double MOST_EXPONENT = 100, MOST_REACH = 40;
/* Added to a divisor that may be 0. */
static const double LEAST = 1e-200;
/* Edges of windows that are nearer to a pixel depend on how numbers are rounded. */
static const double CLOSE = 1e-9;

/* An image, or a window of it: pixels, and their first and last rows and columns in the whole image. */
typedef struct {
    const void *pixels;
    int64_t rows, columns;
    double first_row, last_row, first_column, last_column; /* whole numbers */
} Image;

/* Of the pixels of a block. */
typedef struct {
    /* Usual windows have 4 x 4 pixels, all in the image, and weights by multiplication: number of the first pixel; else NaN. */
    double corner[BLOCK];
    /* Twice the sum and the difference of the singular values of the Jacobian. */
    double rotation[BLOCK], reflection[BLOCK];
    /* Factors from weight to weight, as exponents until `take_exps`. */
    double step_x[BLOCK], step_xx[BLOCK], step_y[BLOCK], step_yy[BLOCK], step_xy[BLOCK];
    /* Where the window is not usual: its first and last pixels in the whole image; -1 for weights by multiplication. */
    double row[BLOCK], column[BLOCK], last_row[BLOCK], last_column[BLOCK];
    int64_t by_products[BLOCK];
} Work;

/*
 * Jacobians of pixels from number `m` of the block on. Their coordinates, and those of the rows below and above, begin with that
 * of the pixel on the left. Until `find_exponents` step_xx and step_xy are the cosine and the sine of twice the angle of the first
 * axis, times the product of rotation and reflection.
 */
INLINE void find_jacobians(const double *x_row, const double *y_row, int64_t width, Work *work, int m)
{
    doubles x = load(x_row + 1), y = load(y_row + 1);
    /* Twice the Jacobian. The order of operations matters: the last bit decides whether a row lies in the window. */
    doubles x_x = (x - load(x_row)) + (load(x_row + 2) - x), y_x = (y - load(y_row)) + (load(y_row + 2) - y);
    doubles x_y = (x - load(x_row + 1 - width)) + (load(x_row + 1 + width) - x);
    doubles y_y = (y - load(y_row + 1 - width)) + (load(y_row + 1 + width) - y);
    doubles e = x_x + y_y, f = x_x - y_y, g = y_x + x_y, h = y_x - x_y;
    store(work->rotation + m, lanes_square_root(e * e + h * h));
    store(work->reflection + m, lanes_square_root(f * f + g * g));
    store(work->step_xx + m, e * f - g * h);
    store(work->step_xy + m, g * e + f * h);
}

/* The same of fewer pixels at the end of a row: with the last repeated. */
static void find_last_jacobians(const double *x_row, const double *y_row, int64_t width, int count, Work *work, int m)
{
    enum { PADDED = LANES + 2 };
    double x[3][PADDED], y[3][PADDED];
    for (int j = 0; j < 3; j++)
        for (int k = 0; k < PADDED; k++) {
            const int64_t from = (j - 1) * width + (k < count + 2 ? k : count + 1);
            x[j][k] = x_row[from];
            y[j][k] = y_row[from];
        }
    find_jacobians(x[1], y[1], PADDED, work, m);
}

/* Four times the larger and the smaller singular value, those below 1 as 1. */
INLINE doubles major_of(const Work *work, int m)
{
    return lanes_at_least(all(4), load(work->rotation + m) + load(work->reflection + m));
}

INLINE doubles minor_of(const Work *work, int m)
{
    return lanes_at_least(all(4), load(work->rotation + m) - load(work->reflection + m));
}

/* Where it is 0 there are no directions, and their sines and cosines are 0. */
INLINE doubles product_of(const Work *work, int m) { return load(work->rotation + m) * load(work->reflection + m) + all(LEAST); }

/* The exponents -2 p, -2 r and -2 q. */
INLINE void find_exponents(double sharpness, Work *work, int m)
{
    doubles major = major_of(work, m), minor = minor_of(work, m), product = product_of(work, m);
    doubles major_square = major * major, minor_square = minor * minor;
    doubles share = all(-16 * sharpness) / (major_square * minor_square * product);
    doubles mean = share * product * (major_square + minor_square), difference = share * (minor_square - major_square);
    doubles along = difference * load(work->step_xx + m);
    store(work->step_xx + m, mean + along);
    store(work->step_yy + m, mean - along);
    store(work->step_xy + m, difference * load(work->step_xy + m));
}

/* Number of the pixel at the corner of a window of 4 x 4 pixels; NaN unless the condition holds, and the window is in the image. */
INLINE doubles corner_if(integers condition, const Image *image, doubles bottom, doubles left)
{
    doubles row = bottom - all(image->first_row), column = left - all(image->first_column);
    condition = both(condition, both((integers)(row >= all(0)), (integers)(row <= all((double)image->rows - 4))));
    condition = both(condition, both((integers)(column >= all(0)), (integers)(column <= all((double)image->columns - 4))));
    return choose(condition, row * all((double)image->columns) + column, all(NAN));
}

/* Windows, and the exponents of their first steps. */
INLINE void find_windows(
    const Image *image, const double *x_row, const double *y_row, double sharpness, double region, Work *work, int m)
{
    doubles x = load(x_row), y = load(y_row), product = product_of(work, m), major = major_of(work, m);
    doubles reach = all(region / 8) * major, inner = reach - all(0.5);
    doubles left = lanes_nearest(x - inner), bottom = lanes_nearest(y - inner), dx = left - x, dy = bottom - y;
    /* The middle of 4 pixels lies so near to the centre. Then an exponent is at most 12.5 times the sharpness. */
    const double widest = 12.5 * sharpness < MOST_EXPONENT ? 2 : -INFINITY;
    doubles off_centre = lanes_larger(lanes_size(dx + all(1.5)), lanes_size(dy + all(1.5)));
    doubles nearest_edge = lanes_smaller(all(widest) - inner, inner - all(1)) - all(CLOSE);
    integers is_usual = both((integers)(off_centre < nearest_edge), (integers)(product > all(LEAST)));
    doubles corner = corner_if(is_usual, image, bottom, left);
    if (UNLIKELY(!are_all((integers)(corner >= all(0))))) {
        /* As reproject rounds it. */
        reach = all(region) / (all(2) * (all(1) / (all(0.25) * major)));
        left = lanes_ceil(x - reach), bottom = lanes_ceil(y - reach), dx = left - x, dy = bottom - y;
        doubles right = lanes_floor(x + reach), top = lanes_floor(y + reach), minor = minor_of(work, m);
        /* Directions are undefined if unequal singular values have a product of 0, but not in reproject's atan2. */
        integers are_defined = (product > all(LEAST)) | (major == minor);
        doubles exponent = all(32 * sharpness) * reach * reach / (minor * minor);
        integers by_products = are_defined & (exponent < all(MOST_EXPONENT)) & (reach < all(MOST_REACH));
        corner = corner_if(by_products & (right - left == all(3)) & (top - bottom == all(3)), image, bottom, left);
        store(work->row + m, bottom);
        store(work->column + m, left);
        store(work->last_row + m, top);
        store(work->last_column + m, right);
        memcpy(work->by_products + m, &by_products, sizeof by_products);
    }
    store(work->corner + m, corner);
    doubles step_xx = load(work->step_xx + m), step_yy = load(work->step_yy + m), step_xy = load(work->step_xy + m);
    store(work->step_x + m, lanes_multiply_add(step_xx, dx + all(0.5), step_xy * dy));
    store(work->step_y + m, lanes_multiply_add(step_yy, dy + all(0.5), step_xy * dx));
}

/* Exponents become factors. Where the scale is nearly that of the image, three of them are nearly the same for all pixels. */
INLINE void take_exps(Work *work, int count, double sharpness)
{
    const doubles usual = all(-2 * sharpness), factor = all(exp(-2 * sharpness)), most = all(SMALL_EXPONENT);
    for (int m = 0; m < count; m += LANES) {
        store(work->step_x + m, lanes_exp(load(work->step_x + m)));
        store(work->step_y + m, lanes_exp(load(work->step_y + m)));
    }
    for (int m = 0; m < count; m += LANES) {
        doubles step_xx = load(work->step_xx + m), step_yy = load(work->step_yy + m), step_xy = load(work->step_xy + m);
        doubles more_xx = step_xx - usual, more_yy = step_yy - usual;
        integers is_small = lanes_larger(lanes_larger(lanes_size(more_xx), lanes_size(more_yy)), lanes_size(step_xy)) < most;
        doubles xx = exp_of_small(more_xx) * factor, yy = exp_of_small(more_yy) * factor, xy = exp_of_small(step_xy);
        if (UNLIKELY(!are_all(is_small))) {
            xx = choose(is_small, xx, lanes_exp(step_xx));
            yy = choose(is_small, yy, lanes_exp(step_yy));
            xy = choose(is_small, xy, lanes_exp(step_xy));
        }
        store(work->step_xx + m, xx);
        store(work->step_yy + m, yy);
        store(work->step_xy + m, xy);
    }
}

/* All that the averages of a block need: of so many pixels, from the coordinates of the pixel left of the first. */
INLINE void find_weights(
    const Image *image, const double *x_row, const double *y_row, int64_t width, double sharpness, double region, int count,
    Work *work)
{
    int m = 0;
    for (; m + LANES <= count; m += LANES) find_jacobians(x_row + m, y_row + m, width, work, m);
    if (m < count) find_last_jacobians(x_row + m, y_row + m, width, count - m, work, m);
    for (m = 0; m < count; m += LANES) find_exponents(sharpness, work, m);
    /* Lanes beyond the last pixel read the coordinates of the next row, and do not count. */
    for (m = 0; m < count; m += LANES) find_windows(image, x_row + m + 1, y_row + m + 1, sharpness, region, work, m);
    take_exps(work, count, sharpness);
}

#endif
