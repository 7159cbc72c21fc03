"""The merge of slopes and the values beside a plan; ``reference/storage.py`` says what they are.  A part of
``storage`` and ``sampled``.
"""

from libc.math cimport INFINITY
from libc.string cimport memcpy, memmove

from quartier_native.steps cimport Piece, Slope, above, least

cdef enum:
    BLOCK = 128  # nodes
    HALF = BLOCK // 2
    SHORT = 64  # nodes that are looked at one by one: most pieces belong near an end
    LONG = 512  # nodes in one stretch: where there are more an insertion moves too many

cdef struct Node:
    double breach
    double price
    int piece

cdef struct Block:
    int base  # its first place among the nodes; it has BLOCK of them
    int begin
    int end

cdef struct Merge:
    Piece *pieces
    Node *alive  # pieces by rising slope: in one stretch from head to tail, and in blocks once that is long
    int head
    int tail
    Block *blocks  # in order, from first to last
    int first
    int last
    int made  # how many were taken so far; 0: one stretch
    bint plain  # nothing lies beyond a cap so far: prices alone are compared
    int room  # for so many, and BLOCK nodes each

cdef struct Stand:  # where a plan stands on the pieces of a step; ``reference.storage.Stand``
    double moved_wh
    Slope before
    Slope after
    int inner  # the piece that is filled in part, or -1


cdef inline int blocks_most(int pieces_count) noexcept nogil:
    """Blocks begin half full and are divided when they are full, so that each has HALF pieces of its own."""
    return 2 + pieces_count // HALF


cdef inline void clear(Merge *merge) noexcept nogil:
    """Begin with nothing, and room for all pieces at both ends."""
    merge.first = merge.last = merge.made = 0
    merge.plain = True
    merge.head = merge.tail = HALF * merge.room


cdef inline void insert(Merge *merge, int first, int end) noexcept nogil:
    """Put the pieces of a step, which rise, where they belong."""
    cdef int index
    for index in range(first, end):
        merge.plain &= merge.pieces[index].breach == 0.0
    if merge.made > 0 or merge.tail - merge.head > LONG:
        insert_far(merge, first, end)
    elif merge.tail - merge.head > SHORT:
        insert_between(merge, first, end)
    elif merge.plain:
        insert_near(merge, first, end, True)
    else:
        insert_near(merge, first, end, False)


cdef inline void insert_near(Merge *merge, int first, int end, bint plain) noexcept nogil:
    """The same among few: they make room from the nearer end on.  ``plain`` is known where this is compiled."""
    cdef Node *alive = merge.alive
    cdef const Piece *piece
    cdef int at, index
    for index in range(first, end):
        piece = &merge.pieces[index]
        if merge.head < merge.tail and not_above(&alive[(merge.head + merge.tail) >> 1], piece, plain):
            at = merge.tail
            merge.tail += 1
            while not not_above(&alive[at - 1], piece, plain):
                alive[at] = alive[at - 1]
                at -= 1
        else:
            merge.head -= 1
            at = merge.head
            while at + 1 < merge.tail and not_above(&alive[at + 1], piece, plain):
                alive[at] = alive[at + 1]
                at += 1
        put(&alive[at], piece, index)


cdef inline bint not_above(const Node *node, const Piece *piece, bint plain) noexcept nogil:
    """Whether a piece belongs behind a node: of equals the later stands later."""
    if plain:
        return node.price <= piece.price
    return node.breach < piece.breach or (node.breach == piece.breach and node.price <= piece.price)


cdef inline void insert_between(Merge *merge, int first, int end) noexcept nogil:
    """The same among more, in one stretch."""
    cdef Node *alive = merge.alive
    cdef const Piece *piece
    cdef int at = merge.head, index
    for index in range(first, end):
        piece = &merge.pieces[index]
        at = behind(alive, at, merge.tail, piece)
        if at - merge.head < merge.tail - at:
            memmove(&alive[merge.head - 1], &alive[merge.head], (at - merge.head) * sizeof(Node))
            merge.head -= 1
            at -= 1
        else:
            memmove(&alive[at + 1], &alive[at], (merge.tail - at) * sizeof(Node))
            merge.tail += 1
        put(&alive[at], piece, index)


