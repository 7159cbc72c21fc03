# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled column of integers; ``reference/integers.py`` says what it does.

Sums and products are taken in ``uint64_t``, where running over is defined and means what the twin's ``signed`` does.
"""

from quartier_native.blocks cimport BLOCK, corrupt, digits, low_zeros, pack, put_varint, take_varint, unpack

cdef enum:
    WINDOW = 16
    WINDOW_COUNT = 4
    MEDIAN_COUNT = 15
    MARGIN = 12
    MODEL_COUNT = 5

cdef int64_t ERROR_MAX = <int64_t>1 << 40
cdef int64_t NO_LIMIT = <int64_t>1 << 62
cdef int[MODEL_COUNT] ORDERS = [1, 1, 1, 2, 2]
cdef int[MODEL_COUNT] WEIGHTS = [-4, 4, 7, 0, 7]


cdef struct Model:
    int order
    int weight
    int64_t drift


cdef inline int64_t _plus(int64_t a, int64_t b) noexcept nogil:
    return <int64_t>(<uint64_t>a + <uint64_t>b)


cdef inline int64_t _minus(int64_t a, int64_t b) noexcept nogil:
    return <int64_t>(<uint64_t>a - <uint64_t>b)


cdef inline int64_t _floored(int64_t number, int64_t divisor) noexcept nogil:
    """Divided by a positive number and rounded down."""
    return number / divisor - (number % divisor < 0)


cdef inline int64_t _share(int64_t error, int weight) noexcept nogil:
    return (weight * error + 4) >> 3 if -ERROR_MAX < error < ERROR_MAX else 0


cdef inline uint64_t folded(int64_t number) noexcept nogil:
    return <uint64_t>number << 1 ^ <uint64_t>(number >> 63)


cdef inline int64_t unfolded(uint64_t number) noexcept nogil:
    return <int64_t>(number >> 1 ^ -(number & 1))


cdef uint64_t _unit(const int64_t[::1] steps, Py_ssize_t count) except? 0 nogil:
    """The largest number that divides every step, 0 if all are 0."""
    cdef uint64_t unit = 0, size, other, last = 0
    cdef Py_ssize_t index
    for index in range(count):
        size = <uint64_t>steps[index]
        size = -size if steps[index] < 0 else size
        if size == last:
            continue
        last = size
        while size:
            other = unit % size if unit else 0
            if not unit:
                unit = size
                break
            unit = size
            size = other
        if unit == 1:
            break
    return unit


cdef int _divide(int64_t[::1] steps, Py_ssize_t count, uint64_t unit) except -1 nogil:
    """Divide every step by ``unit``, of which it is a multiple: a shift and a product with the odd part's inverse."""
    cdef int shift = low_zeros(unit)
    cdef uint64_t odd = unit >> shift
    cdef uint64_t inverse = odd * 3 ^ 2
    cdef Py_ssize_t index
    for index in range(4):
        inverse *= 2 - odd * inverse
    for index in range(count):
        steps[index] = <int64_t>(<uint64_t>(steps[index] >> shift) * inverse)
    return 0


cdef int64_t _digits(const int64_t[::1] steps, Py_ssize_t count, Model model, int64_t limit) except -1 nogil:
    """Digits of the errors in a few windows of the steps; any number from ``limit`` on where they are as many."""
    cdef Py_ssize_t place, index, start, length = WINDOW
    cdef int64_t total = 0, error, before
    cdef bint first = model.order == 1
    cdef int windows = WINDOW_COUNT
    if count <= WINDOW * WINDOW_COUNT:
        windows, length = 1, count
    for place in range(windows):
        start = place * count // WINDOW_COUNT
        before = steps[start - 1] if start else model.drift
        error = 0
        for index in range(start, start + length):
            error = _plus(_minus(steps[index], model.drift if first else before), _share(error, model.weight))
            before = steps[index]
            total += digits(folded(error))
        if total >= limit:
            break
    return total


