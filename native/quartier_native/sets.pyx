# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled reading of data sets; ``reference/sets.py`` says what it does, to the last bit."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcmp, memcpy

from quartier_native.letters cimport (
    PRINTED,
    VISIBLE,
    letters_are,
    letters_are_one,
    letters_find,
    letters_hash,
    letters_key,
    letters_prepare,
    letters_sum,
    letters_xor,
)
from quartier_native.telegrams cimport NOTHING_MORE, Group, Telegram, group_of, letters_of

cdef enum:
    MEASURE = 1
    STRICT = 2
    RANK_SHIFT = 4
    RANK_MAX = 15
    USUAL = 1
    XOR = 0
    SUM = 1
    SETS_MAX = 1500
    BLOCK_MAX = 32000
    SUMMED_MAX = 2048
    ADDRESS_MAX = 32
    VALUE_MAX = 64
    UNIT_MAX = 16
    DIGITS_MAX = 18
    IDENTITY_MAX = 90
    ROWS = 64
    ROW_MAX = 48
    SLOTS = 256
    WORD_MAX = 16
    STX = 0x02
    ETX = 0x03
    LF = 0x0A
    CR = 0x0D
    SP = 0x20
    OPEN = 0x28
    SHUT = 0x29
    SLASH = 0x2F

cdef uint64_t _EXACT_MAX = <uint64_t>1 << 53
cdef double[DIGITS_MAX + 1] _POWERS
cdef str _NOTHING = ""


cdef void _prepare() noexcept:
    cdef int place
    cdef double power = 1
    letters_prepare()
    for place in range(DIGITS_MAX + 1):
        _POWERS[place] = power
        power *= 10


_prepare()


cdef class _Words:
    """What a mapping says of short words, at hand for those that were asked for lately."""

    cdef object source
    cdef uint64_t[SLOTS] low
    cdef uint64_t[SLOTS] high
    cdef list texts
    cdef int[SLOTS] known

    def __init__(self, source):
        self.source = source
        self.texts = [None] * SLOTS

    cdef str text(self, const uint8_t *start, const uint8_t *end, int *known):
        """The text of a word, and what is known of it; None where it is no word."""
        cdef uint64_t low, high
        cdef Py_ssize_t slot
        cdef str text
        if end - start > WORD_MAX:
            return self.asked(start, end, known)
        letters_key(start, end, &low, &high)
        slot = <Py_ssize_t>(letters_hash(low, high) >> 56)
        if self.low[slot] == low and self.high[slot] == high and self.texts[slot] is not None:
            known[0] = self.known[slot]
            return <str>self.texts[slot]
        text = self.asked(start, end, known)
        if text is not None:
            self.low[slot], self.high[slot], self.known[slot] = low, high, known[0]
            self.texts[slot] = text
        return text

    cdef str asked(self, const uint8_t *start, const uint8_t *end, int *known):
        found = self.source[start[:end - start]]
        if found is None:
            return None
        known[0] = found[1]
        return <str?>found[0]


