"""The connection tree, from what the site file says of it (pure)."""

from collections.abc import Mapping
from math import inf

from quartier.config import nodes as sections
from quartier.control.observe.phases import MEASURED_PHASES
from quartier.house.nodes import Node
from quartier_drivers.contract import PointInfo

__all__ = ["MEASURED_PHASES", "node"]


def node(name: str, section: sections.Node, points: Mapping[str, PointInfo]) -> Node:
    """The node as control sees it; ``points`` are those that the site's devices serve.

    One whose meter is not served stays a metered one: unread, all below it counts at its worst.
    """
    periods = [
        points[f"{name}.{quantity}"].period_s
        for quantity in MEASURED_PHASES
        if f"{name}.{quantity}" in points
    ]
    return Node(
        name=name,
        under=section.under,
        fuse_a=section.fuse_a,
        phases_count=section.phases,
        phase=section.phase,
        power_max_w=inf if section.power_max_w is None else section.power_max_w,
        measured=section.device is not None,
        period_s=max(periods, default=1.0),
        unmeasured_w=section.unmeasured_w,
    )
