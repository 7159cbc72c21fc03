# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled column of integers; ``reference/integers.py`` says what it does.

Sums and products are taken in ``uint64_t``, where running over is defined and means what the twin's ``signed`` does.
"""

from libc.string cimport memcpy

from quartier_native.bits cimport Bits, digits, folded, low_zeros, put_rice, take_rice, unfolded

cdef enum:
    WINDOW = 16
    WINDOW_COUNT = 4
    MEDIAN_COUNT = 15
    MARGIN = 12
    MODEL_COUNT = 5

cdef int64_t ERROR_MAX = <int64_t>1 << 40
cdef int64_t CODE_MAX = <int64_t>1 << 52
cdef int[MODEL_COUNT] ORDERS = [1, 1, 1, 2, 2]
cdef int[MODEL_COUNT] WEIGHTS = [-4, 4, 7, 0, 7]


cdef struct Model:
    int order
    int weight
    int64_t drift


cdef struct Means:
    int64_t every
    int64_t run
    int64_t end


cdef Py_ssize_t put_varint(unsigned char[::1] out, Py_ssize_t at, uint64_t number) except -1 nogil:
    """Write ``number`` at ``at``; returns what is behind it."""
    while number > 0x7F:
        out[at] = <unsigned char>(number & 0x7F | 0x80)
        number >>= 7
        at += 1
    out[at] = <unsigned char>number
    return at + 1


cdef int take_varint(const unsigned char[::1] data, Py_ssize_t *at, uint64_t *number) except -1 nogil:
    """Read ``number`` and move ``at`` behind it."""
    cdef int shift = 0
    cdef unsigned char byte
    number[0] = 0
    while at[0] < data.shape[0]:
        byte = data[at[0]]
        at[0] += 1
        if shift == 63 and byte > 1:
            break
        number[0] |= <uint64_t>(byte & 0x7F) << shift
        if byte < 0x80:
            return 0
        shift += 7
    return _corrupt()


cdef int _corrupt() except -1 with gil:
    raise ValueError("corrupt series")


cdef inline int64_t _plus(int64_t a, int64_t b) noexcept nogil:
    return <int64_t>(<uint64_t>a + <uint64_t>b)


cdef inline int64_t _minus(int64_t a, int64_t b) noexcept nogil:
    return <int64_t>(<uint64_t>a - <uint64_t>b)


cdef inline int64_t _floored(int64_t number, int64_t divisor) noexcept nogil:
    """Divided by a positive number and rounded down."""
    return number / divisor - (number % divisor < 0)


cdef inline int64_t _share(int64_t error, int weight) noexcept nogil:
    return (weight * error + 4) >> 3 if -ERROR_MAX < error < ERROR_MAX else 0


cdef inline int _low_count(int64_t mean) noexcept nogil:
    return digits(<uint64_t>(mean >> 8) | 1) - 1


cdef inline int64_t _after(int64_t mean, uint64_t code, int decay) noexcept nogil:
    """The running mean with one more code."""
    cdef uint64_t most = <uint64_t>(mean >> 8) * 8 + 4
    code = code if code < most else most
    code = code if code < <uint64_t>CODE_MAX else <uint64_t>CODE_MAX
    return mean + ((<int64_t>(code << 8) - mean) >> decay)


cdef inline void _pass_run(Means *means, Py_ssize_t length) noexcept nogil:
    means.run = _after(means.run, length, 3)
    means.every -= (means.every * (length if length < 32 else 32)) >> 5


cdef inline Means _means(int start) noexcept nogil:
    cdef Means means
    means.every = <int64_t>128 << start if start else 0
    means.run = 8 << 8
    means.end = 2 << 8
    return means


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


cdef int64_t _digits(const int64_t[::1] steps, Py_ssize_t count, Model model) except -1 nogil:
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
    least = _digits(steps, count, model)
    if least == 0:
        return 0
    model.drift = _floored(rise, count)
    if model.drift != best.drift:
        cost = _digits(steps, count, model)
        if cost < least:
            least = cost
            best[0] = model
    model = best[0]
    if least == 0:
        return 0
    for index in range(MODEL_COUNT):
        model.order, model.weight = ORDERS[index], WEIGHTS[index]
        cost = _digits(steps, count, model) + MARGIN
        if cost < least:
            least = cost
            best[0] = model
    return 0


cdef int _errors(const int64_t[::1] steps, Py_ssize_t count, Model model, uint64_t[::1] codes) except -1 nogil:
    cdef Py_ssize_t index
    cdef int64_t error = 0, before = model.drift
    if model.order == 1 and model.weight == 0:
        for index in range(count):
            codes[index] = folded(_minus(steps[index], model.drift))
    elif model.order == 1:
        for index in range(count):
            error = _plus(_minus(steps[index], model.drift), _share(error, model.weight))
            codes[index] = folded(error)
    else:
        for index in range(count):
            error = _plus(_minus(steps[index], before), _share(error, model.weight))
            before = steps[index]
            codes[index] = folded(error)
    return 0


cdef Py_ssize_t _write(const uint64_t[::1] codes, Py_ssize_t count, int start, uint64_t[::1] words) except -1 nogil:
    """Write the codes; returns how many bits they took."""
    cdef Bits bits
    cdef Means means = _means(start)
    cdef Py_ssize_t at = 0, before
    cdef uint64_t code
    bits.word, bits.at = 0, 0
    while at < count:
        if means.every < 128:
            before = at
            while at < count and codes[at] == 0:
                at += 1
            put_rice(words, &bits, at - before, _low_count(means.run))
            _pass_run(&means, at - before)
            if at == count:
                break
            code = codes[at]
            put_rice(words, &bits, code - 1, _low_count(means.end))
            means.end = _after(means.end, code - 1, 3)
        else:
            code = codes[at]
            put_rice(words, &bits, code, _low_count(means.every))
        means.every = _after(means.every, code, 5)
        at += 1
    return bits.at


cdef Py_ssize_t encode_column(
    const int64_t[::1] numbers, Py_ssize_t count, int64_t[::1] steps, uint64_t[::1] codes, uint64_t[::1] words,
    unsigned char[::1] out, Py_ssize_t at,
) except -1 nogil:
    """Encode ``numbers[:count]`` into ``out`` from ``at``; returns what is behind it.  The rest is room to work in."""
    cdef Py_ssize_t index, size
    cdef int64_t rise
    cdef uint64_t unit, first = 0
    cdef int start
    cdef Model model
    if count == 0:
        return at
    at = put_varint(out, at, folded(numbers[0]))
    if count == 1:
        return at
    for index in range(count - 1):
        steps[index] = _minus(numbers[index + 1], numbers[index])
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
    _errors(steps, count, model, codes)
    size = count if count < 16 else 16
    for index in range(size):
        first += codes[index] if codes[index] < <uint64_t>ERROR_MAX else <uint64_t>ERROR_MAX
    start = digits(first // <uint64_t>size)
    size = (_write(codes, count, start, words) + 7) // 8
    out[at] = <unsigned char>(model.order << 4 | model.weight + 8)
    out[at + 1] = <unsigned char>start
    at = put_varint(out, at + 2, folded(model.drift))
    at = put_varint(out, at, size)
    if size > out.shape[0] - at or size > 8 * words.shape[0]:
        return _corrupt()
    memcpy(&out[at], &words[0], size)
    return at + size


cdef Py_ssize_t decode_column(
    const unsigned char[::1] data, Py_ssize_t at, uint64_t[::1] words, int64_t[::1] numbers, Py_ssize_t count
) except -1 nogil:
    """Decode ``numbers[:count]`` from ``data`` at ``at``; returns what is behind it."""
    cdef uint64_t raw, unit
    cdef Py_ssize_t index, size
    cdef Model model
    cdef int start
    if count == 0:
        return at
    take_varint(data, &at, &raw)
    numbers[0] = unfolded(raw)
    if count == 1:
        return at
    take_varint(data, &at, &unit)
    if unit == 0:
        for index in range(1, count):
            numbers[index] = numbers[0]
        return at
    if data.shape[0] - at < 2:
        return _corrupt()
    model.order = data[at] >> 4
    model.weight = (data[at] & 15) - 8
    start = data[at + 1]
    at += 2
    if not 1 <= model.order <= 2 or start > 41:
        return _corrupt()
    take_varint(data, &at, &raw)
    model.drift = unfolded(raw)
    take_varint(data, &at, &raw)
    if raw == 0 or raw > <uint64_t>(data.shape[0] - at):
        return _corrupt()
    size = <Py_ssize_t>raw
    for index in range(size // 8, size // 8 + 5):
        words[index] = 0
    memcpy(&words[0], &data[at], size)
    _read(words, 8 * size, start, model, unit, numbers, count)
    return at + size


cdef int _read(
    const uint64_t[::1] words, Py_ssize_t bit_count, int start, Model model, uint64_t unit, int64_t[::1] numbers,
    Py_ssize_t count,
) except -1 nogil:
    cdef Bits bits
    cdef Means means = _means(start)
    cdef Py_ssize_t at = 1, run
    cdef uint64_t code
    cdef int64_t step = model.drift, error = 0, number = numbers[0]
    cdef bint first = model.order == 1
    bits.word, bits.at = 0, 0
    while at < count:
        if means.every < 128:
            code = take_rice(words, &bits, _low_count(means.run))
            if code > <uint64_t>(count - at) or bits.at > bit_count:
                return _corrupt()
            _pass_run(&means, code)
            for run in range(<Py_ssize_t>code):
                step = _minus(model.drift if first else step, _share(error, model.weight))
                error = 0
                number = <int64_t>(<uint64_t>number + unit * <uint64_t>step)
                numbers[at] = number
                at += 1
            if at == count:
                break
            code = take_rice(words, &bits, _low_count(means.end)) + 1
            if code == 0:
                return _corrupt()
            means.end = _after(means.end, code - 1, 3)
        else:
            code = take_rice(words, &bits, _low_count(means.every))
        if bits.at > bit_count:
            return _corrupt()
        means.every = _after(means.every, code, 5)
        step = _minus(model.drift if first else step, _share(error, model.weight))
        error = unfolded(code)
        step = _plus(step, error)
        number = <int64_t>(<uint64_t>number + unit * <uint64_t>step)
        numbers[at] = number
        at += 1
    if (bits.at + 7) // 8 != bit_count // 8:
        return _corrupt()
    return 0
