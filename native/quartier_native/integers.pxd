"""The column of integers for the other kernels; see ``reference/integers.py``."""

from libc.stdint cimport int32_t, int64_t, uint64_t


cdef struct Chain:
    # A column that is being decoded.
    int order
    bint wide
    int64_t unit
    int64_t start  # the number before the next block
    int64_t slope  # the drift, or the last step


cdef Py_ssize_t encode_column(
    const int64_t *numbers, Py_ssize_t count, int32_t[::1] near, int64_t[::1] steps, unsigned char[::1] out,
    Py_ssize_t at,
) except -1 nogil
cdef Py_ssize_t encode_small(
    const int32_t[::1] numbers, Py_ssize_t count, int32_t[::1] near, unsigned char[::1] out, Py_ssize_t at
) except -1 nogil
cdef Py_ssize_t open_column(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, Py_ssize_t count, Chain *chain
) except -1 nogil
cdef Py_ssize_t take_block(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, int count, Chain *chain, int32_t *local,
    int64_t *bound, int64_t *numbers,
) except -1 nogil
cdef Py_ssize_t decode_column(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, int64_t *numbers, Py_ssize_t count
) except -1 nogil
