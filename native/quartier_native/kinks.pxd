"""A step's mean cost over samples as pieces; ``reference/mean_step_costs.py`` says what they are.  A part of ``sampled``."""

from libc.math cimport INFINITY
from libc.string cimport memmove

from quartier_native.steps cimport Piece, Slope, Wiring, above, append, least, most

cdef enum:
    SAMPLES_MOST = 64
    TIERS_MOST = 8
    REGIONS_MOST = TIERS_MOST + 4
    KINKS_MOST = SAMPLES_MOST * REGIONS_MOST

cdef struct SampledStep:  # as in ``reference.mean_step_costs.SampledStep``; the count is a whole number here
    int samples_count
    double import_price
    double export_price
    double import_max_wh
    double export_max_wh
    double low_wh
    double high_wh
    double floor_wh
    double ceiling_wh

cdef struct Sample:
    double net_wh
    double curtailable_wh
    double weight

cdef struct Tier:
    double above_wh
    double over_price

cdef struct Region:
    double upper_wh
    double breach
    double price

cdef struct Meter:
    int count
    int falling
    Region regions[REGIONS_MOST]

cdef struct Kink:
    double at_wh
    double weight
    int rank

cdef struct SampledFlow:
    double grid_wh
    double curtailed_wh
    double cost
    double excess_wh
    double grid_low_wh
    double grid_high_wh

cdef struct Held:
    Slope cap
    double tier_value


cdef inline double best_of(const Meter *there) noexcept nogil:
    return there.regions[there.falling - 1].upper_wh


cdef inline void meter(const SampledStep *step, const Tier *tiers, int tiers_count, Meter *made) noexcept nogil:
    cdef int order[TIERS_MOST]
    cdef int place, at, count = 2
    cdef double breach = 0.0, price = step.import_price
    cdef bint capped = False
    made.regions[0] = Region(0.0 - step.export_max_wh, -1.0, step.export_price)
    made.regions[1] = Region(0.0, 0.0, step.export_price)
    for place in range(tiers_count):  # by rising beginning, of equals the first first
        at = place
        while at > 0 and tiers[order[at - 1]].above_wh > tiers[place].above_wh:
            order[at] = order[at - 1]
            at -= 1
        order[at] = place
    for place in range(tiers_count):
        if not capped and step.import_max_wh <= tiers[order[place]].above_wh:
            made.regions[count] = Region(step.import_max_wh, breach, price)
            breach = 1.0
            capped = True
            count += 1
        made.regions[count] = Region(tiers[order[place]].above_wh, breach, price)
        price += tiers[order[place]].over_price
        count += 1
    if not capped:
        made.regions[count] = Region(step.import_max_wh, breach, price)
        breach = 1.0
        count += 1
    made.regions[count] = Region(INFINITY, breach, price)
    made.count = count + 1
    if step.import_price >= 0.0:
        made.falling = 2 if step.export_price < 0.0 else 1
        return
    made.falling = 3
    while made.regions[made.falling].breach == 0.0 and made.regions[made.falling].price < 0.0:
        made.falling += 1


cdef inline int sampled_pieces(
    const SampledStep *step, const Meter *there, const Sample *samples, const Wiring *wiring, Kink *kinks, Piece *made
) noexcept nogil:
    """Write at most two pieces more than there are kinks; returns how many."""
    cdef Region ranks[REGIONS_MOST + 1]
    cdef double held[REGIONS_MOST + 1]
    cdef double total = 0.0, beyond = 0.0, kink_wh, difference_wh, end_wh, part_wh, money, breach, price
    cdef double per_charge = wiring.per_charge, per_discharge = wiring.discharge_efficiency
    cdef double at_wh = step.low_wh
    cdef int number, rank, first, ranks_count = there.count + 1, kinks_count = 0, low, count, half, place
    for rank in range(ranks_count):
        if rank < there.falling:
            ranks[rank] = there.regions[rank]
        elif rank == there.falling:
            ranks[rank] = Region(best_of(there), 0.0, 0.0)
        else:
            ranks[rank] = there.regions[rank - 1]
        held[rank] = 0.0
    for number in range(step.samples_count):
        first = 0
        for rank in range(ranks_count - 1):
            if rank < there.falling:
                difference_wh = ranks[rank].upper_wh - samples[number].curtailable_wh - samples[number].net_wh
            else:
                difference_wh = ranks[rank].upper_wh - samples[number].net_wh
            if difference_wh < 0.0:
                kink_wh = difference_wh / wiring.discharge_efficiency
            else:
                kink_wh = difference_wh * wiring.charge_efficiency
            if kink_wh <= step.low_wh:
                first = rank + 1
            elif kink_wh < step.high_wh:
                low, count = 0, kinks_count
                while count > 0:
                    half = count >> 1
                    if kinks[low + half].at_wh <= kink_wh:
                        low += half + 1
                        count -= half + 1
                    else:
                        count = half
                if low < kinks_count:
                    memmove(&kinks[low + 1], &kinks[low], (kinks_count - low) * sizeof(Kink))
                kinks[low] = Kink(kink_wh, samples[number].weight, rank)
                kinks_count += 1
            else:
                break
        held[first] += samples[number].weight
        beyond += ranks[first].breach * samples[number].weight
        total += samples[number].weight
    count = 0
    for place in range(kinks_count + 1):
        end_wh = kinks[place].at_wh if place < kinks_count else step.high_wh
        if at_wh < end_wh:
            money = 0.0
            for rank in range(ranks_count):
                money += held[rank] * ranks[rank].price
            breach = beyond / total
            price = money / total
            if at_wh < 0.0:
                part_wh = least(end_wh, 0.0)
                count = append(
                    made, count, breach * per_discharge, price * per_discharge - wiring.wear_price, part_wh - at_wh
                )
                at_wh = part_wh
            if at_wh < end_wh:
                count = append(
                    made, count, breach * per_charge, price * per_charge + wiring.wear_price, end_wh - at_wh
                )
                at_wh = end_wh
        if place < kinks_count:
            rank = kinks[place].rank
            held[rank] -= kinks[place].weight
            held[rank + 1] += kinks[place].weight
            beyond += (ranks[rank + 1].breach - ranks[rank].breach) * kinks[place].weight
    return count


