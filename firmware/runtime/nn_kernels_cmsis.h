/* Floating-point products of a matrix and a vector on CMSIS-DSP. */
/* SPDX-License-Identifier: 0BSD */
/* Weights are packed one output after the other, in the order of the inputs. */
#ifndef NN_KERNELS_CMSIS_H
#define NN_KERNELS_CMSIS_H

#include "nn_float.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint16_t numRows, numCols;
    float *pData;
} nn_cmsis_matrix_f32;

#include "nn_cmsis_begin.h"
#include "cmsis_dsp/arm_mat_vec_mult_f32.inc"
#include "nn_cmsis_end.h"

/* y = activation(W x + b), the inputs in their order, then the bias. */
NN_INLINE void nn_product_cmsis_f32(float *y, const float *x, const float *w, const float *b, size_t in, size_t out,
                                    nn_function *activation)
{
    const nn_cmsis_matrix_f32 matrix = {(uint16_t)out, (uint16_t)in, (float *)w};
    nn_cmsis_product_f32(&matrix, x, y);
    NN_UNROLL(8)
    for (size_t o = 0; o < out; o++) {
        y[o] = activation(y[o] + b[o]);
    }
}

#ifdef __cplusplus
}
#endif
#endif
