"""Subscriptions to changes of value: client, end, and the values last sent (135-2020, 13.1 and 13.14)."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from quartier_hil.devices.bacnet.thing import Thing

Client = tuple[object, int]
"""Client of a subscription, and the number of its process."""
Key = tuple[int, int]


@dataclass(slots=True)
class Subscription:
    """``ends_s`` infinite: it has no end."""

    client: Client
    key: Key
    is_confirmed: bool
    ends_s: float
    told: tuple[float, bytes] | None = None

    def left_s(self, now_s: float) -> int:
        """Return the seconds left; 0 means without end."""
        return 0 if math.isinf(self.ends_s) else max(1, round(self.ends_s - now_s))


class Subscriptions:
    """At most ``count_max`` subscriptions; a repeated one starts again."""

    def __init__(self, count_max: int) -> None:
        self.count_max = count_max
        self._all: dict[tuple[Client, Key], Subscription] = {}

    def __len__(self) -> int:
        return len(self._all)

    def put(self, client: Client, key: Key, *, is_confirmed: bool, ends_s: float) -> bool:
        """Begin or renew; False when there is no room."""
        if (client, key) not in self._all and len(self._all) >= self.count_max:
            return False
        self._all[client, key] = Subscription(client, key, is_confirmed, ends_s)
        return True

    def drop(self, client: Client, key: Key) -> None:
        """End one, if there is one."""
        self._all.pop((client, key), None)

    def clear(self) -> None:
        """End all subscriptions at a loss of power, without a notice."""
        self._all.clear()

    def due(self, things: Mapping[Key, Thing], now_s: float) -> Iterator[tuple[Subscription, Thing]]:
        """Yield the subscriptions to notify now; drop expired ones without a notice."""
        for place, one in tuple(self._all.items()):
            if now_s >= one.ends_s:
                del self._all[place]
                continue
            thing = things[one.key]
            if _has_changed(one.told, thing):
                one.told = (thing.value, thing.status_flags)
                yield one, thing


def _has_changed(told: tuple[float, bytes] | None, thing: Thing) -> bool:
    if told is None or told[1] != thing.status_flags:
        return True
    if thing.cov_increment is None:
        return told[0] != thing.value
    return abs(thing.value - told[0]) >= thing.cov_increment
