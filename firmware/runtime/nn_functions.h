/* The functions of one number that need <math.h>, as compiler/ir/functions.py defines them. */
/* SPDX-License-Identifier: 0BSD */
/*
   Nothing overflows on the way to a finite result, and where a difference of near numbers would lose digits, the
   same function is written without one. A NaN stays one.
*/
#ifndef NN_FUNCTIONS_H
#define NN_FUNCTIONS_H

#include "nn_float.h"

#include <math.h>

#ifdef __cplusplus
extern "C" {
#endif

NN_INLINE float nn_tanh(float x)
{
    return tanhf(x);
}

/* 1 / (1 + exp(-x)). The exponential is of a number that is not positive, so that nothing overflows. */
NN_INLINE float nn_sigmoid(float x)
{
    const float e = expf(-fabsf(x));
    return x >= 0.0f ? 1.0f / (1.0f + e) : e / (1.0f + e);
}

NN_INLINE float nn_elu(float x, float alpha)
{
    return x > 0.0f ? x : alpha * expm1f(x);
}

NN_INLINE float nn_selu(float x)
{
    return 1.0507009873554805f * nn_elu(x, 1.6732632423543772f);
}

NN_INLINE float nn_celu(float x, float alpha)
{
    return nn_max(x, 0.0f) + nn_min(0.0f, alpha * expm1f(nn_min(x, 0.0f) / alpha));
}

/* x * (1 + erf(x / sqrt(2))) / 2 */
NN_INLINE float nn_gelu(float x)
{
    return 0.5f * x * erfcf(x * -0.70710678118654752f);
}

/* x * (1 + tanh(u)) / 2 = x * sigmoid(2 u) */
NN_INLINE float nn_gelu_tanh(float x)
{
    return x * nn_sigmoid(1.5957691216057308f * (x + 0.044715f * x * x * x));
}

NN_INLINE float nn_silu(float x)
{
    return x * nn_sigmoid(x);
}

/* x * tanh(log(1 + exp(x))): with e = exp(-|x|) the hyperbolic tangent is a quotient of polynomials. */
NN_INLINE float nn_mish(float x)
{
    const float e = expf(-fabsf(x));
    const float n = x >= 0.0f ? 1.0f + 2.0f * e : e * (e + 2.0f);
    return x * (n / (n + 2.0f * (x >= 0.0f ? e * e : 1.0f)));
}

/* log(1 + exp(x)) */
NN_INLINE float nn_softplus(float x)
{
    return nn_max(x, 0.0f) + log1pf(expf(-fabsf(x)));
}

/* (x + sqrt(x^2 + b)) / 2 */
NN_INLINE float nn_squareplus(float x, float b)
{
    const float root = sqrtf(x * x + b);
    return x >= 0.0f ? 0.5f * (x + root) : 0.5f * b / (root - x);
}

NN_INLINE float nn_tanh_shrink(float x)
{
    return x - tanhf(x);
}

/* -log(1 + exp(-x)) */
NN_INLINE float nn_log_sigmoid(float x)
{
    return -nn_softplus(-x);
}

NN_INLINE float nn_exp(float x)
{
    return expf(x);
}

NN_INLINE float nn_log(float x)
{
    return logf(x);
}

NN_INLINE float nn_sqrt(float x)
{
    return sqrtf(x);
}

NN_INLINE float nn_rsqrt(float x, float epsilon)
{
    return 1.0f / sqrtf(x + epsilon);
}

NN_INLINE float nn_sin(float x)
{
    return sinf(x);
}

NN_INLINE float nn_cos(float x)
{
    return cosf(x);
}

#ifdef __cplusplus
}
#endif
#endif
