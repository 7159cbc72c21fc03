"""Compare declared with measured values of each loss, and render the page of a simulated drill (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

KEPT, BROKEN, NOT_SHOWN, SKIPPED, FAILED = "kept", "BROKEN", "not shown", "SKIPPED", "FAILED"
RESULT_COLUMNS = ("", "loss", "made by", ">noticed", ">declared", ">done", ">declared", "what was seen")


@dataclass(frozen=True, slots=True, kw_only=True)
class LossResult:
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
    def dump(self) -> dict[str, Any]:
        """Return the result for scripts."""
        return asdict(self)


def evaluate_loss(row: Mapping[str, Any]) -> LossResult:
    """Return what came of one loss, from a line of the rig; what was skipped or failed was never kept."""
    head = LossResult(loss=row["loss"], of=row.get("of", ""), how=row.get("how", ""), verdict=FAILED)
    if row["state"] != "measured":
        verdict = SKIPPED if row["state"] == "skipped" else FAILED
        return replace(head, verdict=verdict, why=str(row.get("why", "")))
    declared = row.get("declared")
    if declared is None:
        return replace(head, why="the daemon declares no such row", page=row["page"])
    return replace(
        head,
        verdict=_choose_verdict(row, declared),
        noticed_s=row["noticed_s"],
        noticed_declared_s=declared["noticed_s"],
        reached_s=row["reached_s"],
        reached_declared_s=declared["deadline_s"],
        action=declared["action"],
        words=row["words"],
        page=row["page"],
        others=row.get("others"),
    )


def _choose_verdict(row: Mapping[str, Any], declared: Mapping[str, Any]) -> str:
    """Return the verdict of a measured loss; if nothing had to be reduced, nothing was shown."""
    if not _is_within(row["noticed_s"], declared["noticed_s"]):
        return BROKEN
    if not row["is_shown"] and declared["deadline_s"] is not None:
        return NOT_SHOWN
    return KEPT if _is_within(row["reached_s"], declared["deadline_s"]) else BROKEN


def _is_within(measured_s: float | None, declared_s: float | None) -> bool:
    """Nothing is promised where no time is declared; what was never seen keeps no promise."""
    return declared_s is None or (measured_s is not None and measured_s <= declared_s)


def make_result_rows(outcomes: list[LossResult]) -> Iterator[tuple[str, ...]]:
    """Make the rows of the table."""
    for one in outcomes:
        name = f"{one.loss} {one.of}".rstrip()
        times = (one.noticed_s, one.noticed_declared_s, one.reached_s, one.reached_declared_s)
        yield (one.verdict, name, one.how, *map(format_seconds, times), one.words or one.why)


def format_seconds(value: float | None) -> str:
    """``9.8 s``; a dash for none."""
    if value is None:
        return "–"
    return f"{value:.2f} s" if value < 2 else f"{value:.1f} s"


_PAGE_HEAD = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Drill</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733;
  max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { padding: .4rem .6rem; text-align: left; vertical-align: top }
.wide { overflow-x: auto } .wide td:nth-child(2) { min-width: 14rem }
tr { border-bottom: 1px solid #d8dee6 } .n { text-align: right; white-space: nowrap }
.kept { color: #1b7f3b } .broken { color: #b3261e; font-weight: 600 } .skipped { color: #6b7684 }
svg { display: block; margin-top: .3rem }
</style></head><body>
<h1>Drill on the simulated building</h1>
<p>Each loss was made to happen; the times are measured, none is assumed. What could not be made says why.</p>
<div class="wide">
<table><thead><tr><th></th><th>loss</th><th class="n">noticed</th><th class="n">declared</th>
<th class="n">done</th><th class="n">declared</th><th>what was seen</th></tr></thead><tbody>
"""
_BAR_PX = 220


def render_result_page(outcomes: Iterable[LossResult], folder: Path) -> str:
    """Return the whole page; links lead to the pages below ``folder``."""
    return "".join((_PAGE_HEAD, *_render_rows(outcomes, folder), "</tbody></table></div></body></html>\n"))


def _render_rows(outcomes: Iterable[LossResult], folder: Path) -> Iterator[str]:
    for one in outcomes:
        style = {KEPT: "kept", NOT_SHOWN: "skipped", SKIPPED: "skipped"}.get(one.verdict, "broken")
        times = (one.noticed_s, one.noticed_declared_s, one.reached_s, one.reached_declared_s)
        cells = "".join(f'<td class="n">{format_seconds(time)}</td>' for time in times)
        yield (
            f'<tr><td class="{style}">{one.verdict}</td><td><b>{escape(one.loss)}</b> {escape(one.of)}<br>'
            f"{escape(one.how)}<br><small>{escape(one.action)}</small></td>{cells}"
            f"<td>{escape(one.words or one.why)}{_render_link(one, folder)}{_render_bar(one)}</td></tr>\n"
        )


def _render_link(one: LossResult, folder: Path) -> str:
    if not one.page:
        return ""
    place = Path(one.page)
    link = place.relative_to(folder) if place.is_relative_to(folder) else place
    return f' <a href="{escape(str(link))}">curves</a>'


def _render_bar(one: LossResult) -> str:
    """Render the measured time as a part of the declared one."""
    if one.reached_s is None or not one.reached_declared_s:
        return ""
    share = min(one.reached_s / one.reached_declared_s, 1.0)
    colour = "#1b7f3b" if one.verdict == KEPT else "#b3261e"
    return (
        f'<svg width="{_BAR_PX}" height="8" role="img" aria-label="{share:.0%} of the declared time">'
        f'<rect width="{_BAR_PX}" height="8" fill="#e6ebf1"/>'
        f'<rect width="{share * _BAR_PX:.0f}" height="8" fill="{colour}"/></svg>'
    )
