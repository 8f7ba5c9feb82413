// What keeps a program from starting: one sentence on standard error, and an exit code of its own.
#pragma once

enum { CANNOT_START = 126 };

// The name that messages begin with.
extern const char *program_name;

// What is done first by a failure; null for nothing.
extern void (*before_failing)(void);

// The format is that of text().
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Write a line to standard error.
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
