# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled reading of registers; ``reference/registers.py`` says what it does, to the last bit."""

from array import array

from cpython cimport array as c_array
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport fabs, isfinite, rint
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from quartier_native.reference.registers import EXACT_MAX, FIELD_MAX, Field, check_field

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

# A device is read once a second: by then this has left the caches, and each line of it is waited for.  So a
# place is small, and what many have in common stands once.
cdef struct Scale:
    int64_t top
    int64_t shift
    int64_t raw_max
    double bottom
    double low
    double high

cdef struct Place:
    uint32_t absent_start
    uint16_t start
    uint16_t scale
    uint8_t absent_count
    uint8_t form
    uint8_t words
    uint8_t parts
    uint8_t lowest
    uint8_t bits
    uint8_t kind
    uint8_t order

cdef enum:
    LOW_FIRST = 1
    SWAPPED = 2

cdef c_array.array _VALUES = array("d")
cdef int64_t _EXACT_MAX = EXACT_MAX
cdef uint16_t[256] _CRC


cdef class Registers:
    """See ``quartier_native.reference.registers.Registers``."""

    cdef Place *places
    cdef Scale *scales
    cdef uint64_t[::1] absent
    cdef Py_ssize_t count
    cdef readonly Py_ssize_t size

    def __init__(self, fields):
        rows = tuple([check_field(Field(*field)) for field in fields])
        if len(rows) > FIELD_MAX:
            raise ValueError(f"more than {FIELD_MAX} fields")
        if self.places is not NULL:
            raise TypeError("made once")
        scales = {}
        absent = {}
        codes = array("Q")
        for row in rows:
            scales.setdefault((row.top, row.shift, row.bottom, row.low, row.high), len(scales))
            if row.absent not in absent:
                absent[row.absent] = len(codes)
                codes.extend(row.absent)
        self.absent = codes or array("Q", [0])
        self.places = <Place *>PyMem_Calloc(len(rows) + 1, sizeof(Place))
        self.scales = <Scale *>PyMem_Calloc(len(scales) + 1, sizeof(Scale))
        if self.places is NULL or self.scales is NULL:
            raise MemoryError
        for (top, shift, bottom, low, high), at in scales.items():
            self.scales[<Py_ssize_t>at] = Scale(top, shift, (_EXACT_MAX - 1 - abs(shift)) // abs(top), bottom, low, high)
        for row in rows:
            self.put(row, scales[row.top, row.shift, row.bottom, row.low, row.high], absent[row.absent])

    def __dealloc__(self):
        PyMem_Free(self.places)
        PyMem_Free(self.scales)

    cdef put(self, field, uint16_t scale, uint32_t absent_start):
        cdef Place *place = &self.places[self.count]
        cdef Py_ssize_t size = 0
        place.start, place.form, place.words, place.parts = field.start, field.form, field.words, field.parts
        place.order = (LOW_FIRST if field.low_first else 0) | (SWAPPED if field.swapped else 0)
        place.bits, place.lowest = field.bits, field.lowest if field.bits else 0
        place.scale, place.kind = scale, field.kind
        place.absent_start, place.absent_count = absent_start, len(field.absent)
        if place.form == COIL:
            size = place.start // 8 + 1
        elif place.form != ELSEWHERE:
            size = 2 * (place.start + place.parts * place.words)
        self.size = max(self.size, size)
        self.count += 1

    def __len__(self):
        return self.count

    def read(self, bytes data not None, c_array.array last not None):
        """See ``quartier_native.reference.registers.Registers.read``."""
        cdef c_array.array values
        if last.typecode != "d":
            raise TypeError('expected an array("d")')
        if len(last) != self.count:
            raise ValueError(f"{len(last)} values, expected {self.count}")
        if PyBytes_GET_SIZE(data) < self.size:
            raise ValueError(f"{len(data)} bytes of data, expected {self.size}")
        values = c_array.clone(_VALUES, self.count, False)
        qualities = PyBytes_FromStringAndSize(NULL, self.count)
        # As long as it takes, all four: that was seen to above.  Views of them would cost what reading does.
        _read(
            self.places, self.scales, &self.absent[0], self.count, <const uint8_t *>PyBytes_AS_STRING(data), last.data.as_doubles,
            values.data.as_doubles, <uint8_t *>PyBytes_AS_STRING(qualities),
        )
        return values, qualities


cdef void _read(
    const Place *places, const Scale *scales, const uint64_t *absent, Py_ssize_t count, const uint8_t *data,
    const double *last, double *values, uint8_t *qualities,
) noexcept nogil:
    cdef Py_ssize_t at
    cdef const Scale *scale
    cdef double value = 0.0
    cdef int quality
    for at in range(count):
        scale = &scales[places[at].scale]
        if places[at].form == ELSEWHERE:
            quality = LEFT
        elif places[at].form == REAL:
            quality = _real(&places[at], scale, absent, data, &value)
        else:
            quality = _whole(&places[at], scale, absent, data, &value)
        if quality == GOOD:
            quality = _judged(places[at].kind, scale, &value)
        values[at] = value if quality == GOOD else last[at]
        qualities[at] = quality


cdef inline int _judged(uint8_t kind, const Scale *scale, double *value) noexcept nogil:
    if not scale.low <= value[0] <= scale.high:
        return BAD
    if kind == BOOL:
        value[0] = value[0] != 0.0
    elif kind == INT:
        if fabs(value[0]) > <double>_EXACT_MAX:
            return LEFT
        value[0] = rint(value[0]) + 0.0  # never -0.0
    return GOOD


cdef int _whole(
    const Place *place, const Scale *scale, const uint64_t *absent, const uint8_t *data, double *value,
) noexcept nogil:
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
            if place.bits:
                code = code >> place.lowest & (<uint64_t>-1 >> (64 - place.bits))
            elif place.form == TRUTH:
                code = code != 0
            elif place.form == SIGNED and place.words < 4 and code >> (16 * place.words - 1):
                code -= <uint64_t>1 << 16 * place.words
            if (place.form != SIGNED or place.bits) and code >= <uint64_t>_EXACT_MAX:
                return LEFT
            raw = <int64_t>code
        if not -_EXACT_MAX < raw < _EXACT_MAX:
            return LEFT
        total += raw
    if not -scale.raw_max <= total <= scale.raw_max:
        return LEFT
    value[0] = <double>(total * scale.top + scale.shift) / scale.bottom
    return GOOD


cdef int _real(
    const Place *place, const Scale *scale, const uint64_t *absent, const uint8_t *data, double *value,
) noexcept nogil:
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
    value[0] = 0.0 if total == 0.0 else total * <double>scale.top / scale.bottom
    return GOOD if isfinite(value[0]) else BAD


cdef inline uint64_t _code(const Place *place, const uint8_t *data, Py_ssize_t start) noexcept nogil:
    cdef uint64_t code = 0, word
    cdef Py_ssize_t step, at
    for step in range(place.words):
        at = 2 * (start + (place.words - 1 - step if place.order & LOW_FIRST else step))
        if place.order & SWAPPED:
            word = data[at + 1] << 8 | data[at]
        else:
            word = data[at] << 8 | data[at + 1]
        code = code << 16 | word
    return code


cdef inline bint _is_absent(const Place *place, const uint64_t *absent, uint64_t code) noexcept nogil:
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
