/* Steps of a column of whole numbers, their errors, and the way back; reference/integers.py says what they are. */

#ifndef QUARTIER_COLUMNS_H
#define QUARTIER_COLUMNS_H

#include "lanes.h"

/* steps[1] .. steps[count - 1] from numbers; returns whether each is nearer than 2**29, and sets *changes to 0 where all
   are equal. */
LANES_LOOP int lanes_steps(const int64_t *restrict numbers, int64_t count, int32_t *restrict steps, uint64_t *changes) {
    uint64_t far = 0, differing = 0;
    uint64_t first = (uint64_t)numbers[1] - (uint64_t)numbers[0];
    for (int64_t index = 1; index < count; index++) {
        uint64_t step = (uint64_t)numbers[index] - (uint64_t)numbers[index - 1];
        differing |= step ^ first;
        // Both below 2**30: a step of 2**29 is far, as one of -2**29 is.
        far |= (step + ((uint64_t)1 << 29) - 1) | (step + ((uint64_t)1 << 29));
        steps[index] = (int32_t)(uint32_t)step;
    }
    *changes = differing;
    return far >> 30 == 0;
}

/* The same of small numbers, whose steps are always near. */
LANES_LOOP void lanes_small_steps(
    const int32_t *restrict numbers, int64_t count, int32_t *restrict steps, uint64_t *changes
) {
    uint32_t differing = 0;
    int32_t first = numbers[1] - numbers[0];
    for (int64_t index = 1; index < count; index++) {
        int32_t step = numbers[index] - numbers[index - 1];
        differing |= (uint32_t)(step ^ first);
        steps[index] = step;
    }
    *changes = differing;
}

LANES_LOOP void lanes_divide(int32_t *steps, int64_t count, int shift, uint32_t inverse) {
    for (int64_t index = 1; index < count; index++)
        steps[index] = (int32_t)((uint32_t)(steps[index] >> shift) * inverse);
}

/* The first block of 128 steps from index on in which one is no multiple of unit, odd << shift; count if there is none.
   inverse is that of odd, limit the largest multiple within 2**29. */
LANES_LOOP int64_t lanes_unlike(
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
LANES_LOOP void lanes_codes(
    const int32_t *restrict steps, int count, int order, int32_t drift, uint32_t *restrict codes
) {
    if (order == 1)
        for (int index = 0; index < count; index++)
            codes[index] = lanes_folded(steps[index] - drift);
    else
        for (int index = 0; index < count; index++)
            codes[index] = lanes_folded(steps[index] - steps[index - 1]);
    for (int index = count; index & 3; index++)
        codes[index] = 0;
}

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
LANES_LOOP int64_t lanes_local(const uint32_t *codes, int count, int order, int most, int64_t *slope, int32_t *local) {
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

LANES_LOOP void lanes_numbers(
    const int32_t *restrict local, int count, int64_t start, int64_t unit, int64_t *restrict numbers
) {
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

#endif
