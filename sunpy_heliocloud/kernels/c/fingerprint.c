/*
 * XXH64, a hash of bytes at the speed of memory: Collet, Y., xxHash fast digest algorithm,
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md, with the seed 0.
 *
 * Four sums of 64 bits take 8 bytes each in turn; integers overflow. It finds changes, but nobody who makes them on purpose.
 */
#include "kernels.h"

static const uint64_t FIRST = 0x9E3779B185EBCA87u, SECOND = 0xC2B2AE3D27D4EB4Fu, THIRD = 0x165667B19E3779F9u,
                      FOURTH = 0x85EBCA77C2B2AE63u, FIFTH = 0x27D4EB2F165667C5u;

INLINE uint64_t rotated(uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

INLINE uint64_t taken(uint64_t sum, uint64_t word) { return rotated(sum + word * SECOND, 31) * FIRST; }

INLINE uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

EXPORT uint64_t fingerprint(const uint8_t *bytes, int64_t count)
{
    const uint8_t *const end = bytes + count;
    uint64_t hash = FIFTH;
    if (count >= 32) {
        uint64_t sums[] = {FIRST + SECOND, SECOND, 0, 0 - FIRST};
        for (; end - bytes >= 32; bytes += 32)
            for (int i = 0; i < 4; i++) sums[i] = taken(sums[i], word_at(bytes + 8 * i));
        hash = rotated(sums[0], 1) + rotated(sums[1], 7) + rotated(sums[2], 12) + rotated(sums[3], 18);
        for (int i = 0; i < 4; i++) hash = (hash ^ taken(0, sums[i])) * FIRST + FOURTH;
    }
    hash += (uint64_t)count;
    for (; end - bytes >= 8; bytes += 8) hash = rotated(hash ^ taken(0, word_at(bytes)), 27) * FIRST + FOURTH;
    if (end - bytes >= 4) {
        uint32_t half;
        memcpy(&half, bytes, sizeof half);
        hash = rotated(hash ^ half * FIRST, 23) * SECOND + THIRD;
        bytes += 4;
    }
    for (; bytes < end; bytes++) hash = rotated(hash ^ *bytes * FIFTH, 11) * FIRST;
    hash = (hash ^ hash >> 33) * SECOND;
    hash = (hash ^ hash >> 29) * THIRD;
    return hash ^ hash >> 32;
}
