/* A Modbus server on libmodbus: a judge of our driver that is not of our making.
 *
 *   modbus_server tcp PORT      any unit answers
 *   modbus_server rtu TTY       unit 1 answers, 9600 8N1
 *
 * 1000 of each table: holding n holds 7 n, input n holds n, every third coil and every second
 * discrete input is on.  Prints "ready" when it listens. */
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE 1000

static void serve(modbus_t *context, modbus_mapping_t *map)
{
    uint8_t query[MODBUS_MAX_ADU_LENGTH];

    for (;;) {
        int length = modbus_receive(context, query);
        if (length > 0)
            modbus_reply(context, query, length, map);
        else if (length == -1)
            return;
    }
}

int main(int count, char **words)
{
    if (count != 3)
        return 2;
    modbus_mapping_t *map = modbus_mapping_new(SIZE, SIZE, SIZE, SIZE);
    for (int n = 0; n < SIZE; n++) {
        map->tab_bits[n] = n % 3 == 0;
        map->tab_input_bits[n] = n % 2 == 0;
        map->tab_registers[n] = 7 * n;
        map->tab_input_registers[n] = n;
    }
    if (strcmp(words[1], "tcp") == 0) {
        modbus_t *context = modbus_new_tcp("127.0.0.1", atoi(words[2]));
        int listener = modbus_tcp_listen(context, 4);
        if (listener == -1)
            return 1;
        puts("ready");
        fflush(stdout);
        while (modbus_tcp_accept(context, &listener) != -1) {
            serve(context, map);
            modbus_close(context);
        }
    } else {
        modbus_t *context = modbus_new_rtu(words[2], 9600, 'N', 8, 1);
        modbus_set_slave(context, 1);
        if (modbus_connect(context) == -1)
            return 1;
        puts("ready");
        fflush(stdout);
        for (;;)
            serve(context, map);
    }
    return 0;
}
