"""Everything of one lot: meters, broker, the wire between, the recorder, and the daemon as a black box."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quartier_hil.bench.process import free_port
from quartier_hil.clock import RigClock
from quartier_hil.district.issuer import Key
from quartier_hil.district.session import Names
from quartier_hil.stage.broker import Broker
from quartier_hil.stage.daemon import Daemon
from quartier_hil.torture import audit, names, site
from quartier_hil.torture.authority import BROKER, Authority
from quartier_hil.torture.counting import Meter
from quartier_hil.torture.names import Hosts
from quartier_hil.torture.recorder import Recorder, issuers_file
from quartier_hil.torture.relay import Relay

TYPES = ("heartbeat", "envelope", "command", "watermark")
_TURN_S, _BREATH_S = 0.05, 0.2
# Answers of one start that make no sample: the door looks who is there, and the last one may be cut off.
_UNKEPT_PER_START = 2


class GivenUp(Exception):  # noqa: N818 - a verdict, not a fault of the rig
    """An expected state never came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Size of a site, speed of its time and its start; by default now, or later by ``ahead_s``."""

    rate: float = 30.0
    meters: int = 3
    points: int = 20
    period_s: float = 5.0
    backfill_messages_per_s: float = 20.0
    size_max_mb: int = 512
    tls: bool = False
    start_utc_s: float | None = None
    ahead_s: float = 0.0


@dataclass
class Stand:
    """Everything needed to cause a fault."""

    folder: Path
    size: Size
    clock: RigClock
    meters: list[Meter]
    broker: Broker
    wire: Relay
    recorder: Recorder
    daemon: Daemon
    keys: Sequence[tuple[Key, tuple[str, ...]]]
    figures: dict[str, Any] = field(default_factory=dict)
    authority: Authority | None = None
    hosts: Hosts | None = None
    filled: int = 0
    machines: list[Daemon] = field(default_factory=list)

    def take(self, daemon: Daemon) -> None:
        """Another machine is the gateway from now on; all are ended with the stand."""
        self.machines.append(daemon)
        self.daemon = daemon

    async def status(self) -> Mapping[str, Any] | None:
        """Return the status of the daemon; None while it does not answer."""
        return await self.daemon.ask("status")

    async def until(self, what: str, condition: Callable[[], Any], patience_s: float = 60.0) -> None:
        """Live on until it is so; ``patience_s`` are real seconds.  Raises GivenUp with ``what``."""
        end_s = time.monotonic() + patience_s
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            if time.monotonic() > end_s:
                raise GivenUp(f"{what}: not within {patience_s:g} s")
            await asyncio.sleep(_TURN_S)

    async def pass_s(self, house_s: float) -> None:
        """Let ``house_s`` plant seconds pass."""
        await asyncio.sleep(self.clock.real_s(house_s))

    async def online(self, patience_s: float = 60.0) -> None:
        """Wait until the recorder sees the gateway born, and samples of it."""

        def is_born() -> bool:
            session = self.recorder.told.session
            return session.online and bool(self.recorder.told.live_age_s)

        await self.until("the gateway is born", is_born, patience_s)

    async def reborn(self, patience_s: float = 120.0, *, since: int | None = None) -> None:
        """Wait for a birth after this moment, or after so many, and live samples with it."""
        told = self.recorder.told
        births = told.session.births_count if since is None else since
        await self.until("births come anew", lambda: told.session.births_count > births, patience_s)
        live = len(told.live_age_s)
        await self.until("live samples come again", lambda: len(told.live_age_s) > live, patience_s)

    async def kill_broker(self) -> None:
        """As a power cut does: whatever it had in its queues is gone."""
        await self.broker.child.stop(signal.SIGKILL)

    async def settled(self, patience_s: float = 120.0) -> audit.Audit:
        """Wait until all samples before now have arrived; return the last audit, whatever its result."""
        until_ms = self.clock.utc_ms()
        end_s = time.monotonic() + patience_s
        while True:
            found = await asyncio.to_thread(self.audited, until_ms)
            if not found.missing or time.monotonic() > end_s:
                return found
            await asyncio.sleep(_BREATH_S)

    def audited(self, until_ms: int) -> audit.Audit:
        """Hold the history against the recorder, which goes on hearing: millions of samples take minutes."""
        samples = audit.kept(self.daemon.state_dir, self.daemon.runtime_dir)
        return audit.compare(samples, self.recorder.told.held, until_ms)

    async def verdict(self, patience_s: float = 120.0) -> list[str]:
        """Return the broken promises of a lot: nothing lost, invented, torn, doubled or out of order."""
        found = await self.settled(patience_s)
        unheard = _timed_out(await self.status())
        told = self.recorder.told
        with self.recorder.lock:
            broken = [*found.faults, *told.order.faults[:8], *told.session.faults[:8]]
            broken += [f"{key}: came twice, not the same" for key in told.held.differing[:8]]
        everywhere = [found.numbers, *(self._numbers(one) for one in self.machines if one is not self.daemon)]
        for place, meter in enumerate(self.meters):
            asset = site.asset_of(place)
            numbers = set().union(*(one[asset] for one in everywhere))
            made_up = audit.unserved(meter.served, numbers)
            lost = [
                number for number in audit.unkept(meter.served, numbers) if number < max(numbers, default=0)
            ]
            if made_up:
                broken.append(f"{asset}: the history holds answers {made_up[:8]} that were never served")
            starts = sum(one.starts_count for one in self.machines)
            if len(lost) > _UNKEPT_PER_START * starts + unheard.get(f"bus{place}", 0):
                broken.append(f"{asset}: answers {lost[:8]} were served and not kept ({len(lost)})")
        self.figures |= {
            "samples": found.samples_count,
            "repeats": told.session.ledger.repeats_count,
            "late": told.late_count,
            "births": told.session.births_count,
            "answers": sum(meter.served for meter in self.meters),
            "starts": sum(one.starts_count for one in self.machines),
            "timed_out": sum(unheard.values()),
        }
        return broken

    def _numbers(self, daemon: Daemon) -> Mapping[str, set[int]]:
        """The answers that another machine's history holds."""
        samples = audit.kept(daemon.state_dir, daemon.runtime_dir)
        return audit.compare(samples, self.recorder.told.held, 0).numbers


