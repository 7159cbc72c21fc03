"""Everything of one lot: meters, broker, the relay between, the recorder, and the daemon as a black box."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quartier_bench.torture import broker_connection, counting_site, sample_audit
from quartier_bench.torture.broker_connection import BROKER_NAME, Authority, HostsFile, Relay
from quartier_bench.torture.counting_site import CountingMeter
from quartier_bench.torture.district_recorder import DistrictRecorder, write_issuers_file
from quartier_district.gateway_session import TopicNames
from quartier_district.signed_documents import SigningKey
from quartier_hil.processes.broker_process import BrokerProcess
from quartier_hil.processes.daemon_process import DaemonProcess
from quartier_sim.modbus.endpoints import find_free_port
from quartier_sim.site_clock import RigClock

DOCUMENT_TYPES = ("heartbeat", "envelope", "command", "watermark")
_POLL_S, _AUDIT_PAUSE_S = 0.05, 0.2
# Answers of one start that make no sample: the gateway looks who is there, and the last one may be cut off.
_UNSTORED_PER_START = 2


class StateNotReached(Exception):  # noqa: N818 - a verdict, not a fault of the rig
    """An expected state never came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultBenchSize:
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
class FaultBench:
    """Everything needed to cause a fault."""

    folder: Path
    size: FaultBenchSize
    clock: RigClock
    meters: list[CountingMeter]
    broker: BrokerProcess
    wire: Relay
    recorder: DistrictRecorder
    daemon: DaemonProcess
    keys: Sequence[tuple[SigningKey, tuple[str, ...]]]
    figures: dict[str, Any] = field(default_factory=dict)
    authority: Authority | None = None
    hosts: HostsFile | None = None
    filled: int = 0
    machines: list[DaemonProcess] = field(default_factory=list)

    def take(self, daemon: DaemonProcess) -> None:
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
                raise StateNotReached(f"{what}: not within {patience_s:g} s")
            await asyncio.sleep(_POLL_S)

    async def pass_s(self, site_s: float) -> None:
        """Let ``site_s`` plant seconds pass."""
        await asyncio.sleep(self.clock.real_s(site_s))

    async def online(self, patience_s: float = 60.0) -> None:
        """Wait until the recorder sees the gateway born, and samples of it."""

        def is_born() -> bool:
            session = self.recorder.told.session
            return session.online and bool(self.recorder.told.live_age_s)

        await self.until("the gateway is born", is_born, patience_s)

    async def wait_for_birth(self, patience_s: float = 120.0, *, since: int | None = None) -> None:
        """Wait for a birth after this moment, or after so many, and live samples with it."""
        messages = self.recorder.told
        births = messages.session.births_count if since is None else since
        await self.until("births come anew", lambda: messages.session.births_count > births, patience_s)
        live = len(messages.live_age_s)
        await self.until("live samples come again", lambda: len(messages.live_age_s) > live, patience_s)

    async def kill_broker(self) -> None:
        """As a power cut does: whatever it had in its queues is gone."""
        await self.broker.child.stop(signal.SIGKILL)

    async def wait_for_samples(self, patience_s: float = 120.0) -> sample_audit.HistoryAudit:
        """Wait until all samples before now have arrived; return the last audit, whatever its result."""
        until_ms = self.clock.utc_ms()
        end_s = time.monotonic() + patience_s
        while True:
            found = await asyncio.to_thread(self.audit_history, until_ms)
            if not found.missing or time.monotonic() > end_s:
                return found
            await asyncio.sleep(_AUDIT_PAUSE_S)

    def audit_history(self, until_ms: int) -> sample_audit.HistoryAudit:
        """Hold the history against the recorder, which goes on hearing: millions of samples take minutes."""
        samples = sample_audit.read_history(self.daemon.state_dir, self.daemon.runtime_dir)
        return sample_audit.compare_history(samples, self.recorder.told.held, until_ms)

    async def verdict(self, patience_s: float = 120.0) -> list[str]:
        """Return the broken promises of a lot: nothing lost, invented, torn, doubled or out of order."""
        found = await self.wait_for_samples(patience_s)
        unheard = _count_timeouts(await self.status())
        messages = self.recorder.told
        with self.recorder.lock:
            broken = [*found.faults, *messages.order.faults[:8], *messages.session.faults[:8]]
            broken += [f"{key}: came twice, not the same" for key in messages.held.differing[:8]]
        everywhere = [found.numbers, *(self._numbers(one) for one in self.machines if one is not self.daemon)]
        for place, meter in enumerate(self.meters):
            asset = counting_site.name_asset(place)
            numbers = set().union(*(one[asset] for one in everywhere))
            made_up = sample_audit.list_unserved(meter.served, numbers)
            lost = [
                number
                for number in sample_audit.list_unstored(meter.served, numbers)
                if number < max(numbers, default=0)
            ]
            if made_up:
                broken.append(f"{asset}: the history holds answers {made_up[:8]} that were never served")
            starts = sum(one.starts_count for one in self.machines)
            if len(lost) > _UNSTORED_PER_START * starts + unheard.get(f"bus{place}", 0):
                broken.append(f"{asset}: answers {lost[:8]} were served and not kept ({len(lost)})")
        self.figures |= {
            "samples": found.samples_count,
            "repeats": messages.session.ledger.repeats_count,
            "late": messages.late_count,
            "births": messages.session.births_count,
            "answers": sum(meter.served for meter in self.meters),
            "starts": sum(one.starts_count for one in self.machines),
            "timed_out": sum(unheard.values()),
        }
        return broken

    def _numbers(self, daemon: DaemonProcess) -> Mapping[str, set[int]]:
        """The answers that another machine's history holds."""
        samples = sample_audit.read_history(daemon.state_dir, daemon.runtime_dir)
        return sample_audit.compare_history(samples, self.recorder.told.held, 0).numbers


