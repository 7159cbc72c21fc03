"""Rice codes in 64-bit words, lowest bit first; see ``reference/bits.py``.  Inlined into the kernels."""

from libc.stdint cimport int64_t, uint64_t

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
    ESCAPE = 20


cdef struct Bits:
    uint64_t word    # the word under way, when writing
    Py_ssize_t at    # the next bit


cdef inline int put(uint64_t[::1] words, Bits *bits, uint64_t number, int count) except -1 nogil:
    """Append ``count`` (1 .. 64) bits of ``number``, whose higher bits are 0."""
    cdef Py_ssize_t place = bits.at >> 6
    cdef int shift = bits.at & 63
    bits.word |= number << shift
    words[place] = bits.word
    bits.at += count
    if bits.at >> 6 != place:
        bits.word = (number >> 1) >> (63 - shift)
        words[place + 1] = bits.word
    return 0


cdef inline int put_rice(uint64_t[::1] words, Bits *bits, uint64_t number, int low_count) except -1 nogil:
    cdef uint64_t high = number >> low_count
    cdef uint64_t low = number & ((<uint64_t>1 << low_count) - 1)
    if high < ESCAPE:
        if low_count < 44:
            return put(words, bits, (low << 1 | 1) << high, <int>high + 1 + low_count)
        put(words, bits, <uint64_t>1 << high, <int>high + 1)
        return put(words, bits, low, low_count)
    put(words, bits, 0, ESCAPE)
    put(words, bits, digits(number) - 1, 6)
    return put(words, bits, number, digits(number))


cdef inline uint64_t window(const uint64_t[::1] words, Py_ssize_t at) except? 0x5bd1e9955bd1e995 nogil:
    """The 64 bits from ``at``."""
    cdef Py_ssize_t place = at >> 6
    cdef int shift = at & 63
    return words[place] >> shift | (words[place + 1] << 1) << (63 - shift)


cdef inline uint64_t take_rice(const uint64_t[::1] words, Bits *bits, int low_count) except? 0x5bd1e9955bd1e995 nogil:
    """The next number; the caller sees to it that ``bits.at`` stays inside, 160 bits of zeros follow the end."""
    cdef uint64_t seen = window(words, bits.at)
    cdef int high, count
    if seen & ((1 << ESCAPE) - 1):
        high = low_zeros(seen)
        bits.at += high + 1
        if low_count < 44:
            seen = seen >> high >> 1
        else:
            seen = window(words, bits.at)
        bits.at += low_count
        return <uint64_t>high << low_count | seen & ((<uint64_t>1 << low_count) - 1)
    count = <int>(seen >> ESCAPE & 63) + 1
    bits.at += ESCAPE + 6
    seen = window(words, bits.at)
    bits.at += count
    return seen & (~<uint64_t>0 >> (64 - count))


cdef inline uint64_t folded(int64_t number) noexcept nogil:
    return <uint64_t>number << 1 ^ <uint64_t>(number >> 63)


cdef inline int64_t unfolded(uint64_t number) noexcept nogil:
    return <int64_t>(number >> 1 ^ -(number & 1))
