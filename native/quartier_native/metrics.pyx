# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled writer of Sparkplug metrics; ``reference/metrics.py`` says what it writes."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.math cimport isfinite
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

cdef enum:
    ANY = 0
    WHOLE = 1
    REAL = 2
    BOOLEAN = 3
    STRING = 4
    FORMS_COUNT = 5
    FLOAT_KIND = 0
    INT_KIND = 1
    BOOL_KIND = 2
    TEXT_KIND = 3
    BIG_KIND = 4
    TEXT_MAX_CHARS = 8000
    POINTS_MAX = 1 << 20
    ROOM_BYTES = 64  # a metric without its prefix and text: tag, length, timestamp, flags, quality, value

cdef int[5] AS_IT_IS = [REAL, WHOLE, BOOLEAN, STRING, WHOLE]
cdef double WHOLE_MAX = 9223372036854775808.0
cdef bytes BAD = b"\x4a\x0f\x0a\x07Quality\x12\x04\x08\x03\x18\x00"
cdef bytes STALE = b"\x4a\x10\x0a\x07Quality\x12\x05\x08\x03\x18\xf4\x03"
cdef uint64_t UINT64_MAX = 0xFFFFFFFFFFFFFFFF


cdef inline int _varint_size(uint64_t number) noexcept nogil:
    cdef int size = 1
    while number > 0x7F:
        number >>= 7
        size += 1
    return size


cdef inline char *_varint(char *out, uint64_t number) noexcept nogil:
    while number > 0x7F:
        out[0] = <char>(number & 0x7F | 0x80)
        out += 1
        number >>= 7
    out[0] = <char>number
    return out + 1


