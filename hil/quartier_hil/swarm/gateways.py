"""Many gateways in one process: the product's own uplink for each, and samples that are counted.

``python -m quartier_hil.swarm.gateways CONFIG.json``.  Orders are lines on stdin, each answered by one of
JSON: ``look`` (figures), ``still`` (no more samples), ``heads`` (what was numbered), ``quit``.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
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
from quartier.site.site_layout import SiteLimits
from quartier_drivers.contract import PointInfo
from quartier_drivers.readings import Quality
from quartier_hil.swarm.notebook import Notebook

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
_PARAMS = allowed.LinkParameters(limits=_LIMITS)
_TURN_S = 0.1


def catalog() -> MetricCatalog:
    """Return the metrics in the births of each gateway."""
    names = [f"{stream}.{metric}" for stream, metric in POINTS]
    points = {name: PointInfo(name, "float", "100/holding:840", 1.0) for name in names}
    return build_catalog(points, ROLES, deadband=lambda _name: 50.0)


class Gateway:
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
        self.notebook = Notebook(int(config["boot"]), POINTS)
        if "past_s" in config:
            past_s, each_s = float(config["past_s"]), float(config["past_period_s"])
            self.notebook.fill(past_s, each_s, clock.now().utc_ms)
        self.latest = {f"{s}.{m}": PointValue(0.0, Quality.GOOD, 0.0) for s, m in POINTS}
        self.state = machine.start_link(_PARAMS, None, clock.now(), outage=False)
        self.born_s = self.closed_s = 0.0
        self.births = 0
        self._source = random.Random(edge)  # noqa: S311 - a plant, no secret
        self.due_ns = clock.now().ns + round(self._source.uniform(0.0, float(config["period_s"])) * 1e9)
        house = SiteView(outbox=self.notebook, clock=clock, latest=lambda: self.latest, report=self._report)
        settings = UplinkSettings(
            servers=tuple(servers),
            folder=folder,
            issuers_file=Path(config["issuers_file"]),
            credentials=_credentials(config, edge),
        )
        rules = SessionRules(primary_host=host, servers_count=len(servers))
        self.uplink = Uplink(settings, Identity(str(config["group"]), edge), catalog(), rules, house)

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
                self.state = machine.accept_heartbeat(self.state, _PARAMS, document, now)
            elif isinstance(document, Envelope):
                self.state, ack = machine.accept_envelope(self.state, _PARAMS, document, now)
                self.uplink.ack(ack)
        self.state = machine.advance_link(self.state, _PARAMS, now)
        if self.uplink.session.births_count != self.births:
            self.births, self.born_s = self.uplink.session.births_count, time.time()

    @property
    def is_born(self) -> bool:
        """True if its births are sent on a live session."""
        return self.uplink.session.phase is SessionPhase.BORN


def _credentials(config: dict[str, Any], edge: str) -> BrokerCredentials:
    """Return its own certificate with that of the issuer; none without encryption."""
    if "ca_file" not in config:
        return BrokerCredentials()
    ca_file, name = Path(config["ca_file"]), f"{config['group']}.{edge}"
    return BrokerCredentials(
        ca_file=ca_file, cert_file=ca_file.with_name(f"{name}.pem"), key_file=ca_file.with_name(f"{name}.key")
    )


class Park:
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
            self.gateways.append(Gateway(f"e{number:06d}", config, turned, clock, self.notes, host))

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

    async def _begin(self, place: int, one: Gateway) -> None:
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
            await asyncio.sleep(_TURN_S)
            self.late_max_s = max(self.late_max_s, time.monotonic() - began_s - _TURN_S)

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
            "kept": sum(one.notebook.kept_count for one in self.gateways),
            "samples": sum(mark.seq for one in self.gateways for mark in one.notebook.heads().values()),
            "modes": dict(Counter(str(one.state.mode) for one in self.gateways)),
            "catching_up": sum(one.uplink.session.is_catching_up for one in self.gateways),
            "last_born_s": max((one.born_s for one in self.gateways), default=0.0),
            "cpu_s": time.process_time(),
            "late_max_s": round(self.late_max_s, 3),
            "notes": dict(self.notes),
        }
        found["waiting"] = sum(one.notebook.kept_count for one in self.gateways)
        found["resent"] = sum(int(one.uplink.stats["resent_count"] or 0) for one in self.gateways)
        for name in ("messages", "bytes", "heartbeats", "documents", "refused_documents", "lost_connections"):
            found[name] = sum(int(one.uplink.stats[f"{name}_count"] or 0) for one in self.gateways)
        self.late_max_s = 0.0
        return found


if __name__ == "__main__":
    asyncio.run(Park(json.loads(Path(sys.argv[1]).read_text("utf-8"))).run())
