/*
 * Elementary functions lane by lane: the argument is reduced to a short interval, on which a polynomial or a rational function is
 * as good as the doubles (Cody & Waite 1980, Software Manual for the Elementary Functions; Moshier 1989, Cephes).
 */
#ifndef ELEMENTARY_H
#define ELEMENTARY_H

#include "kernels.h"

/* A sum of two terms of a series, (over x + under). */
INLINE doubles two_terms(doubles x, double over, double under) { return lanes_multiply_add(x, all(over), all(under)); }

/*
 * exp of arguments within +-700, good to 2e-14: a power of 2 times the polynomial of the ninth degree whose largest relative error on
 * [-ln 2 / 2, ln 2 / 2] is least (Remez). Terms are added in pairs, which do not wait for each other (Estrin's scheme).
 */
INLINE doubles lanes_exp(doubles exponent)
{
    /* Adding 1.5 * 2^52 rounds to an integer and leaves it in the lowest bits. */
    const doubles magic = all(6755399441055744.0);
    doubles shifted = lanes_multiply_add(exponent, all(1.4426950408889634), magic);
    doubles power = shifted - magic;
    doubles r = lanes_multiply_add(power, all(-6.93147180369123816490e-01), exponent);
    r = lanes_multiply_add(power, all(-1.90821492927058770002e-10), r);
    doubles square = r * r, fourth = square * square;
    doubles first = two_terms(r, 0.9999999999998928, 1.0000000000000127);
    first = lanes_multiply_add(two_terms(r, 0.16666666667826954, 0.4999999999945797), square, first);
    doubles middle = two_terms(r, 0.008333333002822645, 0.041666667032463356);
    middle = lanes_multiply_add(two_terms(r, 1.984159639703441e-4, 1.3888802828821594e-3), square, middle);
    doubles last = two_terms(r, 2.748218700193312e-6, 2.4884010015388764e-5);
    doubles polynomial = lanes_multiply_add(lanes_multiply_add(last, fourth, middle), fourth, first);
    return polynomial * (doubles)(((integers)shifted + 1023) << 52);
}

/* The same of arguments within +-SMALL_EXPONENT, for which the fifth degree is enough. */
static const double SMALL_EXPONENT = 1.0 / 40;

INLINE doubles exp_of_small(doubles x)
{
    doubles square = x * x;
    doubles first = two_terms(x, 0.9999999999999561, 1.0000000000000107);
    first = lanes_multiply_add(two_terms(x, 0.1666666669137104, 0.4999999996948553), square, first);
    return lanes_multiply_add(two_terms(x, 0.008333147319802087, 0.04166796870873878), square * square, first);
}

/* The logarithm of positive normal numbers, good to 1e-15. */
INLINE doubles lanes_log(doubles x)
{
    /* x = m 2^power with m from sqrt(1/2) to sqrt(2). The exponent of a double is in its highest bits, increased by 1023. */
    const int64_t root_half = 0x3fe6a09e667f3bcd, mantissa = 0xfffffffffffff;
    integers bits = (integers)x - root_half;
    integers power = ((bits + (1023LL << 52)) >> 52) | 0x4330000000000000; /* 2^52 + power + 1023 */
    doubles m = (doubles)((bits & mantissa) + root_half);
    doubles r = (m - all(1)) / (m + all(1)), square = r * r;
    doubles series = all(1.0 / 19);
    series = lanes_multiply_add(series, square, all(1.0 / 17));
    series = lanes_multiply_add(series, square, all(1.0 / 15));
    series = lanes_multiply_add(series, square, all(1.0 / 13));
    series = lanes_multiply_add(series, square, all(1.0 / 11));
    series = lanes_multiply_add(series, square, all(1.0 / 9));
    series = lanes_multiply_add(series, square, all(1.0 / 7));
    series = lanes_multiply_add(series, square, all(1.0 / 5));
    series = lanes_multiply_add(series, square, all(1.0 / 3));
    doubles logarithm = all(2) * lanes_multiply_add(r * square, series, r);
    return lanes_multiply_add((doubles)power - all(4503599627371519.0), all(0.69314718055994530942), logarithm);
}

