/* A Modbus TCP endpoint with the time that its units take to answer, as a gateway to several devices has it.
 *
 *   network UNITS
 *
 * Prints the loopback port that it listens on.  Units 1 to UNITS answer functions 3 and 4 as registers.c does,
 * one request after the other, each so long after it came as was said.  Orders on stdin as of wire.c: mute UNIT,
 * speak UNIT, answer UNIT US, reset, count, which gives:
 *     all        requests answered since the start
 *     now_s      this clock, in whose seconds the others are
 *     line_s     time that units took for their answers
 *     late_s     by how much this program itself was late with answers
 *     last_s     when it answered last
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD 7 /* of MBAP */

static double line_s, late_s, last_s, thinks_s[256];
static unsigned long long all_count;
static int muted[256];

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

static void until(double moment_s) {
    struct timespec at = {.tv_sec = (time_t)moment_s};
    at.tv_nsec = (long)((moment_s - (double)at.tv_sec) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {}
}

static void answer(int fd, const unsigned char *request, double arrived_s, int units) {
    unsigned char out[HEAD + 2 + 250];
    int unit = request[6], function = request[7], count = request[10] << 8 | request[11], size = 2 + 2 * count;
    if (unit < 1 || unit > units || muted[unit])
        return;
    memcpy(out, request, HEAD + 1), out[8] = 2 * count;
    if ((function != 3 && function != 4) || count < 1 || count > 125)
        out[7] |= 0x80, out[8] = 3, size = 2;
    until(arrived_s + thinks_s[unit]);
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    unsigned now_ms = (unsigned)(wall.tv_sec * 1000 + wall.tv_nsec / 1000000);
    for (int at = HEAD + 2; at < HEAD + size; at += 2)
        out[at] = now_ms >> 8 & 255, out[at + 1] = now_ms & 255;
    out[4] = (size + 1) >> 8, out[5] = (size + 1) & 255;
    double answered_s = now_s(); /* before it wakes the master, who may run before us */
    if (write(fd, out, HEAD + size) != HEAD + size)
        return;
    last_s = answered_s, line_s += thinks_s[unit], late_s += answered_s - arrived_s - thinks_s[unit], all_count++;
}

static void order(const char *text) {
    int unit;
    long long us;
    if (sscanf(text, "mute %d", &unit) == 1 && unit >= 0 && unit < 256)
        muted[unit] = 1, puts("ok");
    else if (sscanf(text, "speak %d", &unit) == 1 && unit >= 0 && unit < 256)
        muted[unit] = 0, puts("ok");
    else if (sscanf(text, "answer %d %lld", &unit, &us) == 2 && unit >= 0 && unit < 256)
        thinks_s[unit] = us * 1e-6, puts("ok");
    else if (!strcmp(text, "reset"))
        line_s = late_s = 0, puts("ok");
    else
        printf("{\"all\": %llu, \"line_s\": %.6f, \"late_s\": %.6f, \"last_s\": %.6f, \"now_s\": %.6f}\n", all_count, line_s, late_s, last_s, now_s());
    fflush(stdout);
}

int main(int argc, char **argv) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof place;
    int units = argc > 1 ? atoi(argv[1]) : 0, on = 1, held = 0, typed = 0, fd = -1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (units < 1)
        return 2;
    if (listener < 0 || bind(listener, (struct sockaddr *)&place, length) || listen(listener, 4) || getsockname(listener, (struct sockaddr *)&place, &length))
        return perror("listen"), 1;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1000);
    signal(SIGPIPE, SIG_IGN);
    printf("%d\n", ntohs(place.sin_port)), fflush(stdout);
    unsigned char heard[1024];
    char text[256];
    for (;;) {
        struct pollfd all[3] = {{.fd = 0, .events = POLLIN}, {.fd = listener, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
        if (poll(all, 3, -1) < 0 && errno != EINTR)
            return perror("poll"), 1;
        double now = now_s();
        if (all[0].revents) {
            ssize_t got = read(0, text + typed, sizeof text - 1 - typed);
            char *line = text, *end;
            if (got <= 0)
                return 0; /* whoever started us is gone */
            typed += got, text[typed] = 0;
            while ((end = strchr(line, '\n')))
                *end = 0, order(line), line = end + 1;
            typed -= line - text;
            memmove(text, line, typed);
        }
        if (all[1].revents) { /* the newest connection counts, as with devices that bear one client */
            if (fd >= 0)
                close(fd);
            fd = accept(listener, NULL, NULL), held = 0;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        } else if (fd >= 0 && all[2].revents) {
            ssize_t got = read(fd, heard + held, sizeof heard - held);
            if (got <= 0) {
                close(fd), fd = -1;
                continue;
            }
            held += got;
            while (held >= HEAD + 5) {
                int size = 6 + (heard[4] << 8 | heard[5]);
                if (size != HEAD + 5) /* not a read: nothing that we understand */
                    return 3;
                answer(fd, heard, now, units);
                held -= size;
                memmove(heard, heard + size, held);
            }
        }
    }
}
