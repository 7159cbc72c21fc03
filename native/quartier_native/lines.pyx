# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled reading of TIC lines; ``reference/lines.py`` says what it does, to the last bit."""

from types import MappingProxyType

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from quartier_native.letters cimport CAPITAL, DIGIT, HEX_DIGIT, TEXT, letters_are, letters_find, letters_hash
from quartier_native.letters cimport letters_key, letters_prepare, letters_sum
from quartier_native.telegrams cimport NOTHING_MORE, Group, Telegram, group_of, letters_of

cdef enum:
    FIRST = 1
    ADDRESS = 2
    OTHER_ADDRESS = 4
    SHORT = 8
    DIGITS = 0
    HEX = 1
    CAPITALS = 2
    LETTERS = 3
    SWITCHINGS = 4
    ONE_OF = 5
    LINE_MAX = 120
    GROUPS_MAX = 128
    KINDS_MAX = 255
    LABEL_MAX = 15
    LEAST = 5
    TIME_SIZE = 13
    SWITCHING_SIZE = 8
    SLOTS = 1024
    STX = 0x02
    ETX = 0x03
    EOT = 0x04
    HT = 0x09
    LF = 0x0A
    CR = 0x0D
    SP = 0x20

cdef struct Shape:
    uint64_t low
    uint64_t high
    uint8_t size
    uint8_t separator
    uint8_t form
    uint8_t width
    uint8_t role
    bint is_timed

cdef tuple _SEASONS = (NOTHING_MORE, *(MappingProxyType({"season": letter}) for letter in "EHeh"))
cdef str _NO_TIME = ""
cdef uint8_t[256] _CONTROLS
letters_prepare()
_CONTROLS[STX] = _CONTROLS[0x82] = STX
_CONTROLS[ETX] = ETX
_CONTROLS[EOT] = _CONTROLS[0x84] = EOT
_CONTROLS[LF] = LF
_CONTROLS[CR] = _CONTROLS[0x8D] = CR


cdef class LineKinds:
    """See ``quartier_native.reference.lines.LineKinds``."""

    cdef Shape[KINDS_MAX] shapes
    cdef uint8_t[SLOTS] slots  # the place of a shape + 1, or 0
    cdef list labels, units, values
    cdef dict places
    cdef int count

    def __init__(self, kinds):
        cdef bytes key
        cdef Shape *shape
        cdef const uint8_t *start
        cdef Py_ssize_t slot
        self.labels, self.units, self.values, self.places = [], [], [], {}
        self.count = 0
        for slot in range(SLOTS):
            self.slots[slot] = 0
        for kind in kinds:
            is_label = 0 < len(kind.label) <= LABEL_MAX and all("!" <= letter <= "~" for letter in kind.label)
            is_new = kind.label not in self.places and self.count < KINDS_MAX
            if not is_label or not is_new or kind.separator not in (HT, SP):
                raise ValueError(f"{kind.label!r} is no label, or one too many")
            key = kind.label.encode() + bytes((kind.separator,))
            start = <const uint8_t *>PyBytes_AS_STRING(key)
            shape = &self.shapes[self.count]
            letters_key(start, start + len(key), &shape.low, &shape.high)
            shape.size = len(kind.label)
            shape.separator = kind.separator
            shape.form = kind.form
            shape.width = kind.width
            shape.role = kind.role
            shape.is_timed = kind.is_timed
            self.places[kind.label] = self.count
            self.labels.append(kind.label)
            self.units.append(kind.unit)
            self.values.append({value: value.decode() for value in kind.values})
            self.count += 1
            slot = self.slot(shape.low, shape.high)
            while self.slots[slot]:
                slot = (slot + 1) % SLOTS
            self.slots[slot] = self.count

    def group(self, bytes line not None):
        """See ``quartier_native.reference.lines.LineKinds.group``."""
        cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(line)
        cdef const uint8_t *end = start + PyBytes_GET_SIZE(line)
        cdef int place = self.find(start, end)
        return None if place < 0 or end - start < LEAST else self.said(start, end, place)

    cdef inline Py_ssize_t slot(self, uint64_t low, uint64_t high) noexcept nogil:
        return <Py_ssize_t>(letters_hash(low, high) >> 54)

    cdef int find(self, const uint8_t *start, const uint8_t *end) noexcept nogil:
        """The shape whose label and separator stand first, -1 where none does."""
        cdef uint64_t low, high
        cdef Py_ssize_t slot
        cdef const uint8_t *at = start
        cdef Shape *shape
        if end - start > LABEL_MAX + 1:
            end = start + LABEL_MAX + 1
        while at < end and at[0] > SP:
            at += 1
        if at == end or not (at[0] == SP or at[0] == HT):
            return -1
        letters_key(start, at + 1, &low, &high)
        slot = self.slot(low, high)
        while self.slots[slot]:
            shape = &self.shapes[self.slots[slot] - 1]
            if shape.low == low and shape.high == high:
                return self.slots[slot] - 1
            slot = (slot + 1) % SLOTS
        return -1

    cdef Group said(self, const uint8_t *at, const uint8_t *end, int place):
        """What a line says; None where it is no such line."""
        cdef Shape *shape = &self.shapes[place]
        cdef const uint8_t *start = at + shape.size + 1
        cdef const uint8_t *stop = end - 2
        cdef int season
        cdef str time = _NO_TIME, value
        cdef object more = NOTHING_MORE
        if start > stop or stop[0] != shape.separator:
            return None
        if ((letters_sum(at, stop) + (HT if stop[0] == HT else 0)) & 0x3F) + 0x20 != stop[1]:
            return None
        if shape.is_timed:
            season = _season(start, stop)
            if season < 0 or start[TIME_SIZE] != shape.separator:
                return None
            time, more = _iso(start), _SEASONS[season]
            start += TIME_SIZE + 1
        if shape.form == ONE_OF:
            value = <str>(<dict>self.values[place]).get(start[:stop - start])
            if value is None:
                return None
        elif _is_fit(start, stop, shape.form, shape.width):
            value = letters_of(start, stop - start) if start < stop else _NO_TIME
        else:
            return None
        return group_of(<str>self.labels[place], value, <str>self.units[place], time, more)


