"""The merge of slopes and the values beside a plan; ``reference/storage.py`` says what they are.  A part of
``storage`` and ``sampled``.
"""

from libc.math cimport INFINITY
from libc.string cimport memmove

from quartier_native.steps cimport Piece, Slope, above, least

cdef struct Node:
    double breach
    double price
    int piece

cdef struct Merge:
    Piece *pieces
    Node *alive  # pieces by rising slope, from head to tail; both ends have room for all pieces
    int head
    int tail


cdef inline int insert(Merge *merge, int index, int at) noexcept nogil:
    """Put a piece into its place, which is not before ``at``; returns the place."""
    cdef Node *alive = merge.alive
    cdef const Piece *piece = &merge.pieces[index]
    cdef int low = at, count = merge.tail - at, half
    while count > 0:  # the first whose slope is higher: of equals the later piece stands later
        half = count >> 1
        if alive[low + half].breach < piece.breach or (
            alive[low + half].breach == piece.breach and alive[low + half].price <= piece.price
        ):
            low += half + 1
            count -= half + 1
        else:
            count = half
    if low - merge.head < merge.tail - low:
        memmove(&alive[merge.head - 1], &alive[merge.head], (low - merge.head) * sizeof(Node))
        merge.head -= 1
        low -= 1
    else:
        memmove(&alive[low + 1], &alive[low], (merge.tail - low) * sizeof(Node))
        merge.tail += 1
    alive[low].breach = piece.breach
    alive[low].price = piece.price
    alive[low].piece = index
    return low


cdef inline void cut_left(Merge *merge, double need_wh) noexcept nogil:
    """Take from the left, which is filled for good."""
    cdef double part_wh
    cdef Piece *piece
    while need_wh > 0.0 and merge.head < merge.tail:
        piece = &merge.pieces[merge.alive[merge.head].piece]
        part_wh = least(piece.left_wh, need_wh)
        piece.filled_wh += part_wh
        piece.left_wh -= part_wh
        need_wh -= part_wh
        if piece.left_wh <= 0.0:
            merge.head += 1


cdef inline void cut_right(Merge *merge, double need_wh) noexcept nogil:
    """Take from the right, which is never filled."""
    cdef double part_wh
    cdef Piece *piece
    while need_wh > 0.0 and merge.head < merge.tail:
        piece = &merge.pieces[merge.alive[merge.tail - 1].piece]
        part_wh = least(piece.left_wh, need_wh)
        piece.left_wh -= part_wh
        need_wh -= part_wh
        if piece.left_wh <= 0.0:
            merge.tail -= 1


cdef inline void fill_left(Merge *merge, double low_wh, double target_wh, double worth_price) noexcept nogil:
    """Fill from the left until the target stands and a piece costs what a Wh is worth."""
    cdef int place
    cdef double part_wh
    cdef Piece *piece
    for place in range(merge.head, merge.tail):
        piece = &merge.pieces[merge.alive[place].piece]
        if piece.breach > 0.0:
            break
        part_wh = piece.left_wh
        if piece.breach == 0.0 and piece.price >= worth_price:
            part_wh = least(part_wh, target_wh - low_wh)
            if part_wh <= 0.0:
                break
        piece.filled_wh += part_wh
        low_wh += part_wh


cdef inline void beside(
    const Piece *pieces, int first, int end, double near_wh, Slope *before, Slope *after
) noexcept nogil:
    """The slopes of a step below and above what is filled."""
    cdef int place
    cdef const Piece *piece
    before[0] = Slope(-INFINITY, 0.0)
    after[0] = Slope(INFINITY, 0.0)
    for place in range(first, end):
        piece = &pieces[place]
        if piece.filled_wh > near_wh:
            before[0] = Slope(piece.breach, piece.price)
        if after.breach == INFINITY and piece.length_wh - piece.filled_wh > near_wh:
            after[0] = Slope(piece.breach, piece.price)


cdef inline Slope first_value(Slope most, Slope least_there) noexcept nogil:
    """The value of a stored Wh in the first step, between the two."""
    if least_there.breach != -INFINITY:
        return least_there
    return Slope(0.0, 0.0) if most.breach == INFINITY else most


cdef inline Slope next_value(Slope value, Slope most, Slope least_there) noexcept nogil:
    """The value of a stored Wh in the next step: it changes only where it must."""
    if above(value, most):
        value = most
    if above(least_there, value):
        value = least_there
    if value.breach == -INFINITY or value.breach == INFINITY:
        value = Slope(0.0, 0.0)
    return value
