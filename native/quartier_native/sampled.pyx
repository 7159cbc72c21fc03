# cython: language_level=3, wraparound=False, boundscheck=True, cdivision=True, initializedcheck=False
"""The compiled ``plan_sampled``; ``reference/sampled.py`` says what it does, and this does the same to the last bit."""

from cpython cimport array as c_array
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport INFINITY, fabs, floor

from quartier_native.kinks cimport (
    KINKS_MOST, SAMPLES_MOST, TIERS_MOST, Held, Kink, Meter, Sample, SampledFlow, SampledStep, Tier, best_of, held_at,
    meter, sampled_flow, sampled_pieces,
)
from quartier_native.merges cimport (
    BLOCK, Block, Merge, Node, Stand, begin_of, blocks_most, bound, clear, fill_left, first_value, insert, next_value,
    stand,
)
from quartier_native.steps cimport Piece, Slope, Wiring, above, most

from quartier_native.reference.sampled import (
    ROWS_MAX, SAMPLE_COLUMNS, SAMPLED_COLUMNS, SAMPLES_MAX, TIERS_MAX, MEAN_COLUMNS, WEIGHT_MAX,
)
from quartier_native.reference.storage import (
    EFFICIENCY_MIN, NEAR_WH, NUMBER_MAX, REFUSALS, STEPS_MAX, STORE_FIELDS, TARGET_BREACH, Planned,
)

if (SAMPLES_MAX, TIERS_MAX) != (SAMPLES_MOST, TIERS_MOST):
    raise ImportError("kernel and twin differ in how many samples and tiers there may be")

cdef int _STEPS_MAX = STEPS_MAX, _ROWS_MAX = ROWS_MAX
cdef int _STEP_COLUMNS = len(SAMPLED_COLUMNS), _STORE_FIELDS = len(STORE_FIELDS), _PLAN_COLUMNS = len(MEAN_COLUMNS)
cdef int _SAMPLE_COLUMNS = len(SAMPLE_COLUMNS)
cdef double _EFFICIENCY_MIN = EFFICIENCY_MIN
cdef double _NEAR_WH = NEAR_WH, _NUMBER_MAX = NUMBER_MAX, _WEIGHT_MAX = WEIGHT_MAX, _TARGET_BREACH = TARGET_BREACH

cdef enum Fault:
    NONE, COUNT, MORE, FEWER, STEP, SAMPLE, WEIGHTS, PRICES

cdef dict _FAULTS = {
    COUNT: f"a step has 1 to {SAMPLES_MAX} samples",
    MORE: "the steps have more samples than there are",
    FEWER: "the steps have fewer samples than there are",
    STEP: "a number of a step is out of its range",
    SAMPLE: "a number of a sample is out of its range",
    WEIGHTS: "the weights of a step's samples are too large",
    PRICES: "import and export both pay, and generation may be curtailed: no plan for such prices",
}

cdef struct Sums:
    double cost
    double excess_wh
    double short_wh
    double gap


cdef class _Room:
    """The memory of one call: for so many steps, samples, tiers of all steps, and pieces."""

    cdef int steps_count
    cdef int rows_count
    cdef int tiers_count
    cdef int pieces_count
    cdef SampledStep *steps
    cdef Sample *samples
    cdef Tier *tiers  # of a step side by side
    cdef double *best_wh
    cdef int *rows  # of a step, its first sample
    cdef int *first  # of a step, its first piece; one more at the end
    cdef Slope *least
    cdef Slope *most
    cdef Slope *below
    cdef Merge merge
    cdef Kink kinks[KINKS_MOST]

    def __cinit__(self, int steps_count, int rows_count, int tiers_count, int pieces_count):
        self.steps_count, self.rows_count = steps_count, rows_count
        self.tiers_count, self.pieces_count = tiers_count, pieces_count
        self.steps = <SampledStep *>PyMem_Calloc(steps_count, sizeof(SampledStep))
        self.samples = <Sample *>PyMem_Calloc(rows_count, sizeof(Sample))
        self.tiers = <Tier *>PyMem_Calloc(tiers_count + 1, sizeof(Tier))
        self.best_wh = <double *>PyMem_Calloc(steps_count, sizeof(double))
        self.rows = <int *>PyMem_Calloc(steps_count, sizeof(int))
        self.first = <int *>PyMem_Calloc(steps_count + 1, sizeof(int))
        self.least = <Slope *>PyMem_Calloc(steps_count, sizeof(Slope))
        self.most = <Slope *>PyMem_Calloc(steps_count, sizeof(Slope))
        self.below = <Slope *>PyMem_Calloc(steps_count, sizeof(Slope))
        self.merge.pieces = <Piece *>PyMem_Calloc(pieces_count, sizeof(Piece))
        self.merge.room = blocks_most(pieces_count)
        self.merge.blocks = <Block *>PyMem_Calloc(self.merge.room, sizeof(Block))
        self.merge.alive = <Node *>PyMem_Calloc(BLOCK * <size_t>self.merge.room, sizeof(Node))
        if (
            self.steps == NULL or self.samples == NULL or self.tiers == NULL or self.best_wh == NULL
            or self.rows == NULL or self.first == NULL or self.least == NULL or self.most == NULL
            or self.below == NULL or self.merge.pieces == NULL or self.merge.alive == NULL
            or self.merge.blocks == NULL
        ):
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.steps)
        PyMem_Free(self.samples)
        PyMem_Free(self.tiers)
        PyMem_Free(self.best_wh)
        PyMem_Free(self.rows)
        PyMem_Free(self.first)
        PyMem_Free(self.least)
        PyMem_Free(self.most)
        PyMem_Free(self.below)
        PyMem_Free(self.merge.pieces)
        PyMem_Free(self.merge.alive)
        PyMem_Free(self.merge.blocks)