@asynccontextmanager
async def standing(
    folder: Path, size: Size, seed: int = 1, keys: Sequence[tuple[Key, tuple[str, ...]]] = (), filled: int = 0
) -> AsyncIterator[Stand]:
    """A stand whose daemon is started; ended and left on disk afterwards.

    ``keys`` are the issuers, the newest last; the recorder signs with the last one.  ``filled``: so many
    samples stand in the state directory already.
    """
    origin_s = time.time()
    offset_s = size.ahead_s if size.start_utc_s is None else size.start_utc_s - origin_s
    clock = RigClock(origin_s, offset_s, size.rate)
    issuers = keys or ((Key.fresh("optimiser1"), TYPES),)
    meters = [Meter(size.points) for _ in range(size.meters)]
    for meter in meters:
        await meter.start()
    secure = _Secure(folder) if size.tls else None
    broker = Broker(folder, "mosquitto", "" if secure is None else secure.listener)
    await broker.start()
    relay = Relay(broker.port if secure is None else secure.port, seed)
    await relay.start()
    files = (("issuers_file", issuers_file(folder, *issuers)), *(() if secure is None else secure.files))
    link = site.Link(
        url=f"mqtt://127.0.0.1:{relay.port}" if secure is None else f"mqtts://{BROKER}:{relay.port}",
        files=files,
        backfill_messages_per_s=size.backfill_messages_per_s,
    )
    ports = [meter.port for meter in meters]
    config = site.write(
        folder, ports, size.points, link, period_s=size.period_s, size_max_mb=size.size_max_mb
    )
    recorder = Recorder(broker.port, Names(site.GROUP, site.EDGE), clock, issuers[-1][0])
    recorder.start()
    daemon = Daemon(config, folder, clock)
    speaking = asyncio.create_task(_speak(recorder))
    stand = Stand(folder, size, clock, meters, broker, relay, recorder, daemon, issuers, filled=filled)
    if secure is not None:
        stand.authority, stand.hosts = secure.authority, secure.hosts
        daemon.child.argv = secure.argv(daemon.child.argv)
    stand.take(daemon)
    try:
        await daemon.start()
        await stand.online()
        yield stand
    finally:
        speaking.cancel()
        for machine in stand.machines:
            await machine.stop()
        recorder.stop()
        await relay.stop()
        await broker.stop()
        for meter in meters:
            await meter.stop()


class _Secure:
    """Additions of a stand with certificates: an authority, a listener, and with root rights a host name."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "pki")
        self.port = free_port()
        self.listener = self.authority.listener(self.port)
        self.hosts = Hosts(folder, BROKER) if names.is_possible() else None
        cert_file, key_file = self.authority.issue(f"{site.GROUP}.{site.EDGE}")
        self.files = (("ca_file", self.authority.ca_file), ("cert_file", cert_file), ("key_file", key_file))

    def argv(self, argv: Sequence[str]) -> list[str]:
        if self.hosts is None:
            raise GivenUp("a stand with certificates needs root, for a name of its own")
        return self.hosts.argv(argv)


def _timed_out(status: Mapping[str, Any] | None) -> dict[str, int]:
    """Return the daemon's count of answers that came too late, by bus; a busy machine has some."""
    buses = () if status is None else status["buses"]
    return {bus["name"]: bus["counts"]["timeouts_count"] + bus["counts"]["retries_count"] for bus in buses}


async def _speak(recorder: Recorder) -> None:
    """The district goes on talking whatever happens."""
    while True:
        recorder.turn()
        await asyncio.sleep(_TURN_S)
