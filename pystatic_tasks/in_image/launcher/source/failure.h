// What keeps a program from starting: one sentence on standard error, and an exit code of its own.
#pragma once

enum { CANNOT_START = 126 };

// The name that messages begin with.
extern const char *program_name;

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A formatted string in memory that is never freed.
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
