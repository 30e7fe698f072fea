/* Rings: the last `length` samples of a value, for windows with dilated taps. */
/* SPDX-License-Identifier: 0BSD */
/*
   A ring is an array of length * channels numbers and the position of its oldest sample, counted in numbers,
   not samples. The present sample is not in it: gather the windows of a sample first, then push it, over the
   oldest. Any length, any number of taps and any dilation will do as long as (taps - 1) * dilation <= length.
*/
#ifndef NN_RING_H
#define NN_RING_H

#include "nn_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where in the ring the sample of `delay` samples ago starts, 1 <= delay <= length. */
NN_INLINE size_t nn_ring_at(uint32_t position, size_t delay, size_t length, size_t channels)
{
    const size_t at = position + (length - delay) * channels;
    return delay == length ? position : at < length * channels ? at : at - length * channels;
}

/* Where the oldest sample is after a push at `position`. */
NN_INLINE uint32_t nn_ring_next(uint32_t position, size_t length, size_t channels)
{
    const size_t next = position + channels;
    return next == length * channels ? 0u : (uint32_t)next;
}

/* The functions of one element type:
   nn_ring_fill_*    every sample becomes `initial`, one number a channel (NULL: zeros); the position becomes 0;
   nn_ring_push_*    the oldest sample gives way to the present one;
   nn_ring_hold_*    every sample becomes the present one; whether that changes one by more than 1e-7 of it, or of 1;
   nn_ring_gather_*  window[taps][channels] = the samples (taps-1)*dilation, ..., dilation, 0 steps ago; number by
                     number, so that a compiler that unrolls what reads the window need not store it at all;
   nn_ring_repeat_*  the window when the present sample has come in for ever. */
#define NN_RING_FUNCTIONS(suffix, type)                                                                              \
    NN_INLINE void nn_ring_fill_##suffix(type *ring, uint32_t *position, const type *initial, size_t length,         \
                                         size_t channels)                                                            \
    {                                                                                                                \
        for (size_t i = 0; i < length * channels; i++) {                                                             \
            ring[i] = initial != NULL ? initial[i % channels] : (type)0;                                             \
        }                                                                                                            \
        *position = 0;                                                                                               \
    }                                                                                                                \
                                                                                                                     \
    NN_INLINE void nn_ring_push_##suffix(type *ring, uint32_t *position, const type *present, size_t length,         \
                                         size_t channels)                                                            \
    {                                                                                                                \
        const uint32_t at = *position;                                                                               \
        NN_MEMCPY(ring + at, present, channels * sizeof *ring);                                                         \
        *position = nn_ring_next(at, length, channels);                                                              \
    }                                                                                                                \
                                                                                                                     \
    NN_INLINE int nn_ring_hold_##suffix(type *ring, uint32_t *position, const type *present, size_t length,          \
                                        size_t channels)                                                             \
    {                                                                                                                \
        int moves = 0;                                                                                               \
        for (size_t c = 0; c < channels; c++) {                                                                      \
            const float now = (float)present[c], size = NN_ABS(now);                                                  \
            moves |= !(NN_ABS(now - (float)ring[c]) <= 1e-7f * (size > 1.0f ? size : 1.0f));                          \
        }                                                                                                            \
        for (size_t i = 0; i < length; i++) {                                                                        \
            NN_MEMMOVE(ring + i * channels, present, channels * sizeof *ring);                                          \
        }                                                                                                            \
        *position = 0;                                                                                               \
        return moves;                                                                                                \
    }                                                                                                                \
                                                                                                                     \
    NN_INLINE void nn_ring_repeat_##suffix(type *window, const type *present, size_t channels, size_t taps)          \
    {                                                                                                                \
        for (size_t k = 0; k < taps; k++) {                                                                          \
            NN_MEMCPY(window + k * channels, present, channels * sizeof *window);                                       \
        }                                                                                                            \
    }                                                                                                                \
                                                                                                                     \
    NN_INLINE void nn_ring_gather_##suffix(type *window, const type *ring, uint32_t position, const type *present,   \
                                           size_t length, size_t channels, size_t taps, size_t dilation)             \
    {                                                                                                                \
        NN_UNROLL(16)                                                                                                \
        for (size_t k = 0; k + 1 < taps; k++) {                                                                      \
            const size_t at = nn_ring_at(position, (taps - 1 - k) * dilation, length, channels);                     \
            NN_UNROLL(16)                                                                                            \
            for (size_t c = 0; c < channels; c++) {                                                                  \
                window[k * channels + c] = ring[at + c];                                                             \
            }                                                                                                        \
        }                                                                                                            \
        NN_UNROLL(16)                                                                                                \
        for (size_t c = 0; c < channels; c++) {                                                                      \
            window[(taps - 1) * channels + c] = present[c];                                                          \
        }                                                                                                            \
    }

NN_RING_FUNCTIONS(f32, float)
NN_RING_FUNCTIONS(i16, int16_t)
NN_RING_FUNCTIONS(i32, int32_t)

#ifdef __cplusplus
}
#endif
#endif
