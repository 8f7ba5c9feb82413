// The private folder of a program that runs: its files, and links to those of its files that are in memory.
#pragma once

#include <stddef.h>

struct folder {
    char *path;
    int lock; // descriptor of the folder, locked for as long as a process of this start lives
};

// The places where a folder may be made, in this order; null for those that are not named, or before.
enum { PLACES = 5 };
void find_places(const char *places[PLACES]);

// Make a folder in a place, after removing those of this program and user that nobody holds any more.
// Returns 0, or -1 with errno.
int make_folder(struct folder *folder, const char *place);

// Whether the last part of a path is what a folder of this program, whoever's, is called.
int is_of_program(const char *path);

// Join a folder that another process of the program holds, whose file of that name has that content.
// Returns 0, or -1 if that is not to be had.
int join_folder(struct folder *folder, const char *path, const char *name, const char *content);

// Write a whole file below the folder. Returns 0, or -1 with errno.
int write_file(const struct folder *folder, const char *name, const void *content, size_t size);

// Read a file of the only folder of this program and user that is in use, into a string of at most `size` bytes.
// Returns 0, or -1 if there is none, or more than one.
int read_of_running(const char *name, char *content, size_t size);

// Remove a folder that this process has made, also while another thread still makes files in it.
void remove_folder(const struct folder *folder);
