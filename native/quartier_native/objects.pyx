# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled reading of P1 lines; ``reference/objects.py`` says what it does, to the last bit."""

from libc.stdint cimport int64_t, uint8_t, uint64_t

from quartier_native.letters cimport (
    DIGIT,
    PRINTED,
    VISIBLE,
    letters_are,
    letters_are_one,
    letters_find,
    letters_hash,
    letters_key,
    letters_prepare,
)
from quartier_native.telegrams cimport NOTHING_MORE, Group, PyUnicode_1BYTE_DATA, group_of, letters_of

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)

cdef enum:
    DIGITS_MAX = 18
    WHOLE_MAX = 15
    DECIMALS_MAX = 9
    PART_MAX = 3
    UNIT_MAX = 16
    WORD_MAX = 16
    WORDS = 256
    OPEN = 0x28
    SHUT = 0x29
    STAR = 0x2A
    COLON = 0x3A

cdef str _NOTHING = ""
# Labels and units that were read lately, each in one place.
cdef uint64_t[WORDS] _LOW
cdef uint64_t[WORDS] _HIGH
cdef list _WORDS = [None] * WORDS
letters_prepare()


cdef struct Number:
    uint64_t digits
    Py_ssize_t count
    Py_ssize_t decimals  # -1: there is no point
    bint is_minus


cdef str _word(const uint8_t *start, const uint8_t *end):
    cdef uint64_t low, high
    cdef Py_ssize_t slot
    cdef str text
    if end - start > WORD_MAX:
        return letters_of(start, end - start)
    letters_key(start, end, &low, &high)
    slot = <Py_ssize_t>(letters_hash(low, high) >> 56)
    if _LOW[slot] == low and _HIGH[slot] == high and _WORDS[slot] is not None:
        return <str>_WORDS[slot]
    text = letters_of(start, end - start)
    _LOW[slot], _HIGH[slot] = low, high
    _WORDS[slot] = text
    return text


cdef const uint8_t *_behind_digits(const uint8_t *at, const uint8_t *end, Py_ssize_t most) noexcept nogil:
    """Behind 1 to ``most`` digits; NULL where there are none."""
    cdef const uint8_t *start = at
    while at < end and at - start < most and letters_are_one(at[0]) & DIGIT:
        at += 1
    if at == start:
        return NULL
    return at


cdef const uint8_t *_behind_label(const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Behind ``A-B:C.D.E`` or ``C.D.E``; NULL where it is no label, or one of another meter."""
    cdef const uint8_t *start = at
    cdef int part
    at = _behind_digits(at, end, PART_MAX)
    if at != NULL and at < end and at[0] == c"-":
        at = _behind_digits(at + 1, end, PART_MAX)
        if at == NULL or at == end or at[0] != COLON:
            return NULL
        if at - start == 3 and start[0] == c"0" and start[2] != c"0":
            return NULL
        at = _behind_digits(at + 1, end, PART_MAX)
    for part in range(2):
        if at == NULL or at == end or at[0] != c".":
            return NULL
        at = _behind_digits(at + 1, end, PART_MAX)
    return at


cdef const uint8_t *_behind_number(const uint8_t *at, const uint8_t *end, Number *number) noexcept nogil:
    """Behind a number; NULL where there is none."""
    cdef const uint8_t *start
    cdef const uint8_t *stop
    number.digits, number.decimals, number.is_minus = 0, -1, at < end and at[0] == c"-"
    start = at + number.is_minus
    stop = _behind_digits(start, end, WHOLE_MAX)
    if stop == NULL:
        return NULL
    number.count = stop - start
    if stop < end and stop[0] == c".":
        at = _behind_digits(stop + 1, end, DECIMALS_MAX)
        if at == NULL:
            return NULL
        number.decimals = at - stop - 1
        number.count += number.decimals
        stop = at
    if number.count <= DIGITS_MAX:
        while start < stop:
            if start[0] != c".":
                number.digits = 10 * number.digits + start[0] - 0x30
            start += 1
    return stop


cdef object _number(const Number *number):
    """A number of 18 digits at most, rounded once."""
    cdef double value, power = 1
    cdef Py_ssize_t place
    if number.decimals < 0:
        return -<int64_t>number.digits if number.is_minus else <int64_t>number.digits
    if number.digits <= <uint64_t>1 << 53:
        for place in range(number.decimals):
            power *= 10
        value = <double>number.digits / power
    else:
        value = <object>number.digits / 10 ** <object>number.decimals
    return -value if number.is_minus else value


def object_of(str row not None):
    """See ``quartier_native.reference.objects.object_of``."""
    cdef const uint8_t *at
    cdef const uint8_t *end
    cdef const uint8_t *label
    cdef const uint8_t *stop
    cdef Number number
    if not PyUnicode_IS_ASCII(row) or not row:
        return None
    at = <const uint8_t *>PyUnicode_1BYTE_DATA(row)
    end = at + len(row) - 1
    label = _behind_label(at, end)
    if label == NULL or label == end or label[0] != OPEN or end[0] != SHUT:
        return None
    stop = _behind_number(label + 1, end, &number)
    if stop != NULL and stop < end and stop[0] == STAR:
        if not 1 <= end - stop - 1 <= UNIT_MAX or not _is_plain(stop + 1, end, VISIBLE) or number.count > DIGITS_MAX:
            return None
        return group_of(_word(at, label), _number(&number), _word(stop + 1, end), _NOTHING, NOTHING_MORE)
    if not _is_plain(label + 1, end, PRINTED) or letters_find(label + 1, end, COLON) != end:
        return None
    if end - label > 1 and ((end - 1)[0] == c"S" or (end - 1)[0] == c"W"):
        return None
    if stop == end and number.decimals >= 0:
        if number.count > DIGITS_MAX:
            return None
        return group_of(_word(at, label), _number(&number), _NOTHING, _NOTHING, NOTHING_MORE)
    value = letters_of(label + 1, end - label - 1) if end - label > 1 else _NOTHING
    return group_of(_word(at, label), value, _NOTHING, _NOTHING, NOTHING_MORE)


cdef bint _is_plain(const uint8_t *at, const uint8_t *end, int kind) noexcept nogil:
    """Whether all letters are of a kind, and none a bracket or a star."""
    if not letters_are(at, end) & kind:
        return False
    while at < end:
        if OPEN <= at[0] <= STAR:
            return False
        at += 1
    return True


cdef bint _is_value(str row) except -1:
    """Whether a row begins with a bracket, blanks left out."""
    cdef Py_UCS4 first
    if not row:
        return False
    first = row[0]
    return first == c"(" or (not 0x20 < first < 0x7F and row.lstrip()[:1] == "(")


def read_objects(list rows not None, dict known not None, Group blank not None):
    """See ``quartier_native.reference.objects.read_objects``."""
    cdef list groups = [], others = []
    cdef Py_ssize_t place, count = len(rows)
    cdef str row
    for place in range(count):
        row = rows[place]
        group = known.get(row)
        if group is None:
            if place + 1 == count or not _is_value(rows[place + 1]):
                group = object_of(row)
            if group is None:
                others.append((place, row))
                group = blank
            else:
                known[row] = group
        groups.append(group)
    return groups, others
