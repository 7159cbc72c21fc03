# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled column of integers; ``reference/integers.py`` says what it does.

Sums and products are taken in unsigned numbers, where running over is defined and means what the twin's ``signed`` does.
"""

from libc.stdint cimport uint8_t, uint32_t

from quartier_native.blocks cimport corrupt, pack, put_varint, take_varint, unpack
from quartier_native.lanes cimport (
    BLOCK, BYTES_MAX, digits, lanes_codes, lanes_divide, lanes_local, lanes_median, lanes_numbers, lanes_pack, lanes_ramp,
    lanes_small_steps, lanes_steps, lanes_unlike, lanes_unpack, lanes_weigh, low_zeros,
)

cdef enum:
    WINDOW = 16
    WINDOW_COUNT = 4
    MEDIAN_COUNT = 9
    MARGIN = 12
    WIDE = 4
    NEAR_MAX = 1 << 29


cdef inline int64_t _plus(int64_t a, int64_t b) noexcept nogil:
    return <int64_t>(<uint64_t>a + <uint64_t>b)


cdef inline int64_t _minus(int64_t a, int64_t b) noexcept nogil:
    return <int64_t>(<uint64_t>a - <uint64_t>b)


cdef inline int64_t _times(int64_t a, int64_t b) noexcept nogil:
    return <int64_t>(<uint64_t>a * <uint64_t>b)


cdef inline uint64_t folded(int64_t number) noexcept nogil:
    return <uint64_t>number << 1 ^ <uint64_t>(number >> 63)


cdef inline int64_t unfolded(uint64_t number) noexcept nogil:
    return <int64_t>(number >> 1 ^ -(number & 1))


cdef inline uint64_t _common(uint64_t unit, uint64_t size) noexcept nogil:
    """The largest number that divides both, the other where one is 0."""
    cdef uint64_t rest
    while size:
        rest = unit % size
        unit = size
        size = rest
    return unit


cdef inline uint64_t _inverse(uint64_t odd) noexcept nogil:
    """What ``odd`` times it is 1, modulo 2**64: each step of Newton's doubles the bits that are right, from 5 on."""
    cdef uint64_t inverse = odd * 3 ^ 2
    inverse *= 2 - odd * inverse
    inverse *= 2 - odd * inverse
    inverse *= 2 - odd * inverse
    return inverse * (2 - odd * inverse)


cdef Py_ssize_t encode_column(
    const int64_t *numbers, Py_ssize_t count, int32_t[::1] near, int64_t[::1] steps, unsigned char[::1] out,
    Py_ssize_t at,
) except -1 nogil:
    """Encode ``numbers[:count]`` into ``out`` from ``at``; returns what is behind it.

    ``near`` and ``steps`` have room for 8 more; ``out`` for ``BYTES_MAX`` more than 20 bytes a number.
    """
    cdef uint64_t changes
    if count == 0:
        return at
    at = put_varint(out, at, folded(numbers[0]))
    if count == 1:
        return at
    near[count] = 0  # all of it is there
    if lanes_steps(numbers, count, &near[1], &changes):
        return _encode_near(near, count, changes, out, at)
    return _encode_wide(numbers, count, steps, changes, out, at)


cdef Py_ssize_t encode_small(
    const int32_t[::1] numbers, Py_ssize_t count, int32_t[::1] near, unsigned char[::1] out, Py_ssize_t at
) except -1 nogil:
    """``encode_column`` of 1 or more ``numbers``, each within 2**28."""
    cdef uint64_t changes
    at = put_varint(out, at, folded(numbers[0]))
    if count == 1:
        return at
    near[count] = 0
    lanes_small_steps(&numbers[count - 1] - count + 1, count, &near[1], &changes)
    return _encode_near(near, count, changes, out, at)


cdef Py_ssize_t _put_even(int64_t step, unsigned char[::1] out, Py_ssize_t at) except -1 nogil:
    """A column whose steps are all the same."""
    at = put_varint(out, at, <uint64_t>step if step >= 0 else -<uint64_t>step)
    if step == 0:
        return at
    out[at] = 0
    return put_varint(out, at + 1, folded(1 if step > 0 else -1))


