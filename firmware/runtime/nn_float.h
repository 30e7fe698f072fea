/* Floating point, one number at a time: the functions that are arithmetic alone, without a C library. */
/* SPDX-License-Identifier: 0BSD */
/*
   A NaN goes through every function but those that pick a number by a comparison, which a NaN fails: nn_relu and
   nn_relu_general without a slope give 0, as the one instruction for a maximum does; nn_hard_shrink gives 0, and
   nn_threshold the number below. docs/numbers.md has the rule.
*/
#ifndef NN_FLOAT_H
#define NN_FLOAT_H

#include "nn_base.h"

/* These flags let a compiler take NaN and infinity for impossible, or change the order of terms: a NaN would count as
   settled in <name>_reset_to_rest, and results would depend on the compiler. Fixed-point builds need no such check. */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(_M_FP_FAST)
#error "Compile this network without -Ofast, -ffast-math, -ffinite-math-only and -funsafe-math-optimizations: \
with them NaN and the order of sums are lost. -O3 is as fast."
#endif

/* Whether the machine has a maximum in one instruction: FPv5, which on ARMv7-M shows by its double precision.
   Define it for a Cortex-M7 without. */
#if !defined(NN_HAS_FLOAT_MAX) && defined(__GNUC__) && defined(__ARM_FP) && defined(__ARM_ARCH)
#if __ARM_ARCH >= 8 || (defined(__ARM_ARCH_7EM__) && (__ARM_FP & 8) != 0)
#define NN_HAS_FLOAT_MAX
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a product ends with: a function of one number, inlined where it is named. */
typedef float nn_function(float x);

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

NN_INLINE float nn_linear(float x)
{
    return x;
}

/* max(x, 0). NaN becomes 0. */
NN_INLINE float nn_relu(float x)
{
#if defined(NN_HAS_FLOAT_MAX)
    return NN_FMAX(x, 0.0f);
#else
    return x > 0.0f ? x : 0.0f;
#endif
}

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

/* Without a slope, 0 below the threshold, and for NaN and minus infinity too. */
NN_INLINE float nn_relu_general(float x, float negative_slope, float max_value, float threshold)
{
    return x > threshold ? nn_min(x, max_value) : negative_slope == 0.0f ? 0.0f : negative_slope * (x - threshold);
}

NN_INLINE float nn_leaky_relu(float x, float slope)
{
    return x >= 0.0f ? x : slope * x;
}

NN_INLINE float nn_softsign(float x)
{
    return x / (1.0f + NN_ABS(x));
}

NN_INLINE float nn_soft_shrink(float x, float threshold)
{
    const float rest = nn_max(NN_ABS(x) - threshold, 0.0f);
    return x > 0.0f ? rest : x < 0.0f ? -rest : x;
}

NN_INLINE float nn_hard_shrink(float x, float threshold)
{
    return NN_ABS(x) > threshold ? x : 0.0f;
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

NN_INLINE float nn_square(float x)
{
    return x * x;
}

NN_INLINE float nn_absolute(float x)
{
    return NN_ABS(x);
}

NN_INLINE float nn_negative(float x)
{
    return -x;
}

NN_INLINE float nn_reciprocal(float x)
{
    return 1.0f / x;
}

/* For each row of `channels` numbers: y[i] = x[i] * scale[i] + shift[i]; y may be x. */
NN_INLINE void nn_affine_f32(float *y, const float *x, const float *scale, const float *shift, size_t rows,
                             size_t channels)
{
    NN_HIDE(scale);
    NN_HIDE(shift);
    for (; rows != 0; rows--, x += channels, y += channels) {
        NN_UNROLL(4)
        for (size_t i = 0; i < channels; i++) {
            y[i] = NN_MADD(x[i], scale[i], shift[i]);
        }
    }
}

#ifdef __cplusplus
}
#endif
#endif
