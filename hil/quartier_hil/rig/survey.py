"""Walks over a bench: adapters, boards, meters, devices, relays; a row for each, with what is wrong."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from quartier_hil.rig import who
from quartier_hil.rig.bench import Bench, Board, Device, Lead, Measured, Place, Relay
from quartier_hil.rig.client import Lines, NoAnswer
from quartier_hil.rig.guardian import Guardian
from quartier_hil.rig.outlet import Outlets
from quartier_hil.rig.register import Register
from quartier_hil.rig.relays import AGAIN_REAL_S, Owed, Relays, SwitchError, owed, pay, switching

_TRY_REAL_S = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One thing of the bench: its key, where it is, what it says, and what is wrong (empty: nothing)."""

    key: str
    place: str
    says: str
    wrong: str = ""


def table(rows: Sequence[Row]) -> str:
    """For a person: well ones and wrong ones, and how many there are."""
    widths = [max((len(getattr(row, name)) for row in rows), default=0) for name in ("key", "place")]
    text = "".join(
        f"{'WRONG' if row.wrong else 'ok   '}  {row.key:{widths[0]}}  {row.place:{widths[1]}}  "
        f"{'; '.join(filter(None, (row.says, row.wrong)))}\n"
        for row in rows
    )
    wrong_count = sum(bool(row.wrong) for row in rows)
    return f"{text}{len(rows)} looked at, {wrong_count or 'none'} wrong\n"


async def survey(
    bench: Bench, *, switch: bool = False, owe: Callable[[Sequence[Owed]], None] = lambda _: None
) -> list[Row]:
    """Everything once; ``switch`` connects every device, asks it then, and leaves each relay at its rest.

    Without it a device whose supply or cable rests cut is not asked.  ``owe`` is told what must be done in
    the end before anything is switched.
    """
    lines = Lines(bench.adapters)
    rows = list(_adapters(bench))
    try:
        for key, place in bench.places():
            if not isinstance(place, Device):
                rows.append(await _place(lines, key, place))
        if not switch:
            rows += await _devices(bench, lines, waits=False)
            return [*rows, *[await _state(bench, lines, *one) for one in bench.relays()]]
        relays = Relays(bench, lines, bench.devices, owe)
        owe(relays.debts())
        try:
            moved = [await _moved(bench, relays, *one) for one in bench.relays()]
            rows += await _devices(bench, lines, waits=True)
        finally:
            failed = await asyncio.shield(relays.rest())
        return [*rows, *moved, *(Row("rest", "", "", text) for text in failed)]
    finally:
        await lines.close()


async def rested(bench: Bench) -> list[Row]:
    """Every relay put to its declared rest."""
    lines = Lines(bench.adapters)
    rows = []
    try:
        for name, lead, relay in bench.relays():
            one = owed(bench, f"{name} {lead}", relay, connected=relay.rest == "connected")
            wrong = await pay([one], lines, _TRY_REAL_S)
            says = "" if wrong else f"at rest: {relay.rest}"
            rows.append(
                Row(
                    f"devices.{name}.{lead}",
                    _relay_words(bench, relay.board, relay.relay),
                    says,
                    "".join(wrong),
                )
            )
    finally:
        await lines.close()
    return rows


def _adapters(bench: Bench) -> Iterator[Row]:
    for name, adapter in bench.adapters.items():
        port = Path(adapter.port)
        says = f"{adapter.baud} baud, {adapter.parity}{adapter.stop_bits}"
        if not port.exists():
            yield Row(f"adapters.{name}", adapter.port, says, "is not there: is it plugged in?")
        else:
            yield Row(f"adapters.{name}", adapter.port, f"{says}, is {port.resolve()}")


async def _place(lines: Lines, key: str, place: Place) -> Row:
    if isinstance(place, Board):
        board = switching(place, lines)
        if isinstance(board, Outlets):
            return await _outlets(key, place, board)
    probe = Register(register=f"coil:{place.first}", type="bool") if isinstance(place, Board) else None
    found = await who.asked(place, lines.to(place), probe)
    return Row(key, place.words, found.words, found.wrong)


async def _outlets(key: str, place: Board, board: Outlets) -> Row:
    try:
        return Row(key, place.words, await board.identity())
    except NoAnswer as error:
        return Row(key, place.words, "", str(error))


async def _devices(bench: Bench, lines: Lines, *, waits: bool) -> list[Row]:
    """Each device and each of its quantities; ``waits``: some boot, and may say another name until then."""
    rows = []
    for name, device in bench.devices.items():
        dark = [lead for lead, relay in device.leads.items() if lead != "car" and relay.rest == "cut"]
        if dark and not waits:
            says = f"not asked: its {' and '.join(dark)} rests cut (--switch connects it)"
            rows.append(Row(f"devices.{name}", device.words, says))
            continue
        row = await _place(lines, f"devices.{name}", device)
        until_s = time.monotonic() + (device.boot_s if waits else 0.0)
        while row.wrong and time.monotonic() < until_s:
            await asyncio.sleep(AGAIN_REAL_S)
            row = await _place(lines, f"devices.{name}", device)
        rows.append(row)
        rows += [await _quantity(bench, lines, name, *one) for one in device.measured.items()]
    return rows


async def _quantity(bench: Bench, lines: Lines, name: str, quantity: str, one: Measured) -> Row:
    own = one.own()
    place: Place = bench.devices[name]
    words = "itself"
    register = own
    if register is None:
        assert one.meter is not None
        place, words = bench.meters[one.meter], f"meter {one.meter}"
        register = bench.meters[one.meter].power_w
    key, where = f"devices.{name}.measured.{quantity}", f"{words}, {register.where}"
    try:
        value = register.number(await lines.to(place).words(register))
    except NoAnswer as error:
        return Row(key, where, "", str(error))
    return Row(key, where, f"{value:.6g}")


async def _moved(bench: Bench, relays: Relays, name: str, lead: Lead, relay: Relay) -> Row:
    """A relay that goes to each of its sides, the connected one last."""
    key, where = f"devices.{name}.{lead}", _relay_words(bench, relay.board, relay.relay)
    try:
        for connected in (False, True):
            await relays.set(name, lead, connected=connected)
    except SwitchError as error:
        return Row(key, where, "", str(error))
    return Row(key, where, f"went to both sides, is left {relay.rest}")


async def _state(bench: Bench, lines: Lines, name: str, lead: Lead, relay: Relay) -> Row:
    key, where = f"devices.{name}.{lead}", _relay_words(bench, relay.board, relay.relay)
    rests = owed(bench, f"{name} {lead}", relay, connected=relay.rest == "connected")
    try:
        shown = await switching(rests.board, lines).state(rests.coil)
    except NoAnswer as error:
        return Row(key, where, "", str(error))
    if shown == rests.on:
        return Row(key, where, f"{relay.rest}, its rest")
    state = "cut" if relay.rest == "connected" else "connected"
    return Row(key, where, state, f"its rest is {relay.rest}: quartier-hil rig rest puts it there")


def _relay_words(bench: Bench, board: str, relay: int) -> str:
    return f"relay {relay} of {board} ({bench.boards[board].words})"


async def guarded(bench: Bench, log: Path) -> list[Row]:
    """The same with switching, under a guardian: whoever ends this ends it with every relay at its rest."""
    guardian = Guardian(log)
    await guardian.start()
    try:
        return await survey(bench, switch=True, owe=guardian.owe)
    finally:
        await guardian.end()
