/* The clients: WebSockets that are opened a few at a time, and listen. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <stdint.h>

#include "counting.h"
#include "openings.h"

enum { MAX_REASONS = 32 };

enum state { CONNECTING, UPGRADING, WAITING, OPEN };

/* One of `of`; `fd` is -1 when it is over. */
struct client {
    struct clients *of;
    int fd;
    enum state state;
    struct opening *opening;
    uint64_t started_ns;
    unsigned char *held;
    uint32_t held_length, held_capacity;
    struct stream stream;
};

/* How often what happened, by status or close code; 0 not connected, 1 given up, 1005 closed without a code, 1006 cut. */
struct reasons {
    unsigned kinds;
    struct {
        int code;
        uint64_t count;
    } of[MAX_REASONS];
};

struct clients {
    int epoll, port;
    struct client **all;
    size_t count, capacity;
    unsigned opening;
    uint64_t opened, opened_ns;
    struct histogram handshakes;
    struct reasons refused, lost;
    struct tally tally;
};

uint64_t now_ns(void);

/* Say why, and end the program. */
void fail(const char *what);

void watch(int epoll, int fd, uint32_t events, void *what, int how);

/* Begin to open one more; the opening is the client's from here on. */
void clients_open(struct clients *clients, struct opening *opening);

/* Do what epoll has news for. */
void client_serve(struct client *client, uint32_t events);

/* Refuse whoever is not open yet. */
void clients_give_up(struct clients *clients);

/* Count from here: nothing was received, and the next event is number 1. */
void clients_forget(struct clients *clients);

#endif
