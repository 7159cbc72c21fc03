# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled groups and telegrams; ``reference/telegrams.py`` says what they are.

A group is made ten times as fast as a frozen dataclass, and the collector need not look at it: what it holds
was there before it, so that nothing can point back.
"""

cimport cython
from cpython.object cimport Py_EQ, PyObject_RichCompareBool

from quartier_native.reference.telegrams import NOTHING_MORE as _nothing_more

NOTHING_MORE = _nothing_more


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Group:
    """See ``quartier_native.reference.telegrams.Group``."""

    __match_args__ = ("label", "value", "unit", "time", "more")

    def __init__(self, str label not None, value, str unit not None="", str time not None="", more=NOTHING_MORE):
        self.label = label
        self.value = value
        self.unit = unit
        self.time = time
        self.more = more

    def __eq__(self, other):
        cdef Group one
        if self is other:
            return True
        if type(other) is not Group:
            return NotImplemented
        one = <Group>other
        return (
            PyObject_RichCompareBool(self.value, one.value, Py_EQ)
            and self.label == one.label
            and self.unit == one.unit
            and self.time == one.time
            and PyObject_RichCompareBool(self.more, one.more, Py_EQ)
        )

    def __hash__(self):
        return hash((self.label, self.value, self.unit, self.time, self.more))

    def __repr__(self):
        return (
            f"Group(label={self.label!r}, value={self.value!r}, unit={self.unit!r}, time={self.time!r}, "
            f"more={self.more!r})"
        )

    def __reduce__(self):
        return Group, (self.label, self.value, self.unit, self.time, self.more)


@cython.final
@cython.no_gc
@cython.freelist(32)
cdef class Telegram:
    """See ``quartier_native.reference.telegrams.Telegram``."""

    __match_args__ = ("meter", "groups", "bad_count", "is_whole", "is_proven")

    def __init__(
        self, str meter not None, tuple groups not None, bad_count=0, bint is_whole=True, bint is_proven=False
    ):
        self.meter = meter
        self.groups = groups
        self.bad_count = bad_count
        self.is_whole = is_whole
        self.is_proven = is_proven

    def __eq__(self, other):
        cdef Telegram one
        if type(other) is not Telegram:
            return NotImplemented
        one = <Telegram>other
        return (
            self.meter == one.meter and self.groups == one.groups and self.bad_count == one.bad_count
            and self.is_whole == one.is_whole
        )

    def __hash__(self):
        return hash((self.meter, self.groups, self.bad_count, self.is_whole))

    def __repr__(self):
        return (
            f"Telegram(meter={self.meter!r}, groups={self.groups!r}, bad_count={self.bad_count!r}, "
            f"is_whole={self.is_whole!r}, is_proven={self.is_proven!r})"
        )

    def __reduce__(self):
        return Telegram, (self.meter, self.groups, self.bad_count, self.is_whole, self.is_proven)
