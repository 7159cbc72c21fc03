# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled reading of SML list responses; ``reference/listings.py`` says what it does, to the last bit."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint64_t

from quartier_native.telegrams cimport NOTHING_MORE, Group, group_of, letters_of

cdef extern from "Python.h":
    object PyDictProxy_New(object mapping)

cdef enum:
    OPEN_RESPONSE = 0x0101
    CLOSE_RESPONSE = 0x0201
    LIST_RESPONSE = 0x0701
    EXACT_POWER = 22
    NAMES = 256
    NAME_SIZE = 6
    LABEL_MAX = 24
    UNITS = 256

cdef uint64_t EXACT_MAX = <uint64_t>1 << 53
cdef double[EXACT_POWER + 1] _POWERS
cdef uint16_t[8][256] _CRC
# Labels of the names that were read lately, each in one place.
cdef uint64_t[NAMES] _NAMES
cdef list _LABELS = [None] * NAMES
cdef str _STATUS = "status", _SEC_INDEX = "sec_index", _NO_TIME = ""


cdef void _prepare() noexcept:
    cdef int byte, bit, table
    cdef uint16_t rest
    cdef double power = 1
    for byte in range(256):
        rest = byte
        for bit in range(8):
            rest = rest >> 1 ^ (0x8408 if rest & 1 else 0)
        _CRC[0][byte] = rest
    for table in range(1, 8):
        for byte in range(256):
            rest = _CRC[table - 1][byte]
            _CRC[table][byte] = rest >> 8 ^ _CRC[0][rest & 0xFF]
    for byte in range(EXACT_POWER + 1):
        _POWERS[byte] = power
        power *= 10


cdef uint16_t _summed(const uint8_t[::1] data, Py_ssize_t at, Py_ssize_t end, uint16_t state) noexcept nogil:
    """The register after the bytes from ``at`` to ``end``, which must be within ``data``."""
    cdef const uint8_t *here
    while end - at >= 8:
        here = &data[at]
        state = (
            _CRC[7][here[0] ^ state & 0xFF] ^ _CRC[6][here[1] ^ state >> 8]
            ^ _CRC[5][here[2]] ^ _CRC[4][here[3]] ^ _CRC[3][here[4]] ^ _CRC[2][here[5]]
            ^ _CRC[1][here[6]] ^ _CRC[0][here[7]]
        )
        at += 8
    while at < end:
        state = state >> 8 ^ _CRC[0][(state ^ data[at]) & 0xFF]
        at += 1
    return state


def crc16_ccitt(data not None, int state):
    """See ``quartier_native.reference.listings.crc16_ccitt``."""
    cdef const uint8_t[::1] view = data
    return _summed(view, 0, view.shape[0], <uint16_t>state)


cdef str _label(const uint8_t[::1] data, Py_ssize_t at):
    """The six bytes of an OBIS number as people write them."""
    cdef uint64_t name = 0
    cdef Py_ssize_t part, size = 0, slot
    cdef uint8_t[LABEL_MAX] text
    cdef uint8_t byte
    cdef str label
    for part in range(NAME_SIZE):
        name = name << 8 | data[at + part]
    slot = <Py_ssize_t>(name * <uint64_t>0x9E3779B97F4A7C15 >> 56)
    if _NAMES[slot] == name and _LABELS[slot] is not None:
        return <str>_LABELS[slot]
    for part in range(NAME_SIZE):
        byte = data[at + part]
        if part == 5 and byte == 0xFF:
            break
        if part:
            text[size] = b"0-:..*"[part]
            size += 1
        if byte > 99:
            text[size] = 0x30 + byte // 100
            size += 1
        if byte > 9:
            text[size] = 0x30 + byte // 10 % 10
            size += 1
        text[size] = 0x30 + byte % 10
        size += 1
    label = letters_of(&text[0], size)
    _NAMES[slot] = name
    _LABELS[slot] = label
    return label


