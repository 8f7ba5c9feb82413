// The launcher of a program that lies behind it in the same file: a Python with all that it needs.
//
// It puts the ELF files into memory and the others into a private folder, and becomes the interpreter by one exec of
// the C library's own loader. So nothing has to be writable but a place for some megabytes, which may be noexec, and
// the program is this very process.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "elf_files.h"
#include "failure.h"
#include "folder.h"
#include "health.h"
#include "payload.h"
#include "text.h"

static const char HEALTHCHECK[] = "--healthcheck";
// The interpreter in the folder, as the program knows it: a link to this file, which then acts as one.
static const char INTERPRETER[] = "bin/python";
// What it starts with.
static const char SCRIPT[] = "launched.pyc";
static const char CONFIGURATION[] = "pyvenv.cfg";
// What Python does for a variable of its own, which it does not read where none is to decide on what it imports.
static const char PROFILED_BY[] = "PYTHONPROFILEIMPORTTIME";
static const char *const PROFILING[] = {"-X", "importtime"};
// Where a file in memory is found by its descriptor.
static const char DESCRIPTORS[] = "/proc/self/fd/";

struct start {
    struct payload payload;
    struct folder folder;
    struct elf_files elf_files;
    int first_descriptor;
    int in_memory;   // whether the ELF files are
    int is_unpacked; // whether those in memory are there already
    int error;       // why the folder could not be filled; 0 if it was
    struct timespec begun; // when the launcher was, by CLOCK_MONOTONIC
    char executable[4096]; // path of this file
};

// The folder that is being filled; null for none.
static const struct folder *unfinished;

static void remove_unfinished(void) {
    if (unfinished) remove_folder(unfinished);
}

// The loader has the program's name, and so has the process.
static char *loader_of(const struct payload *payload) {
    return text("run/%s", payload->name);
}

static char *descriptor_path(unsigned descriptor) {
    return text("%s%u", DESCRIPTORS, descriptor);
}

static const struct entry *nth_elf_file(const struct payload *payload, unsigned number) {
    for (unsigned each = 0; each < payload->entry_count; each++)
        if (payload->entries[each].kind == ELF_FILE && !number--) return &payload->entries[each];
    fail("its index names no such file");
}

// The content of plain files and links, decompressed; null for a frame of ELF files.
static uint8_t *unpack_plain(const struct payload *payload, unsigned frame) {
    if (payload->frames[frame].has_elf_files) return 0;
    uint8_t *memory = malloc(payload->frames[frame].size + 1);
    if (!memory) fail("out of memory");
    unpack(payload, frame, memory);
    return memory;
}

static int write_entry(const struct start *start, const struct entry *entry, const uint8_t *content, unsigned number) {
    switch (entry->kind) {
    case PLAIN_FILE: return write_file(&start->folder, entry->name, content, entry->size);
    case LINK: return symlinkat(first_of((const char *)content, entry->size), start->folder.lock, entry->name);
    case ELF_FILE:
        if (!start->in_memory) return 0;
        return symlinkat(descriptor_path(start->first_descriptor + number), start->folder.lock, entry->name);
    default: return 0;
    }
}

static int make_folders(const struct start *start) {
    const struct payload *payload = &start->payload;
    for (unsigned each = 0; each < payload->entry_count; each++) {
        const struct entry *entry = &payload->entries[each];
        if (entry->kind == FOLDER && mkdirat(start->folder.lock, entry->name, 0755)) return -1;
    }
    return 0;
}

// That of Python for a folder; and which program it is, that another with its name and its folders does not join it.
static char *configuration(const struct start *start, const char *folder) {
    return text("home = %s/bin\nprogram = %s\n", folder, start->payload.identity);
}

