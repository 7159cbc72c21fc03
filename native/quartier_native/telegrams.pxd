"""Groups of meters as the kernels make them, and ASCII as text."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 highest)
    void *PyUnicode_1BYTE_DATA(object text)


cdef class Group:
    cdef readonly str label
    cdef readonly object value
    cdef readonly str unit
    cdef readonly str time
    cdef readonly object more


cdef class Telegram:
    cdef readonly str meter
    cdef readonly tuple groups
    cdef readonly object bad_count
    cdef readonly bint is_whole
    cdef readonly bint is_proven


cdef object NOTHING_MORE


cdef inline Group group_of(str label, object value, str unit, str time, object more):
    cdef Group group = Group.__new__(Group)
    group.label = label
    group.value = value
    group.unit = unit
    group.time = time
    group.more = more
    return group


cdef inline str letters_of(const uint8_t *letters, Py_ssize_t size):
    """So many letters of ASCII as text."""
    cdef object text = PyUnicode_New(size, 127)
    memcpy(PyUnicode_1BYTE_DATA(text), letters, size)
    return <str>text


cdef inline str ascii_of(const uint8_t[::1] data, Py_ssize_t start, Py_ssize_t stop):
    """The letters from ``start`` to ``stop``, all of them ASCII, as text."""
    if start == stop:
        return ""
    if not 0 <= start < stop <= data.shape[0]:
        raise IndexError("beyond the data")
    return letters_of(&data[start], stop - start)
