"""Floats as whole numbers for the codec; see ``reference/forms.py``."""

from libc.stdint cimport int32_t, int64_t

cdef enum:
    BITS = 4
    DECIMALS_MAX = 9


cdef struct Form:
    int kind
    int decimals
    bint minus


cdef double double_of(int64_t bits) noexcept nogil
cdef bint mostly_minus(const double *values, Py_ssize_t count) noexcept nogil
cdef int choose(const double *values, Py_ssize_t count, Py_ssize_t most, Form *best) except -1 nogil
cdef bint small(const double *values, Py_ssize_t count, Form form, int32_t *numbers) noexcept nogil
cdef Py_ssize_t split(
    const double *values, Py_ssize_t count, Form form, int64_t[::1] numbers, int64_t[:, ::1] runs,
    Py_ssize_t *run_count,
) except -1 nogil
cdef bint fill_small(
    const int32_t *local, int count, int64_t start, int64_t unit, int64_t bound, Form form, double *values
) noexcept nogil
cdef int fill(const int64_t *numbers, Py_ssize_t count, Form form, double *values) except -1 nogil
