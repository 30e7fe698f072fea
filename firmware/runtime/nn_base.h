/* What every other header of the runtime stands on: inlining, unrolling, multiply-add, copies. No C library. */
/* SPDX-License-Identifier: 0BSD */
#ifndef NN_BASE_H
#define NN_BASE_H

#include <stddef.h>
#include <stdint.h>

/* NN_INLINE: sizes are literals where these functions are called; inlined, they turn into straight code.
   NN_FUNCTION: calls with different sizes share one piece of code.
   NN_UNROLL before a loop: repeat its body this many times. It never changes the order of terms.
   NN_CODE_SECTION is where a build puts what is not inlined.
   Define NN_COMPACT for none of it: less code, compiled in less time, which computes the same more slowly. */
#ifndef NN_CODE_SECTION
#define NN_CODE_SECTION
#endif
#define NN_PRAGMA(text) _Pragma(#text)
#if !defined(__GNUC__)
#define NN_INLINE static inline
#define NN_FUNCTION static inline
#define NN_UNROLL(times)
#elif defined(NN_COMPACT)
#define NN_INLINE NN_CODE_SECTION static inline __attribute__((unused))
#define NN_FUNCTION NN_CODE_SECTION static inline __attribute__((unused))
#define NN_UNROLL(times)
#else
#define NN_INLINE static inline __attribute__((always_inline, unused))
#define NN_FUNCTION NN_CODE_SECTION static inline __attribute__((unused))
#if defined(__clang__)
#define NN_UNROLL(times) NN_PRAGMA(unroll times)
#else
#define NN_UNROLL(times) NN_PRAGMA(GCC unroll times)
#endif
#endif

/* Where a build has its tables put into a section, the compiler is not to know what stands in them: otherwise it writes
   weights into the code as literals, which is faster by a few percent, and the table lies nowhere. */
#if defined(NN_TABLES_IN_PLACE) && defined(__GNUC__)
#define NN_HIDE(pointer) __asm__("" : "+r"(pointer))
#else
#define NN_HIDE(pointer) ((void)0)
#endif

/* GCC and clang know these functions without a header, so that a network of products and relu needs no C library;
   memcpy, memmove and memset are what they call where the sizes are large. */
#if defined(__GNUC__)
#define NN_MEMCPY __builtin_memcpy
#define NN_MEMMOVE __builtin_memmove
#define NN_MEMSET __builtin_memset
#define NN_FMA __builtin_fmaf
#define NN_ABS __builtin_fabsf
#define NN_FMAX __builtin_fmaxf
#define NN_FMIN __builtin_fminf
#define NN_SQRT __builtin_sqrtf
#define NN_RINT __builtin_rintf
#define NN_INFINITY __builtin_inff()
#define NN_NAN __builtin_nanf("")
#else
#include <math.h>
#include <string.h>
#define NN_MEMCPY memcpy
#define NN_MEMMOVE memmove
#define NN_MEMSET memset
#define NN_FMA fmaf
#define NN_ABS fabsf
#define NN_FMAX fmaxf
#define NN_FMIN fminf
#define NN_SQRT sqrtf
#define NN_RINT rintf
#define NN_INFINITY INFINITY
#define NN_NAN NAN
#endif

/* a * b + c, rounded once where the machine has an instruction for it (then NN_FUSED is defined), otherwise twice. */
#if defined(__ARM_FEATURE_FMA) || defined(__FP_FAST_FMAF)
#define NN_FUSED
#define NN_MADD(a, b, c) NN_FMA((a), (b), (c))
#else
#define NN_MADD(a, b, c) ((a) * (b) + (c))
#endif

/* How a number between two steps of a grid is rounded. */
typedef enum { NN_HALF_EVEN, NN_HALF_UP, NN_FLOOR } nn_rounding;

#endif
