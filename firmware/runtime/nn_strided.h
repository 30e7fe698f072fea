/* Loops over arrays of any rank: moving, combining, reducing. */
/* SPDX-License-Identifier: 0BSD */
/*
   A loop is a table of axes, the outermost first: how many turns each takes, and how many numbers each operand
   moves on at a turn; 0 where it is the same for all turns, negative where it goes backwards. The last axis is
   the inner loop. Where there is only one axis, functions without a table do, and turn into straight code.
*/
#ifndef NN_STRIDED_H
#define NN_STRIDED_H

#include "nn_float.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NN_MOST_AXES = 8, NN_MOST_OPERANDS = 3 };

typedef struct {
    uint32_t count;
    int32_t step[NN_MOST_OPERANDS];
} nn_axis;

/* Where a loop is: turns done on each outer axis, and how far from its start each operand is. */
typedef struct {
    uint32_t turn[NN_MOST_AXES];
    ptrdiff_t at[NN_MOST_OPERANDS];
} nn_walk;

/* To the next inner loop; 0 when there is none. */
NN_INLINE int nn_walk_on(nn_walk *walk, const nn_axis *axes, size_t rank)
{
    for (size_t axis = rank - 1; axis-- > 0;) {
        const int last = walk->turn[axis] + 1 == axes[axis].count;
        const ptrdiff_t turns = last ? -(ptrdiff_t)walk->turn[axis] : 1;
        for (size_t k = 0; k < NN_MOST_OPERANDS; k++) {
            walk->at[k] += turns * axes[axis].step[k];
        }
        walk->turn[axis] = last ? 0 : walk->turn[axis] + 1;
        if (!last) {
            return 1;
        }
    }
    return 0;
}

/* For one type of numbers:
   nn_fill_*       every y = value;
   nn_move_*       y[i * y_step] = x[i * x_step];
   nn_move_axes_*  the same over axes, whose operands are x, then y. */
#define NN_MOVE_FUNCTIONS(suffix, type)                                                                              \
    NN_INLINE void nn_fill_##suffix(type *y, size_t count, type value)                                               \
    {                                                                                                                \
        for (size_t i = 0; i < count; i++) {                                                                         \
            y[i] = value;                                                                                            \
        }                                                                                                            \
    }                                                                                                                \
                                                                                                                     \
    NN_INLINE void nn_move_##suffix(type *y, const type *x, size_t count, ptrdiff_t x_step, ptrdiff_t y_step)        \
    {                                                                                                                \
        if (x_step == 1 && y_step == 1) {                                                                            \
            NN_MEMCPY(y, x, count * sizeof *y);                                                                      \
            return;                                                                                                  \
        }                                                                                                            \
        for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i++) {                                                           \
            y[i * y_step] = x[i * x_step];                                                                           \
        }                                                                                                            \
    }                                                                                                                \
                                                                                                                     \
    NN_FUNCTION void nn_move_axes_##suffix(type *y, const type *x, const nn_axis *axes, size_t rank)                 \
    {                                                                                                                \
        const nn_axis *const inner = axes + rank - 1;                                                                \
        nn_walk walk = {{0}, {0}};                                                                                   \
        do {                                                                                                         \
            nn_move_##suffix(y + walk.at[1], x + walk.at[0], inner->count, inner->step[0], inner->step[1]);          \
        } while (nn_walk_on(&walk, axes, rank));                                                                     \
    }

NN_MOVE_FUNCTIONS(f32, float)
NN_MOVE_FUNCTIONS(i16, int16_t)
NN_MOVE_FUNCTIONS(i8, int8_t)

typedef enum { NN_ADD, NN_SUBTRACT, NN_MULTIPLY, NN_DIVIDE, NN_MAXIMUM, NN_MINIMUM } nn_binary;

NN_INLINE float nn_combine(float a, float b, nn_binary function)
{
    switch (function) {
    case NN_SUBTRACT:
        return a - b;
    case NN_MULTIPLY:
        return a * b;
    case NN_DIVIDE:
        return a / b;
    case NN_MAXIMUM:
        return nn_max(a, b);
    case NN_MINIMUM:
        return nn_min(a, b);
    case NN_ADD:
    default:
        return a + b;
    }
}

/* y[i] = function(a[i * a_step], b[i * b_step]); y may be an operand whose step is 1. */
NN_INLINE void nn_binary_f32(float *y, const float *a, const float *b, size_t count, ptrdiff_t a_step,
                             ptrdiff_t b_step, nn_binary function)
{
    NN_UNROLL(4)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i++) {
        y[i] = nn_combine(a[i * a_step], b[i * b_step], function);
    }
}

