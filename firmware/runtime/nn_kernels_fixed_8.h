/* Fixed-point products of a matrix and a vector with weights of 8 bits. */
/* SPDX-License-Identifier: 0BSD */
/*
   Weights are read output by output. `up`, or NULL for none, is by how many bits the weights of an output are to be
   shifted, so that outputs with small weights keep their bits; the sum is shifted instead, which is the same.

   Accumulators never overflow: whoever chose the formats has proven that
   |bias| + sum |weight| * 2^up * max |input| and half of 2^shift fit.
*/
#ifndef NN_KERNELS_FIXED_8_H
#define NN_KERNELS_FIXED_8_H

#include "nn_fixed.h"

#ifdef __cplusplus
extern "C" {
#endif

/* nn_product_* y = requantize(b + W x), nn_product_raw_* y = b + W x, of numbers of 16 or 8 bits. */
#define NN_PRODUCT8_FUNCTIONS(name, wide, number, suffix)                                                            \
    NN_INLINE wide nn_dot_##name(const number *x, const int8_t *w, size_t in, wide b, int up)                        \
    {                                                                                                                \
        wide sum = 0;                                                                                                \
        for (size_t i = 0; i < in; i++) {                                                                            \
            sum += (wide)x[i] * w[i];                                                                                \
        }                                                                                                            \
        return sum * ((wide)1 << up) + b;                                                                            \
    }                                                                                                                \
                                                                                                                     \
    NN_FUNCTION void nn_product_##name(number *y, const number *x, const int8_t *w, const wide *b,                   \
                                       const uint8_t *up, size_t in, size_t out, int shift,                          \
                                       nn_rounding rounding, wide lo, wide hi)                                       \
    {                                                                                                                \
        for (size_t n = 0; n < out; n++, w += in) {                                                                  \
            const wide sum = nn_dot_##name(x, w, in, b[n], up ? up[n] : 0);                                          \
            y[n] = (number)nn_requantize_##suffix(sum, shift, rounding, lo, hi);                                     \
        }                                                                                                            \
    }                                                                                                                \
                                                                                                                     \
    NN_FUNCTION void nn_product_raw_##name(wide *y, const number *x, const int8_t *w, const wide *b,                 \
                                           const uint8_t *up, size_t in, size_t out)                                 \
    {                                                                                                                \
        for (size_t n = 0; n < out; n++, w += in) {                                                                  \
            y[n] = nn_dot_##name(x, w, in, b[n], up ? up[n] : 0);                                                    \
        }                                                                                                            \
    }

NN_PRODUCT8_FUNCTIONS(16x8_i32, int32_t, int16_t, i32)
NN_PRODUCT8_FUNCTIONS(16x8_i64, int64_t, int16_t, i64)
NN_PRODUCT8_FUNCTIONS(8x8_i32, int32_t, int8_t, i32)
NN_PRODUCT8_FUNCTIONS(8x8_i64, int64_t, int8_t, i64)

#ifdef __cplusplus
}
#endif
#endif
