"""The connection tree on the first page of ``quartier top``: power and limit of each node (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quartier.cli.rendering.output import format_number
from quartier.cli.top.table_lines import TableColumn, TableRow, TableSheet, make_cell

NEAR_LIMIT_SHARE = 0.9
"""Share of a limit from which a row is yellow; shed loads come back below it."""
_PHASES = ("L1", "L2", "L3")
_NODE_COLUMNS = (
    TableColumn("node"),
    TableColumn("under", drop_rank=3),
    TableColumn("load by", drop_rank=2),
    TableColumn("fuse", right=True, drop_rank=4),
    TableColumn("kW", right=True),
    *(TableColumn(phase, right=True) for phase in _PHASES),
    TableColumn("room", right=True, drop_rank=1),
    TableColumn("holds back"),
)


def make_node_sheet(nodes: Sequence[Mapping[str, Any]]) -> TableSheet:
    """Make a row for each node: power and limit in kW, in total and by phase."""
    return TableSheet(_NODE_COLUMNS, tuple(map(_make_node_row, nodes)))


def _make_node_row(node: Mapping[str, Any]) -> TableRow:
    pairs = list(zip(node["load_w"], node["import_max_w"], strict=True))
    room_w = min((watts for watts in node["headroom_w"] if watts is not None), default=None)
    cells = (
        make_cell(node["name"]),
        make_cell(node["under"] or ""),
        make_cell(node["basis"], "red" if node["basis"] == "silent" else ""),
        make_cell(format_number(node["fuse_a"], "A") if node["fuse_a"] is not None else ""),
        *(make_cell(_format_share(load_w, cap_w), _find_style(load_w, cap_w)) for load_w, cap_w in pairs),
        make_cell(
            "–" if room_w is None else format_number(round(room_w), "W"), "red" if (room_w or 0) < 0 else ""
        ),
        make_cell(", ".join(node.get("holds", ()))),
    )
    worry = max(_STYLE_WORRY[_find_style(load_w, cap_w)] for load_w, cap_w in pairs)
    worry = max(worry, 3 if node["basis"] == "silent" else 0)
    return TableRow(
        f"node:{node['name']}", cells, worry, f"{node['name']}: {', '.join(_describe_node(node))}"
    )


def _format_share(load_w: float, cap_w: float | None) -> str:
    load = f"{load_w / 1e3:.1f}"
    return load if cap_w is None else f"{load}/{cap_w / 1e3:.1f}"


_STYLE_WORRY = {"": 0, "yellow": 1, "red": 3}


def _find_style(load_w: float, cap_w: float | None) -> str:
    if cap_w is None or load_w <= NEAR_LIMIT_SHARE * cap_w:
        return ""
    return "red" if load_w > cap_w else "yellow"


def _describe_node(node: Mapping[str, Any]) -> Iterator[str]:
    """Describe all of a row in full, for the line below the tables."""
    yield f"under {node['under']}" if node["under"] else "the connection"
    if node["fuse_a"] is not None:
        yield f"fuse {node['fuse_a']:g} A"
    yield {"silent": "its meter is silent, counted at its worst"}.get(node["basis"], f"load {node['basis']}")
    names = ("together", *_PHASES)
    for name, load_w, cap_w in zip(names, node["load_w"], node["import_max_w"], strict=True):
        yield f"{name} {format_number(round(load_w), 'W')}" + (
            "" if cap_w is None else f" of {format_number(round(cap_w), 'W')}"
        )
    if node.get("holds", ()):
        yield f"holds back {' and '.join(node['holds'])}"