cdef inline void put(Node *node, const Piece *piece, int index) noexcept nogil:
    node.breach = piece.breach
    node.price = piece.price
    node.piece = index


cdef inline int behind(const Node *alive, int low, int end, const Piece *piece) noexcept nogil:
    """The first place whose slope is higher."""
    cdef int count = end - low, half
    while count > 0:
        half = count >> 1
        if not_above(&alive[low + half], piece, False):
            low += half + 1
            count -= half + 1
        else:
            count = half
    return low


cdef inline void insert_far(Merge *merge, int first, int end) noexcept nogil:
    """The same into blocks."""
    cdef Node *alive = merge.alive
    cdef const Piece *piece
    cdef Block *block
    cdef int number, low, count, half, at, index
    if merge.made == 0:
        spread(merge)
    number, at = merge.first, merge.blocks[merge.first].begin
    for index in range(first, end):
        piece = &merge.pieces[index]
        low, count = number + 1, merge.last - number
        while count > 0:  # the first block that begins behind the piece
            half = count >> 1
            block = &merge.blocks[low + half]
            if behind(alive, block.begin, block.begin + 1, piece) > block.begin:
                low += half + 1
                count -= half + 1
            else:
                count = half
        block = &merge.blocks[low - 1]
        if low - 1 != number:
            number, at = low - 1, block.begin
        at = behind(alive, at, block.end, piece)
        if block.end - block.begin == BLOCK:
            divide(merge, number)
            if at > block.end:
                at += block[1].begin - block.end
                number += 1
                block += 1
        if block.end == block.base + BLOCK or (block.begin > block.base and at - block.begin < block.end - at):
            memmove(&alive[block.begin - 1], &alive[block.begin], (at - block.begin) * sizeof(Node))
            block.begin -= 1
            at -= 1
        else:
            memmove(&alive[at + 1], &alive[at], (block.end - at) * sizeof(Node))
            block.end += 1
        put(&alive[at], piece, index)


cdef inline void spread(Merge *merge) noexcept nogil:
    """From one stretch into blocks that are half full: from the end of all places to their begin, in which the
    blocks never reach what is not in one yet.
    """
    cdef int count = merge.tail - merge.head, at = BLOCK * merge.room - count, part
    memmove(&merge.alive[at], &merge.alive[merge.head], count * sizeof(Node))
    while count > 0:
        part = HALF if count > HALF else count
        merge.last = merge.made
        merge.blocks[merge.last] = fresh(merge, part)
        memmove(&merge.alive[merge.blocks[merge.last].begin], &merge.alive[at], part * sizeof(Node))
        at += part
        count -= part


cdef inline Block fresh(Merge *merge, int count) noexcept nogil:
    """A block with so many nodes in its middle."""
    cdef int base = BLOCK * merge.made, begin = base + (BLOCK - count) // 2
    merge.made += 1
    return Block(base, begin, begin + count)


cdef inline void divide(Merge *merge, int number) noexcept nogil:
    """Move the second half of a full block to one of its own, which stands behind it."""
    cdef Block *block = &merge.blocks[number]
    memmove(block + 2, block + 1, (merge.last - number) * sizeof(Block))
    block.end = block.begin + HALF
    block[1] = fresh(merge, HALF)
    memcpy(&merge.alive[block[1].begin], &merge.alive[block.end], HALF * sizeof(Node))
    merge.last += 1


cdef inline double take_left(const Merge *merge, int *begin, int end, double need_wh) noexcept nogil:
    """Take from the left of a stretch; returns what is still needed."""
    cdef double part_wh
    cdef Piece *piece
    while need_wh > 0.0 and begin[0] < end:
        piece = &merge.pieces[merge.alive[begin[0]].piece]
        part_wh = least(piece.left_wh, need_wh)
        piece.filled_wh += part_wh
        piece.left_wh -= part_wh
        need_wh -= part_wh
        if piece.left_wh <= 0.0:
            begin[0] += 1
    return need_wh


