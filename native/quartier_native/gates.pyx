# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled gates; ``reference/gates.py`` says what they do, and these do the same to the last bit."""

from array import array

from cpython cimport array as c_array
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.math cimport fabs, isfinite, trunc
from libc.stdint cimport INT64_MIN, int64_t, uint32_t
from libc.string cimport memcpy

from quartier_native.reference import gates as twin
from quartier_native.reference.gates import is_outside_band, size, whole

cdef enum:
    FLOAT = 0
    INT = 1
    BOOL = 2
    TEXT = 3
    BIG = 4
    GOOD = 0
    BAD = 1
    STALE = 2

cdef int64_t _EARLY_MAX_NS = twin.EARLY_MAX_NS
cdef int64_t _PERIOD_MAX_NS = twin.PERIOD_MAX_NS
cdef int64_t _TIME_MAX_NS = twin.TIME_MAX_NS
cdef double _TINY = twin._TINY
cdef c_array.array _POINTS = array("I")
cdef c_array.array _KINDS = array("B")
cdef c_array.array _VALUES = array("d")

cdef struct Rule:  # what many gates have in common
    double width
    double share
    int64_t period_ns
    int64_t early_ns
    bint exact

cdef struct Gate:
    double last
    double band
    int64_t next_ns  # INT64_MIN: no turn yet
    uint32_t rule
    signed char quality  # -1: nothing passed yet
    unsigned char odd  # what passed last stands in Gates.odd


cdef class Route:
    """See ``quartier_native.reference.gates.Route``."""

    cdef Py_ssize_t count
    cdef readonly Py_ssize_t gate_max
    cdef readonly Py_ssize_t group_count
    cdef uint32_t[::1] places
    cdef uint32_t[::1] gates
    cdef uint32_t[::1] groups
    cdef uint32_t[::1] points
    cdef unsigned char[::1] kinds

    def __init__(self, gates, points, kinds, groups):
        plain = twin.Route(gates, points, kinds, groups)
        rows = plain.rows()
        self.count = len(rows)
        self.gate_max = plain.gate_max
        self.group_count = plain.group_count
        self.places = array("I", [row[0] for row in rows])
        # One beyond 32 bits is not there: ``sift`` says so by ``gate_max``.
        self.gates = array("I", [min(row[1], 0xFFFFFFFF) for row in rows])
        self.points = array("I", [row[2] for row in rows])
        self.kinds = array("B", [row[3] for row in rows])
        self.groups = array("I", plain.groups())

    def __len__(self):
        return self.count


