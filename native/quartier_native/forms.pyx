# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled way from floats to whole numbers and back; ``reference/forms.py`` says what it is."""

from libc.stdint cimport int32_t, uint64_t
from libc.string cimport memcpy

from quartier_native.blocks cimport corrupt

cdef enum:
    DIVIDED = 0
    MULTIPLIED = 1
    SINGLE = 2
    SINGLE_BITS = 3
    EXCEPTION_PRICE = 24
    SINGLE_PRICE = 6
    DOUBLE_PRICE = 15

cdef double[10] TENS = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
cdef double[10] TENTHS = [1e-0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9]
cdef double INTEGER_MAX = 2251799813685248.0
cdef double ROUNDER = 6755399441055744.0
cdef double SINGLE_MAX = 3.4028234663852886e38
cdef int64_t MINUS_ZERO = <int64_t>(<uint64_t>1 << 63)


cdef inline int64_t _bits(double value) noexcept nogil:
    cdef int64_t bits
    memcpy(&bits, &value, 8)
    return bits


cdef double double_of(int64_t bits) noexcept nogil:
    cdef double value
    memcpy(&value, &bits, 8)
    return value


cdef inline double _single(double value) noexcept nogil:
    return <double><float>value


cdef inline int64_t _ordered(int64_t bits) noexcept nogil:
    return bits if bits >= 0 else bits ^ <int64_t>0x7FFFFFFFFFFFFFFF


cdef inline int32_t _ordered_single(int32_t bits) noexcept nogil:
    return bits if bits >= 0 else bits ^ <int32_t>0x7FFFFFFF


cdef inline double _decimal(double whole, int kind, double ten, double tenth) noexcept nogil:
    if kind == MULTIPLIED:
        return whole * tenth
    if kind == SINGLE:
        return _single(whole / ten)
    return whole / ten


cdef inline bint _number(double value, Form form, int64_t *number) noexcept nogil:
    """Whether ``value`` has a whole number in this form, and which (zeros of either sign have 0)."""
    cdef double scaled, whole
    cdef float single
    cdef int32_t bits
    if form.kind == BITS:
        number[0] = _ordered(_bits(value))
        return True
    if form.kind == SINGLE_BITS:
        if not -SINGLE_MAX <= value <= SINGLE_MAX:
            return False
        single = <float>value
        memcpy(&bits, &single, 4)
        number[0] = _ordered_single(bits)
        return <double>single == value
    scaled = value * TENS[form.decimals]
    if not -INTEGER_MAX < scaled < INTEGER_MAX:
        return False
    whole = (scaled + ROUNDER) - ROUNDER
    number[0] = <int64_t>whole
    return _decimal(whole, form.kind, TENS[form.decimals], TENTHS[form.decimals]) == value


cdef bint mostly_minus(const double[::1] values, Py_ssize_t count) except -1 nogil:
    """Whether more zeros are -0.0 than 0.0."""
    cdef Py_ssize_t index, more = 0
    for index in range(count):
        if values[index] == 0.0:
            more += 1 if _bits(values[index]) else -1
    return more > 0


cdef Py_ssize_t split(
    const double[::1] values, Py_ssize_t count, Form form, int64_t[::1] numbers, int64_t[:, ::1] runs,
    Py_ssize_t *run_count,
) except -1 nogil:
    """Fill ``numbers`` and ``runs``; returns how many values are regular.  Gives up at too many runs."""
    cdef Py_ssize_t index, regular = 0, gap_start = 0, run = 0
    cdef int64_t number = 0, bits
    cdef int64_t zero = MINUS_ZERO if form.zeros_negative else 0
    cdef double ten = TENS[form.decimals], value, scaled, whole
    for index in range(count):
        if form.kind == DIVIDED:  # as _number does, without a call
            value = values[index]
            scaled = value * ten
            whole = (scaled + ROUNDER) - ROUNDER
            if -INTEGER_MAX < scaled < INTEGER_MAX and whole != 0.0 and whole / ten == value:
                numbers[regular] = <int64_t>whole
                regular += 1
                continue
        if _number(values[index], form, &number) and (
            number != 0 or form.kind >= SINGLE_BITS or _bits(values[index]) == zero
        ):
            numbers[regular] = number
            regular += 1
            continue
        bits = _bits(values[index])
        if run and gap_start == regular and runs[run - 1, 2] == bits:
            runs[run - 1, 1] += 1
            continue
        runs[run, 0], runs[run, 1], runs[run, 2] = regular - gap_start, 1, bits
        gap_start = regular
        run += 1
        if 4 * run > count:
            break
    run_count[0] = run
    return regular


