/* The functions of one number, as compiler/ir/functions.py defines them: stable, and true to NaN. */
/* SPDX-License-Identifier: 0BSD */
/*
   Nothing overflows on the way to a finite result, and where a difference of near numbers would lose digits, the
   same function is written without one. A NaN stays one, but nn_relu makes it 0, and so do nn_hard_shrink and
   nn_threshold (the number below), whose comparison it fails.
*/
#ifndef NN_FUNCTIONS_H
#define NN_FUNCTIONS_H

#include "nn_float.h"

#ifdef __cplusplus
extern "C" {
#endif

/* target[i] = expression of v, the number source[i]; target may be source. */
#define NN_EACH(target, source, count, expression)                                                                   \
    do {                                                                                                             \
        const float *const nn_from = (source);                                                                       \
        float *const nn_to = (target);                                                                               \
        NN_UNROLL(4)                                                                                                 \
        for (size_t nn_i = 0; nn_i < (size_t)(count); nn_i++) {                                                      \
            const float v = nn_from[nn_i];                                                                           \
            nn_to[nn_i] = (expression);                                                                              \
        }                                                                                                            \
    } while (0)

/* The greater and the smaller of two; NaN if one is. */
NN_INLINE float nn_max(float a, float b)
{
    return a > b || a != a ? a : b;
}

NN_INLINE float nn_min(float a, float b)
{
    return a < b || a != a ? a : b;
}

NN_INLINE float nn_clip(float x, float lo, float hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

NN_INLINE float nn_relu_general(float x, float negative_slope, float max_value, float threshold)
{
    return x > threshold ? nn_min(x, max_value) : negative_slope * (x - threshold);
}

NN_INLINE float nn_leaky_relu(float x, float slope)
{
    return x >= 0.0f ? x : slope * x;
}

NN_INLINE float nn_tanh(float x)
{
    return tanhf(x);
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

NN_INLINE float nn_softsign(float x)
{
    return x / (1.0f + fabsf(x));
}

/* (x + sqrt(x^2 + b)) / 2 */
NN_INLINE float nn_squareplus(float x, float b)
{
    const float root = sqrtf(x * x + b);
    return x >= 0.0f ? 0.5f * (x + root) : 0.5f * b / (root - x);
}

NN_INLINE float nn_soft_shrink(float x, float threshold)
{
    const float rest = nn_max(fabsf(x) - threshold, 0.0f);
    return x > 0.0f ? rest : x < 0.0f ? -rest : x;
}

NN_INLINE float nn_hard_shrink(float x, float threshold)
{
    return fabsf(x) > threshold ? x : 0.0f;
}

NN_INLINE float nn_tanh_shrink(float x)
{
    return x - tanhf(x);
}

NN_INLINE float nn_sparse_plus(float x)
{
    return x <= -1.0f ? 0.0f : x < 1.0f ? 0.25f * (x + 1.0f) * (x + 1.0f) : x;
}

NN_INLINE float nn_sparse_sigmoid(float x)
{
    return nn_clip(0.5f * (x + 1.0f), 0.0f, 1.0f);
}

NN_INLINE float nn_hard_sigmoid(float x)
{
    return nn_clip(x / 6.0f + 0.5f, 0.0f, 1.0f);
}

NN_INLINE float nn_hard_silu(float x)
{
    return x * nn_hard_sigmoid(x);
}

NN_INLINE float nn_hard_tanh(float x)
{
    return nn_clip(x, -1.0f, 1.0f);
}

NN_INLINE float nn_threshold(float x, float threshold, float below)
{
    return x > threshold ? x : below;
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

NN_INLINE float nn_square(float x)
{
    return x * x;
}

NN_INLINE float nn_absolute(float x)
{
    return fabsf(x);
}

NN_INLINE float nn_negative(float x)
{
    return -x;
}

NN_INLINE float nn_reciprocal(float x)
{
    return 1.0f / x;
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
