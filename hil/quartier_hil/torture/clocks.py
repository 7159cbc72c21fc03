"""Faults of time: a clock that jumps, an untrusted one, clock changes, a gateway that stands still."""

import datetime as dt
import random
from functools import partial

from quartier_hil.torture import orders, papers
from quartier_hil.torture.stand import GivenUp, Stand

_YEAR_S = 31_557_600.0
JUMPS_S = (-10 * _YEAR_S, 10 * _YEAR_S, -3_600.0, 3_600.0, -1.0, 1.0)
FROZEN_S, CHANGE_S = 600.0, 600.0
# A few minutes before the change in Paris; both are at 01:00 UTC.
SPRING_UTC_S = dt.datetime(2026, 3, 29, 0, 57, tzinfo=dt.UTC).timestamp()
AUTUMN_UTC_S = dt.datetime(2026, 10, 25, 0, 57, tzinfo=dt.UTC).timestamp()
CONTROLLED, STOOD = "CONTROLLED", "gateway.stood_still"
CAP_W, AFTERWARDS_W = 123_456.0, 654_321.0


async def jumps(stand: Stand, dice: random.Random, rounds: int) -> None:
    """Let the untrusted wall clock jump, and correct it: no timer may fire."""
    mode = await _controlled(stand)
    modes = {mode}
    for _ in range(rounds):
        stand.daemon.word.write_text(f"no {dice.choice(JUMPS_S):.0f}\n")
        await stand.pass_s(dice.uniform(5.0, 40.0))
        modes.add(await _mode(stand))
        stand.daemon.word.write_text("yes 0\n")
        await stand.pass_s(dice.uniform(15.0, 40.0))
        modes.add(await _mode(stand))
    stand.figures["modes"] = " ".join(sorted(modes))
    if modes != {mode}:
        raise GivenUp(f"a clock that jumps moved the link: {sorted(modes)}")


async def untrusted(stand: Stand, dice: random.Random, rounds: int) -> None:
    """The gateway starts without a clock, is killed, starts again, and hears the time at last."""
    for _ in range(rounds):
        stand.daemon.word.write_text(f"no {dice.choice(JUMPS_S):.0f}\n")
        await stand.daemon.kill()
        await stand.daemon.start()
        await stand.online()
        await stand.pass_s(dice.uniform(20.0, 40.0))
        stand.daemon.word.write_text("yes 0\n")
        await stand.pass_s(dice.uniform(20.0, 40.0))


async def changed(stand: Stand, dice: random.Random, rounds: int) -> None:
    """The local clock goes on or back an hour: no state changes, no stamp goes back."""
    del dice
    mode = await _controlled(stand)
    for _ in range(rounds):
        await stand.pass_s(CHANGE_S)
        if await _mode(stand) != mode:
            raise GivenUp(f"{mode} became {await _mode(stand)} while the local clock changed")
    found = await stand.settled()
    if found.backwards_count:
        raise GivenUp(f"{found.backwards_count} stamps went back")


async def frozen(stand: Stand, dice: random.Random, rounds: int) -> None:
    """Freeze the gateway for ten minutes: orders with an end in that time are over when it goes on."""
    desk = orders.desk_of(stand)
    for _ in range(rounds):
        await stand.pass_s(dice.uniform(5.0, 15.0))
        now_ms = stand.clock.utc_ms()
        body = papers.body_of(desk, stand.recorder.next_seq(), now_ms, CAP_W, for_ms=int(FROZEN_S * 500))
        body["default"]["import_max_w"] = AFTERWARDS_W
        stand.recorder.say(desk.topic, papers.encoded(body))
        await stand.until("the cap is in force", lambda: orders.acts(stand, CAP_W))
        stood = _stood_s(stand)
        stand.daemon.freeze()
        await stand.pass_s(FROZEN_S)
        stand.daemon.thaw()
        await stand.until("the gateway goes on", lambda: _answers(stand))
        if await orders.acts(stand, CAP_W):
            raise GivenUp(f"a cap of {CAP_W:g} W acts {FROZEN_S / 2:g} s after its end")
        await stand.until("the gap is recorded", partial(_is_recorded, stand, len(stood)))
    stand.figures["gaps_s"] = max(_stood_s(stand))


def _stood_s(stand: Stand) -> list[float]:
    """Return the duration of each standstill that the gateway reported, s."""
    return [event["data"]["for_s"] for event in stand.recorder.told.events if event["code"] == STOOD]


def _is_recorded(stand: Stand, before: int) -> bool:
    return any(for_s >= FROZEN_S for for_s in _stood_s(stand)[before:])


async def _answers(stand: Stand) -> bool:
    return await stand.status() is not None


async def _controlled(stand: Stand) -> str:
    """Wait for a document in force and a heartbeat of the district; return the link state."""
    await orders.accept(stand, orders.desk_of(stand), CAP_W)

    async def is_controlled() -> bool:
        return await _mode(stand) == CONTROLLED

    await stand.until("the district is heard", is_controlled)
    return CONTROLLED


async def _mode(stand: Stand) -> str:
    status = await stand.status()
    return "none" if status is None else str(status["control"]["mode"])
