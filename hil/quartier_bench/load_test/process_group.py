"""The processes of a load test: gateways and hosts, with common orders and measurements."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from quartier_bench import measured_process
from quartier_bench.load_test.brokers import BROKER_HOST, CERTIFICATE_VALIDITY
from quartier_bench.measured_process import Process
from quartier_district.broker_access import CertificateAuthority
from quartier_district.signed_documents import DOCUMENT_TYPES, SigningKey

GROUP = "issy"
_POLL_S = 0.5


@dataclass(frozen=True, kw_only=True)
class LoadShape:
    """Size of a load test: gateways, processes of gateways, hosts, and seconds between two samples.

    ``shares``: answers come by shared subscriptions; ``primary``: gateways wait for their host's STATE;
    ``rate``: seconds of the sites' clock per real second.
    """

    gateways: int
    parks: int
    hosts: int
    period_s: float
    begin_s: float
    shares: bool
    primary: bool
    rate: float = 1.0


def name_edge(number: int) -> str:
    """The name of a gateway."""
    return f"e{number:06d}"


class ProcessGroup:
    """Everything but the brokers; as a context it ends what it began.

    With an ``authority`` each gateway and host has a certificate of its own, and speaks TLS.
    """

    HOSTS = "hosts"
    """The module of the hosts."""

    def __init__(
        self,
        folder: Path,
        ports: Sequence[int],
        shape: LoadShape,
        authority: CertificateAuthority | None = None,
    ) -> None:
        self.folder, self.ports, self.shape = folder, ports, shape
        self.time = {"rate": shape.rate, "origin": time.time()}
        self.parks: list[Process] = []
        self.hosts: list[Process] = []
        key = SigningKey.fresh("load_test")
        key.save(folder)
        self.key = folder / "load_test.pem"
        self.issuers = folder / "issuers.json"
        self.issuers.write_text(json.dumps([key.listing(DOCUMENT_TYPES)]))
        self.ca: dict[str, str] = {}
        if authority is not None:
            self.ca = {"ca_file": str(authority.ca_file)}
            for name in self.edges:
                authority.gateway(GROUP, name, CERTIFICATE_VALIDITY)
            for number in range(shape.hosts):
                authority.client(f"host{number}", CERTIFICATE_VALIDITY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (*self.parks, *self.hosts):
            one.end()

    def begin(self) -> None:
        """Hosts first, so that no birth is missed."""
        self.start_hosts()
        self.start_gateway_processes()

    def start_hosts(self) -> None:
        """Start the hosts, and wait until they are connected."""
        for number in range(self.shape.hosts):
            self.hosts.append(self.start_host(number))
        self.until("the hosts are connected", lambda: all(one["connected"] for one in self.look(self.hosts)))

    def start_host(self, number: int) -> Process:
        """Start one of them."""
        return self._started(self.HOSTS, f"host{number}", self.host(number))

    def start_gateway_processes(self) -> None:
        """Start the gateways."""
        for number in range(self.shape.parks):
            self.parks.append(self._started("gateways", f"park{number}", self.park(number)))

    @property
    def servers(self) -> list[str]:
        """The brokers' addresses, as a site file names them."""
        return [
            f"mqtts://{BROKER_HOST}:{port}" if self.ca else f"mqtt://127.0.0.1:{port}" for port in self.ports
        ]

    @property
    def edges(self) -> list[str]:
        """The names of all gateways."""
        return [name_edge(number) for number in range(self.shape.gateways)]

    def host(self, number: int) -> dict[str, Any]:
        """Return the settings of a host."""
        return {
            "name": f"host{number}",
            "ports": [*self.ports[number % len(self.ports) :], *self.ports[: number % len(self.ports)]],
            "primary": self.shape.primary,
            "group": GROUP,
            "key": str(self.key),
            "edges": self.edges[number :: self.shape.hosts],
            "leads": number == 0,
            **self.time,
            "shares": self.shape.shares,
            **self.ca,
        }

    def park(self, number: int) -> dict[str, Any]:
        """Return the settings of a process of gateways."""
        shape = self.shape
        share = -(-shape.gateways // shape.parks)
        first = number * share
        return {
            "servers": self.servers,
            "group": GROUP,
            "folder": str(self.folder / "edges"),
            "issuers_file": str(self.issuers),
            "boot": int(self.time["origin"]),
            "hosts": shape.hosts,
            "primary": shape.primary,
            **self.time,
            "first": first,
            "count": min(share, shape.gateways - first),
            "period_s": shape.period_s,
            "begin_s": shape.begin_s,
            **self.ca,
        }

    def _started(self, module: str, name: str, config: dict[str, Any]) -> Process:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(config))
        argv = [sys.executable, "-m", f"quartier_bench.load_test.{module}", str(path)]
        environment = {"PYTHONPATH": measured_process.find_python_path()}
        return Process(argv, self.folder / f"{name}.log", env=environment, talks=True)

    def look(self, ones: Sequence[Process], order: str = "look") -> list[dict[str, Any]]:
        """Return the answer of each process.  Raises RuntimeError for one that is gone."""
        found = []
        for one in ones:
            answer = one.ask(order)
            if not answer:
                raise RuntimeError(f"a process of the load_test is gone, see {self.folder}")
            found.append(json.loads(answer))
        return found

    def sums(self, ones: Sequence[Process]) -> dict[str, float]:
        """Numbers of all together: sums, and the largest of what is an age, a lateness or a time."""
        together: dict[str, float] = {}
        for answer in self.look(ones):
            for name, value in answer.items():
                if isinstance(value, bool) or not isinstance(value, int | float):
                    continue
                most = name.endswith("_s") and name != "cpu_s"
                before = together.get(name, 0)
                together[name] = max(before, value) if most else before + value
        return together

    def until(self, what: str, holds: Callable[[], bool], timeout_s: float = 180.0) -> float:
        """Wait, and return how long it took.  Raises RuntimeError with what did not come."""
        began_s = time.monotonic()
        while not holds():
            if time.monotonic() - began_s > timeout_s:
                raise RuntimeError(f"after {timeout_s:g} s: {what}: not yet, see {self.folder}")
            time.sleep(_POLL_S)
        return time.monotonic() - began_s

    def are_all_born(self) -> bool:
        """True if each gateway has both connections and sent its births."""
        sums = self.sums(self.parks)
        return sums["born"] == sums["control"] == self.shape.gateways

    def missing(self) -> int:
        """Samples that a gateway numbered and no host holds without a hole before them."""
        held = {edge: marks for one in self.look(self.hosts, "marks") for edge, marks in one.items()}
        lacking = 0
        for one in self.look(self.parks, "heads"):
            for edge, heads in one.items():
                marks = held.get(edge, {})
                lacking += sum(max(0, seq - marks.get(stream, 0)) for stream, seq in heads.items())
        return lacking


def count_open_files(pid: int) -> int:
    """Return the number of open files of a process and its descendants."""
    found = 0
    for one in measured_process.list_process_tree(pid):
        try:
            found += sum(1 for _ in Path(f"/proc/{one}/fd").iterdir())
        except OSError:
            continue
    return found
