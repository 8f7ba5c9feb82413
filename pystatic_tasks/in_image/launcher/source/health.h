// The health check, without unpacking anything.
#pragma once

// Ask the running program for a path, where it has written down that it listens.
// Returns 0 if it answered with a status from 200 to 399 within 5 seconds, 1 if it did not, and -1 if it has not
// written down where.
int ask_running(const char *path);