cdef _Room _free = None  # taken while a call runs: another thread brings its own


def plan_sampled(steps, tiers, samples, store, plan):
    """See ``quartier_native.reference.sampled.plan_sampled``."""
    global _free
    cdef _Room room
    cdef Sums sums
    cdef Wiring wiring
    cdef c_array.array steps_there, tiers_there, samples_there, store_there, plan_there
    cdef bint feasible
    cdef int count, rows_count, tiers_count, pieces_count, fault
    for numbers in (steps, tiers, samples, store, plan):
        if not isinstance(numbers, c_array.array) or (<c_array.array>numbers).ob_descr.typecode != b"d":
            raise TypeError("five arrays of doubles are needed")
    steps_there, tiers_there, samples_there, store_there, plan_there = steps, tiers, samples, store, plan
    if not 0 < len(plan_there) // _PLAN_COLUMNS <= _STEPS_MAX:
        raise ValueError(f"a plan has 1 to {_STEPS_MAX} steps")
    count = len(plan_there) // _PLAN_COLUMNS
    if len(tiers_there) > 2 * count * TIERS_MOST or (
        len(steps_there), len(tiers_there) % (2 * count), len(samples_there) % _SAMPLE_COLUMNS, len(store_there),
        len(plan_there),
    ) != (_STEP_COLUMNS * count, 0, 0, _STORE_FIELDS, _PLAN_COLUMNS * count):
        raise ValueError("the arrays do not fit each other")
    tiers_count = len(tiers_there) // (2 * count)
    # From here on no code of others runs in this thread; others may write the numbers, but not move them, as the
    # arrays are held by their buffers.
    cdef double[::1] inputs = steps_there, fields = store_there, outputs = plan_there
    cdef const double *drawn = samples_there.data.as_doubles
    cdef const double *over = tiers_there.data.as_doubles
    cdef double[::1] drawn_held = samples_there, over_held = tiers_there
    wiring = _checked_store(fields)
    if not 0 < len(samples_there) // _SAMPLE_COLUMNS <= _ROWS_MAX:
        raise ValueError(f"a plan has 1 to {_ROWS_MAX} samples")
    rows_count = len(samples_there) // _SAMPLE_COLUMNS
    pieces_count = rows_count * (tiers_count + 4) + 2 * count
    room = _free
    _free = None
    if (
        room is None or room.steps_count < count or room.rows_count < rows_count
        or room.tiers_count < tiers_count * count or room.pieces_count < pieces_count
    ):
        room = _Room(count, rows_count, tiers_count * count, pieces_count)
    try:
        feasible = False
        with nogil:
            fault = _rows(room, &inputs[0], over, drawn, count, tiers_count, rows_count)
            if fault == NONE:
                feasible = _fill(room, &wiring, count, tiers_count, fields[3], fields[4], fields[5])
            if feasible:
                sums = _told(room, &wiring, count, tiers_count, fields[3], fields[4], fields[5], &outputs[0])
        if fault != NONE:
            raise ValueError(_FAULTS[fault])
        if not feasible:
            return tuple.__new__(Planned, (False, 0.0, 0.0, 0.0, 0.0))
        return tuple.__new__(Planned, (True, sums.cost, sums.excess_wh, sums.short_wh, sums.gap))
    finally:
        _free = room


