"""The page of a simulated drill: declared and measured for every loss, its curves one click away (pure)."""

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from quartier.cli.drill.judgement import KEPT, SKIPPED, Outcome, seconds

_HEAD = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Drill</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733;
  max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { padding: .4rem .6rem; text-align: left; vertical-align: top }
tr { border-bottom: 1px solid #d8dee6 } .n { text-align: right; white-space: nowrap }
.kept { color: #1b7f3b } .broken { color: #b3261e; font-weight: 600 } .skipped { color: #6b7684 }
svg { display: block; margin-top: .3rem }
</style></head><body>
<h1>Drill on the simulated building</h1>
<p>Each loss was made to happen; the times are measured, none is assumed. What could not be made says why.</p>
<table><thead><tr><th></th><th>loss</th><th class="n">noticed</th><th class="n">declared</th>
<th class="n">done</th><th class="n">declared</th><th>what was seen</th></tr></thead><tbody>
"""
_BAR_PX = 220


def page(outcomes: Iterable[Outcome], folder: Path) -> str:
    """The whole page; links lead to the pages below ``folder``."""
    return "".join((_HEAD, *_rows(outcomes, folder), "</tbody></table></body></html>\n"))


def _rows(outcomes: Iterable[Outcome], folder: Path) -> Iterator[str]:
    for one in outcomes:
        style = {KEPT: "kept", SKIPPED: "skipped"}.get(one.verdict, "broken")
        times = (one.noticed_s, one.noticed_declared_s, one.reached_s, one.reached_declared_s)
        cells = "".join(f'<td class="n">{seconds(time)}</td>' for time in times)
        yield (
            f'<tr><td class="{style}">{one.verdict}</td><td><b>{escape(one.loss)}</b> {escape(one.of)}<br>'
            f"{escape(one.how)}<br><small>{escape(one.action)}</small></td>{cells}"
            f"<td>{escape(one.words or one.why)}{_curves(one, folder)}{_bar(one)}</td></tr>\n"
        )


def _curves(one: Outcome, folder: Path) -> str:
    if not one.page:
        return ""
    place = Path(one.page)
    link = place.relative_to(folder) if place.is_relative_to(folder) else place
    return f' <a href="{escape(str(link))}">curves</a>'


def _bar(one: Outcome) -> str:
    """The measured time as a part of the declared one."""
    if one.reached_s is None or not one.reached_declared_s:
        return ""
    share = min(one.reached_s / one.reached_declared_s, 1.0)
    colour = "#1b7f3b" if one.verdict == KEPT else "#b3261e"
    return (
        f'<svg width="{_BAR_PX}" height="8" role="img" aria-label="{share:.0%} of the declared time">'
        f'<rect width="{_BAR_PX}" height="8" fill="#e6ebf1"/>'
        f'<rect width="{share * _BAR_PX:.0f}" height="8" fill="{colour}"/></svg>'
    )
