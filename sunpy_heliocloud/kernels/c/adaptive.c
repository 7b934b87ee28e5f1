/*
 * Anti-aliased resampling (DeForest 2004, Solar Physics 219, 3) with the choices of reproject.reproject_adaptive.
 *
 * A pixel of the result is  sum w v / sum w  over the pixels v of the image in a window around (x, y), its place in the
 * image, in pixels:
 *
 *     w = exp(-sharpness |D^-1 U^T (u - x)|^2),  sharpness = 2 / kernel_width^2,
 *
 * where J = U D V^T is the Jacobian of (x, y) by the result's pixel, and singular values below 1 count as 1, the second, signed,
 * included. The window is a square of half-width sample_region_width / 2 times the larger singular value.
 *
 * In closed form the exponent is -(p dx^2 + 2 q dx dy + r dy^2): quadratic, so that weights follow by multiplication from
 * pixel to pixel, and the one in the window's corner can be taken as 1, since it cancels. Weights and sums are doubles:
 * single ones err by 2e-5 on bright spikes.
 *
 * Several pixels of the result are made at a time, one a lane, where their windows begin in consecutive columns, so that the
 * image is read without gathering; elsewhere several columns of one window.
 */
#include "elementary.h"

enum { BLOCK = 128 }; /* pixels whose weights are prepared together */
/* Weights by multiplication up to this exponent and half-width; beyond, rounding would add up, and each takes an exp. */
static const double MOST_EXPONENT = 100, MOST_REACH = 40;

/* An image, or a window of it: pixels, and the place of the first in the whole image. */
typedef struct {
    const void *pixels;
    bool is_single;
    int64_t rows, columns, first_row, first_column;
} Image;

/* Of the pixels of a block: windows, from the first pixel of the image, and the factors from weight to weight. */
typedef struct {
    double row[BLOCK], column[BLOCK], rows[BLOCK], columns[BLOCK]; /* whole numbers */
    double step_x[BLOCK], step_xx[BLOCK], step_y[BLOCK], step_yy[BLOCK], step_xy[BLOCK];
    int64_t inside[BLOCK], by_products[BLOCK]; /* -1 for true */
} Work;

INLINE double pixel(const Image *image, bool is_single, int64_t at)
{
    return is_single ? ((const float *)image->pixels)[at] : ((const double *)image->pixels)[at];
}

INLINE doubles pixels_in_lanes(const Image *image, bool is_single, int64_t at)
{
    if (is_single) return __builtin_convertvector(*(const floats_anywhere *)((const float *)image->pixels + at), doubles);
    return load((const double *)image->pixels + at);
}

/*
 * Windows and weights of pixels, one a lane, from number `i` of a row on, whose coordinates, and those of the rows below and above,
 * have a rim of one pixel on the left.
 */
