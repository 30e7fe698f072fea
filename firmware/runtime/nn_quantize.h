/* Floats that are rounded to a grid, as quantisers do in training. No C library. */
/* SPDX-License-Identifier: 0BSD */
#ifndef NN_QUANTIZE_H
#define NN_QUANTIZE_H

#include "nn_float.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The whole number next to x, a tie to the even one: from 2^23 on, every float is whole. */
NN_INLINE float nn_nearest_f32(float x)
{
#if defined(NN_HAS_FLOAT_MAX)
    return NN_RINT(x);
#else
    const float size = NN_ABS(x), whole = size < 8388608.0f ? (size + 8388608.0f) - 8388608.0f : size;
    return x < 0.0f ? -whole : whole;
#endif
}

/* The greatest whole number that is not above x. */
NN_INLINE float nn_floor_f32(float x)
{
    const float near = nn_nearest_f32(x);
    return near > x ? near - 1.0f : near;
}

/* The whole number next to x. x - floor(x) is exact, so that no half is taken for one that is not. */
NN_INLINE float nn_round_f32(float x, nn_rounding rounding)
{
    const float below = nn_floor_f32(x);
    switch (rounding) {
    case NN_HALF_UP:
        return x - below >= 0.5f ? below + 1.0f : below;
    case NN_FLOOR:
        return below;
    case NN_HALF_EVEN:
    default:
        return nn_nearest_f32(x);
    }
}

/* y[i] = x[i] on the grid of 1 / steps, between lo and hi steps; y may be x. `steps` and `step` are powers of
   two and each other's inverse; lo and hi are whole and below 2^24. NaN becomes 0, as integers have none. */
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

/* The same, with a grid for each of `places` numbers, over and over: steps, step, lo and hi of each, one after another.
   Where it wraps, hi - lo + 1 is a power of two, and what is beyond comes in again at the other end; infinity
   becomes 0 there. */
NN_INLINE void nn_quantize_each_f32(float *y, const float *x, size_t count, const float *grids, size_t places,
                                    nn_rounding rounding, int wraps)
{
    const float *grid = grids;
    for (size_t i = 0; i < count; i++) {
        const float steps = grid[0], step = grid[1], lo = grid[2], hi = grid[3];
        float r = nn_round_f32(x[i] * steps, rounding);
        if (wraps) {
            const float span = hi - lo + 1.0f;
            float part = r / span; /* exact, and so is what lies behind its point */
            part -= nn_floor_f32(part);
            part = part * span > hi ? part - 1.0f : part;
            r = part * span;
        } else {
            r = r < lo ? lo : r;
            r = r > hi ? hi : r;
        }
        y[i] = (r == r ? r : 0.0f) * step;
        grid = grid + 4 == grids + 4 * places ? grids : grid + 4;
    }
}

#ifdef __cplusplus
}
#endif
#endif
