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
        self.clock, self.counts, self.failures = SiteClock(ClockSetting()), WriteCounts(), []
        self.mailbox = Mailbox()
        device = SimpleNamespace(points={POINT: INFO}, write=self.write, due_ns=0)
        self.health = DeviceHealth("gx", device, since_good_ns=0, probe_ns=0)
        log = structlog.testing.CapturingLogger()
        budget = WriteBudget(self.counts, {POINT: INFO}, {POINT: 0.0})
        returns = RelinquishQueue([self.health], budget, self.clock, log, self.failed)
        fallback_monitor = FallbackMonitor(KnownFallbacks(), [self.health], self.clock, log, lambda _: None)
        self.writer = Writer(self.mailbox, budget, returns, fallback_monitor, self.clock, log, self.failed)

    async def write(self, _command):
        if self.answer is not None:
            raise self.answer

    def failed(self, health, why, _started_ns):
        self.failures.append((health.name, why))

    async def order(self):
        now_ns = self.clock.now_ns()
        command = Command(POINT, 5.0, now_ns + 60_000_000_000)
        self.mailbox.post([command], now_ns)
        await self.writer.write(self.mailbox.take(lambda _: True, now_ns), self.health)
        return self.mailbox.outcomes[POINT]


@pytest.mark.parametrize(
    ("answer", "verdict", "is_out", "count", "doubt"),
    [
        (None, "pending", True, 1, False),
        (Refused("exception 2"), "refused", False, 0, False),
        (Expired("too late"), "expired", False, 0, False),
        (NoReply("silence"), "unknown", True, 1, True),
    ],
)
async def test_each_answer_has_its_verdict_and_what_may_have_been_written_counts(
    answer, verdict, is_out, count, doubt
):
    hand = Hand(answer)
    outcome = await hand.order()

    assert (verdict, is_out) == (outcome.verdict, outcome.is_out)
    assert (count, doubt) == (hand.counts.total(POINT), hand.health.doubt)
    assert ([("gx", "silence")] if verdict == "unknown" else []) == hand.failures


async def test_a_lost_line_is_unknown_and_goes_on_to_the_bus():
    hand = Hand(LinkLost("hung up"))
    with pytest.raises(LinkLost):
        await hand.order()
    assert ("unknown", 1, True) == (
        hand.mailbox.outcomes[POINT].verdict,
        hand.counts.total(POINT),
        hand.health.doubt,
    )
