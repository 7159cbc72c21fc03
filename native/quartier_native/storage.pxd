"""One plan, for kernels that make many; ``reference/storage.py`` says what it is."""

from quartier_native.steps cimport Piece, Slope, Step

cdef struct Node:
    double breach
    double price
    int piece

cdef struct Sums:
    double cost
    double excess_wh
    double short_wh
    double gap


cdef class Room:
    cdef Step *rows
    cdef Piece *pieces
    cdef int *first  # of a step, its first piece; one more at the end
    cdef Node *alive  # pieces by rising slope, from head to tail; both ends have room for all pieces
    cdef int head
    cdef int tail
    cdef Slope *least
    cdef Slope *most


cdef Room taken()
cdef void give(Room room) noexcept
cdef int planned(
    Room room, const double *steps, const double *store, int count, double *plan, Sums *sums
) noexcept nogil
