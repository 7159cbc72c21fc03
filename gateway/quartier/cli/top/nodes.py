"""The connection tree on the first page of ``quartier top``: what each node carries of what it may (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quartier.cli.output import number
from quartier.cli.top.sheet import Column, Row, Sheet, text

NEAR = 0.9
"""From this part of a cap on a row is yellow; what was shed comes back below it."""
_PHASES = ("L1", "L2", "L3")
_COLUMNS = (
    Column("node"),
    Column("under", spare=3),
    Column("load by", spare=2),
    Column("fuse", right=True, spare=4),
    Column("kW", right=True),
    *(Column(phase, right=True) for phase in _PHASES),
    Column("room", right=True, spare=1),
    Column("holds back"),
)


def sheet(told: Sequence[Mapping[str, Any]]) -> Sheet:
    """One row a node; a load beside what it may be, in kW, in total and by phase."""
    return Sheet(_COLUMNS, tuple(map(_row, told)))


def _row(node: Mapping[str, Any]) -> Row:
    pairs = list(zip(node["load_w"], node["import_max_w"], strict=True))
    room_w = min((watts for watts in node["headroom_w"] if watts is not None), default=None)
    cells = (
        text(node["name"]),
        text(node["under"] or ""),
        text(node["basis"], "red" if node["basis"] == "silent" else ""),
        text(number(node["fuse_a"], "A") if node["fuse_a"] is not None else ""),
        *(text(_share(load_w, cap_w), _style(load_w, cap_w)) for load_w, cap_w in pairs),
        text("–" if room_w is None else number(round(room_w), "W"), "red" if (room_w or 0) < 0 else ""),
        text(", ".join(node.get("holds", ()))),
    )
    worry = max(_WORRY[_style(load_w, cap_w)] for load_w, cap_w in pairs)
    worry = max(worry, 3 if node["basis"] == "silent" else 0)
    return Row(f"node:{node['name']}", cells, worry, f"{node['name']}: {', '.join(_more(node))}")


def _share(load_w: float, cap_w: float | None) -> str:
    load = f"{load_w / 1e3:.1f}"
    return load if cap_w is None else f"{load}/{cap_w / 1e3:.1f}"


_WORRY = {"": 0, "yellow": 1, "red": 3}


def _style(load_w: float, cap_w: float | None) -> str:
    if cap_w is None or load_w <= NEAR * cap_w:
        return ""
    return "red" if load_w > cap_w else "yellow"


def _more(node: Mapping[str, Any]) -> Iterator[str]:
    """All of a row in full, for the line below the tables."""
    yield f"under {node['under']}" if node["under"] else "the connection"
    if node["fuse_a"] is not None:
        yield f"fuse {node['fuse_a']:g} A"
    yield {"silent": "its meter is silent, counted at its worst"}.get(node["basis"], f"load {node['basis']}")
    names = ("together", *_PHASES)
    for name, load_w, cap_w in zip(names, node["load_w"], node["import_max_w"], strict=True):
        yield f"{name} {number(round(load_w), 'W')}" + (
            "" if cap_w is None else f" of {number(round(cap_w), 'W')}"
        )
    if node.get("holds", ()):
        yield f"holds back {' and '.join(node['holds'])}"
