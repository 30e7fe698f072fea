/* The trace hook of the test harness: put before every file with -include.
   SPDX-License-Identifier: 0BSD */
#if !defined(NN_HARNESS_TRACE) && !defined(__ASSEMBLER__)
#define NN_HARNESS_TRACE

#include <stddef.h>

void nn_harness_trace(const void *data, size_t bytes);
#define NN_TRACE(index, pointer, count) nn_harness_trace((pointer), (count) * sizeof *(pointer))

#endif