cdef inline double take_right(const Merge *merge, int begin, int *end, double need_wh) noexcept nogil:
    cdef double part_wh
    cdef Piece *piece
    while need_wh > 0.0 and begin < end[0]:
        piece = &merge.pieces[merge.alive[end[0] - 1].piece]
        part_wh = least(piece.left_wh, need_wh)
        piece.left_wh -= part_wh
        need_wh -= part_wh
        if piece.left_wh <= 0.0:
            end[0] -= 1
    return need_wh


cdef inline void cut_left(Merge *merge, double need_wh) noexcept nogil:
    """Take from the left, which is filled for good."""
    cdef Block *block
    if merge.made == 0:
        take_left(merge, &merge.head, merge.tail, need_wh)
        return
    while True:
        block = &merge.blocks[merge.first]
        need_wh = take_left(merge, &block.begin, block.end, need_wh)
        if block.begin < block.end or merge.first == merge.last:
            return
        merge.first += 1


cdef inline void cut_right(Merge *merge, double need_wh) noexcept nogil:
    """Take from the right, which is never filled."""
    cdef Block *block
    if merge.made == 0:
        take_right(merge, merge.head, &merge.tail, need_wh)
        return
    while True:
        block = &merge.blocks[merge.last]
        need_wh = take_right(merge, block.begin, &block.end, need_wh)
        if block.begin < block.end or merge.first == merge.last:
            return
        merge.last -= 1


cdef inline bint bound(
    Merge *merge, double floor_wh, double ceiling_wh, double near_wh, double *low_wh, double *high_wh
) noexcept nogil:
    """Cut what does not stay between floor and ceiling; the least and most energy so far are ``low_wh`` and
    ``high_wh``.  Whether any does.
    """
    cdef double need_wh
    if floor_wh - high_wh[0] > near_wh or low_wh[0] - ceiling_wh > near_wh:
        return False
    need_wh = floor_wh - low_wh[0]
    if need_wh > 0.0:
        low_wh[0] = floor_wh
        cut_left(merge, need_wh)
    need_wh = high_wh[0] - ceiling_wh
    if need_wh > 0.0:
        high_wh[0] = ceiling_wh
        cut_right(merge, need_wh)
    return True


cdef inline void fill_left(Merge *merge, double low_wh, double target_wh, double worth_price) noexcept nogil:
    """Fill from the left until the target stands and a piece costs what a Wh is worth."""
    cdef int number, place
    cdef double part_wh
    cdef Piece *piece
    if merge.made == 0:
        merge.blocks[0].begin, merge.blocks[0].end = merge.head, merge.tail
    for number in range(merge.first, merge.last + 1):
        for place in range(merge.blocks[number].begin, merge.blocks[number].end):
            piece = &merge.pieces[merge.alive[place].piece]
            if piece.breach > 0.0:
                return
            part_wh = piece.left_wh
            if piece.breach == 0.0 and piece.price >= worth_price:
                part_wh = least(part_wh, target_wh - low_wh)
                if part_wh <= 0.0:
                    return
            piece.filled_wh += part_wh
            low_wh += part_wh


cdef inline Stand stand(const Piece *pieces, int first, int end, double near_wh, double low_wh) noexcept nogil:
    """Where the plan stands on a step's pieces, ``low_wh`` being where the first begins."""
    cdef Stand made = Stand(low_wh, Slope(-INFINITY, 0.0), Slope(INFINITY, 0.0), -1)
    cdef int place = first
    cdef const Piece *piece
    while place < end:
        piece = &pieces[place]
        place += 1
        made.moved_wh += piece.filled_wh
        if piece.length_wh - piece.filled_wh > near_wh:
            made.after = Slope(piece.breach, piece.price)
            if piece.filled_wh > near_wh:
                made.before = made.after
                made.inner = place - 1
            break
        if piece.filled_wh > near_wh:
            made.before = Slope(piece.breach, piece.price)
    # Where numbers are so large that a full piece seems not to be, more is filled behind it.
    while place < end and pieces[place].filled_wh != 0.0:
        made.moved_wh += pieces[place].filled_wh
        place += 1
    return made


cdef inline double begin_of(const Piece *pieces, int first, int piece, double low_wh) noexcept nogil:
    """Where one of a step's pieces begins, ``low_wh`` being where the first does."""
    cdef int place
    for place in range(first, piece):
        low_wh += pieces[place].length_wh
    return low_wh


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
