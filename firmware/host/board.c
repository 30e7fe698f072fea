/* The machine the compiler itself runs on, as a board for the test harness.
   SPDX-License-Identifier: 0BSD */
#include "../harness/board.h"

#include <stdio.h>
#include <stdlib.h>

static FILE *appending;

void board_fail(const char *message)
{
    fprintf(stderr, "%s\n", message);
    exit(1);
}

void *board_take(size_t bytes)
{
    void *memory = calloc(bytes + 1, 1);
    if (memory == NULL) {
        board_fail("out of memory");
    }
    return memory;
}

void *board_load(const char *file, size_t *bytes)
{
    FILE *f = fopen(file, "rb");
    long size;
    void *memory;
    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0) {
        board_fail("an input file cannot be read");
        return NULL;
    }
    memory = board_take((size_t)size);
    if (fread(memory, 1, (size_t)size, f) != (size_t)size) {
        board_fail("an input file cannot be read");
    }
    fclose(f);
    *bytes = (size_t)size;
    return memory;
}

void board_open(const char *file)
{
    appending = fopen(file, "wb");
    if (appending == NULL) {
        board_fail("an output file cannot be opened");
    }
}

void board_append(const void *data, size_t bytes)
{
    if (fwrite(data, 1, bytes, appending) != bytes) {
        board_fail("an output file cannot be written");
    }
}

void board_close(void)
{
    if (fclose(appending) != 0) {
        board_fail("an output file cannot be written");
    }
}

void board_save(const char *file, const void *data, size_t bytes)
{
    FILE *f = fopen(file, "wb");
    if (f == NULL || fwrite(data, 1, bytes, f) != bytes || fclose(f) != 0) {
        board_fail("an output file cannot be written");
    }
}

void board_count_start(void)
{
}

uint64_t board_count(void)
{
    return 0;
}

void board_stack_paint(void)
{
}

size_t board_stack_used(void)
{
    return 0;
}
