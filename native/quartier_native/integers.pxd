"""The column of integers for the other kernels; see ``reference/integers.py``."""

from libc.stdint cimport int64_t, uint64_t


cdef Py_ssize_t encode_column(
    const int64_t[::1] numbers, Py_ssize_t count, int64_t[::1] steps, uint64_t[::1] codes,
    unsigned char[::1] out, Py_ssize_t at,
) except -1 nogil
cdef Py_ssize_t decode_column(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, uint64_t[::1] codes, int64_t[::1] numbers,
    Py_ssize_t count,
) except -1 nogil
