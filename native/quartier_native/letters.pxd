"""The loops over letters that are written in C, for the kernels of meters."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from "letters.h" nogil:
    enum:
        DIGIT "LETTERS_DIGIT"
        CAPITAL "LETTERS_CAPITAL"
        HEX_DIGIT "LETTERS_HEX"
        TEXT "LETTERS_TEXT"
        VISIBLE "LETTERS_VISIBLE"
        PRINTED "LETTERS_PRINTED"
    void letters_prepare() noexcept
    int letters_are(const uint8_t *at, const uint8_t *end) noexcept
    int letters_are_one(uint8_t letter) noexcept
    uint32_t letters_sum(const uint8_t *at, const uint8_t *end) noexcept
    int letters_xor(const uint8_t *at, const uint8_t *end) noexcept
    const uint8_t *letters_find(const uint8_t *at, const uint8_t *end, int letter) noexcept
    void letters_key(const uint8_t *at, const uint8_t *end, uint64_t *low, uint64_t *high) noexcept
    uint64_t letters_hash(uint64_t low, uint64_t high) noexcept
