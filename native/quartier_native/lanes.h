/* Loops over whole blocks, in plain C with GCC's vector types: x86 and Arm alike work on four numbers at a time.

   reference/blocks.py says what a block is; this does the same, and columns.h and decimals.h do as
   reference/integers.py and reference/forms.py say.  Nothing in the three checks a place: the callers (.pyx) have
   checked once per block that all of it lies in memory of theirs. */

#ifndef QUARTIER_LANES_H
#define QUARTIER_LANES_H

#include <stdint.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the codec copies words to bytes as they lie and needs a little-endian machine"
#endif

/* On an x86 each of these loops is compiled twice, for processors with and without AVX2, and the loader takes the one
   that fits (an "ifunc", which glibc knows).  Both give the same bits: AVX2 alone brings no fused multiply-add. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && !defined(LANES_PLAIN)
#define LANES_LOOP __attribute__((unused, target_clones("avx2", "default"))) static
#else
#define LANES_LOOP __attribute__((unused)) static
#endif

#define LANES_INLINE static inline __attribute__((always_inline))

enum { LANES_BLOCK = 128, LANES_ROWS = 32, LANES_EXCEPTIONS_MAX = 32, LANES_EXCEPTIONS_PRICE = 14 };

typedef uint32_t lanes_row __attribute__((vector_size(16)));
typedef int32_t lanes_signed __attribute__((vector_size(16)));
typedef float lanes_float __attribute__((vector_size(16)));
typedef int8_t lanes_bytes __attribute__((vector_size(16)));

static inline lanes_row lanes_load(const void *place) {
    lanes_row row;
    memcpy(&row, place, 16);
    return row;
}

static inline void lanes_store(void *place, lanes_row row) { memcpy(place, &row, 16); }

static inline int lanes_digits(uint64_t number) { return number ? 64 - __builtin_clzll(number) : 0; }
static inline int lanes_low_zeros(uint64_t number) { return __builtin_ctzll(number); }
static inline uint32_t lanes_folded(int32_t number) { return (uint32_t)number << 1 ^ (uint32_t)(number >> 31); }

static inline lanes_row lanes_fold(lanes_row row) { return row << 1 ^ (lanes_row)((lanes_signed)row >> 31); }

/* How many binary digits each code has; codes below 2**31.  The exponent of a float tells; the second bit is cleared
   first, so that rounding cannot carry into another exponent. */
static inline lanes_row lanes_lengths(lanes_row codes) {
    lanes_float floats = __builtin_convertvector((lanes_signed)(codes & ~(codes >> 1)), lanes_float);
    return (((lanes_row)floats >> 23) - 126) & (lanes_row)((lanes_signed)codes != 0);
}

LANES_INLINE int64_t lanes_pack_rows(const uint32_t *codes, int rows, int width, uint8_t *out) {
    lanes_row word = {0}, mask = word + (uint32_t)(0xFFFFFFFFu >> (32 - width));
    int filled = 0;
    uint8_t *at = out;
#pragma GCC unroll 32
    for (int row = 0; row < rows; row++) {
        lanes_row code = lanes_load(codes + 4 * row) & mask;
        word |= code << filled;
        filled += width;
        if (filled >= 32) {
            lanes_store(at, word);
            at += 16;
            filled -= 32;
            word = filled ? code >> (width - filled) : (lanes_row){0};
        }
    }
    if (filled) {
        int rest = (filled + 7) >> 3;
        for (int lane = 0; lane < 4; lane++) {
            uint32_t part = word[lane];
            memcpy(at, &part, 4); /* the bytes too many are written over */
            at += rest;
        }
    }
    return at - out;
}

LANES_INLINE void lanes_unpack_rows(const uint8_t *data, int rows, int width, uint32_t *codes) {
    lanes_row mask = (lanes_row){0} + (uint32_t)(0xFFFFFFFFu >> (32 - width));
    int bit = 0;
#pragma GCC unroll 32
    for (int row = 0; row < rows; row++) {
        const uint8_t *word = data + (bit >> 5) * 16;
        int shift = bit & 31;
        lanes_row code = lanes_load(word) >> shift;
        if (shift + width > 32)
            code |= lanes_load(word + 16) << (32 - shift);
        lanes_store(codes + 4 * row, code & mask);
        bit += width;
    }
}

