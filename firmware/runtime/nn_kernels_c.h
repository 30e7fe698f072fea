/* Floating-point products of a matrix and a vector in plain C. */
/* SPDX-License-Identifier: 0BSD */
#ifndef NN_KERNELS_C_H
#define NN_KERNELS_C_H

#include "nn_float.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `tiles` tiles of `tile` outputs, tile <= 8: their sums stay in registers over all inputs. */
NN_INLINE void nn_tiles_f32(float *y, const float *x, const float *w, const float *b, size_t in, size_t tiles,
                            size_t tile, nn_function *activation)
{
    for (size_t n = 0; n < tiles; n++, w += tile * in) {
        float sums[8];
        NN_UNROLL(8)
        for (size_t t = 0; t < tile; t++) {
            sums[t] = b[n * tile + t];
        }
        NN_UNROLL(16)
        for (size_t i = 0; i < in; i++) {
            const float v = x[i];
            NN_UNROLL(8)
            for (size_t t = 0; t < tile; t++) {
                sums[t] = NN_MADD(w[i * tile + t], v, sums[t]);
            }
        }
        NN_UNROLL(8)
        for (size_t t = 0; t < tile; t++) {
            y[n * tile + t] = activation(sums[t]);
        }
    }
}

/* y = activation(b + W x), the bias first, then the inputs in their order. The outputs are split into as few
   tiles of at most eight as will do, the larger ones first and none larger than another by more than one; w
   holds one tile after the other, and in it, for every input, one weight of each of its outputs. */
NN_INLINE void nn_product_f32(float *y, const float *x, const float *w, const float *b, size_t in, size_t out,
                              nn_function *activation)
{
    const size_t tiles = (out + 7) / 8, small = out / tiles, larger = out % tiles;
    const size_t done = larger * (small + 1);
    NN_HIDE(w);
    NN_HIDE(b);
    nn_tiles_f32(y, x, w, b, in, larger, small + 1, activation);
    nn_tiles_f32(y + done, x, w + done * in, b + done, in, tiles - larger, small, activation);
}

#ifdef __cplusplus
}
#endif
#endif
