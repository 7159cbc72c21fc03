"""Show a run while it happens: a live screen on a terminal, plain lines elsewhere (rich)."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from quartier_hil.checks.promised_values import find_promised_limit
from quartier_hil.checks.verdicts import Result, Verdict, format_count
from quartier_hil.processes.daemon_process import find_value, read_link_state
from quartier_hil.report.report_files import format_figures
from quartier_hil.runner.device_wiring import MAKE_NAMES
from quartier_hil.runner.run import Run

PLAIN_REAL_S = 5.0
REACTION_S = 30.0
_BAR_CHARS = 24
RESULT_WORDS: Mapping[Result, str] = {"kept": "kept", "broken": "BROKEN", "not shown": "NOT SHOWN"}
_STYLES: Mapping[Result, str] = {"kept": "green", "broken": "bold red", "not shown": "bold yellow"}


class LiveView:
    """``with View() as view: Options(watch=view.show)``; degrades to a line every few seconds."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self._live: Live | None = None
        self._told = 0
        self._next = 0.0

    def __enter__(self) -> Self:
        """Take the screen, where there is one."""
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=6, transient=False)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the screen back."""
        if self._live is not None:
            self._live.stop()

    def show(self, run: Run) -> None:
        """The state of a run now."""
        if self._live is not None:
            self._live.update(render_screen(run))
            return
        for mark in run.record.marks[self._told :]:
            self.console.print(f"{_format_clock(mark.at_s)}  {mark.text}", highlight=False)
        self._told = len(run.record.marks)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PLAIN_REAL_S
            self.console.print(_format_line(run), highlight=False)


def _format_clock(at_s: float) -> str:
    return f"{int(at_s) // 3600}:{int(at_s) // 60 % 60:02d}:{int(at_s) % 60:02d}"


def _format_time_of_day(run: Run, at_s: float) -> str:
    start = run.scenario.start
    return _format_clock((start.hour * 3600 + start.minute * 60 + start.second + at_s) % 86_400)


def _format_kilowatts(power_w: float) -> str:
    return f"{power_w / 1e3:+6.2f} kW"


def _format_line(run: Run) -> str:
    powers = run.plant.powers_w
    limit = run.limit
    parts = " ".join(
        f"{label} {powers[name] / 1e3:+.2f}"
        for name, label in (("bat1", "battery"), ("pv1", "PV"), ("ev1", "car"), ("hp1", "heat"))
    )
    soc = run.plant.battery.soc_pct(run.spec.battery)
    return (
        f"{_format_clock(run.now_s)}  grid {run.plant.grid_w / 1e3:+.2f} of {limit.import_w / 1e3:g} kW "
        f"({limit.whose}), {parts} kW, {soc:.0f} % charged, link {read_link_state(run.status)}, "
        f"{format_count(run.peer.figures.get('samples_count', 0), 'sample')} at the district"
    )


def _draw_bar(power_w: float, full_w: float, style: str) -> Text:
    """A bar to the left for giving, to the right for taking."""
    share = min(max(power_w / full_w, -1.0), 1.0)
    half = _BAR_CHARS // 2
    length = round(abs(share) * half)
    left = ("█" * length if share < 0 else "").rjust(half)
    right = ("█" * length if share > 0 else "").ljust(half)
    return Text.assemble((left, style), ("│", "dim"), (right, style))


def _list_assets(run: Run) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    site_spec = run.scenario.house
    powers = run.plant.powers_w
    soc = run.plant.battery.soc_pct(run.spec.battery)
    car = run.plant.car
    rows = (
        ("grid", run.plant.grid_w, site_spec.contract_import_w, "bold blue", "import +, export -"),
        ("PV", powers["pv1"], site_spec.pv_w, "yellow", MAKE_NAMES[site_spec.pv]),
        (
            "battery",
            powers["bat1"],
            site_spec.battery_w,
            "green",
            f"{soc:.0f} % charged; {MAKE_NAMES[site_spec.battery]}",
        ),
        ("car", powers["ev1"], 11_040.0, "magenta", _format_car(plugged=car.plugged_on, need_wh=car.need_wh)),
        (
            "heat pump",
            powers["hp1"],
            4_000.0,
            "red",
            f"tank {run.plant.heat_pump.tank_c:.0f} °C; relay and EM24, RTU",
        ),
        ("household", powers["base"], 8_000.0, "cyan", "not measured"),
    )
    for name, power_w, full_w, style, note in rows:
        table.add_row(
            name, _format_kilowatts(power_w), _draw_bar(power_w, full_w, style), Text(note, style="dim")
        )
    return table


def _format_car(*, plugged: bool, need_wh: float) -> str:
    return f"plugged in, wants {need_wh / 1e3:.1f} kWh; KEBA P30" if plugged else "away; KEBA P30, Modbus TCP"


def _format_verdict_counts(run: Run) -> Text:
    cap = find_promised_limit(run.caps, run.now_s)
    if run.plant.grid_w <= cap.import_w * 1.1:
        return Text("kept", style="bold green")
    # A tightened cap has 30 s to be reached (spec/failsafe.md#tighten-reaction).
    if run.now_s - cap.from_s < REACTION_S:
        return Text("on the way there", style="bold yellow")
    return Text("over", style="bold red")


def _format_limit(run: Run) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    cap = find_promised_limit(run.caps, run.now_s)
    table.add_row("promised", f"import at most {cap.import_w / 1e3:g} kW, by the {cap.whose}")
    table.add_row(
        "measured",
        Text.assemble(f"{run.plant.grid_w / 1e3:.2f} kW at the meter: ", _format_verdict_counts(run)),
    )
    why = find_value(run.status, "why") or "the daemon does not answer"
    table.add_row("daemon", f"{read_link_state(run.status)}: {why}{_cap_in_force(run)}")
    for name, label in (("bat1", "battery"), ("ev1", "car"), ("hp1", "heat pump")):
        order = find_value(find_value(run.status, "assets"), name) or {}
        command = find_value(order, "command") or {}
        if command:
            table.add_row(f"{label} told", f"{_format_order(command)} ({command['reason']})")
    figures = run.peer.figures
    backlog = find_value(run.status, "backlog_count")
    waiting = "" if backlog is None else f", {backlog:.0f} waiting in the house"
    broker = "" if run.broker.child.alive else "; the broker is away"
    table.add_row("samples", f"{figures.get('samples_count', 0)} at the district{waiting}{broker}")
    return table


def _format_order(command: Mapping[str, Any]) -> str:
    """An order as people say it: ``-4980 W``, ``10 A``, ``on``."""
    kind = str(command.get("point", "")).rsplit("_", 1)[-1]
    if kind == "on":
        return "on" if command["value"] else "off"
    return f"{command['value']:g} {kind.upper()}".rstrip()


def _cap_in_force(run: Run) -> str:
    found = find_value(find_value(run.status, "caps"), "import")
    if not isinstance(found, Mapping):
        return ""
    return f"; it keeps import <= {found.get('max_w', 0) / 1e3:g} kW ({found.get('whose', '')})"


def render_screen(run: Run) -> RenderableType:
    """The whole screen."""
    share = min(run.now_s / run.scenario.duration_s, 1.0)
    now, rate = _format_time_of_day(run, run.now_s), run.scenario.rate
    title = f"{now} in the house, {rate:g} times real time, {share:.0%} done"
    marks = [mark for mark in run.record.marks if mark.kind != "say"][-5:]
    events = Text("\n".join(f"{_format_time_of_day(run, mark.at_s)}  {mark.text}" for mark in marks))
    return Group(
        Panel(Text(run.said or run.scenario.title, style="bold"), title="Quartier", border_style="blue"),
        Panel(_list_assets(run), title=title),
        Panel(_format_limit(run), title="What is promised, what happens"),
        Panel(events, title="Events"),
    )


def _print_verdicts(console: Console, title: str, verdicts: Sequence[Verdict]) -> Table:
    """The table of promised and measured."""
    table = Table(title=title, title_justify="left", expand=console.is_terminal)
    for name in ("", "check", "promised", "measured"):
        table.add_column(name, overflow="fold")
    for verdict in verdicts:
        mark = Text(RESULT_WORDS[verdict.result], style=_STYLES[verdict.result])
        table.add_row(mark, verdict.check, verdict.promised, verdict.words)
    return table


def print_run_verdicts(
    console: Console, title: str, verdicts: Sequence[Verdict], words: str, page: Path | None
) -> None:
    """The table of a run in one process, how it was run, and where its page is."""
    console.print(_print_verdicts(console, title, verdicts))
    console.print(words, highlight=False)
    if page is not None:
        console.print(f"Report: {page.resolve()}", highlight=False, soft_wrap=True)


def print_conclusion(
    console: Console, verdicts: Sequence[Verdict], figures: dict[str, float], seed: int
) -> None:
    """The table of promised and measured, the figures, and the seed of the run."""
    console.print(_print_verdicts(console, "Promised and measured", verdicts))
    console.print(" · ".join(f"{label} {value}" for label, value in format_figures(figures)), highlight=False)
    for verdict in verdicts:
        if verdict.check == "speed":
            words = f"{verdict.unshown}. Try again with a lower --rate, or when the machine has less to do."
            console.print(words[0].upper() + words[1:], style="yellow", highlight=False)
    console.print(f"Seed {seed}", highlight=False)


def make_console() -> Console:
    """A console on stdout that does not wrap lines in files and pipes."""
    return Console() if sys.stdout.isatty() else Console(width=160)
