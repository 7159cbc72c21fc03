# cython: language_level=3, wraparound=False, boundscheck=True, cdivision=True, initializedcheck=False
"""The compiled ``plan_storage``; ``reference/storage.py`` says what it does, and this does the same to the last bit."""

from cpython cimport array as c_array
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport INFINITY, fabs
from libc.stdint cimport int64_t

from quartier_native.merges cimport (
    BLOCK, Block, Merge, Node, Stand, begin_of, blocks_most, bound, clear, fill_left, first_value, insert, next_value,
    stand,
)
from quartier_native.steps cimport PIECES_MAX, Flow, Piece, Slope, Step, Wiring, above, flow, most, pieces

from quartier_native.reference.storage import (
    EFFICIENCY_MIN, NEAR_WH, NUMBER_MAX, PLAN_COLUMNS, REFUSALS, STEP_COLUMNS, STEPS_MAX, STORE_FIELDS, TARGET_BREACH,
    Planned,
)

cdef int _STEPS_MAX = STEPS_MAX
cdef int _STEP_COLUMNS = len(STEP_COLUMNS), _STORE_FIELDS = len(STORE_FIELDS), _PLAN_COLUMNS = len(PLAN_COLUMNS)
cdef double _NEAR_WH = NEAR_WH
cdef double _NUMBER_MAX = NUMBER_MAX
cdef double _EFFICIENCY_MIN = EFFICIENCY_MIN
cdef double _TARGET_BREACH = TARGET_BREACH
cdef Slope _LEAST = Slope(-INFINITY, 0.0)
cdef Slope _MOST = Slope(INFINITY, 0.0)


cdef extern from "sound.h" nogil:
    int sound_refusal(const double *steps, int64_t count, double most) noexcept


cdef struct Sums:
    double cost
    double excess_wh
    double short_wh
    double gap


cdef class Room:
    """The memory of one call."""

    cdef Step *rows
    cdef Merge merge
    cdef int *first  # of a step, its first piece; one more at the end
    cdef Slope *least
    cdef Slope *most

    def __cinit__(self):
        cdef int count = _STEPS_MAX
        self.rows = <Step *>PyMem_Calloc(count, sizeof(Step))
        self.merge.pieces = <Piece *>PyMem_Calloc(count * PIECES_MAX, sizeof(Piece))
        self.first = <int *>PyMem_Calloc(count + 1, sizeof(int))
        self.merge.room = blocks_most(count * PIECES_MAX)
        self.merge.blocks = <Block *>PyMem_Calloc(self.merge.room, sizeof(Block))
        self.merge.alive = <Node *>PyMem_Calloc(BLOCK * <size_t>self.merge.room, sizeof(Node))
        self.least = <Slope *>PyMem_Calloc(count, sizeof(Slope))
        self.most = <Slope *>PyMem_Calloc(count, sizeof(Slope))
        if (
            self.rows == NULL or self.merge.pieces == NULL or self.first == NULL or self.merge.alive == NULL
            or self.merge.blocks == NULL or self.least == NULL or self.most == NULL
        ):
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.rows)
        PyMem_Free(self.merge.pieces)
        PyMem_Free(self.first)
        PyMem_Free(self.merge.alive)
        PyMem_Free(self.merge.blocks)
        PyMem_Free(self.least)
        PyMem_Free(self.most)


cdef Room _free = None  # taken while a call runs: another thread brings its own


cdef Room taken():
    """A room for one call; ``give`` it back after it."""
    global _free
    cdef Room room = _free
    _free = None
    return Room() if room is None else room


cdef void give(Room room) noexcept:
    global _free
    _free = room


cdef inline bint _doubles(numbers) noexcept:
    return isinstance(numbers, c_array.array) and (<c_array.array>numbers).ob_descr.typecode == c"d"


