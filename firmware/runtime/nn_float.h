/* Floating point, one number at a time: activations, batch normalisation, rounding to a grid. */
/* SPDX-License-Identifier: 0BSD */
#ifndef NN_FLOAT_H
#define NN_FLOAT_H

#include "nn_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a product ends with. */
typedef enum { NN_LINEAR, NN_RELU, NN_TANH, NN_SIGMOID } nn_activation;

/* How a number between two steps of a grid is rounded. */
typedef enum { NN_HALF_EVEN, NN_HALF_UP, NN_FLOOR } nn_rounding;

/* Whether the machine has a maximum in one instruction: FPv5, which on ARMv7-M shows by its double precision.
   Define it for a Cortex-M7 without. */
#if !defined(NN_HAS_FLOAT_MAX) && defined(__ARM_FP) && defined(__ARM_ARCH)
#if __ARM_ARCH >= 8 || (defined(__ARM_ARCH_7EM__) && (__ARM_FP & 8) != 0)
#define NN_HAS_FLOAT_MAX
#endif
#endif

/* max(x, 0). NaN becomes 0. */
NN_INLINE float nn_relu(float x)
{
#if defined(NN_HAS_FLOAT_MAX)
    return fmaxf(x, 0.0f);
#else
    return x > 0.0f ? x : 0.0f;
#endif
}

/* 1 / (1 + exp(-x)). The exponential is of a number that is not positive, so that nothing overflows. */
NN_INLINE float nn_sigmoid(float x)
{
    const float e = expf(-fabsf(x));
    return x >= 0.0f ? 1.0f / (1.0f + e) : e / (1.0f + e);
}

NN_INLINE float nn_activate(float x, nn_activation activation)
{
    switch (activation) {
    case NN_RELU:
        return nn_relu(x);
    case NN_TANH:
        return tanhf(x);
    case NN_SIGMOID:
        return nn_sigmoid(x);
    case NN_LINEAR:
    default:
        return x;
    }
}

/* For each row of `channels` numbers: y[i] = x[i] * scale[i] + shift[i]; y may be x. */
NN_INLINE void nn_affine_f32(float *y, const float *x, const float *scale, const float *shift, size_t rows,
                             size_t channels)
{
    for (; rows != 0; rows--, x += channels, y += channels) {
        NN_UNROLL(4)
        for (size_t i = 0; i < channels; i++) {
            y[i] = NN_MADD(x[i], scale[i], shift[i]);
        }
    }
}

/* The whole number next to x. x - floor(x) is exact, so that no half is taken for one that is not. */
NN_INLINE float nn_round_f32(float x, nn_rounding rounding)
{
    const float below = floorf(x);
    switch (rounding) {
    case NN_HALF_UP:
        return x - below >= 0.5f ? below + 1.0f : below;
    case NN_FLOOR:
        return below;
    case NN_HALF_EVEN:
    default:
        return rintf(x);
    }
}

/* y[i] = x[i] on the grid of 1 / steps, between lo and hi steps; y may be x. `steps` and `step` are powers of
   two and each other's inverse; lo and hi are whole and below 2^24. NaN becomes 0. */
NN_INLINE void nn_quantize_f32(float *y, const float *x, size_t count, float steps, float step, nn_rounding rounding,
                               float lo, float hi)
{
    NN_UNROLL(4)
    for (size_t i = 0; i < count; i++) {
        float r = nn_round_f32(x[i] * steps, rounding);
        r = r < lo ? lo : r;
        r = r > hi ? hi : r;
        y[i] = (r == r ? r : 0.0f) * step;
    }
}

#ifdef __cplusplus
}
#endif
#endif
