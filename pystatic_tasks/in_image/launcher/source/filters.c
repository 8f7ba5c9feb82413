#include "filters.h"

// Without headers of a C library, so that it is one for any.
void *memcpy(void *to, const void *from, size_t size);

static uint32_t word_at(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static void set_word(uint8_t *bytes, uint32_t value) {
    memcpy(bytes, &value, sizeof value);
}

static uint32_t turned(uint32_t value) {
    return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

// x86-64. Where an instruction of these may begin, the relative address in it is made absolute: calls, jumps, and
// operands relative to the instruction pointer. It stands there with its highest byte first, since addresses near to
// each other have that in common, and with it the opcode before. What decides (the opcode and the byte that names the
// operands) is never changed, and the four bytes that are changed are skipped, so that both directions decide alike.

enum { NO_ADDRESS = 0, LOOK_AT_THIRD = 4 };

// By the first two bytes: how many stand before the address.
static uint8_t before_address[1 << 16];

static void name_operands(const uint8_t *opcodes, size_t count, unsigned operands, uint8_t before) {
    for (size_t each = 0; each < count; each++) before_address[opcodes[each] | operands << 8] = before;
}

// When it is loaded, since several threads may filter at once.
__attribute__((constructor)) static void prepare(void) {
    static const uint8_t others[] = {0x63, 0x69, 0x6b, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88,
                                     0x89, 0x8a, 0x8b, 0x8d, 0xc6, 0xc7, 0xf6, 0xf7, 0xfe, 0xff};
    for (unsigned second = 0; second < 256; second++) {
        before_address[0xe8 | second << 8] = before_address[0xe9 | second << 8] = 1;
        before_address[0x0f | second << 8] = (second & 0xf0) == 0x80 ? 2 : LOOK_AT_THIRD;
        // The third byte belongs to an address if the second is taken for a call or a jump.
        if (second == 0xe8 || second == 0xe9) before_address[0x0f | second << 8] = NO_ADDRESS;
        if ((second & 0xc7) != 0x05) continue;
        for (unsigned arithmetic = 0; arithmetic < 0x40; arithmetic += 8)
            for (unsigned form = 0; form < 4; form++) before_address[arithmetic | form | second << 8] = 2;
        name_operands(others, sizeof others, second, 2);
        before_address[0x0f | second << 8] = LOOK_AT_THIRD;
    }
}

// One-to-one on all 32-bit numbers, whatever they are: those that would be addresses below `end` change places with
// those that would not (as the E8 translation of CAB's LZX does it).
static uint32_t absolute(int64_t value, int64_t here, int64_t end) {
    if (-here <= value && value < end - here) return value + here;
    if (end - here <= value && value < end) return value - end;
    return value;
}

static uint32_t relative(int64_t value, int64_t here, int64_t end) {
    if (0 <= value && value < end) return value - here;
    if (-here <= value && value < 0) return value + end;
    return value;
}

static void filter_x86_64(uint8_t *bytes, size_t size, uint32_t address, uint32_t end, int direction) {
    for (size_t at = 0; at + 8 < size;) {
        unsigned before = before_address[bytes[at] | bytes[at + 1] << 8];
        if (before == LOOK_AT_THIRD) before = (bytes[at + 2] & 0xc7) == 0x05 ? 3 : NO_ADDRESS;
        if (before == NO_ADDRESS) {
            at++;
            continue;
        }
        at += before;
        int64_t here = (int64_t)address + at + 4;
        uint32_t value = word_at(bytes + at);
        if (direction == APPLY) value = turned(absolute((int32_t)value, here, end));
        else value = relative((int32_t)turned(value), here, end);
        set_word(bytes + at, value);
        at += 4;
    }
}

// AArch64: bl, and adrp, whose address is that of a page of 4096 bytes.

static void filter_aarch64(uint8_t *bytes, size_t size, uint32_t address, int direction) {
    for (size_t at = 0; at + 4 <= size; at += 4) {
        uint32_t code = word_at(bytes + at), here = address + at;
        if ((code & 0xfc000000) == 0x94000000) {
            uint32_t delta = here >> 2, value = direction == APPLY ? code + delta : code - delta;
            set_word(bytes + at, 0x94000000 | (value & 0x03ffffff));
        } else if ((code & 0x9f000000) == 0x90000000) {
            uint32_t delta = here >> 12, page = (code >> 29 & 3) | (code >> 3 & 0x1ffffc);
            page = (direction == APPLY ? page + delta : page - delta) & 0x1fffff;
            set_word(bytes + at, (code & 0x9f00001f) | (page & 3) << 29 | (page & 0x1ffffc) << 3);
        }
    }
}

// Tables: the bytes of all numbers in planes, all first bytes, all second bytes, and so on; of some numbers the
// difference to that of the record before.

struct field {
    uint8_t width, by_difference;
};

static const struct field RELOCATION_FIELDS[] = {{8, 1}, {8, 0}, {8, 0}, {0, 0}};
static const struct field SYMBOL_FIELDS[] = {{4, 0}, {1, 0}, {1, 0}, {2, 0}, {8, 0}, {8, 0}, {0, 0}};
static const struct field VERSION_FIELDS[] = {{2, 0}, {0, 0}}, UNWIND_FIELDS[] = {{4, 1}, {4, 1}, {0, 0}};

static void to_planes(const uint8_t *from, uint8_t *to, size_t count, size_t record, struct field field) {
    uint64_t last = 0;
    unsigned width = field.width;
    for (size_t each = 0; each < count; each++) {
        uint64_t value = 0;
        memcpy(&value, from + each * record, width);
        uint64_t difference = value - last;
        if (field.by_difference) last = value;
        for (unsigned plane = 0; plane < width; plane++) to[plane * count + each] = difference >> 8 * plane;
    }
}

static void from_planes(const uint8_t *from, uint8_t *to, size_t count, size_t record, struct field field) {
    uint64_t value = 0;
    unsigned width = field.width;
    for (size_t each = 0; each < count; each++) {
        if (!field.by_difference) value = 0;
        for (unsigned plane = 0; plane < width; plane++) value += (uint64_t)from[plane * count + each] << 8 * plane;
        memcpy(to + each * record, &value, width);
    }
}

static void filter_table(uint8_t *bytes, size_t size, const struct field *fields, uint8_t *spare, int direction) {
    size_t record = 0;
    for (const struct field *field = fields; field->width; field++) record += field->width;
    size_t count = size / record, place = 0;
    for (const struct field *field = fields; field->width; place += field++->width) {
        if (direction == APPLY) to_planes(bytes + place, spare + place * count, count, record, *field);
        else from_planes(bytes + place * count, spare + place, count, record, *field);
    }
    memcpy(bytes, spare, count * record);
}

// Frames for unwinding: records of a length, and either 0 (a CIE) or the distance back to the CIE that the record (an
// FDE) belongs to, then the distance to the first instruction and how many bytes of code it is about. Of an FDE the
// first distance becomes that to the last CIE and 1 more, and the second that from the end of the FDE before.
// https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/ehframechpt.html

enum { LENGTH = 0, BACK = 4, BEGIN = 8, RANGE = 12, SMALLEST_FRAME = 16 };

// The size of the record there; 0 if there is none, or one that is not understood.
static size_t frame_size(const uint8_t *bytes, size_t size, size_t at) {
    if (size - at < SMALLEST_FRAME) return 0;
    uint32_t length = word_at(bytes + at + LENGTH);
    return length >= SMALLEST_FRAME - BACK && length <= size - at - BACK ? (size_t)length + BACK : 0;
}

static void filter_frames(uint8_t *bytes, size_t size, uint32_t address, int direction) {
    uint32_t last_common = 0, end = 0;
    for (size_t at = 0, length; (length = frame_size(bytes, size, at)); at += length) {
        uint8_t *frame = bytes + at;
        uint32_t back = word_at(frame + BACK), distance = at + BACK - last_common - 1;
        if (!back) {
            last_common = at;
            continue;
        }
        uint32_t here = address + at + BEGIN, begin = word_at(frame + BEGIN);
        set_word(frame + BACK, direction == APPLY ? back - distance : back + distance);
        set_word(frame + BEGIN, direction == APPLY ? begin + here - end : begin + end - here);
        end = (direction == APPLY ? begin + here : begin + end) + word_at(frame + RANGE);
    }
}

// The index: version and encodings, the address of the frames, how many there are, and of each where its code begins
// and where it lies itself, both as distances from the index, sorted.

enum { INDEX_HEAD = 12, INDEX_ENTRY = 8 };

static int comes_before(const uint8_t *one, const uint8_t *other) {
    return (int32_t)word_at(one) < (int32_t)word_at(other);
}

static void swap(uint8_t *one, uint8_t *other) {
    uint8_t kept[INDEX_ENTRY];
    memcpy(kept, one, INDEX_ENTRY);
    memcpy(one, other, INDEX_ENTRY);
    memcpy(other, kept, INDEX_ENTRY);
}

static void sink(uint8_t *entries, size_t root, size_t count) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        uint8_t *here = entries + root * INDEX_ENTRY, *below = entries + child * INDEX_ENTRY;
        if (child + 1 < count && comes_before(below, below + INDEX_ENTRY)) child++, below += INDEX_ENTRY;
        if (!comes_before(here, below)) return;
        swap(here, below);
    }
}

