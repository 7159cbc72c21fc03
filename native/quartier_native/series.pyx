# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled codec of times and values; ``reference/series.py`` says what it does, to the last bit."""

from array import array

from cpython cimport array as c_array
from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from quartier_native.blocks cimport corrupt, put_varint, take_varint
from quartier_native.forms cimport (
    BITS, DECIMALS_MAX, Form, choose, double_of, fill, fill_small, mostly_minus, small, split,
)
from quartier_native.integers cimport (
    Chain, decode_column, encode_column, encode_small, open_column, take_block,
)
from quartier_native.lanes cimport BLOCK, BYTES_MAX, lanes_numbers

from quartier_native.reference.series import SAMPLE_MAX

cdef extern from "checksum.h" nogil:
    void checksum_prepare() noexcept
    uint32_t checksum(const unsigned char *data, size_t size) noexcept

checksum_prepare()

cdef enum:
    VERSION = 2
    KEPT_MAX = 16_384

cdef Py_ssize_t _SAMPLE_MAX = SAMPLE_MAX
cdef Py_ssize_t _BYTES_MAX = 40 * SAMPLE_MAX + 128
cdef c_array.array _TIMES = array("q")
cdef c_array.array _VALUES = array("d")


cdef class _Room:
    """The memory of one call, kept for the next; what is not touched costs nothing."""

    cdef Py_ssize_t count
    cdef int64_t[::1] numbers
    cdef int64_t[::1] steps
    cdef int32_t[::1] few
    cdef int32_t[::1] near
    cdef unsigned char[::1] out
    cdef int64_t[:, ::1] runs  # gap, length, bits

    def __cinit__(self, Py_ssize_t count):
        self.count = count
        self.numbers = memoryview(bytearray(8 * count + 64)).cast("q")
        self.steps = memoryview(bytearray(8 * count + 64)).cast("q")
        self.few = memoryview(bytearray(4 * count + 64)).cast("i")
        self.near = memoryview(bytearray(4 * count + 64)).cast("i")
        self.out = bytearray(40 * count + 2 * BYTES_MAX + 128)
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
    if room.count <= KEPT_MAX:
        _free = room


