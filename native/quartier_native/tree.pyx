# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled ``allocate_tree``; ``reference/tree.py`` says what it does, and this does the same to the last bit."""

from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_AsDouble, PyFloat_CheckExact
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.math cimport fabs, isfinite

from quartier_native.walk cimport (
    ASSET_MAX, NODE_MAX, POOL_MAX, ROWS, STEP_MAX, Place, Room, Step, decide,
)

from quartier_native.reference import tree as twin
from quartier_native.reference.allocation import POWER_MAX_W
from quartier_native.reference.tree import TreeAllocation

cdef extern from "Python.h":
    Py_ssize_t PyNumber_AsSsize_t(object number, void *overflow) except? -1  # NULL: clipped, not raised

if (ROWS, NODE_MAX, ASSET_MAX, STEP_MAX, POOL_MAX, 1e-6) != (
    twin.ROWS, twin.NODE_MAX, twin.ASSET_MAX, twin.STEP_MAX, twin.POOL_MAX, twin.SLACK_W
):
    raise ImportError("the kernel was built for another specification")

cdef double _POWER_MAX_W = POWER_MAX_W

cdef class Tree:
    """See ``quartier_native.reference.tree.Tree``."""

    cdef readonly Py_ssize_t asset_count
    cdef readonly Py_ssize_t node_count
    cdef int under[64]
    cdef Place *places
    cdef Room *room  # taken while a call runs: another thread, or a number that calls us, brings its own

    def __cinit__(self):
        self.places = <Place *>PyMem_Calloc(ASSET_MAX, sizeof(Place))
        self.room = <Room *>PyMem_Calloc(1, sizeof(Room))
        if self.places is NULL or self.room is NULL:
            raise MemoryError

    def __init__(self, under, home, share):
        cdef int above[64]
        cdef int homes[256]
        cdef Py_ssize_t nodes, assets, number = 0
        if self.node_count:
            raise TypeError("a tree stays as it was made")
        if not 1 <= len(under) <= NODE_MAX:
            raise ValueError(f"from 1 to {NODE_MAX} nodes are needed")
        if len(home) > ASSET_MAX:
            raise ValueError(f"more than {ASSET_MAX} assets")
        if len(share) != len(home):
            raise ValueError("as many shares as assets are needed")
        nodes, assets = _numbers(under, above, NODE_MAX), len(home)
        for number in range(nodes):
            if not (0 <= above[number] < number if number else above[number] == -1):
                raise ValueError("a node is fed by one that does not come before it")
        if _numbers(home, homes, ASSET_MAX) != assets:
            raise ValueError("the numbers have changed")
        for number in range(assets):
            if not 0 <= homes[number] < nodes:
                raise ValueError("an asset stands at a node that is not there")
        number = 0
        for parts in share:
            if number >= assets:
                raise ValueError("the numbers have changed")
            _shares(parts, self.places[number].share)
            self.places[number].home = homes[number]
            number += 1
        if number < assets or self.node_count:
            raise ValueError("the numbers have changed")
        for number in range(nodes):
            self.under[number] = above[number]
        self.asset_count, self.node_count = assets, nodes

    def __dealloc__(self):
        PyMem_Free(self.places)
        PyMem_Free(self.room)


def allocate_tree(Tree tree not None, high_w, low_w, want_w, import_max_w, export_max_w, down, up):
    """See ``quartier_native.reference.tree.allocate_tree``."""
    cdef Room *room = tree.room
    tree.room = NULL
    if room is NULL:
        room = <Room *>PyMem_Calloc(1, sizeof(Room))
        if room is NULL:
            raise MemoryError
    try:
        return _allocate(tree, room, high_w, low_w, want_w, import_max_w, export_max_w, down, up)
    finally:
        if tree.room is NULL:
            tree.room = room
        else:
            PyMem_Free(room)