cdef inline SampledFlow sampled_flow(
    const SampledStep *step, const Tier *tiers, int tiers_count, double best_wh, const Sample *samples,
    const Wiring *wiring, double moved_wh
) noexcept nogil:
    cdef SampledFlow made
    cdef double bus_wh, wear, without_wh, curtailed_wh, grid_wh, cost, excess_wh
    cdef double total = 0.0, grid = 0.0, curtailed = 0.0, money = 0.0, excess = 0.0
    cdef int number, tier
    made.grid_low_wh = INFINITY
    made.grid_high_wh = -INFINITY
    if moved_wh < 0.0:
        bus_wh = moved_wh * wiring.discharge_efficiency
        wear = 0.0 - moved_wh * wiring.wear_price
    else:
        bus_wh = moved_wh / wiring.charge_efficiency
        wear = moved_wh * wiring.wear_price
    for number in range(step.samples_count):
        without_wh = samples[number].net_wh + bus_wh
        curtailed_wh = least(most(best_wh - without_wh, 0.0), samples[number].curtailable_wh)
        grid_wh = without_wh + curtailed_wh
        if grid_wh < 0.0:
            cost = grid_wh * step.export_price
            excess_wh = most(0.0 - step.export_max_wh - grid_wh, 0.0)
        else:
            cost = grid_wh * step.import_price
            for tier in range(tiers_count):
                cost += most(grid_wh - tiers[tier].above_wh, 0.0) * tiers[tier].over_price
            excess_wh = most(grid_wh - step.import_max_wh, 0.0)
        total += samples[number].weight
        grid += samples[number].weight * grid_wh
        curtailed += samples[number].weight * curtailed_wh
        money += samples[number].weight * cost
        excess += samples[number].weight * excess_wh
        made.grid_low_wh = least(made.grid_low_wh, grid_wh)
        made.grid_high_wh = most(made.grid_high_wh, grid_wh)
    made.grid_wh = grid / total
    made.curtailed_wh = curtailed / total
    made.cost = money / total + wear
    made.excess_wh = excess / total
    return made


cdef inline Slope metered(Slope slope, const Wiring *wiring, bint discharges) noexcept nogil:
    """A slope over the stored energy as one over the meter's."""
    cdef double per_wh
    if discharges:
        per_wh = 1.0 / wiring.discharge_efficiency
        return Slope(slope.breach * per_wh, (slope.price + wiring.wear_price) * per_wh)
    return Slope(slope.breach * wiring.charge_efficiency, (slope.price - wiring.wear_price) * wiring.charge_efficiency)


cdef inline Held held_at(
    const SampledStep *row, const Tier *tiers, int tiers_count, double best_wh, const Sample *samples,
    const Wiring *wiring, double moved_wh, Slope value, Slope below, double near_wh
) noexcept nogil:
    """What one more Wh under the import cap is worth, and what the first tier's beginning a Wh later."""
    cdef double bus_wh, without_wh, grid_wh, breach, spared, most_value, part
    cdef double total = 0.0, beyond = 0.0, capped = 0.0, above_there = 0.0, at = 0.0
    cdef int place
    cdef Slope wanted
    cdef Held made
    if moved_wh < 0.0:
        bus_wh = moved_wh * wiring.discharge_efficiency
    else:
        bus_wh = moved_wh / wiring.charge_efficiency
    for place in range(row.samples_count):
        without_wh = samples[place].net_wh + bus_wh
        grid_wh = without_wh + least(
            most(best_wh - without_wh, 0.0), samples[place].curtailable_wh
        )
        total += samples[place].weight
        if grid_wh - row.import_max_wh > near_wh:
            beyond += samples[place].weight
        elif row.import_max_wh - grid_wh <= near_wh:
            capped += samples[place].weight
        if tiers_count > 0:
            if grid_wh - tiers[0].above_wh > near_wh:
                above_there += samples[place].weight
            elif tiers[0].above_wh - grid_wh <= near_wh:
                at += samples[place].weight
    made.tier_value = above_there / total * tiers[0].over_price if tiers_count > 0 else 0.0
    made.cap = Slope(beyond / total, 0.0)
    if capped + at == 0.0:
        return made
    wanted = metered(value, wiring, moved_wh < 0.0 - near_wh)
    below = metered(below, wiring, moved_wh <= near_wh)
    breach = wanted.breach - below.breach
    spared = wanted.price - below.price
    if at > 0.0:
        most_value = at / total * tiers[0].over_price
        if breach > 0.0:
            part = most_value
        elif breach == 0.0:
            part = least(most(spared, 0.0), most_value)
        else:
            part = 0.0
        made.tier_value += part
        spared -= part
    if capped > 0.0 and beyond == 0.0:
        if above(Slope(breach, spared), Slope(0.0, 0.0)):
            made.cap = Slope(breach, spared)
        else:
            made.cap = Slope(0.0, 0.0)
    return made