cdef class Gates:
    """See ``quartier_native.reference.gates.Gates``."""

    cdef Py_ssize_t count
    cdef Py_ssize_t capacity
    cdef Gate *gates
    cdef Rule *rules
    cdef Py_ssize_t rules_room
    cdef dict rule_of  # width, share and period -> the number of their rule
    cdef dict odd  # what passed last, by gate, where no double holds it
    cdef uint32_t[::1] points  # what passes in one call, kept for the next
    cdef unsigned char[::1] kinds
    cdef double[::1] passed

    def __cinit__(self):
        self.odd = {}
        self.rule_of = {}
        self._make_room(0)

    def __dealloc__(self):
        PyMem_Free(self.gates)
        PyMem_Free(self.rules)

    def __len__(self):
        return self.count

    cdef _make_room(self, Py_ssize_t count):
        self.points = array("I", bytes(4 * count))
        self.kinds = array("B", bytes(count))
        self.passed = array("d", bytes(8 * count))

    def add(self, double width, double share, period_ns):
        """See ``quartier_native.reference.gates.Gates.add``."""
        cdef Gate *grown
        cdef Gate *gate
        cdef Py_ssize_t capacity
        cdef uint32_t rule
        if not (width >= 0.0 and share >= 0.0 and 0 <= period_ns <= _PERIOD_MAX_NS):
            raise ValueError("width, share and period are not negative")
        rule = self._rule(width, share, period_ns)
        if self.count == self.capacity:
            capacity = max(64, self.capacity + self.capacity // 8)
            grown = <Gate *>PyMem_Realloc(self.gates, capacity * sizeof(Gate))
            if grown is NULL:
                raise MemoryError
            self.gates, self.capacity = grown, capacity
        gate = &self.gates[self.count]
        gate.last = gate.band = 0.0
        gate.rule = rule
        gate.next_ns = INT64_MIN
        gate.quality = -1
        gate.odd = False
        self.count += 1
        return self.count - 1

    cdef uint32_t _rule(self, double width, double share, int64_t period_ns) except? 0xBAD:
        """The number of the rule; made when it is the first of its kind."""
        cdef Rule *grown
        cdef Rule *rule
        cdef Py_ssize_t number
        key = (width, share, period_ns)
        known = self.rule_of.get(key)
        if known is not None:
            return known
        number = len(self.rule_of)
        if number == self.rules_room:
            grown = <Rule *>PyMem_Realloc(self.rules, (number + 16) * sizeof(Rule))
            if grown is NULL:
                raise MemoryError
            self.rules, self.rules_room = grown, number + 16
        rule = &self.rules[number]
        rule.width, rule.share, rule.period_ns = width, share, period_ns
        rule.early_ns = min(period_ns // 2, _EARLY_MAX_NS)
        rule.exact = width == 0.0 and share == 0.0
        self.rule_of[key] = number
        return <uint32_t>number

    def sift(self, Route route not None, c_array.array values not None, bytes qualities not None, taken_ns, texts):
        """See ``quartier_native.reference.gates.Gates.sift``."""
        cdef Py_ssize_t count
        cdef c_array.array points, kinds, passed
        if values.typecode != "d":
            raise ValueError("an array of doubles is needed")
        if not len(values) == len(qualities) == route.count:
            raise ValueError("as many values as places are needed")
        if route.gate_max >= self.count:
            raise ValueError("a gate that is not there")
        if not -_TIME_MAX_NS < taken_ns < _TIME_MAX_NS:
            raise ValueError("a time beyond all clocks")
        if self.kinds.shape[0] < route.count:
            self._make_room(route.count)
        ends = [0] * route.group_count
        odd = []
        count = self._sift(route, values, qualities, taken_ns, texts or None, ends, odd)
        if not count:
            return None
        points = c_array.clone(_POINTS, count, False)
        kinds = c_array.clone(_KINDS, count, False)
        passed = c_array.clone(_VALUES, count, False)
        memcpy(points.data.as_voidptr, &self.points[0], count * sizeof(uint32_t))
        memcpy(kinds.data.as_voidptr, &self.kinds[0], count)
        memcpy(passed.data.as_voidptr, &self.passed[0], count * sizeof(double))
        return points, kinds, passed, tuple(ends), odd

    cdef Py_ssize_t _sift(
        self, Route route, const double[::1] values, const unsigned char[::1] qualities, int64_t taken_ns,
        texts, list ends, list odd,
    ) except -1:
        cdef Py_ssize_t row, place, number, passed = 0
        cdef int64_t group = 0
        cdef unsigned char kind, quality
        cdef double value
        cdef bint passes
        cdef object text
        for row in range(route.count):
            if route.groups[row] != group:
                while group < route.groups[row]:
                    ends[group] = passed
                    group += 1
            place = route.places[row]
            number = route.gates[row]
            kind = route.kinds[row]
            quality = qualities[place] if qualities[place] <= STALE else BAD
            value = values[place]
            text = None
            if kind != FLOAT:
                if kind == BOOL:
                    value = 1.0 if value != 0.0 else 0.0
                elif kind == TEXT:
                    text = (texts.get(place) if texts is not None else None) or ""
                else:
                    text = texts.get(place) if texts is not None else None
                    if text is not None:
                        whole_number = whole(text)
                        if whole_number is None:
                            kind = TEXT
                        else:
                            kind, text = BIG, whole_number
                    elif isfinite(value):
                        value = trunc(value) + 0.0
                    else:
                        kind = FLOAT
            if text is not None:
                value = 0.0
                passes = self._passes_odd(number, text, quality, taken_ns)
            elif self.gates[number].odd:
                passes = self._passes_odd(number, value, quality, taken_ns)
            else:
                passes = _passes(
                    &self.gates[number], &self.rules[self.gates[number].rule], value, quality, taken_ns
                )
            if passes:
                if text is not None:
                    odd.append((passed, str(text)))
                self.points[passed] = route.points[row]
                self.kinds[passed] = kind | quality << 4
                self.passed[passed] = value
                passed += 1
        while group < route.group_count:
            ends[group] = passed
            group += 1
        return passed

    cdef bint _passes_odd(self, Py_ssize_t number, object value, unsigned char quality, int64_t taken_ns) except -1:
        """A text or a whole number beyond a double comes, or was the last to pass."""
        cdef Gate *gate = &self.gates[number]
        cdef const Rule *rule = &self.rules[gate.rule]
        cdef bint is_text = isinstance(value, str)
        last = self.odd[number] if gate.odd else gate.last
        if quality == gate.quality:
            if quality != GOOD or not is_outside_band(last, value, gate.band, exact=rule.exact):
                return False
            if taken_ns < gate.next_ns and taken_ns < gate.next_ns - rule.early_ns:
                return False
        if isinstance(value, float):
            gate.odd = False
            self.odd.pop(number, None)
            _take(gate, rule, value, size(value), quality, taken_ns)
        else:
            gate.odd = True
            self.odd[number] = value
            _take(gate, rule, 0.0, size(value), quality, taken_ns)
        return True


cdef inline bint _passes(
    Gate *gate, const Rule *rule, double value, unsigned char quality, int64_t taken_ns
) noexcept nogil:
    if quality == gate.quality:
        if quality != GOOD:
            return False
        if rule.exact:
            if value == gate.last:
                return False
        elif -gate.band < value - gate.last and value - gate.last < gate.band:
            return False
        # Without a turn yet next_ns is below all times, and so is nothing subtracted from it.
        if taken_ns < gate.next_ns and taken_ns < gate.next_ns - rule.early_ns:
            return False
    _take(gate, rule, value, fabs(value), quality, taken_ns)
    return True


cdef inline void _take(
    Gate *gate, const Rule *rule, double value, double magnitude, unsigned char quality, int64_t taken_ns
) noexcept nogil:
    cdef int64_t start_ns
    cdef double share
    gate.last = value
    gate.quality = quality
    if rule.period_ns:
        start_ns = gate.next_ns if gate.next_ns > taken_ns else taken_ns
        if start_ns > taken_ns + rule.early_ns:
            start_ns = taken_ns + rule.early_ns
        gate.next_ns = start_ns + rule.period_ns
    if not rule.exact:
        share = rule.share * magnitude if rule.share != 0.0 else 0.0
        gate.band = share if share > rule.width else rule.width
        if gate.band == 0.0:
            gate.band = _TINY
