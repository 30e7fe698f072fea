/* Fixed-point products of a matrix and a vector in plain C, with dual 16-bit multiplies where there are any. */
/* SPDX-License-Identifier: 0BSD */
/*
   Weights are packed in the order they are read. The outputs are split into as few tiles of at most four (32-bit
   accumulators) or two (64-bit ones) as will do, the larger ones first and none larger than another by more than
   one. A tile holds, for every pair of inputs, the two weights of each of its outputs in turn, and for a last odd
   input one weight of each.

   Accumulators never overflow: whoever chose the formats has proven that
   |bias| + sum |weight| * max |input| and half of 2^shift fit.
*/
#ifndef NN_KERNELS_FIXED_C_H
#define NN_KERNELS_FIXED_C_H

#include "nn_fixed.h"

#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* sum + x[0] * w[0] + x[1] * w[1] */
NN_INLINE int32_t nn_pair_i32(const int16_t *x, const int16_t *w, int32_t sum)
{
#if defined(__ARM_FEATURE_SIMD32)
    int16x2_t a, b;
    NN_MEMCPY(&a, x, sizeof a);
    NN_MEMCPY(&b, w, sizeof b);
    return __smlad(a, b, sum);
#else
    return sum + x[0] * w[0] + x[1] * w[1];
#endif
}

NN_INLINE int64_t nn_pair_i64(const int16_t *x, const int16_t *w, int64_t sum)
{
#if defined(__ARM_FEATURE_SIMD32)
    int16x2_t a, b;
    NN_MEMCPY(&a, x, sizeof a);
    NN_MEMCPY(&b, w, sizeof b);
    return __smlald(a, b, sum);
#else
    return sum + (int64_t)x[0] * w[0] + (int64_t)x[1] * w[1];
#endif
}

/* For one accumulator type:
   nn_tiles_*        `tiles` tiles of `tile` outputs; sums go to `sums`, or requantized to y;
   nn_product_*      y = requantize(b + W x);
   nn_product_raw_*  y = b + W x, the accumulators themselves. */
#define NN_PRODUCT_FUNCTIONS(suffix, wide, most)                                                                     \
    NN_INLINE void nn_tiles_##suffix(int raw, wide *sums, int16_t *y, const int16_t *x, const int16_t *w,            \
                                     const wide *b, size_t in, size_t tiles, size_t tile, int shift,                 \
                                     nn_rounding rounding, wide lo, wide hi)                                         \
    {                                                                                                                \
        for (size_t n = 0; n < tiles; n++, w += tile * in) {                                                         \
            wide acc[most];                                                                                          \
            NN_UNROLL(most)                                                                                          \
            for (size_t t = 0; t < tile; t++) {                                                                      \
                acc[t] = b[n * tile + t];                                                                            \
            }                                                                                                        \
            NN_UNROLL(8)                                                                                             \
            for (size_t i = 0; i < in / 2; i++) {                                                                    \
                NN_UNROLL(most)                                                                                      \
                for (size_t t = 0; t < tile; t++) {                                                                  \
                    acc[t] = nn_pair_##suffix(x + 2 * i, w + 2 * (i * tile + t), acc[t]);                            \
                }                                                                                                    \
            }                                                                                                        \
            NN_UNROLL(most)                                                                                          \
            for (size_t t = 0; t < tile; t++) {                                                                      \
                const wide last = in % 2 != 0 ? x[in - 1] * w[(in - 1) * tile + t] : 0;                              \
                if (raw) {                                                                                           \
                    sums[n * tile + t] = acc[t] + last;                                                              \
                } else {                                                                                             \
                    y[n * tile + t] = (int16_t)nn_requantize_##suffix(acc[t] + last, shift, rounding, lo, hi);       \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }                                                                                                                \
                                                                                                                     \
    NN_INLINE void nn_product_##suffix(int16_t *y, const int16_t *x, const int16_t *w, const wide *b, size_t in,     \
                                       size_t out, int shift, nn_rounding rounding, wide lo, wide hi)                \
    {                                                                                                                \
        const size_t tiles = (out + most - 1) / most, small = out / tiles, larger = out % tiles;                     \
        const size_t done = larger * (small + 1);                                                                    \
        NN_HIDE(w);                                                                                                  \
        NN_HIDE(b);                                                                                                  \
        nn_tiles_##suffix(0, NULL, y, x, w, b, in, larger, small + 1, shift, rounding, lo, hi);                      \
        nn_tiles_##suffix(0, NULL, y + done, x, w + done * in, b + done, in, tiles - larger, small, shift, rounding, \
                          lo, hi);                                                                                   \
    }                                                                                                                \
                                                                                                                     \
    NN_INLINE void nn_product_raw_##suffix(wide *y, const int16_t *x, const int16_t *w, const wide *b, size_t in,    \
                                           size_t out)                                                               \
    {                                                                                                                \
        const size_t tiles = (out + most - 1) / most, small = out / tiles, larger = out % tiles;                     \
        const size_t done = larger * (small + 1);                                                                    \
        NN_HIDE(w);                                                                                                  \
        NN_HIDE(b);                                                                                                  \
        nn_tiles_##suffix(1, y, NULL, x, w, b, in, larger, small + 1, 0, NN_FLOOR, 0, 0);                            \
        nn_tiles_##suffix(1, y + done, NULL, x, w + done * in, b + done, in, tiles - larger, small, 0, NN_FLOOR, 0,  \
                          0);                                                                                        \
    }

NN_PRODUCT_FUNCTIONS(i32, int32_t, 4)
NN_PRODUCT_FUNCTIONS(i64, int64_t, 2)

#ifdef __cplusplus
}
#endif
#endif
