# cython: language_level=3, wraparound=False, boundscheck=True, cdivision=True, initializedcheck=False
"""The compiled ``solve_interior``; ``reference/interior.py`` says what it does, and this does the same to the
last bit.
"""

from cpython cimport array as c_array
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport INFINITY, fabs, isinf, sqrt

from quartier_native.reference.interior import (
    BAND_MAX, COLUMNS_MAX, NEAR, NUMBER_MAX, ROUNDS_MAX, ROWS_MAX, Solved,
)

cdef int _BAND_MAX = BAND_MAX, _COLUMNS_MAX = COLUMNS_MAX, _ROUNDS_MAX = ROUNDS_MAX, _ROWS_MAX = ROWS_MAX
cdef double _NEAR = NEAR, _NUMBER_MAX = NUMBER_MAX
cdef double _STEP = 0.9995, _TINY = 1e-15, _HUGE = 1e128, _FAR = 1e100

cdef struct Program:
    const int *starts
    const int *rows
    const double *numbers
    const double *right
    const double *cost
    const double *upper
    int columns
    int height
    int width
    # Of a column:
    double *x
    double *s
    double *z
    double *w
    double *dx
    double *ds
    double *dz
    double *dw
    double *rd
    double *ru
    double *rxz
    double *rsw
    double *theta
    double *pull
    # Of a row:
    double *y
    double *dy
    double *rp
    double *factor

cdef struct Reached:
    int rounds
    double primal
    double dual
    double gap

cdef struct Steps:
    double far
    double deep


cdef inline double least(double one, double other) noexcept nogil:
    return other if other < one else one


cdef inline double most(double one, double other) noexcept nogil:
    return other if other > one else one


cdef inline bint bounded(const Program *p, int k) noexcept nogil:
    return not isinf(p.upper[k])


def solve_interior(starts, rows, numbers, right, bounds, found, prices):
    """See ``quartier_native.reference.interior.solve_interior``."""
    cdef Program p
    cdef Reached reached
    cdef c_array.array starts_there, rows_there, numbers_there, right_there, bounds_there, found_there, prices_there
    cdef double *room
    for each, code in (
        (starts, "i"), (rows, "i"), (numbers, "d"), (right, "d"), (bounds, "d"), (found, "d"), (prices, "d"),
    ):
        if not isinstance(each, c_array.array) or chr((<c_array.array>each).ob_descr.typecode) != code:
            raise TypeError("two arrays of ints and five of doubles are needed")
    starts_there, rows_there, numbers_there, right_there = starts, rows, numbers, right
    bounds_there, found_there, prices_there = bounds, found, prices
    cdef Py_ssize_t columns = len(starts_there) - 1, height = len(right_there)
    if not (0 < columns <= _COLUMNS_MAX and 0 < height <= _ROWS_MAX):
        raise ValueError("too few or too many rows or columns")
    if (
        len(rows_there) != len(numbers_there) or len(bounds_there) != 2 * columns or len(prices_there) != height
        or len(found_there) != columns
    ):
        raise ValueError("the arrays do not fit each other")
    # Held by their buffers: others may write the numbers, but not move them.
    cdef const int[::1] starts_seen = starts_there
    cdef const int[::1] rows_seen = rows_there
    cdef const double[::1] numbers_seen = numbers_there
    cdef const double[::1] right_seen = right_there
    cdef const double[::1] bounds_seen = bounds_there
    cdef double[::1] found_seen = found_there, prices_seen = prices_there
    _check(starts_seen, rows_seen, numbers_seen, right_seen, bounds_seen, columns, height)
    p.starts, p.right, p.cost = &starts_seen[0], &right_seen[0], &bounds_seen[0]
    p.rows = &rows_seen[0] if len(rows_there) else NULL
    p.numbers = &numbers_seen[0] if len(rows_there) else NULL
    p.upper = p.cost + columns
    p.columns, p.height = <int>columns, <int>height
    p.width = _band(&p) + 1
    if p.width - 1 > _BAND_MAX:
        raise ValueError(f"rows couple farther than {BAND_MAX}")
    room = <double *>PyMem_Calloc(14 * columns + height * (3 + p.width), sizeof(double))
    if room == NULL:
        raise MemoryError
    try:
        with nogil:
            _place(&p, room)
            reached = _run(&p)
        for at in range(columns):
            found_seen[at] = p.x[at]
        for at in range(height):
            prices_seen[at] = p.y[at]
    finally:
        PyMem_Free(room)
    return Solved(reached.rounds, reached.primal, reached.dual, reached.gap)