cdef class _Reader:
    """One frame and where we are in it.  Each step gives False where something has another shape."""

    cdef const uint8_t[::1] data
    cdef bytes source
    cdef Py_ssize_t size, at
    cdef Py_ssize_t start, end  # of the content of the element read last
    cdef uint8_t code  # its first byte

    cdef bint simple(self) except -1:
        """An element with one TL byte that is no list."""
        cdef uint8_t code
        cdef int kind
        if self.at >= self.size:
            return False
        code = self.data[self.at]
        self.code = code
        self.start = self.at + 1
        if code <= 1:
            self.end = self.at = self.start
            return True
        kind = code >> 4
        if code & 0x0F < 2 or not (kind == 0 or kind == 4 or kind == 5 or kind == 6):
            return False
        self.end = self.at + (code & 0x0F)
        if self.end > self.size:
            return False
        self.at = self.end
        return True

    cdef bint octets(self) except -1:
        return self.simple() and self.code < 0x10

    cdef bint is_next(self, uint8_t code) except -1:
        if self.at >= self.size or self.data[self.at] != code:
            return False
        self.at += 1
        return True

    cdef bint time(self) except -1:
        """Some time or other; nobody asks when."""
        if self.at < self.size and self.data[self.at] == 0x72:
            self.at += 1
            if not self.is_next(0x62) or self.at >= self.size:
                return False
            self.at += 1
        return self.simple()

    cdef bytes content(self):
        return self.source[self.start:self.end]

    cdef uint64_t whole(self) except? 77:
        """The content as a number without sign; eight bytes at most."""
        cdef uint64_t number = 0
        cdef Py_ssize_t at
        for at in range(self.start, self.end):
            number = number << 8 | self.data[at]
        return number

    cdef int head(self) except -2:
        """The number of a message's body, -1 where it has another shape."""
        cdef int number
        if not (self.is_next(0x76) and self.simple() and self.simple() and self.simple() and self.is_next(0x72)):
            return -1
        if self.is_next(0x63):
            pass
        elif not (self.is_next(0x65) and self.is_next(0) and self.is_next(0)):
            return -1
        if self.at + 2 > self.size:
            return -1
        number = self.data[self.at] << 8 | self.data[self.at + 1]
        self.at += 2
        return number

    cdef tuple listing(self, tuple units):
        """A list response; None where it has another shape."""
        cdef Py_ssize_t count, index
        cdef bytes server
        cdef list groups
        cdef object codes
        cdef uint8_t byte
        if not (self.is_next(0x77) and self.simple() and self.octets()):
            return None
        server = self.content()
        if not (self.simple() and self.time()) or self.at >= self.size:
            return None
        byte = self.data[self.at]
        self.at += 1
        if byte >> 4 == 7:
            count = byte & 0x0F
        elif byte >> 4 == 15 and self.at < self.size and self.data[self.at] < 0x10:
            count = (byte & 0x0F) << 4 | self.data[self.at]
            self.at += 1
        else:
            return None
        groups = []
        codes = bytearray(count)
        for index in range(count):
            group = self.entry(units)
            if group is None:
                return None
            groups.append(group)
            codes[index] = self.code
        if not (self.octets() and self.time()):
            return None
        return server, groups, bytes(codes)

    cdef Group entry(self, tuple units):
        cdef Py_ssize_t name
        cdef int unit = 0, power = 0
        cdef object status = None, seconds = None, more = NOTHING_MORE, value
        if not (self.is_next(0x77) and self.is_next(0x07)) or self.at + 6 > self.size:
            return None
        name = self.at
        self.at += 6
        if not self.simple() or self.end - self.start > 8:
            return None
        if self.code > 1:
            if self.code >> 4 != 6:
                return None
            status = self.whole()
        if self.at < self.size and self.data[self.at] == 0x72:
            self.at += 1
            if not (self.is_next(0x62) and self.is_next(0x01) and self.simple()) or self.code <= 1:
                return None
        elif not self.simple():
            return None
        if self.code > 1:
            if self.code >> 4 != 6 or self.end - self.start > 4:
                return None
            seconds = self.whole()
        if not self.simple() or (self.code > 1 and self.code != 0x62):
            return None
        if self.code > 1:
            unit = self.data[self.start]
        if not self.simple() or (self.code > 1 and self.code != 0x52):
            return None
        if self.code > 1:
            power = self.data[self.start]
            power -= (power & 0x80) << 1
        value = self.value(power)
        if value is None or self.at >= self.size or self.data[self.at] > 1:
            return None
        self.at += 1
        if status is not None:
            more = {_STATUS: status}
            if seconds is not None:
                more[_SEC_INDEX] = seconds
            more = PyDictProxy_New(more)
        elif seconds is not None:
            more = PyDictProxy_New({_SEC_INDEX: seconds})
        return group_of(_label(self.data, name), value, <str>units[unit], _NO_TIME, more)

    cdef object value(self, int power):
        """The value of an entry; ``code`` is its first byte.  None where it has another shape."""
        cdef uint8_t code
        cdef Py_ssize_t size
        cdef uint64_t number
        cdef int64_t signed
        cdef int shift
        if self.at >= self.size:
            return None
        code = self.data[self.at]
        if code >> 4 == 8:
            if self.at + 1 >= self.size or self.data[self.at + 1] > 0x0F:
                return None
            size = (code & 0x0F) << 4 | self.data[self.at + 1]
            self.code = code
            self.start = self.at + 2
            self.end = self.at = self.at + size
            if size < 3 or self.end > self.size:
                return None
            return self.text()
        if not self.simple():
            return None
        if code < 0x10:
            return self.text()
        if self.end - self.start > 8:
            return None
        number = self.whole()
        if code >> 4 == 6:
            if number <= EXACT_MAX:
                return _scaled(<int64_t>number, power)
            return _long(number, power)
        if code >> 4 == 5:
            shift = 64 - 8 * <int>(self.end - self.start)
            signed = <int64_t>(number << shift) >> shift
            if -<int64_t>EXACT_MAX <= signed <= <int64_t>EXACT_MAX:
                return _scaled(signed, power)
            return _long(signed, power)
        if code == 0x42:
            return _scaled(number != 0, power)
        return None

    cdef str text(self):
        cdef Py_ssize_t at
        cdef bytes content = self.content()
        for at in range(self.start, self.end):
            if not 0x20 <= self.data[at] <= 0x7E:
                return content.hex()
        return content.decode("ascii")


