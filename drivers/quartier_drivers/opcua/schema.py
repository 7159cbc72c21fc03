"""The tables of an OPC UA device's profile: the node of each point, and the use of its value."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from quartier_drivers.contract import Fallback
from quartier_drivers.device_profile.schema import (
    Finite,
    Names,
    Numbers,
    OnRelease,
    Quantity,
    Scale,
    Section,
)
from quartier_drivers.opcua.node_types import TYPE_NUMBERS, NodeName, parse_node


def _parse_node_name(raw: object) -> object:
    return parse_node(raw) if isinstance(raw, str) else raw


def _make_number_validator(*words: str) -> BeforeValidator:
    def read(raw: object) -> object:
        if raw is None or raw in words:
            return raw
        if isinstance(raw, bool | int | float):
            return float(raw)
        raise ValueError(f"{raw!r} is wrong, expected a number or {' or '.join(map(repr, words))}")

    return BeforeValidator(read)


def _parse_type(raw: object) -> object:
    if isinstance(raw, str) and raw in TYPE_NUMBERS:
        return TYPE_NUMBERS[raw]
    raise ValueError(f"{raw!r} is wrong, expected one of {', '.join(TYPE_NUMBERS)}")


NodeAt = Annotated[NodeName, BeforeValidator(_parse_node_name)]
"""A node, its namespace by URI."""
ElementIndex = Annotated[int, Field(ge=0, le=0x7FFF_FFFF)]
"""The place of an element in an array, from 0."""
BuiltInType = Annotated[int, BeforeValidator(_parse_type)]
"""The number of a built-in type, written as its name."""
TimeSource = Literal["answer", "source"]


class OwnControlWrite(Section):
    """The write that gives a point back to the device's own control; unscaled."""

    node: NodeAt
    value: Finite


class Watchdog(Section):
    """The fallback of the device: it takes ``value`` after ``after_s`` without a write.

    ``node`` keeps it from that and is written before each setpoint.  ``beat`` is what is written there: a
    number that counts up, ``after_s`` itself, or this value.  Without ``node``, writing the setpoint keeps it
    from that.
    """

    value: Annotated[Literal["own"] | Finite, _make_number_validator("own")]
    after_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    refresh_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    node: NodeAt | None = None
    beat: Annotated[Literal["count", "seconds"] | Finite, _make_number_validator("count", "seconds")] = (
        "count"
    )

    @property
    def plain(self) -> Fallback:
        """The same as a ``Fallback`` of the contract."""
        value = None if self.value == "own" else self.value
        register = "" if self.node is None else str(self.node)
        return Fallback(value, self.after_s, register, self.refresh_s or self.after_s / 3)


class NodeWrite(Section):
    """The ``write`` table of a point; ``node``, ``type_number`` and ``scale`` if they differ from reading.

    The type is the node's own DataType unless it is named here; the range is the narrower of ``low..high``
    and the node's EURange.
    """

    low: Finite
    high: Finite
    on_release: OnRelease
    own: OwnControlWrite | None = None
    fallback: Watchdog | None = None
    persistent: bool = False
    writes_per_day: Annotated[int, Field(ge=1, le=86400)] | None = None
    confirm: Literal["read", "none"] = "read"
    node: NodeAt | None = None
    type_number: BuiltInType | None = Field(None, alias="type")
    scale: Scale | None = None


class OpcuaPoint(Quantity):
    """One quantity: value = sign * scale * raw + offset."""

    node: NodeAt
    index: ElementIndex | None = None
    bit: Annotated[int, Field(ge=0, le=63)] | None = None
    values: Names | None = None
    scale: Scale = 1.0
    offset: Finite = 0.0
    sign: Literal[1, -1] = 1
    absent: Numbers = ()
    """Raw numbers that mean "not there"."""
    age_by: TimeSource = "answer"
    """What says how old a value is: that the server vouches for it now, or its source's stamp: only where
    the source stamps each measurement and not each change."""
    deadband: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """The smallest change that the server reports, in our units; 0: any change."""
    queue: Annotated[int, Field(ge=1, le=100)] = 1
    """How many changes the server keeps between two messages: for what may come and go between them."""
    write: NodeWrite | None = None

    @property
    def writable(self) -> bool:
        """Return whether it can be written."""
        return self.write is not None

    @property
    def fallback(self) -> Fallback | None:
        """Return the fallback that its device takes by itself when nobody writes; None if there is none."""
        return None if self.write is None or self.write.fallback is None else self.write.fallback.plain

    def describe_place(self) -> str:
        """Return the node, and the element of its array, for people."""
        return f"{self.node}" if self.index is None else f"{self.node}[{self.index}]"


class OpcuaLimits(Section):
    """Limits of the server and of the device behind it."""

    nodes_max: Annotated[int, Field(ge=1, le=1000)] = 200
    """Nodes of one request; the server's own OperationLimits count too."""
    settle_s: Annotated[float, Field(ge=0, le=600)] = 0.0
    """How long after a write the device may still show the old value."""
    subscribe: bool = True
    """False: the server's subscriptions are not to be relied on."""
    no_fallback: Annotated[str, Field(min_length=8)] | None = None
    """Why points without a fallback have none, with the source."""


class OpcuaIdentity(Section):
    """The nodes with the identity of the device: of the DI companion specification, or the maker's own."""

    maker: NodeAt | None = None
    model: NodeAt | None = None
    serial: NodeAt | None = None
    firmware: NodeAt | None = None

    @property
    def nodes(self) -> Mapping[str, NodeName]:
        """The named ones of these nodes, by key."""
        said: dict[str, Any] = {key: getattr(self, key) for key in ("maker", "model", "serial", "firmware")}
        return {key: at for key, at in said.items() if at is not None}
