"""A storm: many gateways with a day of history each come back at once, and are counted until all is
stored.

``quartier-hil storm``.  Sessions of the code of the product, and whole daemons among them, have waited for
their broker.  It comes; a host is killed while they deliver, and one of two nodes where there are two.
"""

import datetime as dt
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quartier_bench import measured_process
from quartier_bench.load_test.brokers import CERTIFICATE_VALIDITY, BrokerNode, Mosquitto, RabbitMqCluster
from quartier_bench.load_test.process_group import GROUP, LoadShape, ProcessGroup, count_open_files
from quartier_bench.load_test.store_hosts import LIVE_AGE_MAX_S
from quartier_district.broker_access import CertificateAuthority

HOST_KILL_SHARE, NODE_KILL_SHARE = 0.3, 0.55
"""Shares of the history at whose delivery the host and the node are killed."""
REPEATED_SHARE_MAX, DRAIN_RATE_SHARE_MIN, LATE_SHARE_MAX = 0.01, 0.8, 0.01
_POLL_S, _HOST_DOWN_S = 2.0, 5.0
ProgressCallback = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class StormSize:
    """``gateways`` sessions and ``daemons`` whole ones, each with ``past_s`` of history.

    ``store_per_s``: samples a second that all hosts together store; ``wait_s``: how long the gateways wait
    for their broker.
    """

    gateways: int = 490
    daemons: int = 10
    parks: int = 2
    hosts: int = 2
    past_s: float = 86_400.0
    past_period_s: float = 40.0
    store_per_s: float = 20_000.0
    wait_s: float = 60.0
    fifo: bool = False
    timeout_s: float = 3_600.0


class StormProcessGroup(ProcessGroup):
    """Hosts with a store, gateways with a past, and daemons."""

    HOSTS = "store_hosts"

    def __init__(
        self,
        folder: Path,
        ports: list[int],
        shape: LoadShape,
        size: StormSize,
        authority: CertificateAuthority | None,
    ) -> None:
        super().__init__(folder, ports, shape, authority)
        self.size = size
        self.daemons: measured_process.Process | None = None
        if authority is not None:
            for name in self.daemon_edges:
                authority.gateway(GROUP, name, CERTIFICATE_VALIDITY)

    def __exit__(self, *_: object) -> None:
        if self.daemons is not None:
            self.daemons.ask("quit")
            self.daemons.end()
        super().__exit__()

    @property
    def daemon_edges(self) -> list[str]:
        """The names of the daemons."""
        return [f"d{number:03d}" for number in range(self.size.daemons)]

    def host(self, number: int) -> dict[str, Any]:
        """As ``Stand.host``, with a store."""
        config = super().host(number)
        edges = [*config["edges"], *self.daemon_edges[number :: self.shape.hosts]]
        file = self.folder / f"store{number}"
        rate = self.size.store_per_s / self.shape.hosts
        return {
            **config,
            "edges": edges,
            "store_file": str(file),
            "store_per_s": rate,
            "fifo": self.size.fifo,
        }

    def park(self, number: int) -> dict[str, Any]:
        """As ``Stand.park``, with a past."""
        past = {"past_s": self.size.past_s, "past_period_s": self.size.past_period_s}
        return {**super().park(number), **past}

    def start_daemons(self) -> int:
        """Start them; returns how many samples of the past each holds."""
        if not self.size.daemons:
            return 0
        files = {"issuers_file": str(self.issuers), **self.ca}
        config = {
            "group": GROUP,
            "edges": self.daemon_edges,
            "servers": self.servers,
            "files": files,
            "folder": str(self.folder / "daemons"),
            "samples": int(7 * self.size.past_s / self.size.past_period_s),
            "primary": self.shape.primary,
            "hosts": {name: f"host{at % self.shape.hosts}" for at, name in enumerate(self.daemon_edges)},
            **self.time,
        }
        self.daemons = self._started("daemons", "daemons", config)
        filled: int = json.loads(self.daemons.line())["filled"]
        return filled

    def count_unstored(self, until_ms: int) -> int:
        """Samples of daemons taken by then that no host holds."""
        if self.daemons is None:
            return 0
        held = {edge: streams for one in self.look(self.hosts, "held") for edge, streams in one.items()}
        lacking = 0
        for edge, kept in self.look([self.daemons], f"kept {until_ms}")[0].items():
            for name, spans in kept.items():
                lacking += sum(
                    _count_missing(first, last, held.get(edge, {}).get(name, [])) for first, last in spans
                )
        return lacking