cdef _allocate(Tree tree, Room *room, high_w, low_w, want_w, import_max_w, export_max_w, down, up):
    cdef int rows = ROWS * <int>tree.node_count
    cdef int row, down_count, up_count
    if len(want_w) != tree.asset_count:
        raise ValueError("as many wishes as assets are needed")
    if not len(high_w) == len(low_w) == len(import_max_w) == len(export_max_w) == rows:
        raise ValueError("four numbers per node are needed")
    if len(down) > STEP_MAX or len(up) > STEP_MAX:
        raise ValueError(f"more than {STEP_MAX} steps")
    _powers("high_w", high_w, room.high.total_w, rows)
    _powers("low_w", low_w, room.low.total_w, rows)
    _powers("import_max_w", import_max_w, room.high.cap_w, rows)
    _powers("export_max_w", export_max_w, room.low.cap_w, rows)
    for row in range(rows):
        room.low.cap_w[row] = 0.0 - room.low.cap_w[row]
        if room.high.cap_w[row] < room.low.cap_w[row]:
            raise ValueError("the caps exclude each other")
    _powers("want_w", want_w, room.setpoint_w, tree.asset_count)
    down_count = _steps(down, room.down, tree.asset_count)
    up_count = _steps(up, room.up, tree.asset_count)
    # The lock is kept, as in ``allocate``: giving it away could cost a cycle its turn.
    decide(tree.places, tree.under, room, rows // ROWS, <int>tree.asset_count, down_count, up_count)
    return _result(tree, room, rows)


cdef _result(Tree tree, Room *room, int rows):
    cdef Py_ssize_t asset
    cdef int row
    cdef list setpoint_w = [], cap_row = [], step = [], broken = []
    for asset in range(tree.asset_count):
        setpoint_w.append(room.setpoint_w[asset])
        cap_row.append(room.cap_row[asset])
        step.append(room.step[asset])
    for row in range(rows):
        if room.high.total_w[row] > room.high.cap_w[row] or room.low.total_w[row] < room.low.cap_w[row]:
            broken.append(row)
    return tuple.__new__(TreeAllocation, (tuple(setpoint_w), tuple(cap_row), tuple(step), tuple(broken)))


cdef Py_ssize_t _numbers(source, int *numbers, Py_ssize_t most) except -1:
    """Read whole numbers, clipped to what an int holds; returns how many."""
    cdef Py_ssize_t count = 0, value
    for number in source:
        if count >= most:
            raise ValueError("the numbers have changed")
        value = PyNumber_AsSsize_t(number, NULL)
        numbers[count] = <int>max(-2, min(value, 4096))
        count += 1
    return count


cdef int _shares(parts, double *share) except -1:
    cdef double part
    if len(parts) != 3:
        raise ValueError("a share is one part for each of three phases")
    l1, l2, l3 = parts
    share[0] = 1.0
    share[1], share[2], share[3] = _share(l1), _share(l2), _share(l3)
    return 0


cdef inline double _share(part) except? -1:
    cdef double number = _power("share", part)
    if not 0.0 <= number <= 1.0:
        raise ValueError("a share is outside 0..1")
    return number


cdef int _powers(str name, source, double *numbers, Py_ssize_t count) except -1:
    """Read ``count`` numbers, whatever sequence they are in."""
    cdef Py_ssize_t index = 0
    for number in source:
        if index >= count:
            raise ValueError("the numbers have changed")
        numbers[index] = _power(name, number)
        index += 1
    if index < count:
        raise ValueError("the numbers have changed")
    return 0


cdef int _steps(source, Step *steps, Py_ssize_t asset_count) except -1:
    """Read the steps, whatever sequence they are in; returns how many."""
    cdef int count = 0
    for step in source:
        if count >= STEP_MAX:
            raise ValueError("the steps have changed")
        _step(step, &steps[count], asset_count)
        count += 1
    return count


cdef inline int _step(step, Step *place, Py_ssize_t asset_count) except -1:
    cdef Py_ssize_t asset, pool
    if not (PyTuple_CheckExact(step) and PyTuple_GET_SIZE(step) == 4):
        if len(step) != 4:
            raise ValueError("a step is (asset, target_w, divisible, pool)")
        step = (step[0], step[1], step[2], step[3])
    number = <object>PyTuple_GET_ITEM(step, 0)
    asset = PyNumber_AsSsize_t(number, NULL)
    if not 0 <= asset < asset_count:
        raise ValueError("a step names an asset that is not there")
    number = <object>PyTuple_GET_ITEM(step, 1)
    place.target_w = _power("target_w", number)
    number = <object>PyTuple_GET_ITEM(step, 2)
    place.divisible = True if number else False
    number = <object>PyTuple_GET_ITEM(step, 3)
    pool = PyNumber_AsSsize_t(number, NULL)
    if not -1 <= pool < POOL_MAX:
        raise ValueError(f"a pool is -1 or below {POOL_MAX}")
    place.asset, place.pool = <int>asset, <int>pool
    return 0


cdef inline double _power(str name, value) except? -1:
    return _checked(name, PyFloat_AS_DOUBLE(value) if PyFloat_CheckExact(value) else PyFloat_AsDouble(value))


cdef inline double _checked(str name, double power_w) except? -1:
    if not fabs(power_w) <= _POWER_MAX_W:
        if not isfinite(power_w):
            raise ValueError(f"{name} is not finite")
        raise ValueError(f"{name} is beyond {POWER_MAX_W:g} W")
    return power_w
