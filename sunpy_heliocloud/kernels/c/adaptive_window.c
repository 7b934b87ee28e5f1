/*
 * The part of an image that anti-aliased resampling reads (adaptive.c), or a little more.
 *
 * The window of an output pixel at (x, y) reaches region / 2 times the larger singular value of the Jacobian, which is at
 * most its Frobenius norm, and 1 at least. Pixels.
 */
#include "kernels.h"

INLINE doubles lower(doubles a, doubles b) { return choose(a < b, a, b); } /* b, if a is NaN */

static double lowest(doubles values)
{
    double least = INFINITY;
    for (int lane = 0; lane < LANES; lane++) least = fmin(least, values[lane]);
    return least;
}

/*
 * First row and the row after the last, first column and the column after the last, for the coordinates, shape
 * (2, height, width), whose rim has no window; zeros if nothing of the image, of rows x columns, is needed.
 */
EXPORT void window_needed(
    const double *coordinates, int64_t height, int64_t width, double rows, double columns, double region, int64_t *window)
{
    const double half = region / 2;
    doubles left = all(INFINITY), right = left, bottom = left, top = left;
    for (int64_t j = 1; j < height - 1; j++) {
        const double *x_row = coordinates + j * width, *y_row = x_row + height * width;
        for (int64_t start = 1; start < width - 1; start += LANES) {
            /* The last lanes overlap those before; a row of fewer pixels is read pixel by pixel. */
            const int64_t i = width < LANES + 2 ? start : smaller(start, width - LANES - 1);
            doubles x, y, x_x, y_x, x_y, y_y;
            if (width < LANES + 2) {
                x = all(x_row[i]), y = all(y_row[i]);
                x_x = all(x_row[i + 1] - x_row[i - 1]), y_x = all(y_row[i + 1] - y_row[i - 1]);
                x_y = all(x_row[i + width] - x_row[i - width]), y_y = all(y_row[i + width] - y_row[i - width]);
                start -= LANES - 1;
            } else {
                x = load(x_row + i), y = load(y_row + i);
                x_x = load(x_row + i + 1) - load(x_row + i - 1);
                y_x = load(y_row + i + 1) - load(y_row + i - 1);
                x_y = load(x_row + i + width) - load(x_row + i - width);
                y_y = load(y_row + i + width) - load(y_row + i - width);
            }
            doubles norm = all(0.5) * lanes_square_root(x_x * x_x + x_y * x_y + y_x * y_x + y_y * y_y);
            doubles reach = choose(norm > all(1), all(half) * norm, all(half));
            /* If even the smallest window leaves the image, the output is NaN without any input. */
            integers inside = (norm >= all(0)) & (x > all(half - 1)) & (x < all(columns - half)) & (y > all(half - 1)) &
                           (y < all(rows - half));
            reach = choose(inside, reach, all(NAN));
            left = lower(x - reach, left);
            right = lower(-x - reach, right);
            bottom = lower(y - reach, bottom);
            top = lower(-y - reach, top);
        }
    }
    const double lowest_x = lowest(left), highest_x = -lowest(right), lowest_y = lowest(bottom), highest_y = -lowest(top);
    memset(window, 0, 4 * sizeof *window);
    if (lowest_x > highest_x) return;
    window[0] = (int64_t)fmax(lowest_y, 0);
    window[1] = (int64_t)fmin(highest_y, rows - 1) + 1;
    window[2] = (int64_t)fmax(lowest_x, 0);
    window[3] = (int64_t)fmin(highest_x, columns - 1) + 1;
}
