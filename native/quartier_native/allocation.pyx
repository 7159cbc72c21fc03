# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled ``allocate``; ``reference/allocation.py`` says what it does, and this does the same to the last bit."""

from array import array
from collections.abc import Sequence

from cpython cimport array as c_array
from cpython.buffer cimport PyObject_CheckBuffer
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_AsDouble, PyFloat_CheckExact, PyFloat_FromDouble
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from libc.math cimport fabs, isfinite

from quartier_native.reference.allocation import ASSET_MAX, POWER_MAX_W, STEP_MAX, Allocation

cdef extern from "Python.h":
    Py_ssize_t PyNumber_AsSsize_t(object number, void *overflow) except? -1  # NULL: clipped, not raised

cdef Py_ssize_t _ASSET_MAX = ASSET_MAX
cdef Py_ssize_t _STEP_MAX = STEP_MAX
cdef double _POWER_MAX_W = POWER_MAX_W

cdef struct Step:
    double target_w
    int asset
    bint divisible


cdef class Ladder:
    """Steps that were checked once; see ``quartier_native.reference.allocation.Ladder``."""

    cdef Py_ssize_t count
    cdef readonly Py_ssize_t asset_count
    cdef Py_ssize_t room
    cdef Step *steps  # every asset is below asset_count

    def __init__(self, steps):
        cdef Py_ssize_t count = len(steps)
        if count > _STEP_MAX:
            raise ValueError(f"more than {_STEP_MAX} steps")
        self.make_room(count)
        _fill(self, steps, _ASSET_MAX)

    def __dealloc__(self):
        PyMem_Free(self.steps)

    cdef make_room(self, Py_ssize_t count):
        cdef Step *steps = <Step *>PyMem_Calloc(max(count, 1), sizeof(Step))
        if steps == NULL:
            raise MemoryError
        PyMem_Free(self.steps)
        self.steps, self.room, self.count = steps, count, 0

    def __len__(self):
        return self.count

    def __getitem__(self, place):
        cdef Step step
        if isinstance(place, slice):
            return tuple(self)[place]
        step = self.steps[<Py_ssize_t>range(self.count)[place]]
        return step.asset, step.target_w, bool(step.divisible)

    def __iter__(self):
        return (self[place] for place in range(self.count))


cdef class _Room:
    """The memory of one call."""

    cdef double[::1] setpoint_w
    cdef Ladder down
    cdef Ladder up

    def __cinit__(self):
        self.setpoint_w = array("d", bytes(8 * _ASSET_MAX))
        self.down = Ladder.__new__(Ladder)
        self.up = Ladder.__new__(Ladder)
        self.down.make_room(_STEP_MAX)
        self.up.make_room(_STEP_MAX)


Sequence.register(Ladder)

cdef _Room _free = None  # taken while a call runs: another thread, or a number that calls us, brings its own


def allocate(base_w, want_w, import_max_w, export_max_w, down, up):
    """See ``quartier_native.reference.allocation.allocate``."""
    global _free
    cdef _Room room = _free
    _free = None
    if room is None:
        room = _Room()
    try:
        return _allocate(room, base_w, want_w, import_max_w, export_max_w, down, up)
    finally:
        _free = room


cdef _allocate(_Room room, base_w, want_w, import_max_w, export_max_w, down, up):
    cdef Py_ssize_t count, down_count = 0, up_count = 0
    cdef double total_w, high_w, low_w
    cdef Ladder lower, higher
    if len(want_w) > _ASSET_MAX:
        raise ValueError(f"more than {_ASSET_MAX} assets")
    if len(down) > _STEP_MAX or len(up) > _STEP_MAX:
        raise ValueError(f"more than {_STEP_MAX} steps")
    total_w = _power("base_w", base_w)
    high_w = _power("import_max_w", import_max_w)
    low_w = 0.0 - _power("export_max_w", export_max_w)
    if high_w < low_w:
        raise ValueError("the caps exclude each other")
    count = _wishes(room.setpoint_w, want_w)
    lower = _checked_steps(room.down, down, count)
    higher = _checked_steps(room.up, up, count)
    if lower.asset_count > count or higher.asset_count > count:
        raise ValueError("a step names an asset that is not there")  # made anew while the others were read
    met = _walk(&room.setpoint_w[0], count, &total_w, low_w, high_w, lower, higher, &down_count, &up_count)
    return tuple.__new__(Allocation, (_tuple(room.setpoint_w, count), total_w, down_count, up_count, met))


