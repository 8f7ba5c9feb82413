#define _GNU_SOURCE
#include "elf_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "failure.h"
#include "filters.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum {
    PAGE = 4096,
    // select() takes no higher ones.
    USUAL_DESCRIPTORS = 1024,
    // What a program is left to work with.
    FREE_DESCRIPTORS = 64,
    // How far beyond the end of a file the addresses in its code may lead, in bytes.
    BEYOND_END = 1 << 20,
};

static uint64_t whole_pages(uint64_t size) {
    return (size + PAGE - 1) & -(uint64_t)PAGE;
}

int first_descriptor(const struct payload *payload) {
    struct rlimit limit;
    rlim_t needed = payload->elf_count + FREE_DESCRIPTORS, most = USUAL_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit)) fail("limit of open files: %s", strerror(errno));
    if (needed > most) most = needed;
    if (limit.rlim_cur < most) most = limit.rlim_cur;
    if (most < needed)
        fail("it needs %u open files, and may have %u; raise the limit, as by --ulimit nofile=1024", (unsigned)needed,
             (unsigned)most);
    int first = most - payload->elf_count - 1;
    while (first > FREE_DESCRIPTORS / 2 && !are_free(payload, first)) first--;
    return first;
}

int are_free(const struct payload *payload, int first) {
    for (unsigned each = 0; each <= payload->elf_count; each++)
        if (fcntl(first + (int)each, F_GETFD) >= 0) return 0;
    return 1;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int make_in_memory(const char *name, int descriptor) {
    unsigned flags = MFD_ALLOW_SEALING | MFD_CLOEXEC;
    int file = memfd_create(name, flags | MFD_EXEC);
    // Linux before 6.3 does not know the flag.
    if (file < 0 && errno == EINVAL) file = memfd_create(name, flags);
    if (file < 0) return -1;
    int placed = dup3(file, descriptor, 0);
    close(file);
    return placed;
}

static int make_in_folder(const struct folder *folder, const char *name, uint64_t size) {
    int file = openat(folder->lock, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755);
    if (file < 0) return -1;
    int error = posix_fallocate(file, 0, size ? size : 1);
    if (!error) return file;
    close(file);
    errno = error;
    return -1;
}

// The descriptor of a file of whole pages, or -1 with errno.
static int make(const struct elf_files *files, const struct entry *entry, int descriptor) {
    uint64_t size = whole_pages(entry->size);
    if (files->folder) return make_in_folder(files->folder, entry->name, size);
    int file = make_in_memory(base_name(entry->name), descriptor);
    return file >= 0 && ftruncate(file, size) ? -1 : file;
}

static int is_elf_frame(const struct payload *payload, unsigned frame) {
    for (unsigned each = 0; each < payload->entry_count; each++)
        if (payload->entries[each].kind == ELF_FILE && payload->entries[each].frame == frame) return 1;
    return 0;
}

// Where the frame of that number begins among those of ELF files.
static uint64_t frame_offset(const struct payload *payload, unsigned frame) {
    uint64_t offset = 0;
    for (unsigned each = 0; each < frame; each++)
        if (is_elf_frame(payload, each)) offset += whole_pages(payload->frames[each].size);
    return offset;
}

static int place(struct elf_files *files, int first) {
    const struct payload *payload = files->payload;
    files->size = frame_offset(payload, payload->frame_count);
    files->memory = mmap(0, files->size + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    files->descriptors = calloc(payload->elf_count, sizeof *files->descriptors);
    if (files->memory == MAP_FAILED || !files->descriptors) fail("out of memory");
    for (unsigned each = 0, made = 0; each < payload->entry_count; each++) {
        const struct entry *entry = &payload->entries[each];
        if (entry->kind != ELF_FILE) continue;
        int file = make(files, entry, first + (int)made);
        if (file < 0) return -1;
        uint8_t *here = files->memory + frame_offset(payload, entry->frame) + entry->offset;
        uint64_t size = whole_pages(entry->size);
        if (size && mmap(here, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED) return -1;
        files->descriptors[made++] = file;
    }
    return 0;
}

int place_in_memory(struct elf_files *files, const struct payload *payload, int first) {
    *files = (struct elf_files){.payload = payload};
    return place(files, first);
}

int place_in_folder(struct elf_files *files, const struct payload *payload, const struct folder *folder) {
    *files = (struct elf_files){.payload = payload, .folder = folder};
    return place(files, 0);
}

static void undo_filters(const struct entry *entry, uint8_t *content) {
    struct filter frames = {0}, symbols = {0};
    for (unsigned each = 0; each < entry->filters; each++) {
        struct filter one = filter_of(entry, each);
        uint8_t *bytes = content + one.offset, *spare = malloc(one.length ? one.length : 1);
        if (!spare) fail("out of memory");
        filter(one.kind, bytes, one.length, one.extra, entry->size + BEYOND_END, spare, UNDO);
        if (one.kind == UNWIND_FRAMES) frames = one;
        // Those of the loader come before those of debuggers.
        if (one.kind == SYMBOLS && !symbols.length) symbols = one;
        if (one.kind == HASHES && one.extra <= entry->size)
            filter_hashes(bytes, one.length, content + symbols.offset, symbols.length, content + one.extra,
                          entry->size - one.extra, spare);
        if (one.kind == UNWIND_INDEX)
            make_index(bytes, one.length, one.extra, content + frames.offset, frames.length, frames.extra);
        free(spare);
    }
}

void unpack_elf_files(struct elf_files *files, unsigned frame) {
    const struct payload *payload = files->payload;
    uint8_t *memory = files->memory + frame_offset(payload, frame);
    // From Linux 5.14 on; without it, page by page.
    madvise(memory, payload->frames[frame].size, MADV_POPULATE_WRITE);
    unpack(payload, frame, memory);
    for (unsigned each = 0; each < payload->entry_count; each++) {
        const struct entry *entry = &payload->entries[each];
        if (entry->kind == ELF_FILE && entry->frame == frame) undo_filters(entry, memory + entry->offset);
    }
}

void finish_elf_files(struct elf_files *files) {
    const struct payload *payload = files->payload;
    munmap(files->memory, files->size + PAGE);
    for (unsigned each = 0, made = 0; each < payload->entry_count; each++) {
        const struct entry *entry = &payload->entries[each];
        if (entry->kind != ELF_FILE) continue;
        int file = files->descriptors[made++];
        if (ftruncate(file, entry->size)) fail("%s: %s", entry->name, strerror(errno));
        if (files->folder) close(file);
        else fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    }
}