cdef int choose(const double[::1] values, Py_ssize_t count, Py_ssize_t most, bint thorough, Form *best) except -1 nogil:
    cdef double[64] sample
    cdef int[11] needing
    cdef Py_ssize_t size = count if count < most else most
    cdef Py_ssize_t index, finite = 0
    cdef int64_t number = 0
    cdef int price, cheapest = 0x7FFFFFFF, lowest, needed_most, failing, decimals, found
    cdef double value
    cdef Form form
    for index in range(size):
        value = values[index * count // size]
        if value - value == 0.0:
            sample[finite] = value
            finite += 1
    form.zeros_negative = best.zeros_negative
    for form.kind in range(SINGLE + 1):
        for decimals in range(11):
            needing[decimals] = 0
        needed_most = 0
        for index in range(finite):
            form.decimals = 0
            while form.decimals <= DECIMALS_MAX and not _number(sample[index], form, &number):
                form.decimals += 1
            needing[form.decimals] += 1
            needed_most = form.decimals if form.decimals > needed_most else needed_most
        failing = <int>finite
        lowest = 0x7FFFFFFF
        found = 0
        for decimals in range(DECIMALS_MAX + 1):
            failing -= needing[decimals]
            price = EXCEPTION_PRICE * failing + decimals * <int>finite
            if price < lowest:
                lowest, found = price, decimals
        if not thorough and needed_most <= found:
            best.kind, best.decimals = form.kind, found
            return 0
        if lowest < cheapest:
            cheapest = lowest
            best.kind, best.decimals = form.kind, found
    failing = 0
    form.kind, form.decimals = SINGLE_BITS, 0
    for index in range(finite):
        failing += not _number(sample[index], form, &number)
    price = SINGLE_PRICE * <int>finite + EXCEPTION_PRICE * failing
    if price < cheapest:
        cheapest = price
        best[0] = form
    if DOUBLE_PRICE * <int>finite < cheapest:
        best.kind, best.decimals = BITS, 0
    return 0


cdef int fill(
    const int64_t[::1] numbers, Py_ssize_t start, Py_ssize_t count, Form form, double[::1] values, Py_ssize_t place
) except -1 nogil:
    """Give ``numbers[start : start + count]`` back as values from ``place``."""
    cdef Py_ssize_t index
    cdef int64_t number, most = <int64_t>INTEGER_MAX
    cdef double ten = TENS[form.decimals], tenth = TENTHS[form.decimals], value
    cdef float single
    cdef int32_t bits
    if form.kind == BITS:
        for index in range(count):
            values[place + index] = double_of(_ordered(numbers[start + index]))
        return 0
    if form.kind == SINGLE_BITS:
        for index in range(count):
            number = numbers[start + index]
            if not -2147483648 <= number <= 2147483647:
                return corrupt()
            bits = _ordered_single(<int32_t>number)
            memcpy(&single, &bits, 4)
            value = single
            if not -SINGLE_MAX <= value <= SINGLE_MAX:
                return corrupt()
            values[place + index] = value
        return 0
    for index in range(count):
        number = numbers[start + index]
        if not -most < number < most:
            return corrupt()
        values[place + index] = _decimal(<double>number, form.kind, ten, tenth)
    if form.zeros_negative:
        for index in range(count):
            if numbers[start + index] == 0:
                values[place + index] = -0.0
    return 0
