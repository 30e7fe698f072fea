/* Runs a build over recorded streams, or frames: x0.bin, ... in, y0.bin, ... out, in the block lengths that
   blocks.bin lists.
   SPDX-License-Identifier: 0BSD

   Compile with -DNN_HEADER='"name.h"' -DNN_MODEL=name -DNN_MODEL_UPPER=NAME. With -DNN_HARNESS_TRACE and
   `-include trace.h`, for this file and the build's, every value that the build leaves in memory is appended to
   trace.bin, sample by sample. Results: counts.bin holds two 64-bit numbers, the instructions all calls of process
   took, less what the loop around them takes, and the bytes of stack they used. */
#include <string.h>

#include "board.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#include NN_HEADER

typedef JOIN(NN_MODEL, _t) model_t;
typedef JOIN(NN_MODEL, _in_t) in_t;
typedef JOIN(NN_MODEL, _out_t) out_t;

/* One entry for each input and output of the build, then whatever stands behind them. */
#define PORTS JOIN(NN_MODEL_UPPER, _PORTS)
#define IN_SIZE(index, name, size, shape) size,
#define IN_FILE(index, name, size, shape) "x" #index ".bin",
#define IN_PARAMETER(index, name, size, shape) const in_t *in##index,
#define IN_ARGUMENT(index, name, size, shape) x[index] + done * (size),
#define OUT_SIZE(index, name, size, shape) size,
#define OUT_FILE(index, name, size, shape) "y" #index ".bin",
#define OUT_PARAMETER(index, name, size, shape) out_t *out##index,
#define OUT_ARGUMENT(index, name, size, shape) y[index] + done * (size),
#define IN_UNUSED(index, name, size, shape) (void)in##index;
#define OUT_UNUSED(index, name, size, shape) (void)out##index;
#define NOTHING(index, name, size, shape)

static const size_t in_sizes[] = {PORTS(IN_SIZE, NOTHING)}, out_sizes[] = {PORTS(NOTHING, OUT_SIZE)};
static const char *const in_files[] = {PORTS(IN_FILE, NOTHING)};
static const char *const out_files[] = {PORTS(NOTHING, OUT_FILE)};
#define INPUTS (sizeof in_sizes / sizeof *in_sizes)
#define OUTPUTS (sizeof out_sizes / sizeof *out_sizes)

typedef void process_t(model_t *, PORTS(IN_PARAMETER, OUT_PARAMETER) size_t);

static model_t model;
static process_t *volatile process;
static const in_t *x[INPUTS];
static out_t *y[OUTPUTS];
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

static void nothing(model_t *s, PORTS(IN_PARAMETER, OUT_PARAMETER) size_t count)
{
    PORTS(IN_UNUSED, OUT_UNUSED)
    (void)s;
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
        call(&model, PORTS(IN_ARGUMENT, OUT_ARGUMENT) count);
        done += count;
        block = block + 1 < block_count ? block + 1 : 0;
    }
    return board_count();
}

int main(void)
{
    size_t bytes;
    uint64_t counts[2], empty;

    for (size_t i = 0; i < INPUTS; i++) {
        x[i] = board_load(in_files[i], &bytes);
        samples = bytes / (in_sizes[i] * sizeof(in_t));
    }
    blocks = board_load("blocks.bin", &bytes);
    block_count = bytes / sizeof(uint32_t);
    if (bytes == 0) {
        board_fail("blocks.bin is empty");
    }
    for (size_t i = 0; i < OUTPUTS; i++) {
        y[i] = board_take(samples * out_sizes[i] * sizeof(out_t));
    }
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
    for (size_t i = 0; i < OUTPUTS; i++) {
        board_save(out_files[i], y[i], samples * out_sizes[i] * sizeof(out_t));
    }
    return 0;
}
