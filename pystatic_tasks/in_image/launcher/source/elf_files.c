#define _GNU_SOURCE
#include "elf_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
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
    unsigned needed = payload->elf_count + FREE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit)) fail("limit of open files: %s", strerror(errno));
    unsigned most = limit.rlim_cur < INT32_MAX ? limit.rlim_cur : INT32_MAX;
    if (most < needed)
        fail("it needs %u open files, and may have %u; raise the limit, as by --ulimit nofile=1024", needed, most);
    unsigned highest = (most < USUAL_DESCRIPTORS ? most : USUAL_DESCRIPTORS) - 1;
    if (highest < needed - 1) highest = needed - 1;
    for (unsigned first = highest - payload->elf_count; first >= FREE_DESCRIPTORS / 2; first--)
        if (are_free(payload, first)) return first;
    for (unsigned first = highest + 1; first + payload->elf_count < most; first++)
        if (are_free(payload, first)) return first;
    fail("it was started with so many open files that there is no room for %u of its own", payload->elf_count + 1);
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
    // It stays open over the exec.
    if (file == descriptor) return fcntl(file, F_SETFD, 0) ? -1 : file;
    int placed = dup3(file, descriptor, 0);
    close(file);
    return placed;
}

// Some security modules forbid no more than this.
static int may_execute(int file) {
    void *memory = mmap(0, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    return memory != MAP_FAILED && !munmap(memory, PAGE);
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
    if (file < 0 || (!ftruncate(file, size) && may_execute(file))) return file;
    int error = errno;
    close(file);
    errno = error;
    return -1;
}

// Where the frame of that number begins among those of ELF files.
static uint64_t frame_offset(const struct payload *payload, unsigned frame) {
    uint64_t offset = 0;
    for (unsigned each = 0; each < frame; each++)
        if (payload->frames[each].has_elf_files) offset += whole_pages(payload->frames[each].size);
    return offset;
}

static uint8_t *memory_of(const struct elf_files *files, const struct entry *entry) {
    return files->memory + frame_offset(files->payload, entry->frame) + entry->offset;
}

static int place_each(struct elf_files *files, int first) {
    const struct payload *payload = files->payload;
    for (unsigned each = 0; each < payload->entry_count; each++) {
        const struct entry *entry = &payload->entries[each];
        if (entry->kind != ELF_FILE) continue;
        int file = make(files, entry, first + (int)files->made);
        if (file < 0) return -1;
        files->descriptors[files->made++] = file;
        uint64_t size = whole_pages(entry->size);
        if (!files->is_shared || !size) continue;
        void *here = memory_of(files, entry);
        if (mmap(here, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED) return -1;
    }
    return 0;
}

static void unplace(struct elf_files *files) {
    int error = errno;
    munmap(files->memory, files->size + PAGE);
    while (files->made) close(files->descriptors[--files->made]);
    free(files->descriptors);
    errno = error;
}

static int place(struct elf_files *files, int first) {
    const struct payload *payload = files->payload;
    files->size = frame_offset(payload, payload->frame_count);
    // Where pages are larger, files cannot lie side by side as in their frames.
    files->is_shared = getauxval(AT_PAGESZ) == PAGE;
    int protection = files->is_shared ? PROT_NONE : PROT_READ | PROT_WRITE;
    files->memory = mmap(0, files->size + PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    files->descriptors = calloc(payload->elf_count, sizeof *files->descriptors);
    if (files->memory == MAP_FAILED || !files->descriptors) fail("out of memory");
    if (!place_each(files, first)) return 0;
    unplace(files);
    return -1;
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

static int write_content(int file, const uint8_t *content, uint64_t size) {
    for (uint64_t done = 0; done < size;) {
        ssize_t written = pwrite(file, content + done, size - done, done);
        if (written < 0 && errno != EINTR) return -1;
        done += written < 0 ? 0 : written;
    }
    return 0;
}

static void finish(const struct elf_files *files, const struct entry *entry, int file) {
    int is_written = files->is_shared || !write_content(file, memory_of(files, entry), entry->size);
    if (!is_written || ftruncate(file, entry->size)) fail("%s: %s", entry->name, strerror(errno));
    if (files->folder) close(file);
    else fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

void finish_elf_files(struct elf_files *files) {
    const struct payload *payload = files->payload;
    // What is mapped cannot be sealed.
    if (files->is_shared) munmap(files->memory, files->size + PAGE);
    for (unsigned each = 0, made = 0; each < payload->entry_count; each++) {
        const struct entry *entry = &payload->entries[each];
        if (entry->kind == ELF_FILE) finish(files, entry, files->descriptors[made++]);
    }
    if (!files->is_shared) munmap(files->memory, files->size + PAGE);
    free(files->descriptors);
}
