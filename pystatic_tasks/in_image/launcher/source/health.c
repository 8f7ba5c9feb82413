#define _GNU_SOURCE
#include "health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "failure.h"
#include "folder.h"
#include "text.h"

enum { TIMEOUT_SECONDS = 5, LONGEST_ADDRESS = 512, LONGEST_STATUS_LINE = 256 };

// The file in the folder: "HOST PORT" with a host in figures, or the path of a Unix socket.
static const char ADDRESS[] = "address";

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un local;
};

// The address that is written so; its length in bytes, or 0 if it is none.
static socklen_t parse(char *written, union address *address) {
    memset(address, 0, sizeof *address);
    if (*written == '/') {
        address->local.sun_family = AF_UNIX;
        if (strlen(written) >= sizeof address->local.sun_path) return 0;
        strcpy(address->local.sun_path, written);
        return sizeof address->local;
    }
    char *port = strchr(written, ' ');
    if (!port) return 0;
    *port++ = 0;
    if (inet_pton(AF_INET, written, &address->four.sin_addr) == 1) {
        address->four.sin_family = AF_INET;
        address->four.sin_port = htons(atoi(port));
        return sizeof address->four;
    }
    if (inet_pton(AF_INET6, written, &address->six.sin6_addr) == 1) {
        address->six.sin6_family = AF_INET6;
        address->six.sin6_port = htons(atoi(port));
        return sizeof address->six;
    }
    return 0;
}

// The status in the first line of an answer, as "HTTP/1.1 200 OK"; 0 for any other line.
static int status_of(const char *line) {
    const char *space = strncmp(line, "HTTP/", 5) ? 0 : strchr(line, ' ');
    return space ? atoi(space + 1) : 0;
}

// The status of the answer; 0 for none, with errno.
static int ask(const union address *address, socklen_t length, const char *path) {
    struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
    int connection = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0) return 0;
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(connection, &address->any, length)) return 0;
    char *request = text("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (send(connection, request, strlen(request), MSG_NOSIGNAL) < 0) return 0;
    char line[LONGEST_STATUS_LINE];
    size_t received = 0;
    while (received < sizeof line - 1) {
        ssize_t more = recv(connection, line + received, sizeof line - 1 - received, 0);
        if (more < 0) return 0;
        received += more;
        line[received] = 0;
        if (!more || strstr(line, "\r\n")) break;
    }
    int status = status_of(line);
    if (!status) errno = EPROTO;
    return status;
}

int ask_running(const char *path) {
    char written[LONGEST_ADDRESS], shown[LONGEST_ADDRESS];
    union address address;
    if (read_of_running(ADDRESS, written, sizeof written)) return -1;
    strcpy(shown, written);
    socklen_t length = parse(written, &address);
    if (!length) return -1;
    int status = ask(&address, length, path);
    if (200 <= status && status < 400) return 0;
    if (status) say("unhealthy: %s answered %u", path, (unsigned)status);
    else say("unhealthy: no answer from %s: %s", shown, strerror(errno));
    return 1;
}
