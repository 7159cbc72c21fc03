"""Examine a bench: adapters, boards, meters, relays and the identity of each device; one row for each."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from quartier_drivers.device_profile import loading
from quartier_drivers.errors import ConfigError
from quartier_hil.real_devices.bench_model import (
    Bench,
    DevicePlace,
    MeasuredQuantity,
    RealDevice,
    ReferenceMeter,
    Register,
    Relay,
    RelayBoard,
    Wire,
)
from quartier_hil.real_devices.device_clients import (
    BenchLines,
    Client,
    HttpOutlets,
    NoAnswerError,
    RequestDeniedError,
)
from quartier_hil.real_devices.relay_control import (
    RETRY_REAL_S,
    OwedState,
    RelayGuardian,
    Relays,
    SwitchError,
    find_owed_state,
    make_switch_client,
    write_owed_states,
)
from quartier_sim.devices.catalog import find_profiles_folder

_SERIAL, _FIRMWARE = "serial", "firmware"


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """Identity of a device: whether it answers, its own text, and the mismatch if there is one."""

    answers: bool
    words: str
    wrong: str = ""


def find_identity_register(place: DevicePlace) -> Register | None:
    """Return the register of its identity: of the bench file, else of its profile, which both may use."""
    stated = place.identity if isinstance(place, RealDevice | ReferenceMeter) else None
    if stated is not None or not isinstance(place, RealDevice):
        return stated
    try:
        profile = loading.require_register_profile(
            loading.load_profile(place.profile, [find_profiles_folder()])
        )
    except ConfigError:
        return None
    source = profile.identity.get(_SERIAL) or profile.identity.get(_FIRMWARE)
    if source is None:
        return None
    is_text = source.type_name == "string"
    fields = {
        "register": str(source.address),
        "type": "text" if is_text else source.type_name,
        "words": source.word_order,
        "scale": source.scale,
        "length": source.width if is_text else 8,
    }
    try:
        return Register.model_validate(fields)
    except ValidationError:
        return None  # an encoding that the rig has no own decoder for


async def identify_device(
    place: DevicePlace, client: Client, probe: Register | None = None
) -> DeviceIdentity:
    """Ask at a place; ``probe`` is read where it does not say who it is.  Never raises for what is silent."""
    wanted = place.serial if isinstance(place, RealDevice | ReferenceMeter) else None
    where = find_identity_register(place)
    try:
        if where is not None:
            words = where.format_value(await client.words(where))
        else:
            words = await _identify_by_function(client, probe)
    except RequestDeniedError as error:
        wrong = f"does not say {wanted}: {error}" if wanted is not None else ""
        return DeviceIdentity(answers=True, words=f"answers with {error}", wrong=wrong)
    except NoAnswerError as error:
        return DeviceIdentity(answers=False, words="", wrong=str(error))
    if wanted is not None and words != wanted:
        return DeviceIdentity(
            answers=True, words=words, wrong=f"says {words or 'nothing'}, expected {wanted}"
        )
    return DeviceIdentity(answers=True, words=words)


async def _identify_by_function(client: Client, probe: Register | None) -> str:
    """By function 43/14, else that it answers at all."""
    try:
        return " ".join(await client.identity())
    except RequestDeniedError:
        pass
    except NoAnswerError:
        if probe is None:
            raise
    if probe is None:
        return "answers"
    await client.words(probe)
    return "answers"


_TRY_REAL_S = 1.0


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """One thing of the bench: its key, where it is, what it says, and what is wrong (empty: nothing)."""

    key: str
    place: str
    says: str
    wrong: str = ""


def format_survey(rows: Sequence[SurveyRow]) -> str:
    """For a person: well ones and wrong ones, and how many there are."""
    widths = [max((len(getattr(row, name)) for row in rows), default=0) for name in ("key", "place")]
    text = "".join(
        f"{'WRONG' if row.wrong else 'ok   '}  {row.key:{widths[0]}}  {row.place:{widths[1]}}  "
        f"{'; '.join(filter(None, (row.says, row.wrong)))}\n"
        for row in rows
    )
    wrong_count = sum(bool(row.wrong) for row in rows)
    return f"{text}{len(rows)} looked at, {wrong_count or 'none'} wrong\n"


async def survey_bench(
    bench: Bench,
    *,
    switch: bool = False,
    record_owed_states: Callable[[Sequence[OwedState]], None] = lambda _: None,
) -> list[SurveyRow]:
    """Everything once; ``switch`` connects every device, asks it then, and leaves each relay at its rest.

    Without it a device whose supply or cable rests cut is not asked.  ``owe`` is told what must be done in
    the end before anything is switched.
    """
    lines = BenchLines(bench.adapters)
    rows = list(_survey_adapters(bench))
    try:
        for key, place in bench.places():
            if not isinstance(place, RealDevice):
                rows.append(await _survey_place(lines, key, place))
        if not switch:
            rows += await _survey_devices(bench, lines, waits=False)
            return [*rows, *[await _find_wire_state(bench, lines, *one) for one in bench.relays()]]
        relays = Relays(bench, lines, bench.devices, record_owed_states)
        record_owed_states(relays.list_owed_states())
        try:
            moved = [await _survey_switching(bench, relays, *one) for one in bench.relays()]
            rows += await _survey_devices(bench, lines, waits=True)
        finally:
            failed = await asyncio.shield(relays.rest())
        return [*rows, *moved, *(SurveyRow("rest", "", "", text) for text in failed)]
    finally:
        await lines.close()


async def rest_relays(bench: Bench) -> list[SurveyRow]:
    """Every relay put to its declared rest."""
    lines = BenchLines(bench.adapters)
    rows = []
    try:
        for name, wire, relay in bench.relays():
            one = find_owed_state(bench, f"{name} {wire}", relay, connected=relay.rest == "connected")
            wrong = await write_owed_states([one], lines, _TRY_REAL_S)
            state = "" if wrong else f"at rest: {relay.rest}"
            rows.append(
                SurveyRow(
                    f"devices.{name}.{wire}",
                    _describe_relay(bench, relay.board, relay.relay),
                    state,
                    "".join(wrong),
                )
            )
    finally:
        await lines.close()
    return rows


def _survey_adapters(bench: Bench) -> Iterator[SurveyRow]:
    for name, adapter in bench.adapters.items():
        port = Path(adapter.port)
        setting = f"{adapter.baud} baud, {adapter.parity}{adapter.stop_bits}"
        if not port.exists():
            yield SurveyRow(f"adapters.{name}", adapter.port, setting, "is not there: is it plugged in?")
        else:
            yield SurveyRow(f"adapters.{name}", adapter.port, f"{setting}, is {port.resolve()}")


async def _survey_place(lines: BenchLines, key: str, place: DevicePlace) -> SurveyRow:
    if isinstance(place, RelayBoard):
        board = make_switch_client(place, lines)
        if isinstance(board, HttpOutlets):
            return await _survey_outlets(key, place, board)
    probe = Register(register=f"coil:{place.first}", type="bool") if isinstance(place, RelayBoard) else None
    found = await identify_device(place, lines.to(place), probe)
    return SurveyRow(key, place.words, found.words, found.wrong)


async def _survey_outlets(key: str, place: RelayBoard, board: HttpOutlets) -> SurveyRow:
    try:
        return SurveyRow(key, place.words, await board.identity())
    except NoAnswerError as error:
        return SurveyRow(key, place.words, "", str(error))


async def _survey_devices(bench: Bench, lines: BenchLines, *, waits: bool) -> list[SurveyRow]:
    """Each device and each of its quantities; ``waits``: some boot, and may say another name until then."""
    rows = []
    for name, device in bench.devices.items():
        dark = [wire for wire, relay in device.wires.items() if wire != "car" and relay.rest == "cut"]
        if dark and not waits:
            state = f"not asked: its {' and '.join(dark)} rests cut (--switch connects it)"
            rows.append(SurveyRow(f"devices.{name}", device.words, state))
            continue
        row = await _survey_place(lines, f"devices.{name}", device)
        until_s = time.monotonic() + (device.boot_s if waits else 0.0)
        while row.wrong and time.monotonic() < until_s:
            await asyncio.sleep(RETRY_REAL_S)
            row = await _survey_place(lines, f"devices.{name}", device)
        rows.append(row)
        rows += [await _survey_quantity(bench, lines, name, *one) for one in device.measured.items()]
    return rows


async def _survey_quantity(
    bench: Bench, lines: BenchLines, name: str, quantity: str, one: MeasuredQuantity
) -> SurveyRow:
    own = one.own()
    place: DevicePlace = bench.devices[name]
    words = "itself"
    register = own
    if register is None:
        assert one.meter is not None
        place, words = bench.meters[one.meter], f"meter {one.meter}"
        register = bench.meters[one.meter].power_w
    key, where = f"devices.{name}.measured.{quantity}", f"{words}, {register.where}"
    try:
        value = register.number(await lines.to(place).words(register))
    except NoAnswerError as error:
        return SurveyRow(key, where, "", str(error))
    return SurveyRow(key, where, f"{value:.6g}")


async def _survey_switching(bench: Bench, relays: Relays, name: str, wire: Wire, relay: Relay) -> SurveyRow:
    """A relay that goes to each of its sides, the connected one last."""
    key, where = f"devices.{name}.{wire}", _describe_relay(bench, relay.board, relay.relay)
    try:
        for connected in (False, True):
            await relays.set(name, wire, connected=connected)
    except SwitchError as error:
        return SurveyRow(key, where, "", str(error))
    return SurveyRow(key, where, f"went to both sides, is left {relay.rest}")


async def _find_wire_state(bench: Bench, lines: BenchLines, name: str, wire: Wire, relay: Relay) -> SurveyRow:
    key, where = f"devices.{name}.{wire}", _describe_relay(bench, relay.board, relay.relay)
    rests = find_owed_state(bench, f"{name} {wire}", relay, connected=relay.rest == "connected")
    try:
        shown = await make_switch_client(rests.board, lines).state(rests.coil)
    except NoAnswerError as error:
        return SurveyRow(key, where, "", str(error))
    if shown == rests.on:
        return SurveyRow(key, where, f"{relay.rest}, its rest")
    state = "cut" if relay.rest == "connected" else "connected"
    return SurveyRow(key, where, state, f"its rest is {relay.rest}: quartier-hil rig rest puts it there")


def _describe_relay(bench: Bench, board: str, relay: int) -> str:
    return f"relay {relay} of {board} ({bench.boards[board].words})"


async def survey_with_guardian(bench: Bench, log: Path) -> list[SurveyRow]:
    """The same with switching, under a guardian: whoever ends this ends it with every relay at its rest."""
    guardian = RelayGuardian(log)
    await guardian.start()
    try:
        return await survey_bench(bench, switch=True, record_owed_states=guardian.record_owed_states)
    finally:
        await guardian.end()
