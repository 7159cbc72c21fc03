/* Whether the numbers of a horizon's steps are within their ranges; reference/storage.py says which those are. */

#ifndef QUARTIER_SOUND_H
#define QUARTIER_SOUND_H

#include "lanes.h"

/* Nothing compares with a number that is none, so that each range is asked as it should be, never as it should not. */
LANES_INLINE int64_t sound_within(const double *numbers, int64_t count, double low, double high) {
    int64_t sound = -1;
    for (int64_t index = 0; index < count; index++)
        sound &= -(int64_t)((low <= numbers[index]) & (numbers[index] <= high));
    return sound;
}

LANES_INLINE int64_t sound_ordered(const double *low, const double *high, int64_t count, double most) {
    int64_t sound = -1;
    for (int64_t index = 0; index < count; index++)
        sound &= -(int64_t)((-most <= low[index]) & (low[index] <= high[index]) & (high[index] <= most));
    return sound;
}

/* Whether no step has an import and an export that both pay while generation may be curtailed. */
LANES_INLINE int64_t sound_prices(
    const double *curtailable, const double *import, const double *export, const double *export_max, int64_t count
) {
    int64_t twice = 0;
    for (int64_t index = 0; index < count; index++)
        twice |= -(int64_t)((import[index] < 0.0) & (0.0 < export[index]) & (export_max[index] > 0.0)
                            & (curtailable[index] > 0.0));
    return ~twice;
}

/* The columns of reference.step_costs.Step, each with count numbers: what is wrong with them. */
enum { SOUND, SOUND_RANGE = 4, SOUND_PRICES = 5 }; /* places in REFUSALS */

LANES_LOOP int sound_refusal(const double *steps, int64_t count, double most) {
    int64_t sound = sound_within(steps, count, -most, most);
    sound &= sound_within(steps + count, count, 0.0, most);
    sound &= sound_within(steps + 2 * count, 2 * count, -most, most);
    sound &= sound_within(steps + 4 * count, count, 0.0, most);
    sound &= sound_within(steps + 5 * count, 3 * count, 0.0, __builtin_inf());
    sound &= sound_ordered(steps + 8 * count, steps + 9 * count, count, most);
    sound &= sound_ordered(steps + 10 * count, steps + 11 * count, count, most);
    if (!sound)
        return SOUND_RANGE;
    return sound_prices(steps + count, steps + 2 * count, steps + 3 * count, steps + 7 * count, count)
               ? SOUND
               : SOUND_PRICES;
}

#endif
