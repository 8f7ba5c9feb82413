// The launcher of a program that lies behind it in the same file: a Python with all that it needs.
//
// It puts the ELF files into memory and the others into a private folder, and becomes the interpreter by one exec of
// the C library's own loader. So nothing has to be writable but a place for some megabytes, which may be noexec, and
// the program is this very process.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "elf_files.h"
#include "failure.h"
#include "folder.h"
#include "health.h"
#include "payload.h"

static const char HEALTHCHECK[] = "--healthcheck";
// The interpreter in the folder, as the program knows it: a link to this file, which then acts as one.
static const char INTERPRETER[] = "bin/python";
// What it starts with.
static const char SCRIPT[] = "launched.pyc";

// So that the process has the program's name.
static const char LOADER[] = "run/%s";

struct start {
    struct payload payload;
    struct folder folder;
    struct elf_files elf_files;
    int first_descriptor;
    int in_memory;   // whether the ELF files are
    int is_unpacked; // whether those in memory are there already
    int error;       // why the folder could not be filled; 0 if it was
    char executable[4096]; // path of this file
};

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
    case LINK: return symlinkat(text("%.*s", (int)entry->size, content), start->folder.lock, entry->name);
    case ELF_FILE:
        if (!start->in_memory) return 0;
        content = (uint8_t *)text("/proc/self/fd/%d", start->first_descriptor + (int)number);
        return symlinkat((const char *)content, start->folder.lock, entry->name);
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

