# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled parting and joining of strands; ``reference/strands.py`` says what it does, to the last bit."""

from array import array

from cpython cimport array as c_array
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy

from quartier_native.reference.strands import STRANDS_MAX

cdef Py_ssize_t _STRANDS_MAX = STRANDS_MAX
cdef Py_ssize_t _TABLE_MAX = 1 << 20  # points up to here are looked up in a table, others in a dict
cdef c_array.array _POINTS = array("I")
cdef c_array.array _TIMES = array("q")
cdef c_array.array _VALUES = array("d")
cdef c_array.array _PLACES = array("i")


def part_strands(c_array.array points not None, c_array.array times not None, c_array.array values not None):
    """See ``quartier_native.reference.strands.part_strands``."""
    cdef Py_ssize_t count = len(points), strand_count, index, size
    cdef int place, before
    cdef Py_ssize_t step
    cdef const uint32_t[::1] numbers
    cdef const int64_t[::1] source_times
    cdef const double[::1] source_values
    cdef int[::1] which, sizes, ends
    cdef unsigned char[::1] steps
    cdef int64_t[::1] by_time
    cdef double[::1] by_value
    cdef c_array.array order
    if (points.typecode, times.typecode, values.typecode) != ("I", "q", "d"):
        raise ValueError("columns of points, times and values are needed")
    if not count == len(times) == len(values):
        raise ValueError("as many points as times and values are needed")
    if not count:
        return array("I"), b"", []
    numbers, source_times, source_values = points, times, values
    which = c_array.clone(_PLACES, count, False)
    order = _places(numbers, which)
    strand_count = len(order)
    if strand_count > _STRANDS_MAX:
        raise ValueError(f"more than {_STRANDS_MAX} points")
    sizes = c_array.clone(_PLACES, strand_count, True)
    ends = c_array.clone(_PLACES, strand_count, True)
    by_time = c_array.clone(_TIMES, count, False)
    by_value = c_array.clone(_VALUES, count, False)
    steps = array("B", bytes(count if strand_count <= 256 else 2 * count))
    for index in range(count):
        sizes[which[index]] += 1
    size = 0
    for index in range(strand_count):
        ends[index] = size
        size += sizes[index]
    before = strand_count - 1
    for index in range(count):
        place = which[index]
        by_time[ends[place]] = source_times[index]
        by_value[ends[place]] = source_values[index]
        ends[place] += 1
        step = place - before - 1
        if step < 0:
            step += strand_count
        before = place
        if strand_count <= 256:
            steps[index] = <unsigned char>step
        else:
            steps[2 * index] = step & 255
            steps[2 * index + 1] = step >> 8
    strands = []
    for index in range(strand_count):
        strands.append(_strand(by_time, by_value, ends[index] - sizes[index], sizes[index]))
    return order, PyBytes_FromStringAndSize(<char *>&steps[0], steps.shape[0]), strands


cdef _strand(int64_t[::1] by_time, double[::1] by_value, Py_ssize_t start, Py_ssize_t size):
    cdef c_array.array times = c_array.clone(_TIMES, size, False)
    cdef c_array.array values = c_array.clone(_VALUES, size, False)
    if size:
        memcpy(times.data.as_voidptr, &by_time[start], size * sizeof(int64_t))
        memcpy(values.data.as_voidptr, &by_value[start], size * sizeof(double))
    return times, values


cdef c_array.array _places(const uint32_t[::1] numbers, int[::1] which):
    """Fill ``which`` with the place of each point in the order of first appearance, which is returned."""
    cdef Py_ssize_t index, size
    cdef uint32_t largest = 0
    cdef int found = 0
    cdef int[::1] table
    cdef dict places
    cdef uint32_t[::1] order
    for index in range(numbers.shape[0]):
        largest = max(largest, numbers[index])
    if largest >= <uint32_t>_TABLE_MAX:
        places = {}
        for index in range(numbers.shape[0]):
            which[index] = places.setdefault(numbers[index], len(places))
        return array("I", places)
    table = c_array.clone(_PLACES, largest + 1, True)
    order = c_array.clone(_POINTS, min(numbers.shape[0], <Py_ssize_t>largest + 1), False)
    for index in range(numbers.shape[0]):
        if not table[numbers[index]]:
            order[found] = numbers[index]
            found += 1
            table[numbers[index]] = found
        which[index] = table[numbers[index]] - 1
    return array("I", order[:found])


def join_strands(bytes steps not None, strands):
    """See ``quartier_native.reference.strands.join_strands``."""
    cdef Py_ssize_t strand_count = len(strands), count, index, at, place, step, total = 0
    cdef const unsigned char *source = <const unsigned char *>PyBytes_AS_STRING(steps)
    cdef c_array.array column
    cdef c_array.array which, times, values
    cdef uint32_t[::1] whiches
    cdef int64_t[::1] out_times, by_time
    cdef double[::1] out_values, by_value
    cdef int64_t[::1] starts, ends
    cdef bint wide
    if strand_count > _STRANDS_MAX:
        raise ValueError(f"more than {_STRANDS_MAX} points")
    pairs = [(pair[0], pair[1]) for pair in strands]
    for pair in pairs:
        if (pair[0].typecode, pair[1].typecode) != ("q", "d"):
            raise ValueError("strands of times and values are needed")
    for pair in pairs:
        if len(pair[0]) != len(pair[1]):
            raise ValueError("as many times as values are needed")
        total += len(pair[0])
    wide = strand_count > 256
    if wide and PyBytes_GET_SIZE(steps) % 2:
        raise ValueError("half a step")
    count = PyBytes_GET_SIZE(steps) // (2 if wide else 1)
    starts = c_array.clone(_TIMES, strand_count + 1, True)
    ends = c_array.clone(_TIMES, strand_count + 1, True)
    by_time = c_array.clone(_TIMES, total + 1, False)
    by_value = c_array.clone(_VALUES, total + 1, False)
    at = 0
    for index in range(strand_count):
        starts[index] = at
        column = pairs[index][0]
        if len(column):  # an empty one has no place in memory, and C forbids to copy even nothing from there
            memcpy(&by_time[at], column.data.as_voidptr, len(column) * sizeof(int64_t))
            column = pairs[index][1]
            memcpy(&by_value[at], column.data.as_voidptr, len(column) * sizeof(double))
        at += len(column)
        ends[index] = at
    which = c_array.clone(_POINTS, count, False)
    times = c_array.clone(_TIMES, count, False)
    values = c_array.clone(_VALUES, count, False)
    whiches, out_times, out_values = which, times, values
    place = strand_count - 1
    for index in range(count):
        step = source[2 * index] | source[2 * index + 1] << 8 if wide else source[index]
        if step >= strand_count:
            raise ValueError("a step is too wide")
        place = place + step + 1
        if place >= strand_count:
            place -= strand_count
        at = starts[place]
        if at == ends[place]:
            raise ValueError("a strand is too short")
        whiches[index] = <uint32_t>place
        out_times[index] = by_time[at]
        out_values[index] = by_value[at]
        starts[place] = at + 1
    for index in range(strand_count):
        if starts[index] != ends[index]:
            raise ValueError("a strand is too long")
    return which, times, values
