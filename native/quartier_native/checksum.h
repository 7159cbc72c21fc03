/* CRC-32 as zlib computes it (ISO 3309), eight bytes a step by eight tables ("slicing by 8"). */

#ifndef QUARTIER_CHECKSUM_H
#define QUARTIER_CHECKSUM_H

#include <stdint.h>
#include <string.h>

static uint32_t checksum_tables[8][256];

static inline void checksum_prepare(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t rest = byte;
        for (int bit = 0; bit < 8; bit++)
            rest = rest >> 1 ^ (rest & 1 ? 0xEDB88320u : 0);
        checksum_tables[0][byte] = rest;
    }
    for (int table = 1; table < 8; table++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t before = checksum_tables[table - 1][byte];
            checksum_tables[table][byte] = before >> 8 ^ checksum_tables[0][before & 255];
        }
}

static inline uint32_t checksum(const unsigned char *data, size_t size) {
    uint32_t rest = 0xFFFFFFFFu;
    for (; size >= 8; size -= 8, data += 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        word ^= rest;
        rest = checksum_tables[7][word & 255] ^ checksum_tables[6][word >> 8 & 255] ^
               checksum_tables[5][word >> 16 & 255] ^ checksum_tables[4][word >> 24 & 255] ^
               checksum_tables[3][word >> 32 & 255] ^ checksum_tables[2][word >> 40 & 255] ^
               checksum_tables[1][word >> 48 & 255] ^ checksum_tables[0][word >> 56];
    }
    for (; size; size--, data++)
        rest = rest >> 8 ^ checksum_tables[0][(rest ^ *data) & 255];
    return ~rest;
}

#endif
