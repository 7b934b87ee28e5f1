/*
 * Stored integers of an image become floats, in the same units; those with the blank value (BLANK) become NaN.
 *
 * Source: FITS standard 4.0, section 4.4.2.5.
 *
 * In their place: memory that a process uses for the first time costs more than the conversion.
 */
#include "kernels.h"

EXPORT void integers_to_floats(void *pixels, int64_t count, int has_blank, int32_t blank)
{
    uint8_t *place = pixels;
    for (int64_t i = 0; i < count; i++) {
        int32_t stored;
        memcpy(&stored, place + 4 * i, 4);
        const float value = has_blank && stored == blank ? NAN : (float)stored;
        memcpy(place + 4 * i, &value, 4);
    }
}
