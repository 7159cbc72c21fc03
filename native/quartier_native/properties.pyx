# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled reading of BACnet answers; ``reference/properties.py`` says what it does, to the last bit."""

from array import array

from cpython cimport array as c_array
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport NAN
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memset

from quartier_native.tags cimport (
    DENIED,
    ENUMERATED,
    LIST,
    MISSING,
    ODD,
    UNEXPECTED,
    WHOLE,
    Tag,
    closes,
    contents,
    holds,
    number_at,
    opens,
    tag_at,
    value_of,
)

from quartier_native.reference.properties import DATA_MAX, REFS_MAX, Ref, check_ref

cdef enum:
    DEVICE = 8
    ANY_DEVICE = 0x023FFFFF

cdef struct Key:
    int64_t index  # -1: none
    uint32_t object_id
    uint32_t property_id
    uint32_t place

cdef struct Page:
    const Key *keys  # in the order of the request
    const Key *ranked  # in that of their numbers
    const uint8_t *data
    const uint8_t *at
    const uint8_t *end
    double *values
    uint8_t *kinds
    uint16_t *spans
    Py_ssize_t count
    Py_ssize_t likely

cdef c_array.array _VALUES = array("d")
cdef c_array.array _SPANS = array("H")
cdef Py_ssize_t _DATA_MAX = DATA_MAX


cdef class PropertyReader:
    """See ``quartier_native.reference.properties.PropertyReader``."""

    cdef Key *memory
    cdef Key[::1] keys
    cdef Py_ssize_t count

    def __init__(self, refs):
        cdef Py_ssize_t place, rank
        rows = tuple([check_ref(Ref(*ref)) for ref in refs])
        if len(rows) > REFS_MAX or len(set(rows)) < len(rows):
            raise ValueError(f"more than {REFS_MAX} properties, or one of them twice")
        if self.memory is not NULL:
            raise TypeError("made once")
        self.count = len(rows)
        self.memory = <Key *>PyMem_Calloc(2 * self.count + 1, sizeof(Key))
        if self.memory is NULL:
            raise MemoryError
        self.keys = <Key[:2 * self.count + 1]>self.memory
        for place, row in enumerate(rows):
            self.put(place, place, row)
        for rank, place in enumerate(sorted(range(self.count), key=rows.__getitem__)):
            self.put(self.count + rank, place, rows[place])

    def __dealloc__(self):
        PyMem_Free(self.memory)

    cdef put(self, Py_ssize_t at, Py_ssize_t place, row):
        cdef Key key
        key.object_id, key.property_id = row.object_type << 22 | row.instance, row.property_id
        key.index, key.place = row.index, place
        self.keys[at] = key

    def __len__(self):
        return self.count

    def multiple(self, bytes data not None, Py_ssize_t at):
        """See ``quartier_native.reference.properties.PropertyReader.multiple``."""
        cdef Page page
        cdef c_array.array values, spans
        values, kinds, spans = self.begin(&page, data, at)
        return _objects(&page), values, kinds, spans

    def single(self, bytes data not None, Py_ssize_t at):
        """See ``quartier_native.reference.properties.PropertyReader.single``."""
        cdef Page page
        cdef c_array.array values, spans
        values, kinds, spans = self.begin(&page, data, at)
        return _answer(&page), values, kinds, spans

    def changes(self, bytes data not None, Py_ssize_t at, uint32_t object_id):
        """See ``quartier_native.reference.properties.PropertyReader.changes``."""
        cdef Page page
        cdef c_array.array values, spans
        values, kinds, spans = self.begin(&page, data, at)
        return _changes(&page, object_id), values, kinds, spans

    cdef tuple begin(self, Page *page, bytes data, Py_ssize_t at):
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data), place
        cdef c_array.array values, spans
        if size > _DATA_MAX or not 0 <= at <= size:
            raise ValueError(f"{size} bytes, read from {at}")
        values = c_array.clone(_VALUES, self.count, False)
        spans = c_array.clone(_SPANS, 2 * self.count, False)
        kinds = PyBytes_FromStringAndSize(NULL, self.count)
        page.keys, page.ranked = self.memory, self.memory + self.count
        page.data = <const uint8_t *>PyBytes_AS_STRING(data)
        page.at, page.end = page.data + at, page.data + size
        page.values = values.data.as_doubles
        page.spans = spans.data.as_ushorts
        page.kinds = <uint8_t *>PyBytes_AS_STRING(kinds)
        page.count, page.likely = self.count, 0
        if self.count:  # else the arrays have no memory
            memset(page.kinds, MISSING, self.count)
            memset(page.spans, 0, 2 * self.count * sizeof(uint16_t))
        for place in range(self.count):
            page.values[place] = NAN
        return values, kinds, spans


