// A file that is anything: it is read as by a start, up to the filters of its ELF files. Without STORED, it is
// decompressed; with it, frames are taken for what they hold, since a fuzzer hardly finds what decompresses to it.
#define _GNU_SOURCE
#include "harness.h"
#include "zstd.h"

#ifdef STORED
static size_t stored(void *to, size_t size, const void *from, size_t packed) {
    if (size != packed) return (size_t)-1;
    memcpy(to, from, size);
    return size;
}
#define ZSTD_decompress stored
#define ZSTD_isError(made) ((made) == (size_t)-1)
#endif
#define malloc kept_malloc
#define calloc kept_calloc
#define mmap kept_mmap
#define free(memory) (void)(memory)

#include "payload.c"
#include "text.c"
// They have some names in common.
#define place place_elf_files
#include "elf_files.c"
#include "filters.c"

enum { LARGEST = 1 << 20 };

static void undo_all(const struct payload *payload, unsigned frame) {
    uint8_t *memory = kept_malloc(payload->frames[frame].size);
    unpack(payload, frame, memory);
    for (unsigned each = 0; each < payload->entry_count; each++) {
        const struct entry *entry = &payload->entries[each];
        if (entry->kind == FOLDER || entry->frame != frame) continue;
        // Alone, so that nothing behind it is touched unseen.
        uint8_t *content = kept_malloc(entry->size);
        memcpy(content, memory + entry->offset, entry->size);
        if (entry->kind == ELF_FILE) undo_filters(entry, content);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    int file = memfd_create("input", MFD_CLOEXEC);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size) abort();
    if (!setjmp(failed)) {
        struct payload payload = read_payload(file);
        for (unsigned each = 0; each < payload.frame_count; each++)
            if (payload.frames[each].size < LARGEST) undo_all(&payload, each);
    }
    forget();
    close(file);
    return 0;
}
