/* Arm semihosting: files, messages and the end of the program, through the emulator.
   SPDX-License-Identifier: 0BSD */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_FLEN = 0x0C,
    SYS_EXIT = 0x18
};

/* `file` modes of SYS_OPEN: "rb" and "wb" of fopen. */
enum { SEMIHOSTING_READ = 1, SEMIHOSTING_WRITE = 5 };

static inline int32_t semihosting_call(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

static inline int32_t semihosting_open(const char *file, uint32_t mode)
{
    const uint32_t block[3] = {(uint32_t)(uintptr_t)file, mode, (uint32_t)strlen(file)};
    return semihosting_call(SYS_OPEN, block);
}

static inline int32_t semihosting_close(int32_t handle)
{
    return semihosting_call(SYS_CLOSE, &handle);
}

static inline int32_t semihosting_length(int32_t handle)
{
    return semihosting_call(SYS_FLEN, &handle);
}

/* Bytes that were not transferred. */
static inline int32_t semihosting_transfer(uint32_t operation, int32_t handle, const void *data, size_t bytes)
{
    const uint32_t block[3] = {(uint32_t)handle, (uint32_t)(uintptr_t)data, (uint32_t)bytes};
    return semihosting_call(operation, block);
}

static inline void semihosting_print(const char *text)
{
    semihosting_call(SYS_WRITE0, text);
}

/* Exit code 0 for 0, else 1. */
static inline void semihosting_exit(int code)
{
    semihosting_call(SYS_EXIT, (const void *)(uintptr_t)(code == 0 ? 0x20026u : 0x20024u));
}

#endif
