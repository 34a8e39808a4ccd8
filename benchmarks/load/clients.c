#define _GNU_SOURCE
#include "clients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, READ = 1 << 18, MAX_SENT = 1 << 16 };
enum { CONTINUED = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };
enum { NOT_CONNECTED = 0, GIVEN_UP = 1, NO_CODE = 1005, CUT = 1006, TOO_BIG = 1009 };

static unsigned char buffer[BUFFER];

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void fail(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void count_reason(struct reasons *reasons, int code) {
    unsigned i = 0;
    while (i < reasons->kinds && reasons->of[i].code != code) i++;
    if (i == MAX_REASONS) i--;
    if (i == reasons->kinds) reasons->of[reasons->kinds++].code = code;
    reasons->of[i].count++;
}

/* The connection is over: refused before it was open, else lost. Its place stays, so that nothing points to nowhere. */
static void end(struct client *client, int code) {
    if (client->fd < 0) return;
    if (client->state != OPEN) client->of->opening--;
    count_reason(client->state == OPEN ? &client->of->lost : &client->of->refused, code);
    close(client->fd);
    client->fd = -1;
    free(client->held);
    client->held = NULL;
    client->held_length = client->held_capacity = 0;
    opening_free(client->opening);
    client->opening = NULL;
}

static void send_all(struct client *client, const unsigned char *bytes, size_t length) {
    if (client->fd >= 0 && send(client->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        end(client, CUT);
}

static void send_frame(struct client *client, int opcode, const unsigned char *payload, size_t length) {
    static unsigned char frame[MAX_SENT + 16];
    static uint32_t mask = 0x9e3779b9;
    size_t head = 2;
    if (length > MAX_SENT) fail("a message to send is too long");
    mask = mask * 1664525 + 1013904223;
    frame[0] = (unsigned char)(0x80 | opcode);
    frame[1] = (unsigned char)(0x80 | (length < 126 ? length : 126));
    if (length >= 126) {
        frame[head++] = (unsigned char)(length >> 8);
        frame[head++] = (unsigned char)length;
    }
    memcpy(frame + head, &mask, 4);
    head += 4;
    for (size_t i = 0; i < length; i++) frame[head + i] = payload[i] ^ frame[head - 4 + (i & 3)];
    send_all(client, frame, head + length);
}

static void send_message(struct client *client, struct bytes payload) {
    send_frame(client, client->opening->is_binary ? BINARY : TEXT, payload.at, payload.length);
}

static void become_open(struct client *client, uint64_t now) {
    client->state = OPEN;
    client->of->opening--;
    client->of->opened++;
    client->of->opened_ns = now;
    histogram_add(&client->of->handshakes, (now - client->started_ns) / 1000);
}

static bool begins_with(const unsigned char *payload, size_t length, struct bytes beginning) {
    return length >= beginning.length && memcmp(payload, beginning.at, beginning.length) == 0;
}

static void receive_message(struct client *client, const unsigned char *payload, size_t length, uint64_t now) {
    const struct opening *opening = client->opening;
    if (client->state == WAITING && begins_with(payload, length, opening->ready)) become_open(client, now);
    for (uint32_t i = 0; i < opening->answer_count; i++)
        if (length == opening->questions[i].length && begins_with(payload, length, opening->questions[i])) {
            send_message(client, opening->answers[i]);
            return;
        }
    count_events(&client->of->tally, &client->stream, payload, length, now);
}

static void receive_frame(struct client *client, int opcode, const unsigned char *payload, size_t length,
                          uint64_t now) {
    if (opcode == PING) {
        send_frame(client, PONG, payload, length);
    } else if (opcode == CLOSE) {
        send_frame(client, CLOSE, payload, length < 2 ? 0 : 2);
        end(client, length < 2 ? NO_CODE : payload[0] << 8 | payload[1]);
    } else if (opcode == CONTINUED || opcode == TEXT || opcode == BINARY) {
        receive_message(client, payload, length, now);
    }
}

/* Take the whole frames; gives how many bytes were taken. */
static size_t receive_frames(struct client *client, const unsigned char *bytes, size_t length, uint64_t now) {
    size_t taken = 0;
    while (client->fd >= 0 && length - taken >= 2) {
        const unsigned char *frame = bytes + taken;
        size_t head = 2, size = frame[1] & 0x7f, left = length - taken;
        if (size >= 126) {
            size_t extra = size == 126 ? 2 : 8;
            if (left < 2 + extra) break;
            for (size = 0; head < 2 + extra; head++) size = size << 8 | frame[head];
            if (size > BUFFER - READ - 16) {
                end(client, TOO_BIG);
                return taken;
            }
        }
        if (left < head + size) break;
        receive_frame(client, frame[0] & 0x0f, frame + head, size, now);
        taken += head + size;
    }
    return taken;
}

/* Take the head of the answer to the upgrade; gives its length, 0 when it is not all there. */
static size_t receive_head(struct client *client, const unsigned char *bytes, size_t length, uint64_t now) {
    const unsigned char *blank = memmem(bytes, length, "\r\n\r\n", 4);
    if (blank == NULL) return 0;
    int status = length > 12 ? atoi((const char *)bytes + 9) : NOT_CONNECTED;
    if (status != 101) {
        end(client, status);
        return 0;
    }
    client->state = WAITING;
    struct opening *opening = client->opening;
    for (uint32_t i = 0; client->fd >= 0 && i < opening->after_count; i++)
        send_message(client, opening->after[i]);
    if (client->fd >= 0 && opening->ready.length == 0) become_open(client, now);
    return (size_t)(blank - bytes) + 4;
}

static void hold(struct client *client, const unsigned char *bytes, size_t length) {
    if (length > client->held_capacity) {
        client->held_capacity = (uint32_t)length;
        client->held = realloc(client->held, length);
        if (client->held == NULL) fail("held bytes");
    }
    if (length > 0) memcpy(client->held, bytes, length);
    client->held_length = (uint32_t)length;
}

static void receive(struct client *client) {
    size_t length = client->held_length, taken = 0;
    if (length > 0) memcpy(buffer, client->held, length);
    ssize_t count = recv(client->fd, buffer + length, READ, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
        end(client, CUT);
        return;
    }
    uint64_t now = now_ns();
    client->of->tally.bytes += (uint64_t)count;
    length += (size_t)count;
    if (client->state == UPGRADING) taken = receive_head(client, buffer, length, now);
    if (client->state > UPGRADING) taken += receive_frames(client, buffer + taken, length - taken, now);
    if (client->fd >= 0) hold(client, buffer + taken, length - taken);
}

void watch(int epoll, int fd, uint32_t events, void *what, int how) {
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(epoll, how, fd, &event) < 0) fail("epoll_ctl");
}

static void connected(struct client *client) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        end(client, NOT_CONNECTED);
        return;
    }
    client->state = UPGRADING;
    watch(client->of->epoll, client->fd, EPOLLIN, client, EPOLL_CTL_MOD);
    struct bytes request = client->opening->request;
    send_all(client, request.at, request.length);
}

