"""A request of others goes out when its turn is, or is answered for a reason; never late to somebody else."""

import asyncio
from typing import Any

import pytest
from tests.drivers.modbus.sharing.conftest import Opened, Shared, terms_of

from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.sharing.client_queue import PATIENCE_S, WAIT_MAX_S
from quartier_drivers.modbus.sharing.client_requests import parse_request
from quartier_drivers.modbus.sharing.pending_requests import PendingRequest
from quartier_drivers.modbus.sharing.register_spans import parse_spans

READ, OTHER = b"\x03\x00\x0a\x00\x02", b"\x03\x00\x14\x00\x01"
SAID = b"\x03\x04\x00\x0a\x00\x0b"
NO_ANSWER, BUSY = b"\x83\x0b", b"\x83\x06"


class Given(list[tuple[bytes, str]]):
    def pending(self, pdu: bytes = READ, unit: int = 1, age_s: float = 0.0, **may: Any) -> PendingRequest:
        since_s = asyncio.get_running_loop().time() - age_s
        return PendingRequest(
            parse_request(unit, pdu),
            terms_of(**may),
            since_s,
            lambda said, fate, _: self.append((said, fate)),
        )


async def still(opened: Opened, **keys: Any) -> Shared:
    """A share whose bus does nothing by itself."""
    shared = await opened(**keys)
    shared.is_idle.clear()
    shared.woken.set()
    await asyncio.sleep(0)
    return shared


async def test_a_request_goes_out_when_the_bus_has_time_one_a_call(opened: Opened) -> None:
    shared, given = await still(opened), Given()
    shared.queue.offer(given.pending())
    shared.queue.offer(given.pending(OTHER))
    assert [] == shared.device.asked

    assert await shared.queue.serve(None)
    assert [(SAID, "wire")] == given
    assert [(1, READ)] == shared.device.asked
    assert [True, False] == [await shared.queue.serve(None) for _ in range(2)]


async def test_a_read_that_was_answered_just_now_needs_no_wire(opened: Opened) -> None:
    shared, given = await still(opened), Given()
    shared.queue.offer(given.pending())
    await shared.queue.serve(None)
    shared.queue.offer(given.pending(age_max_s=60.0))
    shared.queue.offer(given.pending(b"\x03\x00\x0b\x00\x01", age_max_s=60.0))

    assert [(SAID, "held"), (b"\x03\x02\x00\x0b", "held")] == given[1:]
    assert [(1, READ)] == shared.device.asked


async def test_what_our_own_polling_read_is_given_too(opened: Opened) -> None:
    shared, given = await still(opened), Given()
    await shared.line.exchange(parse_request(1, READ).request)
    shared.queue.offer(given.pending(age_max_s=60.0))

    assert [(SAID, "held")] == given


async def test_what_came_while_it_waited_is_not_asked_for_again(opened: Opened) -> None:
    shared, given = await still(opened), Given()
    shared.queue.offer(given.pending(age_max_s=60.0))
    await shared.line.exchange(parse_request(1, READ).request)

    assert await shared.queue.serve(None)
    assert [(SAID, "held")] == given
    assert 1 == len(shared.device.asked)


async def test_nobody_is_asked_who_is_known_to_be_gone(opened: Opened) -> None:
    shared, given = await still(opened), Given()
    shared.silent.add(1)
    shared.queue.offer(given.pending())
    shared.silent.clear()
    shared.state["up"] = False
    shared.queue.offer(given.pending())

    assert [(NO_ANSWER, "absent")] * 2 == given
    assert not await shared.queue.serve(None)


async def test_who_asked_in_vain_is_told_so_at_once_for_a_while(opened: Opened) -> None:
    shared, given = await still(opened, habit="silence"), Given()
    shared.queue.offer(given.pending())
    shared.queue.offer(given.pending(name="laptop"))
    await shared.queue.serve(None)
    shared.queue.offer(given.pending())

    assert [(NO_ANSWER, "unanswered"), (NO_ANSWER, "absent")] == given
    assert 1 == shared.line.stats["timeouts_count"]
    assert await shared.queue.serve(None), "another may ask"


async def test_a_request_is_made_once_and_may_hold_the_wire_no_longer_than_it_may(opened: Opened) -> None:
    shared, given = await still(opened, habit="silence"), Given()
    shared.line._timeout_s = 3600.0
    shared.queue.offer(given.pending(wire_max_s=0.05))
    await shared.queue.serve(None)

    assert [(NO_ANSWER, "unanswered")] == given
    assert (1, 0) == (shared.line.stats["requests_count"], shared.line.stats["retries_count"])