// By a file "pyvenv.cfg" a Python finds its prefix, without any variable. It looks beside and above its executable;
// until 3.10, beside and above what that leads to, which by way of another link to a folder is bin/exe as well.
static int write_surroundings(const struct start *start) {
    int folder = start->folder.lock;
    const char *slash = strrchr(start->executable, '/');
    char *home = configuration(start, start->folder.path);
    char *beside = first_of(start->executable, slash == start->executable ? 1 : slash - start->executable);
    if (write_file(&start->folder, CONFIGURATION, home, strlen(home))) return -1;
    if (write_file(&start->folder, "bin/pyvenv.cfg", home, strlen(home))) return -1;
    if (symlinkat(beside, folder, "bin/exe")) return -1;
    return symlinkat(text("exe/%s", slash + 1), folder, INTERPRETER);
}

// Everything in the folder but folders, and but ELF files that are not in memory.
static void *write_files(void *given) {
    struct start *start = given;
    const struct payload *payload = &start->payload;
    uint8_t *frames[MAX_FRAMES];
    int failed = write_surroundings(start);
    for (unsigned each = 0; each < payload->frame_count; each++) frames[each] = unpack_plain(payload, each);
    for (unsigned each = 0, number = 0; each < payload->entry_count && !failed; each++) {
        const struct entry *entry = &payload->entries[each];
        const uint8_t *frame = entry->kind == FOLDER ? 0 : frames[entry->frame];
        failed = write_entry(start, entry, frame ? frame + entry->offset : 0, number);
        number += entry->kind == ELF_FILE;
    }
    start->error = failed ? errno : 0;
    for (unsigned each = 0; each < payload->frame_count; each++) free(frames[each]);
    return 0;
}

// A frame of ELF files, and the thread that unpacks it.
struct part {
    struct elf_files *files;
    unsigned frame;
    pthread_t thread;
    int has_none;
};

static void *unpack_part(void *given) {
    struct part *part = given;
    unpack_elf_files(part->files, part->frame);
    return 0;
}

static void unpack_all_elf_files(struct start *start) {
    if (start->is_unpacked) return;
    struct part parts[MAX_FRAMES];
    unsigned count = 0;
    for (unsigned each = 0; each < start->payload.frame_count; each++)
        if (start->payload.frames[each].has_elf_files) parts[count++] = (struct part){&start->elf_files, each, 0, 1};
    // This thread takes the first.
    for (unsigned each = 1; each < count; each++)
        parts[each].has_none = pthread_create(&parts[each].thread, 0, unpack_part, &parts[each]);
    for (unsigned each = 0; each < count; each++)
        if (parts[each].has_none) unpack_part(&parts[each]);
    for (unsigned each = 0; each < count; each++)
        if (!parts[each].has_none) pthread_join(parts[each].thread, 0);
    finish_elf_files(&start->elf_files);
    start->is_unpacked = start->in_memory;
}

// Fill the folder, while other threads unpack the ELF files.
static void fill(struct start *start) {
    pthread_t other;
    int is_alone = pthread_create(&other, 0, write_files, start);
    unpack_all_elf_files(start);
    if (is_alone) write_files(start);
    else pthread_join(other, 0);
}

static int may_execute(const struct folder *folder) {
    struct statvfs status;
    return fstatvfs(folder->lock, &status) || !(status.f_flag & ST_NOEXEC);
}

static int fill_folder(struct start *start) {
    if (make_folders(start)) return -1;
    if (!start->in_memory && place_in_folder(&start->elf_files, &start->payload, &start->folder)) return -1;
    fill(start);
    errno = start->error;
    return errno ? -1 : 0;
}

// Whoever may read this file may read what is made of it, as do workers that root starts under another user.
static int share(const struct start *start) {
    struct stat own;
    if (geteuid() || stat("/proc/self/exe", &own) || !(own.st_mode & S_IROTH)) return 0;
    return fchmod(start->folder.lock, 0755);
}

// Lay the program out in a place. Returns null, or why that failed.
static const char *lay_out(struct start *start, const char *place) {
    if (make_folder(&start->folder, place)) return strerror(errno);
    unfinished = &start->folder;
    const char *reason = start->in_memory || may_execute(&start->folder) ? 0 : "mounted noexec";
    if (!reason && (fill_folder(start) || share(start))) reason = strerror(errno);
    if (reason) {
        remove_folder(&start->folder);
        close(start->folder.lock);
    }
    unfinished = 0;
    return reason;
}

