import asyncio
from dataclasses import replace

from quartier.runtime.bus.mailbox import (
    NO_WRITE_LISTENER,
    ClientWriteOutcome,
    Mailbox,
    WriteOutcome,
    find_tolerance,
)
from quartier_drivers.contract import Command, Origin, PointInfo
from quartier_drivers.readings import Quality, Reading, make_readings

POINT = "bat1.setpoint_w"
INFO = PointInfo(POINT, "float", "holding:1", 1.0, writable=True, step=10.0)
INFOS = {POINT: INFO, "bat1.power_w": PointInfo("bat1.power_w", "float", "input:1", 1.0)}


def reach(point: str) -> bool:
    return point == POINT


def command(value: float, expires_ns: int = 1000) -> Command:
    return Command(POINT, value, expires_ns, "test")


def readings(value: float, taken_ns: int, quality: Quality = Quality.GOOD):
    """What one exchange told, the point of the command among others."""
    return make_readings(
        [Reading("bat1.power_w", 7.0, Quality.GOOD, 0), Reading(POINT, value, quality, 0)], taken_ns
    )


def test_the_newest_request_wins():
    box = Mailbox()
    box.post([command(1)], 0)
    box.post([command(2)], 1)

    assert command(2) == box.take(reach, 2)
    assert box.take(reach, 2) is None


def test_an_expired_command_never_leaves():
    box = Mailbox()
    box.post([command(1, expires_ns=10)], 0)

    assert box.take(reach, 10) is None
    assert box.outcomes[POINT].verdict == "expired"


def test_a_command_waits_for_its_device_to_be_reachable():
    box = Mailbox()
    box.post([command(1)], 0)

    assert box.take(lambda _point: False, 1) is None
    assert command(1) == box.take(reach, 2)


def test_done_is_said_by_the_next_reading_not_by_the_write():
    box = Mailbox()
    box.post([command(1500)], 0)
    sent = box.take(reach, 1)
    box.note_written(sent, 2, read_back=True)
    assert box.outcomes[POINT].verdict == "pending"

    box.compare_readings(readings(1505, taken_ns=1), INFOS, 3)
    assert box.outcomes[POINT].verdict == "pending", "a reading from before the write proves nothing"

    box.compare_readings(readings(1505, taken_ns=3), INFOS, 3)
    assert box.outcomes[POINT].verdict == "done"


def test_a_device_that_keeps_another_value_has_refused():
    box = Mailbox()
    box.post([command(1500)], 0)
    box.note_written(box.take(reach, 1), 2, read_back=True)
    for taken_ns in (3, 4, 5):
        box.compare_readings(readings(0, taken_ns), INFOS, taken_ns)

    assert ("refused", "the device holds 0") == (box.outcomes[POINT].verdict, box.outcomes[POINT].why)


def test_an_exchange_that_does_not_tell_of_the_point_settles_nothing():
    box = Mailbox()
    box.post([command(1500)], 0)
    box.note_written(box.take(reach, 1), 2, read_back=True)
    box.compare_readings(make_readings([Reading("bat1.power_w", 1500.0, Quality.GOOD, 0)], 3), INFOS, 3)

    assert box.outcomes[POINT].verdict == "pending"


def test_unknown_is_settled_by_the_next_reading():
    box = Mailbox()
    box.post([command(1500)], 0)
    box.note_failure(box.take(reach, 1), "unknown", "no answer", 2, read_back=True)
    assert box.outcomes[POINT].verdict == "unknown"

    box.compare_readings(readings(0, 3, Quality.BAD), INFOS, 3)
    assert box.outcomes[POINT].verdict == "unknown", "a bad reading settles nothing"

    box.compare_readings(readings(1500, 4), INFOS, 4)
    assert box.outcomes[POINT].verdict == "done"


def test_without_a_read_back_the_devices_word_counts_and_is_named_so():
    box = Mailbox()
    box.post([command(1)], 0)
    box.note_written(box.take(reach, 1), 2, read_back=False)

    assert ("done", "accepted; this point cannot be read back") == (
        box.outcomes[POINT].verdict,
        box.outcomes[POINT].why,
    )


