"""A step's costs as pieces; ``reference/slopes.py`` says what they are.  A part of ``storage``."""

cdef enum:
    PIECES_MAX = 8  # of a step: six regions of the meter, one of them divided where nothing moves

cdef struct Step:  # columns as they stand in ``reference.slopes.Step``
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


cdef inline int pieces(const Step *step, const Wiring *wiring, Piece *made) noexcept nogil:
    """Write at most PIECES_MAX pieces; returns how many."""
    cdef double upper_wh[6]
    cdef double breach[6]
    cdef double price[6]
    cdef double at_wh = step.low_wh, end_wh, part_wh, difference_wh
    cdef double per_charge = wiring.per_charge, per_discharge = wiring.discharge_efficiency
    cdef double over = step.import_price + step.over_price
    cdef bint kept = step.contract_wh <= step.import_max_wh
    cdef int rank, place = 0, count = 0, fall = falling(step)
    for rank in range(5):
        if rank == fall:
            upper_wh[place] = best_wh(step)
            breach[place] = price[place] = 0.0
            place += 1
        if rank == 0:
            upper_wh[place], breach[place], price[place] = 0.0 - step.export_max_wh, -1.0, step.export_price
        elif rank == 1:
            upper_wh[place], breach[place], price[place] = 0.0, 0.0, step.export_price
        elif rank == 2:
            upper_wh[place] = least(step.contract_wh, step.import_max_wh)
            breach[place], price[place] = 0.0, step.import_price
        elif rank == 3:
            upper_wh[place] = most(step.contract_wh, step.import_max_wh)
            breach[place] = 0.0 if kept else 1.0
            price[place] = over if kept else step.import_price
        else:
            upper_wh[place], breach[place], price[place] = 1e300, 1.0, over
        if rank < fall:
            upper_wh[place] -= step.curtailable_wh
        place += 1
    for rank in range(6):
        difference_wh = upper_wh[rank] - step.net_wh
        if difference_wh < 0.0:
            end_wh = difference_wh / per_discharge
        else:
            end_wh = difference_wh * wiring.charge_efficiency
        end_wh = least(end_wh, step.high_wh)
        if at_wh < end_wh and at_wh < 0.0:
            part_wh = least(end_wh, 0.0)
            count = append(
                made, count, breach[rank] * per_discharge, price[rank] * per_discharge - wiring.wear_price,
                part_wh - at_wh,
            )
            at_wh = part_wh
        if at_wh < end_wh:
            count = append(
                made, count, breach[rank] * per_charge, price[rank] * per_charge + wiring.wear_price, end_wh - at_wh
            )
            at_wh = end_wh
        if at_wh >= step.high_wh:
            break
    return count
