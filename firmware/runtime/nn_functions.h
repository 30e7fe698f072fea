/* The functions of one number that are not arithmetic, as compiler/ir/functions.py defines them. No C library. */
/* SPDX-License-Identifier: 0BSD */
/*
   Polynomials and rational functions, minimax fits whose errors stand beside them, without a branch: the same bits on
   every machine that multiplies and adds alike (NN_FUSED), and loops over them can be pipelined. Each is within 1e-6
   of the true value, relative, or 2e-6, absolute, for every finite float. Nothing overflows on the way to a finite
   result, and where a difference of near numbers would lose digits, the same function is written without one. A NaN
   stays one. Steps between numbers are those of rounding to nearest, in single precision.
*/
#ifndef NN_FUNCTIONS_H
#define NN_FUNCTIONS_H

#include "nn_float.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_LOG2_E 1.44269504f
#define NN_LN2_HIGH 0.693145752f /* 17 bits, so that products with whole numbers up to 7 bits are exact */
#define NN_LN2_LOW 1.42860677e-6f

NN_INLINE uint32_t nn_bits_of(float x)
{
    uint32_t bits;
    NN_MEMCPY(&bits, &x, sizeof bits);
    return bits;
}

NN_INLINE float nn_of_bits(uint32_t bits)
{
    float x;
    NN_MEMCPY(&x, &bits, sizeof x);
    return x;
}

/* x between two bounds; NaN stays. */
NN_INLINE float nn_between(float x, float lo, float hi)
{
#if defined(NN_HAS_FLOAT_MAX)
    const float y = NN_FMIN(NN_FMAX(x, lo), hi);
    return x == x ? y : x;
#else
    return nn_clip(x, lo, hi);
#endif
}

/* Added to a number below 2^22 in magnitude, it leaves the nearest whole number in the last bits of the sum. */
#define NN_WHOLE 12582912.0f

/* 2^n of t = NN_WHOLE + n: 0 for n = -127, infinity for 128. */
NN_INLINE float nn_power_of_two(float t)
{
    return nn_of_bits((nn_bits_of(t) << 23) + 0x3F800000u);
}

/* exp(r) - 1 of what lies beyond n = t - NN_WHOLE halvings of x: relative to exp(r), 3e-9. */
NN_INLINE float nn_expm1_rest(float x, float t)
{
    const float n = t - NN_WHOLE;
    const float r = NN_MADD(n, -NN_LN2_LOW, NN_MADD(n, -NN_LN2_HIGH, x));
    float p = NN_MADD(1.38145406e-3f, r, 8.36874545e-3f);
    p = NN_MADD(p, r, 0.041668389f);
    p = NN_MADD(p, r, 0.166665211f);
    p = NN_MADD(p, r, 0.49999994f);
    return NN_MADD(p, r * r, r);
}

/* exp(x) of a number that is not above 0; 0 below -87.7. */
NN_INLINE float nn_exp_below_0(float x)
{
    const float z = x < -88.0f ? -88.0f : x;
    const float t = NN_MADD(z, NN_LOG2_E, NN_WHOLE), scale = nn_power_of_two(t);
    return NN_MADD(nn_expm1_rest(z, t), scale, scale);
}

/* exp(x) - 1 of a number that is not above 0. */
NN_INLINE float nn_expm1_below_0(float x)
{
    const float z = x < -88.0f ? -88.0f : x;
    const float t = NN_MADD(z, NN_LOG2_E, NN_WHOLE), scale = nn_power_of_two(t);
    return NN_MADD(nn_expm1_rest(z, t), scale, scale - 1.0f);
}

/* Two powers of two, so that neither end of the range is lost. */
NN_INLINE float nn_exp(float x)
{
    const float z = nn_between(x, -105.0f, 89.0f);
    const float t = NN_MADD(z, NN_LOG2_E, NN_WHOLE);
    const uint32_t bits = nn_bits_of(t), half = (bits - 0x4B400000u + 512u) / 2u - 256u;
    const float first = nn_of_bits((half << 23) + 0x3F800000u);
    const float second = nn_of_bits(((bits - half) << 23) + 0x3F800000u);
    return NN_MADD(nn_expm1_rest(z, t), first, first) * second;
}

/* 1 / (1 + exp(-x)). Below -88.4 the power is infinite and the result 0, so that x * sigmoid(x) is 0 as well. */
NN_INLINE float nn_sigmoid(float x)
{
    const float z = -nn_between(x, -89.0f, 88.0f);
    const float t = NN_MADD(z, NN_LOG2_E, NN_WHOLE), scale = nn_power_of_two(t);
    return 1.0f / NN_MADD(1.0f + nn_expm1_rest(z, t), scale, 1.0f);
}