INLINE void prepare_lanes(
    const double *x_row, const double *y_row, int64_t width, int64_t i, double sharpness, double region,
    const Image *image, Work *work, int m)
{
    doubles x = load(x_row + i + 1), y = load(y_row + i + 1);
    /* The order of operations matters: the last bit decides whether a row lies in the window. */
    doubles x_x = ((x - load(x_row + i)) + (load(x_row + i + 2) - x)) * all(0.5);
    doubles y_x = ((y - load(y_row + i)) + (load(y_row + i + 2) - y)) * all(0.5);
    doubles x_y = ((x - load(x_row - width + i + 1)) + (load(x_row + width + i + 1) - x)) * all(0.5);
    doubles y_y = ((y - load(y_row - width + i + 1)) + (load(y_row + width + i + 1) - y)) * all(0.5);
    doubles e = (x_x + y_y) * all(0.5), f = (x_x - y_y) * all(0.5), g = (y_x + x_y) * all(0.5), h = (y_x - x_y) * all(0.5);
    doubles rotation = lanes_square_root(e * e + h * h), reflection = lanes_square_root(f * f + g * g);
    doubles major = rotation + reflection, minor = rotation - reflection;
    major = lanes_at_least(all(1), major);
    minor = lanes_at_least(all(1), minor);
    doubles reach = all(region) / (all(2) * (all(1) / major));
    doubles left = lanes_ceil(x - reach), right = lanes_floor(x + reach);
    doubles bottom = lanes_ceil(y - reach), top = lanes_floor(y + reach);
    doubles first_row = all((double)image->first_row), first_column = all((double)image->first_column);
    integers inside = (left >= first_column) & (right <= first_column + all((double)image->columns - 1)) &
                   (bottom >= first_row) & (top <= first_row + all((double)image->rows - 1));
    doubles product = rotation * reflection, major_square = major * major, minor_square = minor * minor;
    integers has_directions = product > all(0);
    product = choose(has_directions, product, all(1));
    doubles share = all(sharpness) / (major_square * minor_square * product);
    doubles mean = all(0.5) * share * product * (major_square + minor_square);
    doubles difference = all(0.5) * share * (minor_square - major_square);
    doubles p = mean + difference * (e * f - g * h);
    doubles q = difference * (g * e + f * h);
    doubles r = mean - difference * (e * f - g * h);
    doubles dx = left - x, dy = bottom - y;
    /* Without reflection or rotation the directions are undefined here, but not in reproject's atan2. */
    doubles bound = all(2) * reach * reach * share * product * major_square;
    integers by_products = (bound < all(MOST_EXPONENT)) & (reach < all(MOST_REACH)) &
                        (has_directions | (major_square == minor_square));
    store(work->row + m, choose(inside, bottom - first_row, all(0)));
    store(work->column + m, choose(inside, left - first_column, all(0)));
    store(work->rows + m, top - bottom + all(1));
    store(work->columns + m, right - left + all(1));
    store(work->step_x + m, lanes_exp(-(p * (all(2) * dx + all(1)) + all(2) * q * dy)));
    store(work->step_xx + m, lanes_exp(all(-2) * p));
    store(work->step_y + m, lanes_exp(-(r * (all(2) * dy + all(1)) + all(2) * q * dx)));
    store(work->step_yy + m, lanes_exp(all(-2) * r));
    store(work->step_xy + m, lanes_exp(all(-2) * q));
    memcpy(work->inside + m, &inside, sizeof inside);
    memcpy(work->by_products + m, &by_products, sizeof by_products);
}

/* The same of fewer pixels at the end of a row: with the last repeated. */
static void prepare_last(
    const double *x_row, const double *y_row, int64_t width, int64_t i, int count, double sharpness, double region,
    const Image *image, Work *work, int m)
{
    enum { PADDED = LANES + 2 };
    double x[3][PADDED], y[3][PADDED];
    for (int j = 0; j < 3; j++)
        for (int k = 0; k < PADDED; k++) {
            const int64_t from = (j - 1) * width + i + (k < count + 2 ? k : count + 1);
            x[j][k] = x_row[from];
            y[j][k] = y_row[from];
        }
    prepare_lanes(x[1], y[1], PADDED, 0, sharpness, region, image, work, m);
}

/*
 * The averages of pixels whose windows begin side by side: sum over rows of W (v0 + S (v1 + S X (v2 + S X^2 v3))), with W
 * the first weight of a row, S the factor from its first to its second, and X the factor of these factors.
 */
INLINE doubles average_side_by_side(const Image *image, bool is_single, const Work *work, int m)
{
    const int64_t row_length = image->columns;
    int64_t at = (int64_t)work->row[m] * row_length + (int64_t)work->column[m];
    doubles step_x = load(work->step_x + m), step_xx = load(work->step_xx + m);
    doubles step_y = load(work->step_y + m), step_yy = load(work->step_yy + m);
    doubles step_xy = load(work->step_xy + m);
    doubles weight = all(1), weighted = all(0), total = all(0);
    for (int row = 0; row < 4; row++, at += row_length) {
        doubles second = step_x * step_xx, third = second * step_xx;
        doubles sum = lanes_multiply_add(third, pixels_in_lanes(image, is_single, at + 3), pixels_in_lanes(image, is_single, at + 2));
        sum = lanes_multiply_add(second, sum, pixels_in_lanes(image, is_single, at + 1));
        sum = lanes_multiply_add(step_x, sum, pixels_in_lanes(image, is_single, at));
        doubles weights = lanes_multiply_add(second, all(1) + third, all(1));
        weights = lanes_multiply_add(step_x, weights, all(1));
        weighted = lanes_multiply_add(weight, sum, weighted);
        total = lanes_multiply_add(weight, weights, total);
        weight *= step_y;
        step_y *= step_yy;
        step_x *= step_xy;
    }
    return weighted / total;
}

