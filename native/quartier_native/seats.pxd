# cython: language_level=3
"""Each unit of a building at the table of one cycle, inline; ``reference/fleet_units.py`` says what it does."""

from libc.math cimport INFINITY as INFINITE_W
from libc.math cimport fabs
from libc.stdint cimport int64_t

from quartier_native.walk cimport Step

cdef enum:  # kinds
    LOAD = 0
    DIVISIBLE = 1
    EV = 2
    BATTERY = 3
    PV_LIMIT = 4
    PV_RELAY = 5
    MODED = 6
    PV_ANY = 7  # PV once more, by place, whatever it is curtailed by
    KINDS = 8

cdef enum:
    TIER_D = 0
    TIER_A = 3
    EARLY = 0
    GENERATING = 1
    LATE = 2
    TURNS_MAX_PER_H = 6
    VEERS_MAX = 6

cdef extern from *:
    """
    #include <stdint.h>
    static const int64_t SEATS_SETTLE_NS = 4000000000LL;
    static const int64_t SEATS_RAMP_NS = 4000000000LL;
    static const int64_t SEATS_CAR_ANSWERS_NS = 6000000000LL;
    static const int64_t SEATS_ANSWERS_NS = 10000000000LL;
    static const int64_t SEATS_DAY_NS = 86400000000000LL;
    static const int64_t SEATS_HOUR_NS = 3600000000000LL;
    """
    const int64_t SETTLE_NS "SEATS_SETTLE_NS"
    const int64_t RAMP_NS "SEATS_RAMP_NS"
    const int64_t CAR_ANSWERS_NS "SEATS_CAR_ANSWERS_NS"
    const int64_t ANSWERS_NS "SEATS_ANSWERS_NS"
    const int64_t DAY_NS "SEATS_DAY_NS"
    const int64_t HOUR_NS "SEATS_HOUR_NS"

cdef struct Unit:
    int kind
    int pool
    int normal
    int mode_count
    const double *modes_w
    int64_t min_on_ns
    int64_t min_off_ns
    double comfort_cost
    double rated_w
    double floor_w
    double ampere_w
    double charge_max_w
    double discharge_max_w
    double ramp_max_w_per_s
    double soc_floor_pct
    double soc_max_pct
    bint machine

cdef struct Group:  # the places of one building's units
    const int *by_kind
    const int *kind_ends  # where each kind ends in ``by_kind``
    const int *order  # of who may be shed, by tier as declared, comfort cost and place
    const int *ranks  # theirs, by comfort cost and place alone

cdef struct Columns:  # of the whole fleet
    unsigned char *on
    int64_t *since_ns
    double *limit_w
    double *before_w
    int64_t *lowered_ns
    int64_t *raised_ns
    int64_t *told_ns
    double *setpoint_w
    int *mode
    unsigned char *held
    int *shed_count
    int64_t *sheds_ns
    int *veer_count
    int64_t *veers_ns
    const double *present_w
    const double *soc_pct
    const unsigned char *plugged
    const int *tier
    const int *wanted
    const int *highest
    const int *lowest
    const double *rest_w
    const double *target_w
    const double *high_w
    const double *low_w
    const double *import_max_w
    const double *export_max_w
    int *cap_row
    unsigned char *met
    int sheds_room

cdef struct Seat:
    const Unit *unit
    int64_t at
    int tier
    int sheds_count
    double present_w
    double seen_w
    double want_w
    double limit_w
    double low_w
    double high_w
    double last_w
    int before
    int mode
    int wanted
    int highest
    int lowest
    bint on
    bint movable
    bint sinks
    bint rises
    bint ramps
    bint deaf


# As Python's min and max: the first of equals.
cdef inline double least(double first, double second) noexcept nogil:
    return second if second < first else first


cdef inline double most(double first, double second) noexcept nogil:
    return second if second > first else first


cdef inline int within(int value, int high) noexcept nogil:
    """What was checked already, unless another thread has changed it since."""
    return 0 if value < 0 else (high if value > high else value)


