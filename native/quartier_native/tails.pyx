# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled gathering of a tail's columns; ``reference/tails.py`` says what it does, to the last bit."""

from array import array

from cpython cimport array as c_array
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    BLOCK = 16

cdef c_array.array _WHOLE = array("q")
cdef c_array.array _REAL = array("d")


def gather(parts):
    """See ``quartier_native.reference.tails.gather``."""
    cdef Py_ssize_t count = 0, at = 0, size, start, stop, index, place, high, middle, end
    cdef list columns = []
    cdef c_array.array of_points, of_kinds, of_values, of_times, of_ends
    cdef c_array.array points, kinds, times, values
    cdef const uint32_t *numbers
    cdef const uint32_t *ends
    cdef const unsigned char *narrow
    cdef const int64_t *moments
    cdef int64_t *to_points
    cdef int64_t *to_times
    cdef double *to_kinds
    cdef double *to_values
    cdef char *block
    cdef uint64_t first
    cdef uint32_t few
    for part in parts:
        of_points, of_kinds, of_values, of_times, of_ends, first_of, start, stop = part
        if not (
            of_points.ob_descr.typecode == c"I"
            and of_kinds.ob_descr.typecode == c"B"
            and of_values.ob_descr.typecode == c"d"
            and of_times.ob_descr.typecode == c"q"
            and of_ends.ob_descr.typecode == c"I"
        ):
            raise ValueError("columns of points, kinds, values, times and ends are needed")
        size = min(len(of_points), len(of_kinds), len(of_values))
        if len(of_ends):
            size = min(size, <Py_ssize_t>of_ends.data.as_uints[len(of_ends) - 1])
        else:
            size = 0
        if not 0 <= start < stop <= size or len(of_times) < len(of_ends):
            raise ValueError("samples that are not there")
        if not 0 <= first_of + start < 2**64:
            raise ValueError("a sequence beyond 64 bits")
        count += stop - start
        columns.append((of_points, of_kinds, of_values, of_times, of_ends, first_of + start, start, stop))
    blocks = PyBytes_FromStringAndSize(NULL, BLOCK * len(columns))
    block = PyBytes_AS_STRING(blocks)
    points, kinds = c_array.clone(_WHOLE, count, False), c_array.clone(_REAL, count, False)
    times, values = c_array.clone(_WHOLE, count, False), c_array.clone(_REAL, count, False)
    to_points, to_times = <int64_t *>points.data.as_longlongs, <int64_t *>times.data.as_longlongs
    to_kinds, to_values = kinds.data.as_doubles, values.data.as_doubles
    for column in columns:
        of_points, of_kinds, of_values, of_times, of_ends, first_of, start, stop = column
        numbers, ends = of_points.data.as_uints, of_ends.data.as_uints
        narrow, moments = of_kinds.data.as_uchars, <const int64_t *>of_times.data.as_longlongs
        size = stop - start
        first, few = first_of, <uint32_t>size
        memcpy(block, &first, 8)
        memcpy(block + 8, &few, 4)
        memcpy(block + 12, numbers + start, 4)
        block += BLOCK
        for index in range(start, stop):
            to_points[at + index - start] = numbers[index]
            to_kinds[at + index - start] = narrow[index]
        memcpy(to_values + at, of_values.data.as_doubles + start, 8 * size)
        place, high = 0, len(of_ends)
        while place < high:  # the first that ends behind ``start``
            middle = (place + high) // 2
            if <Py_ssize_t>ends[middle] <= start:
                place = middle + 1
            else:
                high = middle
        index = start
        while index < stop:
            end = min(<Py_ssize_t>ends[place], stop)
            while index < end:
                to_times[at + index - start] = moments[place]
                index += 1
            place += 1
        at += size
    return blocks, points, kinds, times, values
