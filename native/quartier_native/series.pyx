# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled codec of times and values; ``reference/series.py`` says what it does, to the last bit."""

from array import array
from zlib import crc32

from cpython cimport array as c_array
from cpython.buffer cimport PyObject_CheckBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy

from quartier_native.integers cimport decode_column, encode_column, put_varint, take_varint

from quartier_native.reference.series import SAMPLE_MAX

cdef enum:
    DIVIDED = 0
    MULTIPLIED = 1
    SINGLE = 2
    SINGLE_BITS = 3
    BITS = 4
    DECIMALS_MAX = 9
    EXCEPTION_PRICE = 24
    SINGLE_PRICE = 6
    DOUBLE_PRICE = 15

cdef Py_ssize_t _SAMPLE_MAX = SAMPLE_MAX
cdef Py_ssize_t _BYTES_MAX = 40 * SAMPLE_MAX + 128
cdef double[10] TENS = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
cdef double[10] TENTHS = [1e-0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9]
cdef double INTEGER_MAX = 2251799813685248.0
cdef double ROUNDER = 6755399441055744.0
cdef double SINGLE_MAX = 3.4028234663852886e38
cdef int64_t MINUS_ZERO = <int64_t>(<uint64_t>1 << 63)
cdef c_array.array _TIMES = array("q")
cdef c_array.array _VALUES = array("d")


cdef struct Form:
    int kind
    int decimals
    int zeros_negative


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
        data = PyBytes_FromStringAndSize(<char *>&room.out[0], size)
    finally:
        _give(room)
    return data + (<object>crc32(data)).to_bytes(4, "little")


