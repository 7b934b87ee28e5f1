/*
 * Fourier transforms of the series of SIDE pixels at once, for one type of numbers, REAL: rows of SIDE numbers, two of which are the
 * real and imaginary parts of a complex one.
 *
 * Transforms are Stockham's, of radix 2, 3, 4 and 5 (Temperton, C. 1983, J. Comput. Phys. 52, 1). A real series of length L is
 * the complex one x(2j) + i x(2j + 1) of half the length, whose transform is Z:
 *
 *     X(k) = E(k) + w^k O(k),  2 E(k) = Z(k) + Z*(L/2 - k),  2i O(k) = Z(k) - Z*(L/2 - k),  w = exp(-2 pi i / L).
 */

typedef struct { NUMBERS re, im; } OF_TYPE(complexes);
#ifndef COMPLEXES
#define COMPLEXES OF_TYPE(complexes)
#endif

INLINE COMPLEXES OF_TYPE(at)(const REAL *rows, int64_t index)
{
    return (COMPLEXES){OF_TYPE(numbers_at)(rows + 2 * SIDE * index), OF_TYPE(numbers_at)(rows + (2 * index + 1) * SIDE)};
}

INLINE void OF_TYPE(put)(REAL *rows, int64_t index, COMPLEXES value)
{
    OF_TYPE(put_numbers)(rows + 2 * SIDE * index, value.re);
    OF_TYPE(put_numbers)(rows + (2 * index + 1) * SIDE, value.im);
}

INLINE COMPLEXES OF_TYPE(plus)(COMPLEXES a, COMPLEXES b) { return (COMPLEXES){a.re + b.re, a.im + b.im}; }
INLINE COMPLEXES OF_TYPE(minus)(COMPLEXES a, COMPLEXES b) { return (COMPLEXES){a.re - b.re, a.im - b.im}; }
/* a - i b, a + i b */
INLINE COMPLEXES OF_TYPE(minus_i)(COMPLEXES a, COMPLEXES b) { return (COMPLEXES){a.re + b.im, a.im - b.re}; }
INLINE COMPLEXES OF_TYPE(plus_i)(COMPLEXES a, COMPLEXES b) { return (COMPLEXES){a.re - b.im, a.im + b.re}; }
INLINE COMPLEXES OF_TYPE(scaled)(COMPLEXES a, REAL factor) { return (COMPLEXES){a.re * factor, a.im * factor}; }
INLINE COMPLEXES OF_TYPE(turned)(COMPLEXES a, const REAL *root)
{
    return (COMPLEXES){a.re * root[0] - a.im * root[1], a.re * root[1] + a.im * root[0]};
}

/* The transform of so many numbers, in place. */
INLINE void OF_TYPE(transform_few)(COMPLEXES *x, int radix)
{
    if (radix == 2) {
        const COMPLEXES sum = OF_TYPE(plus)(x[0], x[1]);
        x[1] = OF_TYPE(minus)(x[0], x[1]);
        x[0] = sum;
    } else if (radix == 3) {
        const COMPLEXES sum = OF_TYPE(plus)(x[1], x[2]);
        const COMPLEXES turned = OF_TYPE(scaled)(OF_TYPE(minus)(x[1], x[2]), (REAL)0.86602540378443864676);
        const COMPLEXES middle = OF_TYPE(minus)(x[0], OF_TYPE(scaled)(sum, (REAL)0.5));
        x[0] = OF_TYPE(plus)(x[0], sum);
        x[1] = OF_TYPE(minus_i)(middle, turned);
        x[2] = OF_TYPE(plus_i)(middle, turned);
    } else if (radix == 4) {
        const COMPLEXES even = OF_TYPE(plus)(x[0], x[2]), odd = OF_TYPE(plus)(x[1], x[3]);
        const COMPLEXES evens = OF_TYPE(minus)(x[0], x[2]), odds = OF_TYPE(minus)(x[1], x[3]);
        x[0] = OF_TYPE(plus)(even, odd);
        x[1] = OF_TYPE(minus_i)(evens, odds);
        x[2] = OF_TYPE(minus)(even, odd);
        x[3] = OF_TYPE(plus_i)(evens, odds);
    } else {
        const REAL cos_1 = (REAL)0.30901699437494742410, cos_2 = (REAL)-0.80901699437494742410;
        const REAL sin_1 = (REAL)0.95105651629515357212, sin_2 = (REAL)0.58778525229247312917;
        const COMPLEXES outer = OF_TYPE(plus)(x[1], x[4]), inner = OF_TYPE(plus)(x[2], x[3]);
        const COMPLEXES outers = OF_TYPE(minus)(x[1], x[4]), inners = OF_TYPE(minus)(x[2], x[3]);
        const COMPLEXES one = OF_TYPE(plus)(x[0], OF_TYPE(plus)(OF_TYPE(scaled)(outer, cos_1), OF_TYPE(scaled)(inner, cos_2)));
        const COMPLEXES two = OF_TYPE(plus)(x[0], OF_TYPE(plus)(OF_TYPE(scaled)(outer, cos_2), OF_TYPE(scaled)(inner, cos_1)));
        const COMPLEXES of_one = OF_TYPE(plus)(OF_TYPE(scaled)(outers, sin_1), OF_TYPE(scaled)(inners, sin_2));
        const COMPLEXES of_two = OF_TYPE(minus)(OF_TYPE(scaled)(outers, sin_2), OF_TYPE(scaled)(inners, sin_1));
        x[0] = OF_TYPE(plus)(x[0], OF_TYPE(plus)(outer, inner));
        x[1] = OF_TYPE(minus_i)(one, of_one);
        x[2] = OF_TYPE(minus_i)(two, of_two);
        x[3] = OF_TYPE(plus_i)(two, of_two);
        x[4] = OF_TYPE(plus_i)(one, of_one);
    }
}

