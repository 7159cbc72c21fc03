"""A gateway swapped: its backup on another machine goes on, and the old one, started again, gives way."""

import random
from functools import partial

from quartier_hil.stage.daemon import Daemon
from quartier_hil.torture.stand import GivenUp, Stand

_SUPERSEDED = "district.superseded"


async def swapped(stand: Stand, dice: random.Random, rounds: int) -> None:
    """Backup, restore elsewhere, start; then the old one is plugged in once more."""
    for number in range(rounds):
        await stand.pass_s(dice.uniform(20.0, 60.0))
        old = stand.daemon
        await old.stop()
        new = await _moved(stand, old, number)
        births = stand.recorder.told.session.births_count
        await new.start()
        stand.take(new)
        await stand.reborn(since=births)
        # The district is sure only after a while that nothing of the old boot is still to come.
        await stand.pass_s(dice.uniform(240.0, 300.0))
        await old.start()
        await stand.until("the old one gives way", partial(_gives_way, old), 120.0)
        await old.stop()
        await stand.until("the new one is there", lambda: _is_on(stand), 120.0)
        live = len(stand.recorder.told.live_age_s)
        await stand.until("live samples come", partial(_is_live, stand, live))
        # Started again before it delivered: a mark of the old one's boot, which stands above, covers nothing.
        await new.stop()
        await new.start()
        await stand.pass_s(20.0)


async def _moved(stand: Stand, old: Daemon, number: int) -> Daemon:
    file, folder = stand.folder / f"b012-{number}.qbk", stand.folder / f"machine{number}"
    folder.mkdir()
    new = Daemon(folder / "site.toml", folder, stand.clock)
    said = await _ordered(old, "backup", str(file))
    key = said.partition("signed with key ")[2].partition(":")[0]  # as a person notes it
    await _ordered(new, "restore", str(file), "--yes", "--key", key)
    return new


async def _ordered(daemon: Daemon, *words: str) -> str:
    code, said = await daemon.command(*words, "--config", str(daemon.site_file))
    if code:
        raise GivenUp(f"quartier {words[0]} ended with {code}: {said[-300:]}")
    return said


def _gives_way(daemon: Daemon) -> bool:
    return _SUPERSEDED in daemon.child.log.read_text(encoding="utf-8", errors="replace")


async def _is_on(stand: Stand) -> bool:
    status = await stand.status()
    return status is not None and bool(status["district"]["data_on"])


def _is_live(stand: Stand, before: int) -> bool:
    return len(stand.recorder.told.live_age_s) > before
