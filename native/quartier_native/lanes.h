/* Loops over whole blocks, in plain C with GCC's vector types, so that x86 and Arm alike work on four numbers at a time.

   reference/blocks.py says what a block is, reference/forms.py what a decimal is; this does the same.  Nothing here
   checks a place: the callers (.pyx) have checked once per block that all of it lies in memory of theirs. */

#ifndef QUARTIER_LANES_H
#define QUARTIER_LANES_H

#include <stdint.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the codec copies words to bytes as they lie and needs a little-endian machine"
#endif

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

/* ---- steps of a column ---------------------------------------------------------------------------------------- */

/* steps[1] .. steps[count - 1] from numbers; returns whether each lies within 2**29, and sets *changes to 0 where all
   are equal. */
static inline int lanes_steps(const int64_t *restrict numbers, int64_t count, int32_t *restrict steps, uint64_t *changes) {
    uint64_t far = 0, differing = 0;
    uint64_t first = (uint64_t)numbers[1] - (uint64_t)numbers[0];
    for (int64_t index = 1; index < count; index++) {
        uint64_t step = (uint64_t)numbers[index] - (uint64_t)numbers[index - 1];
        differing |= step ^ first;
        far |= step + ((uint64_t)1 << 29) - 1;
        steps[index] = (int32_t)(uint32_t)step;
    }
    *changes = differing;
    return far >> 30 == 0;
}

/* The same of small numbers, whose steps are always near. */
static inline void lanes_small_steps(const int32_t *restrict numbers, int64_t count, int32_t *restrict steps, uint64_t *changes) {
    uint32_t differing = 0;
    int32_t first = numbers[1] - numbers[0];
    for (int64_t index = 1; index < count; index++) {
        int32_t step = numbers[index] - numbers[index - 1];
        differing |= (uint32_t)(step ^ first);
        steps[index] = step;
    }
    *changes = differing;
}

static inline void lanes_divide(int32_t *steps, int64_t count, int shift, uint32_t inverse) {
    for (int64_t index = 1; index < count; index++)
        steps[index] = (int32_t)((uint32_t)(steps[index] >> shift) * inverse);
}

/* The first block of 128 steps from index on in which one is no multiple of unit, odd << shift; count if there is none.
   inverse is that of odd, limit the largest multiple within 2**29. */
static inline int64_t lanes_unlike(
    const int32_t *steps, int64_t index, int64_t count, int shift, uint32_t inverse, uint32_t limit
) {
    for (; index < count; index += LANES_BLOCK) {
        int64_t end = count - index < LANES_BLOCK ? count : index + LANES_BLOCK;
        uint32_t unlike = 0, low = ((uint32_t)1 << shift) - 1;
        for (int64_t place = index; place < end; place++) {
            uint32_t times = (uint32_t)(steps[place] >> shift) * inverse;
            unlike |= ((uint32_t)steps[place] & low) | (times + limit > 2 * limit);
        }
        if (unlike)
            return index;
    }
    return count;
}

static inline int64_t lanes_middle(int64_t a, int64_t b, int64_t c) {
    int64_t low = a < b ? a : b, high = a < b ? b : a;
    high = high < c ? high : c;
    return low < high ? high : low;
}

/* The median of nine. */
static inline int64_t lanes_median(int64_t *some) {
    int64_t lows = INT64_MIN, highs = INT64_MAX, middles[3];
    for (int triple = 0; triple < 3; triple++) {
        int64_t a = some[3 * triple], b = some[3 * triple + 1], c = some[3 * triple + 2];
        int64_t low = a < b ? a : b, high = a < b ? b : a;
        middles[triple] = lanes_middle(a, b, c);
        low = low < c ? low : c, high = high < c ? c : high;
        lows = lows < low ? low : lows, highs = highs < high ? highs : high;
    }
    return lanes_middle(lows, lanes_middle(middles[0], middles[1], middles[2]), highs);
}

/* Digits of the folded errors of 16 steps: steps less the drift in *plain, steps less the one before in *changing. */
static inline void lanes_weigh(const int32_t *steps, int32_t drift, int32_t *plain, int32_t *changing) {
    lanes_row one = {0}, two = {0};
    for (int index = 0; index < 16; index += 4) {
        lanes_row row = lanes_load(steps + index);
        one += lanes_lengths(lanes_fold(row - (uint32_t)drift));
        two += lanes_lengths(lanes_fold(row - lanes_load(steps + index - 1)));
    }
    *plain += one[0] + one[1] + one[2] + one[3];
    *changing += two[0] + two[1] + two[2] + two[3];
}

