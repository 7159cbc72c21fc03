"""Faults of names and certificates: no name server, a certificate that is over and is renewed."""

import random

from quartier_hil.torture.stand import GivenUp, Stand

_AWAY_S = 120.0


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


async def _is_lost(stand: Stand) -> bool:
    status = await stand.status()
    return status is not None and not status["district"]["data_on"]