/* One of the passes of a transform, after which `done` times the radix numbers each are transformed; `roots` are w^k. */
INLINE void OF_TYPE(pass)(const REAL *restrict from, REAL *restrict to, int radix, int64_t left, int64_t done, const REAL *roots)
{
    for (int64_t k = 0; k < done; k++)
        for (int64_t i = 0; i < left; i++)
            for (int part = 0; part < SIDE; part += OF_TYPE(WIDTH)) {
                COMPLEXES x[5];
#pragma GCC unroll 5
                for (int j = 0; j < radix; j++) x[j] = OF_TYPE(at)(from + part, i + left * (j + radix * k));
                OF_TYPE(transform_few)(x, radix);
                OF_TYPE(put)(to + part, i + left * k, x[0]);
#pragma GCC unroll 5
                for (int j = 1; j < radix; j++)
                    OF_TYPE(put)(to + part, i + left * (k + done * j), OF_TYPE(turned)(x[j], roots + 4 * j * done * i));
            }
}

/* The transform of `length` complex numbers, a product of `radices`; `from` is kept, unless it is the room. */
static void OF_TYPE(transform)(
    const REAL *from, REAL *to, REAL *room, int64_t length, const int64_t *radices, int64_t passes, const REAL *roots)
{
    int64_t done = 1;
    for (int64_t number = 0; number < passes; number++) {
        REAL *into = (passes - number) % 2 ? to : room;
        const int64_t left = length / (done * radices[number]);
        switch (radices[number]) {
        case 2: OF_TYPE(pass)(from, into, 2, left, done, roots); break;
        case 3: OF_TYPE(pass)(from, into, 3, left, done, roots); break;
        case 4: OF_TYPE(pass)(from, into, 4, left, done, roots); break;
        default: OF_TYPE(pass)(from, into, 5, left, done, roots);
        }
        done *= radices[number];
        from = into;
    }
}

/*
 * From the transforms Z of two real series, of half of their `length`, that of their cross-correlation, of which the transform is
 * 4 `length` times the sums of products, with real and imaginary parts exchanged.
 */
static void OF_TYPE(cross)(const REAL *restrict a, const REAL *restrict b, REAL *restrict to, int64_t length, const REAL *roots)
{
    const int64_t half = length / 2;
    for (int64_t k = 0; k <= half / 2; k++) {
        const int64_t mirror = k ? half - k : 0;
        const REAL root[] = {roots[2 * k], roots[2 * k + 1]}, back[] = {root[0], -root[1]};
        for (int part = 0; part < SIDE; part += OF_TYPE(WIDTH)) {
            COMPLEXES even[2], odd[2];
#pragma GCC unroll 2
            for (int one = 0; one < 2; one++) {
                const REAL *rows = one ? b + part : a + part;
                const COMPLEXES here = OF_TYPE(at)(rows, k), there = OF_TYPE(at)(rows, mirror);
                even[one] = (COMPLEXES){here.re + there.re, here.im - there.im};
                odd[one] = OF_TYPE(turned)((COMPLEXES){here.im + there.im, there.re - here.re}, root);
            }
            const COMPLEXES first = OF_TYPE(plus)(even[0], odd[0]), second = OF_TYPE(plus)(even[1], odd[1]);
            const COMPLEXES other = OF_TYPE(minus)(even[0], odd[0]), others = OF_TYPE(minus)(even[1], odd[1]);
            const COMPLEXES product = {first.re * second.re + first.im * second.im, first.re * second.im - first.im * second.re};
            const COMPLEXES mirrored = {other.re * others.re + other.im * others.im, other.re * others.im - other.im * others.re};
            const COMPLEXES sum = OF_TYPE(plus)(product, mirrored);
            const COMPLEXES difference = OF_TYPE(turned)(OF_TYPE(minus)(product, mirrored), back);
            OF_TYPE(put)(to + part, mirror, (COMPLEXES){difference.re - sum.im, sum.re + difference.im});
            OF_TYPE(put)(to + part, k, (COMPLEXES){sum.im + difference.re, sum.re - difference.im});
        }
    }
}
