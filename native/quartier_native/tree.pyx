# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled ``allocate_tree``; ``reference/tree.py`` says what it does, and this does the same to the last bit."""

from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_AsDouble, PyFloat_CheckExact
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.math cimport fabs, isfinite

from quartier_native.reference import tree as twin
from quartier_native.reference.allocation import POWER_MAX_W
from quartier_native.reference.tree import TreeAllocation

cdef extern from "Python.h":
    Py_ssize_t PyNumber_AsSsize_t(object number, void *overflow) except? -1  # NULL: clipped, not raised

cdef enum:
    ROWS = 4
    NODE_MAX = 64
    ASSET_MAX = 256
    STEP_MAX = 1024
    ROW_MAX = 256
    POOL_MAX = 1024

if (ROWS, NODE_MAX, ASSET_MAX, STEP_MAX, POOL_MAX) != (
    twin.ROWS, twin.NODE_MAX, twin.ASSET_MAX, twin.STEP_MAX, twin.POOL_MAX
):
    raise ImportError("the kernel was built for another specification")

cdef double _POWER_MAX_W = POWER_MAX_W
cdef double SLACK_W = twin.SLACK_W

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
    int offset
    double sign


cdef class Tree:
    """See ``quartier_native.reference.tree.Tree``."""

    cdef readonly Py_ssize_t asset_count
    cdef readonly Py_ssize_t node_count
    cdef int under[64]
    cdef Place *places
    cdef Room *room  # taken while a call runs: another thread, or a number that calls us, brings its own

    def __cinit__(self):
        self.places = <Place *>PyMem_Calloc(ASSET_MAX, sizeof(Place))
        self.room = <Room *>PyMem_Calloc(1, sizeof(Room))
        if self.places is NULL or self.room is NULL:
            raise MemoryError

    def __init__(self, under, home, share):
        cdef Py_ssize_t number, phase
        plain = twin.Tree(under, home, share)
        if self.node_count:
            raise TypeError("a tree stays as it was made")
        for number in range(plain.node_count):
            self.under[number] = plain.under[number]
        for number in range(plain.asset_count):
            self.places[number].home = plain.way[number][0]
            for phase in range(ROWS):
                self.places[number].share[phase] = plain.share[number][phase]
        self.asset_count, self.node_count = plain.asset_count, plain.node_count

    def __dealloc__(self):
        PyMem_Free(self.places)
        PyMem_Free(self.room)


def allocate_tree(Tree tree not None, high_w, low_w, want_w, import_max_w, export_max_w, down, up):
    """See ``quartier_native.reference.tree.allocate_tree``."""
    cdef Room *room = tree.room
    tree.room = NULL
    if room is NULL:
        room = <Room *>PyMem_Calloc(1, sizeof(Room))
        if room is NULL:
            raise MemoryError
    try:
        return _allocate(tree, room, high_w, low_w, want_w, import_max_w, export_max_w, down, up)
    finally:
        if tree.room is NULL:
            tree.room = room
        else:
            PyMem_Free(room)


cdef _allocate(Tree tree, Room *room, high_w, low_w, want_w, import_max_w, export_max_w, down, up):
    cdef int rows = ROWS * <int>tree.node_count
    cdef int row, down_count, up_count
    if len(want_w) != tree.asset_count:
        raise ValueError("as many wishes as assets are needed")
    if not len(high_w) == len(low_w) == len(import_max_w) == len(export_max_w) == rows:
        raise ValueError("four numbers per node are needed")
    if len(down) > STEP_MAX or len(up) > STEP_MAX:
        raise ValueError(f"more than {STEP_MAX} steps")
    _powers("high_w", high_w, room.high.total_w, rows)
    _powers("low_w", low_w, room.low.total_w, rows)
    _powers("import_max_w", import_max_w, room.high.cap_w, rows)
    _powers("export_max_w", export_max_w, room.low.cap_w, rows)
    for row in range(rows):
        room.low.cap_w[row] = 0.0 - room.low.cap_w[row]
        if room.high.cap_w[row] < room.low.cap_w[row]:
            raise ValueError("the caps exclude each other")
    _powers("want_w", want_w, room.setpoint_w, tree.asset_count)
    down_count = _steps(down, room.down, tree.asset_count)
    up_count = _steps(up, room.up, tree.asset_count)
    _decide(tree, room, down_count, up_count)
    return _result(tree, room, rows)


cdef _result(Tree tree, Room *room, int rows):
    cdef Py_ssize_t asset
    cdef int row
    cdef list setpoint_w = [], cap_row = [], step = [], broken = []
    for asset in range(tree.asset_count):
        setpoint_w.append(room.setpoint_w[asset])
        cap_row.append(room.cap_row[asset])
        step.append(room.step[asset])
    for row in range(rows):
        if room.high.total_w[row] > room.high.cap_w[row] or room.low.total_w[row] < room.low.cap_w[row]:
            broken.append(row)
    return tuple.__new__(TreeAllocation, (tuple(setpoint_w), tuple(cap_row), tuple(step), tuple(broken)))


cdef void _decide(Tree tree, Room *room, int down_count, int up_count) noexcept:
    """Change ``room``; no step names an asset that is not there."""
    # The lock is kept, as in ``allocate``: giving it away could cost a cycle its turn.
    cdef Walk walk
    _sum(tree.places, tree.under, room, ROWS * <int>tree.node_count, <int>tree.asset_count)
    walk.places, walk.under, walk.room = tree.places, tree.under, room
    _end(room, room.down, down_count)
    walk.near, walk.far, walk.steps = &room.high, &room.low, room.down
    walk.count, walk.offset, walk.sign = down_count, 0, 1.0
    _all_rows(&walk, <int>tree.node_count)
    _end(room, room.up, up_count)
    walk.near, walk.far, walk.steps = &room.low, &room.high, room.up
    walk.count, walk.offset, walk.sign = up_count, down_count, -1.0
    _all_rows(&walk, <int>tree.node_count)


