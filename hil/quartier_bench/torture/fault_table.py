"""Table of the faults with their sites, short for CI and long for a night."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from quartier_bench.torture import broker_faults, document_faults, gateway_faults
from quartier_bench.torture.testbed import DOCUMENT_TYPES, FaultBench, FaultBenchSize
from quartier_district.signed_documents import SigningKey

FaultAction = Callable[[FaultBench, Random, int], Awaitable[None]]
IssuerKeys = tuple[tuple[SigningKey, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """``rounds`` of one lot, short and long; a long run has ``lots``, each on a stand of its own.

    A fault that is not ``quick`` is left out of the short form.  ``filled``: so many samples wait in the
    history already, short and long.
    """

    what: str
    do: FaultAction
    size: FaultBenchSize = field(default_factory=FaultBenchSize)
    rounds: tuple[int, int] = (1, 10)
    lots: int = 1
    quick: bool = True
    roll: Callable[[], IssuerKeys] = tuple
    filled: tuple[int, int] = (0, 0)


def _make_rolled_keys() -> IssuerKeys:
    """Return the keys of a district after one rollover, and one for heartbeats alone."""
    return (
        (SigningKey.fresh("heartbeat-key"), document_faults.HEARTBEAT_KEY_TYPES),
        (SigningKey.fresh("optimiser1"), DOCUMENT_TYPES),
        (SigningKey.fresh("optimiser2"), DOCUMENT_TYPES),
    )


FAULTS: Mapping[str, Fault] = {
    "broker-killed": Fault(
        what="killed after PUBACK, its queue lost",
        do=broker_faults.kill_broker,
        rounds=(1, 20),
        size=FaultBenchSize(rate=60.0),
    ),
    "district-away": Fault(
        what="the district away, the broker not",
        do=broker_faults.stop_district,
        rounds=(1, 20),
        size=FaultBenchSize(rate=60.0),
    ),
    "broker-away": Fault(
        what="down for ten minutes a round, an hour and a half in all",
        do=broker_faults.stop_broker,
        rounds=(1, 9),
        size=FaultBenchSize(rate=120.0, period_s=10.0, backfill_messages_per_s=50.0),
        quick=False,
    ),
    "broker-away-72-h": Fault(
        what="72 hours of 500 points each 10 s wait, over 1 Mbit/s",
        do=broker_faults.catch_up,
        rounds=(1, 1),
        size=FaultBenchSize(rate=1.0, meters=10, points=50, period_s=10.0, backfill_messages_per_s=20.0),
        quick=False,
        filled=(200_000, broker_faults.SAMPLES_72_H),
    ),
    "flapping": Fault(
        what="the connection cut a moment after it came, 1,000 times",
        do=broker_faults.cut_connections,
        rounds=(8, 100),
        lots=10,
        size=FaultBenchSize(rate=60.0),
    ),
    "half-open": Fault(
        what="all that is sent gone without a sign",
        do=broker_faults.drop_data,
        rounds=(1, 6),
        size=FaultBenchSize(rate=60.0),
    ),
    "no-names": Fault(
        what="the name server is dead",
        do=gateway_faults.remove_district_name,
        rounds=(1, 10),
        size=FaultBenchSize(rate=60.0, tls=True),
        quick=False,
    ),
    "certificate": Fault(
        what="our certificate is over, and renewed",
        do=gateway_faults.expire_certificate,
        rounds=(1, 5),
        size=FaultBenchSize(rate=10.0, tls=True),
        quick=False,
    ),
    "time-floor": Fault(
        what="boots years before the broker's certificate begins, over TLS",
        do=gateway_faults.boot_before_certificate,
        rounds=(1, 15),
        size=FaultBenchSize(rate=60.0, tls=True, ahead_s=gateway_faults.AHEAD_S),
        quick=False,
    ),
    "slow-link": Fault(
        what="1 kB/s, one segment of ten lost",
        do=broker_faults.slow_down_link,
        rounds=(1, 5),
        size=FaultBenchSize(rate=1.0, meters=1, points=20, period_s=5.0),
        quick=False,
    ),
    "clock-jumps": Fault(
        what="±10 years, ±1 h, ±1 s at random",
        do=gateway_faults.make_clock_jump,
        rounds=(3, 200),
        size=FaultBenchSize(rate=60.0),
    ),
    "clock-untrusted": Fault(
        what="boots without time",
        do=gateway_faults.start_without_time,
        rounds=(1, 30),
        size=FaultBenchSize(rate=60.0),
        quick=False,
    ),
    "change-in-spring": Fault(
        what="the day on which the clock goes on an hour",
        do=gateway_faults.pass_clock_change,
        rounds=(1, 8),
        size=FaultBenchSize(rate=120.0, start_utc_s=gateway_faults.SPRING_UTC_S),
        quick=False,
    ),
    "change-in-autumn": Fault(
        what="the day on which the clock goes back an hour",
        do=gateway_faults.pass_clock_change,
        rounds=(1, 8),
        size=FaultBenchSize(rate=120.0, start_utc_s=gateway_faults.AUTUMN_UTC_S),
        quick=False,
    ),
    "frozen": Fault(
        what="SIGSTOP for ten minutes of the house",
        do=gateway_faults.freeze_gateway,
        rounds=(1, 5),
        size=FaultBenchSize(rate=200.0),
    ),
    "invalid-documents": Fault(
        what="100,000 documents that must not act",
        do=document_faults.send_bad_documents,
        rounds=(1, 20),
        lots=5,
        size=FaultBenchSize(rate=1.0, meters=1, points=1),
        roll=_make_rolled_keys,
    ),
    "district-restored": Fault(
        what="a district back from its backup",
        do=document_faults.restore_district,
        rounds=(1, 10),
        size=FaultBenchSize(rate=60.0),
    ),
    "old-key": Fault(
        what="a second district with the old key",
        do=document_faults.use_old_key,
        rounds=(3, 100),
        size=FaultBenchSize(rate=30.0),
        roll=_make_rolled_keys,
    ),
    "killed-at-its-word": Fault(
        what="killed as it says that it took a command",
        do=document_faults.kill_after_acceptance,
        rounds=(1, 40),
        size=FaultBenchSize(rate=1.0, period_s=1.0),
    ),
    "swapped": Fault(
        what="a backup restored on another machine, the old one plugged in again",
        do=gateway_faults.replace_gateway,
        rounds=(1, 1),
        lots=3,
        size=FaultBenchSize(rate=60.0),
    ),
}
