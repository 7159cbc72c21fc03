"""Packed numbers of 64 bits for the other kernels; see ``reference/blocks.py``."""

from libc.stdint cimport uint64_t


cdef int corrupt() except -1 with gil
cdef Py_ssize_t put_varint(unsigned char[::1] out, Py_ssize_t at, uint64_t number) except -1 nogil
cdef int take_varint(
    const unsigned char[::1] data, Py_ssize_t *at, Py_ssize_t end, uint64_t *number
) except -1 nogil
cdef Py_ssize_t pack(
    const uint64_t *codes, Py_ssize_t count, unsigned char[::1] out, Py_ssize_t at
) except -1 nogil
cdef Py_ssize_t unpack(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, uint64_t *codes, Py_ssize_t count
) except -1 nogil
