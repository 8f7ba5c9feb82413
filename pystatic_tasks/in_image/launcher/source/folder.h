// The private folder of a program that runs: its files, and links to those of its files that are in memory.
#pragma once

#include <stddef.h>

struct folder {
    char *path;
    int lock; // descriptor of the folder, locked for as long as a process of this start lives
};

// The places where a folder may be made, in this order; null for those that are not named.
enum { PLACES = 5 };
void find_places(const char *places[PLACES]);

// Make a folder in a place, after removing those of this program and user that nobody holds any more.
// Returns 0, or -1 with errno.
int make_folder(struct folder *folder, const char *place);

// Join a folder that another process of the program holds. Returns 0, or -1 if that is not to be had.
int join_folder(struct folder *folder, const char *path);

// Write a whole file below the folder. Returns 0, or -1 with errno.
int write_file(const struct folder *folder, const char *name, const void *content, size_t size);

// Read a file of the only folder of this program and user that is in use, into a string of at most `size` bytes.
// Returns 0, or -1 if there is none, or more than one.
int read_of_running(const char *name, char *content, size_t size);

void remove_folder(const struct folder *folder);
