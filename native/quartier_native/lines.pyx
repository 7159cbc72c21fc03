# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled reading of TIC lines; ``reference/lines.py`` says what it does, to the last bit."""

from types import MappingProxyType

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcmp, memcpy

from quartier_native.telegrams cimport NOTHING_MORE, Group, ascii_of, group_of, letters_of

cdef enum:
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
    SWITCHINGS_MAX = 11
    SLOTS = 1024
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
    uint8_t most
    bint is_timed
    bint is_first

cdef tuple _SEASONS = (
    NOTHING_MORE,
    MappingProxyType({"season": "E"}),
    MappingProxyType({"season": "H"}),
    MappingProxyType({"season": "e"}),
    MappingProxyType({"season": "h"}),
)
cdef str _NO_TIME = ""


cdef class LineKinds:
    """See ``quartier_native.reference.lines.LineKinds``."""

    cdef Shape[KINDS_MAX] shapes
    cdef uint8_t[SLOTS] slots  # the place of a shape + 1, or 0
    cdef list labels, units, values
    cdef int count

    def __init__(self, kinds):
        cdef bytes key
        cdef Shape *shape
        cdef Py_ssize_t slot, place
        self.labels, self.units, self.values = [], [], []
        self.count = 0
        for slot in range(SLOTS):
            self.slots[slot] = 0
        for kind in kinds:
            is_label = 0 < len(kind.label) <= LABEL_MAX and all("!" <= letter <= "~" for letter in kind.label)
            if not is_label or kind.separator not in (HT, SP) or self.count >= KINDS_MAX:
                raise ValueError(f"{kind.label!r} is no label, or one too many")
            key = kind.label.encode() + bytes((kind.separator,))
            shape = &self.shapes[self.count]
            shape.low = shape.high = 0
            for place in range(len(key)):
                if place < 8:
                    shape.low = shape.low << 8 | <uint8_t>key[place]
                else:
                    shape.high = shape.high << 8 | <uint8_t>key[place]
            shape.size = len(kind.label)
            shape.separator = kind.separator
            shape.form = kind.form
            shape.most = kind.most
            shape.is_timed = kind.is_timed
            shape.is_first = kind.is_first
            self.labels.append(kind.label)
            self.units.append(kind.unit)
            self.values.append({value: value.decode() for value in kind.values})
            self.count += 1
            slot = _slot(shape.low, shape.high)
            while self.slots[slot]:
                slot = (slot + 1) % SLOTS
            self.slots[slot] = self.count

    cdef int find(self, const uint8_t[::1] data, Py_ssize_t at, Py_ssize_t end) except -2 nogil:
        """The shape whose label and separator stand at ``at``, -1 where none does."""
        cdef uint64_t low = 0, high = 0
        cdef Py_ssize_t place, slot
        cdef uint8_t byte
        for place in range(at, min(end, at + LABEL_MAX + 1)):
            byte = data[place]
            if place - at < 8:
                low = low << 8 | byte
            else:
                high = high << 8 | byte
            if byte <= SP:
                if byte != SP and byte != HT:
                    return -1
                slot = _slot(low, high)
                while self.slots[slot]:
                    if self.shapes[self.slots[slot] - 1].low == low and self.shapes[self.slots[slot] - 1].high == high:
                        return self.slots[slot] - 1
                    slot = (slot + 1) % SLOTS
                return -1
        return -1


cdef inline Py_ssize_t _slot(uint64_t low, uint64_t high) noexcept nogil:
    return <Py_ssize_t>(((low ^ high * <uint64_t>0x9E3779B97F4A7C15) * <uint64_t>0xD6E8FEB86659FD93) >> 54)


cdef class LineReader:
    """See ``quartier_native.reference.lines.LineReader``.  Remembers the last line of each label."""

    cdef LineKinds kinds
    cdef list said
    cdef uint8_t[KINDS_MAX][LINE_MAX] rows
    cdef uint8_t[KINDS_MAX] sizes

    def __init__(self, LineKinds kinds not None):
        self.kinds = kinds
        self.said = [None] * kinds.count

    def read(self, bytes data not None, Py_ssize_t at, dict frame not None):
        """See ``quartier_native.reference.lines.LineReader.read``."""
        cdef const uint8_t[::1] view = data
        cdef Py_ssize_t size = view.shape[0], end, limit, before
        cdef int place
        cdef Group group
        if at < 0:
            raise ValueError("at must not be negative")
        while at < size:
            end, limit = at, min(size, at + LINE_MAX)
            while end < limit and view[end] != CR:
                end += 1
            if end >= limit or end - at < LEAST:
                break
            place = self.kinds.find(view, at, end)
            before = len(frame)
            if place < 0 or (self.kinds.shapes[place].is_first and before) or before >= GROUPS_MAX:
                break
            if self.sizes[place] == end - at and memcmp(&view[at], &self.rows[place][0], end - at) == 0:
                group = <Group>self.said[place]
            else:
                if self.kinds.labels[place] in frame:
                    break
                group = self.group(view, at, end, place)
                if group is None:
                    break
                memcpy(&self.rows[place][0], &view[at], end - at)
                self.sizes[place] = <uint8_t>(end - at)
                self.said[place] = group
            frame.setdefault(group.label, group)
            if len(frame) == before:
                break
            at = end + 1
            if at >= size or view[at] != LF:
                break
            at += 1
        return at

    cdef Group group(self, const uint8_t[::1] data, Py_ssize_t at, Py_ssize_t end, int place):
        """What a line says; None where it is no such line."""
        cdef Shape *shape = &self.kinds.shapes[place]
        cdef Py_ssize_t start = at + shape.size + 1, stop = end - 2
        cdef int season
        cdef str time = _NO_TIME, value
        cdef object more = NOTHING_MORE
        if start > stop or data[stop] != shape.separator or not _is_summed(data, at, end):
            return None
        if shape.is_timed:
            season = _season(data, start, stop)
            if season < 0 or data[start + TIME_SIZE] != shape.separator:
                return None
            time, more = _iso(data, start), _SEASONS[season]
            start += TIME_SIZE + 1
        if shape.form == ONE_OF:
            value = <str>(<dict>self.kinds.values[place]).get(bytes(data[start:stop]))
            if value is None:
                return None
        elif _is_fit(data, start, stop, shape.form, shape.most):
            value = ascii_of(data, start, stop)
        else:
            return None
        return group_of(<str>self.kinds.labels[place], value, <str>self.kinds.units[place], time, more)


