# cython: language_level=3
"""Whether the columns of a fleet are inside their ranges, inline; ``reference/fleet.py`` says which those are."""

from libc.math cimport fabs
from libc.stdint cimport int64_t

from quartier_native.seats cimport TIER_A, VEERS_MAX, Columns, Unit

cdef extern from *:
    """
    #include <stdint.h>
    static const int64_t RANGES_LONG_AGO_NS = -(1LL << 62);
    static const int64_t RANGES_TIME_MAX_NS = 1LL << 61;
    """
    const int64_t LONG_AGO_NS "RANGES_LONG_AGO_NS"
    const int64_t TIME_MAX_NS "RANGES_TIME_MAX_NS"

cdef enum:
    ON = 0
    SINCE = 1
    LIMIT = 2
    BEFORE = 3
    LOWERED = 4
    RAISED = 5
    TOLD = 6
    SETPOINT = 7
    MODE = 8
    HELD = 9
    SHED_COUNT = 10
    SHEDS = 11
    VEER_COUNT = 12
    VEERS = 13
    PRESENT = 14
    SOC = 15
    PLUGGED = 16
    TIER = 17
    WANTED = 18
    HIGHEST = 19
    LOWEST = 20
    REST = 21
    TARGET = 22
    HIGH = 23
    LOW = 24
    IMPORT_MAX = 25
    EXPORT_MAX = 26
    CAP_ROW = 27
    MET = 28
    EXCLUDED = 29  # the caps of a row exclude each other

cdef struct Fault:
    int column
    int64_t place


cdef inline bint is_good(
    const Unit *plans, const int64_t *firsts, const Columns *columns, int64_t first, int64_t last, Fault *fault
) noexcept nogil:
    """Whether everything that will be read is inside its range; ``fault`` says what is not."""
    cdef int64_t building, at, row
    for building in range(first, last):
        for at in range(firsts[2 * building], firsts[2 * building + 2]):
            fault.place, fault.column = at, unit_fault(&plans[at], columns, at)
            if fault.column >= 0:
                return False
        fault.place, fault.column = building, REST
        if not is_power(columns.rest_w[building]):
            return False
        fault.column = TARGET
        if not is_power(columns.target_w[building]):
            return False
        for row in range(firsts[2 * building + 1], firsts[2 * building + 3]):
            fault.place, fault.column = row, row_fault(columns, row)
            if fault.column >= 0:
                return False
    return True


cdef inline int row_fault(const Columns *columns, int64_t row) noexcept nogil:
    if not is_power(columns.high_w[row]):
        return HIGH
    if not is_power(columns.low_w[row]):
        return LOW
    if not is_power(columns.import_max_w[row]):
        return IMPORT_MAX
    if not is_power(columns.export_max_w[row]):
        return EXPORT_MAX
    return EXCLUDED if columns.import_max_w[row] < 0.0 - columns.export_max_w[row] else -1


cdef inline int unit_fault(const Unit *plan, const Columns *columns, int64_t at) noexcept nogil:
    cdef double last_w = columns.setpoint_w[at]
    if columns.on[at] > 1:
        return ON
    if not is_time(columns.since_ns[at]):
        return SINCE
    if not columns.limit_w[at] >= 0.0:
        return LIMIT
    if not is_power(columns.before_w[at]):
        return BEFORE
    if not is_time(columns.lowered_ns[at]):
        return LOWERED
    if not is_time(columns.raised_ns[at]):
        return RAISED
    if not is_time(columns.told_ns[at]):
        return TOLD
    if last_w == last_w and not is_power(last_w):
        return SETPOINT
    if not 0 <= columns.mode[at] < plan.mode_count:
        return MODE
    if columns.held[at] > 1:
        return HELD
    if not 0 <= columns.shed_count[at] <= columns.sheds_room:
        return SHED_COUNT
    if not are_times(&columns.sheds_ns[at * columns.sheds_room], columns.shed_count[at]):
        return SHEDS
    if not 0 <= columns.veer_count[at] <= VEERS_MAX:
        return VEER_COUNT
    if not are_times(&columns.veers_ns[at * VEERS_MAX], columns.veer_count[at]):
        return VEERS
    if not is_power(columns.present_w[at]):
        return PRESENT
    if not 0.0 <= columns.soc_pct[at] <= 100.0:
        return SOC
    if columns.plugged[at] > 1:
        return PLUGGED
    if not 0 <= columns.tier[at] <= TIER_A:
        return TIER
    if not 0 <= columns.wanted[at] < plan.mode_count:
        return WANTED
    if not 0 <= columns.highest[at] < plan.mode_count:
        return HIGHEST
    return -1 if 0 <= columns.lowest[at] < plan.mode_count else LOWEST


cdef inline bint is_power(double watts) noexcept nogil:
    return fabs(watts) <= 1e12


cdef inline bint is_time(int64_t time_ns) noexcept nogil:
    return LONG_AGO_NS <= time_ns <= TIME_MAX_NS


cdef inline bint are_times(const int64_t *times_ns, int count) noexcept nogil:
    cdef int index
    for index in range(count):
        if not is_time(times_ns[index]):
            return False
    return True