/* The operands of the axes: a, then b; y is written one number after the other. */
NN_INLINE void nn_binary_axes_f32(float *y, const float *a, const float *b, const nn_axis *axes, size_t rank,
                                  nn_binary function)
{
    const nn_axis *const inner = axes + rank - 1;
    nn_walk walk = {{0}, {0}};
    do {
        for (ptrdiff_t i = 0; i < (ptrdiff_t)inner->count; i++) {
            *y++ = nn_combine(a[walk.at[0] + i * inner->step[0]], b[walk.at[1] + i * inner->step[1]], function);
        }
    } while (nn_walk_on(&walk, axes, rank));
}

/* y = where c > 0: a, else b. The operands of the axes: c, a, b. y may be an operand that has as many numbers. */
NN_FUNCTION void nn_select_f32(float *y, const float *c, const float *a, const float *b, const nn_axis *axes,
                               size_t rank)
{
    const nn_axis *const inner = axes + rank - 1;
    nn_walk walk = {{0}, {0}};
    do {
        for (ptrdiff_t i = 0; i < (ptrdiff_t)inner->count; i++) {
            const float yes = a[walk.at[1] + i * inner->step[1]];
            const float no = b[walk.at[2] + i * inner->step[2]];
            *y++ = c[walk.at[0] + i * inner->step[0]] > 0.0f ? yes : no;
        }
    } while (nn_walk_on(&walk, axes, rank));
}

typedef enum { NN_SUM, NN_MEAN, NN_MAX, NN_MIN } nn_reduction;

NN_INLINE float nn_reduced(float y, float x, nn_reduction function)
{
    return function == NN_MAX ? nn_max(y, x) : function == NN_MIN ? nn_min(y, x) : y + x;
}

/* `outputs` numbers y, each the sum, mean or extreme of `each` numbers of x. The operands of the axes: x, y. */
NN_INLINE void nn_reduce_f32(float *y, const float *x, const nn_axis *axes, size_t rank, size_t outputs, size_t each,
                             nn_reduction function)
{
    const nn_axis *const inner = axes + rank - 1;
    nn_walk walk = {{0}, {0}};
    nn_fill_f32(y, outputs, function == NN_MAX ? -NN_INFINITY : function == NN_MIN ? NN_INFINITY : 0.0f);
    do {
        const float *const from = x + walk.at[0];
        float *const to = y + walk.at[1];
        const ptrdiff_t count = (ptrdiff_t)inner->count, x_step = inner->step[0], y_step = inner->step[1];
        if (y_step == 0) {
            float all = *to;
            for (ptrdiff_t i = 0; i < count; i++) {
                all = nn_reduced(all, from[i * x_step], function);
            }
            *to = all;
        } else {
            for (ptrdiff_t i = 0; i < count; i++) {
                to[i * y_step] = nn_reduced(to[i * y_step], from[i * x_step], function);
            }
        }
    } while (nn_walk_on(&walk, axes, rank));
    if (function == NN_MEAN) {
        NN_EACH(y, y, outputs, v / (float)each);
    }
}

/* For each of `batch`: y[i][j] = the product of row i of a and row j of b, rows of k numbers. */
NN_FUNCTION void nn_dot_f32(float *y, const float *a, const float *b, size_t batch, size_t n, size_t m, size_t k)
{
    for (; batch != 0; batch--, b += m * k) {
        for (size_t i = 0; i < n; i++, a += k) {
            for (size_t j = 0; j < m; j++) {
                float sum = 0.0f;
                for (size_t l = 0; l < k; l++) {
                    sum = NN_MADD(a[l], b[j * k + l], sum);
                }
                *y++ = sum;
            }
        }
    }
}

/* Rows of a table, by the whole numbers in x; beyond its ends the rows there, for NaN the first. */
NN_FUNCTION void nn_lookup_f32(float *y, const float *x, size_t count, const float *table, size_t entries,
                               size_t width)
{
    for (size_t i = 0; i < count; i++, y += width) {
        const size_t last = entries - 1;
        const size_t row = x[i] >= (float)last ? last : x[i] > 0.0f ? (size_t)x[i] : 0;
        NN_MEMCPY(y, table + row * width, width * sizeof *y);
    }
}

#ifdef __cplusplus
}
#endif
#endif