def _count_missing(first: int, last: int, spans: list[list[int]]) -> int:
    found = sum(max(0, min(last, end) - max(first, start) + 1) for start, end in spans)
    return last - first + 1 - found


@dataclass
class StormRun:
    """One run over a broker that is not up yet."""

    stand: StormProcessGroup
    broker: Mosquitto | RabbitMqCluster
    nodes: list[BrokerNode]
    say: ProgressCallback
    figures: dict[str, Any] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """All of it; returns the figures."""
        stand, size = self.stand, self.stand.size
        self.broker.start()
        stand.start_hosts()
        self.broker.kill()
        stand.start_gateway_processes()
        past = stand.start_daemons() * size.daemons + int(stand.sums(stand.parks)["waiting"])
        self.say(f"{past} samples wait; the broker comes in {size.wait_s:g} s")
        time.sleep(size.wait_s)
        began_s, cpu_s = time.monotonic(), self._cpu_s()
        self.broker.start()
        stand.until("everybody is born", stand.are_all_born, 600.0)
        self.figures |= {"history": past, "born_within_s": round(time.monotonic() - began_s, 1)}
        self._tell("born")
        self._drain(past, began_s)
        self.figures["cpu_s"] = {name: round(spent - cpu_s[name], 1) for name, spent in self._cpu_s().items()}
        self._end()
        self.figures["promises"] = evaluate_promises(self.figures, size)
        return self.figures

    def _cpu_s(self) -> dict[str, float]:
        stand = self.stand
        pids = [node.pid for node in self.nodes if node.pid is not None]
        return {
            "broker": sum(measured_process.read_cpu_s(pid) for pid in pids),
            "gateways": sum(measured_process.read_cpu_s(one.pid) for one in stand.parks),
            "hosts": sum(measured_process.read_cpu_s(one.pid) for one in stand.hosts),
            "daemons": measured_process.read_cpu_s(stand.daemons.pid) if stand.daemons is not None else 0.0,
        }

    def _drain(self, past: int, began_s: float) -> None:
        """Until the history is stored; the host and a node die meanwhile, once each."""
        stand, size = self.stand, self.stand.size
        stored = ages = over = repeats = 0.0
        worst_s, lost, is_host_due, is_node_due = 0.0, 0.0, True, len(self.nodes) > 1
        before = stand.sums(stand.parks)["lost_connections"]
        while time.monotonic() - began_s < size.timeout_s:
            time.sleep(_POLL_S)
            found = stand.sums(stand.hosts)
            done = stored + found["late_samples"]
            worst_s = max(worst_s, found.get("age_p99_s") or 0.0)
            if is_host_due and done >= HOST_KILL_SHARE * past:
                is_host_due = False
                lost += stand.sums(stand.parks)["lost_connections"] - before
                last = json.loads(stand.hosts[0].ask("look"))
                stored, ages = stored + last["late_samples"], ages + last["ages_count"]
                over, repeats = over + last["over_count"], repeats + last["repeats"]
                self._kill_host()
                before = stand.sums(stand.parks)["lost_connections"]
            elif is_node_due and done >= NODE_KILL_SHARE * past:
                is_node_due = False
                lost += stand.sums(stand.parks)["lost_connections"] - before
                self._kill_node()
                before = stand.sums(stand.parks)["lost_connections"]
            if done - repeats - found["repeats"] >= 0.999 * past:
                break
        else:
            raise RuntimeError(f"not drained within {size.timeout_s:g} s: {done:.0f} of {past}")
        passed_s = time.monotonic() - began_s
        found = stand.sums(stand.hosts)
        lost += stand.sums(stand.parks)["lost_connections"] - before
        ages, over = ages + found["ages_count"], over + found["over_count"]
        self.figures |= {
            "drained_within_s": round(passed_s, 1),
            "drained_per_s": round(past / passed_s),
            "store_per_s": round(size.store_per_s),
            "drained_share": round(past / passed_s / size.store_per_s, 3),
            "live_messages": int(ages),
            "live_over_2_s": int(over),
            "live_worst_p99_s": round(worst_s, 2),
            "sessions_lost": int(lost),
            "_repeats_before": int(repeats),
            "memory_mib": {
                "hosts": round(sum(measured_process.read_memory_mib(one.pid) for one in stand.hosts)),
                "gateways": round(sum(measured_process.read_memory_mib(one.pid) for one in stand.parks)),
                "broker": round(
                    sum(
                        measured_process.read_memory_mib(node.pid)
                        for node in self.nodes
                        if node.pid is not None
                    )
                ),
            },
            "broker_fds": sum(count_open_files(node.pid) for node in self.nodes if node.pid is not None),
            "host_most_waiting": int(found["most_waiting"]),
        }
        self._tell("drained")

    def _kill_host(self) -> None:
        """It dies without a word, and is back after some seconds with what it stored."""
        stand = self.stand
        stand.hosts[0].end(9)
        time.sleep(_HOST_DOWN_S)
        killed_s = time.monotonic()
        stand.hosts[0] = stand.start_host(0)
        stand.until("everybody is born again", stand.are_all_born, 600.0)
        self.figures["born_after_the_hosts_death_s"] = round(time.monotonic() - killed_s, 1)
        self._tell("the host was killed")

    def _kill_node(self) -> None:
        """Its gateways go to the other one; it is back after a while."""
        stand, node = self.stand, self.nodes[-1]
        node.kill()
        killed_s = time.monotonic()
        stand.until("somebody misses the node", lambda: not stand.are_all_born(), 120.0)
        stand.until("everybody is born on the other node", stand.are_all_born, 600.0)
        self.figures["born_on_the_other_node_s"] = round(time.monotonic() - killed_s, 1)
        node.start()
        self._tell("the node was killed")

    def _end(self) -> None:
        """No more samples: everything that was numbered must be stored."""
        stand = self.stand
        until_ms = int(time.time() * 1000)
        stand.look(stand.parks, "still")
        took_s = stand.until(
            "the hosts hold everything",
            lambda: stand.missing() == 0 and stand.count_unstored(until_ms) == 0,
            600.0,
        )
        found, parks = stand.sums(stand.hosts), stand.sums(stand.parks)
        repeats = found["repeats"] + self.figures.pop("_repeats_before")
        total = self.figures["history"] + self.figures["live_messages"]
        self.figures |= {
            "missing": stand.missing() + stand.count_unstored(until_ms),
            "all_stored_after_s": round(took_s, 1),
            "repeats": int(repeats),
            "repeats_share": round(repeats / total, 4),
            "births": int(found["births"]),
            "seq_gaps": int(found["seq_gaps"]),
            "faults": int(found["faults"]),
            "resent": int(parks["resent"]),
            "load": round(os.getloadavg()[0], 1),
        }

    def _tell(self, what: str) -> None:
        found = self.stand.sums(self.stand.hosts)
        figures = {**self.figures, "late": found["late_samples"], "waiting": found["waiting"]}
        self.say(f"{what}: {json.dumps(figures)}")