cdef int _check(
    const int[::1] starts, const int[::1] rows, const double[::1] numbers, const double[::1] right,
    const double[::1] bounds, Py_ssize_t columns, Py_ssize_t height,
) except -1:
    cdef Py_ssize_t k, at
    if starts[0] != 0 or starts[columns] != rows.shape[0]:
        raise ValueError("the columns do not fit their entries")
    for k in range(columns):
        if starts[k] > starts[k + 1]:
            raise ValueError("the columns do not fit their entries")
    for k in range(columns):
        if not (fabs(bounds[k]) <= _NUMBER_MAX and bounds[columns + k] > 0.0):
            raise ValueError("a number is out of its range")
    for at in range(numbers.shape[0]):
        if not fabs(numbers[at]) <= _NUMBER_MAX:
            raise ValueError("a number is out of its range")
    for at in range(height):
        if not fabs(right[at]) <= _NUMBER_MAX:
            raise ValueError("a number is out of its range")
    for k in range(columns):
        for at in range(starts[k], starts[k + 1]):
            if not 0 <= rows[at] < height or (at > starts[k] and rows[at] <= rows[at - 1]):
                raise ValueError("the rows of a column do not rise, or there are none such")
    return 0


cdef int _band(const Program *p) noexcept nogil:
    cdef int k, band = 0, far
    for k in range(p.columns):
        if p.starts[k] < p.starts[k + 1]:
            far = p.rows[p.starts[k + 1] - 1] - p.rows[p.starts[k]]
            if far > band:
                band = far
    return band


cdef void _place(Program *p, double *room) noexcept nogil:
    cdef int k, n = p.columns
    p.x, p.s, p.z, p.w, p.dx, p.ds, p.dz = room, room + n, room + 2 * n, room + 3 * n, room + 4 * n, room + 5 * n, room + 6 * n
    room += 7 * n
    p.dw, p.rd, p.ru, p.rxz, p.rsw = room, room + n, room + 2 * n, room + 3 * n, room + 4 * n
    p.theta, p.pull = room + 5 * n, room + 6 * n
    room += 7 * n
    n = p.height
    p.y, p.dy, p.rp, p.factor = room, room + n, room + 2 * n, room + 3 * n
    for k in range(p.columns):
        if bounded(p, k):
            p.x[k] = 0.5 * least(p.upper[k], 2.0)
            p.s[k] = p.upper[k] - p.x[k]
            p.w[k] = 1.0
        else:
            p.x[k] = p.s[k] = 1.0
            p.w[k] = 0.0
        p.z[k] = 1.0


cdef Reached _run(Program *p) noexcept nogil:
    cdef Reached reached
    cdef Steps steps
    cdef double right_scale = 1.0, cost_scale = 1.0, mu, up, down, after, share, centre
    cdef int k, r, pairs = p.columns
    for r in range(p.height):
        right_scale = most(right_scale, fabs(p.right[r]))
    for k in range(p.columns):
        cost_scale = most(cost_scale, fabs(p.cost[k]))
        pairs += bounded(p, k)
    reached.rounds = 0
    while True:
        _residuals(p)
        reached.primal = reached.dual = 0.0
        for r in range(p.height):
            reached.primal = most(reached.primal, fabs(p.rp[r]))
        for k in range(p.columns):
            reached.dual = most(reached.dual, fabs(p.rd[k]))
        reached.primal = reached.primal / right_scale
        reached.dual = reached.dual / cost_scale
        mu = up = down = 0.0
        for k in range(p.columns):
            mu += p.x[k] * p.z[k]
            up += p.cost[k] * p.x[k]
            if bounded(p, k):
                mu += p.s[k] * p.w[k]
                down -= p.upper[k] * p.w[k]
        for r in range(p.height):
            down += p.right[r] * p.y[r]
        reached.gap = fabs(up - down) / (1.0 + fabs(up))
        mu /= pairs
        if reached.rounds == _ROUNDS_MAX or (
            reached.primal <= _NEAR and reached.dual <= _NEAR and reached.gap <= _NEAR
        ):
            return reached
        if not mu > 0.0:
            return reached
        _factorise(p)
        for k in range(p.columns):
            p.rxz[k] = 0.0 - p.x[k] * p.z[k]
            p.rsw[k] = 0.0 - p.s[k] * p.w[k]
        _direction(p)
        steps = _steps(p)
        after = 0.0
        for k in range(p.columns):
            after += (p.x[k] + steps.far * p.dx[k]) * (p.z[k] + steps.deep * p.dz[k])
            if bounded(p, k):
                after += (p.s[k] + steps.far * p.ds[k]) * (p.w[k] + steps.deep * p.dw[k])
        share = after / pairs / mu
        centre = share * share * share * mu
        for k in range(p.columns):
            p.rxz[k] += centre - p.dx[k] * p.dz[k]
            if bounded(p, k):
                p.rsw[k] += centre - p.ds[k] * p.dw[k]
        _direction(p)
        if not _leads(p):
            return reached
        steps = _steps(p)
        steps.far, steps.deep = least(1.0, _STEP * steps.far), least(1.0, _STEP * steps.deep)
        for k in range(p.columns):
            p.x[k] += steps.far * p.dx[k]
            p.z[k] += steps.deep * p.dz[k]
            if bounded(p, k):
                p.s[k] += steps.far * p.ds[k]
                p.w[k] += steps.deep * p.dw[k]
        for r in range(p.height):
            p.y[r] += steps.deep * p.dy[r]
        reached.rounds += 1


