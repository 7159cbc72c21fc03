# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled way from floats to whole numbers and back; ``reference/forms.py`` says what it is."""

from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from quartier_native.blocks cimport corrupt
from quartier_native.lanes cimport BLOCK, lanes_decimals, lanes_fitting, lanes_large, lanes_small

cdef enum:
    DIVIDED = 0
    MULTIPLIED = 1
    SINGLE = 2
    SINGLE_BITS = 3
    EXCEPTION_PRICE = 24
    SINGLE_PRICE = 6
    DOUBLE_PRICE = 15
    SAMPLE_MAX = 64
    SMALL_DECIMALS_MAX = 7

cdef double[10] TENS = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
cdef double[10] TENTHS = [1e-0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9]
cdef double[8] HIGHS  # 10**-k rounded to 27 bits, and what it lacks
cdef double[8] LOWS
cdef int64_t INTEGER_MAX = <int64_t>1 << 51
cdef double ROUNDER = 6755399441055744.0
cdef double SINGLE_MAX = 3.4028234663852886e38
cdef int64_t MINUS_ZERO = <int64_t>(<uint64_t>1 << 63)


def _prepare():
    for decimals in range(SMALL_DECIMALS_MAX + 1):
        ten = 10**decimals
        places = 26 + ten.bit_length() if decimals else 0
        high = ((2 << places) + ten) // (2 * ten)
        HIGHS[decimals] = high / (1 << places)
        LOWS[decimals] = ((1 << places) - high * ten) / (ten << places)


_prepare()


cdef inline int64_t _bits(double value) noexcept nogil:
    cdef int64_t bits
    memcpy(&bits, &value, 8)
    return bits


cdef double double_of(int64_t bits) noexcept nogil:
    cdef double value
    memcpy(&value, &bits, 8)
    return value


cdef inline int64_t _ordered(int64_t bits) noexcept nogil:
    return bits if bits >= 0 else bits ^ <int64_t>0x7FFFFFFFFFFFFFFF


cdef inline int32_t _ordered_single(int32_t bits) noexcept nogil:
    return bits if bits >= 0 else bits ^ <int32_t>0x7FFFFFFF


cdef inline double _decimal(double whole, Form form) noexcept nogil:
    if form.kind == MULTIPLIED:
        return whole * TENTHS[form.decimals]
    if form.kind == SINGLE:
        return <double><float>(whole / TENS[form.decimals])
    return whole / TENS[form.decimals]


cdef inline double _tenth(Form form) noexcept nogil:
    """What the kernels in C multiply with; 0 where they divide."""
    return TENTHS[form.decimals] if form.kind == MULTIPLIED else 0.0


cdef inline bint _number(double value, Form form, int64_t *number) noexcept nogil:
    """Whether ``value`` has a whole number in this form, and which."""
    cdef double whole
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
    if form.minus:
        value = -value
    whole = value * TENS[form.decimals] + ROUNDER - ROUNDER
    if not -INTEGER_MAX <= whole < INTEGER_MAX:
        return False
    number[0] = <int64_t>whole
    return _bits(_decimal(whole, form)) == _bits(value)


cdef bint mostly_minus(const double *values, Py_ssize_t count) noexcept nogil:
    """Whether more zeros are -0.0 than 0.0."""
    cdef Py_ssize_t index, more = 0
    cdef int64_t bits
    for index in range(count):
        bits = _bits(values[index])
        more += (bits == MINUS_ZERO) - (bits == 0)
    return more > 0


cdef bint small(const double *values, Py_ssize_t count, Form form, int32_t *numbers) noexcept nogil:
    """Whether all of ``values`` are regular and of few digits; fills ``numbers`` if so."""
    if form.kind > SINGLE or form.decimals > SMALL_DECIMALS_MAX:
        return False
    return lanes_small(
        values, count, TENS[form.decimals], _high(form), _low(form), -1.0 if form.minus else 1.0,
        form.kind == SINGLE, numbers,
    )


cdef inline double _high(Form form) noexcept nogil:
    return TENTHS[form.decimals] if form.kind == MULTIPLIED else HIGHS[form.decimals]


cdef inline double _low(Form form) noexcept nogil:
    return 0.0 if form.kind == MULTIPLIED else LOWS[form.decimals]


