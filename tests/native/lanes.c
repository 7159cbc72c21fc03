/* Columns and decimals through the codec's loops and back.  Prints a digest of all that was written, and fails where
   anything does not come back: compiled for two processors, the digests must be the same. */

#include "checksum.h"
#include "columns.h"
#include "decimals.h"
#include "lanes.h"
#include <stdio.h>

enum { COUNT_MAX = 400, ROUNDS = 3000 };

static uint64_t state = 88172645463325252u;
static uint32_t digest;

static uint64_t some(uint64_t below) { /* xorshift, Marsaglia 2003 */
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state % below;
}

static void note(uint64_t number) { digest = digest * 31 + (uint32_t)number; }

static void fill(int64_t *numbers, int count) {
    int width = (int)some(28), peaks = some(3) == 0;
    int64_t number = (int64_t)some(100000);
    for (int index = 0; index < count; index++) {
        int64_t step = width ? (int64_t)some((uint64_t)1 << width) - ((int64_t)1 << (width - 1)) : 0;
        number += peaks && some(40) == 0 ? 64 * step : step;
        numbers[index] = number;
    }
}

static int columns_come_back(const int64_t *numbers, int count) {
    static int32_t room[COUNT_MAX + 2], local[LANES_BLOCK + 4];
    static uint32_t codes[LANES_BLOCK + 4];
    static uint8_t out[20 * COUNT_MAX + 4 * LANES_BYTES_MAX];
    static int64_t back[COUNT_MAX];
    int32_t *steps = room + 1, plain = 0, changing = 0;
    uint64_t changes;
    if (!lanes_steps(numbers, count, steps, &changes))
        return 1; /* too far for lanes */
    int64_t slope = (int64_t)some(200) - 100, start = numbers[0] - slope, end = 0, at = 0;
    int order = 1 + (int)some(2), most;
    steps[-1] = steps[0] = (int32_t)slope;
    if (count > 20)
        lanes_weigh(steps + 1, steps[0], &plain, &changing);
    note((uint64_t)plain), note((uint64_t)changing), note(changes);
    for (int index = 0; index < count; index += LANES_BLOCK) {
        int size = count - index < LANES_BLOCK ? count - index : LANES_BLOCK;
        lanes_codes(steps + index, size, order, steps[0], codes);
        end += lanes_pack(codes, size, out + end);
    }
    note(checksum(out, (size_t)end));
    for (int index = 0; index < count; index += LANES_BLOCK) {
        int size = count - index < LANES_BLOCK ? count - index : LANES_BLOCK;
        int64_t taken = lanes_unpack(out + at, end - at, size, codes, &most);
        if (taken < 0)
            return 0;
        at += taken;
        if (!lanes_local(codes, size, order, most, &slope, local))
            return 1; /* the sums might be too large */
        lanes_numbers(local, size, start, 1, back + index);
        start = back[index + size - 1];
    }
    return at == end && memcmp(numbers, back, 8 * (size_t)count) == 0;
}

static int decimals_come_back(const int64_t *numbers, int count) {
    static double values[COUNT_MAX], back[LANES_BLOCK];
    static int32_t small[COUNT_MAX];
    static int64_t large[COUNT_MAX];
    const double high = 0x1.0624dd4p-10, low = -0x1.0e5604189374cp-38; /* 1/1000 of 27 bits, and the rest */
    for (int index = 0; index < count; index++)
        values[index] = (double)(numbers[index] % LANES_SMALL) / 1000;
    note((uint64_t)lanes_fitting(values, count < 64 ? count : 64, 100.0, 0.0, (int)some(2)));
    if (!lanes_small(values, count, 1000.0, high, low, 1.0, 0, small) ||
        !lanes_large(values, count, 1000.0, 0.0, 1.0, 0, large))
        return 0;
    for (int index = 0; index < count; index++)
        if (small[index] != numbers[index] % LANES_SMALL || large[index] != small[index])
            return 0;
    int size = count < LANES_BLOCK ? count : LANES_BLOCK;
    return lanes_decimals(small, size, 0, 1, high, low, 1.0, 0, back) && !memcmp(values, back, 8 * (size_t)size);
}

int main(void) {
    static int64_t numbers[COUNT_MAX];
    checksum_prepare();
    for (int round = 0; round < ROUNDS; round++) {
        int count = 2 + (int)some(COUNT_MAX - 2);
        fill(numbers, count);
        if (!columns_come_back(numbers, count) || !decimals_come_back(numbers, count))
            return 1;
    }
    printf("%08x\n", digest);
    return 0;
}
