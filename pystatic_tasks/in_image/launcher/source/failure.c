#define _GNU_SOURCE
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

const char *program_name = "launcher";

_Noreturn void fail(const char *format, ...) {
    char message[2048];
    int length = snprintf(message, sizeof message, "%s: cannot start: ", program_name);
    va_list values;
    va_start(values, format);
    length += vsnprintf(message + length, sizeof message - length - 1, format, values);
    va_end(values);
    if (length > (int)sizeof message - 2) length = sizeof message - 2;
    message[length++] = '\n';
    if (write(STDERR_FILENO, message, length) < 0) _exit(CANNOT_START);
    _exit(CANNOT_START);
}

char *text(const char *format, ...) {
    char *made;
    va_list values;
    va_start(values, format);
    int length = vasprintf(&made, format, values);
    va_end(values);
    if (length < 0) fail("out of memory");
    return made;
}
