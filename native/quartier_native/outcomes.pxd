# cython: language_level=3
"""What is remembered of a cycle, inline; ``reference/fleet_memory.py`` says what it does."""

from libc.math cimport INFINITY as INFINITE_W
from libc.math cimport floor
from libc.stdint cimport int64_t

from quartier_native.seats cimport (
    BATTERY, DAY_NS, DIVISIBLE, EV, HOUR_NS, LOAD, MODED, PV_LIMIT, PV_RELAY, SETTLE_NS, VEERS_MAX, Columns, Group, Seat,
    Unit, begin, expected_w, least, most, stands, within,
)
from quartier_native.walk cimport ROWS, Place

cdef extern from *:
    """
    static const double OUTCOMES_EPSILON_W = 1e-6;
    """
    const double EPSILON_W "OUTCOMES_EPSILON_W"


cdef inline double limit_w(double watts, double full_w) noexcept nogil:
    return INFINITE_W if watts >= full_w - EPSILON_W else watts


cdef inline int note(int64_t *times_ns, int count, int room, int64_t life_ns, int64_t now_ns) noexcept nogil:
    """Put ``now_ns`` behind the times that are younger than ``life_ns``; returns how many there are."""
    cdef int index, kept = 0
    for index in range(count):
        if now_ns - times_ns[index] < life_ns:
            times_ns[kept] = times_ns[index]
            kept += 1
    if kept == room:
        for index in range(1, kept):
            times_ns[index - 1] = times_ns[index]
        kept -= 1
    times_ns[kept] = now_ns
    return kept + 1


cdef inline void switch_off(const Seat *seat, const Columns *columns, double before_w, int64_t now_ns) noexcept nogil:
    cdef int64_t at = seat.at
    cdef int room = columns.sheds_room
    columns.on[at], columns.since_ns[at] = 0, now_ns
    columns.before_w[at], columns.lowered_ns[at] = before_w, now_ns
    if not seat.deaf:
        columns.told_ns[at] = now_ns
    columns.shed_count[at] = note(
        &columns.sheds_ns[at * room], within(columns.shed_count[at], room), room, DAY_NS, now_ns
    )


cdef inline void hold(const Seat *seat, const Columns *columns, double watts, int64_t now_ns) noexcept nogil:
    """May take no more than ``watts``; only what is less than before is an order to obey."""
    if watts < columns.limit_w[seat.at]:
        columns.limit_w[seat.at] = watts
        if not seat.deaf:
            columns.told_ns[seat.at] = now_ns


cdef inline void bring_down(
    const Seat *seat, const Columns *columns, double watts, double before_w, int64_t now_ns
) noexcept nogil:
    """Held to ``watts`` from now, or less."""
    cdef int64_t at = seat.at
    if now_ns - columns.lowered_ns[at] >= SETTLE_NS:
        columns.before_w[at], columns.lowered_ns[at] = before_w, now_ns
    hold(seat, columns, watts, now_ns)


cdef inline void turn(const Seat *seat, const Columns *columns, double setpoint_w, int64_t now_ns) noexcept nogil:
    cdef int64_t at = seat.at
    cdef int mode = seat.mode, other
    cdef bint rises, lowered
    if setpoint_w < seat.want_w - EPSILON_W:
        for other in range(seat.mode + 1, seat.lowest + 1):
            if expected_w(seat, other) <= setpoint_w + EPSILON_W:
                mode = other
                break
    elif setpoint_w > seat.want_w + EPSILON_W:
        for other in range(seat.mode - 1, seat.highest - 1, -1):
            if expected_w(seat, other) >= setpoint_w - EPSILON_W:
                mode = other
                break
    rises, lowered = mode < seat.before, mode > seat.mode
    if mode != seat.before:
        if seat.on != rises:
            columns.veer_count[at] = note(
                &columns.veers_ns[at * VEERS_MAX], within(columns.veer_count[at], VEERS_MAX), VEERS_MAX, HOUR_NS, now_ns
            )
        columns.on[at], columns.since_ns[at] = rises, now_ns
    if lowered and mode > seat.before:
        switch_off(seat, columns, most(seat.present_w, 0.0), now_ns)
    columns.mode[at] = mode
    columns.held[at] = mode > seat.wanted and (lowered or columns.held[at] != 0)


