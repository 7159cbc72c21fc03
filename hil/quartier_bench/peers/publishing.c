/* QoS 1 by libmosquitto: each line on stdin, a number of messages, is answered by a line with the CPU seconds
 * that it took and how many the broker acknowledged, as JSON.
 *
 *   publishing PORT TOPIC BYTES     twenty under way at a time
 *
 * The library's header is not needed: what is called stands here as libmosquitto 2.0 documents it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct mosquitto;
int mosquitto_lib_init(void);
struct mosquitto *mosquitto_new(const char *id, _Bool clean, void *obj);
int mosquitto_connect(struct mosquitto *m, const char *host, int port, int keepalive);
int mosquitto_publish(struct mosquitto *m, int *mid, const char *topic, int len, const void *payload, int qos, _Bool retain);
int mosquitto_loop(struct mosquitto *m, int timeout_ms, int max_packets);
int mosquitto_max_inflight_messages_set(struct mosquitto *m, unsigned int count);
void mosquitto_publish_callback_set(struct mosquitto *m, void (*heard)(struct mosquitto *, void *, int));

#define WINDOW 20
static long acknowledged;

static void heard(struct mosquitto *m, void *obj, int mid) {
    (void)m, (void)obj, (void)mid;
    acknowledged++;
}

static double cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    char line[64];
    if (argc != 4)
        return 2;
    int size = atoi(argv[3]);
    char *payload = malloc(size);
    memset(payload, 'x', size);
    mosquitto_lib_init();
    struct mosquitto *m = mosquitto_new("bench.libmosquitto", 1, NULL);
    mosquitto_max_inflight_messages_set(m, WINDOW);
    mosquitto_publish_callback_set(m, heard);
    if (mosquitto_connect(m, "127.0.0.1", atoi(argv[1]), 60))
        return 1;
    for (int at = 0; at < 10; at++)
        mosquitto_loop(m, 20, 1);
    while (fgets(line, sizeof line, stdin)) {
        long wanted = atol(line), sent = 0;
        acknowledged = 0;
        double before = cpu_s();
        while (acknowledged < wanted) {
            for (; sent < wanted && sent - acknowledged < WINDOW; sent++)
                if (mosquitto_publish(m, NULL, argv[2], size, payload, 1, 0))
                    return 1;
            if (mosquitto_loop(m, 1000, 1))
                return 1;
        }
        printf("[%.6f, %ld]\n", cpu_s() - before, acknowledged);
        fflush(stdout);
    }
    return 0;
}
