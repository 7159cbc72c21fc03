/* Loops over letters of ASCII, for the kernels that read what meters write as text.

   Each takes where the letters begin and where they end; whoever calls has made sure that they lie within his data.  */

#ifndef QUARTIER_LETTERS_H
#define QUARTIER_LETTERS_H

#include <stdint.h>
#include <string.h>

enum {
    LETTERS_DIGIT = 1,    /* 0-9 */
    LETTERS_CAPITAL = 2,  /* 0-9 A-F */
    LETTERS_HEX = 4,      /* 0-9 A-F a-f */
    LETTERS_TEXT = 8,     /* blank to underline, a-z */
    LETTERS_VISIBLE = 16, /* ! to ~ */
    LETTERS_PRINTED = 32  /* blank to ~ */
};

static uint8_t letters_kinds[256];

static inline void letters_prepare(void)
{
    for (int byte = 0; byte < 256; byte++) {
        int is_digit = byte >= '0' && byte <= '9', is_capital = byte >= 'A' && byte <= 'F';
        int is_small = byte >= 'a' && byte <= 'f';
        letters_kinds[byte] = (uint8_t)((is_digit ? LETTERS_DIGIT : 0) | (is_digit || is_capital ? LETTERS_CAPITAL : 0)
            | (is_digit || is_capital || is_small ? LETTERS_HEX : 0)
            | ((byte >= ' ' && byte <= '_') || (byte >= 'a' && byte <= 'z') ? LETTERS_TEXT : 0)
            | (byte > ' ' && byte <= '~' ? LETTERS_VISIBLE : 0) | (byte >= ' ' && byte <= '~' ? LETTERS_PRINTED : 0));
    }
}

/* What all of them are at once; everything where there are none.  */
static inline int letters_are(const uint8_t *at, const uint8_t *end)
{
    int kinds = 0xFF;
    while (at < end)
        kinds &= letters_kinds[*at++];
    return kinds;
}

static inline int letters_are_one(uint8_t letter)
{
    return letters_kinds[letter];
}

/* Their sum; of up to 2048 of them.  */
static inline uint32_t letters_sum(const uint8_t *at, const uint8_t *end)
{
    const uint64_t even = 0x00FF00FF00FF00FFu;
    uint64_t sums = 0, eight;
    uint32_t sum = 0;
    for (; end - at >= 8; at += 8) {
        memcpy(&eight, at, 8);
        sums += (eight & even) + (eight >> 8 & even);
    }
    while (at < end)
        sum += *at++;
    return sum + (uint32_t)((sums & 0xFFFF) + (sums >> 16 & 0xFFFF) + (sums >> 32 & 0xFFFF) + (sums >> 48));
}

/* All of them exclusive-ored.  */
static inline int letters_xor(const uint8_t *at, const uint8_t *end)
{
    uint64_t all = 0, eight;
    int found = 0;
    for (; end - at >= 8; at += 8) {
        memcpy(&eight, at, 8);
        all ^= eight;
    }
    while (at < end)
        found ^= *at++;
    all ^= all >> 32;
    all ^= all >> 16;
    all ^= all >> 8;
    return found ^ (int)(all & 0xFF);
}

/* The first such letter, or the end.  */
static inline const uint8_t *letters_find(const uint8_t *at, const uint8_t *end, int letter)
{
    const uint8_t *found = at < end ? (const uint8_t *)memchr(at, letter, (size_t)(end - at)) : NULL;
    return found ? found : end;
}

/* Up to 16 letters without NUL as a key, that no others have.  */
static inline void letters_key(const uint8_t *at, const uint8_t *end, uint64_t *low, uint64_t *high)
{
    uint64_t first = 0, second = 0;
    const uint8_t *middle = end - at > 8 ? at + 8 : end;
    while (at < middle)
        first = first << 8 | *at++;
    while (at < end)
        second = second << 8 | *at++;
    *low = first;
    *high = second;
}

static inline uint64_t letters_hash(uint64_t low, uint64_t high)
{
    return (low * 0x9E3779B97F4A7C15u) ^ (high * 0xD6E8FEB86659FD93u);
}

#endif
