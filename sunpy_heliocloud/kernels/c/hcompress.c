/*
 * Decoding of HCOMPRESS-compressed tiles, of 64-bit integers.
 *
 * The image's transform (sums and differences of blocks of 2 x 2 pixels, then of these sums, and so on) is stored bit plane by
 * bit plane, each as a quadtree: a code of four bits tells which of four quarters have bits, and is stored as a Huffman code.
 * Then come the signs. Bits after the end are read as zeros; the final position shows whether any were used.
 *
 * Sources: R. L. White 1992; FITS standard 4.0, section 10.4.4. Numbers of damaged tiles may overflow: the library is compiled
 * with -fwrapv.
 */
#include "kernels.h"

/* A part of an image. */
typedef struct {
    int64_t *pixels;
    int64_t rows, columns, row_length;
} Block;

typedef struct {
    const uint8_t *data;
    int64_t size, at; /* bytes; bits */
} Bits;

static int64_t *pixel(const Block *block, int64_t i, int64_t j) { return block->pixels + i * block->row_length + j; }

/* The next bits, at most eight. */
static int peek(const Bits *bits, int count)
{
    const int64_t byte = bits->at >> 3;
    const int first = byte < bits->size ? bits->data[byte] : 0;
    const int second = byte + 1 < bits->size ? bits->data[byte + 1] : 0;
    return (first << 8 | second) >> (16 - (bits->at & 7) - count) & ((1 << count) - 1);
}

static bool is_read_out(const Bits *bits) { return bits->at > 8 * bits->size; }

static int levels_of(int64_t rows, int64_t columns)
{
    int level = 0;
    while (larger(rows, columns) > (int64_t)1 << level) level++;
    return level;
}

/* Whether quarter (i, j) of its parent has bits. */
static bool has_bits(const uint8_t *parents, int64_t parents_in_row, int64_t i, int64_t j)
{
    return parents[(i >> 1) * parents_in_row + (j >> 1)] >> (3 - 2 * (i & 1) - (j & 1)) & 1;
}

/* Set the bits of one plane of a quadrant; false for damaged bytes. Both nodes have room for a byte of 2 x 2 pixels. */
static bool read_plane(
    Bits *bits, const uint8_t *codes, const uint8_t *code_bits, int plane, const Block *quadrant, uint8_t *parents,
    uint8_t *children)
{
    const int kind = peek(bits, 4);
    bits->at += 4;
    if (kind != 0 && kind != 15) return false;
    /* Either a quadtree, or the codes of its last level as they are. */
    int level = kind == 0 ? 1 : (int)larger(levels_of(quadrant->rows, quadrant->columns), 1);
    int64_t parents_in_row = 1;
    parents[0] = 15;
    for (; level > 0; level--) {
        const int64_t step = (int64_t)1 << level;
        const int64_t height = (quadrant->rows + step - 1) / step, width = (quadrant->columns + step - 1) / step;
        if (kind == 0) {
            for (int64_t i = 0; i < height * width; i++, bits->at += 4) children[i] = (uint8_t)peek(bits, 4);
        } else {
            memset(children, 0, (size_t)(height * width));
            for (int64_t i = height - 1; i >= 0; i--)
                for (int64_t j = width - 1; j >= 0; j--)
                    if (has_bits(parents, parents_in_row, i, j)) {
                        const int word = peek(bits, 6);
                        children[i * width + j] = codes[word];
                        bits->at += code_bits[word];
                    }
        }
        if (is_read_out(bits)) return false;
        uint8_t *read = children;
        children = parents;
        parents = read;
        parents_in_row = width;
    }
    for (int64_t i = 0; i < quadrant->rows; i++)
        for (int64_t j = 0; j < quadrant->columns; j++)
            if (has_bits(parents, parents_in_row, i, j)) *pixel(quadrant, i, j) |= (int64_t)1 << plane;
    return true;
}

/*
 * Read the four quadrants of a transform of zeros, then the signs; false for damaged bytes. `planes` are the bit planes of the
 * three kinds of quadrants; codes and their lengths are those of the next six bits. `nodes` has room for two bytes for
 * each 2 x 2 pixels of the first quadrant, and two more.
 */
EXPORT int read_hcompress(
    const uint8_t *data, int64_t size, const int64_t *planes, const uint8_t *codes, const uint8_t *code_bits,
    int64_t rows, int64_t columns, uint8_t *nodes, int64_t *transform)
{
    Bits bits = {data, size, 0};
    const int64_t top = (rows + 1) / 2, left = (columns + 1) / 2, room = ((top + 1) / 2) * ((left + 1) / 2);
    for (int q = 0; q < 4; q++) {
        const bool below = q >= 2, right = q & 1;
        const Block quadrant = {
            transform + (below ? top * columns : 0) + (right ? left : 0), below ? rows - top : top,
            right ? columns - left : left, columns};
        for (int64_t plane = planes[below + right] - 1; plane >= 0; plane--)
            if (!read_plane(&bits, codes, code_bits, (int)plane, &quadrant, nodes, nodes + room + 1) ||
                is_read_out(&bits))
                return false;
    }
    if (peek(&bits, 4) != 0) return false;
    bits.at = (bits.at + 4 + 7) / 8 * 8;
    for (int64_t i = 0; i < rows * columns; i++)
        if (transform[i] != 0) {
            if (peek(&bits, 1)) transform[i] = -transform[i];
            bits.at++;
        }
    return !is_read_out(&bits);
}

/* To a multiple of a power of two; halves away from zero, as the encoder does. */
static int64_t rounded(int64_t value, int64_t unit)
{
    const int64_t half = unit >> 1;
    return (value + (value >= 0 ? half : larger(half - 1, 0))) & -unit;
}

