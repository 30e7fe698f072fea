/* Runs a build over a recorded stream: x.bin in, y.bin out, in the block lengths that blocks.bin lists.
   SPDX-License-Identifier: 0BSD

   Compile with -DNN_HEADER='"name.h"' -DNN_MODEL=name -DNN_MODEL_UPPER=NAME. With -DNN_HARNESS_TRACE and `-include trace.h`, for this
   file and the build's, every value that the build leaves in memory is appended to trace.bin, sample by
   sample. Results: counts.bin holds two 64-bit numbers, the instructions all calls of process took, less what
   the loop around them takes, and the bytes of stack they used. */
#include <string.h>

#include "board.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#include NN_HEADER

typedef JOIN(NN_MODEL, _t) model_t;
typedef JOIN(NN_MODEL, _in_t) in_t;
typedef JOIN(NN_MODEL, _out_t) out_t;
typedef void process_t(model_t *, const in_t *, out_t *, size_t);
#define INPUTS ((size_t)JOIN(NN_MODEL_UPPER, _INPUTS))
#define OUTPUTS ((size_t)JOIN(NN_MODEL_UPPER, _OUTPUTS))

static model_t model;
static process_t *volatile process;
static const in_t *x;
static out_t *y;
static const uint32_t *blocks;
static size_t samples, block_count;

#ifdef NN_HARNESS_TRACE
#define TRACE_BYTES ((size_t)1 << 20)
static unsigned char *trace;
static size_t traced;

void nn_harness_trace(const void *data, size_t bytes)
{
    if (traced + bytes > TRACE_BYTES) {
        board_append(trace, traced);
        traced = 0;
    }
    memcpy(trace + traced, data, bytes);
    traced += bytes;
}
#endif

static void nothing(model_t *s, const in_t *in, out_t *out, size_t count)
{
    (void)s;
    (void)in;
    (void)out;
    (void)count;
}

/* Every block through one function, and the instructions that took. */
static uint64_t run(process_t *function)
{
    process_t *call;
    process = function; /* volatile: the compiler shall not see which function it is */
    call = process;
    board_count_start();
    for (size_t done = 0, block = 0; done < samples;) {
        size_t count = blocks[block];
        count = count < samples - done ? count : samples - done;
        call(&model, x + done * INPUTS, y + done * OUTPUTS, count);
        done += count;
        block = block + 1 < block_count ? block + 1 : 0;
    }
    return board_count();
}

int main(void)
{
    size_t bytes;
    uint64_t counts[2], empty;

    x = board_load("x.bin", &bytes);
    samples = bytes / (INPUTS * sizeof(in_t));
    blocks = board_load("blocks.bin", &bytes);
    block_count = bytes / sizeof(uint32_t);
    if (bytes == 0) {
        board_fail("blocks.bin is empty");
    }
    y = board_take(samples * OUTPUTS * sizeof(out_t));
#ifdef NN_HARNESS_TRACE
    trace = board_take(TRACE_BYTES);
    board_open("trace.bin");
#endif

    JOIN(NN_MODEL, _init)(&model);
    empty = run(nothing);
    board_stack_paint();
    counts[0] = run(JOIN(NN_MODEL, _process));
    counts[1] = board_stack_used();
    counts[0] -= empty;

#ifdef NN_HARNESS_TRACE
    board_append(trace, traced);
    board_close();
#endif
    board_save("counts.bin", counts, sizeof counts);
    board_save("y.bin", y, samples * OUTPUTS * sizeof(out_t));
    return 0;
}
