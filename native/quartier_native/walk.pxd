# cython: language_level=3
"""The walk along steps through a tree's rows, inline: the core of ``tree`` and ``fleet``.

``reference/tree.py`` says what it does.  It touches no Python object and takes no memory; whoever calls it has
checked every index and every number.
"""

cdef enum:
    ROWS = 4
    NODE_MAX = 64
    ASSET_MAX = 256
    STEP_MAX = 1024
    ROW_MAX = 256
    POOL_MAX = 1024


cdef struct Step:
    double target_w
    int asset
    int pool
    int end  # the place after the last that moves together with it, seen from the first of them
    bint divisible

cdef struct Place:  # where an asset stands
    double share[4]
    int home

cdef struct Side:  # one way over a cap, by row
    double total_w[256]
    double cap_w[256]

cdef struct Room:  # the memory of one call
    Side high
    Side low
    double spread_w[256]
    double setpoint_w[256]
    double drop_w[256]
    int touched[256]  # rows of which drop_w is not 0, in the order in which they were met
    int cap_row[256]
    int step[256]
    int seen[256]  # by asset, the group that it was last found in
    int members[1024]
    Step down[1024]
    Step up[1024]

cdef struct Walk:
    const Place *places
    const int *under
    Room *room
    Side *near
    Side *far
    const Step *steps
    int count
    int rows
    int offset
    double sign


cdef inline void decide(
    const Place *places, const int *under, Room *room, int nodes, int assets, int down_count, int up_count
) noexcept nogil:
    """Wishes, rests and caps in ``room`` to setpoints, and by whom each was moved."""
    add_up(places, under, room, nodes, assets)
    if is_over(&room.high, ROWS * nodes, 1.0):
        walk_down(places, under, room, nodes, down_count)
    if is_over(&room.low, ROWS * nodes, -1.0):
        walk_up(places, under, room, nodes, up_count, down_count)


cdef inline void add_up(const Place *places, const int *under, Room *room, int nodes, int assets) noexcept nogil:
    """The totals of all rows with the wishes; nothing has moved yet."""
    cdef int row, asset, node, phase
    cdef double part_w
    for row in range(ROWS * nodes):
        room.spread_w[row] = room.high.total_w[row] - room.low.total_w[row]
        room.drop_w[row] = 0.0
    for asset in range(assets):
        room.cap_row[asset] = room.step[asset] = -1
        node = places[asset].home
        while node >= 0:
            for phase in range(ROWS):  # a share of 0 adds 0, which costs less than to ask
                part_w = room.setpoint_w[asset] * places[asset].share[phase]
                room.high.total_w[ROWS * node + phase] += part_w
                room.low.total_w[ROWS * node + phase] += part_w
            node = under[node]


cdef inline bint is_over(const Side *side, int rows, double sign) noexcept nogil:
    """Whether a row is beyond its cap, to the side that ``sign`` says."""
    cdef int row
    cdef bint over = False
    for row in range(rows):
        over |= (side.total_w[row] - side.cap_w[row]) * sign > 0.0
    return over


cdef inline void walk_down(const Place *places, const int *under, Room *room, int nodes, int count) noexcept nogil:
    cdef Walk walk
    walk.places, walk.under, walk.room, walk.rows = places, under, room, ROWS * nodes
    walk.near, walk.far, walk.steps = &room.high, &room.low, room.down
    walk.count, walk.offset, walk.sign = count, 0, 1.0
    _end(room, room.down, count)
    _all_rows(&walk, nodes)


cdef inline void walk_up(
    const Place *places, const int *under, Room *room, int nodes, int count, int offset
) noexcept nogil:
    cdef Walk walk
    walk.places, walk.under, walk.room, walk.rows = places, under, room, ROWS * nodes
    walk.near, walk.far, walk.steps = &room.low, &room.high, room.up
    walk.count, walk.offset, walk.sign = count, offset, -1.0
    _end(room, room.up, count)
    _all_rows(&walk, nodes)


cdef inline void _end(Room *room, Step *steps, int count) noexcept nogil:
    """Find which steps move together."""
    cdef int first = 0, end, index
    for index in range(count):
        room.seen[steps[index].asset] = -1
    while first < count:
        end = first + 1
        room.seen[steps[first].asset] = first
        if steps[first].divisible and steps[first].pool >= 0:
            while (
                end < count and steps[end].divisible and steps[end].pool == steps[first].pool
                and room.seen[steps[end].asset] != first
            ):
                room.seen[steps[end].asset] = first
                end += 1
        steps[first].end = end
        first = end


cdef inline void _all_rows(const Walk *walk, int nodes) noexcept nogil:
    cdef int node
    for node in range(nodes - 1, -1, -1):
        _relieve(walk, node, 1)
        _relieve(walk, node, 2)
        _relieve(walk, node, 3)
        _relieve(walk, node, 0)