/* x P(x^2) / Q(x^2), relative error 2e-8; 1 from 9 on. */
NN_INLINE float nn_tanh(float x)
{
    const float z = nn_between(x, -9.0f, 9.0f), u = z * z;
    float p = NN_MADD(1.33546108e-8f, u, 2.06090481e-5f);
    p = NN_MADD(p, u, 3.4955861e-3f);
    p = NN_MADD(p, u, 0.133810237f);
    p = NN_MADD(p, u, 1.0f);
    float q = NN_MADD(7.77653838e-7f, u, 3.28563154e-4f);
    q = NN_MADD(q, u, 0.0258769747f);
    q = NN_MADD(q, u, 0.467143387f);
    q = NN_MADD(q, u, 1.0f);
    return z * p / q;
}

/* x is 2^n (1 + f), with 1 + f between the roots of a half and of two; error of the polynomial 3e-8. */
NN_INLINE float nn_log(float x)
{
    const float tiny = x < 1.17549435e-38f ? 8388608.0f : 1.0f, off = x < 1.17549435e-38f ? 23.0f : 0.0f;
    const uint32_t bits = nn_bits_of(x * tiny), up = bits - 0x3F3504F3u + (128u << 23);
    const float n = (float)(int32_t)(up >> 23) - 128.0f - off;
    const float f = nn_of_bits(bits - (up & 0xFF800000u) + (128u << 23)) - 1.0f;
    float p = NN_MADD(0.0870043561f, f, -0.142674863f);
    p = NN_MADD(p, f, 0.149147674f);
    p = NN_MADD(p, f, -0.16577585f);
    p = NN_MADD(p, f, 0.199630633f);
    p = NN_MADD(p, f, -0.250013381f);
    p = NN_MADD(p, f, 0.333339095f);
    const float square = f * f;
    p = NN_MADD(p, square * f, n * NN_LN2_LOW);
    p = NN_MADD(square, -0.5f, p) + f;
    p = NN_MADD(n, NN_LN2_HIGH, p);
    p = x == 0.0f ? -NN_INFINITY : x < 0.0f ? NN_NAN : p;
    return x < NN_INFINITY ? p : x;
}

/* log(1 + e) for e from 0 to 1: e times a polynomial, relative error 3e-8. */
NN_INLINE float nn_log1p_to_1(float e)
{
    float p = NN_MADD(5.2326927e-3f, e, -0.0295052323f);
    p = NN_MADD(p, e, 0.0782259405f);
    p = NN_MADD(p, e, -0.136632442f);
    p = NN_MADD(p, e, 0.191060066f);
    p = NN_MADD(p, e, -0.24842982f);
    p = NN_MADD(p, e, 0.333190978f);
    p = NN_MADD(p, e, -0.499994934f);
    p = NN_MADD(p, e, 0.99999994f);
    return p * e;
}

NN_INLINE float nn_elu(float x, float alpha)
{
    return x > 0.0f ? x : alpha * nn_expm1_below_0(x);
}

NN_INLINE float nn_selu(float x)
{
    return 1.05070099f * nn_elu(x, 1.67326324f);
}

NN_INLINE float nn_celu(float x, float alpha)
{
    return nn_max(x, 0.0f) + nn_min(0.0f, alpha * nn_expm1_below_0(nn_min(x, 0.0f) / alpha));
}

/* x times the normal distribution, which is a sigmoid: of x times a polynomial in x^2, error of the result 7e-8. */
NN_INLINE float nn_gelu(float x)
{
    const float u = x * x;
    float p = NN_MADD(3.61112096e-9f, u, -2.66888264e-7f);
    p = NN_MADD(p, u, 7.93815163e-6f);
    p = NN_MADD(p, u, -1.10479865e-4f);
    p = NN_MADD(p, u, -6.62613893e-5f);
    p = NN_MADD(p, u, 0.0726685673f);
    p = NN_MADD(p, u, 1.59576845f);
    return x * nn_sigmoid(x * p);
}

/* x * (1 + tanh(u)) / 2 = x * sigmoid(2 u) */
NN_INLINE float nn_gelu_tanh(float x)
{
    return x * nn_sigmoid(1.59576912f * x * NN_MADD(0.044715f * x, x, 1.0f));
}

NN_INLINE float nn_silu(float x)
{
    return x * nn_sigmoid(x);
}

/* x * tanh(log(1 + exp(x))): with e = exp(x) the hyperbolic tangent is n / (n + 2), n = e (e + 2). From 40 on it is 1. */
NN_INLINE float nn_mish(float x)
{
    const float z = nn_between(x, -88.0f, 40.0f);
    const float t = NN_MADD(z, NN_LOG2_E, NN_WHOLE), scale = nn_power_of_two(t);
    const float e = NN_MADD(nn_expm1_rest(z, t), scale, scale), n = e * (e + 2.0f);
    return x * (n / (n + 2.0f));
}