cdef inline void remember(
    const Seat *seat, const Columns *columns, double setpoint_w, int64_t now_ns, bint moved
) noexcept nogil:
    cdef int64_t at = seat.at
    cdef int kind = seat.unit.kind
    cdef double before_w
    if kind == MODED:
        turn(seat, columns, setpoint_w, now_ns)
    elif kind == PV_RELAY:
        if seat.on and moved and setpoint_w >= 0.0:
            switch_off(seat, columns, seat.present_w, now_ns)
    elif kind == PV_LIMIT:
        if setpoint_w > seat.want_w + EPSILON_W:
            bring_down(seat, columns, -setpoint_w, seat.present_w, now_ns)
    elif kind == BATTERY:
        pass
    elif setpoint_w < seat.want_w - EPSILON_W:
        if seat.on:
            before_w = most(seat.present_w, 0.0)
            if kind == LOAD or (kind == EV and setpoint_w <= 0.0):
                switch_off(seat, columns, before_w, now_ns)
            else:
                bring_down(seat, columns, most(setpoint_w, seat.unit.floor_w), before_w, now_ns)
    elif setpoint_w > seat.want_w + EPSILON_W:
        before_w = columns.limit_w[at] if seat.on else 0.0
        if not seat.on:
            columns.on[at], columns.since_ns[at] = 1, now_ns
        if kind == EV or kind == DIVISIBLE:
            if not seat.on or stands(seat):
                columns.raised_ns[at] = now_ns
            columns.limit_w[at] = limit_w(most(before_w, setpoint_w), seat.unit.rated_w)
    columns.setpoint_w[at] = setpoint_w


cdef inline void settle(
    const Seat *seats, const Group *group, const Place *places, const int *under, const Columns *columns,
    double *spare_w, int64_t now_ns,
) noexcept nogil:
    """Bring the limits of cars down to whole amperes that fit; ``spare_w`` by row."""
    cdef int index, place, node, phase
    cdef int64_t at
    cdef const Unit *unit
    cdef const Place *stand
    cdef double taken_w, room_w, held_w, amperes
    for index in range(begin(group, EV), group.kind_ends[EV]):
        place = group.by_kind[index]
        unit, at, stand = seats[place].unit, seats[place].at, &places[place]
        if not columns.on[at] or not columns.plugged[at]:
            continue
        taken_w = most(0.0, columns.setpoint_w[at])
        room_w = INFINITE_W
        node = stand.home
        while node >= 0:
            for phase in range(ROWS):
                if stand.share[phase] > 0.0:
                    room_w = least(room_w, spare_w[ROWS * node + phase] / stand.share[phase])
            node = under[node]
        held_w = least(columns.limit_w[at], unit.rated_w)
        if held_w > taken_w + room_w + EPSILON_W:
            amperes = floor((taken_w + room_w) / unit.ampere_w)
            hold(
                &seats[place], columns,
                limit_w(least(most(unit.floor_w, amperes * unit.ampere_w), held_w), unit.rated_w), now_ns,
            )
            held_w = least(columns.limit_w[at], unit.rated_w)
        node = stand.home
        while node >= 0:
            for phase in range(ROWS):
                if stand.share[phase] > 0.0:
                    spare_w[ROWS * node + phase] = most(
                        0.0, spare_w[ROWS * node + phase] - (held_w - taken_w) * stand.share[phase]
                    )
            node = under[node]


cdef inline void raise_pv(
    const Seat *seats, const Group *group, const Place *places, const int *under, const Columns *columns,
    const double *export_room_w, double dt_s,
) noexcept nogil:
    """Let the limits of PV rise."""
    cdef int index, place, node, phase
    cdef int64_t at
    cdef const Unit *unit
    cdef const Place *stand
    cdef double charge_room_w = 0.0, held_w, room_w
    for index in range(begin(group, BATTERY), group.kind_ends[BATTERY]):
        place = group.by_kind[index]
        charge_room_w += seats[place].high_w - columns.setpoint_w[seats[place].at]
    for index in range(begin(group, PV_LIMIT), group.kind_ends[PV_LIMIT]):
        place = group.by_kind[index]
        unit, at, stand = seats[place].unit, seats[place].at, &places[place]
        held_w = least(columns.limit_w[at], unit.rated_w)
        if columns.limit_w[at] < INFINITE_W and not columns.setpoint_w[at] > seats[place].want_w + EPSILON_W:
            room_w = INFINITE_W
            node = stand.home
            while node >= 0:
                for phase in range(ROWS):
                    if stand.share[phase] > 0.0:
                        room_w = least(room_w, export_room_w[ROWS * node + phase] / stand.share[phase])
                node = under[node]
            if room_w > most(20.0, 0.005 * unit.rated_w):  # less is not worth an order
                held_w += 0.25 * room_w
            if charge_room_w > 0.02 * unit.rated_w and -seats[place].present_w > 0.9 * held_w:
                held_w += 0.005 * unit.rated_w * dt_s
        columns.limit_w[at] = limit_w(held_w, unit.rated_w)