/* The same of one pixel, to the last bit: a pixel must not depend on those beside it, of which a slice has fewer. */
INLINE double average_of_4x4(const Image *image, bool is_single, const Work *work, int m)
{
    int64_t at = (int64_t)work->row[m] * image->columns + (int64_t)work->column[m];
    double step_x = work->step_x[m], step_y = work->step_y[m], weight = 1, weighted = 0, total = 0;
    for (int row = 0; row < 4; row++, at += image->columns) {
        const double second = step_x * work->step_xx[m], third = second * work->step_xx[m];
        double sum = multiply_add(third, pixel(image, is_single, at + 3), pixel(image, is_single, at + 2));
        sum = multiply_add(second, sum, pixel(image, is_single, at + 1));
        sum = multiply_add(step_x, sum, pixel(image, is_single, at));
        double weights = multiply_add(second, 1 + third, 1);
        weights = multiply_add(step_x, weights, 1);
        weighted = multiply_add(weight, sum, weighted);
        total = multiply_add(weight, weights, total);
        weight *= step_y;
        step_y *= work->step_yy[m];
        step_x *= work->step_xy[m];
    }
    return weighted / total;
}

/* The average over one window: several of its columns at a time. */
INLINE double average_by_columns(const Image *image, bool is_single, const Work *work, int m)
{
    const int64_t rows = (int64_t)work->rows[m], columns = (int64_t)work->columns[m];
    const int64_t corner = (int64_t)work->row[m] * image->columns + (int64_t)work->column[m];
    doubles weighted = all(0), total = all(0);
    double first_weight = 1, step_x = work->step_x[m], step_y = work->step_y[m];
    for (int64_t column = 0; column < columns; column += LANES) {
        const int count = (int)smaller(LANES, columns - column);
        doubles weights = all(0), steps_y = all(0);
        for (int lane = 0; lane < count; lane++) {
            weights[lane] = first_weight;
            steps_y[lane] = step_y;
            first_weight *= step_x;
            step_x *= work->step_xx[m];
            step_y *= work->step_xy[m];
        }
        for (int64_t row = 0, at = corner + column; row < rows; row++, at += image->columns) {
            doubles pixels = all(0);
            if (count == LANES)
                pixels = pixels_in_lanes(image, is_single, at);
            else
                for (int lane = 0; lane < count; lane++) pixels[lane] = pixel(image, is_single, at + lane);
            weighted = lanes_multiply_add(weights, pixels, weighted);
            total += weights;
            weights *= steps_y;
            steps_y *= all(work->step_yy[m]);
        }
    }
    for (int lane = 1; lane < LANES; lane++) {
        weighted[0] += weighted[lane];
        total[0] += total[lane];
    }
    return weighted[0] / total[0];
}

/* The average over one window with an exp for each weight. */
static double average_by_exp(
    const Image *image, bool is_single, const Work *work, int m, const double *x_row, const double *y_row,
    int64_t width, int64_t i, double sharpness)
{
    double x = x_row[i + 1], y = y_row[i + 1];
    double x_x = ((x - x_row[i]) + (x_row[i + 2] - x)) / 2, y_x = ((y - y_row[i]) + (y_row[i + 2] - y)) / 2;
    double x_y = ((x - x_row[i + 1 - width]) + (x_row[i + 1 + width] - x)) / 2;
    double y_y = ((y - y_row[i + 1 - width]) + (y_row[i + 1 + width] - y)) / 2;
    double e = (x_x + y_y) / 2, f = (x_x - y_y) / 2, g = (y_x + x_y) / 2, h = (y_x - x_y) / 2;
    double rotation = sqrt(e * e + h * h), reflection = sqrt(f * f + g * g);
    double angle = (atan2(g, f) + atan2(h, e)) / 2;
    double major = fmax(1, rotation + reflection), minor = fmax(1, rotation - reflection);
    double cosine = cos(angle), sine = sin(angle), weighted = 0, total = 0;
    const int64_t first_row = (int64_t)work->row[m], first_column = (int64_t)work->column[m];
    x -= (double)image->first_column;
    y -= (double)image->first_row;
    for (int64_t row = first_row; row < first_row + (int64_t)work->rows[m]; row++)
        for (int64_t column = first_column; column < first_column + (int64_t)work->columns[m]; column++) {
            double along = (cosine * (column - x) + sine * (row - y)) / major;
            double across = (cosine * (row - y) - sine * (column - x)) / minor;
            double weight = exp(-sharpness * (along * along + across * across));
            /* A NaN pixel whose weight underflows must not enter the sum. */
            if (weight > 0) {
                weighted += weight * pixel(image, is_single, row * image->columns + column);
                total += weight;
            }
        }
    return weighted / total;
}