cdef class SetReader:
    """See ``quartier_native.reference.sets.SetReader``.  Remembers the sets of the last message by their places."""

    cdef _Words labels
    cdef _Words units
    cdef list said
    cdef uint8_t[ROWS][ROW_MAX] rows
    cdef uint8_t[ROWS] sizes
    cdef int[ROWS] known
    cdef bint[ROWS] usual
    # of the set read last
    cdef int rank
    cdef bint is_usual

    def __init__(self, labels, units):
        self.labels = _Words(labels)
        self.units = _Words(units)
        self.said = [None] * ROWS

    def sets(self, bytes block not None, Py_ssize_t at, list groups not None, *, bint is_checked):
        """See ``quartier_native.reference.sets.SetReader.sets``."""
        cdef const uint8_t *begin = <const uint8_t *>PyBytes_AS_STRING(block)
        cdef const uint8_t *end = begin + PyBytes_GET_SIZE(block)
        cdef const uint8_t *here
        cdef Group group
        if not 0 <= at <= end - begin:
            raise ValueError("at must be within the block")
        here = begin + at
        while len(groups) < SETS_MAX:
            here = _behind_lines(here, end)
            group = self.group(&here, end, len(groups), is_checked)
            if group is None:
                break
            groups.append(group)
        return here - begin

    def messages(
        self, bytes data not None, Py_ssize_t at, int check, str speaker not None, bad_count,
        list telegrams not None
    ):
        """See ``quartier_native.reference.sets.SetReader.messages``."""
        cdef const uint8_t *begin = <const uint8_t *>PyBytes_AS_STRING(data)
        cdef const uint8_t *end = begin + PyBytes_GET_SIZE(data)
        cdef const uint8_t *here
        cdef Py_ssize_t sets_count = 0
        cdef Telegram telegram
        if not 0 <= at <= end - begin:
            raise ValueError("at must be within the data")
        here = begin + at
        while here < end and here[0] == STX and letters_find(here, end, ETX) < end:
            telegram = self.message(&here, end, check, speaker)
            if telegram is None:
                break
            telegram.bad_count = bad_count
            bad_count = 0
            sets_count += len(telegram.groups)
            telegrams.append(telegram)
        return here - begin, sets_count

    cdef Telegram message(self, const uint8_t **here, const uint8_t *end, int check, str speaker):
        """The message that stands here, gone behind; None where it is not plain, or goes on."""
        cdef const uint8_t *begin = here[0] + 1
        cdef const uint8_t *at = begin
        cdef Py_ssize_t count = 0
        cdef list groups = []
        cdef str meter = _NOTHING, text
        cdef int best = RANK_MAX + 1, seen = 0
        cdef Group group
        cdef Telegram telegram
        while count < SETS_MAX:
            at = _behind_lines(at, end)
            group = self.group(&at, end, count, True)
            if group is None:
                break
            groups.append(group)
            count += 1
            if self.rank and not seen >> self.rank & 1:
                seen |= 1 << self.rank
                if self.rank < best:
                    text = str(group.value).strip(" ")
                    if text:
                        meter, best = text, self.rank
        if at < end and at[0] == c"!":
            at = _behind_lines(at + 1, end)
        if count == 0 or end - at < 2 or at[0] != ETX or at + 1 - begin > BLOCK_MAX or at[1] > 0x7F:
            return None
        if check == XOR and letters_xor(begin, at + 1) != at[1]:
            return None
        if check == SUM and _summed(begin, at + 1) != at[1]:
            return None
        here[0] = at + 2
        telegram = Telegram.__new__(Telegram)
        telegram.meter = meter or speaker
        telegram.groups = tuple(groups)
        telegram.is_whole = True
        telegram.is_proven = False
        return telegram

    cdef Group group(self, const uint8_t **here, const uint8_t *end, Py_ssize_t place, bint is_checked):
        """The group of the set that stands here, gone behind; None where it is not plain."""
        cdef const uint8_t *at = here[0]
        cdef const uint8_t *start
        cdef const uint8_t *stop
        cdef const uint8_t *limit
        cdef Py_ssize_t size
        cdef int known = 0
        cdef str label
        cdef Group group
        if place < ROWS:
            size = self.sizes[place]
            if size and end - at >= size and memcmp(at, &self.rows[place][0], size) == 0:
                if (is_checked or self.usual[place]) and not (end - at > size and at[size] == OPEN):
                    here[0], self.rank = at + size, self.known[place] >> RANK_SHIFT
                    return <Group>self.said[place]
        limit = at + ADDRESS_MAX + 1 if end - at > ADDRESS_MAX + 1 else end
        start = at
        while start < limit and start[0] != OPEN:
            if not letters_are_one(start[0]) & VISIBLE or start[0] == SHUT:
                return None
            start += 1
        if start >= limit or start == at:
            return None
        label = self.labels.text(at, start, &known)
        if label is None or not (is_checked or known & STRICT):
            return None
        start += 1
        stop = letters_find(start, start + VALUE_MAX + 1 if end - start > VALUE_MAX + 1 else end, SHUT)
        if stop == end or stop - start > VALUE_MAX or (end - stop > 1 and stop[1] == OPEN):
            return None
        group = self.said_of(start, stop, label, known)
        if group is None or not (is_checked or self.is_usual):
            return None
        stop += 1
        here[0], self.rank = stop, known >> RANK_SHIFT
        if place < ROWS and stop - at <= ROW_MAX:
            memcpy(&self.rows[place][0], at, stop - at)
            self.sizes[place] = <uint8_t>(stop - at)
            self.said[place] = group
            self.known[place] = known
            self.usual[place] = self.is_usual and known & STRICT
        return group

    cdef Group said_of(self, const uint8_t *start, const uint8_t *end, str label, int known):
        """What stands between the brackets; None where it is not plain."""
        cdef const uint8_t *at = start
        cdef const uint8_t *point = NULL
        cdef uint64_t number = 0
        cdef int digits = 0, unit_known = USUAL
        cdef bint is_minus = False
        cdef str unit = _NOTHING
        cdef object value
        self.is_usual = True
        if at < end and (at[0] == c"+" or at[0] == c"-"):
            is_minus = at[0] == c"-"
            at += 1
        while at < end:
            if 0x30 <= at[0] <= 0x39:
                digits += 1
                if digits <= DIGITS_MAX:
                    number = 10 * number + at[0] - 0x30
            elif digits and point == NULL and (at[0] == c"." or at[0] == c","):
                point = at
            else:
                break
            at += 1
        if not digits or (at < end and (at[0] != c"*" or end - at < 2)):
            return _worded(start, end, label)
        if digits > DIGITS_MAX or end - at - 1 > UNIT_MAX:
            return None
        if at < end:
            if not letters_are(at + 1, end) & VISIBLE or letters_find(at, end, OPEN) != end:
                return None
            unit = self.units.text(at + 1, end, &unit_known)
            if unit is None:
                return None
            self.is_usual = unit_known & USUAL
        elif point == NULL and not known & MEASURE:
            return group_of(label, letters_of(start, end - start), _NOTHING, _NOTHING, NOTHING_MORE)
        if point == NULL:
            value = -<int64_t>number if is_minus else <int64_t>number
        else:
            value = _real(number, at - point - 1, is_minus)
        return group_of(label, value, unit, _NOTHING, NOTHING_MORE)


