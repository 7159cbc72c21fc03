# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled codec of times and values; ``reference/series.py`` says what it does, to the last bit."""

from array import array
from zlib import crc32

from cpython cimport array as c_array
from cpython.buffer cimport PyObject_CheckBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from quartier_native.blocks cimport corrupt, put_varint, take_varint
from quartier_native.forms cimport BITS, DECIMALS_MAX, Form, choose, double_of, fill, mostly_minus, split
from quartier_native.integers cimport decode_column, encode_column

from quartier_native.reference.series import SAMPLE_MAX

cdef Py_ssize_t _SAMPLE_MAX = SAMPLE_MAX
cdef Py_ssize_t _BYTES_MAX = 40 * SAMPLE_MAX + 128
cdef c_array.array _TIMES = array("q")
cdef c_array.array _VALUES = array("d")


cdef class _Room:
    """The memory of one call, kept for the next."""

    cdef Py_ssize_t count
    cdef int64_t[::1] numbers
    cdef int64_t[::1] steps
    cdef uint64_t[::1] codes
    cdef unsigned char[::1] out
    cdef int64_t[:, ::1] runs  # gap, length, bits

    def __cinit__(self, Py_ssize_t count):
        self.count = count
        self.numbers = array("q", bytes(8 * count))
        self.steps = array("q", bytes(8 * count))
        self.codes = array("Q", bytes(8 * count))
        self.out = bytearray(40 * count + 128)
        self.runs = memoryview(bytearray(24 * (count + 1))).cast("q", (count + 1, 3))


cdef _Room _free = None  # taken while a call runs: another thread brings its own


cdef _Room _take(Py_ssize_t count):
    global _free
    cdef _Room room = _free
    _free = None
    if room is None or room.count < count:
        room = _Room(max(count, 1024))
    return room


cdef _give(_Room room):
    global _free
    if room.count <= 8192:
        _free = room


def encode_series(times_ms, values):
    """See ``quartier_native.reference.series.encode_series``."""
    cdef const int64_t[::1] times
    cdef const double[::1] doubles
    cdef _Room room
    cdef Py_ssize_t size
    cdef uint32_t checksum
    if not PyObject_CheckBuffer(times_ms):
        times_ms = array("q", times_ms)
    if not PyObject_CheckBuffer(values):
        values = array("d", values)
    try:
        times = times_ms
    except (TypeError, ValueError, BufferError):
        times = array("q", times_ms)
    try:
        doubles = values
    except (TypeError, ValueError, BufferError):
        doubles = array("d", values)
    if times.shape[0] != doubles.shape[0]:
        raise ValueError("as many times as values are needed")
    if times.shape[0] > _SAMPLE_MAX:
        raise ValueError(f"more than {_SAMPLE_MAX} samples")
    room = _take(times.shape[0])
    try:
        size = _encode(times, doubles, times.shape[0], room.numbers, room.steps, room.codes, room.runs, room.out)
        checksum = crc32(PyBytes_FromStringAndSize(<char *>&room.out[0], size))
        memcpy(&room.out[size + 3] - 3, &checksum, 4)
        return PyBytes_FromStringAndSize(<char *>&room.out[0], size + 4)
    finally:
        _give(room)


