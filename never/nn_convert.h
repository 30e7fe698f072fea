/* Conversions for the edges of a network: real numbers and 24-bit audio, with saturation. */
/* SPDX-License-Identifier: 0BSD */
#ifndef NN_CONVERT_H
#define NN_CONVERT_H

#include "nn_base.h"

#include <math.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The integer next to x in [lo, hi], ties to even; NaN becomes 0. */
NN_INLINE int32_t nn_saturate_f32(float x, int32_t lo, int32_t hi)
{
    const float r = rintf(x);
    if (r != r) {
        return 0;
    }
    return r <= (float)lo ? lo : r >= (float)hi ? hi : (int32_t)r;
}

/* A real number as a 16-bit integer with `fraction` bits behind the binary point. Infinity saturates. */
NN_INLINE int16_t nn_f32_to_i16(float x, int fraction)
{
    return (int16_t)nn_saturate_f32(ldexpf(x, fraction), INT16_MIN, INT16_MAX);
}

NN_INLINE float nn_i16_to_f32(int16_t x, int fraction)
{
    return ldexpf((float)x, -fraction);
}

/* A real number in [-1, 1) as three bytes, the lowest first; and back. */
NN_INLINE void nn_f32_to_i24(uint8_t bytes[3], float x)
{
    const uint32_t v = (uint32_t)nn_saturate_f32(x * 8388608.0f, -8388608, 8388607);
    bytes[0] = (uint8_t)(v & 255u);
    bytes[1] = (uint8_t)(v >> 8 & 255u);
    bytes[2] = (uint8_t)(v >> 16 & 255u);
}

NN_INLINE float nn_i24_to_f32(const uint8_t bytes[3])
{
    const int32_t v = (int32_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16);
    return (float)(v >= 8388608 ? v - 16777216 : v) * (1.0f / 8388608.0f);
}

/* Between 24-bit audio and a 16-bit integer with `fraction` bits: full scale stands for -1 to 1.
   -1 <= fraction <= 23. */
NN_INLINE int16_t nn_i24_to_i16(const uint8_t bytes[3], int fraction)
{
    return nn_f32_to_i16(nn_i24_to_f32(bytes), fraction);
}

NN_INLINE void nn_i16_to_i24(uint8_t bytes[3], int16_t x, int fraction)
{
    nn_f32_to_i24(bytes, nn_i16_to_f32(x, fraction));
}

#ifdef __cplusplus
}
#endif
#endif
