/* Boxes that move over (height, width, channels): pooling, and what convolutions read. */
/* SPDX-License-Identifier: 0BSD */
/*
   A box never reads padding: for each of its positions it is worked out once which taps lie inside. One axis of
   space is a height of 1.
*/
#ifndef NN_BOXES_H
#define NN_BOXES_H

#include "nn_strided.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For height and width: what boxes move over, how many positions they take, their taps, how far they move at a
   time, how far taps are apart, and the padding in front. */
typedef struct {
    int32_t space[2], steps[2], taps[2], strides[2], dilation[2], before[2];
} nn_boxes;

/* One box on one axis: where its first tap would be, and the taps from `first` to before `last` that are inside. */
typedef struct {
    int32_t start, first, last;
} nn_span;

NN_INLINE nn_span nn_inside(const nn_boxes *boxes, int axis, int32_t position)
{
    const int32_t apart = boxes->dilation[axis], taps = boxes->taps[axis], space = boxes->space[axis];
    nn_span span = {position * boxes->strides[axis] - boxes->before[axis], 0, taps};
    if (span.start < 0) {
        span.first = (apart - 1 - span.start) / apart;
        span.first = span.first < taps ? span.first : taps;
    }
    if (span.start + (taps - 1) * apart >= space) {
        span.last = span.start < space ? (space - span.start + apart - 1) / apart : 0;
    }
    span.last = span.last < span.first ? span.first : span.last;
    return span;
}

/* nn_box_*: taps x channels, what the box at a position reads of the `channels` from x on, of `all` that lie side by
   side; zeros where it is outside. Copied into box, or, where it lies together already, left there. */
#define NN_BOX_FUNCTION(suffix, type)                                                                                \
    NN_FUNCTION const type *nn_box_##suffix(type *box, const type *x, const nn_boxes *boxes, size_t position,        \
                                                size_t channels, size_t all)                                         \
    {                                                                                                                \
        const nn_span rows = nn_inside(boxes, 0, (int32_t)position / boxes->steps[1]);                               \
        const nn_span columns = nn_inside(boxes, 1, (int32_t)position % boxes->steps[1]);                            \
        const int32_t height = boxes->taps[0], width = boxes->taps[1], apart = boxes->dilation[1];                   \
        const int together = channels == all && (apart == 1 || width == 1);                                          \
        const ptrdiff_t down = (ptrdiff_t)all * boxes->dilation[0] * boxes->space[1];                                \
        ptrdiff_t row = (ptrdiff_t)all * (rows.start * boxes->space[1] + columns.start);                             \
        type *to = box;                                                                                              \
        const int whole = rows.first == 0 && rows.last == 1 && columns.first == 0 && columns.last == width;          \
        if (together && height == 1 && whole) {                                                                      \
            return x + row;                                                                                          \
        }                                                                                                            \
        for (int32_t i = 0; i < height; i++, row += down) {                                                          \
            const int inside = i >= rows.first && i < rows.last;                                                     \
            const size_t before = (size_t)(inside ? columns.first : width);                                          \
            const size_t after = (size_t)(inside ? columns.last : width);                                            \
            NN_MEMSET(to, 0, before * channels * sizeof *to);                                                        \
            to += before * channels;                                                                                 \
            if (together && before < after) {                                                                        \
                NN_MEMCPY(to, x + row + (ptrdiff_t)(before * all), (after - before) * channels * sizeof *to);        \
                to += (after - before) * channels;                                                                   \
            } else {                                                                                                 \
                for (size_t j = before; j < after; j++, to += channels) {                                            \
                    NN_MEMCPY(to, x + row + (ptrdiff_t)(j * (size_t)apart * all), channels * sizeof *to);            \
                }                                                                                                    \
            }                                                                                                        \
            NN_MEMSET(to, 0, ((size_t)width - after) * channels * sizeof *to);                                       \
            to += ((size_t)width - after) * channels;                                                                \
        }                                                                                                            \
        return box;                                                                                                  \
    }

NN_BOX_FUNCTION(f32, float)
NN_BOX_FUNCTION(i16, int16_t)
NN_BOX_FUNCTION(i8, int8_t)

/* y = activation(b + x * w): each of `channels` with its own `each` filters; w is taps x channels x each. */
NN_INLINE void nn_depthwise_f32(float *y, const float *x, const nn_boxes *boxes, const float *w, const float *b,
                                size_t channels, size_t each, nn_function *activation)
{
    const size_t filters = channels * each;
    NN_HIDE(w);
    NN_HIDE(b);
    for (int32_t p = 0; p < boxes->steps[0]; p++) {
        const nn_span rows = nn_inside(boxes, 0, p);
        for (int32_t q = 0; q < boxes->steps[1]; q++, y += filters) {
            const nn_span columns = nn_inside(boxes, 1, q);
            NN_MEMCPY(y, b, filters * sizeof *y);
            for (int32_t i = rows.first; i < rows.last; i++) {
                const int32_t row = (rows.start + i * boxes->dilation[0]) * boxes->space[1] + columns.start;
                for (int32_t j = columns.first; j < columns.last; j++) {
                    const float *const from = x + channels * (size_t)(row + j * boxes->dilation[1]);
                    const float *const weights = w + filters * (size_t)(i * boxes->taps[1] + j);
                    for (size_t c = 0, f = 0; c < channels; c++) {
                        const float v = from[c];
                        NN_UNROLL(4)
                        for (size_t e = 0; e < each; e++, f++) {
                            y[f] = NN_MADD(weights[f], v, y[f]);
                        }
                    }
                }
            }
            for (size_t f = 0; f < filters; f++) {
                y[f] = activation(y[f]);
            }
        }
    }
}

/* y = the maximum or the mean of the taps of each box that lie inside. */
NN_INLINE void nn_pool_f32(float *y, const float *x, const nn_boxes *boxes, size_t channels, nn_reduction function)
{
    for (int32_t p = 0; p < boxes->steps[0]; p++) {
        const nn_span rows = nn_inside(boxes, 0, p);
        for (int32_t q = 0; q < boxes->steps[1]; q++, y += channels) {
            const nn_span columns = nn_inside(boxes, 1, q);
            const float count = (float)((rows.last - rows.first) * (columns.last - columns.first));
            nn_fill_f32(y, channels, function == NN_MAX ? -NN_INFINITY : 0.0f);
            for (int32_t i = rows.start + rows.first; i < rows.start + rows.last; i++) {
                for (int32_t j = columns.start + columns.first; j < columns.start + columns.last; j++) {
                    const float *const from = x + channels * (size_t)(i * boxes->space[1] + j);
                    for (size_t c = 0; c < channels; c++) {
                        y[c] = nn_reduced(y[c], from[c], function);
                    }
                }
            }
            if (function == NN_MEAN) {
                NN_EACH(y, y, channels, v / count);
            }
        }
    }
}

#ifdef __cplusplus
}
#endif
#endif
