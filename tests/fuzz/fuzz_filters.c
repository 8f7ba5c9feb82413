// Bytes that are anything, changed and changed back by every filter: nothing else is touched, and they are as before.
#define _GNU_SOURCE
#include "harness.h"

#include "filters.c"

enum { HEAD = 10, LARGEST_ADDRESS = 0x7ff00000 };

static uint8_t *copy_of(const uint8_t *bytes, size_t size) {
    uint8_t *copy = kept_malloc(size);
    memcpy(copy, bytes, size);
    return copy;
}

// A table, symbols and names, one behind the other and each alone.
static void try_hashes(const uint8_t *bytes, size_t size, size_t table_size, size_t symbols_size) {
    if (table_size > size) return;
    symbols_size %= size - table_size + 1;
    size_t names_size = size - table_size - symbols_size;
    uint8_t *table = copy_of(bytes, table_size), *symbols = copy_of(bytes + table_size, symbols_size);
    uint8_t *names = copy_of(bytes + size - names_size, names_size), *spare = kept_malloc(table_size);
    filter_hashes(table, table_size, symbols, symbols_size, names, names_size, spare);
    filter_hashes(table, table_size, symbols, symbols_size, names, names_size, spare);
    if (memcmp(table, bytes, table_size)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    uint32_t address, end;
    if (size < HEAD) return 0;
    int kind = bytes[0] % (UNWIND_INDEX + 2);
    size_t index_size = bytes[1];
    memcpy(&address, bytes + 2, sizeof address);
    memcpy(&end, bytes + 6, sizeof end);
    bytes += HEAD;
    size -= HEAD;
    uint8_t *changed = copy_of(bytes, size), *spare = kept_malloc(size);
    filter(kind, changed, size, address, end, spare, UNDO);
    memcpy(changed, bytes, size);
    filter(kind, changed, size, address, end, spare, APPLY);
    filter(kind, changed, size, address, end, spare, UNDO);
    // Of others the packer tries it, as it does of all.
    int must_be_undone = kind != UNWIND_FRAMES && address < LARGEST_ADDRESS && end < LARGEST_ADDRESS;
    if (must_be_undone && memcmp(changed, bytes, size)) abort();
    if (index_size <= size) make_index(copy_of(bytes, index_size), index_size, address, bytes, size, end);
    try_hashes(bytes, size, index_size, address);
    forget();
    return 0;
}
