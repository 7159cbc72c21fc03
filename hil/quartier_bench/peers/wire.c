/* An RS-485 line on a pseudo terminal, with the time that bytes take: the devices of one line, or none.
 *
 *   wire BAUD UNITS [BITS]
 *
 * Prints the path of the terminal.  Units 1 to UNITS answer functions 3 and 4 as registers.c does.  A character
 * is BITS bits, ten where it is not said.  A request goes over the line from when it arrives; the device is
 * silent for 3.5 characters, or as long as was said; its answer arrives character by character.  Orders on stdin
 * as of registers.c: window FROM TO, count, mute UNIT, speak UNIT; besides
 *   answer UNIT US   the unit begins its answers so many microseconds after their requests
 *   reset            forget the line's figures, which count gives:
 *     late_s     by how much this program itself was late with answers
 *     last_s     when it answered last
 *     now_s      this clock, in whose seconds the others are
 *     line_s     time that requests, answers and the silences between them took or had to take
 *     idle_s     time that the line stood still beyond the 3.5 characters after an answer, for the master's sake
 *     gap_min    the shortest silence that the master kept after an answer, in characters
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static double character_s, line_s, idle_s, late_s, gap_min, answered_s, last_s;
static int64_t from_ms, to_ms;
static unsigned long long registers_count, requests_count, all_count, broken_count;
static int muted[256];
static double thinks_s[256];

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

static int64_t wall_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void until(double moment_s) {
    struct timespec at = {.tv_sec = (time_t)moment_s};
    at.tv_nsec = (long)((moment_s - (double)at.tv_sec) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {}
}

static unsigned crc(const unsigned char *at, int size) {
    unsigned sum = 0xFFFF;
    while (size--) {
        sum ^= *at++;
        for (int bit = 0; bit < 8; bit++)
            sum = sum & 1 ? sum >> 1 ^ 0xA001 : sum >> 1;
    }
    return sum;
}

static void reset(void) {
    line_s = idle_s = late_s = answered_s = 0, gap_min = 1e9;
}

static void answer(int line, const unsigned char *request, double arrived_s, int units) {
    unsigned char out[260];
    int unit = request[0], function = request[1], count = request[4] << 8 | request[5], size = 3 + 2 * count;
    double silent_s = thinks_s[unit] > 0 ? thinks_s[unit] : 3.5 * character_s;
    double start_s = arrived_s + 8 * character_s + silent_s;
    if (unit < 1 || unit > units || muted[unit]) {
        answered_s = 0; /* how long the master waits for a silent unit is no matter of gaps */
        return;
    }
    out[0] = unit, out[1] = function, out[2] = 2 * count;
    if ((function != 3 && function != 4) || count < 1 || count > 125)
        out[1] |= 0x80, out[2] = 3, size = 3;
    until(start_s);
    int64_t now_ms = wall_ms();
    for (int at = 3; at < size; at += 2)
        out[at] = now_ms >> 8 & 255, out[at + 1] = now_ms & 255;
    unsigned sum = crc(out, size);
    out[size++] = sum & 255, out[size++] = sum >> 8;
    for (int at = 0; at < size;) {
        until(start_s + (at + 1) * character_s);
        int due = (int)((now_s() - start_s) / character_s); /* what a late wake-up owes goes at once */
        due = due > size ? size : due <= at ? at + 1 : due;
        answered_s = now_s(); /* before it wakes the master, who may run before us */
        if (write(line, out + at, due - at) != due - at)
            return;
        at = due;
    }
    line_s += (8 + size + 3.5) * character_s + silent_s;
    last_s = answered_s;
    late_s += answered_s - (start_s + size * character_s);
    all_count++;
    if (now_ms >= from_ms && now_ms < to_ms)
        registers_count += count, requests_count++;
}

static void order(char *text) {
    long long from, to;
    int unit;
    if (sscanf(text, "window %lld %lld", &from, &to) == 2) {
        from_ms = from, to_ms = to, registers_count = requests_count = 0, puts("ok");
    } else if (sscanf(text, "mute %d", &unit) == 1 && unit >= 0 && unit < 256) {
        muted[unit] = 1, puts("ok");
    } else if (sscanf(text, "speak %d", &unit) == 1 && unit >= 0 && unit < 256) {
        muted[unit] = 0, puts("ok");
    } else if (sscanf(text, "answer %d %lld", &unit, &to) == 2 && unit >= 0 && unit < 256) {
        thinks_s[unit] = to * 1e-6, puts("ok");
    } else if (!strcmp(text, "reset")) {
        reset(), puts("ok");
    } else {
        printf("{\"registers\": %llu, \"requests\": %llu, \"all\": %llu, \"broken\": %llu, \"line_s\": %.6f, \"idle_s\": %.6f, \"gap_min\": %.3f, \"late_s\": %.6f, \"last_s\": %.6f, \"now_s\": %.6f}\n",
               registers_count, requests_count, all_count, broken_count, line_s, idle_s, gap_min > 1e8 ? 0 : gap_min, late_s, last_s, now_s());
    }
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc < 3 || atoi(argv[1]) < 1)
        return 2;
    character_s = (argc > 3 ? atof(argv[3]) : 10.0) / atoi(argv[1]);
    int units = atoi(argv[2]), line = posix_openpt(O_RDWR | O_NOCTTY), held = 0, typed = 0;
    struct termios raw;
    if (line < 0 || grantpt(line) || unlockpt(line))
        return perror("pty"), 1;
    int keep = open(ptsname(line), O_RDWR | O_NOCTTY); /* the terminal stays when the master of the bus goes */
    if (keep < 0 || tcgetattr(keep, &raw))
        return perror("pty"), 1;
    cfmakeraw(&raw);
    tcsetattr(keep, TCSANOW, &raw);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1000);
    reset();
    puts(ptsname(line)), fflush(stdout);
    unsigned char heard[512];
    char text[256];
    double first_s = 0;
    struct pollfd both[2] = {{.fd = line, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    while (poll(both, 2, -1) >= 0 || errno == EINTR) {
        if (both[0].revents & POLLIN) {
            double now = now_s();
            ssize_t got = read(line, heard + held, sizeof heard - held);
            if (got > 0) {
                if (held && now - first_s > 0.1)
                    memmove(heard, heard + held, got), held = 0, broken_count++;
                if (!held) {
                    first_s = now;
                    if (answered_s) {
                        double gap = (now - answered_s) / character_s;
                        gap_min = gap < gap_min ? gap : gap_min;
                        idle_s += gap > 3.5 ? (gap - 3.5) * character_s : 0;
                        answered_s = 0;
                    }
                }
                held += got;
            }
            while (held >= 8) { /* all that this line hears are reads */
                if (crc(heard, 6) == (unsigned)(heard[6] | heard[7] << 8))
                    answer(line, heard, first_s, units);
                else
                    broken_count++;
                memmove(heard, heard + 8, held -= 8);
            }
        }
        if (both[1].revents) {
            ssize_t got = read(0, text + typed, sizeof text - 1 - typed);
            if (got <= 0)
                return 0;
            typed += got, text[typed] = 0;
            char *at = text, *end;
            while ((end = strchr(at, '\n')))
                *end = 0, order(at), at = end + 1;
            typed -= at - text;
            memmove(text, at, typed);
        }
    }
    return 0;
}