cdef bint _is_summed(const uint8_t[::1] data, Py_ssize_t at, Py_ssize_t end) except -1 nogil:
    """Whether the last byte is the checksum."""
    cdef unsigned int sum = 0
    cdef Py_ssize_t place
    for place in range(at, end - 2):
        sum += data[place]
    if data[end - 2] == HT:
        sum += HT
    return (sum & 0x3F) + 0x20 == data[end - 1]


cdef int _season(const uint8_t[::1] data, Py_ssize_t start, Py_ssize_t stop) except -2 nogil:
    """Which season's letter stands before a time, -1 where there is no time with something behind it."""
    cdef Py_ssize_t place
    cdef uint8_t letter
    if stop - start <= TIME_SIZE:
        return -1
    for place in range(start + 1, start + TIME_SIZE):
        if not 0x30 <= data[place] <= 0x39:
            return -1
    letter = data[start]
    return 0 if letter == SP else 1 if letter == c"E" else 2 if letter == c"H" else 3 if letter == c"e" else (
        4 if letter == c"h" else -1
    )


cdef str _iso(const uint8_t[::1] data, Py_ssize_t start):
    cdef uint8_t[25] text
    cdef int[6] parts
    cdef int part, at = 0
    for part in range(6):
        parts[part] = 10 * (data[start + 1 + 2 * part] - 0x30) + data[start + 2 + 2 * part] - 0x30
    if not (1 <= parts[1] <= 12 and 1 <= parts[2] <= 31 and parts[3] < 24 and parts[4] < 60 and parts[5] < 60):
        return _NO_TIME
    memcpy(&text[0], b"20YY-MM-DDThh:mm:ss+0X:00", 25)
    for part in range(6):
        text[2 + 3 * part] = data[start + 1 + 2 * part]
        text[3 + 3 * part] = data[start + 2 + 2 * part]
    if data[start] == SP:
        return letters_of(&text[0], 19)
    text[21] = c"2" if data[start] & 0x5F == c"E" else c"1"
    return letters_of(&text[0], 25)


cdef bint _is_fit(
    const uint8_t[::1] data, Py_ssize_t start, Py_ssize_t stop, int form, Py_ssize_t most
) except -1 nogil:
    """Whether a value has its form."""
    cdef Py_ssize_t place, size = stop - start
    cdef uint8_t byte
    if form == SWITCHINGS:
        return _is_switchings(data, start, stop)
    if size > most or (form == CAPITALS and size < most) or ((form == DIGITS or form == HEX) and size == 0 and most):
        return False
    for place in range(start, stop):
        byte = data[place]
        if form == LETTERS:
            if not (0x20 <= byte <= 0x5F or 0x61 <= byte <= 0x7A):
                return False
        elif not 0x30 <= byte <= 0x39:
            if form == DIGITS or not (0x41 <= byte <= 0x46 or (form == HEX and 0x61 <= byte <= 0x66)):
                return False
    return form != HEX or size > 0


cdef bint _is_switchings(const uint8_t[::1] data, Py_ssize_t start, Py_ssize_t stop) except -1 nogil:
    cdef Py_ssize_t at = start
    cdef int count = 0
    while count < SWITCHINGS_MAX and stop - at >= SWITCHING_SIZE:
        if not _is_fit(data, at, at + SWITCHING_SIZE, CAPITALS, SWITCHING_SIZE) and memcmp(
            &data[at], b"NONUTILE", SWITCHING_SIZE
        ):
            break
        count += 1
        at += SWITCHING_SIZE
        if stop - at <= SWITCHING_SIZE or data[at] != SP or data[at + 1] == SP:
            break
        at += 1
    if count == 0:
        return False
    while at < stop and data[at] == SP:
        at += 1
    return at == stop
