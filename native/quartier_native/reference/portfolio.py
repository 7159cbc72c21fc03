"""Plans of many sites in one call, each with one storage: the specification that the compiled kernel equals
to the last bit.
"""

from array import array
from collections.abc import Iterator
from typing import Any

from quartier_native.reference.storage import (
    PLAN_COLUMNS,
    REFUSALS,
    STEP_COLUMNS,
    STORE_FIELDS,
    plan_storage,
)

TOLD_COLUMNS = ("refusal", "cost", "excess_wh", "short_wh", "gap")
"""Of each site: the place of its refusal in REFUSALS, 0 where there is a plan, and then what the plan comes
to, as ``storage.Planned`` says.
"""
SITES_MAX = 100_000
_WHOLE = frozenset("ql")


def plan_many(counts: Any, steps: Any, stores: Any, plans: Any, told: Any) -> int:
    """Write the cheapest plan of each site into ``plans``; returns how many sites have one.

    All are contiguous buffers (``array``, numpy, memoryview), ``counts`` of whole numbers of 8 bytes, the
    others of doubles:

    - ``counts``: of each site its steps, 1 to STEPS_MAX; sites may differ in it;
    - ``steps``, ``stores``, ``plans``: site after site what ``plan_storage`` takes, so that where all have as
      many steps, these are blocks of (site, column, step), (site, field) and (site, column, step);
    - ``told``: the columns TOLD_COLUMNS, each with a number a site.

    A site that is refused does not stop the others: ``told`` has its reason, its part of ``plans`` stays as
    it was, and the rest of what is told of it is 0.  No memory is taken by site, no lock is held while it
    plans, and a site takes no longer than ``plan_storage``.

    Raises, before anything is written, TypeError for other buffers, and ValueError where lengths do not fit
    each other, for a count below 0 and for more than SITES_MAX sites.
    """
    sizes, inputs, fields, outputs, says = buffers(counts, steps, stores, plans, told)
    sites, made = len(sizes), 0
    for site, (count, at) in enumerate(_places(sizes)):
        store = array("d", fields[site * len(STORE_FIELDS) : (site + 1) * len(STORE_FIELDS)])
        block = array("d", inputs[at * len(STEP_COLUMNS) : (at + count) * len(STEP_COLUMNS)])
        plan = array("d", bytes(8 * count * len(PLAN_COLUMNS)))
        try:
            found = plan_storage(block, store, plan)
        except ValueError as error:
            row = (float(REFUSALS.index(str(error))), 0.0, 0.0, 0.0, 0.0)
        else:
            row = (0.0 if found.feasible else 1.0, *found[1:])
        if not row[0]:
            made += 1
            outputs[at * len(PLAN_COLUMNS) : (at + count) * len(PLAN_COLUMNS)] = memoryview(plan)
        for column, value in enumerate(row):
            says[column * sites + site] = value
    return made


def buffers(
    counts: Any, steps: Any, stores: Any, plans: Any, told: Any
) -> tuple["array[int]", Any, Any, Any, Any]:
    """Return what ``plan_many`` is given, as flat views; the counts as a copy, since all places hang on them.

    Raises TypeError and ValueError as it does.
    """
    sizes = array("q", _flat(counts, _WHOLE, "q"))
    inputs, fields, outputs, says = (
        _flat(one, frozenset("d"), "d", writes=writes)
        for one, writes in ((steps, False), (stores, False), (plans, True), (told, True))
    )
    if len(sizes) > SITES_MAX:
        raise ValueError(f"more than {SITES_MAX} sites")
    if any(count < 0 for count in sizes):
        raise ValueError("a count is below 0")
    total, sites = sum(sizes), len(sizes)
    if (len(inputs), len(fields), len(outputs), len(says)) != (
        total * len(STEP_COLUMNS),
        sites * len(STORE_FIELDS),
        total * len(PLAN_COLUMNS),
        sites * len(TOLD_COLUMNS),
    ):
        raise ValueError("the buffers do not fit each other")
    return sizes, inputs, fields, outputs, says


def _flat(buffer: Any, forms: frozenset[str], form: Any, *, writes: bool = False) -> Any:
    view = memoryview(buffer)
    if view.format not in forms or view.itemsize != 8 or not view.c_contiguous or (writes and view.readonly):
        raise TypeError(
            "contiguous buffers are needed, counts of whole numbers of 8 bytes, others of doubles"
        )
    return view.cast("B").cast(form) if view.nbytes else memoryview(array(form))


def _places(sizes: "array[int]") -> Iterator[tuple[int, int]]:
    """Of each site its count of steps and the number of its first."""
    at = 0
    for count in sizes:
        yield count, at
        at += count
