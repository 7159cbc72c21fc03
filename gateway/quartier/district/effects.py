"""What goes into the session and what comes out of it (pure)."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier.district.outbox import Outbox
from quartier.house.image import Seen
from quartier.house.now import Now
from quartier.house.sample import Mark
from quartier_drivers.contract import Value


@dataclass(frozen=True, slots=True)
class Scene:
    """The world when something happens: time, latest value per point, store, assets whose devices
    are all silent.  What is seldom looked at is asked for then.
    """

    now: Now
    latest: Callable[[], Mapping[str, Seen]]
    outbox: Outbox
    silent: Callable[[], Collection[str]] = tuple


@dataclass(frozen=True, slots=True)
class Publish:
    """One message to send.  ``stream`` and ``upto`` say which samples it delivers, if any."""

    topic: str
    payload: bytes
    qos: int = 0
    stream: str = ""
    upto: Mark | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """Close the data connection (NDEATH was said); ``walk`` takes the next server of the list."""

    why: str
    walk: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Something that people should know; ``alarm`` for what needs one of them."""

    code: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A host asks for a harmless point to be written."""

    point: str
    value: Value


Effect = Publish | Leave | Note | Wanted