cdef class LineReader:
    """See ``quartier_native.reference.lines.LineReader``.  Remembers the last line of each label."""

    cdef readonly Py_ssize_t good_count, bad_count, frames_count, resync_count
    cdef readonly int after
    cdef LineKinds kinds
    cdef list frame, said  # the groups of the frame; the last group of each label
    cdef Py_ssize_t count, told_count, others_count  # how many in the frame: all, told ahead, not short
    cdef Py_ssize_t refused_count
    cdef Group address
    cdef bint begin_seen, is_begun, is_sure, is_hurt, is_line_end
    cdef uint64_t number  # of the frame
    cdef uint64_t[KINDS_MAX] seen  # in which frame each label was
    cdef uint8_t[KINDS_MAX][LINE_MAX] rows
    cdef uint8_t[KINDS_MAX] sizes

    def __init__(self, LineKinds kinds not None):
        self.kinds = kinds
        self.frame = [None] * GROUPS_MAX
        self.said = [None] * kinds.count
        self.number = 1

    def read(self, bytes data not None, Py_ssize_t at, list telegrams not None):
        """See ``quartier_native.reference.lines.LineReader.read``."""
        cdef const uint8_t *begin = <const uint8_t *>PyBytes_AS_STRING(data)
        cdef const uint8_t *end = begin + PyBytes_GET_SIZE(data)
        cdef const uint8_t *here
        if at < 0:
            raise ValueError("at must not be negative")
        here = begin + at
        while here < end:
            if _CONTROLS[here[0]]:
                self.controlled(_CONTROLS[here[0]], telegrams, True, True)
                here += 1
                continue
            if self.after == LF and self.line(&here, end, telegrams):
                continue
            at = here - begin
            while here < end and not _CONTROLS[here[0]]:
                here += 1
            return at, here - begin if here < end else -1
        return here - begin if here == end else at, -1

    def add(self, Group group not None, list telegrams not None):
        """See ``quartier_native.reference.lines.LineReader.add``."""
        self.added(group, self.kinds.places.get(group.label, -1), telegrams)

    def refuse(self):
        """See ``quartier_native.reference.lines.LineReader.refuse``."""
        if self.after and not self.is_hurt:
            self.is_hurt = True
            self.refused_count += 1
            self.bad_count += 1

    def control(self, int control, list telegrams not None, *, bint is_close, bint is_sound):
        """See ``quartier_native.reference.lines.LineReader.control``."""
        self.controlled(control, telegrams, is_close, is_sound)

    def end(self, list telegrams not None):
        """See ``quartier_native.reference.lines.LineReader.end``."""
        self.finish(telegrams, False)
        self.after, self.begin_seen = 0, False
        self.is_hurt = self.is_line_end = False

    def ahead(self):
        """See ``quartier_native.reference.lines.LineReader.ahead``."""
        cdef list groups = self.frame[self.told_count:self.count]
        self.told_count = self.count
        return groups

    cdef bint line(self, const uint8_t **here, const uint8_t *end, list telegrams) except -1:
        """Add the group of the line that stands here, if it is one, and go behind its end."""
        cdef const uint8_t *at = here[0]
        cdef const uint8_t *stop
        cdef int place = self.kinds.find(at, end)
        cdef Py_ssize_t size
        cdef Group group
        if place < 0:
            return False
        size = self.sizes[place]
        if size and end - at > size and at[size] == CR and memcmp(at, &self.rows[place][0], size) == 0:
            group = <Group>self.said[place]
        else:
            if end - at > LINE_MAX:
                end = at + LINE_MAX
            stop = letters_find(at, end, CR)
            size = stop - at
            if stop == end or size < LEAST:
                return False
            group = self.kinds.said(at, stop, place)
            if group is None:
                return False
            memcpy(&self.rows[place][0], at, size)
            self.sizes[place] = <uint8_t>size
            self.said[place] = group
        self.added(group, place, telegrams)
        self.after, self.is_line_end = CR, True
        here[0] = at + size + 1
        return True

    cdef int added(self, Group group, int place, list telegrams) except -1:
        cdef int role = self.kinds.shapes[place].role if place >= 0 else 0
        cdef bint is_first = role & FIRST and not (role & OTHER_ADDRESS and self.others_count == 0)
        if self.count and (is_first or self.count >= GROUPS_MAX or self.has(group, place)):
            self.finish(telegrams, False)
        self.is_hurt = False
        if self.count == 0:
            self.is_begun = self.begin_seen
        self.begin_seen = False
        self.frame[self.count] = group
        self.count += 1
        self.good_count += 1
        if place >= 0:
            self.seen[place] = self.number
        if not role & SHORT:
            self.others_count += 1
        if role & ADDRESS or (role & OTHER_ADDRESS and not self.is_sure):
            self.address = group
            self.is_sure = role & ADDRESS
        return 0

    cdef bint has(self, Group group, int place) except -1:
        """Whether the frame has a group of this label."""
        cdef Py_ssize_t number
        if place >= 0:
            return self.seen[place] == self.number
        for number in range(self.count):
            if (<Group>self.frame[number]).label == group.label:
                return True
        return False

    cdef int controlled(self, int control, list telegrams, bint is_close, bint is_sound) except -1:
        if control == ETX and is_sound:
            self.finish(telegrams, True)
        elif control == STX:
            if is_close and (self.after == ETX or self.after == EOT):
                self.finish(telegrams, self.after == ETX)
            self.begin_seen = True
        self.is_line_end = control == CR or (is_close and self.is_line_end)
        if control == LF and self.is_line_end:
            self.is_hurt = False
        self.after = control
        return 0

    cdef int finish(self, list telegrams, bint is_ended) except -1:
        cdef Telegram telegram
        cdef tuple groups
        cdef Py_ssize_t place
        cdef object group
        if self.count == 0:
            return 0
        groups = PyTuple_New(self.count)
        for place in range(self.count):
            group = self.frame[place]
            Py_INCREF(group)
            PyTuple_SET_ITEM(groups, place, group)
        telegram = Telegram.__new__(Telegram)
        telegram.meter = _NO_TIME if self.address is None else str(self.address.value)
        telegram.groups = groups
        telegram.bad_count = self.refused_count
        telegram.is_whole = self.is_begun and is_ended
        telegram.is_proven = False
        telegrams.append(telegram)
        self.frames_count += 1
        if not telegram.is_whole:
            self.resync_count += 1
        self.count = self.told_count = self.others_count = self.refused_count = 0
        self.address, self.is_sure, self.is_begun = None, False, False
        self.number += 1
        return 0


