/*
 * Which variants of the library this processor runs.
 *
 * CPUID and XGETBV are asked directly: zig's __builtin_cpu_supports answers 0 to everything.
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID; x86-64 psABI, microarchitecture
 * levels.
 */
#include "kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* Whether the processor and the operating system support all that x86-64-v3 may use. */
EXPORT int runs_x86_64_v3(void)
{
    unsigned a, b, c, d, state, high;
    /* FMA, SSE3, SSSE3, CX16, SSE4.1, SSE4.2, MOVBE, POPCNT, OSXSAVE, AVX, F16C */
    const unsigned leaf_1 = 1u << 12 | 1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 22 | 1u << 23 |
                            1u << 27 | 1u << 28 | 1u << 29;
    const unsigned leaf_7 = 1u << 3 | 1u << 5 | 1u << 8;     /* BMI1, AVX2, BMI2 */
    const unsigned extended = 1u << 5;                       /* LZCNT */
    const unsigned registers = 1u << 1 | 1u << 2;            /* the system saves XMM and YMM */
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & leaf_1) != leaf_1) return 0;
    __asm__ volatile("xgetbv" : "=a"(state), "=d"(high) : "c"(0));
    if ((state & registers) != registers) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & leaf_7) != leaf_7) return 0;
    return __get_cpuid(0x80000001u, &a, &b, &c, &d) && (c & extended) == extended;
}
#else
EXPORT int runs_x86_64_v3(void) { return 0; }
#endif
