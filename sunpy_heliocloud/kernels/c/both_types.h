/*
 * Includes the file that OF_BOTH_TYPES names once for single and once for double numbers, REAL, with integers of the same size,
 * WHOLE. Names of functions end in _f4 and _f8.
 */
#define REAL float
#define WHOLE int32_t
#define REALS_ANYWHERE floats_anywhere
#define SQUARE_ROOT sqrtf
#define OF_TYPE(name) name##_f4
#include OF_BOTH_TYPES
#undef REAL
#undef WHOLE
#undef REALS_ANYWHERE
#undef SQUARE_ROOT
#undef OF_TYPE
#define REAL double
#define WHOLE int64_t
#define REALS_ANYWHERE doubles_anywhere
#define SQUARE_ROOT sqrt
#define OF_TYPE(name) name##_f8
#include OF_BOTH_TYPES
