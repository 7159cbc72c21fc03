"""Writes of a release table: what is to stand in a node, as ``release.json`` holds it.  Pure.

Who makes them has no time for profiles: little is imported.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from quartier_drivers.opcua.answer import Raw
from quartier_drivers.opcua.certificate import fingerprint
from quartier_drivers.opcua.node import Node, node
from quartier_drivers.opcua.offer import Offer
from quartier_drivers.opcua.scalars import NAMES, NUMBERS, fitted


@dataclass(frozen=True, slots=True)
class Wanted:
    """A write before the type of its node is known; ``raw`` is unscaled, ``type_number`` 0 the node's own."""

    point: str
    node: Node
    index: int | None
    raw: float
    type_number: int = 0


def fits(raw: float, type_number: int) -> Raw:
    """An unscaled number as a value of the type.  Raises ValueError."""
    number = Fraction(raw)
    return fitted(number, type_number, number - 1, number + 1)


def dump(wanted: Wanted, offer: Offer | None = None) -> Mapping[str, Any]:
    """A write as JSON holds it in ``release.json``; ``offer`` let us in last."""
    door = {} if offer is None else {"offer": [offer.policy, offer.mode, fingerprint(offer.certificate)]}
    return {
        "point": wanted.point,
        "node": str(wanted.node),
        "index": wanted.index,
        "raw": wanted.raw,
        "type": NAMES.get(wanted.type_number, ""),
        **door,
    }


def restore(write: Mapping[str, Any]) -> Wanted:
    """The write that ``dump`` gave.  Raises ValueError or KeyError."""
    kind = write["type"]
    return Wanted(
        write["point"], node(write["node"]), write["index"], write["raw"], NUMBERS[kind] if kind else 0
    )
