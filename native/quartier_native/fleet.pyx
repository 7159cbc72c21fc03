# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled ``step_many``; ``reference/fleet.py`` says what it does, and this does the same to the last bit."""

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int64_t
from libc.string cimport strlen

from quartier_native.outcomes cimport raise_pv, remember, settle
from quartier_native.ranges cimport (
    BEFORE, CAP_ROW, EXCLUDED, EXPORT_MAX, HELD, HIGH, HIGHEST, IMPORT_MAX, LIMIT, LOW, LOWERED, LOWEST, MET, MODE, ON,
    PLUGGED, PRESENT, RAISED, REST, SETPOINT, SHED_COUNT, SHEDS, SINCE, SOC, TARGET, TIER, TOLD, VEER_COUNT, VEERS,
    WANTED, Fault, is_good,
)
from quartier_native.seats cimport (
    BATTERY, KINDS, MODED, PV_ANY, VEERS_MAX, Columns, Group, Seat, Unit, begin, down, follow, in_turn, is_starting, least,
    most, take_seat, up, wait_for_starts,
)
from quartier_native.walk cimport ROWS, Place, Room, add_up, is_over, walk_down, walk_up

from quartier_native.reference import fleet_columns
from quartier_native.reference import fleet as twin
from quartier_native.reference.fleet_columns import SHEDS_LEAST, TIME_MAX_NS
from quartier_native.reference.fleet_columns import Columns as _Columns
from quartier_native.reference.fleet import DT_MAX_S

# In the order in which the twin looks at them: name, type, whether it is written, per what it has a place.
_STATE = (
    ("on", "B", "unit"), ("since_ns", "q", "unit"), ("limit_w", "d", "unit"), ("before_w", "d", "unit"),
    ("lowered_ns", "q", "unit"), ("raised_ns", "q", "unit"), ("told_ns", "q", "unit"), ("setpoint_w", "d", "unit"),
    ("mode", "i", "unit"), ("held", "B", "unit"), ("shed_count", "i", "unit"), ("sheds_ns", "q", "shed"), ("veer_count", "i", "unit"),
    ("veers_ns", "q", "veer"),
)
_INPUTS = (
    ("present_w", "d", "unit"), ("soc_pct", "d", "unit"), ("plugged", "B", "unit"), ("tier", "i", "unit"),
    ("wanted", "i", "unit"), ("highest", "i", "unit"), ("lowest", "i", "unit"), ("rest_w", "d", "building"),
    ("target_w", "d", "building"), ("high_w", "d", "row"), ("low_w", "d", "row"), ("import_max_w", "d", "row"),
    ("export_max_w", "d", "row"),
)
_RESULT = (("cap_row", "i", "unit"), ("met", "B", "building"))
_PV = frozenset({fleet_columns.PV_LIMIT, fleet_columns.PV_RELAY})
_SHEDDABLE = frozenset({fleet_columns.LOAD, fleet_columns.DIVISIBLE, fleet_columns.EV, fleet_columns.MODED})
_NAMES = tuple(name for name, _, _ in (*_STATE, *_INPUTS, *_RESULT))

cdef struct Table:  # the work of one building
    Room room
    Seat seats[256]
    int order[256]
    double spare_w[256]
    double export_room_w[256]
    double seen_sum_w[256]


cdef struct Plan:  # of a whole fleet
    const Unit *units
    const Place *places
    const int *under
    const int64_t *firsts
    const int *by_kind
    const int *kind_ends
    const int *order
    const int *ranks


