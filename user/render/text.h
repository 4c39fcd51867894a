/*
 * Numbers, times and foreign bytes as a person reads them on a terminal. The
 * only encoder for that sink: nothing from outside reaches a screen unescaped.
 */
#ifndef PORTSCRIBE_TEXT_H
#define PORTSCRIBE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/*
 * Copy @length bytes of foreign text so that it is safe on a terminal: control
 * bytes, DEL, C1, bidi controls and invalid UTF-8 become \xNN. Always terminated;
 * cut between characters where @size does not suffice. Returns @target.
 */
char *text_safe(char *target, size_t size, const char *text, size_t length);

/* Print foreign lines, each safe as by text_safe(); newlines and tabs stay. */
void text_print_lines(FILE *out, const char *text, size_t length);

/* "12,345" */
char *text_count(char *target, size_t size, uint64_t count);

/* "12.4k", "3.1M": at most five characters for any count. */
char *text_short_count(char *target, size_t size, uint64_t count);

/* "0 B", "1.4 MiB" */
char *text_bytes(char *target, size_t size, uint64_t bytes);

/* "2026-11-21 03:40:12", local time */
char *text_time(char *target, size_t size, struct timespec time);

/* Columns a terminal needs for @text, which is UTF-8. */
size_t text_width(const char *text);

/* Bytes of the longest start of @text that takes at most @columns columns. */
size_t text_fitting(const char *text, size_t columns);

/* Columns of the terminal that @out is; 0 where it is none. */
size_t text_terminal_width(FILE *out);

/* Colour is for terminals, and never with NO_COLOR set (to anything but ""). */
bool text_colour(FILE *out);

#endif
