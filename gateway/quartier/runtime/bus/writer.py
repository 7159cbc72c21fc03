"""Write one command to a device and report its outcome."""

from typing import Any

from quartier.runtime.bus.device_health import DeviceHealth
from quartier.runtime.bus.fallback_monitor import FallbackMonitor
from quartier.runtime.bus.mailbox import Mailbox
from quartier.runtime.bus.relinquish import RelinquishQueue
from quartier.runtime.bus.write_budget import WriteBudget
from quartier.runtime.clock import SiteClock
from quartier_drivers.contract import Command
from quartier_drivers.errors import Expired, LinkLost, NoReply, Refused


class Writer:
    """Writes the commands of one bus to its devices, and reports their outcomes to the mailbox."""

    def __init__(
        self,
        mailbox: Mailbox,
        budget: WriteBudget,
        returns: RelinquishQueue,
        fallback_monitor: FallbackMonitor,
        clock: SiteClock,
        log: Any,
    ) -> None:
        self._mailbox = mailbox
        self._budget = budget
        self._relinquish_queue = returns
        self._fallback_monitor = fallback_monitor
        self._clock = clock
        self._log = log

    async def write(self, command: Command, health: DeviceHealth) -> None:
        """Write one command to the device, or skip it to spare its memory.

        Raises NoReply or LinkLost after it reported that the outcome is unknown.
        """
        utc_ms, now_ns = self._clock.utc_ms(), self._clock.now_ns()
        if self._budget.spare_write(command, self._mailbox, utc_ms, now_ns, self._log):
            if self._budget.take_release_duty(command.point):
                self._relinquish_queue.add((command.point,))
            return
        read_back = health.driver.points[command.point].read_back
        counts, taken = True, False  # also if the outcome is unknown: it may have been written
        try:
            await health.driver.write(command)
        except Refused as refusal:
            counts = False
            self._log.warning("write.refused", point=command.point, value=command.value, why=str(refusal))
            self._mailbox.note_failure(
                command, "refused", str(refusal), self._clock.now_ns(), read_back=False
            )
            self._fallback_monitor.schedule_timer_check(command.point)  # perhaps because a timer did not hold
        except Expired as late:
            counts = False
            self._mailbox.note_failure(command, "expired", str(late), self._clock.now_ns(), read_back=False)
        except (NoReply, LinkLost) as error:
            health.doubt = read_back
            self._mailbox.note_failure(
                command, "unknown", str(error), self._clock.now_ns(), read_back=read_back
            )
            raise
        else:
            self._mailbox.note_written(command, self._clock.now_ns(), read_back=read_back)
            self._fallback_monitor.schedule_timer_check(command.point)
            taken = True
        finally:
            if counts:
                utc_ms, now_ns = self._clock.utc_ms(), self._clock.now_ns()
                self._budget.count_write(command.point, utc_ms, command.value, now_ns, taken=taken)