cdef int _objects(Page *page) noexcept nogil:
    """ReadAccessResult, one for each object; its list is optional."""
    cdef uint32_t object_id = 0
    cdef Tag tag
    cdef int how
    while page.at < page.end:
        how = number_at(&page.at, page.end, 0, 4, &object_id)
        if how != WHOLE:
            return how
        if page.at == page.end:
            return WHOLE
        how = tag_at(page.at, page.end, &tag)
        if how != WHOLE:
            return how
        if opens(&tag, 1):
            page.at = tag.end
            how = _results(page, object_id)
            if how != WHOLE:
                return how
    return WHOLE


cdef int _results(Page *page, uint32_t object_id) noexcept nogil:
    cdef uint32_t property_id = 0
    cdef int64_t index = -1
    cdef Tag tag
    cdef int how
    while True:
        how = tag_at(page.at, page.end, &tag)
        if how != WHOLE:
            return how
        if closes(&tag, 1):
            page.at = tag.end
            return WHOLE
        how = number_at(&page.at, page.end, 2, 1, &property_id)
        if how == WHOLE:
            how = _optional(page, 3, &index)
        if how == WHOLE:
            how = tag_at(page.at, page.end, &tag)
        if how != WHOLE:
            return how
        if opens(&tag, 5):
            page.at = tag.end
            how = _denied(page, object_id, property_id, index)
        else:
            how = _value(page, object_id, property_id, index, 4)
        if how != WHOLE:
            return how


cdef int _answer(Page *page) noexcept nogil:
    """ReadProperty-ACK."""
    cdef uint32_t object_id = 0, property_id = 0
    cdef int64_t index = -1
    cdef int how = number_at(&page.at, page.end, 0, 4, &object_id)
    if how == WHOLE:
        how = number_at(&page.at, page.end, 1, 1, &property_id)
    if how == WHOLE:
        how = _optional(page, 2, &index)
    if how == WHOLE:
        how = _value(page, object_id, property_id, index, 3)
    if how == WHOLE and page.at < page.end:
        return UNEXPECTED
    return how


cdef int _changes(Page *page, uint32_t object_id) noexcept nogil:
    """BACnetPropertyValue, one for each property: the list of a notification."""
    cdef uint32_t property_id = 0
    cdef int64_t index = -1, priority = -1
    cdef Tag tag
    cdef int how = tag_at(page.at, page.end, &tag)
    if how != WHOLE:
        return how
    if not opens(&tag, 4):
        return UNEXPECTED
    page.at = tag.end
    while True:
        how = tag_at(page.at, page.end, &tag)
        if how != WHOLE:
            return how
        if closes(&tag, 4):
            page.at = tag.end
            return WHOLE if page.at == page.end else UNEXPECTED
        how = number_at(&page.at, page.end, 0, 1, &property_id)
        if how == WHOLE:
            how = _optional(page, 1, &index)
        if how == WHOLE:
            how = _value(page, object_id, property_id, index, 2)
        if how == WHOLE:
            how = _optional(page, 3, &priority)
        if how != WHOLE:
            return how


