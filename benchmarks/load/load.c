/* The load generator: opens WebSockets, and counts the events that arrive, in one thread.
 *
 *   load PORT OPENINGS AT_ONCE PATIENCE
 *
 * opens every socket of the pipe OPENINGS (openings.h), which is read when it is needed, at 127.0.0.1:PORT, at most
 * AT_ONCE of them at a time, and gives up what is not open PATIENCE seconds after the start. Then it prints one line of
 * JSON, {"opened": ...}. On stdin it takes
 *
 *   go      forget what was counted; events are counted from number 1 on
 *   tell    print what was counted since, one line of JSON, {"events": ...}
 *   quit    end, as at the end of stdin
 *
 * Pings are answered, closes too. An event is found by its `"n":<sequence>` and, behind it, `"t":"<monotonic ns>"`.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clients.h"

enum { TURN = 512, PATIENCE_MS = 100 };

static struct {
    struct clients clients;
    struct source source;
    unsigned at_once;
    uint64_t began_ns, give_up_ns;
    bool is_announced;
    struct rusage used;
} load;

static char stdin_marker, source_marker;

static void print_histogram(const char *name, const struct histogram *of) {
    printf("\"%s\": {\"p50\": %lu, \"p90\": %lu, \"p99\": %lu, \"max\": %lu}", name, histogram_quantile(of, 0.5),
           histogram_quantile(of, 0.9), histogram_quantile(of, 0.99), of->max);
}

static void print_reasons(const char *name, const struct reasons *reasons) {
    printf("\"%s\": {", name);
    for (unsigned i = 0; i < reasons->kinds; i++)
        printf("%s\"%d\": %lu", i > 0 ? ", " : "", reasons->of[i].code, reasons->of[i].count);
    printf("}");
}

static double seconds(struct timeval now, struct timeval before) {
    return (double)(now.tv_sec - before.tv_sec) + (double)(now.tv_usec - before.tv_usec) / 1e6;
}

static void print_cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("\"cpu\": {\"user\": %.6f, \"system\": %.6f}", seconds(used.ru_utime, load.used.ru_utime),
           seconds(used.ru_stime, load.used.ru_stime));
}

static double since(uint64_t later, uint64_t earlier) {
    return later > earlier ? (double)(later - earlier) / 1e9 : 0;
}

static void announce(void) {
    load.is_announced = true;
    printf("{\"opened\": %lu, \"seconds\": %.6f, ", load.clients.opened, since(load.clients.opened_ns, load.began_ns));
    print_reasons("refused", &load.clients.refused);
    printf(", ");
    print_histogram("handshake_us", &load.clients.handshakes);
    printf(", ");
    print_cpu();
    printf("}\n");
    fflush(stdout);
}

static void go(void) {
    clients_forget(&load.clients);
    getrusage(RUSAGE_SELF, &load.used);
}

static void tell(void) {
    const struct tally *tally = &load.clients.tally;
    uint64_t least = UINT64_MAX, most = 0, now = now_ns(), open = 0;
    for (size_t i = 0; i < load.clients.count; i++) {
        if (load.clients.all[i]->fd < 0) continue;
        uint64_t events = load.clients.all[i]->stream.events;
        open++;
        if (events < least) least = events;
        if (events > most) most = events;
    }
    printf("{\"events\": %lu, \"bytes\": %lu, \"gaps\": %lu, \"repeats\": %lu, \"open\": %lu, \"least\": %lu, \"most\": %lu, ",
           tally->events, tally->bytes, tally->gaps, tally->repeats, open, open > 0 ? least : 0, most);
    printf("\"seconds\": %.6f, \"first\": %.6f, \"last\": %.6f, ", since(now, tally->began_ns),
           since(tally->first_ns, tally->began_ns), since(tally->last_ns, tally->began_ns));
    print_reasons("lost", &load.clients.lost);
    printf(", ");
    print_histogram("latency_us", &tally->latency);
    printf(", ");
    print_cpu();
    printf(", \"per_second\": [");
    uint64_t last_second = tally->events > 0 ? (tally->last_ns - tally->began_ns) / 1000000000u : 0;
    for (uint64_t second = 0; second <= last_second && second < MAX_SECONDS; second++)
        printf("%s%lu", second > 0 ? ", " : "", tally->per_second[second]);
    printf("]}\n");
    fflush(stdout);
}

/* False at the end. */
static bool obey(void) {
    static char line[256];
    static size_t length;
    ssize_t count = read(STDIN_FILENO, line + length, sizeof line - length);
    if (count <= 0) return false;
    length += (size_t)count;
    char *newline;
    while ((newline = memchr(line, '\n', length)) != NULL) {
        *newline = '\0';
        if (strcmp(line, "go") == 0) go();
        else if (strcmp(line, "tell") == 0) tell();
        else return false;
        length -= (size_t)(newline + 1 - line);
        memmove(line, newline + 1, length);
    }
    return length < sizeof line;
}

static void fill(void) {
    struct clients *clients = &load.clients;
    struct opening *opening;
    while (clients->opening < load.at_once && (opening = source_next(&load.source)) != NULL)
        clients_open(clients, opening);
    if (load.is_announced) return;
    if (clients->opening < load.at_once && !load.source.is_over)
        watch(clients->epoll, load.source.fd, EPOLLIN | EPOLLONESHOT, &source_marker, EPOLL_CTL_MOD);
    bool is_late = now_ns() > load.give_up_ns;
    if (is_late) clients_give_up(clients);
    if (is_late || (load.source.is_over && load.source.length == 0 && clients->opening == 0)) announce();
}

static void prepare(const char *path) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    load.clients.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.source.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (load.clients.epoll < 0 || load.source.fd < 0) fail(path);
    watch(load.clients.epoll, STDIN_FILENO, EPOLLIN, &stdin_marker, EPOLL_CTL_ADD);
    watch(load.clients.epoll, load.source.fd, EPOLLIN | EPOLLONESHOT, &source_marker, EPOLL_CTL_ADD);
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "usage: load PORT OPENINGS AT_ONCE PATIENCE\n");
        return 2;
    }
    load.clients.port = atoi(arguments[1]);
    load.at_once = (unsigned)atoi(arguments[3]);
    load.began_ns = load.clients.opened_ns = load.clients.tally.began_ns = now_ns();
    load.give_up_ns = load.began_ns + (uint64_t)(atof(arguments[4]) * 1e9);
    prepare(arguments[2]);
    struct epoll_event events[TURN];
    for (;;) {
        fill();
        int ready = epoll_wait(load.clients.epoll, events, TURN, PATIENCE_MS);
        for (int i = 0; i < ready; i++) {
            void *what = events[i].data.ptr;
            if (what == &stdin_marker) {
                if (!obey()) return 0;
            } else if (what == &source_marker) {
                source_read(&load.source);
            } else {
                client_serve(what, events[i].events);
            }
        }
    }
}