@pytest.mark.parametrize("code", [2, 4, 5, 6, 11])
async def test_an_exception_of_the_device_goes_back_as_it_is(opened: Opened, code: int) -> None:
    shared, given = await still(opened, habit="fails", code=code), Given()
    shared.queue.offer(given.pending())
    await shared.queue.serve(None)

    assert [(bytes([0x83, code]), "wire")] == given


async def test_what_has_waited_too_long_is_told_that_the_bus_is_busy(opened: Opened) -> None:
    shared, given = await still(opened), Given()
    shared.queue.offer(given.pending(age_s=WAIT_MAX_S + 0.1))
    shared.queue.offer(given.pending(OTHER))
    shared.queue.sweep()

    assert [(BUSY, "busy")] == given
    assert await shared.queue.serve(None)


async def test_what_nobody_wants_any_more_does_not_go_out(opened: Opened) -> None:
    shared, given = await still(opened), Given()
    pending = given.pending()
    shared.queue.offer(pending)
    pending.is_wanted = False

    assert not await shared.queue.serve(None)
    assert [(BUSY, "dropped")] == given
    assert [] == shared.device.asked


async def test_what_would_run_into_our_next_request_waits_for_a_longer_gap(opened: Opened) -> None:
    shared, given = await still(opened, habit="late", seconds=0.05), Given()
    shared.queue.offer(given.pending())
    assert await shared.queue.serve(1), "how long the unit takes nobody knows yet"
    shared.queue.offer(given.pending(OTHER))

    assert not await shared.queue.serve(1_000_000)
    assert 0 < shared.queue.again_s <= PATIENCE_S
    assert await shared.queue.serve(1_000_000_000)


async def test_who_waits_for_a_longer_gap_waits_not_for_ever(opened: Opened) -> None:
    shared, given = await still(opened, habit="late", seconds=0.05), Given()
    shared.queue.offer(given.pending())
    await shared.queue.serve(None)
    shared.queue.offer(given.pending(OTHER, age_s=PATIENCE_S + 0.01))

    assert await shared.queue.serve(1_000_000)


async def test_a_unit_that_needs_a_pause_holds_up_no_other(opened: Opened) -> None:
    shared, given = await still(opened), Given()
    await shared.line.exchange(parse_request(1, OTHER).request, 60.0)
    shared.queue.offer(given.pending())
    shared.queue.offer(given.pending(unit=2))

    assert await shared.queue.serve(None)
    assert [(2, READ)] == shared.device.asked[1:]
    assert not await shared.queue.serve(None)
    assert 50 < shared.queue.again_s <= 60


async def test_a_unit_rests_after_a_write_as_its_profile_says_and_not_after_a_read(opened: Opened) -> None:
    shared, given = await still(opened), Given()
    shared.queue._pauses_s = {1: (0.0, 60.0)}
    write, may = b"\x06\x00\x0a\x00\x07", parse_spans(["1/holding:10"])
    for pdu in (READ, OTHER, write, READ):
        shared.queue.offer(given.pending(pdu, writes=may))

    assert [True, True, True, False] == [await shared.queue.serve(None) for _ in range(4)]
    assert 50 < shared.queue.again_s <= 60


async def test_a_line_that_is_lost_is_told_to_who_asked_and_to_the_bus(opened: Opened) -> None:
    shared, given = await still(opened, habit="accepts-and-closes"), Given()
    shared.queue.offer(given.pending())
    with pytest.raises(LinkLost, match="closed the connection"):
        await shared.queue.serve(None)
    shared.queue.offer(given.pending())

    assert [(NO_ANSWER, "unanswered"), (NO_ANSWER, "absent")] == given, "it does not end another connection"


async def test_on_a_serial_line_a_late_answer_of_theirs_is_not_taken_for_ours(opened: Opened) -> None:
    shared, given = await still(opened, wire="rtu", habit="late", seconds=0.12), Given()
    shared.queue.offer(given.pending(wire_max_s=0.05))
    await shared.queue.serve(None)
    ours = await shared.line.exchange(parse_request(1, b"\x03\x00\x14\x00\x02").request)

    assert [(NO_ANSWER, "unanswered")] == given
    assert (20, 21) == ours.values
    assert 1 == shared.line.stats["late_count"]


async def test_who_waits_when_the_share_ends_is_told_so(opened: Opened) -> None:
    shared, given = await still(opened), Given()
    shared.queue.offer(given.pending())
    shared.queue.close()

    assert [(NO_ANSWER, "absent")] == given
    assert None is shared.line.answer_cache