// By a file "pyvenv.cfg" a Python finds its prefix, without any variable. It looks beside and above its executable;
// until 3.10, beside and above what that leads to, which by way of another link to a folder is bin/exe as well.
static int write_surroundings(const struct start *start) {
    int folder = start->folder.lock;
    const char *slash = strrchr(start->executable, '/');
    char *home = text("home = %s/bin\n", start->folder.path);
    char *beside = text("%.*s", slash == start->executable ? 1 : (int)(slash - start->executable), start->executable);
    if (write_file(&start->folder, "pyvenv.cfg", home, strlen(home))) return -1;
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

static void unpack_all_elf_files(struct start *start) {
    if (start->is_unpacked) return;
    for (unsigned each = 0; each < start->payload.frame_count; each++)
        if (start->payload.frames[each].has_elf_files) unpack_elf_files(&start->elf_files, each);
    finish_elf_files(&start->elf_files);
    start->is_unpacked = start->in_memory;
}

// Fill the folder, by two threads.
static void fill(struct start *start) {
    pthread_t other;
    int is_alone = pthread_create(&other, 0, write_files, start);
    unpack_all_elf_files(start);
    if (is_alone) write_files(start);
    else pthread_join(other, 0);
}

static int may_execute(const struct folder *folder) {
    struct statvfs status;
    if (fstatvfs(folder->lock, &status) || !(status.f_flag & ST_NOEXEC)) return 1;
    errno = EACCES;
    return 0;
}

// Lay the program out in a place. Returns 0, or -1 with errno.
static int lay_out(struct start *start, const char *place) {
    if (make_folder(&start->folder, place)) return -1;
    int failed = make_folders(start);
    if (!failed && !start->in_memory)
        failed = !may_execute(&start->folder) || place_in_folder(&start->elf_files, &start->payload, &start->folder);
    if (!failed) {
        fill(start);
        errno = start->error;
        // Workers that root starts under another user read here too.
        failed = errno || (!geteuid() && fchmod(start->folder.lock, 0755));
    }
    if (!failed) return 0;
    remove_folder(&start->folder);
    return -1;
}

static void lay_out_anywhere(struct start *start) {
    const char *places[PLACES];
    char *reasons = "";
    start->first_descriptor = first_descriptor(&start->payload);
    start->in_memory = !place_in_memory(&start->elf_files, &start->payload, start->first_descriptor);
    if (!start->in_memory) reasons = text("; memory: %s", strerror(errno));
    find_places(places);
    for (int each = 0; each < PLACES; each++) {
        if (!places[each]) continue;
        if (!lay_out(start, places[each])) return;
        reasons = text("%s; %s: %s", reasons, places[each], strerror(errno));
    }
    fail("there is no place for its files%s. Mount a tmpfs at /tmp%s, or name a folder in PYSTATIC_TMPDIR", reasons,
         start->in_memory ? " (noexec will do)" : " that may hold executables, or allow memfd_create");
}

// Join the folder that a link to this file was called in. Returns 0, or -1 if that is not to be had.
static int join(struct start *start, const char *called) {
    char target[64] = "";
    char *path = text("%.*s", (int)(strlen(called) - strlen(INTERPRETER) - 1), called);
    if (join_folder(&start->folder, path)) return -1;
    char *loader = text(LOADER, start->payload.name);
    ssize_t length = readlinkat(start->folder.lock, loader, target, sizeof target - 1);
    start->in_memory = length > 0;
    start->first_descriptor = first_descriptor(&start->payload);
    if (!start->in_memory) return 0;
    int is_number = sscanf(target, "/proc/self/fd/%d", &start->first_descriptor);
    start->first_descriptor -= start->payload.loader;
    if (is_number == 1 && are_free(&start->payload, start->first_descriptor) &&
        !place_in_memory(&start->elf_files, &start->payload, start->first_descriptor)) {
        unpack_all_elf_files(start);
        return 0;
    }
    close(start->folder.lock);
    return -1;
}

// Whether this file was called as the interpreter of a program that runs, to be one.
static int is_interpreter(const char *called, int *count, char ***arguments) {
    size_t length = called ? strlen(called) : 0, expected = strlen(INTERPRETER);
    if (length <= expected + 1 || strcmp(called + length - expected, INTERPRETER)) return 0;
    struct stat first, own;
    if (*count < 2 || stat((*arguments)[1], &first) || stat("/proc/self/exe", &own)) return 1;
    if (first.st_ino != own.st_ino || first.st_dev != own.st_dev) return 1;
    // [sys.executable, *sys.argv], as by gunicorn when it is upgraded: the program itself is meant.
    ++*arguments;
    --*count;
    return 0;
}

static const char *path_of(const struct start *start, unsigned number) {
    if (start->in_memory) return text("/proc/self/fd/%d", start->first_descriptor + (int)number);
    return text("%s/%s", start->folder.path, nth_elf_file(&start->payload, number)->name);
}

static _Noreturn void execute(const struct start *start, int as_interpreter, int count, char **arguments, char **variables) {
    const struct payload *payload = &start->payload;
    const char *folder = start->folder.path;
    // It stays open for as long as a process of this start lives.
    int lock = dup3(start->folder.lock, start->first_descriptor + payload->elf_count, 0);
    if (lock < 0) fail("descriptor of its folder: %s", strerror(errno));
    const char **all = calloc(count + payload->option_count + 16, sizeof *all);
    if (!all) fail("out of memory");
    const char *loader[] = {arguments[0], "--inhibit-cache", "--library-path", text("%s/lib", folder), "--argv0",
                            text("%s/%s", folder, INTERPRETER), path_of(start, payload->interpreter)};
    const char *script[] = {text("%s/%s", folder, SCRIPT), text("%d", start->first_descriptor), text("%d", lock),
                            payload->name, arguments[0]};
    size_t made = sizeof loader / sizeof *loader, script_count = sizeof script / sizeof *script;
    memcpy(all, loader, sizeof loader);
    if (!as_interpreter) {
        for (unsigned each = 0; each < payload->option_count; each++) all[made++] = payload->options[each];
        memcpy(all + made, script, sizeof script);
        made += script_count;
    }
    for (int each = 1; each < count; each++) all[made++] = arguments[each];
    execve(text("%s/%s", folder, text(LOADER, payload->name)), (char **)all, variables);
    remove_folder(&start->folder);
    fail("executing its loader: %s", strerror(errno));
}

int main(int count, char **arguments, char **variables) {
    struct start start = {0};
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (self < 0) fail("/proc/self/exe: %s; /proc has to be mounted", strerror(errno));
    if (readlink("/proc/self/exe", start.executable, sizeof start.executable - 1) < 0)
        fail("/proc/self/exe: %s", strerror(errno));
    start.payload = read_payload(self);
    program_name = start.payload.name;
    if (start.payload.has_health_check && count > 1 && !strcmp(arguments[1], HEALTHCHECK)) {
        int code = ask_running(count > 2 ? arguments[2] : "/");
        if (code >= 0) return code;
    }
    const char *called = (const char *)getauxval(AT_EXECFN);
    int as_interpreter = is_interpreter(called, &count, &arguments);
    mode_t mask = umask(022);
    if (!as_interpreter || join(&start, called)) lay_out_anywhere(&start);
    umask(mask);
    munmap((void *)start.payload.file, start.payload.file_size);
    execute(&start, as_interpreter, count, arguments, variables);
}
