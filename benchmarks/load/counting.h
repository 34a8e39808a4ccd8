/* What a run counts: events of each connection, in order or not, and how old they were when they arrived. */
#ifndef COUNTING_H
#define COUNTING_H

#include <stddef.h>
#include <stdint.h>

enum { SUB_BITS = 6, BUCKETS = (40 - SUB_BITS) << SUB_BITS, MAX_SECONDS = 3600, CARRY = 63 };
enum { KNOWN = 256, KNOWN_BYTES = 488 };

/* Microseconds, in buckets that are at most 1/64 wide. */
struct histogram {
    uint64_t count, max;
    uint64_t buckets[BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t microseconds);
uint64_t histogram_quantile(const struct histogram *histogram, double quantile);

/* One connection's stream of payloads. `hint` is where the first event's number stood in the last piece: events of a run
 * are of one length, so nothing is before it in the next one either. */
struct stream {
    uint64_t last, events;
    uint32_t hint;
    uint8_t carried;
    unsigned char carry[CARRY];
};

/* A message that was one event. Every other client gets the same bytes: to compare them is faster than to read them. */
struct known {
    uint64_t sequence, sent_ns, length;
    unsigned char message[KNOWN_BYTES];
};

struct tally {
    uint64_t events, bytes, gaps, repeats, began_ns, first_ns, last_ns;
    uint64_t per_second[MAX_SECONDS];
    struct histogram latency;
    struct known known[KNOWN];
};

/* Find the events in the next piece of a connection's payloads; an event may be cut by the end of a piece. */
void count_events(struct tally *tally, struct stream *stream, const unsigned char *piece, size_t length,
                  uint64_t now_ns);

#endif
