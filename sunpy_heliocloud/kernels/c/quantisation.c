/*
 * Floats that are stored as integers with dithering: (integer - random number + 1/2) * scale + zero.
 *
 * Source: FITS standard 4.0, section 10.2. The random numbers are used in order, from an index given by the number at
 * `start`, up to the last; then from that given by the next number.
 */
#include "kernels.h"

enum { ZERO = -2147483646 }; /* stands for exactly 0 with SUBTRACTIVE_DITHER_2 */

EXPORT void dequantise(
    const int32_t *integers, int64_t count, double scale, double zero, int zeros_are_kept, int64_t start,
    const float *numbers, int64_t all_numbers, void *floats, int to_single)
{
    int64_t at = (int64_t)(numbers[start] * 500.0f);
    for (int64_t i = 0; i < count; i++) {
        double value = ((double)integers[i] - (double)numbers[at] + 0.5) * scale + zero;
        if (zeros_are_kept && integers[i] == ZERO) value = 0;
        if (to_single)
            ((float *)floats)[i] = (float)value;
        else
            ((double *)floats)[i] = value;
        if (++at == all_numbers) {
            start = (start + 1) % all_numbers;
            at = (int64_t)(numbers[start] * 500.0f);
        }
    }
}
