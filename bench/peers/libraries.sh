#!/bin/sh
# Copies what programs are linked with, out of the system, into the root of an image.
# Usage: libraries.sh ROOT INTERPRETER PROGRAM
# All that the interpreter is linked with, as the program's own start may be; beside that what the program, a file or a
# folder, has not itself.
set -eu
mkdir -p "$1"
needed() {
    find -L "$1" -type f | while read -r file; do ldd "$file" 2>/dev/null || true; done | grep -o '/lib[^ ]*' | sort -u
}
{
    needed "$2"
    needed "$3" | while read -r library; do
        [ -n "$(find "$3" -name "$(basename "$library")")" ] || echo "$library"
    done
} | sort -u | while read -r library; do cp --dereference --parents "$library" "$1"; done
