/*
 * The nearest pixel of an image, or linear interpolation between its pixels, at pixel coordinates (x, y):
 *
 *     (1 - s) (1 - t) v00 + (1 - s) t v01 + s (1 - t) v10 + s t v11,
 *
 * with t and s the fractions of x and y. In the outer half of the outermost pixels x and y are those of the pixels' centres; NaN
 * beyond. The choices are those of reproject.reproject_interp (scipy.ndimage.map_coordinates).
 */
#include "kernels.h"

/* An image, or a window of it: pixels, and the place of the first in the whole image. */
typedef struct {
    const void *pixels;
    bool is_single;
    int64_t rows, columns, first_row, first_column;
} Image;

INLINE double pixel(const Image *image, bool is_single, int64_t row, int64_t column)
{
    const int64_t at = row * image->columns + column;
    return is_single ? ((const float *)image->pixels)[at] : ((const double *)image->pixels)[at];
}

/* Whether the position is on an axis of so many pixels, from -0.5 to before size - 0.5 as reproject has it; moved to the
   centre from the outer half of an outermost pixel. */
INLINE bool is_on_axis(double *position, int64_t size)
{
    const double last = (double)size - 1;
    if (!(*position >= -0.5 && *position < last + 0.5)) return false;
    *position = *position < 0 ? 0 : *position > last ? last : *position;
    return true;
}

/* The pixel after this one. After the last it has no weight, but has to be finite: as scipy, the one before. */
INLINE int64_t next(int64_t at, int64_t size) { return at + 1 < size ? at + 1 : larger(size - 2, 0); }

INLINE double value_at(const Image *image, bool is_single, bool nearest, double x, double y)
{
    x -= (double)image->first_column;
    y -= (double)image->first_row;
    if (!is_on_axis(&y, image->rows) || !is_on_axis(&x, image->columns)) return NAN;
    if (nearest) return pixel(image, is_single, (int64_t)(y + 0.5), (int64_t)(x + 0.5));
    const int64_t row = (int64_t)y, column = (int64_t)x;
    const int64_t next_row = next(row, image->rows), next_column = next(column, image->columns);
    const double t = x - (double)column, s = y - (double)row;
    return pixel(image, is_single, row, column) * (1 - s) * (1 - t) + pixel(image, is_single, row, next_column) * (1 - s) * t +
           pixel(image, is_single, next_row, column) * s * (1 - t) + pixel(image, is_single, next_row, next_column) * s * t;
}

INLINE void interpolate(
    const Image *image, bool is_single, bool nearest, const double *coordinates, int64_t height, int64_t width, void *result,
    bool to_single)
{
    const int64_t padded = width + 2;
    for (int64_t j = 0; j < height; j++) {
        const double *x = coordinates + (j + 1) * padded + 1, *y = x + (height + 2) * padded;
        for (int64_t i = 0; i < width; i++) {
            const double value = value_at(image, is_single, nearest, x[i], y[i]);
            if (to_single)
                ((float *)result)[j * width + i] = (float)value;
            else
                ((double *)result)[j * width + i] = value;
        }
    }
}

/* Fill the result, shape (height, width), at coordinates (2, height + 2, width + 2), whose rim is not used. */
EXPORT void interpolate_image(
    const void *pixels, int is_single, int64_t rows, int64_t columns, int64_t first_row, int64_t first_column,
    const double *coordinates, int64_t height, int64_t width, int nearest, void *result, int to_single)
{
    const Image image = {pixels, is_single, rows, columns, first_row, first_column};
    if (nearest)
        interpolate(&image, is_single, true, coordinates, height, width, result, to_single);
    else if (is_single)
        interpolate(&image, true, false, coordinates, height, width, result, to_single);
    else
        interpolate(&image, false, false, coordinates, height, width, result, to_single);
}

/* First and last row and column of an image that hold the coordinates on it; rows before the first if there are none. */
EXPORT void interpolation_bounds(
    const double *coordinates, int64_t height, int64_t width, int64_t rows, int64_t columns, double *bounds)
{
    double low_x = INFINITY, high_x = -INFINITY, low_y = INFINITY, high_y = -INFINITY;
    for (int64_t j = 0; j < height; j++)
        for (int64_t i = 0; i < width; i++) {
            const int64_t at = (j + 1) * (width + 2) + i + 1;
            double x = coordinates[at], y = coordinates[at + (height + 2) * (width + 2)];
            if (!is_on_axis(&x, columns) || !is_on_axis(&y, rows)) continue;
            low_x = fmin(low_x, x);
            high_x = fmax(high_x, x);
            low_y = fmin(low_y, y);
            high_y = fmax(high_y, y);
        }
    bounds[0] = low_y;
    bounds[1] = high_y;
    bounds[2] = low_x;
    bounds[3] = high_x;
}
