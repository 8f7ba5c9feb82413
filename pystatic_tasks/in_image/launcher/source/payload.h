// The payload behind the launcher in its own file: frames of zstd, the last of which is the index of the others.
//
//   launcher | frames … | index | trailer
//
// All numbers are little-endian, which x86-64 and AArch64 are too. Nothing of it is trusted: what does not fit
// together is a damaged file. Checksums of the content are zstd's own.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { MAX_FRAMES = 16 };

// What an entry is.
enum { FOLDER = 'd', PLAIN_FILE = 'f', LINK = 'l', ELF_FILE = 'e' };

struct filter {
    uint32_t kind, offset, length, extra;
};

struct entry {
    char kind;
    uint8_t frame;        // that its content lies in
    uint8_t filters;      // how many
    uint64_t size;        // of the content, in bytes; that of a link is its target
    uint64_t offset;      // of the content in its frame
    const char *name;     // path below the folder
    const uint8_t *filter; // the first filter
};

struct frame {
    uint64_t packed, size;
    const uint8_t *data;
    int is_used, has_elf_files; // and nothing else
};

struct payload {
    const uint8_t *file;
    size_t file_size;
    const char *name;          // of the program
    const char *identity;      // checksums of all that is compressed, in figures
    const char **options;      // of the interpreter
    unsigned option_count;
    int has_health_check;
    struct frame frames[MAX_FRAMES];
    unsigned frame_count;
    struct entry *entries;
    unsigned entry_count, elf_count;
    unsigned loader, interpreter; // which of the ELF files they are
};

// Read the index of the file that is open as `file`.
struct payload read_payload(int file);

// Decompress a frame into as much memory as its size says.
void unpack(const struct payload *payload, unsigned frame, uint8_t *memory);

// The filter of that number; its part of the content is inside.
struct filter filter_of(const struct entry *entry, unsigned number);
