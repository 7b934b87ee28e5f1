/*
 * Windows and weights of anti-aliased resampling (adaptive.c), several pixels at a time, one a lane.
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

/*
 * Of the pixels of a block: their windows, in pixels of the whole image, and the factors from weight to weight, as exponents
 * until `take_exps`.
 */
typedef struct {
    double row[BLOCK], column[BLOCK]; /* whole numbers */
    double step_x[BLOCK], step_xx[BLOCK], step_y[BLOCK], step_yy[BLOCK], step_xy[BLOCK];
    int64_t is_usual[BLOCK]; /* -1 for a window of 4 x 4 pixels and weights by multiplication */
    /* Only where a window is not usual: */
    double last_row[BLOCK], last_column[BLOCK];
    int64_t by_products[BLOCK]; /* -1 for weights by multiplication */
} Work;

/*
 * Windows and exponents of pixels from number `i` of a row on, whose coordinates, and those of the rows below and above, have a
 * rim of one pixel on the left. They are number `m` of the block.
 */
INLINE void prepare_lanes(
    const double *x_row, const double *y_row, int64_t width, int64_t i, double sharpness, double region, Work *work, int m)
{
    doubles x = load(x_row + i + 1), y = load(y_row + i + 1);
    /* Twice the Jacobian. The order of operations matters: the last bit decides whether a row lies in the window. */
    doubles x_x = (x - load(x_row + i)) + (load(x_row + i + 2) - x);
    doubles y_x = (y - load(y_row + i)) + (load(y_row + i + 2) - y);
    doubles x_y = (x - load(x_row - width + i + 1)) + (load(x_row + width + i + 1) - x);
    doubles y_y = (y - load(y_row - width + i + 1)) + (load(y_row + width + i + 1) - y);
    doubles e = x_x + y_y, f = x_x - y_y, g = y_x + x_y, h = y_x - x_y;
    doubles rotation = lanes_square_root(e * e + h * h), reflection = lanes_square_root(f * f + g * g);
    /* Four times the singular values. */
    doubles major = lanes_at_least(all(4), rotation + reflection), minor = lanes_at_least(all(4), rotation - reflection);
    doubles major_square = major * major, minor_square = minor * minor;
    /* Where it is 0 there are no directions, and their sines and cosines are 0 below. */
    doubles product = rotation * reflection + all(LEAST);
    doubles share = all(-16 * sharpness) / (major_square * minor_square * product);
    doubles mean = share * product * (major_square + minor_square), difference = share * (minor_square - major_square);
    doubles along = difference * (e * f - g * h);
    /* -2 p, -2 r, -2 q. */
    doubles step_xx = mean + along, step_yy = mean - along, step_xy = difference * (g * e + f * h);

    doubles reach = all(region / 8) * major;
    doubles left = lanes_ceil(x - reach), bottom = lanes_ceil(y - reach), dx = left - x, dy = bottom - y;
    /* The first of 4 pixels lies so far from the centre. Then an exponent is at most 12.5 times the sharpness. */
    const double count = 12.5 * sharpness < MOST_EXPONENT ? 4 : -1;
    doubles low = all(CLOSE) - lanes_smaller(reach, all(count) - reach);
    doubles high = lanes_smaller(all(1) - reach, reach - all(count - 1)) - all(CLOSE);
    integers is_usual = (dx > low) & (dx < high) & (dy > low) & (dy < high) & (product > all(LEAST));
    if (UNLIKELY(!are_all(is_usual))) {
        /* As reproject rounds it. */
        reach = all(region) / (all(2) * (all(1) / (all(0.25) * major)));
        left = lanes_ceil(x - reach), bottom = lanes_ceil(y - reach), dx = left - x, dy = bottom - y;
        doubles right = lanes_floor(x + reach), top = lanes_floor(y + reach);
        /* Directions are undefined if unequal singular values have a product of 0, but not in reproject's atan2. */
        integers are_defined = (product > all(LEAST)) | (major_square == minor_square);
        doubles exponent = all(32 * sharpness) * reach * reach / minor_square;
        integers by_products = are_defined & (exponent < all(MOST_EXPONENT)) & (reach < all(MOST_REACH));
        is_usual = by_products & (right - left == all(3)) & (top - bottom == all(3));
        store(work->last_row + m, top);
        store(work->last_column + m, right);
        memcpy(work->by_products + m, &by_products, sizeof by_products);
    }
    store(work->row + m, bottom);
    store(work->column + m, left);
    store(work->step_x + m, lanes_multiply_add(step_xx, dx + all(0.5), step_xy * dy));
    store(work->step_xx + m, step_xx);
    store(work->step_y + m, lanes_multiply_add(step_yy, dy + all(0.5), step_xy * dx));
    store(work->step_yy + m, step_yy);
    store(work->step_xy + m, step_xy);
    memcpy(work->is_usual + m, &is_usual, sizeof is_usual);
}

/* The same of fewer pixels at the end of a row: with the last repeated. */
static void prepare_last(
    const double *x_row, const double *y_row, int64_t width, int64_t i, int count, double sharpness, double region, Work *work,
    int m)
{
    enum { PADDED = LANES + 2 };
    double x[3][PADDED], y[3][PADDED];
    for (int j = 0; j < 3; j++)
        for (int k = 0; k < PADDED; k++) {
            const int64_t from = (j - 1) * width + i + (k < count + 2 ? k : count + 1);
            x[j][k] = x_row[from];
            y[j][k] = y_row[from];
        }
    prepare_lanes(x[1], y[1], PADDED, 0, sharpness, region, work, m);
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
        integers is_small = (lanes_size(more_xx) < most) & (lanes_size(more_yy) < most) & (lanes_size(step_xy) < most);
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

#endif