def plan_storage(steps, store, plan):
    """See ``quartier_native.reference.storage.plan_storage``."""
    cdef Room room
    cdef Sums sums
    cdef c_array.array steps_there, store_there, plan_there
    cdef Py_buffer inputs, fields, outputs
    cdef int count, refusal
    if not (_doubles(steps) and _doubles(store) and _doubles(plan)):
        raise TypeError("three arrays of doubles are needed")
    steps_there, store_there, plan_there = steps, store, plan
    if not 0 < len(plan_there) // _PLAN_COLUMNS <= _STEPS_MAX:
        raise ValueError(f"a plan has 1 to {_STEPS_MAX} steps")
    count = <int>(len(plan_there) // _PLAN_COLUMNS)
    if (
        len(steps_there) != _STEP_COLUMNS * count or len(store_there) != _STORE_FIELDS
        or len(plan_there) != _PLAN_COLUMNS * count
    ):
        raise ValueError("the arrays do not fit each other")
    # From here on no code of others runs in this thread; others may write the numbers, but not move them, as the
    # arrays are held by their buffers.
    room = taken()
    PyObject_GetBuffer(steps_there, &inputs, PyBUF_SIMPLE)
    PyObject_GetBuffer(store_there, &fields, PyBUF_SIMPLE)
    PyObject_GetBuffer(plan_there, &outputs, PyBUF_SIMPLE)
    with nogil:
        refusal = planned(
            room, <const double *>inputs.buf, <const double *>fields.buf, count, <double *>outputs.buf, &sums
        )
    PyBuffer_Release(&inputs)
    PyBuffer_Release(&fields)
    PyBuffer_Release(&outputs)
    give(room)
    if refusal > 1:
        raise ValueError(REFUSALS[refusal])
    if refusal == 1:
        return tuple.__new__(Planned, (False, 0.0, 0.0, 0.0, 0.0))
    return tuple.__new__(Planned, (True, sums.cost, sums.excess_wh, sums.short_wh, sums.gap))


cdef int planned(
    Room room, const double *steps, const double *store, int count, double *plan, Sums *sums
) noexcept nogil:
    """One plan of 1 to STEPS_MAX steps; the place of its refusal in REFUSALS, or 0.  Refused, it writes nothing."""
    cdef double energy_wh = store[3], target_wh = store[4], worth_price = store[5]
    cdef int refusal
    cdef Wiring wiring = Wiring(store[0], store[1], store[2], 1.0 / store[0])
    if not (
        (fabs(wiring.charge_efficiency) <= _NUMBER_MAX) & (fabs(wiring.discharge_efficiency) <= _NUMBER_MAX)
        & (fabs(wiring.wear_price) <= _NUMBER_MAX) & (fabs(energy_wh) <= _NUMBER_MAX)
        & (fabs(target_wh) <= _NUMBER_MAX) & (fabs(worth_price) <= _NUMBER_MAX)
    ):
        return 2
    if not (
        _EFFICIENCY_MIN <= wiring.charge_efficiency <= 1 and _EFFICIENCY_MIN <= wiring.discharge_efficiency <= 1
        and wiring.wear_price >= 0
    ):
        return 3
    refusal = sound_refusal(steps, count, _NUMBER_MAX)
    if refusal != 0:
        return refusal
    if not _fill(room, steps, &wiring, count, energy_wh, target_wh, worth_price):
        return 1
    sums[0] = _told(room, &wiring, count, energy_wh, target_wh, worth_price, plan)
    return 0


cdef inline void _read(const double *columns, int count, int number, Step *row) noexcept nogil:
    """A row of the columns, in which no zero is below zero."""
    row.net_wh = columns[number] + 0.0
    row.curtailable_wh = columns[count + number] + 0.0
    row.import_price = columns[2 * count + number] + 0.0
    row.export_price = columns[3 * count + number] + 0.0
    row.over_price = columns[4 * count + number] + 0.0
    row.contract_wh = columns[5 * count + number] + 0.0
    row.import_max_wh = columns[6 * count + number] + 0.0
    row.export_max_wh = columns[7 * count + number] + 0.0
    row.low_wh = columns[8 * count + number] + 0.0
    row.high_wh = columns[9 * count + number] + 0.0
    row.floor_wh = columns[10 * count + number] + 0.0
    row.ceiling_wh = columns[11 * count + number] + 0.0


cdef bint _fill(
    Room room, const double *steps, const Wiring *wiring, int count, double energy_wh, double target_wh,
    double worth_price
) noexcept nogil:
    cdef double low_wh = energy_wh, high_wh = energy_wh
    cdef int number, end = 0
    cdef Step *row
    cdef Merge *merge = &room.merge
    clear(merge)
    for number in range(count):
        row = &room.rows[number]
        _read(steps, count, number, row)
        room.first[number] = end
        end += pieces(row, wiring, &merge.pieces[end])
        insert(merge, room.first[number], end)
        low_wh += row.low_wh
        high_wh += row.high_wh
        if not bound(merge, row.floor_wh, row.ceiling_wh, _NEAR_WH, &low_wh, &high_wh):
            return False
    room.first[count] = end
    fill_left(merge, low_wh, target_wh, worth_price)
    return True


cdef Sums _told(
    Room room, const Wiring *wiring, int count, double energy_wh, double target_wh, double worth_price, double *plan
) noexcept nogil:
    cdef Sums sums
    cdef int number
    cdef double gap, kink_wh, far_wh
    cdef Step *row
    cdef Stand there
    cdef Flow made
    sums.cost = sums.excess_wh = sums.gap = 0.0
    for number in range(count):
        row = &room.rows[number]
        there = stand(room.merge.pieces, room.first[number], room.first[number + 1], _NEAR_WH, row.low_wh)
        room.least[number] = there.before
        room.most[number] = there.after
        energy_wh += there.moved_wh
        made = flow(row, wiring, there.moved_wh)
        gap = kink_wh = 0.0
        if there.inner >= 0 and room.merge.pieces[there.inner].kink_wh > 0.0:
            _gap(room, wiring, number, there.inner, made.cost, &gap, &kink_wh)
        sums.cost += made.cost
        sums.excess_wh += made.excess_wh
        sums.gap += gap
        plan[number] = there.moved_wh
        plan[count + number] = energy_wh
        plan[2 * count + number] = made.grid_wh
        plan[3 * count + number] = made.curtailed_wh
        plan[4 * count + number] = made.cost
        plan[9 * count + number] = gap
        plan[10 * count + number] = kink_wh
    far_wh = target_wh - energy_wh
    sums.short_wh = most(far_wh, 0.0)
    _value(
        room, wiring, count, Slope(_TARGET_BREACH if far_wh > _NEAR_WH else 0.0, worth_price),
        Slope(_TARGET_BREACH if far_wh > 0.0 - _NEAR_WH else 0.0, worth_price), plan,
    )
    return sums


cdef void _gap(
    Room room, const Wiring *wiring, int number, int inner, double cost, double *gap, double *kink_wh
) noexcept nogil:
    cdef double begin_wh = begin_of(room.merge.pieces, room.first[number], inner, room.rows[number].low_wh)
    cdef const Piece *piece = &room.merge.pieces[inner]
    gap[0] = most(cost - (flow(&room.rows[number], wiring, begin_wh).cost + piece.price * piece.filled_wh), 0.0)
    kink_wh[0] = begin_wh + piece.kink_wh


cdef void _value(
    Room room, const Wiring *wiring, int count, Slope more, Slope less, double *plan
) noexcept nogil:
    cdef int number
    cdef double energy_wh
    cdef Slope value, cap
    for number in range(count - 1, -1, -1):
        energy_wh = plan[count + number]
        if room.rows[number].ceiling_wh - energy_wh <= _NEAR_WH:
            more = _LEAST
        if energy_wh - room.rows[number].floor_wh <= _NEAR_WH:
            less = _MOST
        if above(room.least[number], more):
            more = room.least[number]
        if above(less, room.most[number]):
            less = room.most[number]
        room.least[number] = more
        room.most[number] = less
    value = first_value(room.most[0], room.least[0])
    for number in range(count):
        value = next_value(value, room.most[number], room.least[number])
        cap = _cap_value(&room.rows[number], wiring, plan[number], plan[2 * count + number], value)
        plan[5 * count + number] = value.price
        plan[6 * count + number] = value.breach
        plan[7 * count + number] = cap.price
        plan[8 * count + number] = cap.breach


cdef inline Slope _cap_value(
    const Step *row, const Wiring *wiring, double moved_wh, double grid_wh, Slope value
) noexcept nogil:
    cdef double price, per_wh
    cdef Slope made
    if grid_wh - row.import_max_wh > _NEAR_WH:
        return Slope(1.0, 0.0)
    if row.import_max_wh - grid_wh > _NEAR_WH:
        return Slope(0.0, 0.0)
    price = row.import_price + row.over_price if row.import_max_wh >= row.contract_wh else row.import_price
    if moved_wh < 0.0 - _NEAR_WH:
        per_wh = 1.0 / wiring.discharge_efficiency
        made = Slope(value.breach * per_wh, (value.price + wiring.wear_price) * per_wh - price)
    else:
        made = Slope(
            value.breach * wiring.charge_efficiency,
            (value.price - wiring.wear_price) * wiring.charge_efficiency - price,
        )
    return made if above(made, Slope(0.0, 0.0)) else Slope(0.0, 0.0)