static void lay_out_anywhere(struct start *start) {
    const char *places[PLACES], *reason;
    char *reasons = "";
    start->first_descriptor = first_descriptor(&start->payload);
    start->in_memory = !place_in_memory(&start->elf_files, &start->payload, start->first_descriptor);
    if (!start->in_memory) reasons = text("; memory: %s", strerror(errno));
    find_places(places);
    for (int each = 0; each < PLACES; each++) {
        if (!places[each]) continue;
        if (!(reason = lay_out(start, places[each]))) return;
        reasons = text("%s; %s: %s", reasons, places[each], reason);
    }
    fail("there is no place for its files%s. Mount a tmpfs at /tmp%s, or name a folder in PYSTATIC_TMPDIR", reasons,
         start->in_memory ? " (noexec will do)" : " that may hold executables, or allow memfd_create");
}

// Join the folder that a link to this file was called in. Returns 0, or -1 if that is not to be had.
static int join(struct start *start, const char *path) {
    char target[sizeof DESCRIPTORS + 10] = "";
    size_t length = sizeof DESCRIPTORS - 1;
    if (join_folder(&start->folder, path, CONFIGURATION, configuration(start, path))) return -1;
    ssize_t found = readlinkat(start->folder.lock, loader_of(&start->payload), target, sizeof target - 1);
    start->in_memory = found > 0;
    start->first_descriptor = first_descriptor(&start->payload);
    if (!start->in_memory) return 0;
    start->first_descriptor = atoi(target + length) - (int)start->payload.loader;
    if (!strncmp(target, DESCRIPTORS, length) && are_free(&start->payload, start->first_descriptor) &&
        !place_in_memory(&start->elf_files, &start->payload, start->first_descriptor)) {
        unpack_all_elf_files(start);
        return 0;
    }
    close(start->folder.lock);
    return -1;
}

// The folder of the running program as whose interpreter this file was called, by the link in there; null for none.
static char *folder_called_in(const char *called) {
    size_t length = called ? strlen(called) : 0, expected = strlen(INTERPRETER);
    if (length <= expected + 1 || strcmp(called + length - expected, INTERPRETER)) return 0;
    char *folder = first_of(called, length - expected - 1);
    return is_of_program(folder) ? folder : 0;
}

// Whether the interpreter was called as [sys.executable, *sys.argv], as by gunicorn when it is upgraded: then the
// program itself is meant.
static int is_program_again(int count, char **arguments) {
    struct stat first, own;
    if (count < 2 || stat(arguments[1], &first) || stat("/proc/self/exe", &own)) return 0;
    return first.st_ino == own.st_ino && first.st_dev == own.st_dev;
}

// Where among its arguments "-c" or "-m" stands, which ends the options of an interpreter; 0 for nowhere.
static int find_command(int count, char **arguments) {
    for (int each = 1; each < count; each++) {
        const char *option = arguments[each];
        if (!strcmp(option, "-c") || !strcmp(option, "-m")) return each;
        if (option[0] != '-' || !option[1] || option[1] == '-') return 0;
        const char *with_value = strpbrk(option, "cmWX");
        if (with_value && (*with_value == 'c' || *with_value == 'm')) return 0;
        if (with_value && !with_value[1]) each++;
    }
    return 0;
}

static const char *path_of(const struct start *start, unsigned number) {
    if (start->in_memory) return descriptor_path(start->first_descriptor + number);
    return text("%s/%s", start->folder.path, nth_elf_file(&start->payload, number)->name);
}

// What a process is started with.
struct command_line {
    const char **words;
    size_t count;
};

static void add_words(struct command_line *line, const char *const *words, size_t count) {
    const char **more = realloc(line->words, (line->count + count + 1) * sizeof *more);
    if (!more) fail("out of memory");
    memcpy(more + line->count, words, count * sizeof *more);
    line->words = more;
    line->count += count;
    more[line->count] = 0;
}

