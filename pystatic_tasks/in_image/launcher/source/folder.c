#define _GNU_SOURCE
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"
#include "text.h"

enum { TRIES = 100, RANDOM = 6, OPEN_FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

void find_places(const char *places[PLACES]) {
    const char *named[PLACES] = {getenv("PYSTATIC_TMPDIR"), "/dev/shm", getenv("TMPDIR"), "/tmp", "/var/tmp"};
    for (int each = 0; each < PLACES; each++) {
        places[each] = named[each] && *named[each] == '/' ? named[each] : 0;
        for (int before = 0; before < each && places[each]; before++)
            if (places[before] && !strcmp(places[before], places[each])) places[each] = 0;
    }
}

// What the names of this program's and this user's folders begin with.
static char *beginning(void) {
    return text("%s-%u-", program_name, (unsigned)geteuid());
}

// Whether a name begins so, and is as long as those that mkdtemp() makes of it: "a-0-" also begins those of "a-0-b".
static int has_beginning(const char *name, const char *beginning) {
    size_t length = strlen(beginning);
    return !strncmp(name, beginning, length) && strlen(name) == length + RANDOM;
}

int is_of_program(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(program_name);
    if (strncmp(name, program_name, length) || name[length] != '-') return 0;
    size_t digits = strspn(name + length + 1, "0123456789");
    return digits && has_beginning(name, text("%s-", first_of(name, length + 1 + digits)));
}

static void remove_below(int parent, const char *name) {
    int folder = openat(parent, name, OPEN_FOLDER);
    DIR *list = folder < 0 ? 0 : fdopendir(folder);
    if (!list) return;
    for (struct dirent *each; (each = readdir(list));) {
        if (!strcmp(each->d_name, ".") || !strcmp(each->d_name, "..")) continue;
        if (!unlinkat(folder, each->d_name, 0)) continue;
        if (errno == EISDIR || errno == EPERM) remove_below(folder, each->d_name);
    }
    closedir(list);
    unlinkat(parent, name, AT_REMOVEDIR);
}

// Call `each` with every folder of this program and user in a place, and whether somebody holds it.
static void visit(const char *place, void (*each)(int parent, const char *name, int folder, int is_held, void *with),
                  void *with) {
    int parent = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = parent < 0 ? 0 : fdopendir(parent);
    if (!list) return;
    char *mine = beginning();
    for (struct dirent *found; (found = readdir(list));) {
        if (!has_beginning(found->d_name, mine)) continue;
        int folder = openat(parent, found->d_name, OPEN_FOLDER);
        struct stat status;
        if (folder < 0) continue;
        if (!fstat(folder, &status) && status.st_uid == geteuid())
            each(parent, found->d_name, folder, flock(folder, LOCK_EX | LOCK_NB) != 0, with);
        close(folder);
    }
    closedir(list);
    free(mine);
}

static void remove_unheld(int parent, const char *name, int folder, int is_held, void *with) {
    (void)folder, (void)with;
    if (!is_held) remove_below(parent, name);
}

struct wanted {
    const char *name;
    char *content;
    size_t size;
    int found;
};

static void read_held(int parent, const char *name, int folder, int is_held, void *with) {
    (void)parent, (void)name;
    struct wanted *wanted = with;
    if (!is_held) return;
    wanted->found++;
    int file = openat(folder, wanted->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, wanted->content, wanted->size - 1);
    wanted->content[length < 0 ? 0 : length] = 0;
    if (file >= 0) close(file);
}

int read_of_running(const char *name, char *content, size_t size) {
    const char *places[PLACES];
    struct wanted wanted = {.name = name, .content = content, .size = size};
    find_places(places);
    for (int each = 0; each < PLACES; each++)
        if (places[each]) visit(places[each], read_held, &wanted);
    return wanted.found == 1 && *content ? 0 : -1;
}

// Whether a folder is locked now and still has its name: between its making and its locking, another start may have
// taken it for a dead one's. That one holds the lock until it is gone, or has merely looked whether it is held.
static int lock_folder(int folder) {
    struct stat status;
    return folder >= 0 && !flock(folder, LOCK_SH) && !fstat(folder, &status) && status.st_nlink > 0;
}

int make_folder(struct folder *folder, const char *place) {
    visit(place, remove_unheld, 0);
    for (int tries = 0; tries < TRIES; tries++) {
        folder->path = text("%s/%sXXXXXX", place, beginning());
        if (!mkdtemp(folder->path)) return -1;
        folder->lock = open(folder->path, OPEN_FOLDER);
        if (lock_folder(folder->lock)) return 0;
        if (folder->lock >= 0) close(folder->lock);
    }
    errno = EBUSY;
    return -1;
}

int join_folder(struct folder *folder, const char *path, const char *name, const char *content) {
    struct stat status;
    size_t size = strlen(content);
    char *found = first_of(content, size);
    folder->path = text("%s", path);
    folder->lock = open(path, OPEN_FOLDER);
    if (lock_folder(folder->lock) && !fstat(folder->lock, &status) && (status.st_uid == geteuid() || !status.st_uid)) {
        int file = openat(folder->lock, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        ssize_t length = file < 0 ? -1 : read(file, found, size + 1);
        if (file >= 0) close(file);
        if (length == (ssize_t)size && !memcmp(found, content, size)) return 0;
    }
    if (folder->lock >= 0) close(folder->lock);
    return -1;
}

static int write_whole(int file, const uint8_t *content, size_t size) {
    while (size) {
        ssize_t written = write(file, content, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return -1;
        content += written;
        size -= written;
    }
    return 0;
}

int write_file(const struct folder *folder, const char *name, const void *content, size_t size) {
    int file = openat(folder->lock, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0) return -1;
    int failed = write_whole(file, content, size);
    int error = errno;
    if (close(file)) return -1;
    errno = error;
    return failed;
}

void remove_folder(const struct folder *folder) {
    int error = errno;
    // Again where another thread made a file in the meantime, which it cannot any more once all folders are gone.
    for (int tries = 0; tries < TRIES && !access(folder->path, F_OK); tries++) remove_below(AT_FDCWD, folder->path);
    errno = error;
}
