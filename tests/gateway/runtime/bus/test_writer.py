"""What a device says to a write becomes an outcome and a count; the ways of a bus are in test_bus_writes."""

from types import SimpleNamespace

import pytest
import structlog

from quartier.runtime.bus.device_health import DeviceHealth
from quartier.runtime.bus.fallback_monitor import FallbackMonitor, KnownFallbacks
from quartier.runtime.bus.mailbox import Mailbox
from quartier.runtime.bus.relinquish import RelinquishQueue
from quartier.runtime.bus.write_budget import WriteBudget, WriteCounts
from quartier.runtime.bus.writer import Writer
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_drivers.contract import Command, PointInfo
from quartier_drivers.errors import Expired, LinkLost, NoReply, Refused

POINT = "bat1.setpoint_w"
INFO = PointInfo(POINT, "float", "a", 1.0, writable=True)


class Hand:
    """A writer over a device that answers each write with ``answer``."""

    def __init__(self, answer):
        self.answer = answer
        self.clock, self.counts = SiteClock(ClockSetting()), WriteCounts()
        self.mailbox = Mailbox()
        device = SimpleNamespace(points={POINT: INFO}, write=self.write, due_ns=0)
        self.health = DeviceHealth("gx", device, since_good_ns=0, probe_ns=0)
        log = structlog.testing.CapturingLogger()
        budget = WriteBudget(self.counts, {POINT: INFO}, {POINT: 0.0})
        returns = RelinquishQueue([self.health], budget, self.clock, log)
        fallback_monitor = FallbackMonitor(KnownFallbacks(), [self.health], self.clock, log, lambda _: None)
        self.writer = Writer(self.mailbox, budget, returns, fallback_monitor, self.clock, log)

    async def write(self, _command):
        if self.answer is not None:
            raise self.answer

    async def order(self):
        now_ns = self.clock.now_ns()
        command = Command(POINT, 5.0, now_ns + 60_000_000_000)
        self.mailbox.post([command], now_ns)
        try:
            await self.writer.write(self.mailbox.take(lambda _: True, now_ns), self.health)
        except (NoReply, LinkLost) as error:
            return self.mailbox.outcomes[POINT], error
        return self.mailbox.outcomes[POINT], None


@pytest.mark.parametrize(
    ("answer", "verdict", "is_out", "count", "doubt"),
    [
        (None, "pending", True, 1, False),
        (Refused("exception 2"), "refused", False, 0, False),
        (Expired("too late"), "expired", False, 0, False),
        (NoReply("silence"), "unknown", True, 1, True),
        (LinkLost("hung up"), "unknown", True, 1, True),
    ],
)
async def test_each_answer_has_its_verdict_and_what_may_have_been_written_counts(
    answer, verdict, is_out, count, doubt
):
    hand = Hand(answer)
    outcome, raised = await hand.order()

    assert (verdict, is_out) == (outcome.verdict, outcome.is_out)
    assert (count, doubt) == (hand.counts.total(POINT), hand.health.doubt)
    assert (answer if verdict == "unknown" else None) is raised
