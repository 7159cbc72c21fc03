"""A load test in phases: all connect, a steady time, a broker lost and back, and a count of what is
missing.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from quartier_bench import measured_process
from quartier_bench.load_test.brokers import BrokerNode
from quartier_bench.load_test.process_group import ProcessGroup, count_open_files

ProgressCallback = Callable[[str], None]


@dataclass
class PhaseFigures:
    """Figures by phase, in the order in which they were measured."""

    phases: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Nothing was lost, and everybody came back."""
        return self.phases.get("end", {}).get("missing") == 0 and self.phases["end"]["holes"] == 0


@dataclass
class FleetRun:
    """One run over brokers that stand; for ``steady_s`` all is weighed, for ``down_s`` one is away."""

    stand: ProcessGroup
    nodes: list[BrokerNode]
    steady_s: float
    down_s: float
    say: ProgressCallback
    found: PhaseFigures = field(default_factory=PhaseFigures)

    def run(self) -> PhaseFigures:
        """All phases."""
        self._measure_births()
        self._measure_steady()
        self._lost()
        self._end()
        return self.found

    def _told(self, phase: str, **figures: Any) -> None:
        figures["load"] = round(os.getloadavg()[0], 1)
        self.found.phases[phase] = figures
        self.say(f"{phase}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))

    def _measure_births(self) -> None:
        """Births, and an envelope for each that is acknowledged as accepted."""
        began_s = time.monotonic()
        self.stand.begin()
        self.stand.until("everybody is born", self.stand.are_all_born, 300.0)
        born_s = time.monotonic() - began_s
        sent_s = time.monotonic()
        self.stand.look(self.stand.hosts, "envelopes")
        count = self.stand.shape.gateways
        self.stand.until(
            "every envelope is accepted", lambda: self.stand.sums(self.stand.hosts)["accepted"] == count
        )
        self._told(
            "come",
            born_within_s=round(born_s, 1),
            envelopes_accepted_within_s=round(time.monotonic() - sent_s, 1),
            births=int(self.stand.sums(self.stand.hosts)["births"]),
        )

    def _measure_steady(self) -> None:
        """Measure the cost of ordinary traffic for each side."""
        stand = self.stand
        stand.sums(stand.hosts)  # the ages from here on
        before, began_s = self._measure_resources(), time.monotonic()
        time.sleep(self.steady_s)
        after, passed_s = self._measure_resources(), time.monotonic() - began_s
        rates = {
            f"{name}_cpu_pct": round(100 * (after[f"{name}_cpu_s"] - before[f"{name}_cpu_s"]) / passed_s, 1)
            for name in ("broker", "gateways", "hosts")
        }
        self._told(
            "steady",
            seconds=round(passed_s, 1),
            messages_per_s=round((after["heard"] - before["heard"]) / passed_s, 1),
            bytes_per_s=round((after["bytes"] - before["bytes"]) / passed_s),
            samples_per_s=round((after["samples"] - before["samples"]) / passed_s, 1),
            heartbeats=int(after["heartbeats"] - before["heartbeats"]),
            age_p50_s=after["age_p50_s"],
            age_p99_s=after["age_p99_s"],
            gateways_late_max_s=after["late_max_s"],
            **rates,
            **{
                name: after[name]
                for name in ("broker_mib", "broker_fds", "gateways_mib", "gateways_fds", "hosts_mib")
            },
        )

    def _measure_resources(self) -> dict[str, Any]:
        stand = self.stand
        hosts, parks = stand.sums(stand.hosts), stand.sums(stand.parks)
        pids = [node.pid for node in self.nodes if node.pid is not None]
        return {
            **{name: hosts.get(name) for name in ("heard", "bytes", "samples", "age_p50_s", "age_p99_s")},
            "heartbeats": parks["heartbeats"],
            "late_max_s": parks["late_max_s"],
            "broker_cpu_s": sum(measured_process.read_cpu_s(pid) for pid in pids),
            "gateways_cpu_s": parks["cpu_s"],
            "hosts_cpu_s": hosts["cpu_s"],
            "broker_mib": round(sum(measured_process.read_memory_mib(pid) for pid in pids), 1),
            "broker_fds": sum(count_open_files(pid) for pid in pids),
            "gateways_mib": round(sum(measured_process.read_memory_mib(one.pid) for one in stand.parks), 1),
            "gateways_fds": sum(count_open_files(one.pid) for one in stand.parks),
            "hosts_mib": round(sum(measured_process.read_memory_mib(one.pid) for one in stand.hosts), 1),
        }

    def _lost(self) -> None:
        """The last node dies and is back after a while: everybody comes again, and what was missed too."""
        stand, node = self.stand, self.nodes[-1]
        births = stand.sums(stand.hosts)["births"]
        node.kill()
        killed_s = time.monotonic()
        stand.until("somebody misses the node", lambda: not stand.are_all_born(), 60.0)
        if len(self.nodes) > 1:
            stand.until("everybody is born on the other node", stand.are_all_born, 300.0)
            moved_s = time.monotonic() - killed_s
        time.sleep(max(0.0, self.down_s - (time.monotonic() - killed_s)))
        kept = stand.sums(stand.parks)["kept"]
        broker_cpu_s = sum(measured_process.read_cpu_s(one.pid) for one in self.nodes if one.pid is not None)
        node.start()
        back_s = time.monotonic()
        stand.until("everybody is born again", stand.are_all_born, 300.0)
        born_s = time.monotonic() - back_s
        caught_s = born_s + stand.until("the backlog is gone", self._is_caught_up, 300.0)
        after_s = sum(measured_process.read_cpu_s(one.pid) for one in self.nodes if one.pid is not None)
        sums = stand.sums(stand.hosts)
        self._told(
            "lost",
            **({"on_the_other_node_within_s": round(moved_s, 1)} if len(self.nodes) > 1 else {}),
            away_s=round(back_s - killed_s, 1),
            kept_by_gateways=int(kept),
            born_again_within_s=round(born_s, 1),
            caught_up_within_s=round(caught_s, 1),
            births=int(sums["births"] - births),
            late_messages=int(sums["historical"]),
            broker_cpu_s=round(after_s - broker_cpu_s, 1),
        )

    def _is_caught_up(self) -> bool:
        sums = self.stand.sums(self.stand.parks)
        return sums["catching_up"] == 0 and self.stand.sums(self.stand.hosts)["holes"] == 0

    def _end(self) -> None:
        """Stop the samples: every numbered one must be stored."""
        stand = self.stand
        stand.look(stand.parks, "still")
        took_s = stand.until("the hosts hold everything", lambda: stand.missing() == 0, 240.0)
        hosts, parks = stand.sums(stand.hosts), stand.sums(stand.parks)
        self._told(
            "end",
            missing=stand.missing(),
            within_s=round(took_s, 1),
            numbered=int(parks["samples"]),
            held=int(hosts["samples"]),
            repeats=int(hosts["repeats"]),
            holes=int(hosts["holes"]),
            seq_gaps=int(hosts["seq_gaps"]),
            faults=int(hosts["faults"]),
            lost_connections=int(parks["lost_connections"]),
            refused_documents=int(parks["refused_documents"]),
        )
