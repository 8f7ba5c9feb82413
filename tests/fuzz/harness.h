// What a fuzzer needs around our sources: failures come back, and nothing is left of a try.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failure.h"

enum { MOST = 1 << 16 };

static jmp_buf failed;
static struct {
    void *memory;
    size_t mapped;
} kept[MOST];
static size_t kept_count;

const char *program_name = "fuzz";
void (*before_failing)(void);

void fail(const char *format, ...) {
    (void)format;
    longjmp(failed, 1);
}

static void *keep(void *memory, size_t mapped) {
    if (kept_count == MOST) abort();
    kept[kept_count].memory = memory;
    kept[kept_count++].mapped = mapped;
    return memory;
}

static void *kept_malloc(size_t size) {
    return keep(malloc(size), 0);
}

static void *kept_calloc(size_t count, size_t size) {
    return keep(calloc(count, size), 0);
}

static void *kept_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
    return keep(mmap(at, size, protection, flags, file, offset), size);
}

static void forget(void) {
    while (kept_count--) {
        if (kept[kept_count].mapped) munmap(kept[kept_count].memory, kept[kept_count].mapped);
        else free(kept[kept_count].memory);
    }
    kept_count = 0;
}
