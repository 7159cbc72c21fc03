"""The printable page of a probe (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from quartier.commissioning.probe.corrections import ProbeFinding
from quartier.commissioning.probe.probe_measurement import MeterResult, ProbeMeasurement
from quartier.commissioning.probe.probe_trace import PHASES, ProbeTrace
from quartier.commissioning.probe.step_response import Gain
from quartier.commissioning.svg_chart import ChartCurve, render_chart
from quartier_drivers.errors import Fault

_COMMAND_COLOUR, _ASSET_COLOUR, _GRID_COLOUR = "#d62839", "#2a9d8f", "#1d3557"
_PHASE_COLOURS = {"l1": "#8d5a2b", "l2": "#222222", "l3": "#8a8a8a"}  # IEC 60445: brown, black, grey

_STYLE = """
@page { size: A4; margin: 9mm 13mm; }
* { box-sizing: border-box; }
body { font: 9.5pt/1.35 system-ui, "DejaVu Sans", sans-serif; color: #1b1b1b; margin: 0 auto;
  max-width: 184mm; padding: 6mm 0; }
@media print { body { padding: 0; } }
h1 { font-size: 17pt; margin: 0 0 1mm; } h2 { font-size: 11pt; margin: 3.5mm 0 1mm; }
.verdict { font-size: 12.5pt; padding: 3mm 4mm; border-left: 1.6mm solid; margin: 3mm 0; }
.good { border-color: #2a9d8f; background: #eef8f6; } .bad { border-color: #d62839; background: #fdf0f1; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .6mm 2mm;
  vertical-align: top; border-bottom: .2mm solid #d8d8d8; } th { font-weight: 600; }
td.n, th.n { text-align: right; white-space: nowrap; }
ul { margin: 0; padding-left: 5mm; } code { font: 9pt/1.35 ui-monospace, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; } .meta { color: #555; } figure { margin: 2mm 0; break-inside: avoid; }
section { break-inside: avoid; }
svg { width: 100%; height: auto; display: block; } svg text { font-family: inherit; fill: #333; }
svg .tick { font-size: 12px; } svg .title { font-size: 14px; font-weight: 600; }
svg .label { font-size: 13px; }
svg .grid { stroke: #e4e4e4; stroke-width: 1; } svg .zero { stroke: #9a9a9a; stroke-width: 1; }
@media screen { .wide, figure { overflow-x: auto; } }
@media screen and (max-width: 195mm) { body { padding: 4mm; } svg { min-width: 880px; } }
.sign { display: flex; gap: 10mm; margin-top: 7mm; }
.sign div { flex: 1; border-top: .3mm solid #777; color: #555; padding-top: 1mm; }
"""


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """Content of the page. ``devices`` are rows: device, maker and model, serial, firmware."""

    site: str
    asset: str
    role: str
    point: str
    when: str
    who: str
    sentence: str
    is_good: bool
    findings: Sequence[ProbeFinding]
    changes: Sequence[Fault]
    measured: ProbeMeasurement
    trace: ProbeTrace
    devices: Sequence[tuple[str, str, str, str]] = ()
    bounds: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def render_report(sheet: ProbeReport) -> str:
    """Return the complete HTML file; it needs no other files."""
    title = f"Commanded steps: {sheet.asset}"
    verdict = "good" if sheet.is_good else "bad"
    verdict_text = "As it should be." if sheet.is_good else "Not as it should be."
    meta = f"{sheet.site} · {sheet.role} · {sheet.point} · {sheet.when}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} at {escape(sheet.site)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<div class="meta">{escape(meta)}</div>
<div class="verdict {verdict}"><b>{verdict_text}</b> {escape(sheet.sentence)}.</div>
{_render_findings(sheet)}
{_render_charts(sheet.trace, sheet.asset)}
<section><h2>Measured</h2>{_render_numbers(sheet)}</section>
<section><h2>Devices</h2>{_render_devices(sheet)}</section>
<section><h2>Bounds agreed to</h2><ul>{"".join(f"<li>{escape(line)}</li>" for line in sheet.bounds)}</ul>
<div class="sign"><div>{escape(sheet.who)}, {escape(sheet.when)}</div><div>signature</div></div></section>
</body></html>
"""


def _render_findings(sheet: ProbeReport) -> str:
    if not sheet.findings:
        return ""
    rows = "".join(f"<li>{escape(one.words)}.</li>" for one in sheet.findings)
    text = f"<section><h2>Found</h2><ul>{rows}</ul></section>"
    if sheet.changes:
        lines = "".join(f"<li><code>{escape(str(fault))}</code></li>" for fault in sheet.changes)
        text += f"<section><h2>To be changed</h2><ul>{lines}</ul></section>"
    return text


def _render_charts(trace: ProbeTrace, name: str) -> str:
    command = ChartCurve(
        "commanded", _COMMAND_COLOUR, *_split_columns(trace.commands), steps=True, dashes="5 3"
    )
    asset = ChartCurve(name, _ASSET_COLOUR, trace.asset.times_s, trace.asset.values)
    grid = ChartCurve("grid", _GRID_COLOUR, trace.grid.times_s, trace.grid.values)
    charts = [render_chart("Commanded and answered, W", [command, asset], trace.end_s, 180)]
    charts.append(render_chart("At the grid meter, W", [grid], trace.end_s, 150))
    phases = [
        ChartCurve(
            phase.upper(), _PHASE_COLOURS[phase], trace.phases[phase].times_s, trace.phases[phase].values
        )
        for phase in PHASES
        if phase in trace.phases
    ]
    if phases:
        charts.append(render_chart("Each phase of the grid meter, W", phases, trace.end_s, 150))
    return "".join(f"<figure>{chart}</figure>" for chart in charts)


def _split_columns(pairs: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [at_s for at_s, _ in pairs], [watts for _, watts in pairs]


def _render_numbers(sheet: ProbeReport) -> str:
    measurement = sheet.measured
    rows = [_render_row(sheet.asset, measurement.asset), _render_row("grid meter", measurement.grid)]
    rows += [
        f"<tr><td>{phase.upper()}</td>{_render_gain(one)}<td></td><td></td></tr>"
        for phase, one in measurement.phases.items()
    ]
    facts = "".join(
        f"<tr><td>{escape(name)}</td><td colspan=5>{escape(text)}</td></tr>"
        for name, text in sheet.facts.items()
    )
    return (
        '<div class="wide"><table><tr><th>at</th>'
        "<th class=n>measured / ordered</th><th class=n>steps</th><th class=n>scatter</th>"
        f"<th class=n>delay</th><th class=n>ramp</th></tr>{''.join(rows)}{facts}</table></div>"
    )


def _render_row(name: str, seen: MeterResult) -> str:
    delay, ramp = "–", "–"
    if seen.response is not None:
        delay = f"{seen.response.delay_s:.2f} ± {seen.response.delay_error_s:.2f} s"
        known = seen.response.ramp_w_per_s
        ramp = f"{known:.0f} W/s" if known else f"≥ {seen.response.at_least_w_per_s:.0f} W/s"
    gain = _render_gain(seen.gain)
    return f"<tr><td>{escape(name)}</td>{gain}<td class=n>{delay}</td><td class=n>{ramp}</td></tr>"


def _render_gain(one: Gain) -> str:
    if not one.edges_count:
        return "<td class=n>–</td><td class=n>0</td><td class=n>–</td>"
    return (
        f"<td class=n>{one.value:.2f} ± {one.error:.2f}</td><td class=n>{one.edges_count}</td>"
        f"<td class=n>{one.sigma_w:.0f} W</td>"
    )


def _render_devices(sheet: ProbeReport) -> str:
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in device)}</tr>" for device in sheet.devices
    )
    return (
        '<div class="wide"><table><tr><th>device</th><th>maker, model</th>'
        "<th>serial</th><th>firmware</th></tr>"
        f"{rows}</table></div>"
    )