/* Sums and differences, which lie in four quarters, side by side. */
static void interleave(const Block *block, int64_t *quarters)
{
    const int64_t top = (block->rows + 1) / 2, left = (block->columns + 1) / 2;
    for (int64_t i = 0; i < block->rows; i++)
        memcpy(quarters + i * block->columns, pixel(block, i, 0), block->columns * sizeof *quarters);
    for (int64_t i = 0; i < block->rows; i++) {
        const int64_t *row = quarters + ((i >> 1) + (i & 1 ? top : 0)) * block->columns;
        for (int64_t j = 0; j < block->columns; j++) *pixel(block, i, j) = row[(j >> 1) + (j & 1 ? left : 0)];
    }
}

/* Sums and differences of 2 x 2 pixels to pixels; at odd edges there are no differences across. */
static void combine(const Block *block, int64_t unit)
{
    const int shift = unit == 1 ? 2 : 1;
    for (int64_t i = 0; i < block->rows; i += 2)
        for (int64_t j = 0; j < block->columns; j += 2) {
            const bool below = i + 1 < block->rows, right = j + 1 < block->columns;
            int64_t h0 = *pixel(block, i, j);
            int64_t hx = below ? rounded(*pixel(block, i + 1, j), 2 * unit) : 0;
            int64_t hy = right ? rounded(*pixel(block, i, j + 1), 2 * unit) : 0;
            const int64_t hc = below && right ? rounded(*pixel(block, i + 1, j + 1), unit) : 0;
            /* The lowest bits are not stored, since they follow from each other. */
            const int64_t low = hc & unit;
            hx += hx >= 0 ? -low : low;
            hy += hy >= 0 ? -low : low;
            const int64_t high = (hc ^ hx ^ hy) & (2 * unit);
            h0 += h0 < 0 && low == 0 ? high : low - high;
            *pixel(block, i, j) = (h0 - hx - hy + hc) >> shift;
            if (below) *pixel(block, i + 1, j) = (h0 + hx - hy - hc) >> shift;
            if (right) *pixel(block, i, j + 1) = (h0 - hx + hy - hc) >> shift;
            if (below && right) *pixel(block, i + 1, j + 1) = (h0 + hx + hy + hc) >> shift;
        }
}

/* A part of a change, rounded towards zero, and at most so much. */
static int64_t limited(int64_t change, int64_t parts, int64_t most)
{
    return larger(smaller(change / parts, most), -most);
}

static int64_t slope_change(int64_t before, int64_t here, int64_t after, int64_t slope, int64_t most)
{
    const int64_t up = after - here, down = here - before;
    const int64_t high = larger(smaller(up, down), 0) * 4, low = smaller(larger(up, down), 0) * 4;
    return low >= high ? 0 : limited(larger(smaller(after - before, high), low) - slope * 8, 8, most);
}

static int64_t curvature_change(const Block *block, int64_t i, int64_t j, int64_t most)
{
    const int64_t here = *pixel(block, i, j), x = *pixel(block, i + 1, j) * 2, y = *pixel(block, i, j + 1) * 2;
    const int64_t mm = *pixel(block, i - 2, j - 2), mp = *pixel(block, i - 2, j + 2);
    const int64_t pm = *pixel(block, i + 2, j - 2), pp = *pixel(block, i + 2, j + 2);
    const int64_t high = 16 * smaller(
        smaller(larger(pp - here, 0) - x - y, larger(here - pm, 0) + x - y),
        smaller(larger(here - mp, 0) - x + y, larger(mm - here, 0) + x + y));
    const int64_t low = 16 * larger(
        larger(smaller(pp - here, 0) - x - y, smaller(here - pm, 0) + x - y),
        larger(smaller(here - mp, 0) - x + y, smaller(mm - here, 0) + x + y));
    if (low >= high) return 0;
    return limited(larger(smaller(pp + mm - mp - pm, high), low) - *pixel(block, i + 1, j + 1) * 64, 64, most);
}

/* Change differences, by at most the given amount, towards the slope of the surrounding sums. */
static void smooth(const Block *block, int64_t most)
{
    const int64_t rows = block->rows, columns = block->columns;
    for (int64_t i = 2; i < rows - 2; i += 2)
        for (int64_t j = 0; j < columns; j += 2)
            *pixel(block, i + 1, j) += slope_change(
                *pixel(block, i - 2, j), *pixel(block, i, j), *pixel(block, i + 2, j), *pixel(block, i + 1, j), most);
    for (int64_t i = 0; i < rows; i += 2)
        for (int64_t j = 2; j < columns - 2; j += 2)
            *pixel(block, i, j + 1) += slope_change(
                *pixel(block, i, j - 2), *pixel(block, i, j), *pixel(block, i, j + 2), *pixel(block, i, j + 1), most);
    for (int64_t i = 2; i < rows - 2; i += 2)
        for (int64_t j = 2; j < columns - 2; j += 2)
            *pixel(block, i + 1, j + 1) += curvature_change(block, i, j, most);
}

/* Turn the transform into pixels, in place; `quarters` has room for as many. */
EXPORT void invert_hcompress(int64_t *transform, int64_t rows, int64_t columns, int64_t most_smoothing, int64_t *quarters)
{
    const int levels = levels_of(rows, columns);
    transform[0] = rounded(transform[0], (int64_t)2 << levels);
    for (int level = levels - 1; level >= 0; level--) {
        const int64_t step = (int64_t)1 << level;
        const Block block = {transform, (rows + step - 1) / step, (columns + step - 1) / step, columns};
        interleave(&block, quarters);
        if (most_smoothing > 0) smooth(&block, most_smoothing);
        combine(&block, step);
    }
}
