/* Fixed-point values taken together: sums on different grids, term by term; products; maximum and minimum on one grid. */
/* SPDX-License-Identifier: 0BSD */
/*
   A term is a value times a factor, a power of two that brings it to the accumulator's grid, or its negative. Nothing
   overflows: whoever chose the formats has proven that the accumulator holds the factors, each term and each sum of
   some of them.
*/
#ifndef NN_SUMS_H
#define NN_SUMS_H

#include "nn_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* nn_set_*: sums[i] = x[i] * factor; sums may be x where the types agree.
   nn_add_*: sums[i] += x[i] * factor; sums may not be x. The name says what is read, then what is written. */
#define NN_TERM_FUNCTIONS(name, from, to)                                                                            \
    NN_INLINE void nn_set_##name(to *sums, const from *x, size_t count, to factor)                                   \
    {                                                                                                                \
        NN_UNROLL(4)                                                                                                 \
        for (size_t i = 0; i < count; i++) {                                                                         \
            sums[i] = (to)x[i] * factor;                                                                             \
        }                                                                                                            \
    }                                                                                                                \
                                                                                                                     \
    NN_INLINE void nn_add_##name(to *sums, const from *x, size_t count, to factor)                                   \
    {                                                                                                                \
        NN_UNROLL(4)                                                                                                 \
        for (size_t i = 0; i < count; i++) {                                                                         \
            sums[i] += (to)x[i] * factor;                                                                            \
        }                                                                                                            \
    }

NN_TERM_FUNCTIONS(i8_to_i32, int8_t, int32_t)
NN_TERM_FUNCTIONS(i8_to_i64, int8_t, int64_t)
NN_TERM_FUNCTIONS(i16_to_i32, int16_t, int32_t)
NN_TERM_FUNCTIONS(i32_to_i32, int32_t, int32_t)
NN_TERM_FUNCTIONS(i16_to_i64, int16_t, int64_t)
NN_TERM_FUNCTIONS(i32_to_i64, int32_t, int64_t)
NN_TERM_FUNCTIONS(i64_to_i64, int64_t, int64_t)

/* y[i] = a[i] * b[i], exactly. */
NN_INLINE void nn_multiply_i16(int32_t *y, const int16_t *a, const int16_t *b, size_t count)
{
    NN_UNROLL(4)
    for (size_t i = 0; i < count; i++) {
        y[i] = (int32_t)a[i] * b[i];
    }
}

/* y[i] = the greater, or the lesser, of a[i] and b[i]; y may be either. */
NN_INLINE void nn_maximum_i16(int16_t *y, const int16_t *a, const int16_t *b, size_t count)
{
    NN_UNROLL(4)
    for (size_t i = 0; i < count; i++) {
        y[i] = a[i] > b[i] ? a[i] : b[i];
    }
}

NN_INLINE void nn_minimum_i16(int16_t *y, const int16_t *a, const int16_t *b, size_t count)
{
    NN_UNROLL(4)
    for (size_t i = 0; i < count; i++) {
        y[i] = a[i] < b[i] ? a[i] : b[i];
    }
}

#ifdef __cplusplus
}
#endif
#endif