void clients_open(struct clients *clients, struct opening *opening) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)clients->port)};
    struct client *client = calloc(1, sizeof *client);
    if (clients->count == clients->capacity) {
        clients->capacity = clients->capacity * 2 + 1024;
        clients->all = realloc(clients->all, clients->capacity * sizeof *clients->all);
    }
    if (client == NULL || clients->all == NULL) fail("clients");
    clients->all[clients->count++] = client;
    client->of = clients;
    client->opening = opening;
    client->started_ns = now_ns();
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0) fail("socket");
    clients->opening++;
    int yes = 1;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    watch(clients->epoll, client->fd, EPOLLOUT, client, EPOLL_CTL_ADD);
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        end(client, NOT_CONNECTED);
}

void client_serve(struct client *client, uint32_t events) {
    if (client->fd < 0) return;
    if (client->state == CONNECTING) connected(client);
    else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(client);
}

void clients_give_up(struct clients *clients) {
    for (size_t i = 0; i < clients->count; i++)
        if (clients->all[i]->state != OPEN) end(clients->all[i], GIVEN_UP);
}

void clients_forget(struct clients *clients) {
    memset(&clients->tally, 0, sizeof clients->tally);
    memset(&clients->lost, 0, sizeof clients->lost);
    for (size_t i = 0; i < clients->count; i++) memset(&clients->all[i]->stream, 0, sizeof(struct stream));
    clients->tally.began_ns = now_ns();
}
