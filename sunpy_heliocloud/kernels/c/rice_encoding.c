/*
 * RICE compression of images of int32, a tile a row, for the files of the simulation (sunpy_heliocloud/simulation/compressed.py).
 *
 * rice.c says what a tile is. A block of 32 differences, folded to d >= 0 ? 2 d : -2 d - 1, keeps as many low bits k as
 * (mean - 1/2) / 2 has: those of cfitsio, so that files have the same bytes.
 *
 * Source: FITS standard 4.0, section 10.4.1; Rice, Yeh & Miller 1993 (AIAA 93-4541).
 */
#include "kernels.h"

enum { BLOCK = 32, CODE_BITS = 5, RAW_CODE = 26, MOST_TOGETHER = 56 };

/* Where the next bits go: those of the word, of which less than a byte is not written yet. */
typedef struct {
    uint8_t *to;
    uint64_t word;
    int used;
} Bits;

/* Append the lowest bits of a value, at most MOST_TOGETHER; the others are zero. */
INLINE void put(Bits *bits, uint64_t value, int count)
{
    bits->used += count;
    bits->word |= value << 1 << (63 - bits->used); /* a shift by 64, for no bits at all, is undefined */
    const uint64_t first_byte_first = __builtin_bswap64(bits->word);
    memcpy(bits->to, &first_byte_first, 8);
    bits->to += bits->used >> 3;
    bits->word <<= bits->used & ~7;
    bits->used &= 7;
}

INLINE void put_zeros(Bits *bits, uint32_t count)
{
    for (; count > MOST_TOGETHER; count -= MOST_TOGETHER) put(bits, 0, MOST_TOGETHER);
    put(bits, 0, (int)count);
}

static int low_bits(double sum, int count)
{
    const double above = (sum - count / 2 - 1) / count;
    const uint32_t half = above > 0 ? (uint32_t)above >> 1 : 0;
    return half ? 32 - __builtin_clz(half) : 0;
}

static void encode_block(Bits *bits, const uint32_t *folded, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) sum += folded[i];
    const int kept = low_bits(sum, count);
    if (sum == 0) {
        put(bits, 0, CODE_BITS);
    } else if (kept + 1 >= RAW_CODE) {
        put(bits, RAW_CODE, CODE_BITS);
        for (int i = 0; i < count; i++) put(bits, folded[i], 32);
    } else {
        put(bits, kept + 1, CODE_BITS);
        for (int i = 0; i < count; i++) {
            const uint32_t zeros = folded[i] >> kept, one_and_low = (1u << kept) | (folded[i] & ((1u << kept) - 1));
            if (LIKELY(zeros + 1 + kept <= MOST_TOGETHER)) {
                put(bits, one_and_low, (int)zeros + 1 + kept);
            } else {
                put_zeros(bits, zeros);
                put(bits, one_and_low, 1 + kept);
            }
        }
    }
}

/* Bytes that a row may need: its first pixel, its differences as they are, codes, and a word that is written whole. */
EXPORT int64_t rice_room(int64_t columns) { return 4 * (columns + 1) + columns / BLOCK + 16; }

/* The rows, one after the other; `lengths` are their bytes. The room is that of the rows together. */
EXPORT void encode_rice(const int32_t *image, int64_t rows, int64_t columns, uint8_t *bytes, int64_t *lengths)
{
    Bits bits = {bytes, 0, 0};
    for (int64_t y = 0; y < rows; y++) {
        const int32_t *row = image + y * columns;
        const uint8_t *start = bits.to;
        uint32_t folded[BLOCK], latest = (uint32_t)row[0];
        put(&bits, latest, 32);
        for (int64_t first = 0; first < columns; first += BLOCK) {
            const int count = (int)smaller(BLOCK, columns - first);
            for (int i = 0; i < count; i++) {
                const uint32_t pixel = (uint32_t)row[first + i], difference = pixel - latest;
                folded[i] = difference << 1 ^ -(difference >> 31);
                latest = pixel;
            }
            encode_block(&bits, folded, count);
        }
        put(&bits, 0, -bits.used & 7); /* whole bytes */
        lengths[y] = bits.to - start;
    }
}
