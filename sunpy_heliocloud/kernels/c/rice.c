/*
 * Decoding of RICE-compressed tiles, of integers of 8, 16 or 32 bits.
 *
 * A tile is its first pixel and then the differences to the pixel before, in blocks. The head of a block is a code: 0 for
 * a block of equal pixels; the highest for differences that are stored as they are; else 1 + the number of low bits k. Then a
 * difference d, folded to d >= 0 ? 2 d : -2 d - 1, is stored as (d >> k) zeros, a one, and its low k bits.
 *
 * Source: FITS standard 4.0, section 10.4.1; Rice, Yeh & Miller 1993 (AIAA 93-4541).
 *
 * Four tiles are decoded side by side: each code has to wait for the length of the one before, but not for other tiles.
 * Bounds: positions only grow, so that a tile that ends too early is found at the start of the next block or at the end of
 * the tile. Until then at most RICE_LOOKAHEAD bytes beyond its end are read, which the caller provides.
 */
#include "kernels.h"

#define MOST_IN_BLOCK 32
#define TOGETHER 4

typedef struct {
    const uint8_t *data;
    int code_bits, raw_code, pixel_bits; /* of a block's head; the code of raw pixels; of a pixel */
    int64_t pixels, left, right, block;  /* of a tile; columns wanted; pixels of a block */
} Coding;

/* A tile: where it is read, in bits, where it ends, and its latest pixel. */
typedef struct {
    uint64_t at, stop;
    uint32_t pixel;
} Tile;

/* At least 57 bits from bit `at` on, the first one highest. */
INLINE uint64_t bits(const uint8_t *data, uint64_t at)
{
    uint64_t word;
    memcpy(&word, data + (at >> 3), 8);
    return __builtin_bswap64(word) << (at & 7);
}

/* The folded differences of a block, one after the other; false if the tile is damaged. */
static bool read_differences(const Coding *coding, Tile *tile, int code, int count, uint32_t *folded)
{
    const uint8_t *data = coding->data;
    const int low_bits = code - 1;
    for (int i = 0; i < count; i++) {
        if (tile->at >= tile->stop) return false;
        uint64_t word = bits(data, tile->at);
        if (code == coding->raw_code) {
            folded[i] = (uint32_t)(word >> (64 - coding->pixel_bits));
            tile->at += coding->pixel_bits;
            continue;
        }
        uint64_t zeros = __builtin_clzll(word | 1);
        if (zeros + low_bits < 56) {
            word <<= zeros + 1;
        } else { /* more bits than a word has */
            for (zeros = 0; bits(data, tile->at + zeros) >> 63 == 0; zeros++)
                if (tile->at + zeros + 1 >= tile->stop) return false;
            word = bits(data, tile->at + zeros) << 1;
        }
        tile->at += zeros + 1 + low_bits;
        folded[i] = (uint32_t)(zeros << low_bits | word >> 1 >> (63 - low_bits));
    }
    return true;
}

/*
 * The same of four tiles at once, of which all have low bits, some codes from each word; false if they are longer than a word, and
 * nothing has been read.
 */
INLINE bool read_some_of_four(
    const uint8_t *data, Tile *tiles, const int *codes, int count, int from_a_word, uint32_t folded[TOGETHER][MOST_IN_BLOCK])
{
    uint64_t at[TOGETHER], longest = 0;
    for (int k = 0; k < TOGETHER; k++) at[k] = tiles[k].at;
    for (int i = 0; i < count; i += from_a_word)
        for (int k = 0; k < TOGETHER; k++) {
            const int low_bits = codes[k] - 1;
            uint64_t word = bits(data, at[k]), length = 0;
            for (int j = 0; j < from_a_word; j++) {
                const uint64_t zeros = __builtin_clzll(word | 1);
                word <<= zeros;
                /* The one after the zeros is above the low bits. */
                folded[k][i + j] = (uint32_t)(((zeros - 1) << low_bits) + (word >> (63 - low_bits)));
                word <<= low_bits + 1;
                length += zeros + 1 + low_bits;
            }
            longest = longest > length ? longest : length;
            at[k] += length;
        }
    if (longest > 56) return false;
    for (int k = 0; k < TOGETHER; k++) tiles[k].at = at[k];
    return true;
}

static bool read_differences_of_four(
    const uint8_t *data, Tile *tiles, const int *codes, int count, uint32_t folded[TOGETHER][MOST_IN_BLOCK])
{
    if (count % 4 == 0 && read_some_of_four(data, tiles, codes, count, 4, folded)) return true;
    return read_some_of_four(data, tiles, codes, count, 1, folded);
}

