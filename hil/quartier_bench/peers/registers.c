/* A Modbus TCP server that costs next to nothing: every register holds the time of the answer.
 *
 *   registers PORTS [DELAY_US]
 *
 * Prints the PORTS loopback ports that it listens on, one line.  Answers functions 1 to 4 of every unit:
 * each register is the wall clock in ms modulo 65536, each bit is 0.  DELAY_US holds each answer back so long.
 * Orders on stdin, one a line, answered by one line on stdout:
 *   window FROM TO   count what is answered in [FROM, TO) (Unix ms) from now on
 *   count            registers and requests answered in the window, and requests since the start
 *   mute PORT_INDEX  that port answers nothing more;  speak PORT_INDEX  it does again
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <signal.h>

#define PORTS_MAX 1024
#define REQUEST 12 /* MBAP header and a read */

struct peer {
    int fd, port, held;
    unsigned char bytes[2048];
};
struct waiting {
    int64_t due_us;
    int fd, port;
    unsigned char head[REQUEST];
};

static int64_t from_ms = 0, to_ms = 0;
static unsigned long long registers_count, requests_count, all_count;
static int muted[PORTS_MAX];
static struct waiting queue[4096];
static unsigned queue_head, queue_tail;

static int64_t wall_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void answer(int fd, int port, const unsigned char *head) {
    unsigned char out[9 + 250] = {0};
    unsigned count = head[10] << 8 | head[11];
    int function = head[7];
    if (muted[port])
        return;
    memcpy(out, head, 8);
    int reads = function >= 1 && function <= 4, bits = function <= 2;
    if (!reads || count < 1 || count > (bits ? 2000 : 125)) {
        out[4] = 0, out[5] = 3, out[7] = function | 0x80, out[8] = reads ? 3 : 1;
        if (write(fd, out, 9) < 0) {}
        return;
    }
    int64_t now_ms = wall_us() / 1000;
    unsigned size = bits ? (count + 7) / 8 : 2 * count;
    out[4] = (3 + size) >> 8, out[5] = (3 + size) & 255, out[8] = size;
    for (unsigned at = 0; !bits && at < count; at++)
        out[9 + 2 * at] = now_ms >> 8 & 255, out[10 + 2 * at] = now_ms & 255;
    if (write(fd, out, 9 + size) != (ssize_t)(9 + size))
        return;
    all_count++;
    if (now_ms >= from_ms && now_ms < to_ms)
        registers_count += count, requests_count++;
}

static void order(char *line) {
    long long from, to;
    int port;
    if (sscanf(line, "window %lld %lld", &from, &to) == 2) {
        from_ms = from, to_ms = to, registers_count = requests_count = 0;
        puts("ok");
    } else if (sscanf(line, "mute %d", &port) == 1 && port >= 0 && port < PORTS_MAX) {
        muted[port] = 1, puts("ok");
    } else if (sscanf(line, "speak %d", &port) == 1 && port >= 0 && port < PORTS_MAX) {
        muted[port] = 0, puts("ok");
    } else {
        printf("{\"registers\": %llu, \"requests\": %llu, \"all\": %llu}\n", registers_count, requests_count, all_count);
    }
    fflush(stdout);
}

int main(int argc, char **argv) {
    int ports = argc > 1 ? atoi(argv[1]) : 1, on = 1;
    int64_t delay_us = argc > 2 ? atoll(argv[2]) : 0;
    if (ports < 1 || ports > PORTS_MAX)
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1000);
    signal(SIGPIPE, SIG_IGN);
    int poll = epoll_create1(0);
    static struct peer listeners[PORTS_MAX], input = {.fd = 0, .port = -2};
    for (int at = 0; at < ports; at++) {
        struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof place;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&place, size) || listen(fd, 64) || getsockname(fd, (struct sockaddr *)&place, &size))
            return perror("listen"), 1;
        listeners[at] = (struct peer){.fd = fd, .port = at, .held = -1};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &listeners[at]});
        printf("%d%c", ntohs(place.sin_port), at + 1 < ports ? ' ' : '\n');
    }
    fflush(stdout);
    if (epoll_ctl(poll, EPOLL_CTL_ADD, 0, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &input})) {}
    for (;;) {
        struct epoll_event events[64];
        struct timespec left = {0}, *wait = NULL;
        if (queue_head != queue_tail) {
            int64_t left_us = queue[queue_tail % 4096].due_us - wall_us();
            if (left_us > 0)
                left.tv_sec = left_us / 1000000, left.tv_nsec = left_us % 1000000 * 1000;
            wait = &left;
        }
        int found = epoll_pwait2(poll, events, 64, wait, NULL);
        while (queue_head != queue_tail && queue[queue_tail % 4096].due_us <= wall_us()) {
            struct waiting *next = &queue[queue_tail++ % 4096];
            answer(next->fd, next->port, next->head);
        }
        for (int at = 0; at < found; at++) {
            struct peer *who = events[at].data.ptr;
            if (who->held == -1) { /* a listener */
                int fd = accept4(who->fd, NULL, NULL, SOCK_NONBLOCK);
                if (fd < 0)
                    continue;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                struct peer *fresh = calloc(1, sizeof *fresh);
                fresh->fd = fd, fresh->port = who->port;
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = fresh});
                continue;
            }
            ssize_t got = read(who->fd, who->bytes + who->held, sizeof who->bytes - 1 - who->held);
            if (got <= 0) {
                if (got < 0 && (errno == EAGAIN || errno == EINTR))
                    continue;
                if (who->port == -2)
                    return 0; /* whoever started us is gone */
                close(who->fd);
                free(who);
                continue;
            }
            who->held += got;
            if (who->port == -2) {
                char *line = (char *)who->bytes, *end;
                who->bytes[who->held] = 0;
                while ((end = strchr(line, '\n')))
                    *end = 0, order(line), line = end + 1;
                who->held -= line - (char *)who->bytes;
                memmove(who->bytes, line, who->held);
                continue;
            }
            int done = 0;
            while (who->held - done >= 8) {
                unsigned char *head = who->bytes + done;
                int length = 6 + (head[4] << 8 | head[5]);
                if (length < 8 || length > 260) { /* no Modbus */
                    done = who->held;
                    break;
                }
                if (who->held - done < length)
                    break;
                if (length == REQUEST && delay_us && queue_head - queue_tail < 4096) {
                    struct waiting *next = &queue[queue_head++ % 4096];
                    next->due_us = wall_us() + delay_us, next->fd = who->fd, next->port = who->port;
                    memcpy(next->head, head, REQUEST);
                } else if (length == REQUEST) {
                    answer(who->fd, who->port, head);
                }
                done += length;
            }
            who->held -= done;
            memmove(who->bytes, who->bytes + done, who->held);
        }
    }
}
