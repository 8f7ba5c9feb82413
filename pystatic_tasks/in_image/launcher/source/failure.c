#include "failure.h"

#include <string.h>
#include <unistd.h>

#include "text.h"

enum { LONGEST_LINE = 2048 };

const char *program_name = "launcher";
void (*before_failing)(void);

static const char CANNOT[] = ": cannot start: ";

static void write_line(char *line, size_t length, const char *format, va_list values) {
    length += write_text(line + length, LONGEST_LINE - length, format, values);
    if (length > LONGEST_LINE - 1) length = LONGEST_LINE - 1;
    line[length++] = '\n';
    // There is nowhere to say that nothing can be said.
    if (write(STDERR_FILENO, line, length) < 0) return;
}

// In no memory but its own, of which there may be none left.
void fail(const char *format, ...) {
    char line[LONGEST_LINE];
    size_t length = strnlen(program_name, LONGEST_LINE / 2);
    va_list values;
    if (before_failing) before_failing();
    memcpy(line, program_name, length);
    memcpy(line + length, CANNOT, sizeof CANNOT - 1);
    va_start(values, format);
    write_line(line, length + sizeof CANNOT - 1, format, values);
    _exit(CANNOT_START);
}

void say(const char *format, ...) {
    char line[LONGEST_LINE];
    va_list values;
    va_start(values, format);
    write_line(line, 0, format, values);
    va_end(values);
}
