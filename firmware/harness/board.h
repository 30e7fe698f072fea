/* What the test harness needs of the machine it runs on: files, an instruction counter, a painted stack.
   SPDX-License-Identifier: 0BSD */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

/* Reads a whole file of the working directory into memory that stays; ends the program if that fails. */
void *board_load(const char *file, size_t *bytes);

/* Zeroed memory that stays, aligned to 8 bytes; ends the program if there is none left. */
void *board_take(size_t bytes);

/* Writes a file of the working directory in one piece. */
void board_save(const char *file, const void *data, size_t bytes);

/* Opens a file for appending pieces; there is one at a time. */
void board_open(const char *file);
void board_append(const void *data, size_t bytes);
void board_close(void);

/* Marks the start of a measurement, and gives the instructions since then, the same constant too many each
   time; 0 where the board cannot count. */
void board_count_start(void);
uint64_t board_count(void);

/* Paints the free stack, and gives the bytes of it that were touched since; 0 where the board cannot. */
void board_stack_paint(void);
size_t board_stack_used(void);

/* Ends the program with a message and a failing exit code. */
void board_fail(const char *message);

#endif