cdef tuple _tuple(const double[::1] numbers, Py_ssize_t count):
    cdef tuple result = PyTuple_New(count)
    cdef Py_ssize_t index
    for index in range(count):
        number = PyFloat_FromDouble(numbers[index])
        Py_INCREF(number)  # SET_ITEM takes one over
        PyTuple_SET_ITEM(result, index, number)
    return result


def allocate_in_place(setpoint_w, base_w, import_max_w, export_max_w, down, up):
    """See ``quartier_native.reference.allocation.allocate_in_place``."""
    cdef c_array.array setpoints_w
    cdef double total_w, high_w, low_w
    cdef Py_ssize_t index, count, down_count = 0, up_count = 0
    cdef bint wrong = False, met
    if not (
        isinstance(setpoint_w, c_array.array) and (<c_array.array>setpoint_w).ob_descr.typecode == b"d"
        and isinstance(down, Ladder) and isinstance(up, Ladder)
    ):
        raise TypeError("an array of doubles and two Ladders are needed")
    setpoints_w = setpoint_w
    if len(setpoints_w) > _ASSET_MAX:
        raise ValueError(f"more than {_ASSET_MAX} assets")
    total_w = _power("base_w", base_w)
    high_w = _power("import_max_w", import_max_w)
    low_w = 0.0 - _power("export_max_w", export_max_w)
    if high_w < low_w:
        raise ValueError("the caps exclude each other")
    count = len(setpoints_w)  # from here on no code of others runs, which could change it
    for index in range(count):
        wrong |= not fabs(setpoints_w.data.as_doubles[index]) <= _POWER_MAX_W
    if wrong:
        for index in range(count):
            _checked("want_w", setpoints_w.data.as_doubles[index])
    if (<Ladder>down).asset_count > count or (<Ladder>up).asset_count > count:
        raise ValueError("a step names an asset that is not there")
    met = _walk(
        setpoints_w.data.as_doubles, count, &total_w, low_w, high_w, <Ladder>down, <Ladder>up, &down_count, &up_count
    )
    return total_w, down_count, up_count, met


cdef bint _walk(
    double *setpoint_w, Py_ssize_t count, double *total_w, double low_w, double high_w, Ladder down, Ladder up,
    Py_ssize_t *down_count, Py_ssize_t *up_count,
) noexcept:
    """Change ``setpoint_w``, of which ``count`` are there; no ladder names another."""
    # The lock is kept: giving it away would cost more than the arithmetic, and a cycle its turn.
    cdef Py_ssize_t index
    for index in range(count):
        total_w[0] += setpoint_w[index]
    if total_w[0] > high_w:
        down_count[0] = _go_down(setpoint_w, total_w, low_w, high_w, down.steps, down.count)
    elif total_w[0] < low_w:
        up_count[0] = _go_up(setpoint_w, total_w, low_w, high_w, up.steps, up.count)
    return low_w <= total_w[0] <= high_w


cdef Ladder _checked_steps(Ladder room, steps, Py_ssize_t asset_count):
    if isinstance(steps, Ladder):
        if (<Ladder>steps).asset_count > asset_count:
            raise ValueError("a step names an asset that is not there")
        return steps
    _fill(room, steps, asset_count)
    return room


