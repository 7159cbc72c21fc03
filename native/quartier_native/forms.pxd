"""Floats as whole numbers for the codec; see ``reference/forms.py``."""

from libc.stdint cimport int64_t

cdef enum:
    BITS = 4
    DECIMALS_MAX = 9


cdef struct Form:
    int kind
    int decimals
    bint zeros_negative


cdef double double_of(int64_t bits) noexcept nogil
cdef bint mostly_minus(const double[::1] values, Py_ssize_t count) except -1 nogil
cdef int choose(const double[::1] values, Py_ssize_t count, Py_ssize_t most, bint thorough, Form *best) except -1 nogil
cdef Py_ssize_t split(
    const double[::1] values, Py_ssize_t count, Form form, int64_t[::1] numbers, int64_t[:, ::1] runs,
    Py_ssize_t *run_count,
) except -1 nogil
cdef int fill(
    const int64_t[::1] numbers, Py_ssize_t start, Py_ssize_t count, Form form, double[::1] values, Py_ssize_t place
) except -1 nogil
