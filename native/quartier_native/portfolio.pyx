# cython: language_level=3, wraparound=False, boundscheck=True, cdivision=True, initializedcheck=False
"""The compiled ``plan_many``; ``reference/portfolio.py`` says what it does, and this does the same to the last bit."""

from quartier_native.storage cimport Room, Sums, give, planned, taken

from quartier_native.reference.portfolio import buffers
from quartier_native.reference.storage import PLAN_COLUMNS, STEP_COLUMNS, STEPS_MAX, STORE_FIELDS

cdef int _STEPS_MAX = STEPS_MAX, _WRONG_COUNT = 6
cdef Py_ssize_t _STEP_COLUMNS = len(STEP_COLUMNS), _STORE_FIELDS = len(STORE_FIELDS), _PLAN_COLUMNS = len(PLAN_COLUMNS)


def plan_many(counts, steps, stores, plans, told):
    """See ``quartier_native.reference.portfolio.plan_many``."""
    cdef Room room
    cdef Py_ssize_t made
    sizes, inputs_there, fields_there, outputs_there, says_there = buffers(counts, steps, stores, plans, told)
    # The counts are a copy that nobody else has: all places are within the buffers, whatever others write meanwhile.
    cdef const long long[::1] sizes_there = sizes
    cdef const double[::1] inputs = inputs_there, fields = fields_there
    cdef double[::1] outputs = outputs_there, says = says_there
    if sizes_there.shape[0] == 0:
        return 0
    room = taken()
    with nogil:
        made = _planned_all(
            room, &sizes_there[0], sizes_there.shape[0], &inputs[0] if inputs.shape[0] > 0 else NULL, &fields[0],
            &outputs[0] if outputs.shape[0] > 0 else NULL, &says[0],
        )
    give(room)
    return made


cdef Py_ssize_t _planned_all(
    Room room, const long long *sizes, Py_ssize_t sites, const double *steps, const double *stores, double *plans,
    double *says,
) noexcept nogil:
    cdef Py_ssize_t site, at = 0, made = 0
    cdef long long count
    cdef int refusal
    cdef Sums sums
    for site in range(sites):
        count = sizes[site]
        refusal = _WRONG_COUNT
        if 0 < count <= _STEPS_MAX:
            refusal = planned(
                room, steps + at * _STEP_COLUMNS, stores + site * _STORE_FIELDS, <int>count, plans + at * _PLAN_COLUMNS,
                &sums,
            )
        if refusal == 0:
            made += 1
        else:
            sums.cost = sums.excess_wh = sums.short_wh = sums.gap = 0.0
        says[site] = refusal
        says[sites + site] = sums.cost
        says[2 * sites + site] = sums.excess_wh
        says[3 * sites + site] = sums.short_wh
        says[4 * sites + site] = sums.gap
        at += count
    return made