@asynccontextmanager
async def open_testbed(
    folder: Path,
    size: FaultBenchSize,
    seed: int = 1,
    keys: Sequence[tuple[SigningKey, tuple[str, ...]]] = (),
    filled: int = 0,
) -> AsyncIterator[FaultBench]:
    """A stand whose daemon is started; ended and left on disk afterwards.

    ``keys`` are the issuers, the newest last; the recorder signs with the last one.  ``filled``: so many
    samples stand in the state directory already.
    """
    origin_s = time.time()
    offset_s = size.ahead_s if size.start_utc_s is None else size.start_utc_s - origin_s
    clock = RigClock(origin_s, offset_s, size.rate)
    issuers = keys or ((SigningKey.fresh("optimiser1"), DOCUMENT_TYPES),)
    meters = [CountingMeter(size.points) for _ in range(size.meters)]
    for meter in meters:
        await meter.start()
    secure = _TlsParts(folder) if size.tls else None
    broker = BrokerProcess(folder, "mosquitto", "" if secure is None else secure.listener)
    await broker.start()
    relay = Relay(broker.port if secure is None else secure.port, seed)
    await relay.start()
    files = (
        ("issuers_file", write_issuers_file(folder, *issuers)),
        *(() if secure is None else secure.files),
    )
    link = counting_site.DistrictLink(
        url=f"mqtt://127.0.0.1:{relay.port}" if secure is None else f"mqtts://{BROKER_NAME}:{relay.port}",
        files=files,
        backfill_messages_per_s=size.backfill_messages_per_s,
    )
    ports = [meter.port for meter in meters]
    config = counting_site.write_site(
        folder, ports, size.points, link, period_s=size.period_s, size_max_mb=size.size_max_mb
    )
    recorder = DistrictRecorder(
        broker.port, TopicNames(counting_site.GROUP, counting_site.EDGE), clock, issuers[-1][0]
    )
    recorder.start()
    daemon = DaemonProcess(config, folder, clock)
    speaking = asyncio.create_task(_run_district(recorder))
    stand = FaultBench(folder, size, clock, meters, broker, relay, recorder, daemon, issuers, filled=filled)
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


class _TlsParts:
    """Additions of a stand with certificates: an authority, a listener, and with root rights a host name."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "pki")
        self.port = find_free_port()
        self.listener = self.authority.listener(self.port)
        self.hosts = HostsFile(folder, BROKER_NAME) if broker_connection.can_bind_hosts() else None
        cert_file, key_file = self.authority.issue(f"{counting_site.GROUP}.{counting_site.EDGE}")
        self.files = (("ca_file", self.authority.ca_file), ("cert_file", cert_file), ("key_file", key_file))

    def argv(self, argv: Sequence[str]) -> list[str]:
        if self.hosts is None:
            raise StateNotReached("a stand with certificates needs root, for a name of its own")
        return self.hosts.argv(argv)


def _count_timeouts(status: Mapping[str, Any] | None) -> dict[str, int]:
    """Return the daemon's count of answers that came too late, by bus; a busy machine has some."""
    buses = () if status is None else status["buses"]
    return {bus["name"]: bus["counts"]["timeouts_count"] + bus["counts"]["retries_count"] for bus in buses}


async def _run_district(recorder: DistrictRecorder) -> None:
    """The district goes on talking whatever happens."""
    while True:
        recorder.turn()
        await asyncio.sleep(_POLL_S)
