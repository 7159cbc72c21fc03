# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled blocks of numbers of 64 bits, and varints; ``reference/blocks.py`` says what they are.

Blocks of near numbers, by far the most, are in ``lanes.h``.
"""

from libc.string cimport memcpy, memset

from quartier_native.lanes cimport EXCEPTIONS_MAX, EXCEPTIONS_PRICE, digits


cdef int corrupt() except -1 with gil:
    raise ValueError("corrupt series")


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
    return corrupt()


cdef inline uint64_t _mask(int width) noexcept nogil:
    return ~<uint64_t>0 >> (64 - width) if width else 0


cdef inline int _store(unsigned char[::1] out, Py_ssize_t at, uint64_t word) except -1 nogil:
    """Eight bytes, the lowest first; the last is the one whose place is checked."""
    memcpy(&out[at + 7] - 7, &word, 8)
    return 0


cdef inline int _load(const unsigned char[::1] data, Py_ssize_t at, uint64_t *word) except -1 nogil:
    memcpy(word, &data[at + 7] - 7, 8)
    return 0


cdef Py_ssize_t pack(
    const uint64_t *codes, Py_ssize_t count, unsigned char[::1] out, Py_ssize_t at
) except -1 nogil:
    """One block of codes into ``out`` from ``at``; returns what is behind it."""
    cdef int width, high_width, filled = 0
    cdef Py_ssize_t index, exceptions = 0, counted
    cdef uint64_t word = 0, code, low
    width = _widths(codes, count, &high_width)
    out[at] = <unsigned char>(width | (0x80 if high_width else 0))
    at += 1
    low = _mask(width)
    if width:
        for index in range(count):
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
        code = codes[index]
        if code > low:
            exceptions += 1
            at = _put(out, at, &word, &filled, index, 7)
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


cdef int _widths(const uint64_t *codes, Py_ssize_t count, int *high_width) except -1 nogil:
    """Width of the low parts, and of the exceptions' high parts, that take the fewest bits."""
    cdef unsigned char[65] histogram
    cdef Py_ssize_t index
    cdef int most, width, best, bits, least, exceptions = 0
    cdef uint64_t all_codes = 0
    memset(histogram, 0, 65)
    for index in range(count):
        all_codes |= codes[index]
        histogram[digits(codes[index])] += 1
    most = digits(all_codes)
    best, least = most, most * <int>count
    for width in range(most - 1, -1, -1):
        exceptions += histogram[width + 1]
        if exceptions > EXCEPTIONS_MAX:
            break
        bits = width * <int>count + EXCEPTIONS_PRICE + exceptions * (7 + most - width)
        if bits < least:
            best, least = width, bits
    high_width[0] = most - best
    return best


cdef Py_ssize_t unpack(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, uint64_t *codes, Py_ssize_t count
) except -1 nogil:
    """One block of codes from ``data`` at ``at``; returns what is behind it."""
    cdef int head, width, high_width
    cdef Py_ssize_t index, size, exceptions, bit
    cdef uint64_t word, low, place
    if at >= end:
        return corrupt()
    head = data[at]
    at += 1
    width = head & 0x7F
    size = (width * count + 7) >> 3
    if width > 64 or size > end - at:
        return corrupt()
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
        return corrupt()
    exceptions = <Py_ssize_t>data[at] + 1
    high_width = (data[at + 1] & 63) + 1
    at += 1
    size = (6 + exceptions * (7 + high_width) + 7) >> 3
    if exceptions > count or width + high_width > 64 or size > end - at:
        return corrupt()
    bit = (at << 3) + 6
    for index in range(exceptions):
        place = _field(data, bit, 7)
        if place >= <uint64_t>count:
            return corrupt()
        codes[place] |= _field(data, bit + 7, high_width) << width
        bit += 7 + high_width
    return at + size


cdef inline uint64_t _field(
    const unsigned char[::1] data, Py_ssize_t bit, int width
) except? 0x5BD1E9955BD1E995 nogil:
    cdef uint64_t word, more
    _load(data, bit >> 3, &word)
    _load(data, (bit >> 3) + 8, &more)
    return (word >> (bit & 7) | (more << 1) << (63 - (bit & 7))) & _mask(width)