cdef int _optional(Page *page, int number, int64_t *value) noexcept nogil:
    cdef uint32_t found = 0
    cdef Tag tag
    cdef int how
    value[0] = -1
    if page.at == page.end:
        return WHOLE
    how = tag_at(page.at, page.end, &tag)
    if how != WHOLE or not holds(&tag, number):
        return how
    how = number_at(&page.at, page.end, number, 1, &found)
    value[0] = found
    return how


cdef int _value(Page *page, uint32_t object_id, uint32_t property_id, int64_t index, int number) noexcept nogil:
    cdef const uint8_t *start
    cdef const uint8_t *stop = NULL
    cdef double value = NAN
    cdef int kind = ODD
    cdef Tag tag
    cdef int how = tag_at(page.at, page.end, &tag)
    if how != WHOLE:
        return how
    if not opens(&tag, number):
        return UNEXPECTED
    page.at = start = tag.end
    how = contents(&page.at, page.end, number, &kind, &value, &stop)
    if how == WHOLE:
        _put(page, object_id, property_id, index, kind, value, start, stop)
    return how


cdef int _denied(Page *page, uint32_t object_id, uint32_t property_id, int64_t index) noexcept nogil:
    """Error: its class and its code, both enumerated."""
    cdef const uint8_t *start = page.at
    cdef const uint8_t *stop = NULL
    cdef const uint8_t *at = start
    cdef double value = NAN, total = 0.0
    cdef int kind = ODD, count = 0
    cdef Tag tag
    cdef int how = contents(&page.at, page.end, 5, &kind, &value, &stop)
    if how != WHOLE:
        return how
    while kind == LIST and at < stop and count < 2:
        # All of it was walked through before.
        if tag_at(at, stop, &tag) != WHOLE or tag.is_context:
            break
        if value_of(&tag, &value) != ENUMERATED or not value < 65536.0:
            break
        total, at, count = total * 65536.0 + value, tag.end, count + 1
    if count == 2 and at == stop:
        _put(page, object_id, property_id, index, DENIED, total, start, stop)
    else:
        _put(page, object_id, property_id, index, ODD, NAN, start, stop)
    return WHOLE


cdef void _put(
    Page *page, uint32_t object_id, uint32_t property_id, int64_t index, int kind, double value,
    const uint8_t *start, const uint8_t *stop,
) noexcept nogil:
    cdef Py_ssize_t place = _place(page, object_id, property_id, index)
    if place < 0 and object_id >> 22 == DEVICE:
        place = _place(page, <uint32_t>ANY_DEVICE, property_id, index)
    if place < 0 or page.kinds[place] != MISSING:
        return
    page.values[place], page.kinds[place] = value, kind
    page.spans[2 * place], page.spans[2 * place + 1] = start - page.data, stop - page.data


cdef inline int _against(const Key *key, uint32_t object_id, uint32_t property_id, int64_t index) noexcept nogil:
    """Below 0 where the key comes before that property, 0 where it is that one."""
    if key.object_id != object_id:
        return -1 if key.object_id < object_id else 1
    if key.property_id != property_id:
        return -1 if key.property_id < property_id else 1
    return 0 if key.index == index else -1 if key.index < index else 1


cdef Py_ssize_t _place(Page *page, uint32_t object_id, uint32_t property_id, int64_t index) noexcept nogil:
    """Where it was asked for, most often behind the last one; -1 where it was not."""
    cdef Py_ssize_t low = 0, high = page.count, middle
    cdef int side
    if page.likely < page.count and _against(&page.keys[page.likely], object_id, property_id, index) == 0:
        page.likely += 1
        return page.likely - 1
    while low < high:
        middle = (low + high) // 2
        side = _against(&page.ranked[middle], object_id, property_id, index)
        if side == 0:
            page.likely = page.ranked[middle].place + 1
            return page.ranked[middle].place
        if side < 0:
            low = middle + 1
        else:
            high = middle
    return -1
