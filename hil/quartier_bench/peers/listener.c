/* Counts what peers publish: an MQTT subscriber whose values are times (see registers.c).
 *
 *   listener PORT      connects to 127.0.0.1:PORT and subscribes to everything at QoS 0
 *
 * A value below 65536 is the wall clock in ms, modulo 65536, at which the device answered.  From
 * Sparkplug data of devices (spBv1.0/G/DDATA/...) come the float, double and integer values of the metrics, from JSON
 * every number outside strings.  To a ThingsBoard gateway that asks for its session's limits it answers that
 * there are none: without an answer it sends nothing.  Orders on stdin:
 *   window FROM TO   take what was answered in [FROM, TO) (Unix ms)
 *   count            one JSON line: points, p50_ms, p99_ms, max_ms, messages, bytes
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LATE_MAX 65536
static int64_t from_ms, to_ms, now_ms;
static int line_fd;
static unsigned long long points, messages, bytes_count, late[LATE_MAX], all_points;

static int64_t wall_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void take(double value) {
    if (!(value >= 0 && value < LATE_MAX))
        return;
    int64_t late_ms = (now_ms - (int64_t)value) & (LATE_MAX - 1);
    int64_t answered_ms = now_ms - late_ms;
    all_points++;
    if (answered_ms >= from_ms && answered_ms < to_ms)
        points++, late[late_ms]++;
}

static const unsigned char *varint(const unsigned char *at, const unsigned char *end, uint64_t *value) {
    *value = 0;
    for (int shift = 0; at < end && shift < 64; shift += 7) {
        *value |= (uint64_t)(*at & 127) << shift;
        if (!(*at++ & 128))
            return at;
    }
    return NULL;
}

/* Walks one level of a protobuf message; depth 0 is the payload, 1 a metric (Sparkplug B 3.0, 6.4). */
static void sparkplug(const unsigned char *at, const unsigned char *end, int depth) {
    while (at && at < end) {
        uint64_t key, value;
        if (!(at = varint(at, end, &key)))
            return;
        unsigned field = key >> 3;
        switch (key & 7) {
        case 0:
            if (!(at = varint(at, end, &value)))
                return;
            if (depth == 1 && (field == 10 || field == 11))
                take((double)value);
            break;
        case 1: {
            double number;
            if (end - at < 8)
                return;
            memcpy(&number, at, 8), at += 8;
            if (depth == 1 && field == 13)
                take(number);
            break;
        }
        case 2:
            if (!(at = varint(at, end, &value)) || value > (uint64_t)(end - at))
                return;
            if (depth == 0 && field == 2)
                sparkplug(at, at + value, 1);
            at += value;
            break;
        case 5: {
            float number;
            if (end - at < 4)
                return;
            memcpy(&number, at, 4), at += 4;
            if (depth == 1 && field == 12)
                take(number);
            break;
        }
        default:
            return;
        }
    }
}

static void json(const unsigned char *at, const unsigned char *end) {
    while (at < end) {
        if (*at == '"') {
            for (at++; at < end && *at != '"'; at++)
                if (*at == '\\')
                    at++;
            at++;
        } else if ((*at >= '0' && *at <= '9') || *at == '-') {
            double number = 0, sign = *at == '-' ? -1 : 1;
            for (at += *at == '-'; at < end && *at >= '0' && *at <= '9'; at++)
                number = 10 * number + (*at - '0');
            while (at < end && (*at == '.' || *at == 'e' || *at == 'E' || *at == '+' || *at == '-' || (*at >= '0' && *at <= '9')))
                at++;
            take(sign * number);
        } else {
            at++;
        }
    }
}

static int whole(int fd, const void *bytes, size_t size) {
    return write(fd, bytes, size) == (ssize_t)size;
}

static void grant(const char *number, size_t length) {
    static const char limits[] = "{\"maxPayloadSize\": 81920, \"rateLimits\": {}}";
    unsigned char out[256];
    int topic = snprintf((char *)out + 4, 128, "v1/devices/me/rpc/response/%.*s", (int)(length < 20 ? length : 20), number);
    size_t size = 2 + topic + sizeof limits - 1;
    out[0] = 0x30, out[1] = size, out[2] = 0, out[3] = topic;
    memcpy(out + 4 + topic, limits, sizeof limits - 1);
    if (size < 128)
        whole(line_fd, out, 2 + size);
}

