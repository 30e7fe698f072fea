/* Reset and faults of the emulated Cortex-M7.
   SPDX-License-Identifier: 0BSD */
#include <stdint.h>

#include "semihosting.h"

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[];
int main(void);
void reset(void);

#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CFSR (*(volatile uint32_t *)0xE000ED28u)

/* Before the first floating-point instruction the coprocessor has to be switched on; the compiler may put one
   into any function that copies memory, so this one uses none and calls the rest. */
__attribute__((noinline)) static void start(void)
{
    const uint32_t *from = data_load;
    for (uint32_t *to = data_start; to < data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end; to++) {
        *to = 0;
    }
    semihosting_exit(main());
}

__attribute__((noreturn)) void reset(void)
{
    CPACR |= 0xFu << 20;
    __asm volatile("dsb\n\tisb" ::: "memory");
    start();
    for (;;) {
    }
}

static void fault(void)
{
    static const char digits[] = "0123456789abcdef";
    char text[] = "fault: CFSR 0x00000000\n";
    uint32_t status = CFSR;
    for (unsigned i = 0; i < 8; i++) {
        text[14 + i] = digits[(status >> (28 - 4 * i)) & 15u];
    }
    semihosting_print(text);
    semihosting_exit(1);
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)stack_top, (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault,
    (uintptr_t)fault,     0,                0,                0,                0,                (uintptr_t)fault,
    (uintptr_t)fault,     0,                (uintptr_t)fault, (uintptr_t)fault,
};