/* Sine and cosine of up to a million radians, good to 1e-15. */
INLINE void lanes_sin_cos(doubles angle, doubles *sine, doubles *cosine)
{
    /* Adding 1.5 * 2^52 rounds to an integer and leaves it in the lowest bits. */
    const doubles magic = all(6755399441055744.0);
    doubles shifted = lanes_multiply_add(angle, all(0.6366197723675814), magic);
    integers quarter = (integers)shifted;
    doubles turns = shifted - magic;
    doubles r = lanes_multiply_add(turns, all(-1.57079632673412561417), angle);
    r = lanes_multiply_add(turns, all(-6.07710050650619224932e-11), r);
    doubles square = r * r;
    doubles sin = all(-1.0 / 1307674368000);
    sin = lanes_multiply_add(sin, square, all(1.0 / 6227020800));
    sin = lanes_multiply_add(sin, square, all(-1.0 / 39916800));
    sin = lanes_multiply_add(sin, square, all(1.0 / 362880));
    sin = lanes_multiply_add(sin, square, all(-1.0 / 5040));
    sin = lanes_multiply_add(sin, square, all(1.0 / 120));
    sin = lanes_multiply_add(sin, square, all(-1.0 / 6));
    sin = lanes_multiply_add(r * square, sin, r);
    doubles cos = all(1.0 / 20922789888000);
    cos = lanes_multiply_add(cos, square, all(-1.0 / 87178291200));
    cos = lanes_multiply_add(cos, square, all(1.0 / 479001600));
    cos = lanes_multiply_add(cos, square, all(-1.0 / 3628800));
    cos = lanes_multiply_add(cos, square, all(1.0 / 40320));
    cos = lanes_multiply_add(cos, square, all(-1.0 / 720));
    cos = lanes_multiply_add(cos, square, all(1.0 / 24));
    cos = lanes_multiply_add(cos, square, all(-1.0 / 2));
    cos = lanes_multiply_add(square, cos, all(1));
    integers is_odd = -(quarter & 1);
    /* The sign is the highest bit. */
    *sine = (doubles)((integers)choose(is_odd, cos, sin) ^ (quarter & 2) << 62);
    *cosine = (doubles)((integers)choose(is_odd, sin, cos) ^ ((quarter + 1) & 2) << 62);
}

/* The same of angles up to SMALL_ANGLE, to which their series converge at once. */
static const double SMALL_ANGLE = 0.125;

INLINE void sin_cos_of_small_angles(doubles angle, doubles *sine, doubles *cosine)
{
    doubles square = angle * angle;
    doubles sin = lanes_multiply_add(square, all(1.0 / 362880), all(-1.0 / 5040));
    sin = lanes_multiply_add(sin, square, all(1.0 / 120));
    sin = lanes_multiply_add(sin, square, all(-1.0 / 6));
    *sine = lanes_multiply_add(angle * square, sin, angle);
    doubles cos = lanes_multiply_add(square, all(-1.0 / 3628800), all(1.0 / 40320));
    cos = lanes_multiply_add(cos, square, all(-1.0 / 720));
    cos = lanes_multiply_add(cos, square, all(1.0 / 24));
    cos = lanes_multiply_add(cos, square, all(-1.0 / 2));
    *cosine = lanes_multiply_add(square, cos, all(1));
}

/* Of any argument, good to 1e-15. */
INLINE doubles lanes_arctan(doubles x)
{
    const doubles tan_of_67_5 = all(2.41421356237309504880), half_pi = all(1.57079632679489661923);
    integers is_negative = x < all(0);
    doubles size = choose(is_negative, -x, x);
    integers is_large = size > tan_of_67_5, is_middle = (size > all(0.66)) & ~is_large;
    doubles from = choose(is_large, half_pi, choose(is_middle, all(0.5) * half_pi, all(0)));
    doubles above = choose(is_large, all(-1), choose(is_middle, size - all(1), size));
    doubles r = above / choose(is_large, size, choose(is_middle, size + all(1), all(1)));
    doubles square = r * r;
    doubles over = all(-8.750608600031904122785e-1);
    over = lanes_multiply_add(over, square, all(-1.615753718733365076637e1));
    over = lanes_multiply_add(over, square, all(-7.500855792314704667340e1));
    over = lanes_multiply_add(over, square, all(-1.228866684490136173410e2));
    over = lanes_multiply_add(over, square, all(-6.485021904942025371773e1));
    doubles under = square + all(2.485846490142306297962e1);
    under = lanes_multiply_add(under, square, all(1.650270098316988542046e2));
    under = lanes_multiply_add(under, square, all(4.328810604912902668951e2));
    under = lanes_multiply_add(under, square, all(4.853903996359136964868e2));
    under = lanes_multiply_add(under, square, all(1.945506571482613964425e2));
    doubles angle = from + lanes_multiply_add(r, square * over / under, r);
    return choose(is_negative, -angle, angle);
}

#endif
