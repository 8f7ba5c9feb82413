#define _GNU_SOURCE
#include "text.h"

#include <stdlib.h>
#include <string.h>

#include "failure.h"

enum { LONGEST_NUMBER = 10 };

struct output {
    char *at;
    size_t room, length;
};

static void add(struct output *output, const char *bytes, size_t size) {
    size_t fits = size < output->room ? size : output->room;
    memcpy(output->at, bytes, fits);
    output->at += fits;
    output->room -= fits;
    output->length += size;
}

static void add_number(struct output *output, unsigned value) {
    char digits[LONGEST_NUMBER], *end = digits + sizeof digits, *at = end;
    do *--at = '0' + value % 10;
    while (value /= 10);
    add(output, at, end - at);
}

size_t write_text(char *to, size_t size, const char *format, va_list values) {
    struct output output = {to, size - 1, 0};
    for (const char *next; *format; format = next) {
        next = strchrnul(format, '%');
        add(&output, format, next - format);
        if (!*next) break;
        if (next[1] == 'u') add_number(&output, va_arg(values, unsigned));
        if (next[1] == 's') {
            const char *value = va_arg(values, const char *);
            add(&output, value, strlen(value));
        }
        next += 2;
    }
    *output.at = 0;
    return output.length;
}

static void *memory_for(size_t size) {
    void *memory = malloc(size);
    if (!memory) fail("out of memory");
    return memory;
}

char *text(const char *format, ...) {
    char none[1];
    va_list values;
    va_start(values, format);
    size_t size = write_text(none, sizeof none, format, values) + 1;
    va_end(values);
    char *made = memory_for(size);
    va_start(values, format);
    write_text(made, size, format, values);
    va_end(values);
    return made;
}

char *first_of(const char *bytes, size_t size) {
    char *made = memory_for(size + 1);
    memcpy(made, bytes, size);
    made[size] = 0;
    return made;
}
