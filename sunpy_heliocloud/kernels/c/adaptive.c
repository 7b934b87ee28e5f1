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
#include "adaptive_weights.h"

/* Where a pixel of the whole image is in memory. */
INLINE int64_t place(const Image *image, double row, double column)
{
    return (int64_t)(row - image->first_row) * image->columns + (int64_t)(column - image->first_column);
}

INLINE double pixel(const Image *image, bool is_single, int64_t at)
{
    return is_single ? ((const float *)image->pixels)[at] : ((const double *)image->pixels)[at];
}

INLINE doubles pixels_in_lanes(const Image *image, bool is_single, int64_t at)
{
    if (is_single) return load_floats((const float *)image->pixels + at);
    return load((const double *)image->pixels + at);
}

/*
 * The averages of pixels whose windows begin side by side. Of a row: v0 + S (v1 + S X (v2 + S X^2 v3)), with S the factor from
 * its first weight to its second, and X the factor of these factors; and so of the rows, from the last to the first.
 */
INLINE doubles average_side_by_side(const Image *image, bool is_single, const Work *work, int m, int64_t at)
{
    doubles step_xx = load(work->step_xx + m), step_xy = load(work->step_xy + m), step_yy = load(work->step_yy + m);
    doubles steps_x[4] = {load(work->step_x + m)}, steps_y[4] = {load(work->step_y + m)};
    for (int row = 1; row < 4; row++) {
        steps_x[row] = steps_x[row - 1] * step_xy;
        steps_y[row] = steps_y[row - 1] * step_yy;
    }
    doubles weighted = all(0), total = all(0);
    at += 3 * image->columns;
    /* All rows at once would need more registers than there are. */
#pragma GCC unroll 1
    for (int row = 3; row >= 0; row--, at -= image->columns) {
        doubles step_x = steps_x[row], second = step_x * step_xx, third = second * step_xx;
        doubles last = pixels_in_lanes(image, is_single, at + 3);
        doubles sum = lanes_multiply_add(third, last, pixels_in_lanes(image, is_single, at + 2));
        sum = lanes_multiply_add(second, sum, pixels_in_lanes(image, is_single, at + 1));
        sum = lanes_multiply_add(step_x, sum, pixels_in_lanes(image, is_single, at));
        doubles weights = lanes_multiply_add(step_x, lanes_multiply_add(second, all(1) + third, all(1)), all(1));
        weighted = lanes_multiply_add(steps_y[row], weighted, sum);
        total = lanes_multiply_add(steps_y[row], total, weights);
    }
    return weighted / total;
}

/* The same of one pixel, to the last bit: a pixel must not depend on those beside it, of which a slice has fewer. */
INLINE double average_of_4x4(const Image *image, bool is_single, const Work *work, int m, int64_t at)
{
    double steps_x[4] = {work->step_x[m]}, steps_y[4] = {work->step_y[m]};
    for (int row = 1; row < 4; row++) {
        steps_x[row] = steps_x[row - 1] * work->step_xy[m];
        steps_y[row] = steps_y[row - 1] * work->step_yy[m];
    }
    double weighted = 0, total = 0;
    at += 3 * image->columns;
    for (int row = 3; row >= 0; row--, at -= image->columns) {
        const double step_x = steps_x[row], second = step_x * work->step_xx[m], third = second * work->step_xx[m];
        double sum = multiply_add(third, pixel(image, is_single, at + 3), pixel(image, is_single, at + 2));
        sum = multiply_add(second, sum, pixel(image, is_single, at + 1));
        sum = multiply_add(step_x, sum, pixel(image, is_single, at));
        const double weights = multiply_add(step_x, multiply_add(second, 1 + third, 1), 1);
        weighted = multiply_add(steps_y[row], weighted, sum);
        total = multiply_add(steps_y[row], total, weights);
    }
    return weighted / total;
}

