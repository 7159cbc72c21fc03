"""A step's costs as pieces; ``reference/step_costs.py`` says what they are.  A part of ``storage``."""

from libc.math cimport INFINITY

cdef enum:
    PIECES_MAX = 8  # of a step: six regions of the meter, one of them divided where nothing moves

cdef struct Step:  # columns as they stand in ``reference.step_costs.Step``
    double net_wh
    double curtailable_wh
    double import_price
    double export_price
    double over_price
    double contract_wh
    double import_max_wh
    double export_max_wh
    double low_wh
    double high_wh
    double floor_wh
    double ceiling_wh

cdef struct Wiring:
    double charge_efficiency
    double discharge_efficiency
    double wear_price
    double per_charge  # 1 / charge_efficiency

cdef struct Piece:
    double breach
    double price
    double length_wh
    double kink_wh
    double filled_wh
    double left_wh

cdef struct Chain:  # the pieces of a step so far, and where the next begins
    Piece *made
    int count
    double at_wh

cdef struct Flow:
    double grid_wh
    double curtailed_wh
    double cost
    double excess_wh

cdef struct Slope:
    double breach
    double price


cdef inline double least(double one, double other) noexcept nogil:
    return other if other < one else one


cdef inline double most(double one, double other) noexcept nogil:
    return other if other > one else one


cdef inline bint above(Slope one, Slope other) noexcept nogil:
    return one.breach > other.breach or (one.breach == other.breach and one.price > other.price)


cdef inline int falling(const Step *step) noexcept nogil:
    if step.import_price >= 0.0:
        return 2 if step.export_price < 0.0 else 1
    if step.contract_wh <= step.import_max_wh and step.import_price + step.over_price < 0.0:
        return 4
    return 3


cdef inline double best_wh(const Step *step) noexcept nogil:
    cdef int count = falling(step)
    if count == 1:
        return 0.0 - step.export_max_wh
    if count == 2:
        return 0.0
    if count == 3:
        return least(step.contract_wh, step.import_max_wh)
    return most(step.contract_wh, step.import_max_wh)


cdef inline Flow flow(const Step *step, const Wiring *wiring, double moved_wh) noexcept nogil:
    cdef Flow made
    cdef double without_wh, wear
    if moved_wh < 0.0:
        without_wh = step.net_wh + moved_wh * wiring.discharge_efficiency
        wear = 0.0 - moved_wh * wiring.wear_price
    else:
        without_wh = step.net_wh + moved_wh / wiring.charge_efficiency
        wear = moved_wh * wiring.wear_price
    made.curtailed_wh = least(most(best_wh(step) - without_wh, 0.0), step.curtailable_wh)
    made.grid_wh = without_wh + made.curtailed_wh
    if made.grid_wh < 0.0:
        made.cost = made.grid_wh * step.export_price + wear
        made.excess_wh = most(0.0 - step.export_max_wh - made.grid_wh, 0.0)
    else:
        made.cost = (
            made.grid_wh * step.import_price + most(made.grid_wh - step.contract_wh, 0.0) * step.over_price + wear
        )
        made.excess_wh = most(made.grid_wh - step.import_max_wh, 0.0)
    return made


cdef inline int append(Piece *made, int count, double breach, double price, double length_wh) noexcept nogil:
    """Returns the new count."""
    cdef double kink_wh = 0.0, both_wh
    cdef Piece *last
    while count > 0:
        last = &made[count - 1]
        if breach > last.breach or (breach == last.breach and price > last.price):
            break
        both_wh = last.length_wh + length_wh
        if breach == last.breach and price == last.price:
            if last.kink_wh > 0.0 or kink_wh == 0.0:
                kink_wh = last.kink_wh
            else:
                kink_wh = last.length_wh + kink_wh
        else:
            breach = (last.breach * last.length_wh + breach * length_wh) / both_wh
            price = (last.price * last.length_wh + price * length_wh) / both_wh
            kink_wh = last.length_wh
        length_wh = both_wh
        count -= 1
    made[count].breach = breach
    made[count].price = price
    made[count].length_wh = made[count].left_wh = length_wh
    made[count].kink_wh = kink_wh
    made[count].filled_wh = 0.0
    return count + 1


cdef inline void region(
    Chain *chain, const Step *step, const Wiring *wiring, double upper_wh, double breach, double price
) noexcept nogil:
    """The pieces of what the meter would count up to ``upper_wh``, without curtailment."""
    cdef double difference_wh = upper_wh - step.net_wh, end_wh, part_wh
    if difference_wh < 0.0:
        end_wh = difference_wh / wiring.discharge_efficiency
    else:
        end_wh = difference_wh * wiring.charge_efficiency
    end_wh = least(end_wh, step.high_wh)
    if not chain.at_wh < end_wh:
        return
    if chain.at_wh < 0.0:
        part_wh = least(end_wh, 0.0)
        chain.count = append(
            chain.made, chain.count, breach * wiring.discharge_efficiency,
            price * wiring.discharge_efficiency - wiring.wear_price, part_wh - chain.at_wh,
        )
        chain.at_wh = part_wh
        if not part_wh < end_wh:
            return
    chain.count = append(
        chain.made, chain.count, breach * wiring.per_charge, price * wiring.per_charge + wiring.wear_price,
        end_wh - chain.at_wh,
    )
    chain.at_wh = end_wh


cdef inline int pieces(const Step *step, const Wiring *wiring, Piece *made) noexcept nogil:
    """Write at most PIECES_MAX pieces; returns how many."""
    cdef Chain chain = Chain(made, 0, step.low_wh)
    cdef double inner_wh = least(step.contract_wh, step.import_max_wh)
    cdef double outer_wh = most(step.contract_wh, step.import_max_wh)
    cdef double over = step.import_price + step.over_price
    cdef bint kept = step.contract_wh <= step.import_max_wh
    cdef int fall = falling(step)
    region(&chain, step, wiring, 0.0 - step.export_max_wh - step.curtailable_wh, -1.0, step.export_price)
    if fall == 1:
        region(&chain, step, wiring, 0.0 - step.export_max_wh, 0.0, 0.0)
        region(&chain, step, wiring, 0.0, 0.0, step.export_price)
    else:
        region(&chain, step, wiring, 0.0 - step.curtailable_wh, 0.0, step.export_price)
        if fall == 2:
            region(&chain, step, wiring, 0.0, 0.0, 0.0)
    if chain.at_wh >= step.high_wh:
        return chain.count
    if fall <= 2:
        region(&chain, step, wiring, inner_wh, 0.0, step.import_price)
    else:
        region(&chain, step, wiring, inner_wh - step.curtailable_wh, 0.0, step.import_price)
        if fall == 3:
            region(&chain, step, wiring, inner_wh, 0.0, 0.0)
    if chain.at_wh >= step.high_wh:
        return chain.count
    if fall <= 3:
        region(&chain, step, wiring, outer_wh, 0.0 if kept else 1.0, over if kept else step.import_price)
    else:
        region(&chain, step, wiring, outer_wh - step.curtailable_wh, 0.0, over)
        region(&chain, step, wiring, outer_wh, 0.0, 0.0)
    region(&chain, step, wiring, INFINITY, 1.0, over)
    return chain.count