static void add_loader(struct command_line *line, const struct start *start, const char *name) {
    const char *folder = start->folder.path;
    const char *words[] = {name, "--inhibit-cache", "--library-path", text("%s/lib", folder), "--argv0",
                           text("%s/%s", folder, INTERPRETER), path_of(start, start->payload.interpreter)};
    add_words(line, words, sizeof words / sizeof *words);
}

// Our script, which knows by a name what it is to go on with.
static void add_script(struct command_line *line, const struct start *start, unsigned lock, const char *name) {
    char *script = text("%s/%s", start->folder.path, SCRIPT);
    const char *words[] = {script, text("%u", start->in_memory ? (unsigned)start->first_descriptor : lock),
                           text("%u", lock), name};
    add_words(line, words, sizeof words / sizeof *words);
}

// When a part of the start begins, by a clock that all containers of a machine share with it.
static void tell_time(const struct timespec *when, const char *part) {
    say("start time: %u s %u ns: %s", (unsigned)when->tv_sec, (unsigned)when->tv_nsec, part);
}

static void profile(struct command_line *line, const struct start *start) {
    const char *wanted = getenv(PROFILED_BY);
    struct timespec now;
    if (!wanted || !*wanted) return;
    add_words(line, PROFILING, sizeof PROFILING / sizeof *PROFILING);
    clock_gettime(CLOCK_MONOTONIC, &now);
    tell_time(&start->begun, "unpacking");
    tell_time(&now, "interpreter");
}

static void add_program(struct command_line *line, const struct start *start, unsigned lock, const char *name) {
    add_words(line, start->payload.options, start->payload.option_count);
    profile(line, start);
    add_script(line, start, lock, start->payload.name);
    // By a path, the program can be called again.
    const char *first = strchr(name, '/') ? name : start->executable;
    add_words(line, &first, 1);
}

static _Noreturn void execute(const struct start *start, int as_interpreter, int count, char **arguments,
                              char **variables) {
    struct command_line line = {0};
    const char *const *words = (const char *const *)arguments;
    // It stays open for as long as a process of this start lives.
    int lock = dup3(start->folder.lock, start->first_descriptor + (int)start->payload.elf_count, 0);
    if (lock < 0) fail("descriptor of its folder: %s", strerror(errno));
    int command = as_interpreter ? find_command(count, arguments) : 0;
    add_loader(&line, start, arguments[0]);
    if (!as_interpreter) add_program(&line, start, lock, arguments[0]);
    if (command) {
        add_words(&line, words + 1, command - 1);
        add_script(&line, start, lock, "");
        add_words(&line, words + command, count - command);
    } else add_words(&line, words + 1, count - 1);
    execve(text("%s/%s", start->folder.path, loader_of(&start->payload)), (char **)line.words, variables);
    fail("executing its loader: %s", strerror(errno));
}

int main(int count, char **arguments, char **variables) {
    struct start start = {0};
    clock_gettime(CLOCK_MONOTONIC, &start.begun);
    if (!count) fail("it was started without a name");
    program_name = strrchr(arguments[0], '/') ? strrchr(arguments[0], '/') + 1 : arguments[0];
    before_failing = remove_unfinished;
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (self < 0 || readlink("/proc/self/exe", start.executable, sizeof start.executable - 1) < 0)
        fail("/proc/self/exe: %s; /proc has to be mounted, and the file be readable", strerror(errno));
    start.payload = read_payload(self);
    program_name = start.payload.name;
    if (start.payload.has_health_check && count > 1 && !strcmp(arguments[1], HEALTHCHECK)) {
        int code = ask_running(count > 2 ? arguments[2] : "/");
        if (code >= 0) return code;
    }
    char *folder = folder_called_in((const char *)getauxval(AT_EXECFN));
    int as_interpreter = folder && !is_program_again(count, arguments);
    // [sys.executable, *sys.argv]
    if (folder && !as_interpreter) arguments++, count--;
    mode_t mask = umask(022);
    if (!as_interpreter || join(&start, folder)) {
        lay_out_anywhere(&start);
        unfinished = &start.folder;
    }
    umask(mask);
    munmap((void *)start.payload.file, start.payload.file_size);
    execute(&start, as_interpreter, count, arguments, variables);
}
