/*
 * What all kernels share: plain C11 with the vector types of gcc and clang, without global state.
 */
#ifndef KERNELS_H
#define KERNELS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
#define INLINE static inline __attribute__((always_inline))
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* As many doubles as the processor treats at once: the lanes of a vector. */
#if defined(__AVX__)
enum { LANES = 4 };
#define IN_LANES(expression) {expression(0), expression(1), expression(2), expression(3)}
#else
enum { LANES = 2 };
#define IN_LANES(expression) {expression(0), expression(1)}
#endif
typedef double doubles __attribute__((vector_size(8 * LANES)));
typedef int64_t integers __attribute__((vector_size(8 * LANES)));
/* The same at any address. */
typedef double doubles_anywhere __attribute__((vector_size(8 * LANES), aligned(8)));
typedef float floats_anywhere __attribute__((vector_size(4 * LANES), aligned(4)));

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* a * b + c, rounded once where the processor does it so; without it, twice: elsewhere it would be a call. */
INLINE double multiply_add(double a, double b, double c)
{
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return __builtin_fma(a, b, c);
#else
    return a * b + c;
#endif
}

INLINE doubles all(double value)
{
#define SAME(lane) value
    return (doubles)IN_LANES(SAME);
#undef SAME
}

/* 0, 1, ... */
INLINE doubles lane_numbers(void)
{
#define NUMBER(lane) lane
    return (doubles)IN_LANES(NUMBER);
#undef NUMBER
}

INLINE doubles load(const double *from) { return *(const doubles_anywhere *)from; }
INLINE doubles load_floats(const float *from)
{
#if defined(__SSE2__) && !defined(__AVX__) /* gcc would convert one by one */
    return (doubles)_mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)from)));
#else
    return __builtin_convertvector(*(const floats_anywhere *)from, doubles);
#endif
}
INLINE void store(double *to, doubles values) { *(doubles_anywhere *)to = values; }

INLINE doubles lanes_multiply_add(doubles a, doubles b, doubles c)
{
#if defined(__FMA__) && defined(__AVX__)
    return (doubles)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(__ARM_FEATURE_FMA)
    return (doubles)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return a * b + c;
#endif
}

INLINE doubles lanes_square_root(doubles a)
{
#if defined(__AVX__)
    return (doubles)_mm256_sqrt_pd((__m256d)a);
#elif defined(__SSE2__)
    return (doubles)_mm_sqrt_pd((__m128d)a);
#else
    return (doubles){sqrt(a[0]), sqrt(a[1])};
#endif
}

/* Lane by lane: a where the condition holds, else b. */
INLINE doubles choose(integers condition, doubles a, doubles b)
{
#if defined(__AVX__)
    return (doubles)_mm256_blendv_pd((__m256d)b, (__m256d)a, (__m256d)condition);
#else
    return (doubles)(((integers)a & condition) | ((integers)b & ~condition));
#endif
}

/* Whether the condition, -1 for true and 0 for false, holds in all lanes. */
INLINE bool are_all(integers condition)
{
#if defined(__AVX__)
    return _mm256_movemask_pd((__m256d)condition) == 15;
#elif defined(__SSE2__)
    return _mm_movemask_pd((__m128d)condition) == 3;
#else
    return (condition[0] & condition[1]) != 0;
#endif
}

/* Both of two conditions. */
INLINE integers both(integers a, integers b)
{
#if defined(__SSE2__) && !defined(__AVX__) /* gcc would take the lanes apart */
    return (integers)_mm_and_pd((__m128d)a, (__m128d)b);
#else
    return a & b;
#endif
}

INLINE bool in_any_lane(integers condition) { return !are_all(~condition); }

/* Without the sign, which is the highest bit. */
INLINE doubles lanes_size(doubles a) { return (doubles)((integers)a & ~(integers)all(-0.0)); }

/* The larger of the least value and of a, NaN where a is. */
INLINE doubles lanes_at_least(doubles least, doubles a)
{
#if defined(__AVX__)
    return (doubles)_mm256_max_pd((__m256d)least, (__m256d)a);
#elif defined(__SSE2__)
    return (doubles)_mm_max_pd((__m128d)least, (__m128d)a);
#else
    return choose(a < least, least, a);
#endif
}

/* The smaller of two; any of them, where one is NaN. */
INLINE doubles lanes_smaller(doubles a, doubles b)
{
#if defined(__AVX__)
    return (doubles)_mm256_min_pd((__m256d)a, (__m256d)b);
#elif defined(__SSE2__)
    return (doubles)_mm_min_pd((__m128d)a, (__m128d)b);
#else
    return choose(a < b, a, b);
#endif
}

/* The larger of two; any of them, where one is NaN. */
INLINE doubles lanes_larger(doubles a, doubles b)
{
#if defined(__AVX__)
    return (doubles)_mm256_max_pd((__m256d)a, (__m256d)b);
#elif defined(__SSE2__)
    return (doubles)_mm_max_pd((__m128d)a, (__m128d)b);
#else
    return choose(a > b, a, b);
#endif
}

/* The nearest whole number of values below 2^51 in size: adding 1.5 * 2^52 rounds. */
INLINE doubles lanes_nearest(doubles value) { return value + all(6755399441055744.0) - all(6755399441055744.0); }

/* Of values below 2^51 in size. */
INLINE doubles lanes_floor(doubles value)
{
#if defined(__AVX__)
    return (doubles)_mm256_floor_pd((__m256d)value);
#else
    doubles rounded = lanes_nearest(value);
    return rounded - (doubles)((rounded > value) & (integers)all(1));
#endif
}

INLINE doubles lanes_ceil(doubles value)
{
#if defined(__AVX__)
    return (doubles)_mm256_ceil_pd((__m256d)value);
#else
    doubles rounded = lanes_nearest(value);
    return rounded + (doubles)((rounded < value) & (integers)all(1));
#endif
}

#endif
