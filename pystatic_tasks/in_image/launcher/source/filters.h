// Reversible changes that make machine code and tables of ELF files smaller once they are compressed.
// The packer applies them, the launcher undoes them; both directions stand side by side.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    X86_64_CODE = 1,
    AARCH64_CODE,
    RELOCATIONS,
    SYMBOLS,
    VERSIONS,
    UNWIND_TABLE,
    UNWIND_FRAMES,
    UNWIND_INDEX,
    HASHES,
};
enum { UNDO, APPLY };

// Change `size` bytes in place.
//
// kind       what they are, one of the above; others stay as they are
// address    where code is loaded, its lower 32 bits
// end        what the addresses in code are below, nearly always
// spare      memory for as many bytes; not for code
void filter(int kind, uint8_t *bytes, size_t size, uint32_t address, uint32_t end, uint8_t *spare, int direction);

// What a .gnu.hash (HASHES) must be for a .dynsym and a .dynstr is taken out of it, or put into it again: both are the
// same, and mostly nothing but the first 16 bytes is left. Sizes are in bytes; `spare` has room for the table.
void filter_hashes(uint8_t *table, size_t table_size, const uint8_t *symbols, size_t symbols_size, const uint8_t *names,
                   size_t names_size, uint8_t *spare);

// Make an .eh_frame_hdr (UNWIND_INDEX) anew, of which all after the first 12 bytes follows from the .eh_frame
// (UNWIND_FRAMES) that it is the index of. Each is given with its size in bytes and the lower 32 bits of its address.
void make_index(uint8_t *index, size_t index_size, uint32_t index_address, const uint8_t *frames, size_t frames_size,
                uint32_t frames_address);