cdef void _sum(const Place *places, const int *under, Room *room, int rows, int assets) noexcept nogil:
    cdef int row, asset, node, phase
    cdef double part_w
    for row in range(rows):
        room.spread_w[row] = room.high.total_w[row] - room.low.total_w[row]
        room.drop_w[row] = 0.0
    for asset in range(assets):
        room.cap_row[asset] = room.step[asset] = -1
        node = places[asset].home
        while node >= 0:
            for phase in range(ROWS):
                if places[asset].share[phase] > 0.0:
                    part_w = room.setpoint_w[asset] * places[asset].share[phase]
                    room.high.total_w[ROWS * node + phase] += part_w
                    room.low.total_w[ROWS * node + phase] += part_w
            node = under[node]


cdef void _end(Room *room, Step *steps, int count) noexcept nogil:
    """Find which steps move together."""
    cdef int first = 0, end, index
    for index in range(ASSET_MAX):
        room.seen[index] = -1
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


cdef void _all_rows(const Walk *walk, int nodes) noexcept nogil:
    cdef int node
    for node in range(nodes - 1, -1, -1):
        _relieve(walk, node, 1)
        _relieve(walk, node, 2)
        _relieve(walk, node, 3)
        _relieve(walk, node, 0)


cdef void _relieve(const Walk *walk, int node, int phase) noexcept nogil:
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


cdef void _whole(const Walk *walk, int node, int phase, int place) noexcept nogil:
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


cdef void _part(const Walk *walk, int node, int phase, int place) noexcept nogil:
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


cdef void _together(const Walk *walk, int node, int phase, int place, int end) noexcept nogil:
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


cdef int _members(const Walk *walk, int node, int phase, int place, int end) noexcept nogil:
    """Who of a pool can go further; returns how many."""
    cdef int index, count = 0
    for index in range(place, end):
        if _reach_w(walk, node, phase, index) > 0.0 and _is_free(walk, &walk.places[walk.steps[index].asset]):
            walk.room.members[count] = index
            count += 1
    return count


cdef int _drop(const Walk *walk, int node, int phase, int count) noexcept nogil:
    """What the members take from each row on their whole way; returns how many rows."""
    cdef Room *room = walk.room
    cdef const Place *stand
    cdef int index, at, k, row, rows = 0
    cdef bint seen
    cdef double reach_w
    for row in range(ROW_MAX):
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


cdef bint _is_free(const Walk *walk, const Place *stand) noexcept nogil:
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


cdef void _shift_all(const Walk *walk, const Place *stand, int relieved, double moved_w) noexcept nogil:
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
        if 0.0 < rest_w <= SLACK_W:
            walk.near.total_w[row] = walk.near.cap_w[row]
    if room_w >= 0.0 and _room_w(walk, row) < 0.0:
        walk.far.total_w[row] = walk.far.cap_w[row]


cdef void _settle(const Walk *walk, int row, int bound, bint lands) noexcept nogil:
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


cdef int _powers(str name, source, double *numbers, Py_ssize_t count) except -1:
    """Read ``count`` numbers, whatever sequence they are in."""
    cdef Py_ssize_t index = 0
    for number in source:
        if index >= count:
            raise ValueError("the numbers have changed")
        numbers[index] = _power(name, number)
        index += 1
    if index < count:
        raise ValueError("the numbers have changed")
    return 0


cdef int _steps(source, Step *steps, Py_ssize_t asset_count) except -1:
    """Read the steps, whatever sequence they are in; returns how many."""
    cdef int count = 0
    for step in source:
        if count >= STEP_MAX:
            raise ValueError("the steps have changed")
        _step(step, &steps[count], asset_count)
        count += 1
    return count


cdef inline int _step(step, Step *place, Py_ssize_t asset_count) except -1:
    cdef Py_ssize_t asset, pool
    if not (PyTuple_CheckExact(step) and PyTuple_GET_SIZE(step) == 4):
        if len(step) != 4:
            raise ValueError("a step is (asset, target_w, divisible, pool)")
        step = (step[0], step[1], step[2], step[3])
    number = <object>PyTuple_GET_ITEM(step, 0)
    asset = PyNumber_AsSsize_t(number, NULL)
    if not 0 <= asset < asset_count:
        raise ValueError("a step names an asset that is not there")
    number = <object>PyTuple_GET_ITEM(step, 1)
    place.target_w = _power("target_w", number)
    number = <object>PyTuple_GET_ITEM(step, 2)
    place.divisible = True if number else False
    number = <object>PyTuple_GET_ITEM(step, 3)
    pool = PyNumber_AsSsize_t(number, NULL)
    if not -1 <= pool < POOL_MAX:
        raise ValueError(f"a pool is -1 or below {POOL_MAX}")
    place.asset, place.pool = <int>asset, <int>pool
    return 0


cdef inline double _power(str name, value) except? -1:
    return _checked(name, PyFloat_AS_DOUBLE(value) if PyFloat_CheckExact(value) else PyFloat_AsDouble(value))


cdef inline double _checked(str name, double power_w) except? -1:
    if not fabs(power_w) <= _POWER_MAX_W:
        if not isfinite(power_w):
            raise ValueError(f"{name} is not finite")
        raise ValueError(f"{name} is beyond {POWER_MAX_W:g} W")
    return power_w
