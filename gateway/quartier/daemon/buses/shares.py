"""Let other masters use the buses as the site file says; report what they write."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from quartier.config.sections.connection_sections import ShareSection
from quartier.daemon.assembly.bus_specs import BusSpec
from quartier.runtime.bus.mailbox import ClientWriteOutcome, WriteListener
from quartier.runtime.bus.poll import Bus
from quartier.runtime.clock import SiteClock
from quartier.runtime.supervisor import log_failure, supervise
from quartier_drivers.contract import Note, Origin
from quartier_drivers.device_profile.loading import RegisterProfile

if TYPE_CHECKING:  # a site that shares nothing does not even import it
    from quartier_drivers.modbus.sharing.client_queue import ClientQueue
    from quartier_drivers.modbus.sharing.server import ClientWrite, SharingServer
    from quartier_drivers.modbus.wire.line import ModbusLine

# Real seconds between two reports about a client that keeps trying.
REPORT_PERIOD_S = 60.0
_VALUES_COUNT_MAX = 8


class ClientWrites:
    """``listener`` gets writes to devices of assets; ``tell`` gets other writes and forbidden ones."""

    def __init__(
        self, clock: SiteClock, listener: Callable[[], WriteListener], tell: Callable[[Note], None]
    ) -> None:
        self._clock = clock
        self._get_listener = listener
        self._tell = tell
        self._report_s: dict[str, float] = {}
        self._unreported_count: dict[str, int] = {}

    def __call__(self, owners: Mapping[int, Sequence[str]], passed: "ClientWrite") -> None:
        """Handle one write; ``owners`` are the assets whose device answers under each unit."""
        if passed.verdict == "barred":
            self._report_forbidden(passed)
            return
        written = passed.written
        assert written is not None, passed  # it went out
        why = f"function {passed.function} from {passed.address}: {_format_values(written.values)}"
        if passed.unit not in owners:
            place = f"{passed.unit}/{written.table}:{written.first}"
            text = f"share {passed.client} wrote {place}, {why}: {passed.verdict} {passed.why}".rstrip()
            self._tell(Note("share.wrote", text, {"share": passed.client, "address": passed.address}))
        for owner in owners.get(passed.unit, ()):
            outcome = ClientWriteOutcome(
                point=f"{owner}.{written.table}_{written.first}_index",
                who=Origin("client", passed.client, passed.address),
                why=why,
                value=float(written.values[0]),
                verdict=passed.verdict,
                note=passed.why,
            )
            self._get_listener().handle_client_write(outcome, self._clock.now_ns())

    def _report_forbidden(self, passed: "ClientWrite") -> None:
        now_s = asyncio.get_running_loop().time()
        more_count = self._unreported_count.get(passed.client, 0)
        if now_s - self._report_s.get(passed.client, -REPORT_PERIOD_S) < REPORT_PERIOD_S:
            self._unreported_count[passed.client] = more_count + 1
            return
        self._report_s[passed.client], self._unreported_count[passed.client] = now_s, 0
        place = f"unit {passed.unit}"
        if passed.written is not None:
            place = f"{passed.unit}/{passed.written.table}:{passed.written.first}"
        more = f"; {more_count} more since the last time this was told" if more_count else ""
        text = (
            f"{passed.address} of share {passed.client} may not write {place} by function {passed.function}"
        )
        self._tell(
            Note("share.write_refused", text + more, {"share": passed.client, "address": passed.address})
        )


def _format_values(values: Sequence[int]) -> str:
    shown = " ".join(map(str, values[:_VALUES_COUNT_MAX]))
    return f"{shown} …" if len(values) > _VALUES_COUNT_MAX else shown


@dataclass(frozen=True, slots=True)
class OpenShare:
    """An address where a share listens: its bus, its declarations, its host and its task."""

    bus: Bus
    declared: Mapping[str, ShareSection]
    host: "SharingServer"
    task: asyncio.Task[None]


class Shares:
    """Starts and stops the listeners as the site file says.

    ``passed`` gets each write, with the assets of each unit.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        clock: SiteClock,
        passed: Callable[[Mapping[int, Sequence[str]], "ClientWrite"], None],
        log: Any,
    ) -> None:
        self._group = group
        self._clock = clock
        self._report_write = passed
        self._log = log
        self._open: dict[str, OpenShare] = {}
        self._queues: dict[str, tuple[Bus, ClientQueue]] = {}
        self._site_units: Mapping[str, frozenset[int]] = {}

    def follow(
        self,
        declared: Mapping[str, ShareSection],
        buses: Sequence[tuple[BusSpec, Bus]],
        units: Mapping[str, frozenset[int]] = MappingProxyType({}),
    ) -> None:
        """Make the listeners match the site file; unchanged listeners keep their connections.

        ``units`` are those of all devices of a bus, including devices that are not read.
        """
        self._site_units = units
        by_name = {bus.name: (wire, bus) for wire, bus in buses}
        wanted: dict[str, dict[str, ShareSection]] = {}
        for name, share in declared.items():
            if share.bus in by_name:
                wanted.setdefault(share.listen, {})[name] = share
        for place, one in list(self._open.items()):
            bus = by_name.get(one.bus.name, (None, None))[1]
            if wanted.get(place) != one.declared or bus is not one.bus or one.task.done():
                self._close_share(place)
        shared = {share.bus for shares in wanted.values() for share in shares.values()}
        for name, (bus, queue) in list(self._queues.items()):
            if name not in shared or by_name[name][1] is not bus:
                bus.gaps.client_requests = None
                queue.close()
                del self._queues[name]
        for place, shares in wanted.items():
            if place not in self._open:
                self._start(place, shares, *by_name[next(iter(shares.values())).bus])

    def close(self) -> None:
        """Close all shares."""
        self.follow({}, ())

    def _close_share(self, place: str) -> None:
        one = self._open.pop(place)
        one.task.cancel()
        one.host.close()

    def _start(self, place: str, shares: Mapping[str, ShareSection], wire: BusSpec, bus: Bus) -> None:
        from quartier_drivers.modbus.sharing.server import (  # noqa: PLC0415 - only if used
            SharingClient,
            SharingServer,
        )

        units, owners = (
            _find_all_units(wire) | self._site_units.get(bus.name, frozenset()),
            _find_owners(wire),
        )
        queue = self._make_queue(wire, bus)
        told = partial(self._report_write, owners)
        clients = [
            SharingClient(_make_terms(name, share, units), queue, told) for name, share in shares.items()
        ]
        address, _, port = place.rpartition(":")
        host = SharingServer(address.strip("[]"), int(port), clients, queue)
        work = supervise(f"share {place}", host.run, self._clock, partial(log_failure, self._log))
        task = self._group.create_task(work, name=f"share {place}")
        self._open[place] = OpenShare(bus, shares, host, task)

    def _make_queue(self, wire: BusSpec, bus: Bus) -> "ClientQueue":
        from quartier_drivers.modbus.sharing.client_queue import ClientQueue  # noqa: PLC0415 - as above

        if bus.name in self._queues:
            return self._queues[bus.name][1]
        by_unit: dict[int, list[str]] = {}
        pauses_s: dict[int, tuple[float, float]] = {}
        for spec, profile in wire.devices:
            limits = cast("RegisterProfile", profile).limits  # of whatever speaks on a Modbus line
            for unit in _find_units(spec.unit, profile):
                by_unit.setdefault(unit, []).append(spec.name)
                pauses_s[unit] = limits.pause_s, max(limits.pause_s, limits.write_pause_s)
        queue = ClientQueue(
            cast("ModbusLine", bus.line),
            self._clock,
            lambda: bus.online,
            lambda unit: _is_silent(bus, by_unit.get(unit, ())),
            pauses_s,
            bus.mailbox.wake,
        )
        bus.gaps.client_requests = queue
        self._queues[bus.name] = bus, queue
        return queue

    # Reports for people

    def render_shares(self, bus: str) -> list[dict[str, Any]]:
        """Return the state of the shares of a bus, JSON-ready."""
        return [
            {
                "name": client.terms.name,
                "listen": place,
                "listens": one.host.listens,
                "why": one.host.why,
                "addresses": sorted({connection.address for connection in client.connections}),
                "connections": len(client.connections),
                "counts": client.counts.data(),
                "strangers": one.host.strangers_count if client is one.host.clients[0] else 0,
                "stranger": one.host.stranger,
            }
            for place, one in self._open.items()
            if one.bus.name == bus
            for client in one.host.clients
        ]

    def find_failed_shares(self) -> dict[str, str]:
        """Return the shares that cannot listen, each with the reason."""
        return {name: one.host.why for one in self._open.values() if one.host.why for name in one.declared}


