#define _GNU_SOURCE
#include "payload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "failure.h"
#include "text.h"
#include "zstd.h"

static const char MAGIC[8] = {'P', 'Y', 'S', 'T', 'A', 'T', 'L', '1'};
// More would be no index.
static const uint64_t LARGEST_INDEX = 64 << 20;
static const uint64_t LARGEST_FILE = 1ull << 40;
static const unsigned ALIGNMENT = 4096;
// At the end of each frame, in bytes.
enum { CHECKSUM = 4 };

struct trailer {
    uint64_t start, index_packed, index_size;
    char magic[8];
};

struct reader {
    const uint8_t *at, *end;
};

static _Noreturn void damaged(void) {
    fail("its file is damaged or cut short; build or copy it again");
}

static const uint8_t *take(struct reader *reader, size_t size) {
    if ((size_t)(reader->end - reader->at) < size) damaged();
    const uint8_t *taken = reader->at;
    reader->at += size;
    return taken;
}

static uint64_t number(struct reader *reader, size_t bytes) {
    uint64_t value = 0;
    memcpy(&value, take(reader, bytes), bytes);
    return value;
}

static const char *string(struct reader *reader) {
    const void *end = memchr(reader->at, 0, reader->end - reader->at);
    if (!end) damaged();
    return (const char *)take(reader, (const uint8_t *)end - reader->at + 1);
}

static void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) fail("out of memory");
    return memory;
}

// A path that stays below the folder that it is made in.
static int is_inside(const char *path) {
    if (!*path || *path == '/') return 0;
    for (const char *part = path; part; part = strchr(part, '/')) {
        if (*part == '/') part++;
        if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2])) return 0;
    }
    return 1;
}

// The identity with the checksum of one more frame, which ends there.
static const char *with_checksum(const char *identity, const uint8_t *end) {
    uint32_t checksum;
    memcpy(&checksum, end - CHECKSUM, CHECKSUM);
    return text("%s%u.", identity, (unsigned)checksum);
}

static void read_frames(struct payload *payload, struct reader *reader, const uint8_t *start, const uint8_t *end) {
    payload->frame_count = number(reader, 4);
    if (payload->frame_count > MAX_FRAMES) damaged();
    for (unsigned each = 0; each < payload->frame_count; each++) {
        struct frame *frame = &payload->frames[each];
        frame->packed = number(reader, 8);
        frame->size = number(reader, 8);
        if (frame->packed > (uint64_t)(end - start) || frame->packed < CHECKSUM) damaged();
        if (frame->size > LARGEST_FILE) damaged();
        frame->data = start;
        start += frame->packed;
        payload->identity = with_checksum(payload->identity, start);
    }
    if (start != end) damaged();
}

static struct entry read_entry(struct reader *reader) {
    struct entry entry = {.kind = number(reader, 1)};
    entry.frame = number(reader, 1);
    entry.filters = number(reader, 1);
    entry.size = number(reader, 8);
    entry.name = string(reader);
    entry.filter = take(reader, (size_t)entry.filters * sizeof(struct filter));
    if (!is_inside(entry.name) || !memchr("dfle", entry.kind, 4)) damaged();
    for (unsigned each = 0; each < entry.filters; each++) {
        struct filter filter = filter_of(&entry, each);
        if (filter.offset > entry.size || filter.length > entry.size - filter.offset) damaged();
    }
    return entry;
}

// Give an entry its place in its frame, behind those that are there. A frame holds ELF files or others, not both.
static void place(struct entry *entry, struct frame *frame, uint64_t *used) {
    int is_elf_file = entry->kind == ELF_FILE;
    if (entry->size > frame->size - *used) damaged();
    if (frame->is_used && frame->has_elf_files != is_elf_file) damaged();
    frame->is_used = 1;
    frame->has_elf_files = is_elf_file;
    entry->offset = *used;
    *used += entry->size;
    // Each of these begins at a page of its own.
    if (is_elf_file) *used = (*used + ALIGNMENT - 1) & -(uint64_t)ALIGNMENT;
    if (*used > frame->size) damaged();
}

static void read_entries(struct payload *payload, struct reader *reader) {
    uint64_t used[MAX_FRAMES] = {0};
    payload->entry_count = number(reader, 4);
    if (payload->entry_count > (uint64_t)(reader->end - reader->at)) damaged();
    payload->entries = zeroed(payload->entry_count, sizeof *payload->entries);
    for (unsigned each = 0; each < payload->entry_count; each++) {
        struct entry *entry = &payload->entries[each];
        *entry = read_entry(reader);
        if (entry->kind == FOLDER) continue;
        if (entry->frame >= payload->frame_count) damaged();
        place(entry, &payload->frames[entry->frame], &used[entry->frame]);
        payload->elf_count += entry->kind == ELF_FILE;
    }
    for (unsigned each = 0; each < payload->frame_count; each++)
        if (used[each] != payload->frames[each].size) damaged();
    if (payload->loader >= payload->elf_count || payload->interpreter >= payload->elf_count) damaged();
}

static void decompress(uint8_t *to, uint64_t size, const uint8_t *from, uint64_t packed) {
    size_t made = ZSTD_decompress(to, size, from, packed);
    if (ZSTD_isError(made) || made != size) damaged();
}

struct payload read_payload(int file) {
    struct payload payload = {0};
    struct trailer trailer;
    struct stat status;
    if (fstat(file, &status)) fail("its own file: %s", strerror(errno));
    payload.file_size = status.st_size;
    if (payload.file_size < sizeof trailer) damaged();
    payload.file = mmap(0, payload.file_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (payload.file == MAP_FAILED) fail("its own file: %s", strerror(errno));
    uint64_t end = payload.file_size - sizeof trailer;
    memcpy(&trailer, payload.file + end, sizeof trailer);
    if (memcmp(trailer.magic, MAGIC, sizeof MAGIC)) damaged();
    if (trailer.start > end || trailer.index_packed > end - trailer.start) damaged();
    if (trailer.index_size > LARGEST_INDEX || trailer.index_packed < CHECKSUM) damaged();
    const uint8_t *start = payload.file + trailer.start, *index = payload.file + end - trailer.index_packed;

    uint8_t *memory = zeroed(trailer.index_size, 1);
    decompress(memory, trailer.index_size, index, trailer.index_packed);
    struct reader reader = {memory, memory + trailer.index_size};
    payload.identity = with_checksum("", index + trailer.index_packed);
    payload.name = string(&reader);
    payload.has_health_check = number(&reader, 1);
    payload.option_count = number(&reader, 1);
    payload.options = zeroed(payload.option_count, sizeof *payload.options);
    for (unsigned each = 0; each < payload.option_count; each++) payload.options[each] = string(&reader);
    payload.loader = number(&reader, 4);
    payload.interpreter = number(&reader, 4);
    read_frames(&payload, &reader, start, index);
    read_entries(&payload, &reader);
    if (reader.at != reader.end || strchr(payload.name, '/')) damaged();
    return payload;
}

void unpack(const struct payload *payload, unsigned number, uint8_t *memory) {
    const struct frame *frame = &payload->frames[number];
    decompress(memory, frame->size, frame->data, frame->packed);
}

struct filter filter_of(const struct entry *entry, unsigned number) {
    struct filter filter;
    memcpy(&filter, entry->filter + number * sizeof filter, sizeof filter);
    return filter;
}
