# cython: language_level=3
"""Tags of BACnet's encoding, inline; ``reference/bacnet_tags.py`` says what they are.

A byte is read only where ``at`` is known to be below ``end``, and the contents of a tag lie between them.
"""

from libc.math cimport NAN
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    NULL_KIND = 0
    BOOLEAN = 1
    UNSIGNED = 2
    SIGNED = 3
    REAL = 4
    DOUBLE = 5
    OCTETS = 6
    CHARACTERS = 7
    BITS = 8
    ENUMERATED = 9
    DATE = 10
    TIME = 11
    OBJECT = 12
    LIST = 13
    DENIED = 14
    MISSING = 15
    EMPTY = 16
    ODD = 17

cdef enum:
    WHOLE = 0
    CUT = 1
    UNEXPECTED = 2
    ILL_NESTED = 3
    TOO_DEEP = 4

cdef enum:
    OPENING = 6
    CLOSING = 7
    DEPTH_MAX = 32
    EXACT_BITS = 53
    EXTENDED = 15
    RESERVED = 255
    LONG = 5
    LONG_2 = 254
    LONG_4 = 255

cdef struct Tag:
    const uint8_t *start
    const uint8_t *end
    int number
    int lvt
    bint is_context


cdef inline uint64_t whole(const uint8_t *at, Py_ssize_t size) noexcept nogil:
    """The unsigned of up to eight octets at ``at``, the high one first."""
    cdef uint64_t value = 0
    cdef Py_ssize_t place
    for place in range(size):
        value = value << 8 | at[place]
    return value


cdef inline int tag_at(const uint8_t *at, const uint8_t *end, Tag *tag) noexcept nogil:
    cdef uint64_t length
    cdef int first, size
    if at >= end:
        return CUT
    first = at[0]
    at += 1
    tag.number, tag.is_context, tag.lvt = first >> 4, first >> 3 & 1, first & 7
    if tag.number == EXTENDED:
        if at == end:
            return CUT
        tag.number = at[0]
        at += 1
        if tag.number == RESERVED:
            return UNEXPECTED
    tag.start = at
    tag.end = at
    if tag.lvt >= OPENING:
        return WHOLE if tag.is_context else UNEXPECTED
    if tag.number == BOOLEAN and not tag.is_context:
        return WHOLE if tag.lvt <= 1 else UNEXPECTED
    length = tag.lvt
    if tag.lvt == LONG:
        if at == end:
            return CUT
        length = at[0]
        at += 1
        if length >= LONG_2:
            size = 2 if length == LONG_2 else 4
            if end - at < size:
                return CUT
            length = whole(at, size)
            at += size
    if length > <uint64_t>(end - at):
        return CUT
    tag.start = at
    tag.end = at + <Py_ssize_t>length
    return WHOLE


cdef inline bint opens(const Tag *tag, int number) noexcept nogil:
    return tag.lvt == OPENING and tag.number == number


cdef inline bint closes(const Tag *tag, int number) noexcept nogil:
    return tag.lvt == CLOSING and tag.number == number


cdef inline bint holds(const Tag *tag, int number) noexcept nogil:
    return tag.is_context and tag.lvt < OPENING and tag.number == number


cdef inline int number_at(
    const uint8_t **place, const uint8_t *end, int number, int least, uint32_t *value
) noexcept nogil:
    """The unsigned under a context tag; ``place`` moves behind it."""
    cdef Tag tag
    cdef int how = tag_at(place[0], end, &tag)
    if how != WHOLE:
        return how
    if not holds(&tag, number) or not least <= tag.end - tag.start <= 4:
        return UNEXPECTED
    value[0] = <uint32_t>whole(tag.start, tag.end - tag.start)
    place[0] = tag.end
    return WHOLE


cdef inline int bits_of(const uint8_t *at, Py_ssize_t size, double *value) noexcept nogil:
    cdef Py_ssize_t count = 8 * (size - 1) - at[0], bit
    cdef uint64_t total = 0
    if at[0] > 7 or count < 0:
        return ODD
    if count > EXACT_BITS:
        return BITS
    for bit in range(count):
        total |= <uint64_t>(at[1 + (bit >> 3)] >> (7 - (bit & 7)) & 1) << bit
    value[0] = <double>total
    return BITS


cdef inline int value_of(const Tag *tag, double *value) noexcept nogil:
    """The kind of an application tag's value; its number, or NaN."""
    cdef Py_ssize_t size = tag.end - tag.start
    cdef int kind = tag.number
    cdef uint64_t code
    cdef uint32_t half
    cdef float single
    cdef double number
    value[0] = NAN
    if kind == REAL:
        if size != 4:
            return ODD
        half = <uint32_t>whole(tag.start, 4)
        memcpy(&single, &half, 4)
        if single == single:
            value[0] = single
        return REAL
    if kind == BOOLEAN:
        value[0] = tag.lvt
        return BOOLEAN
    if kind == UNSIGNED or kind == ENUMERATED or kind == SIGNED:
        if not 1 <= size <= 8:
            return ODD
        code = whole(tag.start, size)
        if kind == SIGNED:
            if size < 8 and code >> (8 * size - 1):
                code -= <uint64_t>1 << 8 * size
            value[0] = <double><int64_t>code
        else:
            value[0] = <double>code
        return kind
    if kind == BITS:
        return bits_of(tag.start, size, value) if size else ODD
    if kind == NULL_KIND:
        return ODD if size else kind
    if kind == DOUBLE:
        if size != 8:
            return ODD
        code = whole(tag.start, 8)
        memcpy(&number, &code, 8)
        if number == number:
            value[0] = number
        return DOUBLE
    if kind == OBJECT:
        if size != 4:
            return ODD
        value[0] = <double>whole(tag.start, 4)
        return OBJECT
    if kind == OCTETS:
        return kind
    if kind == CHARACTERS:
        return kind if size else ODD
    if kind == DATE or kind == TIME:
        return kind if size == 4 else ODD
    return ODD


cdef inline int contents(
    const uint8_t **place, const uint8_t *end, int number, int *kind, double *value, const uint8_t **stop
) noexcept nogil:
    """What stands from ``place`` to the closing tag of ``number``, which is passed; ``stop``: where that begins."""
    cdef int[DEPTH_MAX] still_open
    cdef int depth = 1, how
    cdef Py_ssize_t count = 0
    cdef const uint8_t *at = place[0]
    cdef Tag tag, first
    still_open[0] = number
    kind[0], value[0] = EMPTY, NAN
    while True:
        how = tag_at(at, end, &tag)
        if how != WHOLE:
            return how
        if tag.lvt == CLOSING:
            depth -= 1
            if tag.number != still_open[depth]:
                return ILL_NESTED
            if depth == 0:
                break
        else:
            if tag.lvt == OPENING:
                if depth == DEPTH_MAX:
                    return TOO_DEEP
                still_open[depth] = tag.number
                depth += 1
            if count == 0:
                first = tag
            count += 1
        at = tag.end
    stop[0], place[0] = at, tag.end
    if count == 1 and not first.is_context:
        kind[0] = value_of(&first, value)
    elif count:
        kind[0] = LIST
    return WHOLE
