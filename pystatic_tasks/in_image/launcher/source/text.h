// Strings without stdio: the printf family of a static C library is larger than all of the launcher.
#pragma once

#include <stdarg.h>
#include <stddef.h>

// Write what of a string fits, and its end; the length of all of it. The format knows %s and %u, and nothing else.
size_t write_text(char *to, size_t size, const char *format, va_list values);

// A string in memory that is never freed.
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A string of the first bytes of another, in memory that is never freed.
char *first_of(const char *bytes, size_t size);
