# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled reading of registers; ``reference/registers.py`` says what it does, to the last bit."""

from array import array

from cpython cimport array as c_array
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport fabs, isfinite, rint
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from quartier_native.reference.registers import EXACT_MAX, FIELD_MAX, Field, checked

cdef enum:
    GOOD = 0
    BAD = 1
    LEFT = 2
    ELSEWHERE = 0
    COIL = 1
    SIGNED = 3
    TRUTH = 4
    REAL = 5
    INT = 1
    BOOL = 2

cdef struct Place:
    int64_t top
    int64_t shift
    int64_t raw_max
    double factor
    double bottom
    double low
    double high
    uint64_t mask
    uint32_t start
    uint32_t absent_start
    uint8_t absent_count
    uint8_t form
    uint8_t words
    uint8_t parts
    uint8_t lowest
    uint8_t kind
    uint8_t low_first
    uint8_t swapped

cdef c_array.array _VALUES = array("d")
cdef int64_t _EXACT_MAX = EXACT_MAX
cdef uint16_t[256] _CRC


cdef class Registers:
    """See ``quartier_native.reference.registers.Registers``."""

    cdef Place *memory
    cdef Place[::1] places
    cdef uint64_t[::1] absent
    cdef Py_ssize_t count
    cdef readonly Py_ssize_t size

    def __init__(self, fields):
        rows = tuple([checked(Field(*field)) for field in fields])
        if len(rows) > FIELD_MAX:
            raise ValueError(f"more than {FIELD_MAX} fields")
        if self.memory is not NULL:
            raise TypeError("made once")
        self.count = len(rows)
        self.memory = <Place *>PyMem_Calloc(self.count + 1, sizeof(Place))
        if self.memory is NULL:
            raise MemoryError
        self.places = <Place[:self.count + 1]>self.memory
        self.absent = array("Q", [code for row in rows for code in row.absent] or [0])
        absent_count = 0
        for place, row in enumerate(rows):
            self.put(place, row, absent_count)
            absent_count += len(row.absent)

    def __dealloc__(self):
        PyMem_Free(self.memory)

    cdef put(self, Py_ssize_t at, field, Py_ssize_t absent_start):
        cdef Place place
        cdef Py_ssize_t size = 0
        place.start, place.form, place.words, place.parts = field.start, field.form, field.words, field.parts
        place.low_first, place.swapped = bool(field.low_first), bool(field.swapped)
        place.lowest = field.lowest if field.bits else 0
        place.mask = (1 << field.bits) - 1 if field.bits else 0
        place.top, place.shift = field.top, field.shift
        place.raw_max = (_EXACT_MAX - 1 - abs(field.shift)) // abs(field.top)
        place.factor, place.bottom = field.top, field.bottom
        place.low, place.high, place.kind = field.low, field.high, field.kind
        place.absent_start, place.absent_count = absent_start, len(field.absent)
        self.places[at] = place
        if place.form == COIL:
            size = place.start // 8 + 1
        elif place.form != ELSEWHERE:
            size = 2 * (place.start + place.parts * place.words)
        self.size = max(self.size, size)

    def __len__(self):
        return self.count

    def read(self, bytes data not None, c_array.array last not None):
        """See ``quartier_native.reference.registers.Registers.read``."""
        cdef c_array.array values
        cdef const double[::1] before
        cdef double[::1] after
        cdef const uint8_t[::1] source
        cdef uint8_t[::1] marks
        if last.typecode != "d":
            raise TypeError('expected an array("d")')
        if len(last) != self.count:
            raise ValueError(f"{len(last)} values, expected {self.count}")
        if PyBytes_GET_SIZE(data) < self.size:
            raise ValueError(f"{len(data)} bytes of data, expected {self.size}")
        values = c_array.clone(_VALUES, self.count, False)
        qualities = PyBytes_FromStringAndSize(NULL, self.count)
        if self.count:
            source, before, after = data, last, values
            marks = <uint8_t[:self.count]><uint8_t *>PyBytes_AS_STRING(qualities)
            _read(self.places, self.absent, self.count, source, before, after, marks)
        return values, qualities


