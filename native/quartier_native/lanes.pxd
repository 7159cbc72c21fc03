"""The loops over whole blocks that are written in C, for the other kernels."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "lanes.h" nogil:
    enum:
        BLOCK "LANES_BLOCK"
        BYTES_MAX "LANES_BYTES_MAX"
        EXCEPTIONS_MAX "LANES_EXCEPTIONS_MAX"
        EXCEPTIONS_PRICE "LANES_EXCEPTIONS_PRICE"
    int digits "lanes_digits"(uint64_t number) noexcept
    int low_zeros "lanes_low_zeros"(uint64_t number) noexcept  # of a number that is not 0
    int64_t lanes_pack(const uint32_t *codes, int count, uint8_t *out) noexcept
    int64_t lanes_unpack(const uint8_t *data, int64_t size, int count, uint32_t *codes, int *most) noexcept

cdef extern from "columns.h" nogil:
    # The steps have a place before the first.
    bint lanes_steps(const int64_t *numbers, int64_t count, int32_t *steps, uint64_t *changes) noexcept
    void lanes_small_steps(const int32_t *numbers, int64_t count, int32_t *steps, uint64_t *changes) noexcept
    int64_t lanes_unlike(
        const int32_t *steps, int64_t index, int64_t count, int shift, uint32_t inverse, uint32_t limit
    ) noexcept
    void lanes_divide(int32_t *steps, int64_t count, int shift, uint32_t inverse) noexcept
    int64_t lanes_median(int64_t *nine) noexcept
    void lanes_weigh(const int32_t *steps, int32_t drift, int32_t *plain, int32_t *changing) noexcept
    void lanes_codes(const int32_t *steps, int count, int order, int32_t drift, uint32_t *codes) noexcept
    int64_t lanes_local(
        const uint32_t *codes, int count, int order, int most, int64_t *slope, int32_t *local
    ) noexcept
    void lanes_numbers(
        const int32_t *local, int count, int64_t start, int64_t unit, int64_t *numbers
    ) noexcept
    void lanes_ramp(int64_t *numbers, int64_t count, int64_t start, int64_t step) noexcept

cdef extern from "decimals.h" nogil:
    bint lanes_decimals(
        const int32_t *local, int count, int32_t start, int32_t unit, double high, double low, double sign,
        bint single, double *values,
    ) noexcept
    bint lanes_small(
        const double *values, int64_t count, double ten, double high, double low, double sign, bint single,
        int32_t *numbers,
    ) noexcept
    bint lanes_large(
        const double *values, int64_t count, double ten, double tenth, double sign, bint single, int64_t *numbers
    ) noexcept
    int lanes_fitting(const double *values, int count, double ten, double tenth, bint single) noexcept