/* The codes of one block, filled up with zeros to whole rows; steps[-1] is there. */
static inline void lanes_codes(const int32_t *restrict steps, int count, int order, int32_t drift, uint32_t *restrict codes) {
    if (order == 1)
        for (int index = 0; index < count; index++)
            codes[index] = lanes_folded(steps[index] - drift);
    else
        for (int index = 0; index < count; index++)
            codes[index] = lanes_folded(steps[index] - steps[index - 1]);
    for (int index = count; index & 3; index++)
        codes[index] = 0;
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

#define LANES_INLINE static inline __attribute__((always_inline))

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

static inline int64_t lanes_pack(const uint32_t *codes, int count, uint8_t *out) {
    uint8_t lengths[LANES_BLOCK + 16];
    int rows = (count + 3) >> 2;
    uint32_t wide[LANES_BLOCK];
    lanes_row tops = {0};
    for (int row = 0; row < rows; row++) {
        lanes_row code = lanes_load(codes + 4 * row);
        lanes_float floats = __builtin_convertvector((lanes_signed)(code & ~(code >> 1)), lanes_float);
        tops |= (lanes_row)__builtin_convertvector((lanes_float)((lanes_row)floats & 0xFF800000u), lanes_signed);
        lanes_store(wide + 4 * row, (((lanes_row)floats >> 23) - 126) & (lanes_row)((lanes_signed)code != 0));
    }
    for (int index = 0; index < 4 * rows; index++)
        lengths[index] = (uint8_t)wide[index];
    uint32_t present = tops[0] | tops[1] | tops[2] | tops[3];
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

/* Read count codes from data, of which size bytes are there and 16 more may be looked at; sets *most to how many digits
   they have at most.  Returns the bytes taken, -1 where they are none that lanes_pack wrote. */
static inline int64_t lanes_unpack(const uint8_t *data, int64_t size, int count, uint32_t *codes, int *most) {
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

/* ---- from codes back to numbers --------------------------------------------------------------------------------- */

static inline lanes_row lanes_sums(lanes_row row) { /* of each and all before it */
#ifdef __clang__
    row += (lanes_row)__builtin_shufflevector(row, (lanes_row){0}, 4, 0, 1, 2);
    row += (lanes_row)__builtin_shufflevector(row, (lanes_row){0}, 4, 4, 0, 1);
#else
    row += __builtin_shuffle(row, (lanes_row){0}, (lanes_row){4, 0, 1, 2});
    row += __builtin_shuffle(row, (lanes_row){0}, (lanes_row){4, 4, 0, 1});
#endif
    return row;
}

/* Sums of the steps that codes tell of, from the number before the block on; *slope is the drift (order 1) or the step
   before the block (order 2), then the last step.  Returns how large a sum can be, below 2**31; 0, with nothing done,
   where that is more. */
static inline int64_t lanes_local(const uint32_t *codes, int count, int order, int most, int64_t *slope, int32_t *local) {
    int rows = (count + 3) >> 2;
    if (!(-(1 << 22) < *slope && *slope < 1 << 22) || most > (order == 1 ? 23 : 15))
        return 0;
    int64_t largest = ((int64_t)1 << most) * (order == 1 ? 1 : LANES_BLOCK) + (*slope < 0 ? -*slope : *slope);
    lanes_row drift = (lanes_row){0} + (uint32_t)*slope, sum = {0};
    if (order == 1) {
        for (int row = 0; row < rows; row++) {
            lanes_row code = lanes_load(codes + 4 * row);
            lanes_row sums = lanes_sums((code >> 1 ^ -(code & 1)) + drift);
            lanes_store(local + 4 * row, sums + sum);
            sum += sums[3];
        }
    } else {
        for (int row = 0; row < rows; row++) {
            lanes_row code = lanes_load(codes + 4 * row);
            lanes_row step = lanes_sums(code >> 1 ^ -(code & 1)) + drift;
            lanes_row sums = lanes_sums(step);
            drift = (lanes_row){0} + step[3];
            lanes_store(local + 4 * row, sums + sum);
            sum += sums[3];
        }
        *slope = (int32_t)drift[0];
    }
    return LANES_BLOCK * largest;
}

static inline void lanes_numbers(const int32_t *restrict local, int count, int64_t start, int64_t unit, int64_t *restrict numbers) {
    if (unit == 1)
        for (int index = 0; index < count; index++)
            numbers[index] = (int64_t)((uint64_t)start + (uint64_t)(int64_t)local[index]);
    else
        for (int index = 0; index < count; index++)
            numbers[index] = (int64_t)((uint64_t)start + (uint64_t)unit * (uint64_t)(int64_t)local[index]);
}

/* numbers[i] = start + (i + 1) * step. */
static inline void lanes_ramp(int64_t *restrict numbers, int64_t count, int64_t start, int64_t step) {
    typedef uint64_t pair __attribute__((vector_size(16)));
    uint64_t one = (uint64_t)start + (uint64_t)step, four = 4 * (uint64_t)step;
    pair first = {one, one + (uint64_t)step}, second = first + 2 * (uint64_t)step;
    int64_t index = 0;
    for (; index + 4 <= count; index += 4) {
        memcpy(numbers + index, &first, 16);
        memcpy(numbers + index + 2, &second, 16);
        first += four, second += four;
    }
    for (; index < count; index++)
        numbers[index] = (int64_t)((uint64_t)start + (uint64_t)(index + 1) * (uint64_t)step);
}

/* ---- decimals ----------------------------------------------------------------------------------------------------- */

/* A whole number m below 2**26 divided by 10**k, k up to 7, is m * high + m * low to the last bit, where high is 10**-k
   rounded to 27 bits and low the rest: the first product is exact, the second errs by 2**-79 of the whole at most, and
   m / 10**k is never that near to the middle of two doubles, but 2**-78 and more away. */
#define LANES_SMALL (1 << 26)

/* Decimals of local sums: values[i] = sign * (start + unit * local[i]) / 10**k, rounded to float32 where single.
   Returns 0 where a number is not small. */
LANES_INLINE int lanes_decimals_of(
    const int32_t *restrict local, int count, int32_t start, int32_t unit, double high, double low, double sign,
    int single, double *restrict values
) {
    uint32_t far = 0;
    for (int index = 0; index < count; index++) {
        int32_t number = start + unit * local[index];
        double whole = number, quotient = whole * high + whole * low;
        far |= (uint32_t)number + LANES_SMALL;
        values[index] = (single ? (double)(float)quotient : quotient) * sign;
    }
    return far >> 27 == 0;
}

static inline int lanes_decimals(
    const int32_t *local, int count, int32_t start, int32_t unit, double high, double low, double sign, int single,
    double *values
) {
    if (single)
        return lanes_decimals_of(local, count, start, unit, high, low, sign, 1, values);
    if (unit == 1)
        return lanes_decimals_of(local, count, start, 1, high, low, sign, 0, values);
    return lanes_decimals_of(local, count, start, unit, high, low, sign, 0, values);
}

static inline uint64_t lanes_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return bits;
}

#define LANES_ROUNDER 6755399441055744.0 /* 1.5 * 2**52: adding it rounds to a whole number, half to even */
#define LANES_ROUNDER_BITS 0x4338000000000000u

/* Whole numbers of values; returns whether every one is small and gives its value back to the last bit. */
LANES_INLINE int lanes_small_of(
    const double *restrict values, int64_t count, double ten, double high, double low, double sign, int single,
    int32_t *restrict numbers
) {
    for (int64_t start = 0; start < count; start += LANES_BLOCK) {
        int64_t end = count - start < LANES_BLOCK ? count : start + LANES_BLOCK;
        uint64_t far = 0, differing = 0;
        for (int64_t index = start; index < end; index++) {
            double value = values[index] * sign, rounded = value * ten + LANES_ROUNDER, whole = rounded - LANES_ROUNDER;
            double quotient = whole * high + whole * low;
            uint64_t bits = lanes_bits(rounded);
            differing |= lanes_bits(single ? (double)(float)quotient : quotient) ^ lanes_bits(value);
            far |= bits - LANES_ROUNDER_BITS + LANES_SMALL;
            numbers[index] = (int32_t)(uint32_t)bits;
        }
        if (differing | far >> 27)
            return 0;
    }
    return 1;
}

static inline int lanes_small(
    const double *values, int64_t count, double ten, double high, double low, double sign, int single, int32_t *numbers
) {
    if (single)
        return lanes_small_of(values, count, ten, high, low, sign, 1, numbers);
    return lanes_small_of(values, count, ten, high, low, sign, 0, numbers);
}

/* The same of numbers of up to 51 bits, by division (tenth 0) or by a product with tenth. */
static inline int lanes_large(
    const double *restrict values, int64_t count, double ten, double tenth, double sign, int single,
    int64_t *restrict numbers
) {
    uint64_t far = 0, differing = 0;
    for (int64_t index = 0; index < count; index++) {
        double value = values[index] * sign, rounded = value * ten + LANES_ROUNDER, whole = rounded - LANES_ROUNDER;
        double quotient = tenth != 0.0 ? whole * tenth : whole / ten;
        uint64_t bits = lanes_bits(rounded);
        differing |= lanes_bits(single ? (double)(float)quotient : quotient) ^ lanes_bits(value);
        far |= (bits ^ LANES_ROUNDER_BITS) >> 52;
        numbers[index] = (int64_t)(bits - LANES_ROUNDER_BITS);
    }
    return !(differing | far);
}

/* How many values a form gives back, zeros of either sign; tenth as above. */
static inline int lanes_fitting(const double *values, int count, double ten, double tenth, int single) {
    int fitting = 0;
    for (int index = 0; index < count; index++) {
        double rounded = values[index] * ten + LANES_ROUNDER, whole = rounded - LANES_ROUNDER;
        double quotient = tenth != 0.0 ? whole * tenth : whole / ten;
        quotient = single ? (double)(float)quotient : quotient;
        fitting += (quotient == values[index]) & !((lanes_bits(rounded) ^ LANES_ROUNDER_BITS) >> 52);
    }
    return fitting;
}

#endif