def test_the_fate_of_an_old_write_is_not_told_of_a_newer_request():
    box = Mailbox()
    box.post([command(1)], 0)
    old = box.take(reach, 1)
    box.post([command(2)], 2)
    box.note_written(old, 3, read_back=True)

    assert ("pending", 2) == (box.outcomes[POINT].verdict, box.outcomes[POINT].command.value)


def test_readings_of_an_old_write_say_nothing_of_a_request_that_still_waits():
    box = Mailbox()
    box.post([command(1000)], 0)
    box.note_written(box.take(reach, 1), 2, read_back=True)
    box.post([command(2000)], 3)
    for taken_ns in (4, 5, 6):
        box.compare_readings(readings(1000, taken_ns), INFOS, taken_ns)

    assert box.outcomes[POINT].verdict == "pending"


def test_what_waits_can_be_withdrawn_and_says_why():
    box = Mailbox()
    box.post([command(1)], 0)
    box.withdraw([POINT, "bat2.setpoint_w"], 2, "given back")

    assert box.take(reach, 3) is None
    assert ("expired", "given back") == (box.outcomes[POINT].verdict, box.outcomes[POINT].why)


async def test_a_new_command_ends_the_wait():
    box = Mailbox()
    waiting = asyncio.create_task(box.wait(3600))
    await asyncio.sleep(0)
    box.post([command(1)], 0)
    await asyncio.wait_for(waiting, 60)


def test_tolerance_of_a_relay_is_half_a_bit():
    assert find_tolerance(PointInfo("x.relay_on", "bool", "coil:0", 1.0)) == 0.5
    assert find_tolerance(PointInfo("x.sg_ready_state", "int", "holding:10", 1.0, step=1.0)) == 0.5


def test_a_device_may_show_the_old_value_for_as_long_as_its_profile_says():
    box = Mailbox()
    infos = {**INFOS, POINT: replace(INFO, settle_s=5.0)}
    request = command(100)
    box.post([request], 0)
    box.note_written(request, 10, read_back=True)
    for second in range(1, 6):
        box.compare_readings(readings(0, second * 10**9), infos, second * 10**9)
    assert "pending" == box.outcomes[POINT].verdict

    for second in range(6, 9):
        box.compare_readings(readings(0, second * 10**9), infos, second * 10**9)
    assert "refused" == box.outcomes[POINT].verdict


def test_a_write_that_was_spared_is_done():
    box = Mailbox()
    request = command(100)
    box.post([request], 0)
    box.note_unneeded_write(request, 1)

    assert ("done", "the device has this value already: not written again") == (
        box.outcomes[POINT].verdict,
        box.outcomes[POINT].why,
    )


COMMAND = Command("bat1.setpoint_w", 1.0, 10)


class Ears:
    def __init__(self):
        self.heard = []

    def handle_outcome(self, outcome):
        self.heard.append((outcome.command.value, outcome.verdict, outcome.is_out))


def test_every_change_of_a_verdict_is_heard_also_of_an_order_that_was_overtaken():
    ears = Ears()
    mailbox = Mailbox(ears)
    mailbox.post([COMMAND], 0)
    taken = mailbox.take(lambda _: True, 0)
    mailbox.post([Command("bat1.setpoint_w", 2.0, 10)], 1)
    mailbox.note_written(taken, 2, read_back=True)
    mailbox.post([Command("bat1.setpoint_w", 3.0, 10)], 3)
    mailbox.expire(11)

    assert [(1.0, "replaced", True), (2.0, "replaced", False), (3.0, "expired", False)] == ears.heard


def test_nobody_hears_nothing_and_breaks_nothing():
    assert None is NO_WRITE_LISTENER.handle_outcome(WriteOutcome(COMMAND, "done", 0))
    assert None is NO_WRITE_LISTENER.handle_relinquish(["a.b"], "done", "", 0)
    assert None is NO_WRITE_LISTENER.handle_release(["a.b"], "done", "", 0)
    assert None is NO_WRITE_LISTENER.handle_client_write(
        ClientWriteOutcome(
            point="a.holding_1_index", who=Origin("client", "portal"), why="", value=1.0, verdict="done"
        ),
        0,
    )