cdef inline int recent(const int64_t *times_ns, int count, int64_t life_ns, int64_t now_ns) noexcept nogil:
    cdef int index, found = 0
    for index in range(count):
        if now_ns - times_ns[index] < life_ns:
            found += 1
    return found


cdef inline double taper(double left_pct) noexcept nogil:
    cdef double share = least(most(left_pct / 1.0, 0.0), 1.0)
    return share if share >= 0.05 else 0.0


cdef inline double expected_w(const Seat *seat, int mode) noexcept nogil:
    cdef double here_w = seat.unit.modes_w[seat.before], there_w = seat.unit.modes_w[mode]
    if mode == seat.before:
        return seat.seen_w
    if mode < seat.before:
        return most(there_w, seat.seen_w)
    if here_w <= 0.0 or there_w <= 0.0:
        return least(there_w, seat.seen_w)
    return least(there_w, seat.seen_w * (there_w / here_w))


cdef inline bint above_order(const Seat *seat, double watts) noexcept nogil:
    """Whether it takes, or makes, that much more than it may."""
    cdef int kind = seat.unit.kind
    cdef double over_w = most(200.0, 0.05 * seat.unit.rated_w), most_w = seat.limit_w if seat.on else 0.0
    if kind == EV:
        over_w = 1.0 * seat.unit.ampere_w
    elif kind == LOAD:
        over_w = 200.0
    return watts > most_w + over_w


cdef inline int64_t answers_ns(const Unit *unit) noexcept nogil:
    return CAR_ANSWERS_NS if unit.kind == EV else ANSWERS_NS


cdef inline void listen(Seat *seat, double watts, const Columns *columns, int64_t now_ns) noexcept nogil:
    """Find out whether it obeys; one that does not counts with what it takes, or makes."""
    seat.deaf = above_order(seat, watts) and now_ns - columns.told_ns[seat.at] >= answers_ns(seat.unit)
    if seat.deaf:
        seat.want_w = seat.present_w


cdef inline bint may_hear(const Seat *seat) noexcept nogil:
    """Whether one that does not obey can still be told its least."""
    return seat.deaf and seat.limit_w > seat.unit.floor_w


cdef inline void take_seat(
    Seat *seat, const Unit *unit, int64_t at, const Columns *columns, int64_t now_ns
) noexcept nogil:
    cdef int modes = unit.mode_count - 1
    cdef int64_t lowered_for_ns
    cdef bint settles
    seat.unit, seat.at = unit, at
    seat.tier = within(columns.tier[at], TIER_A)
    seat.present_w = seat.seen_w = columns.present_w[at]
    seat.want_w = 0.0
    seat.low_w = seat.high_w = 0.0
    seat.on = seat.movable = seat.sinks = seat.rises = True
    seat.ramps = seat.deaf = False
    seat.sheds_count = 0
    if unit.kind == BATTERY:
        seat.low_w = -unit.discharge_max_w * taper(columns.soc_pct[at] - unit.soc_floor_pct)
        seat.high_w = unit.charge_max_w * taper(unit.soc_max_pct - columns.soc_pct[at])
        seat.last_w = columns.setpoint_w[at]
        if seat.last_w != seat.last_w:
            seat.last_w = seat.present_w
        return
    seat.on, seat.limit_w = columns.on[at] != 0, columns.limit_w[at]
    seat.movable = now_ns - columns.since_ns[at] >= (unit.min_on_ns if seat.on else unit.min_off_ns)
    if unit.kind == PV_LIMIT or unit.kind == PV_RELAY:
        seat.present_w = least(seat.present_w, 0.0)
        if seat.on:
            seat.want_w = most(seat.present_w, -least(seat.limit_w, unit.rated_w))
        listen(seat, -seat.present_w, columns, now_ns)
        return
    seat.ramps = now_ns - columns.raised_ns[at] < RAMP_NS
    seat.sheds_count = recent(
        &columns.sheds_ns[at * columns.sheds_room], within(columns.shed_count[at], columns.sheds_room), DAY_NS, now_ns
    )
    if unit.kind == MODED:
        seat.before, seat.wanted = within(columns.mode[at], modes), within(columns.wanted[at], modes)
        seat.highest, seat.lowest = within(columns.highest[at], modes), within(columns.lowest[at], modes)
        seat.rises = seat.on or recent(
            &columns.veers_ns[at * VEERS_MAX], within(columns.veer_count[at], VEERS_MAX), HOUR_NS, now_ns
        ) <= TURNS_MAX_PER_H - 2
        seat.mode = seat.before
        seat.sinks = seat.movable or not seat.on
        if seat.sinks:
            seat.mode = seat.highest if seat.highest > seat.wanted else seat.wanted
            if seat.lowest < seat.mode:
                seat.mode = seat.lowest
            if (columns.held[at] or not seat.rises or not seat.movable) and seat.mode < seat.before:
                seat.mode = seat.before
        seat.want_w = expected_w(seat, seat.mode)
    elif seat.on:
        seat.want_w = least(seat.present_w, seat.limit_w)
    elif unit.kind == LOAD or unit.kind == EV:
        seat.rises = recent(
            &columns.sheds_ns[at * columns.sheds_room], within(columns.shed_count[at], columns.sheds_room), HOUR_NS, now_ns
        ) < TURNS_MAX_PER_H // 2
    lowered_for_ns = now_ns - columns.lowered_ns[at]
    settles = lowered_for_ns < SETTLE_NS
    if unit.kind != MODED:
        listen(seat, seat.seen_w, columns, now_ns)
        settles = settles or (lowered_for_ns < answers_ns(unit) and above_order(seat, seat.seen_w))
    if settles:
        seat.present_w = most(seat.present_w, columns.before_w[at])