static void sort(uint8_t *entries, size_t count) {
    size_t sorted = 1;
    for (uint8_t *last = entries; sorted < count && !comes_before(last + INDEX_ENTRY, last); last += INDEX_ENTRY) sorted++;
    if (sorted >= count) return;
    for (size_t root = count / 2; root-- > 0;) sink(entries, root, count);
    for (size_t last = count - 1; last > 0; last--) {
        swap(entries, entries + last * INDEX_ENTRY);
        sink(entries, 0, last);
    }
}

void make_index(uint8_t *index, size_t index_size, uint32_t index_address, const uint8_t *frames, size_t frames_size,
                uint32_t frames_address) {
    size_t count = 0, room = index_size < INDEX_HEAD ? 0 : (index_size - INDEX_HEAD) / INDEX_ENTRY;
    uint8_t *entries = index + INDEX_HEAD;
    for (size_t at = 0, length; count < room && (length = frame_size(frames, frames_size, at)); at += length) {
        if (!word_at(frames + at + BACK)) continue;
        uint32_t begin = frames_address + at + BEGIN + word_at(frames + at + BEGIN);
        set_word(entries + count * INDEX_ENTRY, begin - index_address);
        set_word(entries + count++ * INDEX_ENTRY + 4, frames_address + at - index_address);
    }
    sort(entries, count);
}