cdef Py_ssize_t _encode_near(
    int32_t[::1] near, Py_ssize_t count, uint64_t changes, unsigned char[::1] out, Py_ssize_t at
) except -1 nogil:
    cdef int32_t *steps = &near[count] - count + 1  # steps[-1] and steps[0] are there too
    cdef Py_ssize_t index
    cdef uint32_t unit
    cdef int64_t[MEDIAN_COUNT] some
    cdef uint32_t[BLOCK + 4] codes
    cdef int order, size
    cdef int32_t drift
    if changes == 0:
        return _put_even(steps[1], out, at)
    unit = _near_unit(steps, count)
    if unit > 1:
        lanes_divide(steps, count, low_zeros(unit), <uint32_t>_inverse(unit >> low_zeros(unit)))
    at = put_varint(out, at, unit)
    for index in range(MEDIAN_COUNT):
        some[index] = steps[1 + index * (count - 1) // MEDIAN_COUNT]
    drift = <int32_t>lanes_median(some)
    (steps - 1)[0] = steps[0] = drift
    order = _near_order(steps, count, drift)
    out[at] = <unsigned char>order
    at = put_varint(out, at + 1, folded(drift))
    index = 0
    while index < count:
        size = <int>(BLOCK if count - index > BLOCK else count - index)
        lanes_codes(steps + index, size, order, drift, codes)
        at += lanes_pack(codes, size, <uint8_t *>&out[at + BYTES_MAX] - BYTES_MAX)
        index += size
    return at


cdef uint32_t _near_unit(const int32_t *steps, Py_ssize_t count) noexcept nogil:
    """The largest number that divides every step, of which one is not 0."""
    cdef uint32_t unit = 0, size
    cdef int shift
    cdef Py_ssize_t index = 1, end
    while index < count and unit != 1:
        end = index + BLOCK if index + BLOCK < count else count
        while index < end and unit != 1:
            size = <uint32_t>(-steps[index] if steps[index] < 0 else steps[index])
            if size != 0 and size != unit:
                unit = <uint32_t>_common(unit, size)
            index += 1
        if unit > 1:
            shift = low_zeros(unit)
            index = lanes_unlike(
                steps, index, count, shift, <uint32_t>_inverse(unit >> shift), <uint32_t>NEAR_MAX // unit
            )
    return unit


cdef int _near_order(const int32_t *steps, Py_ssize_t count, int32_t drift) noexcept nogil:
    """2 where the changes of the steps have fewer digits than the steps less the drift, in a few windows; else 1."""
    cdef int32_t plain = 0, changing = MARGIN
    cdef Py_ssize_t index
    if count - 1 > WINDOW * WINDOW_COUNT:
        for index in range(WINDOW_COUNT):
            lanes_weigh(steps + 1 + index * (count - 1) // WINDOW_COUNT, drift, &plain, &changing)
    else:
        for index in range(1, count):
            plain += digits(folded(<int64_t>steps[index] - drift))
            changing += digits(folded(<int64_t>steps[index] - steps[index - 1]))
    return 2 if changing < plain else 1


cdef Py_ssize_t _encode_wide(
    const int64_t *numbers, Py_ssize_t count, int64_t[::1] steps, uint64_t changes, unsigned char[::1] out,
    Py_ssize_t at,
) except -1 nogil:
    cdef Py_ssize_t index, place, window, length = WINDOW
    cdef int shift, order, size, windows = WINDOW_COUNT
    cdef uint64_t unit = 0, length_of, inverse
    cdef int64_t[MEDIAN_COUNT] some
    cdef uint64_t[BLOCK] codes
    cdef int64_t plain = 0, changing = MARGIN, drift
    for index in range(1, count):
        steps[index] = _minus(numbers[index], numbers[index - 1])
        length_of = -<uint64_t>steps[index] if steps[index] < 0 else <uint64_t>steps[index]
        if unit != 1 and length_of != unit:
            unit = _common(unit, length_of)
    if changes == 0:
        return _put_even(steps[1], out, at)
    if unit > 1:
        shift = low_zeros(unit)
        inverse = _inverse(unit >> shift)
        for index in range(1, count):
            steps[index] = <int64_t>(<uint64_t>(steps[index] >> shift) * inverse)
    at = put_varint(out, at, unit)
    for index in range(MEDIAN_COUNT):
        some[index] = steps[1 + index * (count - 1) // MEDIAN_COUNT]
    drift = lanes_median(some)
    steps[0] = drift
    if count - 1 <= WINDOW * WINDOW_COUNT:
        windows, length = 1, count - 1
    for window in range(windows):
        place = 1 + window * (count - 1) // WINDOW_COUNT
        for index in range(place, place + length):
            plain += digits(folded(_minus(steps[index], drift)))
            changing += digits(folded(_minus(steps[index], steps[index - 1])))
    order = 2 if changing < plain else 1
    out[at] = <unsigned char>(order | WIDE)
    at = put_varint(out, at + 1, folded(drift))
    index = 0
    while index < count:
        size = <int>(BLOCK if count - index > BLOCK else count - index)
        for place in range(size):
            if order == 1:
                codes[place] = folded(_minus(steps[index + place], drift))
            else:
                codes[place] = folded(_minus(steps[index + place], steps[index + place - 1])) if index + place else 0
        at = pack(codes, size, out, at)
        index += size
    return at


cdef Py_ssize_t open_column(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, Py_ssize_t count, Chain *chain
) except -1 nogil:
    """Read what stands before the blocks of a column of 1 or more numbers; returns what is behind it.

    ``data`` goes on for 16 bytes after ``end``, here and below, so that words can be loaded whole.
    """
    cdef uint64_t first, unit = 0, drift = 0
    cdef int model = 0
    take_varint(data, &at, end, &first)
    if count > 1:
        take_varint(data, &at, end, &unit)
    if unit:
        if at >= end:
            return corrupt()
        model = data[at]
        at += 1
        if model & 3 > 2 or model > 7:
            return corrupt()
        take_varint(data, &at, end, &drift)
    chain.order = model & 3
    chain.wide = model >> 2
    chain.unit = <int64_t>unit
    chain.slope = unfolded(drift)
    chain.start = _minus(unfolded(first), _times(chain.unit, chain.slope))
    return at


cdef Py_ssize_t take_block(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, int count, Chain *chain, int32_t *local,
    int64_t *bound, int64_t *numbers,
) except -1 nogil:
    """The next ``count`` numbers of a column, up to a block; returns what is behind them.

    Either ``local`` gets them, less ``chain.start`` and in units, and ``bound`` how large these can be, below 2**31,
    or ``bound`` gets 0 and ``numbers`` them.  Both have room for a block; ``chain.start`` is moved by the caller.
    """
    cdef uint32_t[BLOCK + 4] near
    cdef uint64_t[BLOCK] codes
    cdef int index, most = 0
    cdef int64_t taken, step, number
    bound[0] = 0
    if chain.order == 0:
        lanes_ramp(numbers, count, chain.start, _times(chain.unit, chain.slope))
        return at
    if chain.wide:
        at = unpack(data, at, end, codes, count)
    else:
        taken = lanes_unpack(<const uint8_t *>&data[end + 15] - (end - at) - 15, end - at, count, near, &most)
        if taken < 0:
            return corrupt()
        at += taken
        bound[0] = lanes_local(near, count, chain.order, most, &chain.slope, local)
        if bound[0]:
            return at
    number, step = chain.start, chain.slope
    for index in range(count):
        step = _plus(chain.slope if chain.order == 1 else step, unfolded(codes[index] if chain.wide else near[index]))
        number = _plus(number, _times(chain.unit, step))
        numbers[index] = number
    if chain.order == 2:
        chain.slope = step
    return at


cdef Py_ssize_t decode_column(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, int64_t *numbers, Py_ssize_t count
) except -1 nogil:
    """Decode ``numbers[:count]`` from ``data`` at ``at``; returns what is behind it, at most ``end``."""
    cdef Chain chain
    cdef int32_t[BLOCK] local
    cdef int64_t bound
    cdef Py_ssize_t index = 0
    cdef int size
    if count == 0:
        return at
    at = open_column(data, at, end, count, &chain)
    if chain.order == 0:
        lanes_ramp(numbers, count, chain.start, _times(chain.unit, chain.slope))
        return at
    while index < count:
        size = <int>(BLOCK if count - index > BLOCK else count - index)
        at = take_block(data, at, end, size, &chain, local, &bound, numbers + index)
        if bound:
            lanes_numbers(local, size, chain.start, chain.unit, numbers + index)
        index += size
        chain.start = numbers[index - 1]
    return at
