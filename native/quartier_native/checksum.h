/* CRC-32 as zlib computes it (ISO 3309): eight bytes a step by eight tables ("slicing by 8"), sixteen by products
   without carry where the processor has them (Gopal and others, Fast CRC Computation for Generic Polynomials Using
   PCLMULQDQ, Intel 2009). */

#ifndef QUARTIER_CHECKSUM_H
#define QUARTIER_CHECKSUM_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#include <wmmintrin.h>

static int checksum_folds;
#endif

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
#if defined(__x86_64__)
    checksum_folds = __builtin_cpu_supports("pclmul") != 0;
#endif
}

static inline uint32_t checksum_sliced(uint32_t rest, const unsigned char *data, size_t size) {
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
    return rest;
}

#if defined(__x86_64__)
/* Fold all whole pieces of sixteen bytes into one with the same rest, which stands before what is left. */
__attribute__((target("pclmul,sse2"))) static uint32_t checksum_folded(const unsigned char *data, size_t size) {
    const __m128i powers = _mm_set_epi64x(0x0CCAA009E, 0x1751997D0); /* of 2**96 and 2**160, mirrored */
    __m128i sum = _mm_xor_si128(_mm_loadu_si128((const __m128i *)data), _mm_cvtsi32_si128(-1));
    unsigned char last[16];
    for (data += 16, size -= 16; size >= 16; data += 16, size -= 16) {
        __m128i low = _mm_clmulepi64_si128(sum, powers, 0x00), high = _mm_clmulepi64_si128(sum, powers, 0x11);
        sum = _mm_xor_si128(_mm_xor_si128(low, high), _mm_loadu_si128((const __m128i *)data));
    }
    _mm_storeu_si128((__m128i *)last, sum);
    return checksum_sliced(checksum_sliced(0, last, 16), data, size);
}
#endif

static inline uint32_t checksum(const unsigned char *data, size_t size) {
#if defined(__x86_64__)
    if (checksum_folds && size >= 64)
        return ~checksum_folded(data, size);
#endif
    return ~checksum_sliced(0xFFFFFFFFu, data, size);
}

#endif