cdef Py_ssize_t split(
    const double *values, Py_ssize_t count, Form form, int64_t[::1] numbers, int64_t[:, ::1] runs,
    Py_ssize_t *run_count,
) except -1 nogil:
    """Fill ``numbers`` and ``runs``; returns how many values are regular.  Gives up at too many runs."""
    cdef Py_ssize_t index = 0, end = 0, regular = 0, gap_start = 0, run = 0
    cdef int64_t number = 0, bits
    cdef double sign = -1.0 if form.minus else 1.0
    run_count[0] = 0
    while index < count and 4 * run <= count:
        if index == end:
            end = index + BLOCK if index + BLOCK < count else count
            if form.kind <= SINGLE and lanes_large(
                values + index, end - index, TENS[form.decimals], _tenth(form), sign, form.kind == SINGLE,
                &numbers[regular + end - index - 1] - (end - index - 1),
            ):
                regular += end - index
                index = end
                continue
        bits = _bits(values[index])
        if _number(values[index], form, &number):
            numbers[regular] = number
            regular += 1
        elif run and gap_start == regular and runs[run - 1, 2] == bits:
            runs[run - 1, 1] += 1
        else:
            runs[run, 0], runs[run, 1], runs[run, 2] = regular - gap_start, 1, bits
            gap_start = regular
            run += 1
        index += 1
    run_count[0] = run
    return regular


cdef int choose(const double *values, Py_ssize_t count, Py_ssize_t most, Form *best) except -1 nogil:
    """Fill ``best`` from a sample of at most ``most`` values, up to 64."""
    cdef double[SAMPLE_MAX] sample
    cdef int[SINGLE + 1][DECIMALS_MAX + 1] fitting
    cdef Py_ssize_t size = count if count < most else most
    cdef Py_ssize_t index
    cdef int64_t number = 0
    cdef int price, cheapest = 0x7FFFFFFF, failing, finite = 0
    cdef double value
    cdef Form form
    form.minus = False
    for index in range(size):
        value = values[index * count // size]
        if value - value == 0.0:
            sample[finite] = value
            finite += 1
    for form.decimals in range(DECIMALS_MAX + 1):
        for form.kind in range(SINGLE + 1):
            fitting[form.kind][form.decimals] = lanes_fitting(
                sample, finite, TENS[form.decimals], _tenth(form), form.kind == SINGLE
            )
            if fitting[form.kind][form.decimals] == finite:
                best.kind, best.decimals = form.kind, form.decimals
                return 0
    for form.kind in range(SINGLE + 1):
        for form.decimals in range(DECIMALS_MAX + 1):
            price = EXCEPTION_PRICE * (finite - fitting[form.kind][form.decimals]) + form.decimals * finite
            if price < cheapest:
                cheapest = price
                best.kind, best.decimals = form.kind, form.decimals
    failing = 0
    form.kind, form.decimals = SINGLE_BITS, 0
    for index in range(finite):
        failing += not _number(sample[index], form, &number)
    price = SINGLE_PRICE * finite + EXCEPTION_PRICE * failing
    if price < cheapest:
        cheapest = price
        best.kind, best.decimals = SINGLE_BITS, 0
    if DOUBLE_PRICE * finite < cheapest:
        best.kind, best.decimals = BITS, 0
    return 0


cdef bint fill_small(
    const int32_t *local, int count, int64_t start, int64_t unit, int64_t bound, Form form, double *values
) noexcept nogil:
    """Give ``start + unit * local`` back as ``values``, where these numbers have few digits; else False."""
    if form.kind > SINGLE or form.decimals > SMALL_DECIMALS_MAX:
        return False
    if not (0 <= unit <= 0x7FFFFFFF and unit * bound <= 0x70000000 and -0x8000000 <= start <= 0x8000000):
        return False
    return lanes_decimals(
        local, count, <int32_t>start, <int32_t>unit, _high(form), _low(form), -1.0 if form.minus else 1.0,
        form.kind == SINGLE, values,
    )


cdef int fill(const int64_t *numbers, Py_ssize_t count, Form form, double *values) except -1 nogil:
    """Give ``numbers[:count]`` back as ``values``."""
    cdef Py_ssize_t index
    cdef int64_t number
    cdef double value, sign = -1.0 if form.minus else 1.0
    cdef float single
    cdef int32_t bits
    if form.kind == BITS:
        for index in range(count):
            values[index] = double_of(_ordered(numbers[index]))
        return 0
    if form.kind == SINGLE_BITS:
        for index in range(count):
            number = numbers[index]
            if not -2147483648 <= number <= 2147483647:
                return corrupt()
            bits = _ordered_single(<int32_t>number)
            memcpy(&single, &bits, 4)
            value = single
            if not -SINGLE_MAX <= value <= SINGLE_MAX:
                return corrupt()
            values[index] = value
        return 0
    for index in range(count):
        number = numbers[index]
        if not -INTEGER_MAX <= number < INTEGER_MAX:
            return corrupt()
        values[index] = _decimal(<double>number, form) * sign
    return 0
