/* Decimals as whole numbers and back, to the last bit; reference/forms.py says what they are. */

#ifndef QUARTIER_DECIMALS_H
#define QUARTIER_DECIMALS_H

#include "lanes.h"

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

LANES_LOOP int lanes_decimals(
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

LANES_LOOP int lanes_small(
    const double *values, int64_t count, double ten, double high, double low, double sign, int single, int32_t *numbers
) {
    if (single)
        return lanes_small_of(values, count, ten, high, low, sign, 1, numbers);
    return lanes_small_of(values, count, ten, high, low, sign, 0, numbers);
}

/* The same of numbers of up to 51 bits, by division (tenth 0) or by a product with tenth. */
LANES_LOOP int lanes_large(
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
LANES_LOOP int lanes_fitting(const double *values, int count, double ten, double tenth, int single) {
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