def decode_series(data):
    """See ``quartier_native.reference.series.decode_series``."""
    cdef const char *source
    cdef Py_ssize_t size, at = 2
    cdef uint64_t count
    cdef uint32_t checksum
    cdef _Room room, larger
    cdef c_array.array times, values
    if type(data) is not bytes:
        data = bytes(memoryview(data))
    size = PyBytes_GET_SIZE(data) - 4
    source = PyBytes_AS_STRING(data)
    if not 3 <= size <= _BYTES_MAX - 4 or source[0] != 81 or source[1] != 1:
        raise ValueError("not a series")
    memcpy(&checksum, source + size, 4)
    if checksum != <uint32_t>crc32(PyBytes_FromStringAndSize(source, size)):
        raise ValueError("corrupt series")
    room = _take(size // 40)
    try:
        memcpy(&room.out[size + 16] - size - 16, source, size)
        take_varint(room.out, &at, size, &count)
        if count > <uint64_t>_SAMPLE_MAX:
            raise ValueError("corrupt series")
        times = c_array.clone(_TIMES, count, False)
        values = c_array.clone(_VALUES, count, False)
        if count > <uint64_t>room.count:
            larger = _Room(count)
            larger.out[: size + 16] = room.out[: size + 16]
            room = larger
        if count:
            at = decode_column(room.out, at, size, room.codes, times, count)
            at = _decode_values(room.out, at, size, room.codes, room.numbers, room.runs, values, count)
    finally:
        _give(room)
    if at != size:
        raise ValueError("corrupt series")
    return times, values


cdef Py_ssize_t _encode(
    const int64_t[::1] times, const double[::1] values, Py_ssize_t count, int64_t[::1] numbers, int64_t[::1] steps,
    uint64_t[::1] codes, int64_t[:, ::1] runs, unsigned char[::1] out,
) except -1 nogil:
    cdef Py_ssize_t index, regular, run_count, at
    cdef Form form
    cdef int byte
    out[0], out[1] = 81, 1
    at = put_varint(out, 2, count)
    if count == 0:
        return at
    at = encode_column(times, count, steps, codes, out, at)
    form.zeros_negative = mostly_minus(values, count)
    choose(values, count, 16, False, &form)
    regular = split(values, count, form, numbers, runs, &run_count)
    if 16 * run_count > count:
        choose(values, count, 64, True, &form)
        regular = split(values, count, form, numbers, runs, &run_count)
    if 4 * run_count > count:
        form.kind, form.decimals = BITS, 0
        regular = split(values, count, form, numbers, runs, &run_count)
    out[at] = <unsigned char>(form.kind | form.zeros_negative << 3 | form.decimals << 4)
    at = put_varint(out, at + 1, run_count)
    for index in range(run_count):
        at = put_varint(out, at, runs[index, 0])
        at = put_varint(out, at, runs[index, 1])
        for byte in range(8):
            out[at + byte] = <unsigned char>(<uint64_t>runs[index, 2] >> 8 * byte & 255)
        at += 8
    return encode_column(numbers, regular, steps, codes, out, at)


cdef Py_ssize_t _decode_values(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, uint64_t[::1] codes, int64_t[::1] numbers,
    int64_t[:, ::1] runs, double[::1] values, Py_ssize_t count,
) except -1 nogil:
    """Fill ``values``; returns what is behind them in ``data``."""
    cdef Form form
    cdef uint64_t run_count, gap, length, raw
    cdef Py_ssize_t index, room = count, regular = count, done = 0, place = 0, byte
    if at >= end:
        return corrupt()
    form.kind = data[at] & 7
    form.zeros_negative = data[at] >> 3 & 1
    form.decimals = data[at] >> 4
    at += 1
    if form.kind > BITS or form.decimals > DECIMALS_MAX:
        return corrupt()
    take_varint(data, &at, end, &run_count)
    if run_count > <uint64_t>count:
        return corrupt()
    for index in range(<Py_ssize_t>run_count):
        take_varint(data, &at, end, &gap)
        take_varint(data, &at, end, &length)
        if gap > <uint64_t>room or length > <uint64_t>room - gap or length == 0 or end - at < 8:
            return corrupt()
        raw = 0
        for byte in range(8):
            raw |= <uint64_t>data[at + byte] << 8 * byte
        at += 8
        runs[index, 0], runs[index, 1], runs[index, 2] = gap, length, raw
        room -= gap + length
        regular -= length
    at = decode_column(data, at, end, codes, numbers, regular)
    for index in range(<Py_ssize_t>run_count):
        fill(numbers, done, runs[index, 0], form, values, place)
        done += runs[index, 0]
        place += runs[index, 0]
        for byte in range(runs[index, 1]):
            values[place] = double_of(runs[index, 2])
            place += 1
    fill(numbers, done, regular - done, form, values, place)
    return at