cdef Wiring _checked_store(const double[::1] fields) except *:
    cdef int place
    for place in range(_STORE_FIELDS):
        if not fabs(fields[place]) <= _NUMBER_MAX:
            raise ValueError("a number of the store is out of its range")
    if not (_EFFICIENCY_MIN <= fields[0] <= 1 and _EFFICIENCY_MIN <= fields[1] <= 1 and fields[2] >= 0):
        raise ValueError(REFUSALS[3])
    return Wiring(fields[0], fields[1], fields[2], 1.0 / fields[0])


cdef int _rows(
    _Room room, const double *inputs, const double *over, const double *drawn, int count, int tiers_count,
    int rows_count
) noexcept nogil:
    """Read the columns; the first that is wrong with them."""
    cdef int number, at, tier, begin = 0, fault
    cdef SampledStep *row
    cdef double samples_count
    for number in range(count):
        samples_count = inputs[number] + 0.0
        if not 1.0 <= samples_count <= SAMPLES_MOST or samples_count != floor(samples_count):
            return COUNT
        row = &room.steps[number]
        row.samples_count = <int>samples_count
        row.import_price = inputs[count + number] + 0.0
        row.export_price = inputs[2 * count + number] + 0.0
        row.import_max_wh = inputs[3 * count + number] + 0.0
        row.export_max_wh = inputs[4 * count + number] + 0.0
        row.low_wh = inputs[5 * count + number] + 0.0
        row.high_wh = inputs[6 * count + number] + 0.0
        row.floor_wh = inputs[7 * count + number] + 0.0
        row.ceiling_wh = inputs[8 * count + number] + 0.0
        room.rows[number] = begin
        begin += row.samples_count
        if begin > rows_count:
            return MORE
        for tier in range(tiers_count):
            room.tiers[number * tiers_count + tier] = Tier(
                over[2 * tier * count + number] + 0.0, over[(2 * tier + 1) * count + number] + 0.0
            )
    if begin != rows_count:
        return FEWER
    for at in range(rows_count):
        room.samples[at] = Sample(
            drawn[at] + 0.0, drawn[rows_count + at] + 0.0, drawn[2 * rows_count + at] + 0.0
        )
    for number in range(count):
        fault = _sound(
            &room.steps[number], &room.tiers[number * tiers_count], tiers_count, &room.samples[room.rows[number]]
        )
        if fault != NONE:
            return fault
    return NONE


cdef inline int _sound(
    const SampledStep *row, const Tier *tiers, int tiers_count, const Sample *samples
) noexcept nogil:
    cdef int at
    cdef double total = 0.0
    cdef bint curtailable = False
    if not (
        (fabs(row.import_price) <= _NUMBER_MAX) & (fabs(row.export_price) <= _NUMBER_MAX)
        & (-_NUMBER_MAX <= row.low_wh) & (row.low_wh <= row.high_wh) & (row.high_wh <= _NUMBER_MAX)
        & (-_NUMBER_MAX <= row.floor_wh) & (row.floor_wh <= row.ceiling_wh)
        & (row.ceiling_wh <= _NUMBER_MAX) & (row.import_max_wh >= 0.0) & (row.export_max_wh >= 0.0)
    ):
        return STEP
    for at in range(tiers_count):
        if not (tiers[at].above_wh >= 0.0 and 0.0 <= tiers[at].over_price <= _NUMBER_MAX):
            return STEP
    for at in range(row.samples_count):
        if not (
            (fabs(samples[at].net_wh) <= _NUMBER_MAX) & (0.0 <= samples[at].curtailable_wh)
            & (samples[at].curtailable_wh <= _NUMBER_MAX) & (1.0 <= samples[at].weight)
            & (samples[at].weight <= _WEIGHT_MAX) & (samples[at].weight == floor(samples[at].weight))
        ):
            return SAMPLE
        total += samples[at].weight
        curtailable |= samples[at].curtailable_wh > 0.0
    if total > _WEIGHT_MAX:
        return WEIGHTS
    if row.import_price < 0.0 < row.export_price and row.export_max_wh > 0.0 and curtailable:
        return PRICES
    return NONE


