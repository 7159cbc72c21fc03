"""Packed numbers for the other kernels; see ``reference/blocks.py`` and ``reference/varints.py``."""

from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    #error "the codec copies words to bytes as they lie and needs a little-endian machine"
    #endif
    static inline int quartier_digits(unsigned long long number) {
        return number ? 64 - __builtin_clzll(number) : 0;
    }
    static inline int quartier_low_zeros(unsigned long long number) { return __builtin_ctzll(number); }
    """
    int digits "quartier_digits"(uint64_t number) noexcept nogil
    int low_zeros "quartier_low_zeros"(uint64_t number) noexcept nogil  # of a number that is not 0

cdef enum:
    BLOCK = 64


cdef int corrupt() except -1 with gil
cdef Py_ssize_t put_varint(unsigned char[::1] out, Py_ssize_t at, uint64_t number) except -1 nogil
cdef int take_varint(
    const unsigned char[::1] data, Py_ssize_t *at, Py_ssize_t end, uint64_t *number
) except -1 nogil
cdef Py_ssize_t pack(
    const uint64_t[::1] codes, Py_ssize_t start, Py_ssize_t count, unsigned char[::1] out, Py_ssize_t at
) except -1 nogil
cdef Py_ssize_t unpack(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end, uint64_t[::1] codes, Py_ssize_t count
) except -1 nogil
