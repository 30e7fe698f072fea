/* What every other header of the runtime stands on: inlining, unrolling, multiply-add. */
/* SPDX-License-Identifier: 0BSD */
#ifndef NN_BASE_H
#define NN_BASE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* NN_INLINE: sizes are literals where these functions are called; inlined, they turn into straight code.
   NN_FUNCTION: calls with different sizes share one piece of code.
   NN_UNROLL before a loop: repeat its body this many times. It never changes the order of terms.
   Define NN_COMPACT for none of it: less code, compiled in less time, which computes the same more slowly. */
#define NN_PRAGMA(text) _Pragma(#text)
#if !defined(__GNUC__)
#define NN_INLINE static inline
#define NN_FUNCTION static inline
#define NN_UNROLL(times)
#elif defined(NN_COMPACT)
#define NN_INLINE static inline __attribute__((unused))
#define NN_FUNCTION static inline __attribute__((unused))
#define NN_UNROLL(times)
#else
#define NN_INLINE static inline __attribute__((always_inline, unused))
#define NN_FUNCTION static inline __attribute__((unused))
#if defined(__clang__)
#define NN_UNROLL(times) NN_PRAGMA(unroll times)
#else
#define NN_UNROLL(times) NN_PRAGMA(GCC unroll times)
#endif
#endif

/* a * b + c, rounded once where the machine has an instruction for it (then NN_FUSED is defined), otherwise twice. */
#if defined(__ARM_FEATURE_FMA) || defined(__FP_FAST_FMAF)
#define NN_FUSED
#define NN_MADD(a, b, c) fmaf((a), (b), (c))
#else
#define NN_MADD(a, b, c) ((a) * (b) + (c))
#endif

/* The shifts of nn_fixed.h take >> of a negative number to be arithmetic, as every compiler for these
   machines has it. */
typedef char nn_shifts_are_arithmetic[((-3) >> 1) == -2 ? 1 : -1];

#endif
