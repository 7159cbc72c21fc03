"""Figures of a measurement: settings of a run, one figure with its floor, the table, JSON, and the
machine.
"""

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any, Literal

from quartier_bench.peers import peer_cache
from quartier_bench.peers.peer_cache import PeerCache

BetterDirection = Literal["less", "more"]
SHORT_FLOOR_SHARE = 0.7
"""A short form, made in a hurry on a busy machine, fails only beyond this share of a floor."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement.  ``name`` begins with its group: ``codec.exact``.

    ``ours`` and ``peer`` are in ``unit``.  ``ratio`` is compared with the floor: ours by the peer's, or
    ours alone where there is no ``peer``.  ``better``: the floor is the most ("less") or the least ("more")
    that ``ratio`` may be; without a ``floor`` the figure only informs.  ``skipped`` names what to install
    where nothing could be measured: such a figure never holds.
    """

    name: str
    what: str
    ours: float | None
    peer: float | None
    unit: str
    ratio: float | None
    floor: float | None
    better: BetterDirection = "less"
    skipped: str = ""
    peer_name: str = ""

    @property
    def group(self) -> str:
        """The group that ``ONLY=`` picks."""
        return self.name.partition(".")[0]

    def holds(self, share: float = 1.0) -> bool | None:
        """Return whether the ratio keeps ``share`` of its floor; None where nothing was judged."""
        if self.skipped or self.ratio is None or self.floor is None:
            return None
        if self.better == "less":
            return self.ratio <= self.floor / share
        return self.ratio >= self.floor * share


def make_comparison(
    name: str,
    what: str,
    ours: Sequence[float],
    peer: Sequence[float],
    unit: str,
    floor: float | None,
    better: BetterDirection = "less",
    *,
    peer_name: str = "",
) -> Figure:
    """A figure of interleaved rounds: medians of both sides, and the median of the rounds' ratios.

    The ratio is taken round by round, so that a machine whose speed drifts does not decide it.
    Raises ValueError without a round, or with rounds that do not pair.
    """
    ratios = [mine / theirs if theirs else float("inf") for mine, theirs in zip(ours, peer, strict=True)]
    return Figure(name, what, median(ours), median(peer), unit, median(ratios), floor, better, "", peer_name)


def make_single_figure(
    name: str,
    what: str,
    ours: Sequence[float],
    unit: str,
    floor: float | None,
    better: BetterDirection = "less",
) -> Figure:
    """A figure that no peer shares: the median of its rounds against the floor itself."""
    middle = median(ours)
    return Figure(name, what, middle, None, unit, middle, floor, better)


def make_skipped_figure(
    name: str,
    what: str,
    why: str,
    floor: float | None,
    better: BetterDirection = "less",
    *,
    peer_name: str = "",
) -> Figure:
    """A figure that could not be measured; ``why`` names what to install."""
    return Figure(name, what, None, None, "", None, floor, better, why, peer_name)


ROUNDS = 5
ROUNDS_SHORT = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """``rounds`` are interleaved.  ``folder`` is scratch that goes when the bench ends.

    ``short`` asks for seconds where the whole form takes minutes.  ``say`` tells a person what goes on.
    """

    rounds: int
    short: bool
    folder: Path
    cache: PeerCache
    say: Callable[[str], None]

    def make_scratch_folder(self, name: str) -> Path:
        """A new empty folder below ``folder``."""
        for number in range(10_000):
            place = self.folder / f"{name}{number}"
            if not place.exists():
                place.mkdir(parents=True)
                return place
        raise AssertionError("scratch folders are few")


_COLUMNS = ("figure", "what", "ours", "peer", "ratio", "floor", "holds")
_COLUMN_GAP = "  "


def render_table(figures: Iterable[Figure], share: float) -> list[str]:
    """One line a figure below a head; what was skipped says what to install.

    ``share`` of a floor is what has to be kept.
    """
    cells = [_COLUMNS, *(_format_cells(figure, share) for figure in figures)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(_COLUMNS))]
    lines = [_render_row(row, widths) for row in cells]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def _render_row(row: Sequence[str], widths: Sequence[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(row[2:6], widths[2:6], strict=True)]
    return _COLUMN_GAP.join([*left, *right, row[6]]).rstrip()


def _format_cells(figure: Figure, share: float) -> tuple[str, ...]:
    floor = (
        ""
        if figure.floor is None
        else f"{'≤' if figure.better == 'less' else '≥'} {_format_number(figure.floor)}"
    )
    if figure.skipped:
        return (figure.name, figure.what, "", "", "", floor, f"SKIPPED: {figure.skipped}")
    unit = f" {figure.unit}" if figure.unit else ""
    ours = "" if figure.ours is None else _format_number(figure.ours) + unit
    peer = "" if figure.peer is None else _format_number(figure.peer) + unit
    ratio = "" if figure.ratio is None or figure.peer is None else _format_number(figure.ratio)
    against = f", against {figure.peer_name}" if figure.peer_name else ""
    return (figure.name, figure.what + against, ours, peer, ratio, floor, _format_verdict(figure, share))


def _format_verdict(figure: Figure, share: float) -> str:
    if (holds := figure.holds()) is None:
        return ""
    if holds:
        return "yes"
    return "nearly" if figure.holds(share) else "NO"


def _format_number(value: float) -> str:
    """Three figures that matter, without an exponent."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - len(str(int(abs(value)))) + 1) if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def build_document(
    about: dict[str, object], figures: Iterable[Figure], *, short: bool, rounds: int
) -> dict[str, Any]:
    """All of it, JSON-ready."""
    return {
        "machine": about,
        "short": short,
        "rounds": rounds,
        "figures": [{**asdict(figure), "group": figure.group, "holds": figure.holds()} for figure in figures],
    }


def describe_machine() -> dict[str, object]:
    """CPU, cores, kernel, Python, load average at the start and the pinned peers, JSON-ready."""
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    return {
        "cpu": _read_cpu_model(),
        "cores": cores,
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(load, 2),
        "busy": load > cores / 4,
        "node_red": f"{peer_cache.NODE_RED_VERSION} with node-red-contrib-modbus "
        f"{peer_cache.NODE_RED_MODBUS_VERSION}",
        "thingsboard_gateway": peer_cache.THINGSBOARD_GATEWAY_VERSION,
        "pymodbus": _read_version("pymodbus"),
        "numpy": _read_version("numpy"),
    }


def render_machine(about: dict[str, object]) -> str:
    """The same for people."""
    busy = ": other work is running, these are figures under load" if about["busy"] else ""
    return (
        f"{about['cpu']}, {about['cores']} cores, {about['kernel']}, Python {about['python']}, "
        f"load {about['load']} at the start{busy}\npeers: Node-RED {about['node_red']}, thingsboard-gateway "
        f"{about['thingsboard_gateway']}, pymodbus {about['pymodbus']}, numpy {about['numpy']}"
    )


def _read_version(name: str) -> str:

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def _read_cpu_model() -> str:
    """The model as the kernel names it: x86 says ``model name``, boards say ``Model`` or nothing."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or "unknown CPU"
    for key in ("model name", "Model", "Hardware"):
        for row in text.splitlines():
            name, _, value = row.partition(":")
            if name.strip() == key and value.strip():
                return value.strip()
    return platform.machine()