cdef inline int begin(const Group *group, int kind) noexcept nogil:
    return group.kind_ends[kind - 1] if kind > 0 else 0


cdef inline bint is_starting(const Seat *seats, int count) noexcept nogil:
    """Whether a machine is inside its minimum on-time."""
    cdef int place
    for place in range(count):
        if seats[place].unit.machine and seats[place].on and not seats[place].movable:
            return True
    return False


cdef inline void wait_for_starts(Seat *seats, int count, const Group *group) noexcept nogil:
    """Let a machine in modes go no higher by itself while another one is starting, or goes up before it."""
    cdef int index
    cdef Seat *seat
    cdef bint starting
    if begin(group, MODED) == group.kind_ends[MODED]:
        return
    starting = is_starting(seats, count)
    for index in range(begin(group, MODED), group.kind_ends[MODED]):
        seat = &seats[group.by_kind[index]]
        if seat.unit.machine and seat.mode < seat.before:
            if starting:
                seat.mode = seat.before
                seat.want_w = expected_w(seat, seat.mode)
            starting = True


cdef inline double way_w(const Seat *seat, double desired_w) noexcept nogil:
    return seat.high_w if desired_w > 0.0 else -seat.low_w


cdef inline double followed(const Seat *seat, double desired_w, double dt_s) noexcept nogil:
    cdef double want_w = seat.last_w, step_w = seat.unit.ramp_max_w_per_s * dt_s, ramped_w
    if fabs(desired_w - seat.last_w) > most(20.0, 0.005 * seat.unit.rated_w):
        want_w = seat.last_w + least(1.0, 0.25 * dt_s) * (desired_w - seat.last_w)
    ramped_w = least(most(want_w, seat.last_w - step_w), seat.last_w + step_w)
    return least(most(ramped_w, seat.low_w), seat.high_w)