// The hash table: how many buckets there are, the first symbol in it, how many words the filter has and by how much it
// shifts; the filter, a bit for each of two parts of a hash; of each bucket the first symbol; and of each symbol the
// hash, whose lowest bit says whether it is the last of its bucket.
// https://sourceware.org/legacy-ml/binutils/2006-06/msg00418.html

enum { HASH_HEAD = 16, HASH_WORD = 8, SYMBOL_SIZE = 24 };

static uint32_t hash_of(const uint8_t *name, const uint8_t *end) {
    uint32_t hash = 5381;
    while (name < end && *name) hash = hash * 33 + *name++;
    return hash;
}

static uint32_t hash_of_symbol(const uint8_t *symbol, const uint8_t *names, size_t names_size) {
    uint32_t name = word_at(symbol);
    return hash_of(names + (name < names_size ? name : names_size), names + names_size);
}

static void set_bit(uint8_t *words, uint32_t word, uint32_t bit) {
    words[word * HASH_WORD + bit / 8] |= 1 << bit % 8;
}

// The table without its head.
static void make_hashes(const uint8_t *head, uint8_t *made, size_t size, const uint8_t *symbols, size_t symbols_size,
                        const uint8_t *names, size_t names_size) {
    uint32_t buckets = word_at(head), first = word_at(head + 4), words = word_at(head + 8), shift = word_at(head + 12);
    uint64_t chain = (uint64_t)words * HASH_WORD + (uint64_t)buckets * 4;
    if (!buckets || !words || shift > 31 || chain > size) return;
    uint8_t *bucket = made + (size_t)words * HASH_WORD, *link = made + chain, *end = made + size, *last = 0;
    uint32_t before = 0;
    for (uint64_t symbol = first; link + 4 <= end && (symbol + 1) * SYMBOL_SIZE <= symbols_size; symbol++, link += 4) {
        uint32_t hash = hash_of_symbol(symbols + symbol * SYMBOL_SIZE, names, names_size), own = hash % buckets;
        set_bit(made, hash / 64 % words, hash % 64);
        set_bit(made, hash / 64 % words, (hash >> shift) % 64);
        if (!word_at(bucket + own * 4)) set_word(bucket + own * 4, symbol);
        if (last && own != before) *last |= 1;
        set_word(link, hash & ~1u);
        before = own;
        last = link;
    }
    if (last) *last |= 1;
}

void filter_hashes(uint8_t *table, size_t table_size, const uint8_t *symbols, size_t symbols_size, const uint8_t *names,
                   size_t names_size, uint8_t *spare) {
    if (table_size < HASH_HEAD) return;
    size_t size = table_size - HASH_HEAD;
    for (size_t each = 0; each < size; each++) spare[each] = 0;
    make_hashes(table, spare, size, symbols, symbols_size, names, names_size);
    for (size_t each = 0; each < size; each++) table[HASH_HEAD + each] ^= spare[each];
}

void filter(int kind, uint8_t *bytes, size_t size, uint32_t address, uint32_t end, uint8_t *spare, int direction) {
    switch (kind) {
    case X86_64_CODE: filter_x86_64(bytes, size, address, end, direction); break;
    case AARCH64_CODE: filter_aarch64(bytes, size, address, direction); break;
    case RELOCATIONS: filter_table(bytes, size, RELOCATION_FIELDS, spare, direction); break;
    case SYMBOLS: filter_table(bytes, size, SYMBOL_FIELDS, spare, direction); break;
    case VERSIONS: filter_table(bytes, size, VERSION_FIELDS, spare, direction); break;
    case UNWIND_FRAMES: filter_frames(bytes, size, address, direction); break;
    case UNWIND_TABLE: filter_table(bytes, size, UNWIND_FIELDS, spare, direction); break;
    }
}
