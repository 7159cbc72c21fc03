"""Faults of names, certificates and the time by which they are checked."""

import datetime as dt
import random

from quartier_hil.torture.authority import BROKER
from quartier_hil.torture.stand import GivenUp, Stand

_AWAY_S = 120.0
_DAY = dt.timedelta(days=1)
# The site is two days ahead of the machine, and OpenSSL uses the machine's clock.
AHEAD_S = 2 * 86_400.0
_LOST_CLOCK = "no -315576000\n"


async def nameless(stand: Stand, dice: random.Random, rounds: int) -> None:
    """The district's name leads nowhere while the connection is lost; polling and history go on."""
    if stand.hosts is None:
        raise GivenUp("a name server of its own needs root")
    for _ in range(rounds):
        stand.hosts.known(False)
        stand.wire.cut()
        served = stand.meters[0].served
        await stand.pass_s(_AWAY_S + dice.uniform(0.0, 30.0))
        if stand.meters[0].served == served:
            raise GivenUp("without a name server no meter was asked")
        stand.hosts.known(True)
        await stand.reborn()


async def expired(stand: Stand, dice: random.Random, rounds: int) -> None:
    """Our certificate is over and the broker lets us in no more; a renewed one is taken without a restart."""
    if stand.authority is None:
        raise GivenUp("this stand has no certificates")
    name = stand.recorder.names.gateway
    for _ in range(rounds):
        stand.authority.expired(name)
        await stand.until("the broker lets nobody in whose time is over", lambda: _is_lost(stand), 60.0)
        await stand.pass_s(dice.uniform(20.0, 60.0))
        stand.authority.issue(name)
        await stand.reborn()


async def early(stand: Stand, dice: random.Random, rounds: int) -> None:
    """Boots without time, years before the broker's certificate begins: it is judged by the time floor.

    By the machine's own clock it has not begun either.  One from beyond the floor is let in by nobody.
    """
    for _ in range(rounds):
        await stand.pass_s(dice.uniform(20.0, 60.0))
        await stand.daemon.kill()
        await _reissued(stand, 3 * _DAY)
        stand.daemon.word.write_text(_LOST_CLOCK)
        stand.daemon.reboot()
        births = stand.recorder.told.session.births_count
        await stand.daemon.start()
        await stand.until("a certificate from beyond the floor is refused", lambda: _is_refused(stand))
        await _reissued(stand, _DAY)
        await stand.reborn(since=births)
        status = await stand.status()
        if status is None or status["gateway"]["synced"]:
            raise GivenUp("the gateway trusts a clock that is ten years behind")
        await stand.pass_s(dice.uniform(20.0, 60.0))
        births = stand.recorder.told.session.births_count
        await _reissued(stand, -3 * _DAY)
        stand.daemon.word.write_text("yes 0\n")
        await stand.reborn(since=births)


async def _reissued(stand: Stand, begins_in: dt.timedelta) -> None:
    """The broker comes back with a certificate that begins then, by the machine's clock.

    The district is there first: three minutes of a fast house after a birth it takes what older boots sent to
    nobody for lost, as other faults have it.
    """
    if stand.authority is None:
        raise GivenUp("this stand has no certificates")
    await stand.wire.stop()
    await stand.kill_broker()
    stand.authority.issue(BROKER, begins_in=begins_in, ends_in=20 * _DAY)
    await stand.broker.start()
    await stand.until("the district is there", lambda: stand.recorder.connected)
    await stand.wire.start()


async def _is_refused(stand: Stand) -> bool:
    status = await stand.status()
    return status is not None and "certificate" in status["district"]["data_fault"].lower()


async def _is_lost(stand: Stand) -> bool:
    status = await stand.status()
    return status is not None and not status["district"]["data_on"]
