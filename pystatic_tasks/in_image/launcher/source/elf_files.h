// The ELF files of a program: in memory where that may be executed, in its folder elsewhere.
#pragma once

#include <stdint.h>

#include "folder.h"
#include "payload.h"

struct elf_files {
    const struct payload *payload;
    const struct folder *folder; // null for those in memory
    int *descriptors;            // one for each, in the order of the index
    unsigned made;               // how many of them there are
    uint8_t *memory;             // all of them, side by side as in their frames, frame after frame
    uint64_t size;
    int is_shared; // whether that is the memory of the files
};

// The first of as many free descriptors as there are files, and one more; far from the low ones that programs expect
// to be free, and from those that systemd passes. Fails if there are too few.
int first_descriptor(const struct payload *payload);

// Whether that is the first of so many.
int are_free(const struct payload *payload, int first);

// Make room for all of them in memory, with descriptors from `first` on.
// Returns 0, or -1 with errno if files in memory are not to be had or may not be executed here.
int place_in_memory(struct elf_files *files, const struct payload *payload, int first);

// Make room for them in the folder. Returns 0, or -1 with errno.
int place_in_folder(struct elf_files *files, const struct payload *payload, const struct folder *folder);

// Decompress a frame of them, and undo its filters.
void unpack_elf_files(struct elf_files *files, unsigned frame);

// Nobody changes them any more.
void finish_elf_files(struct elf_files *files);