cdef bint _fill(
    _Room room, const Wiring *wiring, int count, int tiers_count, double energy_wh, double target_wh,
    double worth_price
) noexcept nogil:
    cdef double low_wh = energy_wh, high_wh = energy_wh
    cdef int number, end = 0
    cdef SampledStep *row
    cdef Meter there
    cdef Merge *merge = &room.merge
    clear(merge)
    for number in range(count):
        row = &room.steps[number]
        meter(row, &room.tiers[number * tiers_count], tiers_count, &there)
        room.best_wh[number] = best_of(&there)
        room.first[number] = end
        end += sampled_pieces(
            row, &there, &room.samples[room.rows[number]], wiring, room.kinks, &merge.pieces[end]
        )
        insert(merge, room.first[number], end)
        low_wh += row.low_wh
        high_wh += row.high_wh
        if not bound(merge, row.floor_wh, row.ceiling_wh, _NEAR_WH, &low_wh, &high_wh):
            return False
    room.first[count] = end
    fill_left(merge, low_wh, target_wh, worth_price)
    return True


cdef Sums _told(
    _Room room, const Wiring *wiring, int count, int tiers_count, double energy_wh, double target_wh,
    double worth_price, double *plan
) noexcept nogil:
    cdef Sums sums
    cdef int number
    cdef double gap, kink_wh, far_wh, begin_wh
    cdef SampledStep *row
    cdef const Piece *piece
    cdef Stand stood
    cdef SampledFlow there, begin
    sums.cost = sums.excess_wh = sums.gap = 0.0
    for number in range(count):
        row = &room.steps[number]
        stood = stand(room.merge.pieces, room.first[number], room.first[number + 1], _NEAR_WH, row.low_wh)
        room.below[number] = stood.before
        room.most[number] = stood.after
        energy_wh += stood.moved_wh
        there = sampled_flow(
            row, &room.tiers[number * tiers_count], tiers_count, room.best_wh[number],
            &room.samples[room.rows[number]], wiring, stood.moved_wh
        )
        gap = kink_wh = 0.0
        if stood.inner >= 0 and room.merge.pieces[stood.inner].kink_wh > 0.0:
            piece = &room.merge.pieces[stood.inner]
            begin_wh = begin_of(room.merge.pieces, room.first[number], stood.inner, row.low_wh)
            begin = sampled_flow(
                row, &room.tiers[number * tiers_count], tiers_count, room.best_wh[number],
                &room.samples[room.rows[number]], wiring, begin_wh
            )
            gap = most(there.cost - (begin.cost + piece.price * piece.filled_wh), 0.0)
            kink_wh = begin_wh + piece.kink_wh
        sums.cost += there.cost
        sums.excess_wh += there.excess_wh
        sums.gap += gap
        plan[number] = stood.moved_wh
        plan[count + number] = energy_wh
        plan[2 * count + number] = there.grid_wh
        plan[3 * count + number] = there.curtailed_wh
        plan[4 * count + number] = there.cost
        plan[9 * count + number] = gap
        plan[10 * count + number] = kink_wh
        plan[11 * count + number] = there.grid_low_wh
        plan[12 * count + number] = there.grid_high_wh
        plan[13 * count + number] = there.excess_wh
    far_wh = target_wh - energy_wh
    sums.short_wh = most(far_wh, 0.0)
    _value(
        room, wiring, count, tiers_count, Slope(_TARGET_BREACH if far_wh > _NEAR_WH else 0.0, worth_price),
        Slope(_TARGET_BREACH if far_wh > 0.0 - _NEAR_WH else 0.0, worth_price), plan,
    )
    return sums


cdef void _value(
    _Room room, const Wiring *wiring, int count, int tiers_count, Slope more, Slope less, double *plan
) noexcept nogil:
    cdef int number
    cdef double energy_wh
    cdef Slope value
    cdef Held held
    for number in range(count - 1, -1, -1):
        energy_wh = plan[count + number]
        if room.steps[number].ceiling_wh - energy_wh <= _NEAR_WH:
            more = Slope(-INFINITY, 0.0)
        if energy_wh - room.steps[number].floor_wh <= _NEAR_WH:
            less = Slope(INFINITY, 0.0)
        if above(room.below[number], more):
            more = room.below[number]
        if above(less, room.most[number]):
            less = room.most[number]
        room.least[number] = more
        room.most[number] = less
    value = first_value(room.most[0], room.least[0])
    for number in range(count):
        value = next_value(value, room.most[number], room.least[number])
        held = held_at(
            &room.steps[number], &room.tiers[number * tiers_count], tiers_count, room.best_wh[number],
            &room.samples[room.rows[number]], wiring, plan[number], value, room.below[number], _NEAR_WH
        )
        plan[5 * count + number] = value.price
        plan[6 * count + number] = value.breach
        plan[7 * count + number] = held.cap.price
        plan[8 * count + number] = held.cap.breach
        plan[14 * count + number] = held.tier_value
