/* Openings, read from a pipe as they are needed: how each client opens its socket.
 *
 * A record, all numbers little-endian 32 bit:
 *   length of the rest of the record
 *   1 when messages of the client are binary, else 0
 *   the request, as length and bytes
 *   the beginning of the message with which the client counts as open, as length and bytes; empty: with the 101
 *   number of messages to send after the 101; each as length and bytes
 *   number of answers; each as the question's length and bytes, then the answer's
 */
#ifndef OPENINGS_H
#define OPENINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_MESSAGES = 8 };

struct bytes {
    const unsigned char *at;
    uint32_t length;
};

struct opening {
    bool is_binary;
    struct bytes request, ready;
    uint32_t after_count, answer_count;
    struct bytes after[MAX_MESSAGES], questions[MAX_MESSAGES], answers[MAX_MESSAGES];
    unsigned char *record; /* what all of these point into; freed with `opening_free` */
};

struct source {
    int fd;
    bool is_over;
    unsigned char *held;
    size_t length, capacity;
};

/* Read a piece of what is there; `is_over` when no more will come. Ends the program when the pipe is broken. */
void source_read(struct source *source);

/* Take the next whole record; NULL when there is none yet. */
struct opening *source_next(struct source *source);

void opening_free(struct opening *opening);

#endif
