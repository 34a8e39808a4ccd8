#define _GNU_SOURCE
#include "counting.h"

#include <stdbool.h>
#include <string.h>

static const char NUMBER[] = "\"n\":", TIME[] = "\"t\":";
enum { KEY = 4 };

static unsigned bucket_of(uint64_t value) {
    if (value < (1u << SUB_BITS)) return (unsigned)value;
    unsigned power = 63u - (unsigned)__builtin_clzll(value);
    unsigned bucket = ((power - SUB_BITS + 1) << SUB_BITS) | (unsigned)((value >> (power - SUB_BITS)) - (1u << SUB_BITS));
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static uint64_t middle_of(unsigned bucket) {
    unsigned power = bucket >> SUB_BITS, part = bucket & ((1u << SUB_BITS) - 1);
    if (power == 0) return part;
    uint64_t width = 1ull << (power - 1);
    return ((uint64_t)part + (1u << SUB_BITS)) * width + width / 2;
}

void histogram_add(struct histogram *histogram, uint64_t microseconds) {
    histogram->count++;
    histogram->buckets[bucket_of(microseconds)]++;
    if (microseconds > histogram->max) histogram->max = microseconds;
}

uint64_t histogram_quantile(const struct histogram *histogram, double quantile) {
    uint64_t wanted = (uint64_t)(quantile * (double)histogram->count), seen = 0;
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen > wanted) {
            uint64_t middle = middle_of(bucket);
            return middle < histogram->max ? middle : histogram->max;
        }
    }
    return histogram->max;
}

/* Digits at `at`, perhaps behind a space and a quote. NULL: what is there ends before they do. */
static const unsigned char *digits(const unsigned char *at, const unsigned char *end, uint64_t *value) {
    while (at < end && (*at == ' ' || *at == '"' || *at == '\\')) at++;
    *value = 0;
    while (at < end && *at >= '0' && *at <= '9') *value = *value * 10 + (*at++ - '0');
    return at < end ? at : NULL;
}

static void count_one(struct tally *tally, struct stream *stream, uint64_t sequence, uint64_t sent_ns, uint64_t now_ns) {
    if (sequence > stream->last) {
        tally->gaps += sequence - stream->last - 1;
        stream->last = sequence;
    } else {
        tally->repeats++;
    }
    stream->events++;
    tally->events++;
    histogram_add(&tally->latency, now_ns > sent_ns ? (now_ns - sent_ns) / 1000 : 0);
    uint64_t second = (now_ns - tally->began_ns) / 1000000000u;
    tally->per_second[second < MAX_SECONDS ? second : MAX_SECONDS - 1]++;
    if (tally->first_ns == 0) tally->first_ns = now_ns;
    tally->last_ns = now_ns;
}

static struct known *known_at(struct tally *tally, uint64_t sequence) {
    return &tally->known[sequence % KNOWN];
}

static void remember(struct tally *tally, uint64_t sequence, uint64_t sent_ns, const unsigned char *message,
                     size_t length) {
    struct known *known = known_at(tally, sequence);
    *known = (struct known){.sequence = sequence, .sent_ns = sent_ns, .length = length};
    memcpy(known->message, message, length);
}

/* True for a message that is the next event and is known; then it is counted. */
static bool count_known(struct tally *tally, struct stream *stream, const unsigned char *message, size_t length,
                        uint64_t now_ns) {
    const struct known *known = known_at(tally, stream->last + 1);
    if (known->length != length || known->sequence != stream->last + 1 || memcmp(known->message, message, length) != 0)
        return false;
    count_one(tally, stream, known->sequence, known->sent_ns, now_ns);
    return true;
}

/* Where the key begins whose end the next piece has, or `end`. */
static const unsigned char *cut_key(const unsigned char *at, const unsigned char *end) {
    for (size_t length = KEY - 1; length > 0; length--)
        if ((size_t)(end - at) >= length && memcmp(end - length, NUMBER, length) == 0) return end - length;
    return end;
}

/* Count the whole events that begin before `limit`; gives where the one begins that is cut by `end`, or `end`. */
static const unsigned char *count_whole(struct tally *tally, struct stream *stream, const unsigned char *at,
                                        const unsigned char *limit, const unsigned char *end, uint64_t now_ns) {
    const unsigned char *start = at;
    uint64_t events = 0, sequence = 0, sent_ns = 0;
    if ((size_t)(end - at) > stream->hint + KEY && memcmp(at + stream->hint, NUMBER, KEY) == 0) at += stream->hint;
    for (;;) {
        const unsigned char *found = memmem(at, (size_t)(end - at), NUMBER, KEY), *time = NULL;
        if (found == NULL) {
            const unsigned char *cut = cut_key(at, end);
            if (events == 1 && cut == end && end - start <= KNOWN_BYTES)
                remember(tally, sequence, sent_ns, start, (size_t)(end - start));
            return cut;
        }
        if (found >= limit) return end;
        at = digits(found + KEY, end, &sequence);
        if (at != NULL) time = memmem(at, (size_t)(end - at), TIME, KEY);
        if (time == NULL || (at = digits(time + KEY, end, &sent_ns)) == NULL) return found;
        if (events++ == 0) stream->hint = (uint32_t)(found - start);
        count_one(tally, stream, sequence, sent_ns, now_ns);
    }
}

static void carry(struct stream *stream, const unsigned char *cut, const unsigned char *end) {
    stream->carried = end - cut <= CARRY ? (uint8_t)(end - cut) : 0;
    memmove(stream->carry, cut, stream->carried);
}

void count_events(struct tally *tally, struct stream *stream, const unsigned char *piece, size_t length,
                  uint64_t now_ns) {
    if (stream->carried == 0 && count_known(tally, stream, piece, length, now_ns)) return;
    if (stream->carried > 0) {
        /* What matters of an event is shorter than CARRY: the one that was cut ends here, or the piece is all too short. */
        unsigned char joined[2 * CARRY], *limit = joined + stream->carried;
        size_t added = length < CARRY ? length : CARRY;
        memcpy(joined, stream->carry, stream->carried);
        memcpy(limit, piece, added);
        const unsigned char *cut = count_whole(tally, stream, joined, limit, limit + added, now_ns);
        if (cut < limit && length < CARRY) {
            carry(stream, cut, limit + added);
            return;
        }
        stream->carried = 0;
    }
    const unsigned char *end = piece + length;
    carry(stream, count_whole(tally, stream, piece, end, end, now_ns), end);
}