cdef inline void follow(
    Seat *seats, int count, const Group *group, double rest_w, double target_w, double dt_s
) noexcept nogil:
    """Give batteries their want."""
    cdef double others_w = 0.0, desired_w, whole_w = 0.0, part
    cdef int place, index, first = begin(group, BATTERY), end = group.kind_ends[BATTERY]
    if first == end:
        return
    for place in range(count):
        others_w += seats[place].want_w  # that of a battery is 0 yet
    desired_w = target_w - rest_w - others_w
    for index in range(first, end):
        whole_w += way_w(&seats[group.by_kind[index]], desired_w)
    part = least(fabs(desired_w) / whole_w, 1.0) if whole_w > 0.0 else 0.0
    if desired_w <= 0.0:
        part = -part
    for index in range(first, end):
        place = group.by_kind[index]
        seats[place].want_w = followed(&seats[place], part * way_w(&seats[place], desired_w), dt_s)


cdef inline int in_turn(const Seat *seats, const Group *group, int *order) noexcept nogil:
    """Fill in the order of shedding; returns how many there are."""
    cdef int64_t keys[256]
    cdef int64_t key
    cdef int index, at, place, found = 0
    # Loads, what is divisible, EVs and what runs in modes.
    for index in range(group.kind_ends[EV] + group.kind_ends[MODED] - group.kind_ends[PV_RELAY]):
        place = group.order[index]
        if seats[place].tier == TIER_A:
            continue
        key = (<int64_t>seats[place].tier << 40) | (<int64_t>seats[place].sheds_count << 16) | group.ranks[index]
        at = found
        while at > 0 and key < keys[at - 1]:
            keys[at], order[at] = keys[at - 1], order[at - 1]
            at -= 1
        keys[at], order[at] = key, place
        found += 1
    return found


cdef inline int put(Step *steps, int count, int place, double target_w, bint divisible, int pool) noexcept nogil:
    steps[count].asset = place
    steps[count].target_w = target_w
    steps[count].divisible = divisible
    steps[count].pool = pool
    return count + 1


cdef inline int lower(const Seat *seats, int place, int which, Step *steps, int count) noexcept nogil:
    """The steps down that one in modes offers at this place in the order."""
    cdef const Seat *seat = &seats[place]
    cdef int mode, kind
    if not seat.sinks:
        return count
    for mode in range(seat.mode + 1, seat.lowest + 1):
        kind = EARLY if mode <= seat.unit.normal else LATE
        if seat.unit.modes_w[mode] < 0.0:
            kind = GENERATING
        if kind == which:
            count = put(steps, count, place, expected_w(seat, mode), False, -1)
    return count


cdef inline int down(const Seat *seats, const Group *group, const int *order, int ordered, Step *steps) noexcept nogil:
    cdef int index, count = 0
    cdef const Seat *seat
    for index in range(begin(group, BATTERY), group.kind_ends[BATTERY]):
        count = put(steps, count, group.by_kind[index], 0.0, True, -1)
    count = modes_down(seats, group, EARLY, steps, count)
    for index in range(ordered):
        seat = &seats[order[index]]
        if seat.unit.kind == EV and seat.on and seat.tier == TIER_D and not seat.deaf:
            count = put(steps, count, order[index], seat.unit.floor_w, True, seat.unit.pool)
    for index in range(ordered):
        seat = &seats[order[index]]
        if seat.unit.kind == EV and seat.on and seat.tier == TIER_D and may_hear(seat):
            count = put(steps, count, order[index], seat.unit.floor_w, False, -1)
    for index in range(begin(group, BATTERY), group.kind_ends[BATTERY]):
        count = put(steps, count, group.by_kind[index], seats[group.by_kind[index]].low_w, True, -1)
    count = modes_down(seats, group, GENERATING, steps, count)
    for index in range(ordered):
        seat = &seats[order[index]]
        if seat.unit.kind == EV and seat.on and seat.tier == TIER_D and seat.movable:
            count = put(steps, count, order[index], 0.0, False, -1)
    for index in range(ordered):
        count = taken(seats, order[index], steps, count)
    return count


cdef inline int modes_down(const Seat *seats, const Group *group, int which, Step *steps, int count) noexcept nogil:
    cdef int index
    for index in range(begin(group, MODED), group.kind_ends[MODED]):
        if seats[group.by_kind[index]].tier != TIER_A:
            count = lower(seats, group.by_kind[index], which, steps, count)
    return count