cdef Py_ssize_t _go_down(
    double *setpoint_w, double *total_w, double low_w, double high_w, const Step *steps, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t index, acted = 0
    cdef double sum_w = total_w[0], now_w, target_w, after_w, part_w
    for index in range(count):
        now_w = setpoint_w[steps[index].asset]
        target_w = steps[index].target_w
        if target_w >= now_w:
            continue
        after_w = sum_w - (now_w - target_w)
        if after_w <= high_w:
            if steps[index].divisible:
                part_w = now_w - (sum_w - high_w)
                setpoint_w[steps[index].asset] = part_w if part_w > target_w else target_w
                total_w[0] = high_w
                return index + 1
            if after_w < low_w:
                continue
            setpoint_w[steps[index].asset] = target_w
            total_w[0] = after_w
            return index + 1
        setpoint_w[steps[index].asset] = target_w
        sum_w = after_w
        acted = index + 1
    total_w[0] = sum_w
    return acted


cdef Py_ssize_t _go_up(
    double *setpoint_w, double *total_w, double low_w, double high_w, const Step *steps, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t index, acted = 0
    cdef double sum_w = total_w[0], now_w, target_w, after_w, part_w
    for index in range(count):
        now_w = setpoint_w[steps[index].asset]
        target_w = steps[index].target_w
        if target_w <= now_w:
            continue
        after_w = sum_w + (target_w - now_w)
        if after_w >= low_w:
            if steps[index].divisible:
                part_w = now_w + (low_w - sum_w)
                setpoint_w[steps[index].asset] = part_w if part_w < target_w else target_w
                total_w[0] = low_w
                return index + 1
            if after_w > high_w:
                continue
            setpoint_w[steps[index].asset] = target_w
            total_w[0] = after_w
            return index + 1
        setpoint_w[steps[index].asset] = target_w
        sum_w = after_w
        acted = index + 1
    total_w[0] = sum_w
    return acted


cdef Py_ssize_t _wishes(double[::1] setpoint_w, want_w) except -1:
    """Read the wishes, whatever sequence of numbers they are; returns how many."""
    cdef const double[::1] doubles
    cdef Py_ssize_t count = 0
    if PyObject_CheckBuffer(want_w):
        try:
            doubles = want_w
        except (TypeError, ValueError):
            doubles = None  # numbers of another type
        if doubles is not None:
            for count in range(doubles.shape[0]):
                setpoint_w[count] = _checked("want_w", doubles[count])
            return doubles.shape[0]
    if type(want_w) is list:
        for want in <list>want_w:
            setpoint_w[count] = _power("want_w", want)
            count += 1
    else:
        for want in want_w:
            setpoint_w[count] = _power("want_w", want)
            count += 1
    return count


cdef int _fill(Ladder steps, source, Py_ssize_t asset_count) except -1:
    cdef Py_ssize_t count = 0
    steps.asset_count = steps.count = 0
    if type(source) is list:
        for step in <list>source:
            _fill_one(steps, count, step, asset_count)
            count += 1
    elif type(source) is tuple:
        for step in <tuple>source:
            _fill_one(steps, count, step, asset_count)
            count += 1
    else:
        for step in source:
            _fill_one(steps, count, step, asset_count)
            count += 1
    steps.count = count
    return 0


cdef inline int _fill_one(Ladder steps, Py_ssize_t place, step, Py_ssize_t asset_count) except -1:
    cdef Py_ssize_t asset
    cdef double target_w
    cdef bint divisible
    if not (PyTuple_CheckExact(step) and PyTuple_GET_SIZE(step) == 3):
        if len(step) != 3:
            raise ValueError("a step is (asset, target_w, divisible)")
        step = (step[0], step[1], step[2])
    number = <object>PyTuple_GET_ITEM(step, 0)
    asset = PyNumber_AsSsize_t(number, NULL)
    if not 0 <= asset < asset_count:
        raise ValueError("a step names an asset that is not there")
    number = <object>PyTuple_GET_ITEM(step, 1)
    target_w = _power("target_w", number)
    number = <object>PyTuple_GET_ITEM(step, 2)
    divisible = True if number else False
    # From here on no code of others runs, which could make other room meanwhile.
    if place >= steps.room:
        raise ValueError("the steps have changed")
    steps.steps[place].asset = <int>asset
    steps.steps[place].target_w = target_w
    steps.steps[place].divisible = divisible
    if asset >= steps.asset_count:
        steps.asset_count = asset + 1
    return 0


cdef inline double _power(str name, value) except? -1:
    return _checked(name, PyFloat_AS_DOUBLE(value) if PyFloat_CheckExact(value) else PyFloat_AsDouble(value))


cdef inline double _checked(str name, double power_w) except? -1:
    if not fabs(power_w) <= _POWER_MAX_W:
        if not isfinite(power_w):
            raise ValueError(f"{name} is not finite")
        raise ValueError(f"{name} is beyond {POWER_MAX_W:g} W")
    return power_w
