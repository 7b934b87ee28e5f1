/*
 * The second half of an interpolation between Chebyshev nodes: along y, from lines of pixels at the nodes.
 *
 *     pixels[c, row + j, column + i] = sum over nodes of matrix[j, node] * lines[c, node, i]
 *
 * Source: Berrut & Trefethen 2004, SIAM Review 46, 501. It is no matrix product of numpy, whose threads would disturb those
 * of other frames.
 */
#include "kernels.h"

/* Lines have the shape (components, nodes, width), the matrix (height, nodes), pixels (components, rows, columns). */
EXPORT void interpolate_along_y(
    const double *lines, const double *matrix, int64_t components, int64_t nodes, int64_t height, int64_t width,
    int64_t row, int64_t column, int64_t rows, int64_t columns, double *pixels)
{
    for (int64_t component = 0; component < components; component++)
        for (int64_t j = 0; j < height; j++) {
            double *restrict line = pixels + (component * rows + row + j) * columns + column;
            for (int64_t i = 0; i < width; i++) line[i] = 0;
            for (int64_t node = 0; node < nodes; node++) {
                const double weight = matrix[j * nodes + node];
                const double *restrict from = lines + (component * nodes + node) * width;
                int64_t i = 0;
                for (; i + LANES <= width; i += LANES)
                    store(line + i, lanes_multiply_add(all(weight), load(from + i), load(line + i)));
                for (; i < width; i++) line[i] = multiply_add(weight, from[i], line[i]);
            }
        }
}