cdef int _read(
    const Place[::1] places, const uint64_t[::1] absent, Py_ssize_t count, const uint8_t[::1] data,
    const double[::1] last, double[::1] values, uint8_t[::1] qualities,
) except -1 nogil:
    cdef Py_ssize_t at
    cdef double value = 0.0
    cdef int quality
    for at in range(count):
        if places[at].form == ELSEWHERE:
            quality = LEFT
        elif places[at].form == REAL:
            quality = _real(&places[at], absent, data, &value)
        else:
            quality = _whole(&places[at], absent, data, &value)
        if quality == GOOD:
            quality = _judged(&places[at], &value)
        values[at] = value if quality == GOOD else last[at]
        qualities[at] = quality
    return 0


cdef inline int _judged(const Place *place, double *value) noexcept nogil:
    if not place.low <= value[0] <= place.high:
        return BAD
    if place.kind == BOOL:
        value[0] = value[0] != 0.0
    elif place.kind == INT:
        if fabs(value[0]) > <double>_EXACT_MAX:
            return LEFT
        value[0] = rint(value[0]) + 0.0  # never -0.0
    return GOOD


cdef int _whole(const Place *place, const uint64_t[::1] absent, const uint8_t[::1] data, double *value) except -1 nogil:
    cdef int64_t raw = 0, total = 0
    cdef uint64_t code
    cdef Py_ssize_t number
    for number in range(place.parts):
        if place.form == COIL:
            raw = data[place.start >> 3] >> (place.start & 7) & 1
        else:
            code = _code(place, data, place.start + number * place.words)
            if place.absent_count and _is_absent(place, absent, code):
                return BAD
            if place.mask:
                code = code >> place.lowest & place.mask
            elif place.form == TRUTH:
                code = code != 0
            elif place.form == SIGNED and place.words < 4 and code >> (16 * place.words - 1):
                code -= <uint64_t>1 << 16 * place.words
            if (place.form != SIGNED or place.mask) and code >= <uint64_t>_EXACT_MAX:
                return LEFT
            raw = <int64_t>code
        if not -_EXACT_MAX < raw < _EXACT_MAX:
            return LEFT
        total += raw
    if not -place.raw_max <= total <= place.raw_max:
        return LEFT
    value[0] = <double>(total * place.top + place.shift) / place.bottom
    return GOOD


cdef int _real(const Place *place, const uint64_t[::1] absent, const uint8_t[::1] data, double *value) except -1 nogil:
    cdef double total = 0.0, one
    cdef float single
    cdef uint64_t code
    cdef uint32_t half
    cdef Py_ssize_t number
    for number in range(place.parts):
        code = _code(place, data, place.start + number * place.words)
        if place.absent_count and _is_absent(place, absent, code):
            return BAD
        if place.words == 2:
            half = <uint32_t>code
            memcpy(&single, &half, 4)
            one = single
        else:
            memcpy(&one, &code, 8)
        total += one
    if not isfinite(total):
        return BAD
    value[0] = 0.0 if total == 0.0 else total * place.factor / place.bottom
    return GOOD if isfinite(value[0]) else BAD


cdef inline uint64_t _code(const Place *place, const uint8_t[::1] data, Py_ssize_t start) except? 0xBAD nogil:
    cdef uint64_t code = 0, word
    cdef Py_ssize_t step, at
    for step in range(place.words):
        at = 2 * (start + (place.words - 1 - step if place.low_first else step))
        if place.swapped:
            word = data[at + 1] << 8 | data[at]
        else:
            word = data[at] << 8 | data[at + 1]
        code = code << 16 | word
    return code


cdef inline bint _is_absent(const Place *place, const uint64_t[::1] absent, uint64_t code) except -1 nogil:
    cdef Py_ssize_t at
    for at in range(place.absent_start, place.absent_start + place.absent_count):
        if absent[at] == code:
            return True
    return False


cdef _fill_crc():
    cdef int byte, bit
    cdef uint16_t value
    for byte in range(256):
        value = byte
        for bit in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
        _CRC[byte] = value


def crc16(data):
    """See ``quartier_native.reference.registers.crc16``."""
    cdef const uint8_t[::1] source = data
    cdef uint16_t value = 0xFFFF
    cdef Py_ssize_t at
    for at in range(source.shape[0]):
        value = value >> 8 ^ _CRC[(value ^ source[at]) & 0xFF]
    return value


_fill_crc()
