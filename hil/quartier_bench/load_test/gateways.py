"""Many gateways in one process: the uplink of the product for each, and an outbox in memory with counted
samples.

``python -m quartier_bench.load_test.gateways CONFIG.json``.  Orders are lines on stdin, each answered by
one of
JSON: ``look`` (figures), ``still`` (no more samples), ``heads`` (what was numbered), ``quit``.  The outbox
replaces
the store, because the disk is not measured here; the contract is that of the store.
"""

import asyncio
import json
import random
import sys
import time
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quartier.control.link import allowed, machine
from quartier.control.requests import Envelope, Heartbeat
from quartier.district.connection.mqtt_types import BrokerCredentials, BrokerServer
from quartier.district.records import Identity, Note, SessionRules
from quartier.district.sparkplug.metric_catalog import MetricCatalog, build_catalog
from quartier.district.sparkplug.node_session import SessionPhase
from quartier.district.uplink import SiteView, Uplink, UplinkSettings
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier.site.process_image import PointValue
from quartier.site.samples import SampleBlock, StreamPosition
from quartier.site.site_layout import SiteLimits
from quartier_drivers.contract import PointInfo
from quartier_drivers.readings import FLOAT, Quality


@dataclass(slots=True)
class StreamColumns:
    """The samples of one stream that are kept: the first one's number, and columns."""

    first: int = 1
    points: "array[int]" = field(default_factory=lambda: array("I"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    times_ms: "array[int]" = field(default_factory=lambda: array("q"))

    @property
    def last(self) -> int:
        """The newest number."""
        return self.first + len(self.values) - 1


class MemoryOutbox:
    """The outbox of one gateway and one boot; ``names`` are those of the points, as (stream, metric)."""

    is_whole = True

    def __init__(self, boot: int, names: Sequence[tuple[str, str]]) -> None:
        self.boot, self.names = boot, names
        self.most_kept = 0
        self._streams = {stream: StreamColumns() for stream in dict.fromkeys(stream for stream, _ in names)}

    def put(self, point: int, value: float, utc_ms: int) -> None:
        """Number one sample of a point, by its place in ``names``."""
        strip = self._streams[self.names[point][0]]
        strip.points.append(point)
        strip.values.append(value)
        strip.times_ms.append(utc_ms)

    def fill(self, past_s: float, period_s: float, utc_ms: int) -> None:
        """Number a past of all points, one value of each every ``period_s``."""
        count = int(past_s / period_s)
        for stream, strip in self._streams.items():
            places = [place for place, (name, _) in enumerate(self.names) if name == stream]
            step = len(places)
            strip.points.extend(array("I", places) * count)
            strip.values.extend(array("d", range(step * count)))
            begin_ms = utc_ms - round(1000 * past_s)
            times = (begin_ms + round(1000 * period_s * row) for row in range(count) for _ in range(step))
            strip.times_ms.extend(array("q", times))

    @property
    def samples_count(self) -> int:
        """Samples that no watermark covers yet."""
        return sum(len(strip.values) for strip in self._streams.values())

    def heads(self) -> Mapping[str, StreamPosition]:
        """The newest of each stream that has one."""
        return {
            name: StreamPosition(self.boot, strip.last) for name, strip in self._streams.items() if strip.last
        }

    def runs(self, above: Mapping[str, StreamPosition], limit: int) -> list[SampleBlock]:
        """As ``Outbox.runs``; every stream gets the same share."""
        waiting = [
            name for name in self._streams if self._start(name, above.get(name)) <= self._streams[name].last
        ]
        waiting.sort(key=lambda name: self._streams[name].times_ms[self._place(name, above.get(name))])
        found: list[SampleBlock] = []
        left = limit
        for place, name in enumerate(waiting):
            share = -(-left // (len(waiting) - place))
            one = self.run(name, above.get(name), share)
            if one is not None:
                left -= len(one)
                found.append(one)
        return found

    def run(self, stream: str, above: StreamPosition | None, limit: int) -> SampleBlock | None:
        """As ``Outbox.run``."""
        strip = self._streams.get(stream)
        if strip is None:
            return None
        start = self._start(stream, above)
        begin = start - strip.first
        count = min(limit, strip.last - start + 1)
        if count <= 0:
            return None
        span = slice(begin, begin + count)
        kinds = array("B", [FLOAT]) * count
        return SampleBlock(
            stream,
            self.boot,
            start,
            self.names,
            strip.points[span],
            kinds,
            strip.values[span],
            strip.times_ms[span],
        )

    def trim(self, marks: Mapping[str, StreamPosition]) -> None:
        """Drop the samples that the watermarks cover."""
        self.most_kept = max(self.most_kept, self.samples_count)
        for name, mark in marks.items():
            strip = self._streams.get(name)
            if strip is None or mark.boot < self.boot:
                continue
            gone = min(mark.seq, strip.last) - strip.first + 1
            if gone > 0:
                del strip.points[:gone], strip.values[:gone], strip.times_ms[:gone]
                strip.first += gone

    def _start(self, stream: str, above: StreamPosition | None) -> int:
        """The first number above a mark."""
        strip = self._streams[stream]
        if above is None or above.boot < self.boot:
            return strip.first
        if above.boot > self.boot:
            return strip.last + 1
        return max(strip.first, above.seq + 1)

    def _place(self, stream: str, above: StreamPosition | None) -> int:
        return self._start(stream, above) - self._streams[stream].first


POINTS = (
    ("grid", "power_w"),
    ("grid", "voltage_l1_v"),
    ("grid", "energy_import_wh"),
    ("pv1", "power_w"),
    ("bat1", "power_w"),
    ("bat1", "soc_pct"),
    ("ev1", "power_w"),
)
"""Points of a home: four assets."""
ROLES = {"grid": "grid", "pv1": "pv", "bat1": "battery", "ev1": "ev"}
_LIMITS = SiteLimits(
    import_hard_w=9000.0,
    export_hard_w=6000.0,
    import_failsafe_w=4500.0,
    export_failsafe_w=0.0,
    import_autonomous_w=7200.0,
    export_autonomous_w=6000.0,
)
_LINK_PARAMETERS = allowed.LinkParameters(limits=_LIMITS)
_LOOP_S = 0.1


def build_gateway_catalog() -> MetricCatalog:
    """Return the metrics in the births of each gateway."""
    names = [f"{stream}.{metric}" for stream, metric in POINTS]
    points = {name: PointInfo(name, "float", "100/holding:840", 1.0) for name in names}
    return build_catalog(points, ROLES, deadband=lambda _name: 50.0)


class GatewaySession:
    """One edge node: its uplink, its samples, and the link state that its documents make.

    ``host`` is its primary host, None where it waits for none.
    """

    def __init__(
        self,
        edge: str,
        config: dict[str, Any],
        servers: Sequence[BrokerServer],
        clock: SiteClock,
        notes: Counter[str],
        host: str | None,
    ) -> None:
        self.edge, self.clock, self.notes = edge, clock, notes
        folder = Path(config["folder"]) / edge
        folder.mkdir(parents=True, exist_ok=True)
        self.notebook = MemoryOutbox(int(config["boot"]), POINTS)
        if "past_s" in config:
            past_s, each_s = float(config["past_s"]), float(config["past_period_s"])
            self.notebook.fill(past_s, each_s, clock.now().utc_ms)
        self.latest = {f"{s}.{m}": PointValue(0.0, Quality.GOOD, 0.0) for s, m in POINTS}
        self.state = machine.start_link(_LINK_PARAMETERS, None, clock.now(), outage=False)
        self.born_s = self.closed_s = 0.0
        self.births = 0
        self._source = random.Random(edge)  # noqa: S311 - a plant, no secret
        self.due_ns = clock.now().ns + round(self._source.uniform(0.0, float(config["period_s"])) * 1e9)
        site_view = SiteView(
            outbox=self.notebook, clock=clock, latest=lambda: self.latest, report=self._report
        )
        settings = UplinkSettings(
            servers=tuple(servers),
            folder=folder,
            issuers_file=Path(config["issuers_file"]),
            credentials=_make_credentials(config, edge),
        )
        rules = SessionRules(primary_host=host, servers_count=len(servers))
        self.uplink = Uplink(
            settings, Identity(str(config["group"]), edge), build_gateway_catalog(), rules, site_view
        )

    def _report(self, note: Note) -> None:
        self.notes[note.code] += 1

    def sample(self) -> None:
        """One value of each point, each of them past its deadband."""
        now_ms = self.clock.now().utc_ms
        for place in range(len(POINTS)):
            self.notebook.put(place, self._source.uniform(0.0, 5000.0), now_ms)
        self.uplink.wake()

    def control(self) -> None:
        """Process the documents of a cycle: update the link state and answer each."""
        now = self.clock.now()
        while self.uplink.inbox:
            document = self.uplink.inbox.popleft().document
            if isinstance(document, Heartbeat):
                self.state = machine.accept_heartbeat(self.state, _LINK_PARAMETERS, document, now)
            elif isinstance(document, Envelope):
                self.state, ack = machine.accept_envelope(self.state, _LINK_PARAMETERS, document, now)
                self.uplink.ack(ack)
        self.state = machine.advance_link(self.state, _LINK_PARAMETERS, now)
        if self.uplink.session.births_count != self.births:
            self.births, self.born_s = self.uplink.session.births_count, time.time()

    @property
    def is_born(self) -> bool:
        """True if its births are sent on a live session."""
        return self.uplink.session.phase is SessionPhase.BORN


def _make_credentials(config: dict[str, Any], edge: str) -> BrokerCredentials:
    """Return its own certificate with that of the issuer; none without encryption."""
    if "ca_file" not in config:
        return BrokerCredentials()
    ca_file, name = Path(config["ca_file"]), f"{config['group']}.{edge}"
    return BrokerCredentials(
        ca_file=ca_file, cert_file=ca_file.with_name(f"{name}.pem"), key_file=ca_file.with_name(f"{name}.key")
    )


class GatewayGroup:
    """All gateways of this process."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.notes: Counter[str] = Counter()
        self.samples = True
        self.late_max_s = 0.0
        self.clock = clock = SiteClock(ClockSetting(float(config["rate"]), 0.0, float(config["origin"])))
        servers = [BrokerServer.read(url) for url in config["servers"]]
        self.gateways = []
        hosts = int(config["hosts"])
        for number in range(int(config["first"]), int(config["first"]) + int(config["count"])):
            begin = number // hosts % len(servers)
            turned = servers[begin:] + servers[:begin]
            host = f"host{number % hosts}" if config["primary"] else None
            self.gateways.append(GatewaySession(f"e{number:06d}", config, turned, clock, self.notes, host))

    async def run(self) -> None:
        """Until ``quit``."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._live())]
            tasks += [group.create_task(self._begin(at, one)) for at, one in enumerate(self.gateways)]
            while (line := await reader.readline()) and (order := line.decode().strip()) != "quit":
                print(json.dumps(self.answer(order)), flush=True)  # noqa: T201 - the answer
            for task in tasks:
                task.cancel()

    async def _begin(self, place: int, one: GatewaySession) -> None:
        """Buildings are not switched on at the same instant."""
        await asyncio.sleep(place * float(self.config["begin_s"]) / len(self.gateways))
        await one.uplink.run()

    async def _live(self) -> None:
        """Samples when they are due, documents ten times a second."""
        period_ns, number = round(float(self.config["period_s"]) * 1e9), 0
        while True:
            began_s, now_ns = time.monotonic(), self.clock.now().ns
            for one in self.gateways:
                if self.samples and now_ns >= one.due_ns:
                    one.due_ns += period_ns
                    one.sample()
            for one in self.gateways[number % 10 :: 10]:
                one.control()
            number += 1
            await asyncio.sleep(_LOOP_S)
            self.late_max_s = max(self.late_max_s, time.monotonic() - began_s - _LOOP_S)

    def answer(self, order: str) -> dict[str, Any]:
        """One order's answer."""
        if order == "still":
            self.samples = False
        if order == "heads":
            return {
                one.edge: {name: mark.seq for name, mark in one.notebook.heads().items()}
                for one in self.gateways
            }
        found = {
            "born": sum(one.is_born for one in self.gateways),
            "control": sum(bool(one.uplink.stats["control_on"]) for one in self.gateways),
            "kept": sum(one.notebook.samples_count for one in self.gateways),
            "samples": sum(mark.seq for one in self.gateways for mark in one.notebook.heads().values()),
            "modes": dict(Counter(str(one.state.mode) for one in self.gateways)),
            "catching_up": sum(one.uplink.session.is_catching_up for one in self.gateways),
            "last_born_s": max((one.born_s for one in self.gateways), default=0.0),
            "cpu_s": time.process_time(),
            "late_max_s": round(self.late_max_s, 3),
            "notes": dict(self.notes),
        }
        found["waiting"] = sum(one.notebook.samples_count for one in self.gateways)
        found["resent"] = sum(int(one.uplink.stats["resent_count"] or 0) for one in self.gateways)
        for name in ("messages", "bytes", "heartbeats", "documents", "refused_documents", "lost_connections"):
            found[name] = sum(int(one.uplink.stats[f"{name}_count"] or 0) for one in self.gateways)
        self.late_max_s = 0.0
        return found


if __name__ == "__main__":
    asyncio.run(GatewayGroup(json.loads(Path(sys.argv[1]).read_text("utf-8"))).run())