/* The average over one window: several of its columns at a time. */
INLINE double average_by_columns(const Image *image, bool is_single, const Work *work, int m, int64_t corner)
{
    const int64_t rows = (int64_t)(work->last_row[m] - work->row[m]) + 1;
    const int64_t columns = (int64_t)(work->last_column[m] - work->column[m]) + 1;
    doubles weighted = all(0), total = all(0);
    double first_weight = 1, step_x = work->step_x[m], step_y = work->step_y[m];
    for (int64_t column = 0; column < columns; column += LANES) {
        const int count = (int)smaller(LANES, columns - column);
        /* What is read beyond the window does not count, but has to be in memory. */
        const bool can_read = corner + (rows - 1) * image->columns + column + LANES <= image->rows * image->columns;
        const integers wanted = lane_numbers() < all(count);
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
            else if (LIKELY(can_read))
                pixels = (doubles)((integers)pixels_in_lanes(image, is_single, at) & wanted);
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
    const double x = x_row[i + 1], y = y_row[i + 1];
    double x_x = ((x - x_row[i]) + (x_row[i + 2] - x)) / 2, y_x = ((y - y_row[i]) + (y_row[i + 2] - y)) / 2;
    double x_y = ((x - x_row[i + 1 - width]) + (x_row[i + 1 + width] - x)) / 2;
    double y_y = ((y - y_row[i + 1 - width]) + (y_row[i + 1 + width] - y)) / 2;
    double e = (x_x + y_y) / 2, f = (x_x - y_y) / 2, g = (y_x + x_y) / 2, h = (y_x - x_y) / 2;
    double rotation = sqrt(e * e + h * h), reflection = sqrt(f * f + g * g);
    double angle = (atan2(g, f) + atan2(h, e)) / 2;
    double major = fmax(1, rotation + reflection), minor = fmax(1, rotation - reflection);
    double cosine = cos(angle), sine = sin(angle), weighted = 0, total = 0;
    for (double row = work->row[m]; row <= work->last_row[m]; row++)
        for (double column = work->column[m]; column <= work->last_column[m]; column++) {
            double along = (cosine * (column - x) + sine * (row - y)) / major;
            double across = (cosine * (row - y) - sine * (column - x)) / minor;
            double weight = exp(-sharpness * (along * along + across * across));
            /* A NaN pixel whose weight underflows must not enter the sum. */
            if (weight > 0) {
                weighted += weight * pixel(image, is_single, place(image, row, column));
                total += weight;
            }
        }
    return weighted / total;
}

/* Whether a window is in the image. */
INLINE bool is_inside(const Image *image, double row, double last_row, double column, double last_column)
{
    return row >= image->first_row && last_row <= image->last_row && column >= image->first_column &&
           last_column <= image->last_column;
}

/* Whether the pixels of all lanes have usual windows, each one column right of the one before. */
INLINE bool are_side_by_side(const Work *work, int m)
{
    return are_all(load(work->corner + m) == all(work->corner[m]) + lane_numbers());
}

/* The average of one pixel, number `m` of a block and `i` of its row. */
INLINE double average(
    const Image *image, bool is_single, const Work *work, int m, const double *x_row, const double *y_row,
    int64_t width, int64_t i, double sharpness)
{
    if (work->corner[m] >= 0) return average_of_4x4(image, is_single, work, m, (int64_t)work->corner[m]);
    const double row = work->row[m], column = work->column[m];
    if (!is_inside(image, row, work->last_row[m], column, work->last_column[m])) return NAN;
    if (work->by_products[m]) return average_by_columns(image, is_single, work, m, place(image, row, column));
    return average_by_exp(image, is_single, work, m, x_row, y_row, width, i, sharpness);
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
            find_weights(image, x_row + start, y_row + start, width, sharpness, region, count, &work);
            for (int m = 0; m < count; m++) {
                if (m + LANES <= count && are_side_by_side(&work, m)) {
                    store(averages + m, average_side_by_side(image, is_single, &work, m, (int64_t)work.corner[m]));
                    m += LANES - 1;
                } else {
                    averages[m] = average(image, is_single, &work, m, x_row, y_row, width, start + m, sharpness);
                }
            }
            const int64_t at = j * nx + start;
            if (to_single)
                for (int m = 0; m < count; m++) ((float *)resampled)[at + m] = (float)averages[m];
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
    const Image image = {pixels, rows, columns, (double)first_row, (double)(first_row + rows - 1),
                         (double)first_column, (double)(first_column + columns - 1)};
    if (is_single)
        resample(&image, true, coordinates, ny, nx, sharpness, region, resampled, to_single);
    else
        resample(&image, false, coordinates, ny, nx, sharpness, region, resampled, to_single);
}
