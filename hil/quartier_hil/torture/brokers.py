"""Faults of the broker and of the way to it: killed with its queue, away, flapping, half open."""

import random
from functools import partial

from quartier_hil.torture.held import middle
from quartier_hil.torture.relay import Shape
from quartier_hil.torture.stand import GivenUp, Stand

_AFTER_S = 15.0


async def killed(stand: Stand, dice: random.Random, rounds: int) -> None:
    """Kill the broker with messages that it confirmed but did not deliver; events are among them."""
    for _ in range(rounds):
        stand.recorder.stop()
        stand.meters[-1].silent = True  # which is an event
        await stand.pass_s(dice.uniform(40.0, 60.0))
        births = stand.recorder.told.session.births_count
        await stand.kill_broker()
        stand.meters[-1].silent = False
        await stand.broker.start()
        stand.recorder.start()
        await stand.reborn(since=births)
        await stand.pass_s(_AFTER_S)


async def unheard(stand: Stand, dice: random.Random, rounds: int) -> None:
    """Take the district away, not broker and gateway: messages are confirmed but not received."""
    for _ in range(rounds):
        stand.recorder.stop()
        stand.meters[-1].silent = True
        await stand.pass_s(dice.uniform(40.0, 60.0))
        stand.meters[-1].silent = False
        stand.recorder.start()
        await stand.pass_s(_AFTER_S)


async def away(stand: Stand, dice: random.Random, rounds: int) -> None:
    """Stop the broker for ``rounds`` times ten minutes of plant time."""
    await stand.kill_broker()
    await stand.pass_s(600.0 * rounds + dice.uniform(0.0, 20.0))
    before = len(stand.recorder.told.live_age_s)
    await stand.broker.start()
    await stand.until("live samples come again", lambda: len(stand.recorder.told.live_age_s) > before)


async def flapping(stand: Stand, dice: random.Random, rounds: int) -> None:
    """The connection is cut a moment after it came, so many times."""
    for _ in range(rounds):
        count = stand.wire.connections_count
        stand.wire.cut()
        await stand.until("the gateway calls again", partial(_has_called, stand, count), 120.0)
        await stand.pass_s(dice.expovariate(1 / 6.0))
    stand.figures["connections"] = stand.wire.connections_count


async def half_open(stand: Stand, dice: random.Random, rounds: int) -> None:
    """All that is sent is gone without a sign; then the other side is seen to be gone.

    More than one round: the gateway has to find out by itself, by its keep-alive, in real time.
    """
    for number in range(rounds):
        count = stand.wire.connections_count
        stand.wire.swallows = True
        await stand.pass_s(dice.uniform(20.0, 60.0))
        if number:
            await stand.until(
                "the gateway gives a dead link up",
                partial(_has_called, stand, count),
                120.0,
            )
        stand.wire.swallows = False
        stand.wire.cut()
        await stand.pass_s(_AFTER_S)
    stand.figures["swallowed"] = rounds


async def lossy(stand: Stand, dice: random.Random, rounds: int) -> None:
    """1 kB/s, one segment of ten lost, after a minute without: live goes first, and the backlog shrinks."""
    stand.wire.shape = Shape(1_000.0, 0.1)
    told = stand.recorder.told
    first = len(told.live_age_s)
    for _ in range(rounds):
        await stand.wire.stop()
        await stand.pass_s(dice.uniform(50.0, 70.0))
        before, late = len(told.live_age_s), told.late_count
        await stand.wire.start()
        await stand.until("live samples come over the slow link", partial(_is_live, stand, before), 180.0)
        if told.late_count > late:
            raise GivenUp(f"{told.late_count - late} late samples came before the first live one")
        await stand.until(
            "the backlog is gone, though the link is slow", partial(_is_caught_up, stand), 180.0
        )
    stand.figures["live_age_p50_s"] = middle(told.live_age_s[first:], 0.5)
    stand.figures["live_age_max_s"] = max(told.live_age_s[first:])
    stand.wire.shape = None


async def _is_caught_up(stand: Stand) -> bool:
    status = await stand.status()
    return status is not None and status["district"]["data_on"] and not status["district"]["catching_up"]


def _has_called(stand: Stand, before: int) -> bool:
    return stand.wire.connections_count > before


def _is_live(stand: Stand, before: int) -> bool:
    return len(stand.recorder.told.live_age_s) > before


def _is_late(stand: Stand, before: int) -> bool:
    return stand.recorder.told.late_count > before