cdef int _season(const uint8_t *start, const uint8_t *stop) noexcept nogil:
    """Which season's letter stands before a time, -1 where there is no time with something behind it."""
    cdef uint8_t letter
    if stop - start <= TIME_SIZE or not letters_are(start + 1, start + TIME_SIZE) & DIGIT:
        return -1
    letter = start[0]
    return 0 if letter == SP else 1 if letter == c"E" else 2 if letter == c"H" else 3 if letter == c"e" else (
        4 if letter == c"h" else -1
    )


cdef str _iso(const uint8_t *start):
    cdef uint8_t[25] text
    cdef int[6] parts
    cdef int part
    for part in range(6):
        parts[part] = 10 * (start[1 + 2 * part] - 0x30) + start[2 + 2 * part] - 0x30
    if not (1 <= parts[1] <= 12 and 1 <= parts[2] <= 31 and parts[3] < 24 and parts[4] < 60 and parts[5] < 60):
        return _NO_TIME
    memcpy(&text[0], b"20YY-MM-DDThh:mm:ss+0X:00", 25)
    for part in range(6):
        text[2 + 3 * part] = start[1 + 2 * part]
        text[3 + 3 * part] = start[2 + 2 * part]
    if start[0] == SP:
        return letters_of(&text[0], 19)
    text[21] = c"2" if start[0] & 0x5F == c"E" else c"1"
    return letters_of(&text[0], 25)


cdef bint _is_fit(const uint8_t *start, const uint8_t *stop, int form, Py_ssize_t width) noexcept nogil:
    """Whether a value has its width and its form."""
    if stop - start != width:
        return False
    if form == SWITCHINGS:
        return _is_switchings(start, stop)
    if form == DIGITS:
        return letters_are(start, stop) & DIGIT != 0
    if form == HEX:
        return letters_are(start, stop) & HEX_DIGIT != 0
    return letters_are(start, stop) & (TEXT if form == LETTERS else CAPITAL) != 0


cdef bint _is_switchings(const uint8_t *at, const uint8_t *stop) noexcept nogil:
    """Whether there are times of eight digits, or their place-holder, apart by blanks."""
    while stop - at >= SWITCHING_SIZE:
        if not letters_are(at, at + SWITCHING_SIZE) & CAPITAL and memcmp(at, b"NONUTILE", SWITCHING_SIZE):
            return False
        at += SWITCHING_SIZE
        if at == stop:
            return True
        if at[0] != SP:
            return False
        at += 1
    return False