/* log(1 + exp(x)) */
NN_INLINE float nn_softplus(float x)
{
    return nn_max(x, 0.0f) + nn_log1p_to_1(nn_exp_below_0(-NN_ABS(x)));
}

NN_INLINE float nn_tanh_shrink(float x)
{
    return x - nn_tanh(x);
}

/* -log(1 + exp(-x)) */
NN_INLINE float nn_log_sigmoid(float x)
{
    return -nn_softplus(-x);
}

/* The instruction by its name where there is one: compilers call the C library beside it, to note a negative number. */
NN_INLINE float nn_sqrt(float x)
{
#if defined(__GNUC__) && defined(__arm__) && defined(__ARM_FP)
    float root;
    __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(x));
    return root;
#elif defined(__GNUC__) && defined(__aarch64__)
    float root;
    __asm__("fsqrt %s0, %s1" : "=w"(root) : "w"(x));
    return root;
#elif defined(__GNUC__) && defined(__SSE__)
    float root;
    __asm__("sqrtss %1, %0" : "=x"(root) : "x"(x));
    return root;
#else
    return NN_SQRT(x);
#endif
}

/* (x + sqrt(x^2 + b)) / 2 */
NN_INLINE float nn_squareplus(float x, float b)
{
    const float size = NN_ABS(x), root = size > 1e18f ? size : nn_sqrt(NN_MADD(x, x, b));
    return x >= 0.0f ? NN_MADD(0.5f, x, 0.5f * root) : 0.5f * b / (root - x);
}

NN_INLINE float nn_rsqrt(float x, float epsilon)
{
    return 1.0f / nn_sqrt(x + epsilon);
}

/* |x| as quarter turns: the whole ones, modulo 4, and what is left, in radians between -pi/4 and pi/4. */
typedef struct {
    uint32_t quarters;
    float rest;
} nn_turns;

/* In integers, for every finite number: its 24 bits times those 64 of 2 / pi that matter, modulo 4; off by 2^-38. */
NN_FUNCTION nn_turns nn_turn(float x)
{
    /* 2 / pi behind the point, and 64 zeros in front of it. */
    static const uint32_t two_over_pi[] = {0u, 0u, 0xA2F9836Eu, 0x4E441529u, 0xFC2757D1u,
                                           0xF534DDC0u, 0xDB629599u, 0x3C439041u};
    const float size = NN_ABS(x);
    const uint32_t bits = nn_bits_of(size), exponent = bits >> 23, mantissa = (bits & 0x7FFFFFu) | 0x800000u;
    const uint32_t skipped = exponent < 88u ? 0u : exponent - 88u, by = skipped & 31u;
    const uint32_t *words = two_over_pi + (skipped >> 5);
    const uint64_t part = (((uint64_t)words[0] << 32 | words[1]) << by) | ((words[2] >> 1) >> (31u - by));
    const uint64_t product = part * mantissa;
    const float rest = (float)(int32_t)(uint32_t)(product >> 30) * 3.65729516e-10f; /* pi / 2 * 2^-32 */
    const uint32_t quarters = (uint32_t)((product + (1ull << 61)) >> 62);
    nn_turns turns;
    turns.quarters = size < 0.785398163f ? 0u : quarters;
    turns.rest = size < 0.785398163f ? size : rest;
    return turns;
}

/* The sine of some quarter turns; errors of the polynomials 4e-9 and 1e-10. */
NN_INLINE float nn_sin_of(uint32_t quarters, float r)
{
    const float u = r * r;
    float sine = NN_MADD(-1.95172353e-4f, u, 8.332178e-3f);
    sine = NN_MADD(sine, u, -0.166666552f);
    sine = NN_MADD(sine, u * r, r);
    float cosine = NN_MADD(2.44383791e-5f, u, -1.38873665e-3f);
    cosine = NN_MADD(cosine, u, 0.0416666456f);
    cosine = NN_MADD(cosine, u * u, NN_MADD(u, -0.5f, 1.0f));
    const float y = (quarters & 1u) != 0u ? cosine : sine;
    return (quarters & 2u) != 0u ? -y : y;
}

/* x - x is NaN for infinity, and 0 for every finite number. */
NN_INLINE float nn_sin(float x)
{
    const nn_turns turns = nn_turn(x);
    return nn_sin_of(turns.quarters + (x < 0.0f ? 2u : 0u), turns.rest) + (x - x);
}

NN_INLINE float nn_cos(float x)
{
    const nn_turns turns = nn_turn(x);
    return nn_sin_of(turns.quarters + 1u, turns.rest) + (x - x);
}

#ifdef __cplusplus
}
#endif
#endif