cdef inline void _relieve(const Walk *walk, int node, int phase) noexcept nogil:
    cdef int row = ROWS * node + phase, place = 0, end
    while place < walk.count and _over_w(walk, row) > 0.0:
        end = walk.steps[place].end
        if end - place > 1:
            _together(walk, node, phase, place, end)
        elif walk.steps[place].divisible:
            _part(walk, node, phase, place)
        else:
            _whole(walk, node, phase, place)
        place = end


cdef inline double _over_w(const Walk *walk, int row) noexcept nogil:
    return (walk.near.total_w[row] - walk.near.cap_w[row]) * walk.sign


cdef inline double _room_w(const Walk *walk, int row) noexcept nogil:
    return (walk.far.total_w[row] - walk.far.cap_w[row]) * walk.sign


cdef inline double _reach_w(const Walk *walk, int node, int phase, int place) noexcept nogil:
    cdef const Step *step = &walk.steps[place]
    cdef double reach_w
    cdef int at
    if not walk.places[step.asset].share[phase] > 0.0:
        return 0.0
    reach_w = (walk.room.setpoint_w[step.asset] - step.target_w) * walk.sign
    if not reach_w > 0.0:
        return 0.0
    at = walk.places[step.asset].home
    while at > node:  # a node comes after the one that feeds it
        at = walk.under[at]
    return reach_w if at == node else 0.0


cdef inline void _whole(const Walk *walk, int node, int phase, int place) noexcept nogil:
    cdef const Step *step = &walk.steps[place]
    cdef const Place *stand = &walk.places[step.asset]
    cdef double reach_w = _reach_w(walk, node, phase, place), after_w
    cdef int at, k, row
    if not reach_w > 0.0:
        return
    at = stand.home
    while at >= 0:
        for k in range(ROWS):
            if stand.share[k] > 0.0:
                row = ROWS * at + k
                after_w = walk.far.total_w[row] - walk.sign * (reach_w * stand.share[k])
                if _room_w(walk, row) >= 0.0 and (after_w - walk.far.cap_w[row]) * walk.sign < 0.0:
                    return
        at = walk.under[at]
    _move(walk, ROWS * node + phase, place, step.target_w)
    _shift_all(walk, stand, ROWS * node + phase, reach_w)


cdef inline void _part(const Walk *walk, int node, int phase, int place) noexcept nogil:
    cdef const Step *step = &walk.steps[place]
    cdef const Place *stand = &walk.places[step.asset]
    cdef double reach_w = _reach_w(walk, node, phase, place), moved_w, room_w
    cdef int at, k, bound = -1, row = ROWS * node + phase
    cdef bint lands
    if not reach_w > 0.0:
        return
    lands = _lands(walk, row, reach_w * stand.share[phase])
    moved_w = _over_w(walk, row) / stand.share[phase] if lands else reach_w
    at = stand.home
    while at >= 0:
        for k in range(ROWS):
            if stand.share[k] > 0.0:
                room_w = _room_w(walk, ROWS * at + k)
                if room_w >= 0.0 and room_w / stand.share[k] < moved_w:
                    moved_w, bound = room_w / stand.share[k], ROWS * at + k
        at = walk.under[at]
    if not moved_w > 0.0:
        return
    if not lands and bound < 0:
        _move(walk, row, place, step.target_w)
    else:
        _move(walk, row, place, walk.room.setpoint_w[step.asset] - walk.sign * moved_w)
    _shift_all(walk, stand, row, moved_w)
    _settle(walk, row, bound, lands)


cdef inline void _together(const Walk *walk, int node, int phase, int place, int end) noexcept nogil:
    cdef Room *room = walk.room
    cdef const Step *step
    cdef int row = ROWS * node + phase, bound = 0, rows, count, index, other
    cdef double part, room_w, whole_w
    cdef bint lands
    while bound >= 0 and _over_w(walk, row) > 0.0:
        count = _members(walk, node, phase, place, end)
        rows = _drop(walk, node, phase, count)
        whole_w = room.drop_w[row]
        part, bound = 1.0, -1
        if whole_w > 0.0:
            lands = _lands(walk, row, whole_w)
            if lands and _over_w(walk, row) / whole_w < 1.0:
                part = _over_w(walk, row) / whole_w
            for index in range(rows):
                other = room.touched[index]
                room_w = _room_w(walk, other)
                if room_w >= 0.0 and room.drop_w[other] > 0.0 and room_w / room.drop_w[other] < part:
                    part, bound = room_w / room.drop_w[other], other
            for index in range(count):
                step = &walk.steps[room.members[index]]
                if part >= 1.0:
                    _move(walk, row, room.members[index], step.target_w)
                else:
                    _move(
                        walk, row, room.members[index],
                        room.setpoint_w[step.asset]
                        - walk.sign * (_reach_w(walk, node, phase, room.members[index]) * part),
                    )
            for index in range(rows):
                _shift(walk, room.touched[index], row, room.drop_w[room.touched[index]] * part)
            _settle(walk, row, bound, lands)
        for index in range(rows):
            room.drop_w[room.touched[index]] = 0.0