cdef void _residuals(Program *p) noexcept nogil:
    cdef int k, r, at
    cdef double total
    for r in range(p.height):
        p.rp[r] = p.right[r]
    for k in range(p.columns):
        total = p.cost[k]
        for at in range(p.starts[k], p.starts[k + 1]):
            p.rp[p.rows[at]] -= p.numbers[at] * p.x[k]
            total -= p.numbers[at] * p.y[p.rows[at]]
        p.rd[k] = total - p.z[k] + p.w[k]
        p.ru[k] = p.upper[k] - p.x[k] - p.s[k] if bounded(p, k) else 0.0


cdef void _factorise(Program *p) noexcept nogil:
    cdef int width = p.width, k, at, other, row, column, first
    cdef double weight, part, total, whole
    cdef double *base
    cdef double *beside
    for k in range(p.height * width):
        p.factor[k] = 0.0
    for k in range(p.columns):
        weight = p.z[k] / p.x[k]
        if bounded(p, k):
            weight += p.w[k] / p.s[k]
        p.theta[k] = 1.0 / weight
        for at in range(p.starts[k], p.starts[k + 1]):
            part = p.numbers[at] * p.theta[k]
            row = p.rows[at]
            for other in range(p.starts[k], at + 1):
                # Row r has its band from column r - width + 1 to r.
                p.factor[row * width + p.rows[other] - row + width - 1] += part * p.numbers[other]
    for row in range(p.height):
        first = row - width + 1 if row - width + 1 > 0 else 0
        base = p.factor + (row * width - row + width - 1)
        for column in range(first, row):
            beside = p.factor + (column * width - column + width - 1)
            total = base[column]
            for at in range(first if first > column - width + 1 else column - width + 1, column):
                total -= base[at] * beside[at]
            base[column] = total / beside[column]
        total = whole = base[row]
        for at in range(first, row):
            total -= base[at] * base[at]
        base[row] = sqrt(total) if total > _TINY * whole else _HUGE


cdef void _substitute(const Program *p, double *values) noexcept nogil:
    cdef int width = p.width, row, at
    cdef const double *base
    cdef double total
    for row in range(p.height):
        base = p.factor + (row * width - row + width - 1)
        total = values[row]
        for at in range(row - width + 1 if row - width + 1 > 0 else 0, row):
            total -= base[at] * values[at]
        values[row] = total / base[row]
    for row in range(p.height - 1, -1, -1):
        base = p.factor + (row * width - row + width - 1)
        values[row] /= base[row]
        total = values[row]
        for at in range(row - width + 1 if row - width + 1 > 0 else 0, row):
            values[at] -= base[at] * total


cdef void _direction(Program *p) noexcept nogil:
    cdef int k, at, row
    cdef double part, total
    for row in range(p.height):
        p.dy[row] = p.rp[row]
    for k in range(p.columns):
        p.pull[k] = p.rd[k] - p.rxz[k] / p.x[k]
        if bounded(p, k):
            p.pull[k] += (p.rsw[k] - p.w[k] * p.ru[k]) / p.s[k]
        part = p.theta[k] * p.pull[k]
        for at in range(p.starts[k], p.starts[k + 1]):
            p.dy[p.rows[at]] += p.numbers[at] * part
    _substitute(p, p.dy)
    for k in range(p.columns):
        total = 0.0 - p.pull[k]
        for at in range(p.starts[k], p.starts[k + 1]):
            total += p.numbers[at] * p.dy[p.rows[at]]
        p.dx[k] = p.theta[k] * total
        p.dz[k] = (p.rxz[k] - p.z[k] * p.dx[k]) / p.x[k]
        if bounded(p, k):
            p.ds[k] = p.ru[k] - p.dx[k]
            p.dw[k] = (p.rsw[k] - p.w[k] * p.ds[k]) / p.s[k]


cdef bint _leads(const Program *p) noexcept nogil:
    cdef int k, r
    for k in range(p.columns):
        if not (fabs(p.dx[k]) <= _FAR and fabs(p.dz[k]) <= _FAR):
            return False
        if bounded(p, k) and not (fabs(p.ds[k]) <= _FAR and fabs(p.dw[k]) <= _FAR):
            return False
    for r in range(p.height):
        if not fabs(p.dy[r]) <= _FAR:
            return False
    return True


cdef Steps _steps(const Program *p) noexcept nogil:
    cdef Steps steps
    cdef int k
    steps.far = steps.deep = 1.0 / _STEP
    for k in range(p.columns):
        if p.dx[k] < 0.0:
            steps.far = least(steps.far, 0.0 - p.x[k] / p.dx[k])
        if p.dz[k] < 0.0:
            steps.deep = least(steps.deep, 0.0 - p.z[k] / p.dz[k])
        if bounded(p, k):
            if p.ds[k] < 0.0:
                steps.far = least(steps.far, 0.0 - p.s[k] / p.ds[k])
            if p.dw[k] < 0.0:
                steps.deep = least(steps.deep, 0.0 - p.w[k] / p.dw[k])
    return steps