def evaluate_promises(figures: Mapping[str, Any], size: StormSize) -> dict[str, bool]:
    """Return the promises that a storm must keep, each with its result."""
    return {
        f"live data at most {LIVE_AGE_MAX_S:g} s old in 99 %": (
            figures["live_over_2_s"] <= LATE_SHARE_MAX * figures["live_messages"]
        ),
        "no session lost but by a kill": figures["sessions_lost"] == 0,
        "no sample lost": figures["missing"] == 0,
        f"at most {100 * REPEATED_SHARE_MAX:g} % repeated": figures["repeats_share"] <= REPEATED_SHARE_MAX,
        f"at least {100 * DRAIN_RATE_SHARE_MIN:g} % of the hosts' rate": (
            size.fifo or figures["drained_share"] >= DRAIN_RATE_SHARE_MIN
        ),
    }


def measure_storm(
    folder: Path, kind: str, size: StormSize, say: ProgressCallback, *, tls: bool
) -> dict[str, Any]:
    """Run one over ``kind`` of broker.  Raises Absent or RuntimeError."""
    authority = CertificateAuthority(folder / "authority", dt.datetime.now(dt.UTC)) if tls else None
    broker = (
        Mosquitto(folder, authority, default=True)
        if kind == "mosquitto"
        else RabbitMqCluster(folder, authority)
    )
    nodes: list[BrokerNode] = [broker] if isinstance(broker, Mosquitto) else list(broker.nodes)
    shape = LoadShape(
        gateways=size.gateways,
        parks=min(size.parks, size.gateways),
        hosts=size.hosts,
        period_s=10.0,
        begin_s=0.0,
        shares=broker.shares,
        primary=broker.is_single_node,
    )
    try:
        with StormProcessGroup(folder, [node.port for node in nodes], shape, size, authority) as stand:
            return StormRun(stand, broker, nodes, say).run()
    finally:
        broker.kill()