static void published(const unsigned char *at, size_t size, int flags) {
    if (size < 2)
        return;
    size_t topic = at[0] << 8 | at[1], skip = 2 + topic + ((flags >> 1 & 3) ? 2 : 0);
    if (skip > size)
        return;
    const char *name = (const char *)at + 2;
    messages++, bytes_count += size;
    if (topic > 8 && !memcmp(name, "spBv1.0/", 8)) {
        if (memmem(name, topic, "/DDATA/", 7)) /* births repeat what was told; the node tells of itself */
            sparkplug(at + skip, at + size, 0);
    } else if (topic > 26 && !memcmp(name, "v1/devices/me/rpc/request/", 26)) {
        grant(name + 26, topic - 26);
    } else if ((topic >= 6 && !memcmp(name, "bench/", 6)) || (topic == 20 && !memcmp(name, "v1/gateway/telemetry", 20))) {
        json(at + skip, at + size);
    }
}

static void order(char *line) {
    long long from, to;
    if (sscanf(line, "window %lld %lld", &from, &to) == 2) {
        from_ms = from, to_ms = to, points = messages = bytes_count = 0;
        memset(late, 0, sizeof late);
        puts("ok");
    } else {
        unsigned long long seen = 0, half = 0, most = 0, max = 0;
        for (int at = 0; at < LATE_MAX; at++) {
            if (!late[at])
                continue;
            seen += late[at], max = at;
            if (!half && 2 * seen >= points)
                half = at + 1;
            if (!most && 100 * seen >= 99 * points)
                most = at + 1;
        }
        printf("{\"points\": %llu, \"all\": %llu, \"p50_ms\": %llu, \"p99_ms\": %llu, \"max_ms\": %llu, \"messages\": %llu, \"bytes\": %llu}\n",
               points, all_points, half ? half - 1 : 0, most ? most - 1 : 0, max, messages, bytes_count);
    }
    fflush(stdout);
}

int main(int argc, char **argv) {
    static const unsigned char connect_packet[] = {0x10, 18, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 6, 'l', 'i', 's', 't', 'e', 'n'};
    static const unsigned char subscribe_packet[] = {0x82, 6, 0, 1, 0, 1, '#', 0};
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (argc < 2)
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    place.sin_port = htons(atoi(argv[1]));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    line_fd = fd;
    if (connect(fd, (struct sockaddr *)&place, sizeof place))
        return perror("connect"), 1;
    if (!whole(fd, connect_packet, sizeof connect_packet) || !whole(fd, subscribe_packet, sizeof subscribe_packet))
        return 1;
    size_t room = 1 << 22, held = 0, typed = 0;
    unsigned char *bytes = malloc(room);
    char line[256];
    puts("ready"), fflush(stdout);
    struct pollfd both[2] = {{.fd = fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    while (poll(both, 2, -1) >= 0 || errno == EINTR) {
        if (both[1].revents) {
            ssize_t got = read(0, line + typed, sizeof line - 1 - typed);
            if (got <= 0)
                return 0;
            typed += got, line[typed] = 0;
            char *at = line, *end;
            while ((end = strchr(at, '\n')))
                *end = 0, order(at), at = end + 1;
            typed -= at - line;
            memmove(line, at, typed);
        }
        if (!both[0].revents)
            continue;
        ssize_t got = read(fd, bytes + held, room - held);
        if (got <= 0)
            return 1;
        held += got, now_ms = wall_ms();
        size_t done = 0;
        for (;;) {
            size_t length = 0, at = done + 1;
            int shift = 0;
            while (at < held && shift < 28) {
                length |= (size_t)(bytes[at] & 127) << shift, shift += 7;
                if (!(bytes[at++] & 128))
                    break;
            }
            if (at > held || at == done + 1 || bytes[at - 1] & 128)
                break;
            if (held - at < length) {
                if (length + 8 > room)
                    bytes = realloc(bytes, room = 2 * (length + 8));
                break;
            }
            if ((bytes[done] >> 4) == 3)
                published(bytes + at, length, bytes[done] & 15);
            done = at + length;
        }
        held -= done;
        memmove(bytes, bytes + done, held);
    }
    return 0;
}
