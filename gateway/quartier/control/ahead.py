"""The caps of the steps ahead, as far as they are known now: for a plan, which no cap waits for (pure)."""

from quartier.control import linkcaps, schedule
from quartier.control.caps import Powers
from quartier.control.limits import Force
from quartier.control.link import LinkParams
from quartier.control.linkstate import LinkState
from quartier.house.now import Now


def caps(
    linked: LinkState, params: LinkParams, force: Force, now: Now, start_ms: int, step_ms: int, count: int
) -> list[Powers]:
    """The least cap of each step, import and export.

    The first has the caps in force.  Later ones have what the documents say for then; what else binds now (a
    contact, a fail-safe value) is taken to bind on, for nobody knows when it ends.
    """
    others = Powers(
        _other(force, "import", params.limits.import_hard_w),
        _other(force, "export", params.limits.export_hard_w),
    )
    documents = list(linkcaps.active(linked, now))
    found = [Powers(force.import_w, force.export_w)]
    for step in range(1, count):
        begin_ms = start_ms + step * step_ms
        least = others
        for one in documents:
            known = begin_ms <= one.exp_utc_ms
            # A default outlives its document until a newer one comes.
            said = schedule.lowest(one, begin_ms, begin_ms + step_ms - 1) if known else schedule.default(one)
            least = least.least(said)
        found.append(least)
    return found


def _other(force: Force, way: str, hard_w: float) -> float:
    """What binds that is no document."""
    in_force_w: float = getattr(force, f"{way}_w")
    source = force.whose.get(way)
    is_document = source is not None and source.who.kind == "document"
    return hard_w if is_document else min(hard_w, in_force_w)