def decode_series(data):
    """See ``quartier_native.reference.series.decode_series``."""
    cdef const char *source
    cdef Py_ssize_t size, at = 2
    cdef uint64_t count
    cdef _Room room, larger
    cdef c_array.array times, values
    if type(data) is not bytes:
        data = bytes(memoryview(data))
    size = PyBytes_GET_SIZE(data) - 4
    if not 3 <= size <= _BYTES_MAX - 4 or not data.startswith(b"Q\x01"):
        raise ValueError("not a series")
    if crc32(data[:size]) != int.from_bytes(data[size:], "little"):
        raise ValueError("corrupt series")
    room = _take(size // 40)
    try:
        source = PyBytes_AS_STRING(data)
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


cdef int _corrupt() except -1 with gil:
    raise ValueError("corrupt series")


cdef inline int64_t _bits(double value) noexcept nogil:
    cdef int64_t bits
    memcpy(&bits, &value, 8)
    return bits


cdef inline double _double(int64_t bits) noexcept nogil:
    cdef double value
    memcpy(&value, &bits, 8)
    return value


cdef inline double _single(double value) noexcept nogil:
    return <double><float>value


cdef inline int64_t _ordered(int64_t bits) noexcept nogil:
    return bits if bits >= 0 else bits ^ <int64_t>0x7FFFFFFFFFFFFFFF


cdef inline int32_t _ordered_single(int32_t bits) noexcept nogil:
    return bits if bits >= 0 else bits ^ <int32_t>0x7FFFFFFF


cdef inline double _decimal(double whole, int kind, double ten, double tenth) noexcept nogil:
    if kind == MULTIPLIED:
        return whole * tenth
    if kind == SINGLE:
        return _single(whole / ten)
    return whole / ten


cdef inline bint _number(double value, Form form, int64_t *number) noexcept nogil:
    """Whether ``value`` has a whole number in this form, and which (zeros of either sign have 0)."""
    cdef double scaled, whole
    cdef float single
    cdef int32_t bits
    if form.kind == BITS:
        number[0] = _ordered(_bits(value))
        return True
    if form.kind == SINGLE_BITS:
        if not -SINGLE_MAX <= value <= SINGLE_MAX:
            return False
        single = <float>value
        memcpy(&bits, &single, 4)
        number[0] = _ordered_single(bits)
        return <double>single == value
    scaled = value * TENS[form.decimals]
    if not -INTEGER_MAX < scaled < INTEGER_MAX:
        return False
    whole = (scaled + ROUNDER) - ROUNDER
    number[0] = <int64_t>whole
    return _decimal(whole, form.kind, TENS[form.decimals], TENTHS[form.decimals]) == value


cdef Py_ssize_t _encode(
    const int64_t[::1] times, const double[::1] values, Py_ssize_t count, int64_t[::1] numbers, int64_t[::1] steps,
    uint64_t[::1] codes, int64_t[:, ::1] runs, unsigned char[::1] out,
) except -1 nogil:
    cdef Py_ssize_t index, regular, run_count, at
    cdef Form form
    cdef int64_t zeros = 0
    cdef int byte
    out[0], out[1] = 81, 1
    at = put_varint(out, 2, count)
    if count == 0:
        return at
    at = encode_column(times, count, steps, codes, out, at)
    for index in range(count):
        zeros += (_bits(values[index]) == MINUS_ZERO) - (_bits(values[index]) == 0)
    form.zeros_negative = zeros > 0
    _choose(values, count, 16, False, &form)
    regular = _split(values, count, form, numbers, runs, &run_count)
    if 16 * run_count > count:
        _choose(values, count, 64, True, &form)
        regular = _split(values, count, form, numbers, runs, &run_count)
    if 4 * run_count > count:
        form.kind, form.decimals = BITS, 0
        regular = _split(values, count, form, numbers, runs, &run_count)
    out[at] = <unsigned char>(form.kind | form.zeros_negative << 3 | form.decimals << 4)
    at = put_varint(out, at + 1, run_count)
    for index in range(run_count):
        at = put_varint(out, at, runs[index, 0])
        at = put_varint(out, at, runs[index, 1])
        for byte in range(8):
            out[at + byte] = <unsigned char>(<uint64_t>runs[index, 2] >> 8 * byte & 255)
        at += 8
    return encode_column(numbers, regular, steps, codes, out, at)


cdef Py_ssize_t _split(
    const double[::1] values, Py_ssize_t count, Form form, int64_t[::1] numbers, int64_t[:, ::1] runs,
    Py_ssize_t *run_count,
) except -1 nogil:
    """Fill ``numbers`` and ``runs``; returns how many values are regular.  Gives up at too many runs."""
    cdef Py_ssize_t index, regular = 0, gap_start = 0, run = 0
    cdef int64_t number = 0, bits
    cdef int64_t zero = MINUS_ZERO if form.zeros_negative else 0
    for index in range(count):
        if _number(values[index], form, &number) and (
            number != 0 or form.kind >= SINGLE_BITS or _bits(values[index]) == zero
        ):
            numbers[regular] = number
            regular += 1
            continue
        bits = _bits(values[index])
        if run and gap_start == regular and runs[run - 1, 2] == bits:
            runs[run - 1, 1] += 1
            continue
        runs[run, 0], runs[run, 1], runs[run, 2] = regular - gap_start, 1, bits
        gap_start = regular
        run += 1
        if 4 * run > count:
            break
    run_count[0] = run
    return regular


cdef int _choose(const double[::1] values, Py_ssize_t count, Py_ssize_t most, bint thorough, Form *best) except -1 nogil:
    cdef double[64] sample
    cdef int[11] needing
    cdef Py_ssize_t size = count if count < most else most
    cdef Py_ssize_t index, finite = 0
    cdef int64_t number = 0
    cdef int price, cheapest = 0x7FFFFFFF, lowest, needed_most, failing, decimals, found
    cdef double value
    cdef Form form
    for index in range(size):
        value = values[index * count // size]
        if value - value == 0.0:
            sample[finite] = value
            finite += 1
    form.zeros_negative = best.zeros_negative
    for form.kind in range(SINGLE + 1):
        for decimals in range(11):
            needing[decimals] = 0
        needed_most = 0
        for index in range(finite):
            form.decimals = 0
            while form.decimals <= DECIMALS_MAX and not _number(sample[index], form, &number):
                form.decimals += 1
            needing[form.decimals] += 1
            needed_most = form.decimals if form.decimals > needed_most else needed_most
        failing = <int>finite
        lowest = 0x7FFFFFFF
        found = 0
        for decimals in range(DECIMALS_MAX + 1):
            failing -= needing[decimals]
            price = EXCEPTION_PRICE * failing + decimals * <int>finite
            if price < lowest:
                lowest, found = price, decimals
        if not thorough and needed_most <= found:
            best.kind, best.decimals = form.kind, found
            return 0
        if lowest < cheapest:
            cheapest = lowest
            best.kind, best.decimals = form.kind, found
    failing = 0
    form.kind, form.decimals = SINGLE_BITS, 0
    for index in range(finite):
        failing += not _number(sample[index], form, &number)
    price = SINGLE_PRICE * <int>finite + EXCEPTION_PRICE * failing
    if price < cheapest:
        cheapest = price
        best[0] = form
    if DOUBLE_PRICE * <int>finite < cheapest:
        best.kind, best.decimals = BITS, 0
    return 0


cdef Py_ssize_t _decode_values(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, uint64_t[::1] codes, int64_t[::1] numbers,
    int64_t[:, ::1] runs, double[::1] values, Py_ssize_t count,
) except -1 nogil:
    """Fill ``values``; returns what is behind them in ``data``."""
    cdef Form form
    cdef uint64_t run_count, gap, length, raw
    cdef Py_ssize_t index, room = count, regular = count, done = 0, place = 0, byte
    if at >= end:
        return _corrupt()
    form.kind = data[at] & 7
    form.zeros_negative = data[at] >> 3 & 1
    form.decimals = data[at] >> 4
    at += 1
    if form.kind > BITS or form.decimals > DECIMALS_MAX:
        return _corrupt()
    take_varint(data, &at, end, &run_count)
    if run_count > <uint64_t>count:
        return _corrupt()
    for index in range(<Py_ssize_t>run_count):
        take_varint(data, &at, end, &gap)
        take_varint(data, &at, end, &length)
        if gap > <uint64_t>room or length > <uint64_t>room - gap or length == 0 or end - at < 8:
            return _corrupt()
        raw = 0
        for byte in range(8):
            raw |= <uint64_t>data[at + byte] << 8 * byte
        at += 8
        runs[index, 0], runs[index, 1], runs[index, 2] = gap, length, raw
        room -= gap + length
        regular -= length
    at = decode_column(data, at, end, codes, numbers, regular)
    for index in range(<Py_ssize_t>run_count):
        _fill(numbers, done, runs[index, 0], form, values, place)
        done += runs[index, 0]
        place += runs[index, 0]
        for byte in range(runs[index, 1]):
            values[place] = _double(runs[index, 2])
            place += 1
    _fill(numbers, done, regular - done, form, values, place)
    return at


cdef int _fill(
    const int64_t[::1] numbers, Py_ssize_t start, Py_ssize_t count, Form form, double[::1] values, Py_ssize_t place
) except -1 nogil:
    """Give ``numbers[start : start + count]`` back as values from ``place``."""
    cdef Py_ssize_t index
    cdef int64_t number, most = <int64_t>INTEGER_MAX
    cdef double ten = TENS[form.decimals], tenth = TENTHS[form.decimals], value
    cdef float single
    cdef int32_t bits
    if form.kind == BITS:
        for index in range(count):
            values[place + index] = _double(_ordered(numbers[start + index]))
        return 0
    if form.kind == SINGLE_BITS:
        for index in range(count):
            number = numbers[start + index]
            if not -2147483648 <= number <= 2147483647:
                return _corrupt()
            bits = _ordered_single(<int32_t>number)
            memcpy(&single, &bits, 4)
            value = single
            if not -SINGLE_MAX <= value <= SINGLE_MAX:
                return _corrupt()
            values[place + index] = value
        return 0
    for index in range(count):
        number = numbers[start + index]
        if not -most < number < most:
            return _corrupt()
        values[place + index] = _decimal(<double>number, form.kind, ten, tenth)
    if form.zeros_negative:
        for index in range(count):
            if numbers[start + index] == 0:
                values[place + index] = -0.0
    return 0