/* Whether the pixels of all lanes have windows of 4 x 4 pixels, each one column right of the one before. */
INLINE bool are_side_by_side(const Work *work, int m)
{
    doubles column = load(work->column + m), row = load(work->row + m);
    integers inside, by_products;
    memcpy(&inside, work->inside + m, sizeof inside);
    memcpy(&by_products, work->by_products + m, sizeof by_products);
    integers good = inside & by_products & (row == all(row[0])) & (column == all(column[0]) + lane_numbers()) &
                 (load(work->rows + m) == all(4)) & (load(work->columns + m) == all(4));
    for (int lane = 1; lane < LANES; lane++) good[0] &= good[lane];
    return good[0] != 0;
}

INLINE void resample(
    const Image *image, bool is_single, const double *coordinates, int64_t ny, int64_t nx, double sharpness,
    double region, void *resampled, bool to_single)
{
    Work work;
    double averages[BLOCK];
    const int64_t width = nx + 2, plane = (ny + 2) * width;
    for (int64_t j = 0; j < ny; j++) {
        const double *x_row = coordinates + (j + 1) * width, *y_row = x_row + plane;
        for (int64_t start = 0; start < nx; start += BLOCK) {
            const int count = (int)smaller(BLOCK, nx - start);
            int m = 0;
            for (; m + LANES <= count; m += LANES)
                prepare_lanes(x_row, y_row, width, start + m, sharpness, region, image, &work, m);
            if (m < count)
                prepare_last(x_row, y_row, width, start + m, count - m, sharpness, region, image, &work, m);
            for (m = 0; m < count; m++) {
                if (m + LANES <= count && are_side_by_side(&work, m)) {
                    store(averages + m, average_side_by_side(image, is_single, &work, m));
                    m += LANES - 1;
                } else if (!work.inside[m]) {
                    averages[m] = NAN;
                } else if (work.by_products[m] && work.rows[m] == 4 && work.columns[m] == 4) {
                    averages[m] = average_of_4x4(image, is_single, &work, m);
                } else if (work.by_products[m]) {
                    averages[m] = average_by_columns(image, is_single, &work, m);
                } else {
                    averages[m] =
                        average_by_exp(image, is_single, &work, m, x_row, y_row, width, start + m, sharpness);
                }
            }
            const int64_t at = j * nx + start;
            if (to_single)
                for (m = 0; m < count; m++) ((float *)resampled)[at + m] = (float)averages[m];
            else
                memcpy((double *)resampled + at, averages, count * sizeof *averages);
        }
    }
}

/*
 * Fill `resampled`, shape (ny, nx), of single or double precision, from the image, of single or double precision, at the
 * coordinates, shape (2, ny + 2, nx + 2). NaN where a window is not in the image.
 */
EXPORT void resample_adaptive(
    const void *pixels, int is_single, int64_t rows, int64_t columns, int64_t first_row, int64_t first_column,
    const double *coordinates, int64_t ny, int64_t nx, double sharpness, double region, void *resampled, int to_single)
{
    const Image image = {pixels, is_single, rows, columns, first_row, first_column};
    if (is_single)
        resample(&image, true, coordinates, ny, nx, sharpness, region, resampled, to_single);
    else
        resample(&image, false, coordinates, ny, nx, sharpness, region, resampled, to_single);
}
