/* Integers over arrays of any rank: products of values, extremes, exact sums. Loops are those of nn_strided.h. */
/* SPDX-License-Identifier: 0BSD */
#ifndef NN_STRIDED_FIXED_H
#define NN_STRIDED_FIXED_H

#include "nn_strided.h"

#ifdef __cplusplus
extern "C" {
#endif

/* nn_multiply_*: y = a * b, exactly: whoever chose the formats has proven that y holds it. The operands of the axes:
   a, then b; y is written one number after the other. The name says what is read, then what is written. */
#define NN_MULTIPLY_FUNCTIONS(name, first, second, to)                                                               \
    NN_FUNCTION void nn_multiply_##name(to *y, const first *a, const second *b, const nn_axis *axes, size_t rank)    \
    {                                                                                                                \
        const nn_axis *const inner = axes + rank - 1;                                                                \
        nn_walk walk = {{0}, {0}};                                                                                   \
        do {                                                                                                         \
            for (ptrdiff_t i = 0; i < (ptrdiff_t)inner->count; i++) {                                                \
                *y++ = (to)a[walk.at[0] + i * inner->step[0]] * (to)b[walk.at[1] + i * inner->step[1]];              \
            }                                                                                                        \
        } while (nn_walk_on(&walk, axes, rank));                                                                     \
    }

NN_MULTIPLY_FUNCTIONS(i8_i8_to_i32, int8_t, int8_t, int32_t)
NN_MULTIPLY_FUNCTIONS(i8_i16_to_i32, int8_t, int16_t, int32_t)
NN_MULTIPLY_FUNCTIONS(i8_i32_to_i32, int8_t, int32_t, int32_t)
NN_MULTIPLY_FUNCTIONS(i16_i8_to_i32, int16_t, int8_t, int32_t)
NN_MULTIPLY_FUNCTIONS(i16_i16_to_i32, int16_t, int16_t, int32_t)
NN_MULTIPLY_FUNCTIONS(i16_i32_to_i32, int16_t, int32_t, int32_t)
NN_MULTIPLY_FUNCTIONS(i32_i8_to_i32, int32_t, int8_t, int32_t)
NN_MULTIPLY_FUNCTIONS(i32_i16_to_i32, int32_t, int16_t, int32_t)
NN_MULTIPLY_FUNCTIONS(i32_i32_to_i32, int32_t, int32_t, int32_t)
NN_MULTIPLY_FUNCTIONS(i8_i8_to_i64, int8_t, int8_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i8_i16_to_i64, int8_t, int16_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i8_i32_to_i64, int8_t, int32_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i8_i64_to_i64, int8_t, int64_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i16_i8_to_i64, int16_t, int8_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i16_i16_to_i64, int16_t, int16_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i16_i32_to_i64, int16_t, int32_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i16_i64_to_i64, int16_t, int64_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i32_i8_to_i64, int32_t, int8_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i32_i16_to_i64, int32_t, int16_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i32_i32_to_i64, int32_t, int32_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i32_i64_to_i64, int32_t, int64_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i64_i8_to_i64, int64_t, int8_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i64_i16_to_i64, int64_t, int16_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i64_i32_to_i64, int64_t, int32_t, int64_t)
NN_MULTIPLY_FUNCTIONS(i64_i64_to_i64, int64_t, int64_t, int64_t)

/* The greater, or the lesser, of a and b; axes as above. */
#define NN_EXTREME_FUNCTIONS(name, type, beyond)                                                                     \
    NN_FUNCTION void nn_##name(type *y, const type *a, const type *b, const nn_axis *axes, size_t rank)              \
    {                                                                                                                \
        const nn_axis *const inner = axes + rank - 1;                                                                \
        nn_walk walk = {{0}, {0}};                                                                                   \
        do {                                                                                                         \
            for (ptrdiff_t i = 0; i < (ptrdiff_t)inner->count; i++) {                                                \
                const type one = a[walk.at[0] + i * inner->step[0]], other = b[walk.at[1] + i * inner->step[1]];     \
                *y++ = other beyond one ? other : one;                                                               \
            }                                                                                                        \
        } while (nn_walk_on(&walk, axes, rank));                                                                     \
    }

NN_EXTREME_FUNCTIONS(maximum_axes_i16, int16_t, >)
NN_EXTREME_FUNCTIONS(minimum_axes_i16, int16_t, <)
NN_EXTREME_FUNCTIONS(maximum_axes_i8, int8_t, >)
NN_EXTREME_FUNCTIONS(minimum_axes_i8, int8_t, <)

/* nn_reduce_*: `outputs` numbers y, each the sum or the greatest of its part of x. The operands of the axes: x, y. */
#define NN_PLUS(all, one) ((all) + (one))
#define NN_GREATER(all, one) ((one) > (all) ? (one) : (all))
#define NN_REDUCE_FUNCTION(name, from, to, least, term)                                                              \
    NN_FUNCTION void nn_reduce_##name(to *y, const from *x, const nn_axis *axes, size_t rank, size_t outputs)        \
    {                                                                                                                \
        const nn_axis *const inner = axes + rank - 1;                                                                \
        nn_walk walk = {{0}, {0}};                                                                                   \
        for (size_t i = 0; i < outputs; i++) {                                                                       \
            y[i] = least;                                                                                            \
        }                                                                                                            \
        do {                                                                                                         \
            for (ptrdiff_t i = 0; i < (ptrdiff_t)inner->count; i++) {                                                \
                to *const all = y + walk.at[1] + i * inner->step[1];                                                 \
                const from one = x[walk.at[0] + i * inner->step[0]];                                                 \
                *all = term(*all, one);                                                                              \
            }                                                                                                        \
        } while (nn_walk_on(&walk, axes, rank));                                                                     \
    }

NN_REDUCE_FUNCTION(sum_i16_to_i32, int16_t, int32_t, 0, NN_PLUS)
NN_REDUCE_FUNCTION(sum_i16_to_i64, int16_t, int64_t, 0, NN_PLUS)
NN_REDUCE_FUNCTION(sum_i8_to_i32, int8_t, int32_t, 0, NN_PLUS)
NN_REDUCE_FUNCTION(max_i16_to_i16, int16_t, int16_t, INT16_MIN, NN_GREATER)
NN_REDUCE_FUNCTION(max_i8_to_i8, int8_t, int8_t, INT8_MIN, NN_GREATER)

#ifdef __cplusplus
}
#endif
#endif
