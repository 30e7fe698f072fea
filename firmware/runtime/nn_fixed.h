/* Fixed point, one number at a time: the one place where a number loses bits. */
/* SPDX-License-Identifier: 0BSD */
#ifndef NN_FIXED_H
#define NN_FIXED_H

#include "nn_base.h"

#if defined(__ARM_FEATURE_SAT)
#include <arm_acle.h>
#endif

/* The shifts below take >> of a negative number to be arithmetic, as every compiler for these machines has it. */
typedef char nn_shifts_are_arithmetic[((-3) >> 1) == -2 ? 1 : -1];

#ifdef __cplusplus
extern "C" {
#endif

/* x in [lo, hi]: one instruction on a Cortex-M4 or M7 where the bounds, literals, are those of 16 or 8 bits or
   their half from 0 on. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion" /* inside GCC's own __ssat */
#endif
NN_INLINE int32_t nn_clamp_i32(int32_t x, int32_t lo, int32_t hi)
{
#if defined(__ARM_FEATURE_SAT)
    if (lo == -32768 && hi == 32767) {
        return __ssat(x, 16);
    }
    if (lo == 0 && hi == 32767) {
        return (int32_t)__usat(x, 15);
    }
    if (lo == -128 && hi == 127) {
        return __ssat(x, 8);
    }
    if (lo == 0 && hi == 127) {
        return (int32_t)__usat(x, 7);
    }
#endif
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

NN_INLINE int64_t nn_clamp_i64(int64_t x, int64_t lo, int64_t hi)
{
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}

/* Drops `shift` low bits of x, rounding, then clamps to [lo, hi]; a negative shift appends zeros.
   _i32: shift <= 30, x plus half of 2^shift fits 32 bits, and so do lo and hi plus 2^-shift.
   _i64: shift <= 63, and the same in 64 bits. */
#define NN_REQUANTIZE_FUNCTION(suffix, type)                                                                         \
    NN_INLINE type nn_requantize_##suffix(type x, int shift, nn_rounding rounding, type lo, type hi)                 \
    {                                                                                                                \
        if (shift < 0) {                                                                                             \
            /* Stops what would leave [lo, hi] just beyond it, before the zeros take it out of the type. */          \
            x = nn_clamp_##suffix(x, lo >> -shift, -(-hi >> -shift)) * ((type)1 << -shift);                          \
        } else if (shift > 0) {                                                                                      \
            const type half = (type)((type)1 << (shift - 1));                                                        \
            if (rounding == NN_HALF_UP) {                                                                            \
                x += half;                                                                                           \
            } else if (rounding == NN_HALF_EVEN) {                                                                   \
                /* A tie goes up only where the part that is kept is odd. */                                         \
                x += (half - 1) + ((x >> shift) & 1);                                                                \
            }                                                                                                        \
            x >>= shift;                                                                                             \
        }                                                                                                            \
        return nn_clamp_##suffix(x, lo, hi);                                                                         \
    }

NN_REQUANTIZE_FUNCTION(i32, int32_t)
NN_REQUANTIZE_FUNCTION(i64, int64_t)

/* The same over arrays; the name says what is read, then what is written. y may be x where the types agree. */
#define NN_REQUANTIZE_ARRAY(name, from, suffix, wide, to)                                                            \
    NN_INLINE void nn_requantize_##name(to *y, const from *x, size_t count, int shift, nn_rounding rounding,         \
                                        wide lo, wide hi)                                                            \
    {                                                                                                                \
        NN_UNROLL(4)                                                                                                 \
        for (size_t i = 0; i < count; i++) {                                                                         \
            y[i] = (to)nn_requantize_##suffix((wide)x[i], shift, rounding, lo, hi);                                  \
        }                                                                                                            \
    }

NN_REQUANTIZE_ARRAY(i16_via_i32_to_i16, int16_t, i32, int32_t, int16_t)
NN_REQUANTIZE_ARRAY(i16_via_i64_to_i16, int16_t, i64, int64_t, int16_t)
NN_REQUANTIZE_ARRAY(i32_via_i32_to_i16, int32_t, i32, int32_t, int16_t)
NN_REQUANTIZE_ARRAY(i32_via_i64_to_i16, int32_t, i64, int64_t, int16_t)
NN_REQUANTIZE_ARRAY(i64_via_i64_to_i16, int64_t, i64, int64_t, int16_t)
NN_REQUANTIZE_ARRAY(i16_via_i64_to_i32, int16_t, i64, int64_t, int32_t)
NN_REQUANTIZE_ARRAY(i32_via_i64_to_i32, int32_t, i64, int64_t, int32_t)
NN_REQUANTIZE_ARRAY(i64_via_i64_to_i32, int64_t, i64, int64_t, int32_t)
NN_REQUANTIZE_ARRAY(i8_via_i32_to_i8, int8_t, i32, int32_t, int8_t)
NN_REQUANTIZE_ARRAY(i8_via_i64_to_i8, int8_t, i64, int64_t, int8_t)
NN_REQUANTIZE_ARRAY(i32_via_i32_to_i8, int32_t, i32, int32_t, int8_t)
NN_REQUANTIZE_ARRAY(i32_via_i64_to_i8, int32_t, i64, int64_t, int8_t)
NN_REQUANTIZE_ARRAY(i64_via_i64_to_i8, int64_t, i64, int64_t, int8_t)

#ifdef __cplusplus
}
#endif
#endif
