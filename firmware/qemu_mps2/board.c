/* The emulated Cortex-M7 as a board for the test harness.
   SPDX-License-Identifier: 0BSD

   Under `-icount shift=0` one instruction takes one nanosecond of the emulated time, and the timer runs at
   25 MHz: exactly 40 instructions a tick. What is left of a tick at the end of a measurement is counted in
   turns of a loop of four instructions. These are instructions, not cycles. */
#include "../harness/board.h"

#include "semihosting.h"

/* A CMSDK timer: 32 bits, counting down. */
#define TIMER_CTRL (*(volatile uint32_t *)0x40000000u)
#define TIMER_VALUE (*(volatile uint32_t *)0x40000004u)
#define TIMER_RELOAD (*(volatile uint32_t *)0x40000008u)
#define INSTRUCTIONS_PER_TICK 40u
#define PAINT 0xA5C3A5C3u

extern unsigned char psram_start[], psram_end[];
extern uint32_t stack_bottom[];

static size_t taken;
static int32_t appending = -1;
static uint32_t started;
static uint32_t *painted_top;

void board_fail(const char *message)
{
    semihosting_print(message);
    semihosting_print("\n");
    semihosting_exit(1);
}

void *board_take(size_t bytes)
{
    void *memory = psram_start + taken;
    if (bytes > (size_t)(psram_end - psram_start) - taken) {
        board_fail("the stream does not fit into the board's 16 MiB of memory");
    }
    taken += (bytes + 7u) & ~(size_t)7u;
    return memory; /* the emulator starts with memory of zeros, and none is taken twice */
}

void *board_load(const char *file, size_t *bytes)
{
    const int32_t handle = semihosting_open(file, SEMIHOSTING_READ);
    const int32_t size = handle < 0 ? -1 : semihosting_length(handle);
    void *memory;
    if (size < 0) {
        board_fail("an input file cannot be read");
    }
    memory = board_take((size_t)size);
    if (size > 0 && semihosting_transfer(SYS_READ, handle, memory, (size_t)size) != 0) {
        board_fail("an input file cannot be read");
    }
    semihosting_close(handle);
    *bytes = (size_t)size;
    return memory;
}

void board_open(const char *file)
{
    appending = semihosting_open(file, SEMIHOSTING_WRITE);
    if (appending < 0) {
        board_fail("an output file cannot be opened");
    }
}

void board_append(const void *data, size_t bytes)
{
    if (bytes > 0 && semihosting_transfer(SYS_WRITE, appending, data, bytes) != 0) {
        board_fail("an output file cannot be written");
    }
}

void board_close(void)
{
    semihosting_close(appending);
}

void board_save(const char *file, const void *data, size_t bytes)
{
    board_open(file);
    board_append(data, bytes);
    board_close();
}

/* Waits for the next tick: its count, and the turns of four instructions it took. */
__attribute__((noinline)) static uint32_t next_tick(uint32_t *turns)
{
    const volatile uint32_t *value = &TIMER_VALUE;
    const uint32_t before = *value;
    uint32_t now, n = 0;
    __asm volatile("0:\n\tldr %0, [%2]\n\tadds %1, #1\n\tcmp %0, %3\n\tbeq 0b"
                   : "=&r"(now), "+r"(n)
                   : "r"(value), "r"(before)
                   : "cc", "memory");
    *turns = n;
    return now;
}

void board_count_start(void)
{
    uint32_t turns;
    TIMER_CTRL = 0;
    TIMER_RELOAD = 0xFFFFFFFFu;
    TIMER_VALUE = 0xFFFFFFFFu;
    TIMER_CTRL = 1;
    started = next_tick(&turns);
}

uint64_t board_count(void)
{
    uint32_t turns;
    const uint32_t ended = next_tick(&turns);
    return (uint64_t)(started - ended) * INSTRUCTIONS_PER_TICK - 4u * (uint64_t)turns;
}

__attribute__((noinline)) void board_stack_paint(void)
{
    /* Everything under this function's own frame. */
    painted_top = __builtin_frame_address(0);
    painted_top -= 8;
    for (volatile uint32_t *p = stack_bottom; p < painted_top; p++) {
        *p = PAINT;
    }
}

size_t board_stack_used(void)
{
    const uint32_t *p = stack_bottom;
    while (p < painted_top && *p == PAINT) {
        p++;
    }
    return (size_t)(painted_top - p) * sizeof *p;
}