def _make_terms(name: str, share: ShareSection, units: frozenset[int]) -> Any:
    from quartier_drivers.modbus.sharing.client_limits import ClientTerms  # noqa: PLC0415 - as above
    from quartier_drivers.modbus.sharing.register_spans import parse_spans  # noqa: PLC0415 - as above

    return ClientTerms(
        name=name,
        networks=tuple(map(ip_network, share.clients)),
        units=units | frozenset(share.units),
        writes=parse_spans(share.writes),
        diagnostics=share.diagnostics,
        requests_per_s=share.requests_per_s,
        writes_per_h=share.writes_per_h,
        connections_max=share.connections_max,
        outstanding_max=share.outstanding_max,
        age_max_s=share.age_max_s,
        wire_max_s=share.wire_max_s,
    )


def _find_units(unit: int, profile: Any) -> frozenset[int]:
    """Return the units that a device answers under: its own, and those of single points."""
    if not isinstance(profile, RegisterProfile):
        return frozenset({unit})
    points = (point for part in profile.parts.values() for point in part.values())
    return frozenset({unit, *(point.unit for point in points if point.unit is not None)})


def _find_all_units(wire: BusSpec) -> frozenset[int]:
    return frozenset().union(*(_find_units(spec.unit, profile) for spec, profile in wire.devices))


def _find_owners(wire: BusSpec) -> dict[int, list[str]]:
    """Return the assets whose device answers under each unit."""
    found: dict[int, list[str]] = {}
    for spec, profile in wire.devices:
        for unit in _find_units(spec.unit, profile):
            found.setdefault(unit, []).extend(dict.fromkeys(spec.owners.values()))
    return found


def _is_silent(bus: Bus, devices: Iterable[str]) -> bool:
    """Return whether all devices under a unit are known to be silent; False for a unit without devices."""
    healths = [bus.devices[name] for name in devices if name in bus.devices]
    return bool(healths) and all(health.silent or health.aside for health in healths)
