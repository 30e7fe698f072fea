/* Boxes over integers: pooling, and convolutions of single channels. Boxes are those of nn_boxes.h. */
/* SPDX-License-Identifier: 0BSD */
#ifndef NN_BOXES_FIXED_H
#define NN_BOXES_FIXED_H

#include "nn_boxes.h"
#include "nn_fixed.h"
#include "nn_strided_fixed.h"

#ifdef __cplusplus
extern "C" {
#endif

/* nn_pool_*: y = the sum or the greatest of the taps of each box that lie inside. */
#define NN_POOL_FUNCTION(name, from, to, least, term)                                                                \
    NN_FUNCTION void nn_pool_##name(to *y, const from *x, const nn_boxes *boxes, size_t channels)                    \
    {                                                                                                                \
        for (int32_t p = 0; p < boxes->steps[0]; p++) {                                                              \
            const nn_span rows = nn_inside(boxes, 0, p);                                                             \
            for (int32_t q = 0; q < boxes->steps[1]; q++, y += channels) {                                           \
                const nn_span columns = nn_inside(boxes, 1, q);                                                      \
                for (size_t c = 0; c < channels; c++) {                                                              \
                    y[c] = least;                                                                                    \
                }                                                                                                    \
                for (int32_t i = rows.start + rows.first; i < rows.start + rows.last; i++) {                         \
                    for (int32_t j = columns.start + columns.first; j < columns.start + columns.last; j++) {         \
                        const from *const at = x + channels * (size_t)(i * boxes->space[1] + j);                     \
                        for (size_t c = 0; c < channels; c++) {                                                      \
                            y[c] = term(y[c], at[c]);                                                                \
                        }                                                                                            \
                    }                                                                                                \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }

NN_POOL_FUNCTION(sum_i16_to_i32, int16_t, int32_t, 0, NN_PLUS)
NN_POOL_FUNCTION(sum_i16_to_i64, int16_t, int64_t, 0, NN_PLUS)
NN_POOL_FUNCTION(sum_i8_to_i32, int8_t, int32_t, 0, NN_PLUS)
NN_POOL_FUNCTION(max_i16_to_i16, int16_t, int16_t, INT16_MIN, NN_GREATER)
NN_POOL_FUNCTION(max_i8_to_i8, int8_t, int8_t, INT8_MIN, NN_GREATER)

/* Each of `channels` with its own `each` filters; w is taps x channels x each. Sums are exact: whoever chose the
   formats has proven that they fit. `up`, or NULL for none, is by how many bits the weights of a filter are to be
   shifted; its sum is, which is the same.
   nn_depthwise_*      y = requantize(b + x * w);
   nn_depthwise_raw_*  y = b + x * w. */
#define NN_DEPTHWISE_FUNCTIONS(name, wide, number, weight, suffix)                                                   \
    NN_INLINE void nn_depthwise_any_##name(int raw, wide *sums, number *y, const number *x, const nn_boxes *boxes,   \
                                           const weight *w, const wide *b, const uint8_t *up, size_t channels,       \
                                           size_t each, int shift, nn_rounding rounding, wide lo, wide hi)           \
    {                                                                                                                \
        const size_t filters = channels * each;                                                                      \
        size_t to = 0;                                                                                               \
        for (int32_t p = 0; p < boxes->steps[0]; p++) {                                                              \
            const nn_span rows = nn_inside(boxes, 0, p);                                                             \
            for (int32_t q = 0; q < boxes->steps[1]; q++) {                                                          \
                const nn_span columns = nn_inside(boxes, 1, q);                                                      \
                for (size_t f = 0; f < filters; f++, to++) {                                                         \
                    wide sum = 0;                                                                                    \
                    for (int32_t i = rows.first; i < rows.last; i++) {                                               \
                        const int32_t row = (rows.start + i * boxes->dilation[0]) * boxes->space[1] + columns.start; \
                        for (int32_t j = columns.first; j < columns.last; j++) {                                     \
                            const size_t at = (size_t)(row + j * boxes->dilation[1]);                                \
                            sum += (wide)x[channels * at + f / each]                                                 \
                                 * w[filters * (size_t)(i * boxes->taps[1] + j) + f];                                \
                        }                                                                                            \
                    }                                                                                                \
                    sum = sum * ((wide)1 << (up ? up[f] : 0)) + b[f];                                                \
                    if (raw) {                                                                                       \
                        sums[to] = sum;                                                                              \
                    } else {                                                                                         \
                        y[to] = (number)nn_requantize_##suffix(sum, shift, rounding, lo, hi);                        \
                    }                                                                                                \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }                                                                                                                \
                                                                                                                     \
    NN_FUNCTION void nn_depthwise_##name(number *y, const number *x, const nn_boxes *boxes, const weight *w,         \
                                         const wide *b, const uint8_t *up, size_t channels, size_t each, int shift,  \
                                         nn_rounding rounding, wide lo, wide hi)                                     \
    {                                                                                                                \
        nn_depthwise_any_##name(0, NULL, y, x, boxes, w, b, up, channels, each, shift, rounding, lo, hi);            \
    }                                                                                                                \
                                                                                                                     \
    NN_FUNCTION void nn_depthwise_raw_##name(wide *y, const number *x, const nn_boxes *boxes, const weight *w,       \
                                             const wide *b, const uint8_t *up, size_t channels, size_t each)         \
    {                                                                                                                \
        nn_depthwise_any_##name(1, y, NULL, x, boxes, w, b, up, channels, each, 0, NN_FLOOR, 0, 0);                  \
    }

NN_DEPTHWISE_FUNCTIONS(i32, int32_t, int16_t, int16_t, i32)
NN_DEPTHWISE_FUNCTIONS(i64, int64_t, int16_t, int16_t, i64)
NN_DEPTHWISE_FUNCTIONS(16x8_i32, int32_t, int16_t, int8_t, i32)
NN_DEPTHWISE_FUNCTIONS(16x8_i64, int64_t, int16_t, int8_t, i64)
NN_DEPTHWISE_FUNCTIONS(8x8_i32, int32_t, int8_t, int8_t, i32)
NN_DEPTHWISE_FUNCTIONS(8x8_i64, int64_t, int8_t, int8_t, i64)

#ifdef __cplusplus
}
#endif
#endif
