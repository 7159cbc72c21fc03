"""Declared and measured side by side, and whether the one keeps the other (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

KEPT, BROKEN, SKIPPED, FAILED = "kept", "BROKEN", "SKIPPED", "FAILED"
HEADS = ("", "loss", "made by", ">noticed", ">declared", ">done", ">declared", "what was seen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One loss: what was declared and measured (s, None: no such time, or not seen), and the verdict."""

    loss: str
    of: str
    how: str
    verdict: str
    noticed_s: float | None = None
    noticed_declared_s: float | None = None
    reached_s: float | None = None
    reached_declared_s: float | None = None
    action: str = ""
    words: str = ""
    why: str = ""
    page: str = ""
    others: Mapping[str, float] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """For scripts."""
        return asdict(self)


def judged(told: Mapping[str, Any]) -> Outcome:
    """Return what came of one loss, from a line of the rig; what was skipped or failed was never kept."""
    head = Outcome(loss=told["loss"], of=told.get("of", ""), how=told.get("how", ""), verdict=FAILED)
    if told["state"] != "measured":
        verdict = SKIPPED if told["state"] == "skipped" else FAILED
        return replace(head, verdict=verdict, why=str(told.get("why", "")))
    declared = told.get("declared")
    if declared is None:
        return replace(head, why="the daemon declares no such row", page=told["page"])
    within = (
        _within(told["noticed_s"], declared["noticed_s"]),
        _within(told["reached_s"], declared["deadline_s"]),
    )
    return replace(
        head,
        verdict=KEPT if all(within) else BROKEN,
        noticed_s=told["noticed_s"],
        noticed_declared_s=declared["noticed_s"],
        reached_s=told["reached_s"],
        reached_declared_s=declared["deadline_s"],
        action=declared["action"],
        words=told["words"],
        page=told["page"],
        others=told.get("others"),
    )


def _within(measured_s: float | None, declared_s: float | None) -> bool:
    """Nothing is promised where no time is declared; what was never seen keeps no promise."""
    return declared_s is None or (measured_s is not None and measured_s <= declared_s)


def rows(outcomes: list[Outcome]) -> Iterator[tuple[str, ...]]:
    """The rows of the table."""
    for one in outcomes:
        name = f"{one.loss} {one.of}".rstrip()
        times = (one.noticed_s, one.noticed_declared_s, one.reached_s, one.reached_declared_s)
        yield (one.verdict, name, one.how, *map(seconds, times), one.words or one.why)


def seconds(value: float | None) -> str:
    """``9.8 s``; a dash for none."""
    if value is None:
        return "–"
    return f"{value:.2f} s" if value < 2 else f"{value:.1f} s"
