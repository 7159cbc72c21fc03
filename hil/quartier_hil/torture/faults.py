"""Table of the faults with their sites, short for CI and long for a night."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from quartier_hil.district.issuer import Key
from quartier_hil.torture import brokers, clocks, orders, outages, swaps, trust
from quartier_hil.torture.stand import TYPES, Size, Stand

Do = Callable[[Stand, Random, int], Awaitable[None]]
Keys = tuple[tuple[Key, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """``rounds`` of one lot, short and long; a long run has ``lots``, each on a stand of its own.

    A fault that is not ``quick`` is left out of the short form.  ``filled``: so many samples wait in the
    history already, short and long.
    """

    what: str
    do: Do
    size: Size = field(default_factory=Size)
    rounds: tuple[int, int] = (1, 10)
    lots: int = 1
    quick: bool = True
    roll: Callable[[], Keys] = tuple
    filled: tuple[int, int] = (0, 0)


def _rolled() -> Keys:
    """Return the keys of a district after one rollover, and a clerk's for heartbeats alone."""
    return (
        (Key.fresh("clerk"), orders.CLERK),
        (Key.fresh("optimiser1"), TYPES),
        (Key.fresh("optimiser2"), TYPES),
    )


FAULTS: Mapping[str, Fault] = {
    "broker-killed": Fault(
        what="killed after PUBACK, its queue lost", do=brokers.killed, rounds=(1, 20), size=Size(rate=60.0)
    ),
    "district-away": Fault(
        what="the district away, the broker not", do=brokers.unheard, rounds=(1, 20), size=Size(rate=60.0)
    ),
    "broker-away": Fault(
        what="down for ten minutes a round, an hour and a half in all",
        do=brokers.away,
        rounds=(1, 9),
        size=Size(rate=120.0, period_s=10.0, backfill_messages_per_s=50.0),
        quick=False,
    ),
    "broker-away-72-h": Fault(
        what="72 hours of 500 points each 10 s wait, over 1 Mbit/s",
        do=outages.caught_up,
        rounds=(1, 1),
        size=Size(rate=1.0, meters=10, points=50, period_s=10.0, backfill_messages_per_s=20.0),
        quick=False,
        filled=(200_000, outages.SAMPLES_72_H),
    ),
    "flapping": Fault(
        what="the connection cut a moment after it came, 1,000 times",
        do=brokers.flapping,
        rounds=(8, 100),
        lots=10,
        size=Size(rate=60.0),
    ),
    "half-open": Fault(
        what="all that is sent gone without a sign", do=brokers.half_open, rounds=(1, 6), size=Size(rate=60.0)
    ),
    "no-names": Fault(
        what="the name server is dead",
        do=trust.nameless,
        rounds=(1, 10),
        size=Size(rate=60.0, tls=True),
        quick=False,
    ),
    "certificate": Fault(
        what="our certificate is over, and renewed",
        do=trust.expired,
        rounds=(1, 5),
        size=Size(rate=10.0, tls=True),
        quick=False,
    ),
    "time-floor": Fault(
        what="boots years before the broker's certificate begins, over TLS",
        do=trust.early,
        rounds=(1, 15),
        size=Size(rate=60.0, tls=True, ahead_s=trust.AHEAD_S),
        quick=False,
    ),
    "slow-link": Fault(
        what="1 kB/s, one segment of ten lost",
        do=brokers.lossy,
        rounds=(1, 5),
        size=Size(rate=1.0, meters=1, points=20, period_s=5.0),
        quick=False,
    ),
    "clock-jumps": Fault(
        what="±10 years, ±1 h, ±1 s at random", do=clocks.jumps, rounds=(3, 200), size=Size(rate=60.0)
    ),
    "clock-untrusted": Fault(
        what="boots without time", do=clocks.untrusted, rounds=(1, 30), size=Size(rate=60.0), quick=False
    ),
    "change-in-spring": Fault(
        what="the day on which the clock goes on an hour",
        do=clocks.changed,
        rounds=(1, 8),
        size=Size(rate=120.0, start_utc_s=clocks.SPRING_UTC_S),
        quick=False,
    ),
    "change-in-autumn": Fault(
        what="the day on which the clock goes back an hour",
        do=clocks.changed,
        rounds=(1, 8),
        size=Size(rate=120.0, start_utc_s=clocks.AUTUMN_UTC_S),
        quick=False,
    ),
    "frozen": Fault(
        what="SIGSTOP for ten minutes of the house", do=clocks.frozen, rounds=(1, 5), size=Size(rate=200.0)
    ),
    "nonsense": Fault(
        what="100,000 documents that must not act",
        do=orders.nonsense,
        rounds=(1, 20),
        lots=5,
        size=Size(rate=1.0, meters=1, points=1),
        roll=_rolled,
    ),
    "district-restored": Fault(
        what="a district back from its backup", do=orders.restored, rounds=(1, 10), size=Size(rate=60.0)
    ),
    "old-key": Fault(
        what="a second district with the old key",
        do=orders.usurped,
        rounds=(3, 100),
        size=Size(rate=30.0),
        roll=_rolled,
    ),
    "killed-at-its-word": Fault(
        what="killed as it says that it took a command",
        do=orders.killed,
        rounds=(1, 40),
        size=Size(rate=1.0, period_s=1.0),
    ),
    "swapped": Fault(
        what="a backup restored on another machine, the old one plugged in again",
        do=swaps.swapped,
        rounds=(1, 1),
        lots=3,
        size=Size(rate=60.0),
    ),
}
