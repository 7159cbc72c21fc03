"""One plan, for kernels that make many; ``reference/storage.py`` says what it is."""

from quartier_native.merges cimport Merge
from quartier_native.steps cimport Slope, Step

cdef struct Sums:
    double cost
    double excess_wh
    double short_wh
    double gap


cdef class Room:
    cdef Step *rows
    cdef Merge merge
    cdef int *first  # of a step, its first piece; one more at the end
    cdef Slope *least
    cdef Slope *most


cdef Room taken()
cdef void give(Room room) noexcept
cdef int planned(
    Room room, const double *steps, const double *store, int count, double *plan, Sums *sums
) noexcept nogil