cdef class MetricWriter:
    cdef list _prefixes
    cdef bytearray _forms

    def __init__(self):
        self._prefixes = []
        self._forms = bytearray()

    def name(self, Py_ssize_t point, bytes prefix not None, int form):
        if not 0 <= point < POINTS_MAX or not 0 <= form < FORMS_COUNT:
            raise ValueError(f"point {point} in form {form}")
        cdef Py_ssize_t more = point + 1 - len(self._prefixes)
        if more > 0:
            self._prefixes.extend([None] * more)
            self._forms.extend(bytes(more))
        self._prefixes[point] = prefix
        self._forms[point] = form

    def missing(self, const uint32_t[::1] points, Py_ssize_t start):
        cdef Py_ssize_t place, known = len(self._prefixes)
        for place in range(start if start > 0 else 0, points.shape[0]):
            if points[place] >= known or self._prefixes[points[place]] is None:
                return place
        return -1

    def write(
        self,
        const uint32_t[::1] points,
        const uint8_t[::1] kinds,
        const double[::1] values,
        const int64_t[::1] times_ms,
        texts,
        Py_ssize_t start,
        bint historical,
        Py_ssize_t count_max,
        Py_ssize_t bytes_max,
    ):
        cdef Py_ssize_t count = points.shape[0]
        if not count == kinds.shape[0] == values.shape[0] == times_ms.shape[0]:
            raise ValueError("columns differ in length")
        if not 0 <= start <= count:
            raise ValueError(f"place {start} of {count}")
        cdef Py_ssize_t room = 4096 if count - start > 64 else 1024
        cdef char *buffer = <char *>malloc(room)
        if buffer == NULL:
            raise MemoryError
        cdef char *bigger
        cdef char *out
        cdef Py_ssize_t size = 0, place, written = 0, prefix_size, text_size, body, need, known = len(self._prefixes)
        cdef int form, kind, null
        cdef uint64_t whole, time_ms
        cdef double value
        cdef bytes prefix, quality, encoded
        cdef const uint8_t[::1] forms = self._forms
        try:
            for place in range(start, count):
                if written == count_max or (written and times_ms[place] < times_ms[place - 1]):
                    break
                if points[place] >= known or self._prefixes[points[place]] is None:
                    raise KeyError(points[place])
                prefix = self._prefixes[points[place]]
                form, kind, value = forms[points[place]], kinds[place] & 15, values[place]
                if form == ANY and kind <= BIG_KIND:
                    form = AS_IT_IS[kind]
                # The value: ``whole``, ``value`` or ``encoded`` by form, or null.
                null, whole, encoded, text_size = 0, 0, None, 0
                if form == STRING:
                    encoded = _string(kind, value, texts, place)
                    null = encoded is None
                    text_size = 0 if null else PyBytes_GET_SIZE(encoded)
                elif kind == BIG_KIND:
                    null = _big(texts.get(place, ""), form, &whole, &value)
                elif kind == BOOL_KIND:
                    value = 1.0 if value != 0.0 else 0.0
                elif kind > BIG_KIND or kind == TEXT_KIND or not isfinite(value):
                    null = 1
                if not null and kind != BIG_KIND:
                    if form == BOOLEAN:
                        whole = value != 0.0
                    elif form == WHOLE:
                        if -WHOLE_MAX < value < WHOLE_MAX:
                            whole = <uint64_t><int64_t>value
                        else:
                            whole = int(value) & UINT64_MAX
                quality = None
                if kinds[place] >> 4:
                    quality = STALE if kinds[place] >> 4 == 2 else BAD
                elif null:
                    quality = BAD
                # How long it is.
                prefix_size = PyBytes_GET_SIZE(prefix)
                time_ms = <uint64_t>times_ms[place] if times_ms[place] > 0 else 0
                body = prefix_size + 1 + _varint_size(time_ms) + 2 * historical
                if quality is not None:
                    body += PyBytes_GET_SIZE(quality)
                if null:
                    body += 2
                elif form == STRING:
                    body += 1 + _varint_size(text_size) + text_size
                elif form == REAL:
                    body += 9
                else:
                    body += 1 + _varint_size(whole)
                need = 1 + _varint_size(body) + body
                if written and size + need > bytes_max:
                    break
                if size + need > room:
                    room = 2 * (size + need)
                    bigger = <char *>realloc(buffer, room)
                    if bigger == NULL:
                        raise MemoryError
                    buffer = bigger
                # And what it is.
                out = buffer + size
                out[0] = 0x12
                out = _varint(out + 1, body)
                memcpy(out, PyBytes_AS_STRING(prefix), prefix_size)
                out += prefix_size
                out[0] = 0x18
                out = _varint(out + 1, time_ms)
                if historical:
                    out[0], out[1] = 0x28, 1
                    out += 2
                if null:
                    out[0], out[1] = 0x38, 1
                    out += 2
                if quality is not None:
                    memcpy(out, PyBytes_AS_STRING(quality), PyBytes_GET_SIZE(quality))
                    out += PyBytes_GET_SIZE(quality)
                if null:
                    pass
                elif form == REAL:
                    out[0] = 0x69
                    memcpy(out + 1, &value, 8)
                elif form == STRING:
                    out[0] = 0x7A
                    out = _varint(out + 1, text_size)
                    memcpy(out, PyBytes_AS_STRING(encoded), text_size)
                else:
                    out[0] = 0x58 if form == WHOLE else 0x70
                    _varint(out + 1, whole)
                size += need
                written += 1
            return PyBytes_FromStringAndSize(buffer, size), written
        finally:
            free(buffer)


cdef bytes _string(int kind, double value, texts, Py_ssize_t place):
    """A value as UTF-8; None where it has no text."""
    if kind == FLOAT_KIND:
        return repr(value).encode()
    if kind == INT_KIND:
        return str(int(value)).encode() if isfinite(value) else None
    if kind == BOOL_KIND:
        return b"True" if value != 0.0 else b"False"
    if kind > BIG_KIND:
        return None
    return (<str>texts.get(place, ""))[:TEXT_MAX_CHARS].encode("utf-8", "replace")


cdef int _big(text, int form, uint64_t *whole, double *value) except -1:
    """A whole number that is no double, in ``form``; returns whether it does not fit."""
    try:
        number = int(text)
        if form == REAL:
            value[0] = float(number)
        elif form == BOOLEAN:
            whole[0] = number != 0
        else:
            whole[0] = number & UINT64_MAX
    except (ValueError, OverflowError):
        return 1
    return 0
