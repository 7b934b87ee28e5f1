/* As many numbers as the processor treats at once, of one type, REAL; WHOLE is an integer of the same size. */
#ifndef VECTORS_H
#define VECTORS_H
#if defined(__AVX__)
#define INTRINSIC_f4(name) _mm256_##name##_ps
#define INTRINSIC_f8(name) _mm256_##name##_pd
#else
#define INTRINSIC_f4(name) _mm_##name##_ps
#define INTRINSIC_f8(name) _mm_##name##_pd
#endif
#define NUMBERS OF_TYPE(numbers)
#define WHOLES OF_TYPE(wholes)
#endif

typedef REAL OF_TYPE(numbers) __attribute__((vector_size(sizeof(doubles))));
typedef REAL OF_TYPE(numbers_anywhere) __attribute__((vector_size(sizeof(doubles)), aligned(sizeof(REAL))));
typedef WHOLE OF_TYPE(wholes) __attribute__((vector_size(sizeof(doubles))));
enum { OF_TYPE(WIDTH) = sizeof(doubles) / sizeof(REAL) };

INLINE NUMBERS OF_TYPE(numbers_at)(const REAL *from) { return *(const OF_TYPE(numbers_anywhere) *)from; }
INLINE void OF_TYPE(put_numbers)(REAL *to, NUMBERS values) { *(OF_TYPE(numbers_anywhere) *)to = values; }

/* As many as there are doubles in a vector. */
INLINE doubles OF_TYPE(doubles_at)(const REAL *from) { return __builtin_convertvector(*(const REALS_ANYWHERE *)from, doubles); }
INLINE void OF_TYPE(put_doubles)(REAL *to, doubles values) { *(REALS_ANYWHERE *)to = __builtin_convertvector(values, REALS_ANYWHERE); }

/* Lane by lane: a where the condition holds, else b. */
INLINE NUMBERS OF_TYPE(either)(WHOLES condition, NUMBERS a, NUMBERS b)
{
    return (NUMBERS)((condition & (WHOLES)a) | (~condition & (WHOLES)b));
}

/* The smaller and the larger one; b where one of them is NaN. */
INLINE NUMBERS OF_TYPE(least_of)(NUMBERS a, NUMBERS b)
{
#if defined(__SSE2__)
    return OF_TYPE(INTRINSIC)(min)(a, b);
#else
    return OF_TYPE(either)(a < b, a, b);
#endif
}

INLINE NUMBERS OF_TYPE(most_of)(NUMBERS a, NUMBERS b)
{
#if defined(__SSE2__)
    return OF_TYPE(INTRINSIC)(max)(a, b);
#else
    return OF_TYPE(either)(a > b, a, b);
#endif
}

INLINE NUMBERS OF_TYPE(square_roots)(NUMBERS values)
{
#if defined(__SSE2__)
    return OF_TYPE(INTRINSIC)(sqrt)(values);
#else
    for (int i = 0; i < OF_TYPE(WIDTH); i++) values[i] = SQUARE_ROOT(values[i]);
    return values;
#endif
}
