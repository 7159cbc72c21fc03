# cython: language_level=3, wraparound=False, boundscheck=True, cdivision=True, initializedcheck=False
"""The compiled ``plan_levels`` and ``tell_flows``; ``reference/levels.py`` says what they do, and this does the
same to the last bit.
"""

from cpython cimport array as c_array
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport INFINITY, fabs

from quartier_native.steps cimport Flow, Step, Wiring, flow

from quartier_native.reference.levels import FLOW_COLUMNS, LEVELS_MAX, NEED_FIELDS, UNITS_MAX, Levelled
from quartier_native.reference.storage import NUMBER_MAX, STEP_COLUMNS, STEPS_MAX

cdef int _STEPS_MAX = STEPS_MAX, _LEVELS_MAX = LEVELS_MAX, _UNITS_MAX = UNITS_MAX
cdef int _STEP_COLUMNS = len(STEP_COLUMNS), _NEED_FIELDS = len(NEED_FIELDS), _FLOW_COLUMNS = len(FLOW_COLUMNS)
cdef double _NUMBER_MAX = NUMBER_MAX
cdef Wiring _STRAIGHT = Wiring(1.0, 1.0, 0.0, 1.0)


def plan_levels(steps, amounts_wh, units, need, plan):
    """See ``quartier_native.reference.levels.plan_levels``."""
    cdef c_array.array steps_there, amounts_there, units_there, need_there, plan_there
    cdef double *costs = NULL
    cdef unsigned char *choices = NULL
    cdef int count, levels, number, most, best
    cdef double cost
    for numbers, code in ((steps, "d"), (amounts_wh, "d"), (units, "i"), (need, "d"), (plan, "i")):
        if not isinstance(numbers, c_array.array) or chr((<c_array.array>numbers).ob_descr.typecode) != code:
            raise TypeError("arrays of doubles and of ints are needed")
    steps_there, amounts_there, units_there, need_there, plan_there = steps, amounts_wh, units, need, plan
    if not 0 < len(plan_there) <= _STEPS_MAX:
        raise ValueError(f"a plan has 1 to {STEPS_MAX} steps")
    count = <int>len(plan_there)
    if (
        len(steps_there) != _STEP_COLUMNS * count or len(need_there) != _NEED_FIELDS
        or len(units_there) != len(amounts_there)
    ):
        raise ValueError("the arrays do not fit each other")
    # Held by their buffers: others may write the numbers, but not move them.
    cdef const double[::1] rows = steps_there
    cdef const double[::1] amounts = amounts_there
    cdef const int[::1] counts = units_there
    cdef const double[::1] wanted = need_there
    cdef int[::1] made = plan_there
    if not 0 < len(units_there) <= _LEVELS_MAX or counts[0] != 0:
        raise ValueError(f"there are 1 to {LEVELS_MAX} levels, and the first counts nothing")
    levels = <int>len(units_there)
    for number in range(levels):
        if not 0 <= counts[number] <= _UNITS_MAX:
            raise ValueError("the units of a level are out of their range")
    for number in range(levels):
        if not fabs(amounts[number]) <= _NUMBER_MAX:
            raise ValueError("what a level takes is out of its range")
    if not (
        0.0 <= wanted[0] <= wanted[1] <= _UNITS_MAX and 0.0 <= wanted[2] <= _NUMBER_MAX
        and 0.0 <= wanted[3] <= _NUMBER_MAX
    ):
        raise ValueError("what is needed is out of its range")
    for number in range(count):
        if not (
            fabs(rows[number]) <= _NUMBER_MAX and fabs(rows[2 * count + number]) <= _NUMBER_MAX
            and fabs(rows[3 * count + number]) <= _NUMBER_MAX and 0.0 <= rows[4 * count + number] <= _NUMBER_MAX
        ):
            raise ValueError("a number of a step is out of its range")
    most = <int>wanted[1]
    costs = <double *>PyMem_Calloc(2 * (most + 1), sizeof(double))
    choices = <unsigned char *>PyMem_Calloc(count * (most + 1), 1)
    try:
        if costs == NULL or choices == NULL:
            raise MemoryError
        with nogil:
            best = _plan(&rows[0], &amounts[0], &counts[0], &wanted[0], count, levels, most, costs, choices, &made[0], &cost)
        return Levelled(cost, best)
    finally:
        PyMem_Free(costs)
        PyMem_Free(choices)


cdef inline Step _row(const double *rows, int count, int number) noexcept nogil:
    cdef Step row
    row.net_wh = rows[number]
    row.curtailable_wh = rows[count + number]
    row.import_price = rows[2 * count + number]
    row.export_price = rows[3 * count + number]
    row.over_price = rows[4 * count + number]
    row.contract_wh = rows[5 * count + number]
    row.import_max_wh = rows[6 * count + number]
    row.export_max_wh = rows[7 * count + number]
    row.low_wh = row.high_wh = row.floor_wh = row.ceiling_wh = 0.0
    return row


cdef int _plan(
    const double *rows, const double *amounts, const int *units, const double *need, int count, int levels, int most,
    double *costs, unsigned char *choices, int *plan, double *told,
) noexcept nogil:
    cdef double *before = costs
    cdef double *after = costs + most + 1
    cdef double *other
    cdef unsigned char *choice
    cdef int number, level, taken, shift, best = 0
    cdef double cost, whole, best_cost = INFINITY
    cdef Step row
    cdef Flow there
    before[0] = 0.0
    for taken in range(1, most + 1):
        before[taken] = INFINITY
    for number in range(count):
        row = _row(rows, count, number)
        choice = choices + number * (most + 1)
        for taken in range(most + 1):
            after[taken] = INFINITY
        for level in range(levels):
            there = flow(&row, &_STRAIGHT, amounts[level])
            cost = there.cost + need[3] * there.excess_wh
            shift = units[level]
            for taken in range(shift, most + 1):
                whole = before[taken - shift] + cost
                if whole < after[taken]:
                    after[taken] = whole
                    choice[taken] = <unsigned char>level
        other = before
        before = after
        after = other
    for taken in range(most + 1):
        cost = before[taken]
        if taken < need[0]:
            cost += (need[0] - taken) * need[2]
        if cost < best_cost:
            best, best_cost = taken, cost
    told[0] = best_cost
    taken = best
    for number in range(count - 1, -1, -1):
        plan[number] = choices[number * (most + 1) + taken]
        taken -= units[plan[number]]
    return best


def tell_flows(steps, moved_wh, flows):
    """See ``quartier_native.reference.levels.tell_flows``."""
    cdef c_array.array steps_there, moved_there, flows_there
    cdef Py_ssize_t count, number
    cdef Step row
    cdef Flow there
    for numbers in (steps, moved_wh, flows):
        if not isinstance(numbers, c_array.array) or (<c_array.array>numbers).ob_descr.typecode != b"d":
            raise TypeError("three arrays of doubles are needed")
    steps_there, moved_there, flows_there = steps, moved_wh, flows
    count = len(moved_there)
    if len(steps_there) != _STEP_COLUMNS * count or len(flows_there) != _FLOW_COLUMNS * count:
        raise ValueError("the arrays do not fit each other")
    if count == 0:
        return
    cdef const double[::1] rows = steps_there
    cdef const double[::1] moved = moved_there
    cdef double[::1] told = flows_there
    with nogil:
        for number in range(count):
            row = _row(&rows[0], <int>count, <int>number)
            there = flow(&row, &_STRAIGHT, moved[number])
            told[number] = there.grid_wh
            told[count + number] = there.curtailed_wh
            told[2 * count + number] = there.cost
            told[3 * count + number] = there.excess_wh
