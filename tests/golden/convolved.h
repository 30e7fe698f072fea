/* convolved: a neural network that computes a stream, sample by sample. */
/* SPDX-License-Identifier: 0BSD */
/* The banner of a build stands here. */
/* Compile convolved.c with -O2 -ffp-contract=off and link it. */
#ifndef CONVOLVED_H
#define CONVOLVED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many numbers one sample of the input has. */
#define CONVOLVED_INPUTS 2

/* How many numbers one sample of the output has. */
#define CONVOLVED_OUTPUTS 1

/* 1: numbers are integers, each of which stands for integer * 2^-fraction with these fractions. */
#define CONVOLVED_FIXED 1
#define CONVOLVED_IN_FRACTION 15
#define CONVOLVED_OUT_FRACTION 14

/* Which inputs are controls, such as knobs: bit i is set if input i has one value for a whole call. */
#define CONVOLVED_CONTROLS 0

/* How many samples of input one sample of output depends on. */
#define CONVOLVED_RECEPTIVE_FIELD 4

/* How many samples the output has at its beginning that the model in Keras does not have: skip them. */
#define CONVOLVED_WARM_UP 0

/* The input-to-output latency in samples. */
#define CONVOLVED_LATENCY 0

/* The size of convolved_t in bytes. */
#define CONVOLVED_STATE_BYTES 16

/* The sample rate the model was compiled for in Hz; 0 if none was given. */
#define CONVOLVED_SAMPLE_RATE 48000

/* One number of an input, and one of an output. */
typedef int16_t convolved_in_t;
typedef int16_t convolved_out_t;

/* What the network remembers between samples. Put it where you like. Use one for each stream. */
typedef struct {
    uint32_t at_input_past;
    int16_t ring_input_past[6]; /* 3 samples of 2 */
} convolved_t;

/* Where a state lies, as in `CONVOLVED_STATE_SECTION static convolved_t net;`: define it as an attribute. */
#ifndef CONVOLVED_STATE_SECTION
#define CONVOLVED_STATE_SECTION
#endif

/* Makes the state usable. Call it once, before anything else. */
void convolved_init(convolved_t *s);

/* Forgets the past: afterwards the state is as after convolved_init. */
void convolved_reset(convolved_t *s);

/* Settles the network: afterwards the state is as if this sample had come in for ever, so that a stream that
   goes on from there starts without a click. Returns 0; or another number if the network does not settle: the
   state is as after a reset then. After a NaN has come in, results are numbers again CONVOLVED_RECEPTIVE_FIELD
   samples later. */
int convolved_reset_to_rest(convolved_t *s, const int16_t *in);

/* Settles the network on silence: the same for a sample of zeros, from constants. */
int convolved_reset_to_silence(convolved_t *s);

/* Computes the next samples. They are interleaved: in[sample][CONVOLVED_INPUTS],
   out[sample][CONVOLVED_OUTPUTS]. `in` and `out` may be the same memory if both have as many numbers of the
   same type. Any number of samples will do; results do not depend on how a stream is cut into calls. */
void convolved_process(convolved_t *s, const int16_t *in, int16_t *out, size_t samples);

/* The inputs and outputs as a list, for code that fits any network: IN is called for each input, OUT for each output,
   with its index, its name, how many numbers it has, and their shape. */
#define CONVOLVED_PORTS(IN, OUT) \
    IN(0, "input", 2, "2") \
    OUT(0, "out_q", 1, "1")

/* The values that exist in memory, for the hook NN_TRACE in convolved.c: X is called for each, with its index, its name,
   its type, how many numbers it has, and their shape. */
#define CONVOLVED_VALUES(X) \
    X(0, "input", int16_t, 2, "2") \
    X(1, "conv_window", int16_t, 4, "2x2") \
    X(2, "relu_q", int16_t, 3, "3") \
    X(3, "out_q", int16_t, 1, "1")

#ifdef __cplusplus
}
#endif
#endif
