/* The compiler's part of CMSIS-Core, as much of it as CMSIS-DSP's vector functions need; GCC and clang. */
/* SPDX-License-Identifier: 0BSD */
#ifndef NN_CMSIS_COMPILER_H
#define NN_CMSIS_COMPILER_H

#include <stdint.h>

#define __STATIC_INLINE static inline
#define __STATIC_FORCEINLINE static inline __attribute__((always_inline, unused))
#define __ALIGNED(bytes) __attribute__((aligned(bytes)))
#define __WEAK __attribute__((weak))

/* Four terms a turn of each loop: fewer instructions, the same order of terms. */
#ifndef ARM_MATH_LOOPUNROLL
#define ARM_MATH_LOOPUNROLL
#endif

/* These functions may join a product and a sum into one instruction where the machine has one, as NN_MADD
   does for the rest; -ffp-contract=off otherwise forbids it to the whole file. A configuration of one's own
   (ARM_DSP_CUSTOM_CONFIG) is left alone. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__ARM_FEATURE_FMA) && !defined(ARM_DSP_CUSTOM_CONFIG)
#undef ARM_DSP_ATTRIBUTE
#define ARM_DSP_ATTRIBUTE __attribute__((optimize("fp-contract=fast")))
#endif

__STATIC_FORCEINLINE uint8_t __CLZ(uint32_t x)
{
    return x == 0u ? 32u : (uint8_t)__builtin_clz(x);
}

__STATIC_FORCEINLINE uint32_t __ROR(uint32_t x, uint32_t bits)
{
    bits &= 31u;
    return bits == 0u ? x : (x >> bits | x << (32u - bits));
}

__STATIC_FORCEINLINE int32_t nn_cmsis_clamp(int32_t x, int32_t lo, int32_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

__STATIC_FORCEINLINE int32_t __SSAT(int32_t x, uint32_t bits)
{
    const int32_t hi = (int32_t)((1u << (bits - 1u)) - 1u);
    return nn_cmsis_clamp(x, -1 - hi, hi);
}

__STATIC_FORCEINLINE uint32_t __USAT(int32_t x, uint32_t bits)
{
    return (uint32_t)nn_cmsis_clamp(x, 0, (int32_t)((1u << bits) - 1u));
}

#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#define __SMLAD(x, y, sum) ((uint32_t)__smlad((int16x2_t)(x), (int16x2_t)(y), (int32_t)(sum)))
#define __SMLALD(x, y, sum) ((uint64_t)__smlald((int16x2_t)(x), (int16x2_t)(y), (int64_t)(sum)))
#define __QADD(x, y) __qadd((x), (y))
#define __QSUB(x, y) __qsub((x), (y))
#endif

#endif
