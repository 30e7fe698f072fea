/* Fixed-point functions of one number: of straight pieces, or interpolated between the entries of a table. */
/* SPDX-License-Identifier: 0BSD */
/*
   Both are exact sums, on a finer grid than the result's; what comes out is either these, or rounded and clamped.
   Nothing overflows: whoever made the slopes and entries has proven that every sum, with what rounding adds, fits.
*/
#ifndef NN_POINTWISE_H
#define NN_POINTWISE_H

#include "nn_fixed.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a table is mirrored at 0: into itself, or into a constant minus itself. */
typedef enum { NN_NONE, NN_EVEN, NN_ODD } nn_symmetry;

/* x * slope + offset, with those of the last piece that begins at x or below. A piece begins at a threshold, the first
   one anywhere. Thresholds, slopes and offsets of a channel lie `channels` apart, from piece to piece. */
#define NN_PIECES_FUNCTION(suffix, wide)                                                                             \
    NN_INLINE wide nn_pieces_##suffix(int32_t x, const int32_t *thresholds, const int32_t *slopes,                   \
                                      const wide *offsets, size_t pieces, size_t channels)                           \
    {                                                                                                                \
        wide slope = slopes[0], offset = offsets[0];                                                                 \
        NN_UNROLL(4)                                                                                                 \
        for (size_t p = 1; p < pieces; p++) {                                                                        \
            const int above = x >= thresholds[(p - 1) * channels];                                                   \
            slope = above ? slopes[p * channels] : slope;                                                            \
            offset = above ? offsets[p * channels] : offset;                                                         \
        }                                                                                                            \
        return x * slope + offset;                                                                                   \
    }

/* entries[i] * 2^bits + (entries[i + 1] - entries[i]) * f, i and f the upper and the lower bits of a place. */
#define NN_INTERPOLATE_FUNCTION(suffix, entry)                                                                       \
    NN_INLINE int32_t nn_interpolate_##suffix(uint32_t place, const entry *entries, int bits)                        \
    {                                                                                                                \
        const entry *at = entries + (place >> bits);                                                                 \
        const int32_t between = (int32_t)(place & (((uint32_t)1 << bits) - 1u));                                     \
        return at[0] * ((int32_t)1 << bits) + ((int32_t)at[1] - at[0]) * between;                                    \
    }                                                                                                                \
                                                                                                                     \
    /* Of numbers from lo to hi; an even or an odd function has entries for those from 0 on. */                      \
    NN_INLINE int32_t nn_look_up_##suffix(int32_t x, const entry *entries, int bits, int32_t lo, int32_t hi,         \
                                          nn_symmetry symmetry, int32_t mirror)                                      \
    {                                                                                                                \
        int32_t y, size;                                                                                             \
        if (symmetry == NN_NONE) {                                                                                   \
            return nn_interpolate_##suffix((uint32_t)(x - lo), entries, bits);                                       \
        }                                                                                                            \
        size = x < 0 ? -x : x;                                                                                       \
        y = nn_interpolate_##suffix((uint32_t)(size > hi ? hi : size), entries, bits);                               \
        return symmetry == NN_ODD && x < 0 ? mirror - y : y;                                                         \
    }

NN_PIECES_FUNCTION(i32, int32_t)
NN_PIECES_FUNCTION(i64, int64_t)
NN_INTERPOLATE_FUNCTION(i16, int16_t)
NN_INTERPOLATE_FUNCTION(i32, int32_t)

/* Over arrays, y may be x where the types agree:
   nn_piecewise_*      y = requantize(the function of x), for rows of `channels` numbers;
   nn_piecewise_raw_*  the sums themselves. `kinds` is 1 where all channels share the pieces, and `channels` else. */
#define NN_PIECEWISE_FUNCTIONS(suffix, wide)                                                                         \
    NN_INLINE void nn_piecewise_##suffix(int16_t *y, const int16_t *x, size_t count, const int32_t *thresholds,      \
                                         const int32_t *slopes, const wide *offsets, size_t pieces, size_t kinds,    \
                                         int shift, nn_rounding rounding, wide lo, wide hi)                          \
    {                                                                                                                \
        for (size_t i = 0; i < count; i++) {                                                                         \
            const size_t c = kinds == 1 ? 0 : i % kinds;                                                             \
            const wide sum = nn_pieces_##suffix(x[i], thresholds + c, slopes + c, offsets + c, pieces, kinds);       \
            y[i] = (int16_t)nn_requantize_##suffix(sum, shift, rounding, lo, hi);                                    \
        }                                                                                                            \
    }                                                                                                                \
                                                                                                                     \
    NN_INLINE void nn_piecewise_raw_##suffix(wide *y, const int16_t *x, size_t count, const int32_t *thresholds,     \
                                             const int32_t *slopes, const wide *offsets, size_t pieces,              \
                                             size_t kinds)                                                           \
    {                                                                                                                \
        for (size_t i = 0; i < count; i++) {                                                                         \
            const size_t c = kinds == 1 ? 0 : i % kinds;                                                             \
            y[i] = nn_pieces_##suffix(x[i], thresholds + c, slopes + c, offsets + c, pieces, kinds);                 \
        }                                                                                                            \
    }

NN_PIECEWISE_FUNCTIONS(i32, int32_t)
NN_PIECEWISE_FUNCTIONS(i64, int64_t)

/* The same for tables of 16- or 32-bit entries: nn_table_* and nn_table_raw_*; least and most are those of x. */
#define NN_TABLE_FUNCTIONS(suffix, entry)                                                                            \
    NN_INLINE void nn_table_##suffix(int16_t *y, const int16_t *x, size_t count, const entry *entries, int bits,     \
                                     int32_t least, int32_t most, nn_symmetry symmetry, int32_t mirror, int shift,   \
                                     nn_rounding rounding, int32_t lo, int32_t hi)                                   \
    {                                                                                                                \
        for (size_t i = 0; i < count; i++) {                                                                         \
            const int32_t sum = nn_look_up_##suffix(x[i], entries, bits, least, most, symmetry, mirror);             \
            y[i] = (int16_t)nn_requantize_i32(sum, shift, rounding, lo, hi);                                         \
        }                                                                                                            \
    }                                                                                                                \
                                                                                                                     \
    NN_INLINE void nn_table_raw_##suffix(int32_t *y, const int16_t *x, size_t count, const entry *entries, int bits, \
                                         int32_t least, int32_t most, nn_symmetry symmetry, int32_t mirror)          \
    {                                                                                                                \
        for (size_t i = 0; i < count; i++) {                                                                         \
            y[i] = nn_look_up_##suffix(x[i], entries, bits, least, most, symmetry, mirror);                          \
        }                                                                                                            \
    }

NN_TABLE_FUNCTIONS(i16, int16_t)
NN_TABLE_FUNCTIONS(i32, int32_t)

#ifdef __cplusplus
}
#endif
#endif
