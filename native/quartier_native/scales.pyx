# cython: language_level=3, wraparound=False, boundscheck=False, initializedcheck=False
"""The compiled scaling of raw numbers; ``reference/scales.py`` says what it does, to the last bit."""


def scale_numbers(tuple raws not None, tuple absents not None, tuple divisors not None, tuple factors not None):
    """See ``quartier_native.reference.scales.scale_numbers``."""
    cdef Py_ssize_t at, count = len(raws)
    cdef list found
    if len(absents) != count or len(divisors) != count or len(factors) != count:
        raise ValueError("columns of different lengths")
    found = [None] * count
    for at in range(count):
        raw, absent = raws[at], absents[at]
        if absent is not None and raw == absent:
            continue
        divisor = divisors[at]
        if divisor is not None:
            found[at] = raw / divisor
        else:
            factor = factors[at]
            found[at] = raw if factor is None else raw * factor
    return found
