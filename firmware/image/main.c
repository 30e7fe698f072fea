/* The least program around a build, for measuring how large an image it makes.
   SPDX-License-Identifier: 0BSD

   Compile with -DNN_HEADER='"name.h"' -DNN_MODEL=name -DNN_MODEL_UPPER=NAME. */
#include NN_HEADER

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[];
void reset(void);

JOIN(NN_MODEL_UPPER, _STATE_SECTION) static JOIN(NN_MODEL, _t) model;
#define PORTS JOIN(NN_MODEL_UPPER, _PORTS)
#define IN(index, name, size, shape) static volatile JOIN(NN_MODEL, _in_t) in##index[size];
#define OUT(index, name, size, shape) static volatile JOIN(NN_MODEL, _out_t) out##index[size];
#define IN_ARGUMENT(index, name, size, shape) (const JOIN(NN_MODEL, _in_t) *)in##index,
#define OUT_ARGUMENT(index, name, size, shape) (JOIN(NN_MODEL, _out_t) *)out##index,
PORTS(IN, OUT)

void reset(void)
{
    const uint32_t *from = data_load;
    for (uint32_t *to = data_start; to < data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end; to++) {
        *to = 0;
    }
    JOIN(NN_MODEL, _init)(&model);
    for (;;) {
        JOIN(NN_MODEL, _process)(&model, PORTS(IN_ARGUMENT, OUT_ARGUMENT) 1);
    }
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = {(uintptr_t)stack_top, (uintptr_t)reset};
