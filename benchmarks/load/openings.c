#include "openings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 16 };

static void broken(const char *why) {
    fprintf(stderr, "load: openings: %s\n", why);
    exit(2);
}

void source_read(struct source *source) {
    if (source->capacity - source->length < CHUNK) {
        source->capacity = source->length + 2 * CHUNK;
        source->held = realloc(source->held, source->capacity);
        if (source->held == NULL) broken("no memory");
    }
    ssize_t count = read(source->fd, source->held + source->length, CHUNK);
    if (count > 0) source->length += (size_t)count;
    if (count == 0) source->is_over = true;
    if (count < 0 && errno != EAGAIN && errno != EINTR) broken(strerror(errno));
}

struct reader {
    unsigned char *at, *end;
};

static uint32_t number(struct reader *reader) {
    uint32_t value;
    if (reader->end - reader->at < 4) broken("a record is cut");
    memcpy(&value, reader->at, 4);
    reader->at += 4;
    return value;
}

static struct bytes text(struct reader *reader) {
    struct bytes found = {.length = number(reader)};
    if ((size_t)(reader->end - reader->at) < found.length) broken("a record is cut");
    found.at = reader->at;
    reader->at += found.length;
    return found;
}

static uint32_t count(struct reader *reader) {
    uint32_t value = number(reader);
    if (value > MAX_MESSAGES) broken("too many messages in a record");
    return value;
}

struct opening *source_next(struct source *source) {
    uint32_t length;
    if (source->length >= 4) memcpy(&length, source->held, 4);
    if (source->length < 4 || source->length - 4 < length) {
        if (source->is_over && source->length > 0) broken("the last record is cut");
        return NULL;
    }

    struct opening *opening = calloc(1, sizeof *opening);
    unsigned char *record = malloc(length + 1);
    if (opening == NULL || record == NULL) broken("no memory");
    memcpy(record, source->held + 4, length);
    source->length -= 4 + length;
    memmove(source->held, source->held + 4 + length, source->length);

    struct reader reader = {record, record + length};
    opening->record = record;
    opening->is_binary = number(&reader) != 0;
    opening->request = text(&reader);
    opening->ready = text(&reader);
    opening->after_count = count(&reader);
    for (uint32_t i = 0; i < opening->after_count; i++) opening->after[i] = text(&reader);
    opening->answer_count = count(&reader);
    for (uint32_t i = 0; i < opening->answer_count; i++) {
        opening->questions[i] = text(&reader);
        opening->answers[i] = text(&reader);
    }
    return opening;
}

void opening_free(struct opening *opening) {
    if (opening == NULL) return;
    free(opening->record);
    free(opening);
}