/* Pixels of a block from its folded differences; those of the wanted columns go to the row. */
static void add_up(const Coding *coding, Tile *tile, int64_t first, int count, const uint32_t *folded, void *row)
{
    uint32_t pixels[MOST_IN_BLOCK], pixel = tile->pixel;
    if (first + count <= coding->left) {
        for (int i = 0; i < count; i++) pixel += folded[i] >> 1 ^ -(folded[i] & 1);
        tile->pixel = pixel;
        return;
    }
    for (int i = 0; i < count; i++) pixels[i] = folded[i] >> 1 ^ -(folded[i] & 1);
    for (int i = 0; i < count; i++) pixels[i] = pixel += pixels[i];
    tile->pixel = pixel;
    const int skipped = (int)larger(coding->left - first, 0);
    const int64_t to = first - coding->left;
    if (coding->pixel_bits == 16)
        for (int i = skipped; i < count; i++) ((uint16_t *)row)[to + i] = (uint16_t)pixels[i];
    else if (coding->pixel_bits == 32)
        for (int i = skipped; i < count; i++) ((uint32_t *)row)[to + i] = pixels[i];
    else
        for (int i = skipped; i < count; i++) ((uint8_t *)row)[to + i] = (uint8_t)pixels[i];
}

static bool start_tile(const Coding *coding, Tile *tile, int64_t start, int64_t stop)
{
    *tile = (Tile){(uint64_t)start << 3, (uint64_t)stop << 3, 0};
    if (tile->at + coding->pixel_bits > tile->stop) return false;
    tile->pixel = (uint32_t)(bits(coding->data, tile->at) >> (64 - coding->pixel_bits));
    tile->at += coding->pixel_bits;
    return true;
}

/* The code of the next block; -1 if the tile is damaged. */
INLINE int next_code(const Coding *coding, Tile *tile)
{
    if (tile->at + coding->code_bits > tile->stop) return -1;
    int code = (int)(bits(coding->data, tile->at) >> (64 - coding->code_bits));
    tile->at += coding->code_bits;
    return code > coding->raw_code ? -1 : code;
}

/* The rest of a block, after its code. */
static bool decode_block(const Coding *coding, Tile *tile, int code, int64_t first, int count, void *row)
{
    uint32_t folded[MOST_IN_BLOCK] = {0};
    if (code < 0 || (code > 0 && !read_differences(coding, tile, code, count, folded))) return false;
    add_up(coding, tile, first, count, folded, row);
    return true;
}

/* Whether no more bits were read than there are and, of a whole tile, less than a byte is left over. */
static bool ends_well(const Coding *coding, const Tile *tile)
{
    return tile->at <= tile->stop && (coding->right < coding->pixels || tile->stop - tile->at < 8);
}

static bool decode_one(const Coding *coding, int64_t start, int64_t stop, void *row)
{
    Tile tile;
    if (!start_tile(coding, &tile, start, stop)) return false;
    for (int64_t first = 0; first < coding->right; first += coding->block) {
        const int count = (int)smaller(coding->block, coding->right - first);
        if (!decode_block(coding, &tile, next_code(coding, &tile), first, count, row)) return false;
    }
    return ends_well(coding, &tile);
}

static bool decode_four(const Coding *coding, const int64_t *starts, const int64_t *stops, uint8_t *rows, int64_t bytes)
{
    Tile tiles[TOGETHER];
    uint32_t folded[TOGETHER][MOST_IN_BLOCK];
    for (int k = 0; k < TOGETHER; k++)
        if (!start_tile(coding, &tiles[k], starts[k], stops[k])) return false;
    for (int64_t first = 0; first < coding->right; first += coding->block) {
        const int count = (int)smaller(coding->block, coding->right - first);
        int codes[TOGETHER];
        bool usual = true;
        for (int k = 0; k < TOGETHER; k++) {
            codes[k] = next_code(coding, &tiles[k]);
            usual &= codes[k] > 0 && codes[k] < coding->raw_code;
        }
        usual = usual && read_differences_of_four(coding->data, tiles, codes, count, folded);
        for (int k = 0; k < TOGETHER; k++) {
            if (usual)
                add_up(coding, &tiles[k], first, count, folded[k], rows + k * bytes);
            else if (!decode_block(coding, &tiles[k], codes[k], first, count, rows + k * bytes))
                return false;
        }
    }
    for (int k = 0; k < TOGETHER; k++)
        if (!ends_well(coding, &tiles[k])) return false;
    return true;
}

/* Bytes after the end of a tile that may be read: a block of codes of at most 64 + 26 bits, and a word. */
EXPORT int64_t rice_lookahead(void) { return MOST_IN_BLOCK * 90 / 8 + 16; }

/*
 * Fill the image, a row a tile, with the columns `left` to `right`. Tiles are the bytes from `starts` to `stops`.
 * Returns the first tile that no encoder writes, -1 for none.
 */
EXPORT int64_t decode_rice(
    const uint8_t *data, const int64_t *starts, const int64_t *stops, int64_t tiles, int64_t pixels, int64_t left,
    int64_t right, int64_t block, int code_bits, int raw_code, int pixel_bits, uint8_t *image)
{
    const Coding coding = {data, code_bits, raw_code, pixel_bits, pixels, left, right, block};
    const int64_t bytes = (right - left) * (pixel_bits / 8);
    int64_t tile = 0;
    for (; tile + TOGETHER <= tiles; tile += TOGETHER)
        if (!decode_four(&coding, starts + tile, stops + tile, image + tile * bytes, bytes)) break;
    for (; tile < tiles; tile++)
        if (!decode_one(&coding, starts[tile], stops[tile], image + tile * bytes)) return tile;
    return -1;
}
