# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled column of integers; ``reference/integers.py`` says what it does.

Sums and products are taken in ``uint64_t``, where running over is defined and means what the twin's ``signed`` does.
"""

from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    #error "the codec copies words to bytes as they lie and needs a little-endian machine"
    #endif
    static inline int quartier_digits(unsigned long long number) {
        return number ? 64 - __builtin_clzll(number) : 0;
    }
    static inline int quartier_low_zeros(unsigned long long number) { return __builtin_ctzll(number); }
    """
    int digits "quartier_digits"(uint64_t number) noexcept nogil
    int low_zeros "quartier_low_zeros"(uint64_t number) noexcept nogil  # of a number that is not 0

cdef enum:
    BLOCK = 64
    EXCEPTIONS_PRICE = 14
    WINDOW = 16
    WINDOW_COUNT = 4
    MEDIAN_COUNT = 15
    MARGIN = 12
    MODEL_COUNT = 5

cdef int64_t ERROR_MAX = <int64_t>1 << 40
cdef int[MODEL_COUNT] ORDERS = [1, 1, 1, 2, 2]
cdef int[MODEL_COUNT] WEIGHTS = [-4, 4, 7, 0, 7]


cdef struct Model:
    int order
    int weight
    int64_t drift


cdef Py_ssize_t put_varint(unsigned char[::1] out, Py_ssize_t at, uint64_t number) except -1 nogil:
    """Write ``number`` at ``at``; returns what is behind it."""
    while number > 0x7F:
        out[at] = <unsigned char>(number & 0x7F | 0x80)
        number >>= 7
        at += 1
    out[at] = <unsigned char>number
    return at + 1


cdef int take_varint(
    const unsigned char[::1] data, Py_ssize_t *at, Py_ssize_t end, uint64_t *number
) except -1 nogil:
    """Read ``number`` before ``end`` and move ``at`` behind it."""
    cdef int shift = 0
    cdef unsigned char byte
    number[0] = 0
    while at[0] < end:
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


cdef inline uint64_t folded(int64_t number) noexcept nogil:
    return <uint64_t>number << 1 ^ <uint64_t>(number >> 63)


cdef inline int64_t unfolded(uint64_t number) noexcept nogil:
    return <int64_t>(number >> 1 ^ -(number & 1))


cdef inline uint64_t _mask(int width) noexcept nogil:
    return ~<uint64_t>0 >> (64 - width) if width else 0


cdef inline int _store(unsigned char[::1] out, Py_ssize_t at, uint64_t word) except -1 nogil:
    """Eight bytes, the lowest first; the last is the one whose place is checked."""
    memcpy(&out[at + 7] - 7, &word, 8)
    return 0


cdef inline int _load(const unsigned char[::1] data, Py_ssize_t at, uint64_t *word) except -1 nogil:
    memcpy(word, &data[at + 7] - 7, 8)
    return 0


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
    cdef int64_t rise
    cdef uint64_t unit
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
    if _errors(steps, count, model, codes) == 0:
        model.order = 0
    out[at] = <unsigned char>(model.order << 4 | model.weight + 8)
    at = put_varint(out, at + 1, folded(model.drift))
    index = 0 if model.order else count
    while index < count:
        at = _pack(codes, index, BLOCK if count - index > BLOCK else count - index, out, at)
        index += BLOCK
    return at


cdef Py_ssize_t _pack(
    const uint64_t[::1] codes, Py_ssize_t start, Py_ssize_t count, unsigned char[::1] out, Py_ssize_t at
) except -1 nogil:
    """One block of codes into ``out`` from ``at``; returns what is behind it."""
    cdef int width, high_width, filled = 0
    cdef Py_ssize_t index, exceptions = 0, counted
    cdef uint64_t word = 0, code, low
    width = _widths(codes, start, count, &high_width)
    out[at] = <unsigned char>(width | (0x80 if high_width else 0))
    at += 1
    low = _mask(width)
    if width:
        for index in range(start, start + count):
            code = codes[index] & low
            word |= code << filled
            filled += width
            if filled >= 64:
                _store(out, at, word)
                at += 8
                filled -= 64
                word = code >> (width - filled) if filled else 0
        _store(out, at, word)
        at += (filled + 7) >> 3
    if high_width == 0:
        return at
    counted = at
    at += 1
    word, filled = high_width - 1, 6
    for index in range(count):
        code = codes[start + index]
        if code > low:
            exceptions += 1
            at = _put(out, at, &word, &filled, index, 6)
            at = _put(out, at, &word, &filled, code >> width, high_width)
    out[counted] = <unsigned char>(exceptions - 1)
    _store(out, at, word)
    return at + ((filled + 7) >> 3)