#define LANES_EACH_WIDTH(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12)

static inline int64_t lanes_pack_low(const uint32_t *codes, int count, int width, uint8_t *out) {
    if (width == 0)
        return 0;
    if (count > LANES_BLOCK - 4)
        switch (width) {
#define LANES_CASE(w) \
    case w: \
        return lanes_pack_rows(codes, LANES_ROWS, w, out);
            LANES_EACH_WIDTH(LANES_CASE)
#undef LANES_CASE
        }
    return lanes_pack_rows(codes, (count + 3) >> 2, width, out);
}

static inline void lanes_unpack_low(const uint8_t *data, int count, int width, uint32_t *codes) {
    uint8_t filled[16 * 33];
    int rows = (count + 3) >> 2, words, rest;
    if (width == 0) {
        memset(codes, 0, 16 * (size_t)rows);
        return;
    }
    if (rows == LANES_ROWS)
        switch (width) {
#define LANES_CASE(w) \
    case w: \
        lanes_unpack_rows(data, LANES_ROWS, w, codes); \
        return;
            LANES_EACH_WIDTH(LANES_CASE)
#undef LANES_CASE
        }
    words = rows * width >> 5, rest = ((rows * width & 31) + 7) >> 3;
    if (rest) { /* the last word was cut to the bytes it needs */
        memcpy(filled, data, 16 * (size_t)words);
        memset(filled + 16 * words, 0, 16);
        for (int lane = 0; lane < 4; lane++)
            memcpy(filled + 16 * words + 4 * lane, data + 16 * words + rest * lane, (size_t)rest);
        data = filled;
    }
    lanes_unpack_rows(data, rows, width, codes);
}

/* Bytes of the low parts of a block. */
static inline int64_t lanes_size(int count, int width) {
    int bits = ((count + 3) >> 2) * width;
    return 16 * (bits >> 5) + 4 * (((bits & 31) + 7) >> 3);
}

/* A string of bits that is being written: the word under way, of which less than 64 bits are filled. */
typedef struct {
    uint8_t *at;
    uint64_t word;
    int filled;
} lanes_string;

static inline void lanes_put(lanes_string *string, uint64_t number, int width) {
    string->word |= number << string->filled;
    string->filled += width;
    if (string->filled >= 64) {
        memcpy(string->at, &string->word, 8);
        string->at += 8;
        string->filled -= 64;
        string->word = string->filled ? number >> (width - string->filled) : 0;
    }
}

/* Write count codes, which are below 2**31 and filled up with zeros to whole rows; returns what is behind them.  At
   most LANES_BYTES_MAX bytes are touched. */
enum { LANES_BYTES_MAX = 1 + 16 * 33 + 16 + 1 + (5 + 32 * 39) / 8 + 16 };