cdef object _scaled(int64_t number, int power):
    """A number that a double holds exactly, by a power of ten: rounded once."""
    if power == 0:
        return number
    if -EXACT_POWER <= power < 0:
        return <double>number / _POWERS[-power]
    return _long(number, power)


cdef object _long(object number, object power):
    return number * 10**power if power >= 0 else number / 10**-power


def read_listings(bytes data not None, ways, tuple units not None):
    """See ``quartier_native.reference.listings.read_listings``."""
    cdef _Reader reader = _Reader.__new__(_Reader)
    cdef Py_ssize_t begin, end
    cdef int number, told
    cdef bytes server = b"", opened
    cdef list listings = []
    cdef Py_ssize_t bad_count = 0
    cdef object listing
    cdef bint is_sound
    cdef uint16_t found
    if len(units) != UNITS or not all(isinstance(unit, str) for unit in units):
        raise ValueError("one text for each of 256 units is needed")
    reader.data = data
    reader.source = data
    reader.size = len(data)
    reader.at = 0
    while reader.at < reader.size:
        begin = reader.at
        if reader.data[begin] == 0:
            reader.at += 1
            continue
        number = reader.head()
        listing, opened = None, b""
        if number == LIST_RESPONSE:
            listing = reader.listing(units)
            if listing is None:
                return None
        elif number == OPEN_RESPONSE:
            if not (reader.is_next(0x76) and reader.simple() and reader.simple() and reader.simple()):
                return None
            if not reader.octets():
                return None
            opened = reader.content()
            if not (reader.time() and reader.simple()):
                return None
        elif number != CLOSE_RESPONSE or not (reader.is_next(0x71) and reader.simple()):
            return None
        end = reader.at
        if not reader.simple() or not (reader.code == 0x62 or reader.code == 0x63) or not reader.is_next(0):
            return None
        told = <int>reader.whole()
        is_sound = False
        for first, flip, is_high_first in ways:
            found = _summed(reader.data, begin, end, first) ^ <uint16_t>flip
            if not is_high_first:
                found = <uint16_t>(found >> 8 | found << 8)
            if found == told:
                is_sound = True
                break
        if not is_sound:
            bad_count += 1
            continue
        server = opened or server
        if listing is not None:
            listings.append(listing)
    return server, listings, bad_count


_prepare()