cdef int _open(numbers, bint whole, Py_buffer *view) except -1:
    """The memory of a sequence of numbers, copied where it is not an array of 64-bit ones already."""
    cdef char kind
    if PyObject_CheckBuffer(numbers):
        try:
            PyObject_GetBuffer(numbers, view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
        except BufferError:
            pass
        else:
            kind = view.format[0]
            if view.ndim == 1 and view.itemsize == 8 and view.format[1] == 0 and (
                (kind == b"q" or kind == b"l") if whole else kind == b"d"
            ):
                return 0
            PyBuffer_Release(view)
    return PyObject_GetBuffer(array("q" if whole else "d", numbers), view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)


def encode_series(times_ms, values):
    """See ``quartier_native.reference.series.encode_series``."""
    cdef Py_buffer times, doubles
    cdef _Room room
    cdef Py_ssize_t size
    cdef uint32_t sum_of
    _open(times_ms, True, &times)
    try:
        _open(values, False, &doubles)
        try:
            if times.len != doubles.len:
                raise ValueError("as many times as values are needed")
            if times.len > 8 * _SAMPLE_MAX:
                raise ValueError(f"more than {_SAMPLE_MAX} samples")
            room = _take(times.len >> 3)
            try:
                size = _encode(<const int64_t *>times.buf, <const double *>doubles.buf, times.len >> 3, room)
                sum_of = checksum(&room.out[0], size)
                memcpy(&room.out[size + 3] - 3, &sum_of, 4)
                return PyBytes_FromStringAndSize(<char *>&room.out[0], size + 4)
            finally:
                _give(room)
        finally:
            PyBuffer_Release(&doubles)
    finally:
        PyBuffer_Release(&times)


def decode_series(data):
    """See ``quartier_native.reference.series.decode_series``."""
    cdef const char *source
    cdef Py_ssize_t size, at = 2
    cdef uint64_t count
    cdef uint32_t sum_of
    cdef _Room room
    cdef c_array.array times, values
    if type(data) is not bytes:
        data = bytes(memoryview(data))
    size = PyBytes_GET_SIZE(data) - 4
    source = PyBytes_AS_STRING(data)
    if not 3 <= size <= _BYTES_MAX - 4 or source[0] != 81 or source[1] != VERSION:
        raise ValueError("not a series")
    memcpy(&sum_of, source + size, 4)
    if sum_of != checksum(<const unsigned char *>source, size):
        raise ValueError("corrupt series")
    room = _take(size // 40)
    try:
        memcpy(&room.out[size + 16] - size - 16, source, size)
        take_varint(room.out, &at, size, &count)
        if count > <uint64_t>_SAMPLE_MAX:
            raise ValueError("corrupt series")
        times = c_array.clone(_TIMES, count, False)
        values = c_array.clone(_VALUES, count, False)
        if count:
            at = decode_column(room.out, at, size, <int64_t *>times.data.as_longlongs, count)
            at = _decode_values(room.out, at, size, room, values.data.as_doubles, count)
    finally:
        _give(room)
    if at != size:
        raise ValueError("corrupt series")
    return times, values


cdef Py_ssize_t _encode(const int64_t *times, const double *values, Py_ssize_t count, _Room room) except -1:
    cdef unsigned char[::1] out = room.out
    cdef Py_ssize_t at
    out[0], out[1] = 81, VERSION
    at = put_varint(out, 2, count)
    if count == 0:
        return at
    at = encode_column(times, count, room.near, room.steps, out, at)
    return _encode_values(values, count, room, out, at)


cdef Py_ssize_t _encode_values(
    const double *values, Py_ssize_t count, _Room room, unsigned char[::1] out, Py_ssize_t at
) except -1:
    cdef Form form
    choose(values, count, 16, &form)
    form.minus = False
    room.few[count - 1] = 0  # all of it is there
    if not small(values, count, form, &room.few[0]):
        form.minus = mostly_minus(values, count)  # not where all were regular: no -0.0 is
        if not (form.minus and small(values, count, form, &room.few[0])):
            return _encode_mixed(values, count, &form, room, out, at)
    out[at] = <unsigned char>(form.kind | form.minus << 3 | form.decimals << 4)
    out[at + 1] = 0
    return encode_small(room.few, count, room.near, out, at + 2)


cdef Py_ssize_t _encode_mixed(
    const double *values, Py_ssize_t count, Form *form, _Room room, unsigned char[::1] out, Py_ssize_t at
) except -1:
    """Values of many digits, or of which some are not regular."""
    cdef Py_ssize_t index, regular, run_count
    cdef int64_t[:, ::1] runs = room.runs
    cdef int byte
    regular = split(values, count, form[0], room.numbers, runs, &run_count)
    if 16 * run_count > count:
        choose(values, count, 64, form)
        regular = split(values, count, form[0], room.numbers, runs, &run_count)
    if 4 * run_count > count:
        form.kind, form.decimals = BITS, 0
        regular = split(values, count, form[0], room.numbers, runs, &run_count)
    out[at] = <unsigned char>(form.kind | form.minus << 3 | form.decimals << 4)
    at = put_varint(out, at + 1, run_count)
    for index in range(run_count):
        at = put_varint(out, at, runs[index, 0])
        at = put_varint(out, at, runs[index, 1])
        for byte in range(8):
            out[at + byte] = <unsigned char>(<uint64_t>runs[index, 2] >> 8 * byte & 255)
        at += 8
    return encode_column(&room.numbers[0], regular, room.near, room.steps, out, at)


cdef Py_ssize_t _decode_values(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, _Room room, double *values, Py_ssize_t count
) except -1:
    """Fill ``values``; returns what is behind them in ``data``."""
    cdef Form form
    cdef uint64_t run_count, gap, length, raw
    cdef Py_ssize_t index, free = count, regular = count, done = 0, place = 0, byte
    cdef int64_t[:, ::1] runs
    cdef int64_t[::1] numbers
    if at >= end:
        return corrupt()
    form.kind = data[at] & 7
    form.minus = data[at] >> 3 & 1
    form.decimals = data[at] >> 4
    at += 1
    if form.kind > BITS or form.decimals > DECIMALS_MAX:
        return corrupt()
    take_varint(data, &at, end, &run_count)
    if run_count > <uint64_t>count:
        return corrupt()
    if run_count == 0:
        return _decode_regular(data, at, end, form, values, count)
    if room.count < count:
        room = _Room(count)
    runs, numbers = room.runs, room.numbers
    for index in range(<Py_ssize_t>run_count):
        take_varint(data, &at, end, &gap)
        take_varint(data, &at, end, &length)
        if gap > <uint64_t>free or length > <uint64_t>free - gap or length == 0 or end - at < 8:
            return corrupt()
        raw = 0
        for byte in range(8):
            raw |= <uint64_t>data[at + byte] << 8 * byte
        at += 8
        runs[index, 0], runs[index, 1], runs[index, 2] = gap, length, raw
        free -= gap + length
        regular -= length
    numbers[count] = 0  # all of it is there
    at = decode_column(data, at, end, &numbers[0], regular)
    for index in range(<Py_ssize_t>run_count):
        fill(&numbers[done], runs[index, 0], form, values + place)
        done += runs[index, 0]
        place += runs[index, 0]
        for byte in range(runs[index, 1]):
            values[place] = double_of(runs[index, 2])
            place += 1
    fill(&numbers[done], regular - done, form, values + place)
    return at


cdef Py_ssize_t _decode_regular(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, Form form, double *values, Py_ssize_t count
) except -1:
    """Fill 1 or more ``values``, none of which is an exception."""
    cdef Chain chain
    cdef int32_t[BLOCK] local
    cdef int64_t[BLOCK] numbers
    cdef int64_t bound
    cdef double value
    cdef Py_ssize_t index
    cdef int size
    at = open_column(data, at, end, count, &chain)
    if chain.unit == 0:  # one value
        fill(&chain.start, 1, form, &value)
        for index in range(count):
            values[index] = value
        return at
    for index in range(0, count, BLOCK):
        size = <int>(BLOCK if count - index > BLOCK else count - index)
        at = take_block(data, at, end, size, &chain, local, &bound, numbers)
        if bound:
            if fill_small(local, size, chain.start, chain.unit, bound, form, values + index):
                chain.start = <int64_t>(
                    <uint64_t>chain.start + <uint64_t>chain.unit * <uint64_t><int64_t>local[size - 1]
                )
                continue
            lanes_numbers(local, size, chain.start, chain.unit, numbers)
        chain.start = numbers[size - 1]
        fill(numbers, size, form, values + index)
    return at