LANES_INLINE int64_t lanes_pack_of(const uint32_t *codes, int count, int rows, uint8_t *out) {
    uint8_t lengths[LANES_BLOCK + 16];
    uint32_t wide[LANES_BLOCK];
    lanes_row tops = {0};
    for (int row = 0; row < rows; row++) {
        lanes_row code = lanes_load(codes + 4 * row);
        lanes_float floats = __builtin_convertvector((lanes_signed)(code & ~(code >> 1)), lanes_float);
        tops |= (lanes_row)__builtin_convertvector((lanes_float)((lanes_row)floats & 0xFF800000u), lanes_signed);
        lanes_store(wide + 4 * row, (((lanes_row)floats >> 23) - 126) & (lanes_row)((lanes_signed)code != 0));
    }
    uint32_t present = tops[0] | tops[1] | tops[2] | tops[3];
    if (!present) {
        out[0] = 0;
        return 1;
    }
    for (int index = 0; index < 4 * rows; index++)
        lengths[index] = (uint8_t)wide[index];
    int most = lanes_digits(present), width = most, best = most, least = most * count, exceptions = 0;
    int vectors = (rows + 3) >> 2;
    memset(lengths + 4 * rows, 0, 16);
    while (width) {
        lanes_bytes under = {0}, limit = under + (int8_t)width;
        uint64_t halves[2];
        for (int index = 0; index < vectors; index++)
            under -= (lanes_bytes)lanes_load(lengths + 16 * index) < limit;
        memcpy(halves, &under, 16);
        int over = 16 * vectors - (int)((halves[0] + halves[1]) * 0x0101010101010101u >> 56);
        if (over > LANES_EXCEPTIONS_MAX)
            break;
        width = lanes_digits(present & (((uint32_t)1 << (width - 1)) - 1));
        int bits = width * count + LANES_EXCEPTIONS_PRICE + over * (7 + most - width);
        if (bits < least)
            best = width, least = bits, exceptions = over;
    }
    out[0] = (uint8_t)(best | (exceptions ? 0x80 : 0));
    uint8_t *at = out + 1 + lanes_pack_low(codes, count, best, out + 1);
    if (!exceptions)
        return at - out;
    *at = (uint8_t)(exceptions - 1);
    int high_width = most - best;
    lanes_string string = {at + 1, (uint64_t)(high_width - 1), 5};
    uint64_t over = (uint64_t)(127 - best) * 0x0101010101010101u; /* carries into the top bit where length > best */
    for (int index = 0; index < count; index += 8) {
        uint64_t eight;
        memcpy(&eight, lengths + index, 8);
        for (uint64_t longer = (eight + over) & 0x8080808080808080u; longer; longer &= longer - 1) {
            int place = index + (__builtin_ctzll(longer) >> 3);
            lanes_put(&string, (uint64_t)(codes[place] >> best) << 7 | (uint64_t)place, 7 + high_width);
        }
    }
    memcpy(string.at, &string.word, 8);
    return string.at + ((string.filled + 7) >> 3) - out;
}

LANES_LOOP int64_t lanes_pack(const uint32_t *codes, int count, uint8_t *out) {
    if (count == LANES_BLOCK)
        return lanes_pack_of(codes, LANES_BLOCK, LANES_ROWS, out);
    return lanes_pack_of(codes, count, (count + 3) >> 2, out);
}

/* Read count codes from data, of which size bytes are there and 16 more may be looked at; sets *most to how many digits
   they have at most.  Returns the bytes taken, -1 where they are none that lanes_pack wrote. */
LANES_LOOP int64_t lanes_unpack(const uint8_t *data, int64_t size, int count, uint32_t *codes, int *most) {
    if (size < 1)
        return -1;
    int width = data[0] & 0x7F;
    if (width > 32)
        return -1;
    int64_t at = 1 + lanes_size(count, width);
    if (at > size)
        return -1;
    lanes_unpack_low(data + 1, count, width, codes);
    *most = width;
    if (!(data[0] & 0x80))
        return at;
    if (size - at < 2)
        return -1;
    int exceptions = data[at] + 1, high_width = (data[at + 1] & 31) + 1, bit = 5;
    at += 1;
    int64_t string = (5 + (int64_t)exceptions * (7 + high_width) + 7) >> 3;
    if (exceptions > count || width + high_width > 32 || string > size - at)
        return -1;
    *most = width + high_width;
    for (int index = 0; index < exceptions; index++) {
        uint64_t word;
        memcpy(&word, data + at + (bit >> 3), 8); /* 7 + 32 bits from any of 8 places: 46 at most */
        word >>= bit & 7;
        int place = (int)(word & 127);
        if (place >= count)
            return -1;
        codes[place] |= (uint32_t)(word >> 7 & (0xFFFFFFFFu >> (32 - high_width))) << width;
        bit += 7 + high_width;
    }
    return at + string;
}

#endif
