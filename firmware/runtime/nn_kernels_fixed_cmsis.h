/* Fixed-point products of a matrix and a vector on CMSIS-DSP: those with 64-bit accumulators. */
/* SPDX-License-Identifier: 0BSD */
/*
   Weights are packed one output after the other, in the order of the inputs. CMSIS-DSP has no exact product of
   16-bit numbers with 32-bit sums, so those stay in plain C and in its packing; its 64-bit sums are exact.
*/
#ifndef NN_KERNELS_FIXED_CMSIS_H
#define NN_KERNELS_FIXED_CMSIS_H

#include "nn_fixed.h"

#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The next two numbers. */
NN_INLINE int32_t nn_cmsis_pair(const int16_t **x)
{
    int32_t pair;
    NN_MEMCPY(&pair, *x, sizeof pair);
    *x += 2;
    return pair;
}

#include "nn_cmsis_begin.h"
#include "cmsis_dsp/arm_dot_prod_q15.inc"
#include "nn_cmsis_end.h"

/* y = requantize(W x + b). */
NN_INLINE void nn_product_cmsis_i64(int16_t *y, const int16_t *x, const int16_t *w, const int64_t *b, size_t in,
                                    size_t out, int shift, nn_rounding rounding, int64_t lo, int64_t hi)
{
    for (size_t o = 0; o < out; o++) {
        int64_t sum;
        nn_cmsis_dot_i16(w + o * in, x, (uint32_t)in, &sum);
        y[o] = (int16_t)nn_requantize_i64(sum + b[o], shift, rounding, lo, hi);
    }
}

/* y = W x + b, the accumulators themselves. */
NN_INLINE void nn_product_raw_cmsis_i64(int64_t *y, const int16_t *x, const int16_t *w, const int64_t *b, size_t in,
                                        size_t out)
{
    for (size_t o = 0; o < out; o++) {
        nn_cmsis_dot_i16(w + o * in, x, (uint32_t)in, &y[o]);
        y[o] += b[o];
    }
}

#ifdef __cplusplus
}
#endif
#endif