cdef inline int _members(const Walk *walk, int node, int phase, int place, int end) noexcept nogil:
    """Who of a pool can go further; returns how many."""
    cdef int index, count = 0
    for index in range(place, end):
        if _reach_w(walk, node, phase, index) > 0.0 and _is_free(walk, &walk.places[walk.steps[index].asset]):
            walk.room.members[count] = index
            count += 1
    return count


cdef inline int _drop(const Walk *walk, int node, int phase, int count) noexcept nogil:
    """What the members take from each row on their whole way; returns how many rows."""
    cdef Room *room = walk.room
    cdef const Place *stand
    cdef int index, at, k, row, rows = 0
    cdef bint seen
    cdef double reach_w
    for row in range(walk.rows):
        room.seen[row] = 0
    for index in range(count):
        stand = &walk.places[walk.steps[room.members[index]].asset]
        reach_w = _reach_w(walk, node, phase, room.members[index])
        at = stand.home
        while at >= 0:
            for k in range(ROWS):
                if stand.share[k] > 0.0:
                    row = ROWS * at + k
                    if not room.seen[row]:
                        room.seen[row] = 1
                        room.touched[rows] = row
                        rows += 1
                    room.drop_w[row] += reach_w * stand.share[k]
            at = walk.under[at]
    return rows


cdef inline bint _is_free(const Walk *walk, const Place *stand) noexcept nogil:
    """Whether no row on the asset's way stands at its far cap."""
    cdef int at = stand.home, k
    while at >= 0:
        for k in range(ROWS):
            if stand.share[k] > 0.0 and _room_w(walk, ROWS * at + k) == 0.0:
                return False
        at = walk.under[at]
    return True


cdef inline bint _lands(const Walk *walk, int row, double drop_w) noexcept nogil:
    cdef double after_w = walk.near.total_w[row] - walk.sign * drop_w
    return (after_w - walk.near.cap_w[row]) * walk.sign <= 0.0


cdef inline void _move(const Walk *walk, int row, int place, double setpoint_w) noexcept nogil:
    """Set it, never beyond the target, and remember why."""
    cdef const Step *step = &walk.steps[place]
    if (setpoint_w - step.target_w) * walk.sign < 0.0:
        setpoint_w = step.target_w
    if setpoint_w != walk.room.setpoint_w[step.asset]:
        walk.room.setpoint_w[step.asset] = setpoint_w
        walk.room.cap_row[step.asset] = row
        walk.room.step[step.asset] = walk.offset + place


cdef inline void _shift_all(const Walk *walk, const Place *stand, int relieved, double moved_w) noexcept nogil:
    cdef int at = stand.home, k
    while at >= 0:
        for k in range(ROWS):
            if stand.share[k] > 0.0:
                _shift(walk, ROWS * at + k, relieved, moved_w * stand.share[k])
        at = walk.under[at]


cdef inline void _shift(const Walk *walk, int row, int relieved, double drop_w) noexcept nogil:
    """Take ``drop_w`` from a row; rounding neither keeps it beyond a cap nor brings it there."""
    cdef double over_w = _over_w(walk, row), room_w = _room_w(walk, row), rest_w
    walk.near.total_w[row] -= walk.sign * drop_w
    walk.far.total_w[row] -= walk.sign * drop_w
    if row != relieved and over_w > 0.0:
        rest_w = _over_w(walk, row)
        if 0.0 < rest_w <= 1e-6:  # twin.SLACK_W
            walk.near.total_w[row] = walk.near.cap_w[row]
    if room_w >= 0.0 and _room_w(walk, row) < 0.0:
        walk.far.total_w[row] = walk.far.cap_w[row]


cdef inline void _settle(const Walk *walk, int row, int bound, bint lands) noexcept nogil:
    """The total that ended a move is its cap itself."""
    cdef double room_w
    if bound >= 0:
        walk.far.total_w[bound] = walk.far.cap_w[bound]
    elif lands:
        room_w = _room_w(walk, row)
        walk.near.total_w[row] = walk.near.cap_w[row]
        walk.far.total_w[row] = walk.near.cap_w[row] - walk.sign * walk.room.spread_w[row]
        if room_w >= 0.0 and _room_w(walk, row) < 0.0:
            walk.far.total_w[row] = walk.far.cap_w[row]
