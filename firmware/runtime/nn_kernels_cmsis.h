/* Products of a matrix and a vector on CMSIS-DSP. nn_kernels_c.h has the same functions in plain C. */
/* SPDX-License-Identifier: 0BSD */
/*
   Weights are packed one output after the other, in the order of the inputs. CMSIS-DSP has no exact product of
   16-bit numbers with 32-bit sums, so those stay in plain C and in its packing; its 64-bit sums are exact.
*/
#ifndef NN_KERNELS_CMSIS_H
#define NN_KERNELS_CMSIS_H

#include "nn_kernels_fixed_c.h"

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
#include "dsp/basic_math_functions.h"
#include "dsp/matrix_functions.h"
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* y = activation(W x + b), the inputs in their order, then the bias. */
NN_INLINE void nn_product_f32(float *y, const float *x, const float *w, const float *b, size_t in, size_t out,
                              nn_activation activation)
{
    const arm_matrix_instance_f32 matrix = {(uint16_t)out, (uint16_t)in, (float *)w};
    arm_mat_vec_mult_f32(&matrix, x, y);
    NN_UNROLL(8)
    for (size_t o = 0; o < out; o++) {
        y[o] = nn_activate(y[o] + b[o], activation);
    }
}

/* y = requantize(W x + b), with 64-bit accumulators. */
NN_INLINE void nn_product_i64(int16_t *y, const int16_t *x, const int16_t *w, const int64_t *b, size_t in, size_t out,
                              int shift, nn_rounding rounding, int64_t lo, int64_t hi)
{
    for (size_t o = 0; o < out; o++) {
        int64_t sum;
        arm_dot_prod_q15(w + o * in, x, (uint32_t)in, &sum);
        y[o] = (int16_t)nn_requantize_i64(sum + b[o], shift, rounding, lo, hi);
    }
}

/* y = W x + b, the accumulators themselves. */
NN_INLINE void nn_product_raw_i64(int64_t *y, const int16_t *x, const int16_t *w, const int64_t *b, size_t in,
                                  size_t out)
{
    for (size_t o = 0; o < out; o++) {
        arm_dot_prod_q15(w + o * in, x, (uint32_t)in, &y[o]);
        y[o] += b[o];
    }
}

#ifdef __cplusplus
}
#endif
#endif