cdef class Fleet:
    """See ``quartier_native.reference.fleet.Fleet``."""

    cdef readonly Py_ssize_t building_count
    cdef readonly tuple units
    cdef readonly tuple unit_starts
    cdef readonly tuple row_starts
    cdef Unit *plans
    cdef Place *places
    cdef double *modes_w
    cdef int *under  # by node of the whole fleet
    cdef int64_t *firsts  # by building: its first unit, then its first row
    cdef int *by_kind  # by building from twice its first unit, and so on: see ``Group``
    cdef int *kind_ends
    cdef int *order
    cdef int *ranks

    def __init__(self, buildings):
        plain = twin.Fleet(buildings)
        if self.units is not None:
            raise TypeError("a fleet stays as it was made")
        self._take_room(
            len(plain.units), sum(len(unit.modes_w) for unit in plain.units), len(plain.trees), plain.row_starts[len(plain.trees)]
        )
        self._fill(plain)
        self.units, self.unit_starts, self.row_starts = plain.units, plain.unit_starts, plain.row_starts
        self.building_count = len(plain.trees)

    cdef _take_room(self, Py_ssize_t units, Py_ssize_t modes, Py_ssize_t buildings, Py_ssize_t rows):
        self._give_room()
        self.plans = <Unit *>PyMem_Calloc(units + 1, sizeof(Unit))
        self.places = <Place *>PyMem_Calloc(units + 1, sizeof(Place))
        self.modes_w = <double *>PyMem_Calloc(modes + 1, sizeof(double))
        self.under = <int *>PyMem_Calloc(rows // ROWS + 1, sizeof(int))
        self.firsts = <int64_t *>PyMem_Calloc(2 * (buildings + 1), sizeof(int64_t))
        self.by_kind = <int *>PyMem_Calloc(2 * units + 1, sizeof(int))
        self.kind_ends = <int *>PyMem_Calloc(KINDS * (buildings + 1), sizeof(int))
        self.order = <int *>PyMem_Calloc(units + 1, sizeof(int))
        self.ranks = <int *>PyMem_Calloc(units + 1, sizeof(int))
        if not (self.by_kind and self.kind_ends and self.order and self.ranks):
            raise MemoryError
        if not (self.plans and self.places and self.modes_w and self.under and self.firsts):
            raise MemoryError

    cdef _give_room(self):
        PyMem_Free(self.plans)
        PyMem_Free(self.places)
        PyMem_Free(self.modes_w)
        PyMem_Free(self.under)
        PyMem_Free(self.firsts)
        PyMem_Free(self.by_kind)
        PyMem_Free(self.kind_ends)
        PyMem_Free(self.order)
        PyMem_Free(self.ranks)
        self.by_kind, self.kind_ends, self.order, self.ranks = NULL, NULL, NULL, NULL
        self.plans, self.places, self.modes_w, self.under, self.firsts = NULL, NULL, NULL, NULL, NULL

    cdef _group(self, Py_ssize_t building, units):
        """Put the places of one building's units in order."""
        cdef int64_t first = self.firsts[2 * building]
        cdef int count = 0, kind
        for kind in range(KINDS):
            for place, unit in enumerate(units):
                if unit.kind == kind or (kind == PV_ANY and unit.kind in _PV):
                    self.by_kind[2 * first + count] = place
                    count += 1
            self.kind_ends[KINDS * building + kind] = count
        sheddable = [place for place, unit in enumerate(units) if unit.kind in _SHEDDABLE]
        by_cost = sorted(sheddable, key=lambda place: (units[place].comfort_cost, place))
        for index, place in enumerate(sorted(by_cost, key=lambda place: units[place].tier)):
            self.order[first + index], self.ranks[first + index] = place, by_cost.index(place)

    cdef _fill(self, plain):
        cdef Py_ssize_t at = 0, modes = 0, node = 0, building, asset, phase
        for building in range(len(plain.trees) + 1):
            self.firsts[2 * building] = plain.unit_starts[building]
            self.firsts[2 * building + 1] = plain.row_starts[building]
        for building in range(len(plain.trees)):
            self._group(building, plain.units[plain.unit_starts[building] : plain.unit_starts[building + 1]])
        for tree in plain.trees:
            for above in tree.under:
                self.under[node] = above
                node += 1
            for asset in range(tree.asset_count):
                self.places[at].home = tree.way[asset][0]
                for phase in range(ROWS):
                    self.places[at].share[phase] = tree.share[asset][phase]
                modes = self._plan(&self.plans[at], plain.units[at], modes)
                at += 1

    cdef Py_ssize_t _plan(self, Unit *plan, unit, Py_ssize_t modes) except -1:
        """Fill in one unit; returns the place of the next one's modes."""
        plan.kind, plan.pool, plan.normal, plan.mode_count = unit.kind, unit.pool, unit.normal, unit.mode_count
        plan.modes_w = &self.modes_w[modes]
        for watts in unit.modes_w:
            self.modes_w[modes] = watts
            modes += 1
        plan.min_on_ns, plan.min_off_ns = round(unit.min_on_s * 1e9), round(unit.min_off_s * 1e9)
        plan.comfort_cost, plan.rated_w, plan.floor_w = unit.comfort_cost, unit.rated_w, unit.floor_w
        plan.ampere_w, plan.charge_max_w = unit.ampere_w, unit.charge_max_w
        plan.discharge_max_w, plan.ramp_max_w_per_s = unit.discharge_max_w, unit.ramp_max_w_per_s
        plan.soc_floor_pct, plan.soc_max_pct = unit.soc_floor_pct, unit.soc_max_pct
        plan.machine = unit.is_machine
        return modes

    def __dealloc__(self):
        self._give_room()

    def columns(self, sheds_room=256):
        """See ``quartier_native.reference.fleet.Fleet.columns``."""
        return _Columns(self.units, self.building_count, self.row_starts[self.building_count], sheds_room)


cdef class _Buffers:
    """The columns of one call, held until it ends."""

    cdef Py_buffer views[29]
    cdef int count

    cdef take(self, str name, column, str kind, bint written, int64_t length):
        cdef int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (PyBUF_WRITABLE if written else 0)
        cdef Py_buffer *view = &self.views[self.count]
        cdef bint is_same
        if len(column) != length:
            raise ValueError(f"{name} has not {length} places")
        PyObject_GetBuffer(column, view, flags)
        self.count += 1
        is_same = view.ndim == 1 and view.format is not NULL and strlen(view.format) == 1
        if is_same:
            found = chr(view.format[0])
            is_same = found == kind or (kind == "q" and found == "l" and view.itemsize == 8)
        if not is_same or view.len != length * view.itemsize:
            raise TypeError(f"{name} is no column of type {kind}")

    def __dealloc__(self):
        cdef int index
        for index in range(self.count):
            PyBuffer_Release(&self.views[index])


def step_many(Fleet fleet not None, state, inputs, result, now_ns, dt_s, begin=0, end=None):
    """See ``quartier_native.reference.fleet.step_many``."""
    cdef _Buffers buffers
    cdef Columns columns
    cdef Plan plan
    cdef Fault fault
    cdef int64_t first, last, now
    cdef double seconds
    cdef bint good
    last_building = fleet.building_count if end is None else end
    if not 0 <= begin <= last_building <= fleet.building_count:
        raise ValueError("begin and end are outside the fleet")
    if not 0 <= now_ns <= TIME_MAX_NS:
        raise ValueError("now_ns is outside its range")
    if not 0.0 <= dt_s <= DT_MAX_S:
        raise ValueError("dt_s is outside its range")
    first, last, now, seconds = begin, last_building, now_ns, dt_s
    buffers = _taken(fleet, state, inputs, result)
    columns = _pointers(buffers, state.sheds_room)
    plan.units, plan.places, plan.under, plan.firsts = fleet.plans, fleet.places, fleet.under, fleet.firsts
    plan.by_kind, plan.kind_ends, plan.order, plan.ranks = fleet.by_kind, fleet.kind_ends, fleet.order, fleet.ranks
    with nogil:
        good = is_good(fleet.plans, fleet.firsts, &columns, first, last, &fault)
        if good:
            _steps(&plan, &columns, first, last, now, seconds)
    if good:
        return
    if fault.column == EXCLUDED:
        raise ValueError(f"the caps of row {fault.place} exclude each other")
    raise ValueError(f"{_NAMES[fault.column]}[{fault.place}] is outside its range")


cdef _Buffers _taken(Fleet fleet, state, inputs, result):
    cdef _Buffers buffers = _Buffers()
    cdef int64_t units = fleet.firsts[2 * fleet.building_count], rows = fleet.firsts[2 * fleet.building_count + 1]
    if not SHEDS_LEAST <= state.sheds_room <= 2**16:
        raise ValueError("sheds_room is outside its range")
    lengths = {
        "unit": units, "shed": units * state.sheds_room, "veer": units * VEERS_MAX,
        "building": fleet.building_count, "row": rows,
    }
    for part, table, written in ((state, _STATE, True), (inputs, _INPUTS, False), (result, _RESULT, True)):
        for name, kind, per in table:
            buffers.take(name, getattr(part, name), kind, written, lengths[per])
    return buffers


cdef Columns _pointers(_Buffers buffers, int sheds_room):
    cdef Columns columns
    cdef Py_buffer *views = buffers.views
    columns.sheds_room = sheds_room
    columns.on, columns.since_ns = <unsigned char *>views[ON].buf, <int64_t *>views[SINCE].buf
    columns.limit_w, columns.before_w = <double *>views[LIMIT].buf, <double *>views[BEFORE].buf
    columns.lowered_ns, columns.raised_ns = <int64_t *>views[LOWERED].buf, <int64_t *>views[RAISED].buf
    columns.told_ns, columns.setpoint_w = <int64_t *>views[TOLD].buf, <double *>views[SETPOINT].buf
    columns.mode, columns.held = <int *>views[MODE].buf, <unsigned char *>views[HELD].buf
    columns.shed_count, columns.sheds_ns = <int *>views[SHED_COUNT].buf, <int64_t *>views[SHEDS].buf
    columns.veer_count, columns.veers_ns = <int *>views[VEER_COUNT].buf, <int64_t *>views[VEERS].buf
    columns.present_w, columns.soc_pct = <double *>views[PRESENT].buf, <double *>views[SOC].buf
    columns.plugged, columns.tier = <unsigned char *>views[PLUGGED].buf, <int *>views[TIER].buf
    columns.wanted, columns.highest = <int *>views[WANTED].buf, <int *>views[HIGHEST].buf
    columns.lowest, columns.rest_w = <int *>views[LOWEST].buf, <double *>views[REST].buf
    columns.target_w, columns.high_w = <double *>views[TARGET].buf, <double *>views[HIGH].buf
    columns.low_w, columns.import_max_w = <double *>views[LOW].buf, <double *>views[IMPORT_MAX].buf
    columns.export_max_w, columns.cap_row = <double *>views[EXPORT_MAX].buf, <int *>views[CAP_ROW].buf
    columns.met = <unsigned char *>views[MET].buf
    return columns


cdef void _steps(
    const Plan *plan, const Columns *columns, int64_t first, int64_t last, int64_t now_ns, double dt_s
) noexcept nogil:
    cdef Table table
    cdef int64_t building
    for building in range(first, last):
        _step(&table, plan, columns, building, now_ns, dt_s)


cdef void _step(
    Table *table, const Plan *plan, const Columns *columns, int64_t building, int64_t now_ns, double dt_s
) noexcept nogil:
    cdef int64_t at = plan.firsts[2 * building], row = plan.firsts[2 * building + 1]
    cdef int count = <int>(plan.firsts[2 * building + 2] - at), rows = <int>(plan.firsts[2 * building + 3] - row)
    cdef const Place *places = &plan.places[at]
    cdef const int *under = &plan.under[row // ROWS]
    cdef Room *room = &table.room
    cdef Seat *seats = table.seats
    cdef Group group
    cdef int place, index
    group.by_kind, group.kind_ends = &plan.by_kind[2 * at], &plan.kind_ends[KINDS * building]
    group.order, group.ranks = &plan.order[at], &plan.ranks[at]
    for index in range(count):
        place = group.by_kind[index]
        take_seat(&seats[place], &plan.units[at + place], at + place, columns, now_ns)
    wait_for_starts(seats, count, &group)
    follow(seats, count, &group, columns.rest_w[building], columns.target_w[building], dt_s)
    columns.met[building] = _keep(table, &group, places, under, columns, row, count, rows)
    _withhold_discharge(
        table, &group, places, under, columns, row, count, rows,
        columns.target_w[building] - columns.rest_w[building], dt_s,
    )
    _wait(seats, room, columns, row, count)
    for index in range(count):
        place = group.by_kind[index]
        remember(&seats[place], columns, room.setpoint_w[place], now_ns, room.step[place] >= 0)
        columns.cap_row[at + place] = room.cap_row[place]
    _spare(table, places, under, columns, row, count, rows)
    settle(seats, &group, places, under, columns, table.spare_w, now_ns)
    raise_pv(seats, &group, places, under, columns, table.export_room_w, dt_s)


cdef bint _keep(
    Table *table, const Group *group, const Place *places, const int *under, const Columns *columns, int64_t row,
    int count, int rows
) noexcept nogil:
    """Keep the caps, and say whether all hold."""
    cdef bint left_out = False
    cdef bint held = _allocate(table, group, places, under, columns, row, count, rows, True, &left_out)
    if held or not left_out:
        return held
    # A limit that needs more machines at once comes first.
    return _allocate(table, group, places, under, columns, row, count, rows, False, &left_out)


cdef bint _allocate(
    Table *table, const Group *group, const Place *places, const int *under, const Columns *columns, int64_t row,
    int count, int rows, bint apart, bint *left_out
) noexcept nogil:
    """One try from the wants on.  Steps are put in order only where some are needed."""
    cdef Room *room = &table.room
    cdef int place, index, ordered, steps, offset = 0
    for place in range(count):
        room.setpoint_w[place] = table.seats[place].want_w
    for index in range(rows):
        room.high.total_w[index], room.low.total_w[index] = columns.high_w[row + index], columns.low_w[row + index]
        room.high.cap_w[index] = columns.import_max_w[row + index]
        room.low.cap_w[index] = 0.0 - columns.export_max_w[row + index]
    add_up(places, under, room, rows // ROWS, count)
    if is_over(&room.high, rows, 1.0):
        ordered = in_turn(table.seats, group, table.order)
        offset = down(table.seats, group, table.order, ordered, room.down)
        walk_down(places, under, room, rows // ROWS, offset)
    if is_over(&room.low, rows, -1.0):
        ordered = in_turn(table.seats, group, table.order)
        steps = up(
            table.seats, group, table.order, ordered, columns, room.up,
            apart, is_starting(table.seats, count), left_out,
        )
        walk_up(places, under, room, rows // ROWS, steps, offset)
    return not (is_over(&room.high, rows, 1.0) or is_over(&room.low, rows, -1.0))


cdef void _withhold_discharge(
    Table *table, const Group *group, const Place *places, const int *under, const Columns *columns, int64_t row,
    int count, int rows, double target_w, double dt_s
) noexcept nogil:
    """Let batteries give no more than what runs in modes needs, where limits kept it from running."""
    cdef Seat *seats = table.seats
    cdef double *setpoint_w = table.room.setpoint_w
    cdef double sum_w = 0.0, kept_w = 0.0, left_w, room_w, more_w, load_w
    cdef int index, place, node, phase
    cdef const Place *stand
    for index in range(begin(group, MODED), group.kind_ends[MODED]):
        place = group.by_kind[index]
        kept_w += most(0.0, seats[place].want_w - most(most(setpoint_w[place], seats[place].present_w), 0.0))
    if kept_w < 1.0:
        return
    for place in range(count):
        sum_w += setpoint_w[place]
    left_w = least(kept_w, target_w - sum_w)
    if left_w < 1.0:  # as WAIT_W of the twin
        return
    for place in range(count):
        table.spare_w[place] = seats[place].seen_w
    _sum_up(places, under, table.spare_w, table.seen_sum_w, count, rows)
    for index in range(begin(group, BATTERY), group.kind_ends[BATTERY]):
        place = group.by_kind[index]
        stand = &places[place]
        _sum_up(places, under, setpoint_w, table.export_room_w, count, rows)
        room_w = least(
            0.0 - setpoint_w[place],
            (seats[place].last_w + seats[place].unit.ramp_max_w_per_s * dt_s) - setpoint_w[place],
        )
        node = stand.home
        while node >= 0:
            for phase in range(ROWS):
                if (node > 0 or phase > 0) and stand.share[phase] > 0.0:
                    load_w = columns.high_w[row + ROWS * node + phase] + most(
                        table.export_room_w[ROWS * node + phase], table.seen_sum_w[ROWS * node + phase]
                    )
                    room_w = least(
                        room_w, (columns.import_max_w[row + ROWS * node + phase] * 0.9 - load_w) / stand.share[phase]
                    )
            node = under[node]
        more_w = most(0.0, least(left_w, room_w))
        setpoint_w[place] += more_w
        left_w -= more_w


cdef void _wait(Seat *seats, Room *room, const Columns *columns, int64_t row, int count) noexcept nogil:
    """Let no battery move into room at the connection that another unit has not made yet."""
    cdef int place
    cdef double sum_w = 0.0, above_w = 0.0, below_w = 0.0, move_w, kept_w
    for place in range(count):
        sum_w += room.setpoint_w[place]
        if seats[place].unit.kind != BATTERY and not seats[place].deaf:
            above_w += most(0.0, seats[place].present_w - room.setpoint_w[place])
            below_w += most(0.0, room.setpoint_w[place] - seats[place].present_w)
    above_w -= most(0.0, columns.import_max_w[row] - (columns.high_w[row] + sum_w))
    below_w -= most(0.0, columns.export_max_w[row] + (columns.low_w[row] + sum_w))
    if above_w < 1.0 and below_w < 1.0:  # as WAIT_W of the twin
        return
    for place in range(count):
        if seats[place].unit.kind != BATTERY:
            continue
        move_w = room.setpoint_w[place] - seats[place].last_w
        if move_w > 0.0:
            kept_w = least(move_w, most(0.0, above_w))
            above_w -= kept_w
            room.setpoint_w[place] = most(room.setpoint_w[place] - kept_w, seats[place].low_w)
        else:
            kept_w = least(0.0 - move_w, most(0.0, below_w))
            below_w -= kept_w
            room.setpoint_w[place] = least(room.setpoint_w[place] + kept_w, seats[place].high_w)


cdef void _spare(
    Table *table, const Place *places, const int *under, const Columns *columns, int64_t row, int count, int rows
) noexcept nogil:
    """What is left under the caps of each row, of the setpoints themselves."""
    cdef int index
    cdef double sum_w
    _sum_up(places, under, table.room.setpoint_w, table.spare_w, count, rows)
    for index in range(rows):
        sum_w = table.spare_w[index]
        table.spare_w[index] = most(0.0, columns.import_max_w[row + index] - (columns.high_w[row + index] + sum_w))
        table.export_room_w[index] = (columns.low_w[row + index] + sum_w) + columns.export_max_w[row + index]


cdef void _sum_up(
    const Place *places, const int *under, const double *by_unit_w, double *sums_w, int count, int rows
) noexcept nogil:
    """What the units take together, by row."""
    cdef int index, place, node, phase
    for index in range(rows):
        sums_w[index] = 0.0
    for place in range(count):
        node = places[place].home
        while node >= 0:
            for phase in range(ROWS):
                sums_w[ROWS * node + phase] += by_unit_w[place] * places[place].share[phase]
            node = under[node]