cdef object _real(uint64_t number, Py_ssize_t decimals, bint is_minus):
    """A number of 18 digits at most with so many behind its point, rounded once."""
    cdef double value
    if number <= _EXACT_MAX:
        value = <double>number / _POWERS[decimals]
    else:
        value = <object>number / 10 ** <object>decimals
    return -value if is_minus else value


cdef Group _worded(const uint8_t *start, const uint8_t *end, str label):
    """A text; None for what may be a number in another way, or several of them."""
    cdef const uint8_t *at = start
    cdef uint8_t first
    if start == end:
        return group_of(label, _NOTHING, _NOTHING, _NOTHING, NOTHING_MORE)
    first = start[0]
    if first == SP or first == c"." or first == c"," or first == c"+" or first == c"-" or (end - 1)[0] == SP:
        return None
    if not letters_are(start, end) & PRINTED:
        return None
    while at < end:
        if at[0] == c"&" or at[0] == c"*" or at[0] == OPEN:
            return None
        at += 1
    return group_of(label, letters_of(start, end - start), _NOTHING, _NOTHING, NOTHING_MORE)


cdef const uint8_t *_behind_lines(const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Where the next line begins."""
    while at < end and (at[0] == CR or at[0] == LF):
        at += 1
    return at


cdef int _summed(const uint8_t *at, const uint8_t *end) noexcept nogil:
    cdef uint64_t sum = 0
    while end - at > SUMMED_MAX:
        sum += letters_sum(at, at + SUMMED_MAX)
        at += SUMMED_MAX
    return (sum + letters_sum(at, end)) & 0x7F


def checked(bytes block not None, int check):
    """See ``quartier_native.reference.sets.checked``."""
    cdef const uint8_t *begin = <const uint8_t *>PyBytes_AS_STRING(block)
    cdef const uint8_t *end = begin + PyBytes_GET_SIZE(block)
    return _summed(begin, end) if check == SUM else letters_xor(begin, end)


def goes_on(bytes data not None, Py_ssize_t at):
    """See ``quartier_native.reference.sets.goes_on``."""
    cdef const uint8_t *here = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef const uint8_t *end = here + PyBytes_GET_SIZE(data)
    cdef const uint8_t *limit
    if not 0 <= at <= end - here:
        raise ValueError("at must be within the data")
    here += at
    while here < end:
        if here[0] == STX or here[0] == ETX or here[0] > 0x7F:
            return False
        if here[0] == SLASH:
            limit = here + 1 + IDENTITY_MAX if end - here > 1 + IDENTITY_MAX else end
            here += 1
            while here < limit and here[0] != OPEN and here[0] != SHUT:
                if here[0] == LF or here[0] == SLASH or here[0] == STX or here[0] == ETX or here[0] > 0x7F:
                    return False
                here += 1
            if here == limit:
                return False
        here += 1
    return True
