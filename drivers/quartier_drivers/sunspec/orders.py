"""Converts steps of a control function to writes, and compares the device with what was written.  Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from quartier_drivers.modbus.frame import Request, write_request
from quartier_drivers.schema import Limits
from quartier_drivers.sunspec.device import Term
from quartier_drivers.sunspec.functions import Function, Step

# A timer may count down in the register of its setting.
_COUNTED_S = 3


def requests(
    function: Function, steps: Iterable[Step], unit: int, limits: Limits, *, apart: bool
) -> list[Request]:
    """Return the writes of ``steps``: neighbours in one, unless ``apart`` or the device needs function 6."""
    single = limits.write_function == 6
    made = []
    for step in steps:
        for run in _begun(function, list(_runs(function, step, apart=apart or single))):
            words = [word for term, raw in run for word in _words(term, raw)]
            address = run[0][0].place
            usual = 16 if len(words) > 1 else (limits.write_function or 16)
            made.append(write_request(unit, "holding", address, tuple(words), usual))
    return made


def unlike(function: Function, steps: Iterable[Step], *, but: Sequence[str] = ()) -> str:
    """Return the differences to what was written, in words; empty if there are none.

    The points ``but`` are not compared.
    """
    wanted: dict[str, int] = {}
    for step in steps:
        wanted |= step
    found = []
    for path, raw in wanted.items():
        held = function.raw(path)
        counts_down = path == function.timer and held is not None and max(0, raw - _COUNTED_S) < held <= raw
        if path not in but and held != raw and not counts_down:
            shown = "cannot be read" if held is None else f"reads back {held}"
            found.append(f"{function.name(path)} {shown} where {raw} was written")
    return "; ".join(found)


def _begun(function: Function, runs: list[list[tuple[Term, int]]]) -> list[list[tuple[Term, int]]]:
    """Return the pieces in order, a setpoint's timer first.

    The line may fail, and no value may be without its end.
    """
    if function.is_cap:  # its timer ends in what must stand before
        return runs
    return sorted(runs, key=lambda run: all(term.leaf.entry.name != function.timer for term, _ in run))


def _runs(function: Function, step: Step, *, apart: bool) -> Iterator[list[tuple[Term, int]]]:
    terms = sorted(_terms(function, step), key=lambda pair: pair[0].place)
    run: list[tuple[Term, int]] = []
    for term, raw in terms:
        if run and (apart or run[-1][0].place + run[-1][0].leaf.entry.size != term.place):
            yield run
            run = []
        run.append((term, raw))
    if run:
        yield run


def _terms(function: Function, step: Mapping[str, int]) -> Iterator[tuple[Term, int]]:
    for path, raw in step.items():
        term = function.device.term(function.name(path))
        assert term is not None, path  # nothing is written that was not read
        yield term, raw


def _words(term: Term, raw: int) -> list[int]:
    size = term.leaf.entry.size
    code = raw & (1 << 16 * size) - 1
    return [code >> 16 * place & 0xFFFF for place in reversed(range(size))]
