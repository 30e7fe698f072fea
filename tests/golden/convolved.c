/* convolved: what is done with each sample. */
/* SPDX-License-Identifier: 0BSD */
/* The banner of a build stands here. */
#include "convolved.h"

/* Define these, with -D, as attributes that put code and tables into sections of your linker's script. */
#ifndef CONVOLVED_CODE_SECTION
#define CONVOLVED_CODE_SECTION
#endif
#ifndef NN_CODE_SECTION
#define NN_CODE_SECTION CONVOLVED_CODE_SECTION
#endif
#ifndef CONVOLVED_WEIGHTS_SECTION
#define CONVOLVED_WEIGHTS_SECTION
#elif !defined(NN_TABLES_IN_PLACE)
#define NN_TABLES_IN_PLACE
#endif

#include "nn_base.h"
#include "nn_kernels_fixed_c.h"
#include "nn_ring.h"

#include "convolved_weights.h"

/* Define NN_TRACE to see every value as it is made: its index in CONVOLVED_VALUES, a pointer to it, its numbers. */
#ifndef NN_TRACE
#define NN_TRACE(index, pointer, count) ((void)0)
#endif

typedef char convolved_state_bytes_are_right[sizeof(convolved_t) == CONVOLVED_STATE_BYTES ? 1 : -1];


CONVOLVED_CODE_SECTION void convolved_reset(convolved_t *s)
{
    nn_ring_fill_i16(s->ring_input_past, &s->at_input_past, NULL, 3, 2);
}

CONVOLVED_CODE_SECTION void convolved_init(convolved_t *s)
{
    convolved_reset(s);
}

CONVOLVED_CODE_SECTION int convolved_reset_to_rest(convolved_t *s, const int16_t *in)
{
    int16_t scratch[7];
    int moves = 0;
    (void)in;
    convolved_reset(s);
    nn_ring_repeat_i16(scratch, in, 2, 2);
    moves |= nn_ring_hold_i16(s->ring_input_past, &s->at_input_past, in, 3, 2);
    (void)moves;
    return 0;
}

CONVOLVED_CODE_SECTION int convolved_reset_to_silence(convolved_t *s)
{
    nn_ring_fill_i16(s->ring_input_past, &s->at_input_past, NULL, 3, 2);
    return 0;
}

CONVOLVED_CODE_SECTION void convolved_process(convolved_t *s, const int16_t *in, int16_t *out, size_t samples)
{
    int16_t scratch[7];
    (void)s;
    for (; samples != 0; samples--, in += CONVOLVED_INPUTS, out += CONVOLVED_OUTPUTS) {
        NN_TRACE(0, in, 2);
        nn_ring_gather_i16(scratch, s->ring_input_past, s->at_input_past, in, 3, 2, 2, 3);
        NN_TRACE(1, scratch, 4);
        nn_ring_push_i16(s->ring_input_past, &s->at_input_past, in, 3, 2);
        nn_product_i64(scratch + 4, scratch, convolved_relu_q_weights, convolved_relu_q_bias, 4, 3, 17, NN_FLOOR, 0, 32767);
        NN_TRACE(2, scratch + 4, 3);
        nn_product_i32(out, scratch + 4, convolved_out_q_weights, convolved_out_q_bias, 3, 1, 14, NN_FLOOR, -32768, 32767);
        NN_TRACE(3, out, 1);
    }
}
