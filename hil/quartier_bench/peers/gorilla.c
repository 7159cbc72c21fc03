/* A Gorilla codec, the peer that the bench measures our series codec against.

   The format is that of Pelkonen and others, Gorilla: A Fast, Scalable, In-Memory Time Series Database (VLDB 2015),
   section 4.1, with times in milliseconds: first time 64 bits, first step 32 bits, then the change of the step in
   0, 7, 9, 12 or 32 bits behind 1 to 4 bits of head; first value 64 bits, then the XOR with the value before.
   Bits are gathered in a register of 64 and stored eight bytes at a time, and read from a window of at least 57 bits,
   which is as fast as a chain from bit to bit allows. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t *at;
    uint64_t word; /* bits gathered, the first highest */
    int room;      /* bits of word that are free, 1 to 64 */
} Writer;

static inline void put(Writer *out, uint64_t number, int width) { /* width 1 to 64, no higher bits in number */
    if (width < out->room) {
        out->room -= width;
        out->word |= number << out->room;
        return;
    }
    width -= out->room;
    uint64_t full = __builtin_bswap64(out->word | (width < 64 ? number >> width : 0));
    memcpy(out->at, &full, 8);
    out->at += 8;
    out->room = 64 - width;
    out->word = width ? number << out->room : 0;
}

static inline uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return bits;
}

/* Encode count samples; out has 20 bytes a sample and 16 more.  Returns the bytes written, -1 where a step changes by
   more than 32 bits. */
int64_t gorilla_encode(int64_t count, const int64_t *times_ms, const double *values, uint8_t *out) {
    Writer writer = {out, 0, 64};
    if (count == 0)
        return 0;
    int64_t step = 0;
    int leading = 65, trailing = 0, meaning = 0;
    uint64_t before = bits_of(values[0]);
    put(&writer, (uint64_t)times_ms[0], 64);
    put(&writer, before, 64);
    for (int64_t index = 1; index < count; index++) {
        int64_t now = times_ms[index] - times_ms[index - 1];
        int64_t change = now - step;
        step = now;
        if (index == 1) {
            if (change != (int32_t)change)
                return -1;
            put(&writer, (uint32_t)change, 32);
        } else if (change == 0) {
            put(&writer, 0, 1);
        } else if (-63 <= change && change <= 64) {
            put(&writer, 2u << 7 | (uint64_t)(change + 63), 9);
        } else if (-255 <= change && change <= 256) {
            put(&writer, 6u << 9 | (uint64_t)(change + 255), 12);
        } else if (-2047 <= change && change <= 2048) {
            put(&writer, 14u << 12 | (uint64_t)(change + 2047), 16);
        } else {
            if (change != (int32_t)change)
                return -1;
            put(&writer, (uint64_t)15 << 32 | (uint32_t)change, 36);
        }
        uint64_t bits = bits_of(values[index]);
        uint64_t differing = bits ^ before;
        before = bits;
        if (differing == 0) {
            put(&writer, 0, 1);
            continue;
        }
        int high = __builtin_clzll(differing), low = __builtin_ctzll(differing);
        high = high > 31 ? 31 : high;
        if (high >= leading && low >= trailing) {
            if (meaning <= 62) {
                put(&writer, (uint64_t)2 << meaning | differing >> trailing, meaning + 2);
            } else {
                put(&writer, 2, 2);
                put(&writer, differing >> trailing, meaning);
            }
            continue;
        }
        leading = high, trailing = low, meaning = 64 - high - low;
        put(&writer, (uint64_t)3 << 11 | (uint64_t)leading << 6 | (meaning & 63), 13);
        put(&writer, differing >> trailing, meaning);
    }
    uint64_t rest = __builtin_bswap64(writer.word);
    memcpy(writer.at, &rest, 8);
    return writer.at - out + (64 - writer.room + 7) / 8;
}

typedef struct {
    const uint8_t *data;
    uint64_t at; /* bit */
} Reader;

static inline uint64_t window(const Reader *in) { /* the next bits, the first highest; 57 at least are right */
    uint64_t word;
    memcpy(&word, in->data + (in->at >> 3), 8);
    return __builtin_bswap64(word) << (in->at & 7);
}

static inline uint64_t take(Reader *in, int width) { /* width 1 to 64 */
    uint64_t word = window(in);
    if (width > 57) {
        uint8_t more = in->data[(in->at >> 3) + 8];
        word |= (uint64_t)more >> (8 - (in->at & 7)); /* at & 7 may be 0: shifted wholly out */
    }
    in->at += width;
    return word >> (64 - width);
}

/* Decode count samples of size bytes, behind which 24 more can be read.  Returns 0, or -1 where bytes are missing. */
int64_t gorilla_decode(int64_t count, const uint8_t *data, int64_t size, int64_t *times_ms, double *values) {
    Reader reader = {data, 0};
    uint64_t end = (uint64_t)size * 8;
    if (count == 0)
        return 0;
    if (size < 16)
        return -1;
    int64_t time_ms = (int64_t)take(&reader, 64), step = 0;
    uint64_t bits = take(&reader, 64);
    int trailing = 0, meaning = 64;
    times_ms[0] = time_ms;
    memcpy(values, &bits, 8);
    for (int64_t index = 1; index < count; index++) {
        if (reader.at >= end)
            return -1;
        uint64_t word = window(&reader);
        if (index == 1) {
            step = (int32_t)(word >> 32);
            reader.at += 32;
            word = window(&reader);
        } else if (!(word >> 63)) {
            reader.at += 1;
            word <<= 1;
        } else {
            if (!(word >> 62 & 1)) {
                step += (int64_t)(word >> 55 & 127) - 63;
                reader.at += 9;
            } else if (!(word >> 61 & 1)) {
                step += (int64_t)(word >> 52 & 511) - 255;
                reader.at += 12;
            } else if (!(word >> 60 & 1)) {
                step += (int64_t)(word >> 48 & 4095) - 2047;
                reader.at += 16;
            } else {
                step += (int32_t)(word >> 28);
                reader.at += 36;
            }
            word = window(&reader);
        }
        time_ms += step;
        times_ms[index] = time_ms;
        if (!(word >> 63)) {
            reader.at += 1;
        } else if (!(word >> 62 & 1)) {
            reader.at += 2;
            bits ^= take(&reader, meaning) << trailing;
        } else {
            int leading = (int)(word >> 57 & 31);
            meaning = (int)(word >> 51 & 63);
            meaning = meaning ? meaning : 64;
            trailing = 64 - leading - meaning;
            if (trailing < 0)
                return -1;
            reader.at += 13;
            bits ^= take(&reader, meaning) << trailing;
        }
        memcpy(&values[index], &bits, 8);
    }
    return reader.at <= end ? 0 : -1;
}

/* The compiler is not to see that what is decoded there is given back unread. */
static void (*volatile give_back)(void *) = free;

/* The same into memory of its own, as a reader does who has none yet; what it costs to get that is up to the allocator
   of the process.  Also -1 where there is none. */
int64_t gorilla_decode_anew(int64_t count, const uint8_t *data, int64_t size) {
    int64_t *times_ms = malloc(8 * (size_t)count + 1);
    double *values = malloc(8 * (size_t)count + 1);
    int64_t done = times_ms && values ? gorilla_decode(count, data, size, times_ms, values) : -1;
    give_back(times_ms);
    give_back(values);
    return done;
}
