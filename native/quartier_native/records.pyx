# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled telling apart of M-Bus records; ``reference/records.py`` says what it does, to the last bit."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    NUMBER = 0
    TEXT = 1
    DIGITS = 2
    NOTHING = 3
    MAKER = 4
    OVERFLOW = 5
    BLOB = 6

cdef enum:
    ENDED = 0
    CONTINUED = 1
    CUT_IN_DIF = 2
    CUT_IN_VIF = 3
    CUT_IN_DATA = 4
    LONG_DIF = 5
    LONG_VIF = 6
    RESERVED_DIF = 7
    RESERVED_LENGTH = 8
    A_ROW = 9
    EXTENSIONS_MAX = 10
    REAL = 5
    VARIABLE = 13
    SPECIAL = 15

cdef enum Reading:
    AS_WHOLE
    AS_REAL
    AS_DIGITS
    AS_MINUS
    AS_TEXT

cdef struct Record:
    Py_ssize_t start
    Py_ssize_t head_end
    Py_ssize_t data
    Py_ssize_t end
    Reading reading

cdef uint8_t[16] _SIZES = [0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, 0, 6, 0]


def split_records(bytes data not None, *, bint high_first=False):
    """See ``quartier_native.reference.records.split_records``."""
    cdef const uint8_t[::1] source = data
    cdef Py_ssize_t size = source.shape[0], at = 0
    cdef Record record
    cdef int how
    cdef list rows = []
    while True:
        how = _next(source, size, &at, &record)
        if how != A_ROW:
            if at < size and (how == ENDED or how == CONTINUED):
                rows.append((data[at - 1:at], data[at:], MAKER))
            return rows, how
        rows.append(_row(data, source, &record, high_first))


cdef int _next(const uint8_t[::1] data, Py_ssize_t size, Py_ssize_t *place, Record *record) except -1 nogil:
    """The next record from ``place`` on, which moves behind it; how the records end where there is none."""
    cdef Py_ssize_t at = place[0]
    cdef int dif, vif, how, texts
    while True:
        if at >= size:
            place[0] = at
            return ENDED
        dif = data[at]
        if dif != 0x2F and dif != 0x7F:
            break
        at += 1
    record.start = at
    at += 1
    if dif & 0x0F == SPECIAL:
        place[0] = at
        if dif == 0x0F:
            return ENDED
        return CONTINUED if dif == 0x1F else RESERVED_DIF
    if dif & 0x80:
        how = _extensions(data, size, &at, CUT_IN_DIF, LONG_DIF)
        if how != A_ROW:
            return how
    if at >= size:
        return CUT_IN_VIF
    vif = data[at]
    at += 1
    texts = 0
    if vif & 0x7F == 0x7C:
        texts = 2 if at < size and data[at] >= 0x80 else 1
    if texts == 1:
        if at >= size or data[at] > size - at - 1:
            return CUT_IN_VIF
        at += 1 + data[at]
    if vif & 0x80:
        how = _extensions(data, size, &at, CUT_IN_VIF, LONG_VIF)
        if how != A_ROW:
            return how
    if texts == 2:
        if at >= size or data[at] > size - at - 1:
            return CUT_IN_VIF
        at += 1 + data[at]
    record.head_end = at
    how = _field(data, size, dif & 0x0F, &at, record)
    place[0] = at
    return how


cdef int _extensions(
    const uint8_t[::1] data, Py_ssize_t size, Py_ssize_t *place, int cut, int long_one
) except -1 nogil:
    cdef Py_ssize_t at = place[0]
    cdef int count
    for count in range(EXTENSIONS_MAX):
        if at >= size:
            return cut
        at += 1
        if data[at - 1] < 0x80:
            place[0] = at
            return A_ROW
    return long_one


cdef int _field(
    const uint8_t[::1] data, Py_ssize_t size, int field, Py_ssize_t *place, Record *record
) except -1 nogil:
    """Where the data are and how they are to be read."""
    cdef Py_ssize_t at = place[0], length
    if field == VARIABLE:
        if at >= size:
            return CUT_IN_DATA
        length = data[at]
        at += 1
        if length <= 0xBF:
            record.reading = AS_TEXT
        elif length <= 0xC9:
            record.reading, length = AS_DIGITS, length - 0xC0
        elif 0xD0 <= length <= 0xD9:
            record.reading, length = AS_MINUS, length - 0xD0
        elif 0xE0 <= length <= 0xEF:
            record.reading, length = AS_WHOLE, length - 0xE0
        elif 0xF0 <= length <= 0xF6:
            record.reading = AS_WHOLE
            length = 4 * (length - 0xEC) if length <= 0xF4 else 48 if length == 0xF5 else 64
        else:
            return RESERVED_LENGTH
    else:
        length = _SIZES[field]
        record.reading = AS_DIGITS if field > 8 else AS_REAL if field == REAL else AS_WHOLE
    if length > size - at:
        return CUT_IN_DATA
    record.data, record.end = at, at + length
    place[0] = at + length
    return A_ROW


cdef tuple _row(bytes data, const uint8_t[::1] source, const Record *record, bint high_first):
    cdef bytes head = data[record.start:record.head_end]
    cdef Py_ssize_t size = record.end - record.data
    cdef int64_t number = 0
    cdef int state
    if record.reading == AS_TEXT:
        return head, _field_bytes(data, record, high_first), TEXT
    if size == 0:
        return head, None, NOTHING
    if record.reading == AS_REAL:
        return head, _real(source, record.data, high_first), NUMBER
    if record.reading == AS_WHOLE:
        if size > 8:
            return head, _field_bytes(data, record, high_first), BLOB
        return head, _whole(source, record.data, size, high_first), NUMBER
    state = _digits(source, record.data, size, high_first, &number)
    if state == DIGITS:
        return head, _field_bytes(data, record, high_first), DIGITS
    return head, -number if record.reading == AS_MINUS else number, state


cdef bytes _field_bytes(bytes data, const Record *record, bint high_first):
    cdef bytes field = data[record.data:record.end]
    return field if high_first else bytes(reversed(field))


cdef int64_t _whole(
    const uint8_t[::1] data, Py_ssize_t start, Py_ssize_t size, bint high_first
) except? -0x5BD1E995 nogil:
    """Two's complement of 1 to 8 bytes."""
    cdef uint64_t number = 0
    cdef Py_ssize_t at
    cdef int spare = 64 - 8 * <int>size
    for at in range(size):
        number = number << 8 | data[start + at if high_first else start + size - 1 - at]
    return <int64_t>(number << spare) >> spare


cdef double _real(const uint8_t[::1] data, Py_ssize_t start, bint high_first) except? -1.5 nogil:
    cdef int64_t whole = _whole(data, start, 4, high_first)
    cdef uint32_t bits = <uint32_t>whole
    cdef float number
    memcpy(&number, &bits, 4)
    return number


cdef int _digits(
    const uint8_t[::1] data, Py_ssize_t start, Py_ssize_t size, bint high_first, int64_t *number
) except -1 nogil:
    """The number of 1 to 9 bytes of two digits, and whether it is one."""
    cdef Py_ssize_t at
    cdef int high, low, top = 0
    cdef int64_t sum = 0
    for at in range(size):
        low = data[start + at if high_first else start + size - 1 - at]
        high, low = low >> 4, low & 0x0F
        if at == 0:
            top = high
            if top == 0x0F:
                high = 0
        elif high > 9:
            return DIGITS
        if low > 9:
            return DIGITS
        sum = 100 * sum + 10 * high + low
    number[0] = -sum if top == 0x0F else sum
    return OVERFLOW if 9 < top < 15 else NUMBER
