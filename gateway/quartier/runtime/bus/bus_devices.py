"""Keep the devices of one bus: who answers, who is set aside or silent, and whose poll is due.

States of a device (``DeviceHealth``):

- *Unknown* (not ``known``): its next poll is ``open``. An answer -> *reachable*; a failure -> *aside*.
- *Reachable*: ``SET_ASIDE_COUNT`` exchanges in a row without an answer -> *aside*.
- *Aside*: probed, so seldom that its neighbours keep their poll rate (``device_health``). A reading ->
  *reachable*.
- *Silent* (also *aside* and *unknown*): no answer for ``SILENT_AFTER_S`` and for three polls. Its points are
  BAD (spec/failsafe.md#device-silent). ``open`` and a reading -> *reachable*.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from quartier.runtime.bus import device_health
from quartier.runtime.bus.concurrency import ConcurrentExchanges
from quartier.runtime.bus.device_health import PROBE_PAUSE_S, DeviceHealth
from quartier.runtime.bus.poll_schedule import PollSchedule
from quartier.runtime.clock import SiteClock
from quartier_drivers.contract import Driver

SET_ASIDE_COUNT = 3
SILENT_AFTER_S, SILENT_AFTER_POLLS = 15.0, 3.0


class BusDevices(Mapping[str, DeviceHealth]):
    """The devices of the bus ``bus`` by name.

    A change that makes a poll earlier also changes ``schedule``.
    """

    def __init__(
        self,
        bus: str,
        drivers: Mapping[str, Driver],
        exchanges: ConcurrentExchanges,
        clock: SiteClock,
        log: Any,
    ) -> None:
        now_ns = clock.now_ns()
        self._bus = bus
        self._devices = {
            device: DeviceHealth(device, driver, since_good_ns=now_ns, probe_ns=now_ns)
            for device, driver in drivers.items()
        }
        self._exchanges = exchanges
        self._clock = clock
        self._log = log
        self.schedule = PollSchedule(tuple(self._devices.values()))

    def __getitem__(self, name: str) -> DeviceHealth:
        return self._devices[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._devices)

    def __len__(self) -> int:
        return len(self._devices)

    def start(self) -> None:
        """Count silence from now on: the bus starts."""
        now_ns = self._clock.now_ns()
        for health in self._devices.values():
            health.since_good_ns = now_ns

    def list_reachable_first(self) -> list[DeviceHealth]:
        """Return the devices, reachable ones first."""
        return sorted(self._devices.values(), key=lambda health: not health.reachable)

    def note_answer(self, health: DeviceHealth) -> None:
        """Note an answer; devices that fell silent at the same time are probed now."""
        now_ns = self._clock.now_ns()
        if health.aside or health.silent:
            self._log.info("device.back", device=health.name, bus=self._bus)
            hopes_count = device_health.QUICK_PROBES_COUNT if self._exchanges.is_wide else 0
            others = self._devices.values()
            for other in device_health.probe_common_failures(health, others, now_ns, hopes_count):
                self.schedule.update_due_time(other)
        health.note_answer(now_ns)

    def note_failure(self, health: DeviceHealth, why: str, started_ns: int) -> None:
        """Note that the exchange begun at ``started_ns`` had no answer; the third in a row sets it aside."""
        now_ns = self._clock.now_ns()
        health.note_failure(why)
        if health.failures_count < SET_ASIDE_COUNT and not health.aside:
            return
        if not health.aside:
            health.aside = True
            health.pause_s = PROBE_PAUSE_S[0]
            self._log.warning("device.aside", device=health.name, bus=self._bus, why=why)
        others, width = self._exchanges.find_neighbours(health, self._devices.values())
        cost_s = (now_ns - started_ns) / 1e9 / width
        changed = device_health.delay_probes(health, others, now_ns, cost_s)
        health.pause_s = min(2 * health.pause_s, PROBE_PAUSE_S[1])
        for one in changed:
            self.schedule.update_due_time(one)

    def expire_silent(self, now_ns: int, *, online: bool) -> list[DeviceHealth]:
        """Return the devices that became silent (spec/failsafe.md#device-silent), each of them once."""
        found = []
        for health in self._devices.values():
            limit_s = max(SILENT_AFTER_S, SILENT_AFTER_POLLS * health.period_s)
            if health.silent or now_ns - health.since_good_ns <= limit_s * 1e9:
                continue
            if not health.aside and (health.is_unreadable or health.driver.due_ns > now_ns + limit_s * 1e9):
                continue  # nothing is polled (all was refused): it is not silent, only useless
            if online and health.known and not health.failures_count:
                continue  # it was not polled: our own delay is not its silence, and control sees the age
            health.silent = True
            health.known = False  # the next one to answer may be another device: identify it
            health.aside = True
            self._log.warning(
                "device.silent", device=health.name, bus=self._bus, after_s=limit_s, why=health.why
            )
            self.schedule.update_due_time(health)
            found.append(health)
        return found

    def note_line_lost(self, why: str) -> None:
        """Give every device the reason that the line is lost."""
        for health in self._devices.values():
            health.why = why

    def note_line_back(self, lost_ns: int) -> None:
        """Probe at once the devices that answered until the line was lost at ``lost_ns``."""
        device_health.probe_after_reopening(self._devices.values(), lost_ns, self._clock.now_ns())