cdef int64_t _median(const int64_t[::1] steps, Py_ssize_t count) except? -1 nogil:
    cdef int64_t[MEDIAN_COUNT] some
    cdef int64_t step
    cdef Py_ssize_t index, place
    for index in range(MEDIAN_COUNT):
        step = steps[index * count // MEDIAN_COUNT]
        place = index
        while place and some[place - 1] > step:
            some[place] = some[place - 1]
            place -= 1
        some[place] = step
    return some[MEDIAN_COUNT // 2]


cdef int _choose(const int64_t[::1] steps, Py_ssize_t count, int64_t rise, Model *best) except -1 nogil:
    cdef Model model
    cdef int64_t least, cost
    cdef int index
    model.order, model.weight, model.drift = 1, 0, _median(steps, count)
    best[0] = model
    least = _digits(steps, count, model, NO_LIMIT)
    if least == 0:
        return 0
    model.drift = _floored(rise, count)
    if model.drift != best.drift:
        cost = _digits(steps, count, model, least)
        if cost < least:
            least = cost
            best[0] = model
    model = best[0]
    if least == 0:
        return 0
    for index in range(MODEL_COUNT):
        model.order, model.weight = ORDERS[index], WEIGHTS[index]
        cost = _digits(steps, count, model, least - MARGIN) + MARGIN
        if cost < least:
            least = cost
            best[0] = model
    return 0


cdef uint64_t _errors(
    const int64_t[::1] steps, Py_ssize_t count, Model model, uint64_t[::1] codes
) except? 0x5BD1E9955BD1E995 nogil:
    """Fill ``codes``; returns 0 if all are 0."""
    cdef Py_ssize_t index
    cdef int64_t error = 0, before = model.drift
    cdef uint64_t code, some = 0
    if model.order == 1 and model.weight == 0:
        for index in range(count):
            code = folded(_minus(steps[index], model.drift))
            codes[index] = code
            some |= code
    else:
        for index in range(count):
            error = _plus(_minus(steps[index], before), _share(error, model.weight))
            before = model.drift if model.order == 1 else steps[index]
            code = folded(error)
            codes[index] = code
            some |= code
    return some


cdef Py_ssize_t encode_column(
    const int64_t[::1] numbers, Py_ssize_t count, int64_t[::1] steps, uint64_t[::1] codes,
    unsigned char[::1] out, Py_ssize_t at,
) except -1 nogil:
    """Encode ``numbers[:count]`` into ``out`` from ``at``; returns what is behind it.

    ``steps`` and ``codes`` are room for as many; ``out`` needs 8 bytes more than are written.
    """
    cdef Py_ssize_t index
    cdef int64_t rise, step, changes = 0
    cdef uint64_t unit
    cdef Model model
    if count == 0:
        return at
    at = put_varint(out, at, folded(numbers[0]))
    if count == 1:
        return at
    step = _minus(numbers[1], numbers[0])
    for index in range(count - 1):
        steps[index] = _minus(numbers[index + 1], numbers[index])
        changes |= steps[index] ^ step
    if changes == 0 and step != 0:  # what all the rest would find out, slowly
        at = put_varint(out, at, <uint64_t>step if step > 0 else -<uint64_t>step)
        out[at] = 8
        return put_varint(out, at + 1, folded(1 if step > 0 else -1))
    rise = _minus(numbers[count - 1], numbers[0])
    count -= 1
    unit = _unit(steps, count)
    at = put_varint(out, at, unit)
    if unit == 0:
        return at
    if unit > 1:
        _divide(steps, count, unit)
        rise = -(rise < 0) if unit >> 63 else _floored(rise, <int64_t>unit)
    _choose(steps, count, rise, &model)
    if _errors(steps, count, model, codes) == 0:
        model.order = 0
    out[at] = <unsigned char>(model.order << 4 | model.weight + 8)
    at = put_varint(out, at + 1, folded(model.drift))
    index = 0 if model.order else count
    while index < count:
        at = pack(codes, index, BLOCK if count - index > BLOCK else count - index, out, at)
        index += BLOCK
    return at


cdef Py_ssize_t decode_column(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, uint64_t[::1] codes, int64_t[::1] numbers,
    Py_ssize_t count,
) except -1 nogil:
    """Decode ``numbers[:count]`` from ``data`` at ``at``; returns what is behind it, at most ``end``.

    ``codes`` is room for a block; ``data`` goes on for 16 bytes after ``end``, so that words can be loaded whole.
    """
    cdef uint64_t raw, unit
    cdef Py_ssize_t index, place, size
    cdef Model model
    cdef int64_t step, error = 0, number
    if count == 0:
        return at
    take_varint(data, &at, end, &raw)
    number = unfolded(raw)
    numbers[0] = number
    if count == 1:
        return at
    take_varint(data, &at, end, &unit)
    if unit == 0:
        for index in range(1, count):
            numbers[index] = number
        return at
    if at >= end:
        return corrupt()
    model.order = data[at] >> 4
    model.weight = (data[at] & 15) - 8
    at += 1
    if model.order > 2:
        return corrupt()
    take_varint(data, &at, end, &raw)
    model.drift = unfolded(raw)
    step = model.drift
    if model.order == 0:
        raw = unit * <uint64_t>step
        for index in range(1, count):
            number = _plus(number, <int64_t>raw)
            numbers[index] = number
        return at
    index = 1
    while index < count:
        size = BLOCK if count - index > BLOCK else count - index
        at = unpack(data, at, end, codes, size)
        if model.order == 1 and model.weight == 0:
            for place in range(size):
                step = _plus(model.drift, unfolded(codes[place]))
                number = <int64_t>(<uint64_t>number + unit * <uint64_t>step)
                numbers[index + place] = number
        else:
            for place in range(size):
                step = _minus(model.drift if model.order == 1 else step, _share(error, model.weight))
                error = unfolded(codes[place])
                step = _plus(step, error)
                number = <int64_t>(<uint64_t>number + unit * <uint64_t>step)
                numbers[index + place] = number
        index += size
    return at