cdef Py_ssize_t _put(
    unsigned char[::1] out, Py_ssize_t at, uint64_t *word, int *filled, uint64_t number, int width
) except -1 nogil:
    """Append a field of a string of bits: the word under way, of which less than 64 bits are filled."""
    word[0] |= number << filled[0]
    filled[0] += width
    if filled[0] >= 64:
        _store(out, at, word[0])
        at += 8
        filled[0] -= 64
        word[0] = number >> (width - filled[0]) if filled[0] else 0
    return at


cdef int _widths(const uint64_t[::1] codes, Py_ssize_t start, Py_ssize_t count, int *high_width) except -1 nogil:
    """Width of the low parts, and of the exceptions' high parts, that take the fewest bits."""
    cdef unsigned char[65] histogram
    cdef Py_ssize_t index
    cdef int most, width, best, bits, least, exceptions = 0
    cdef uint64_t all_codes = 0
    memset(histogram, 0, 65)
    for index in range(start, start + count):
        all_codes |= codes[index]
        histogram[digits(codes[index])] += 1
    most = digits(all_codes)
    best, least = most, most * <int>count
    for width in range(most - 1, -1, -1):
        exceptions += histogram[width + 1]
        bits = width * <int>count + EXCEPTIONS_PRICE + exceptions * (6 + most - width)
        if bits < least:
            best, least = width, bits
    high_width[0] = most - best
    return best


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
        return _corrupt()
    model.order = data[at] >> 4
    model.weight = (data[at] & 15) - 8
    at += 1
    if model.order > 2:
        return _corrupt()
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
        at = _unpack(data, at, end, codes, size)
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


cdef Py_ssize_t _unpack(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, uint64_t[::1] codes, Py_ssize_t count
) except -1 nogil:
    """One block of codes from ``data`` at ``at``; returns what is behind it."""
    cdef int head, width, high_width
    cdef Py_ssize_t index, size, exceptions, bit
    cdef uint64_t word, low, place
    if at >= end:
        return _corrupt()
    head = data[at]
    at += 1
    width = head & 0x7F
    size = (width * count + 7) >> 3
    if width > 64 or size > end - at:
        return _corrupt()
    low = _mask(width)
    bit = at << 3
    if width <= 57:
        for index in range(count):
            _load(data, bit >> 3, &word)
            codes[index] = word >> (bit & 7) & low
            bit += width
    else:
        for index in range(count):
            codes[index] = _field(data, bit, width)
            bit += width
    at += size
    if not head & 0x80:
        return at
    if end - at < 2:
        return _corrupt()
    exceptions = <Py_ssize_t>data[at] + 1
    high_width = (data[at + 1] & 63) + 1
    at += 1
    size = (6 + exceptions * (6 + high_width) + 7) >> 3
    if exceptions > count or width + high_width > 64 or size > end - at:
        return _corrupt()
    bit = (at << 3) + 6
    for index in range(exceptions):
        place = _field(data, bit, 6)
        if place >= <uint64_t>count:
            return _corrupt()
        codes[place] |= _field(data, bit + 6, high_width) << width
        bit += 6 + high_width
    return at + size


cdef inline uint64_t _field(
    const unsigned char[::1] data, Py_ssize_t bit, int width
) except? 0x5BD1E9955BD1E995 nogil:
    cdef uint64_t word, more
    _load(data, bit >> 3, &word)
    _load(data, (bit >> 3) + 8, &more)
    return (word >> (bit & 7) | (more << 1) << (63 - (bit & 7))) & _mask(width)