cdef inline int taken(const Seat *seats, int place, Step *steps, int count) noexcept nogil:
    cdef const Seat *seat = &seats[place]
    if seat.unit.kind == MODED:
        return lower(seats, place, LATE, steps, count)
    if seat.unit.kind == DIVISIBLE:
        return put(steps, count, place, 0.0, not seat.deaf, -1) if not seat.deaf or may_hear(seat) else count
    if seat.unit.kind == EV and seat.on and seat.tier != TIER_D:
        if not seat.deaf or may_hear(seat):
            count = put(steps, count, place, seat.unit.floor_w, not seat.deaf, -1)
        return put(steps, count, place, 0.0, False, -1) if seat.movable else count
    if seat.unit.kind == LOAD and seat.on and seat.movable:
        return put(steps, count, place, 0.0, False, -1)
    return count


cdef inline bint may_start(const Seat *seat, int place, int *first, bint starting) noexcept nogil:
    """Whether it may go up while machines are released one minimum time apart; ``first`` is the one that does."""
    if not seat.unit.machine:
        return True
    if first[0] < 0:
        first[0] = place
    return (seat.unit.kind == EV and seat.on) or (place == first[0] and not starting)


cdef inline int up(
    const Seat *seats, const Group *group, const int *order, int ordered, const Columns *columns, Step *steps,
    bint apart, bint starting, bint *left_out
) noexcept nogil:
    """``apart``: at most one machine, none if one is ``starting``; ``left_out`` says whether one had to wait."""
    cdef int place, index, mode, count = 0, kind, first = -1
    cdef const Seat *seat
    left_out[0] = False
    for index in range(begin(group, BATTERY), group.kind_ends[BATTERY]):
        count = put(steps, count, group.by_kind[index], seats[group.by_kind[index]].high_w, True, -1)
    for index in range(ordered - 1, -1, -1):
        seat = &seats[order[index]]
        kind = seat.unit.kind
        if seat.deaf:
            continue
        if (kind == EV or kind == DIVISIBLE) and seat.on:
            if stands(seat) or seat.ramps:
                may_start(seat, order[index], &first, starting)  # it runs, but is the first machine
                count = put(steps, count, order[index], seat.unit.rated_w, True, -1)
        elif (kind == EV or kind == LOAD) and not seat.on and seat.movable and seat.rises:
            if apart and not may_start(seat, order[index], &first, starting):
                left_out[0] = True
                continue
            count = put(steps, count, order[index], returning_w(seat, columns), False, -1)
    for index in range(begin(group, MODED), group.kind_ends[MODED]):
        place = group.by_kind[index]
        seat = &seats[place]
        if seat.movable and seat.tier != TIER_A and seat.rises and seat.mode > seat.highest:
            if apart and not may_start(seat, place, &first, starting):
                left_out[0] = True
                continue
            for mode in range(seat.mode - 1, seat.highest - 1, -1):
                count = put(steps, count, place, expected_w(seat, mode), False, -1)
    # By place, whatever they are curtailed by.
    for index in range(group.kind_ends[MODED], group.kind_ends[PV_ANY]):
        place = group.by_kind[index]
        seat = &seats[place]
        if seat.on and not (seat.deaf and seat.limit_w == 0.0):
            count = put(steps, count, place, 0.0, seat.unit.kind == PV_LIMIT and not seat.deaf, -1)
    return count


cdef inline bint stands(const Seat *seat) noexcept nogil:
    """Whether a car, or what takes any power, takes what it may."""
    cdef double margin_w = 1.5 * seat.unit.ampere_w if seat.unit.kind == EV else 0.05 * seat.unit.rated_w
    return seat.on and seat.limit_w < INFINITE_W and seat.want_w >= seat.limit_w - margin_w


cdef inline double returning_w(const Seat *seat, const Columns *columns) noexcept nogil:
    if seat.unit.kind == EV:
        return seat.unit.floor_w
    return columns.before_w[seat.at] if columns.before_w[seat.at] > 0.0 else seat.unit.rated_w
