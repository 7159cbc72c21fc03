"""Faults of the gateway: its clock, its certificate and the name of the district, a standstill, and its
replacement by another machine.
"""

import datetime as dt
import random
from functools import partial

from quartier_bench.torture import bad_documents, document_faults
from quartier_bench.torture.broker_connection import BROKER_NAME
from quartier_bench.torture.testbed import FaultBench, StateNotReached
from quartier_hil.processes.daemon_process import DaemonProcess

_YEAR_S = 31_557_600.0
JUMPS_S = (-10 * _YEAR_S, 10 * _YEAR_S, -3_600.0, 3_600.0, -1.0, 1.0)
FROZEN_S, CHANGE_S = 600.0, 600.0
# A few minutes before the change in Paris; both are at 01:00 UTC.
SPRING_UTC_S = dt.datetime(2026, 3, 29, 0, 57, tzinfo=dt.UTC).timestamp()
AUTUMN_UTC_S = dt.datetime(2026, 10, 25, 0, 57, tzinfo=dt.UTC).timestamp()
CONTROLLED, STANDSTILL_EVENT = "CONTROLLED", "gateway.stood_still"
LIMIT_W, DEFAULT_LIMIT_W = 123_456.0, 654_321.0


async def make_clock_jump(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """Let the untrusted wall clock jump, and correct it: no timer may fire."""
    mode = await _wait_until_controlled(stand)
    modes = {mode}
    for _ in range(rounds):
        stand.daemon.word.write_text(f"no {dice.choice(JUMPS_S):.0f}\n")
        await stand.pass_s(dice.uniform(5.0, 40.0))
        modes.add(await _read_link_state(stand))
        stand.daemon.word.write_text("yes 0\n")
        await stand.pass_s(dice.uniform(15.0, 40.0))
        modes.add(await _read_link_state(stand))
    stand.figures["modes"] = " ".join(sorted(modes))
    if modes != {mode}:
        raise StateNotReached(f"a clock that jumps moved the link: {sorted(modes)}")


async def start_without_time(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """The gateway starts without a clock, is killed, starts again, and hears the time at last."""
    for _ in range(rounds):
        stand.daemon.word.write_text(f"no {dice.choice(JUMPS_S):.0f}\n")
        await stand.daemon.kill()
        await stand.daemon.start()
        await stand.online()
        await stand.pass_s(dice.uniform(20.0, 40.0))
        stand.daemon.word.write_text("yes 0\n")
        await stand.pass_s(dice.uniform(20.0, 40.0))


async def pass_clock_change(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """The local clock goes on or back an hour: no state changes, no stamp goes back."""
    del dice
    mode = await _wait_until_controlled(stand)
    for _ in range(rounds):
        await stand.pass_s(CHANGE_S)
        if await _read_link_state(stand) != mode:
            raise StateNotReached(
                f"{mode} became {await _read_link_state(stand)} while the local clock changed"
            )
    found = await stand.wait_for_samples()
    if found.backward_stamps_count:
        raise StateNotReached(f"{found.backward_stamps_count} stamps went back")


async def freeze_gateway(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """Freeze the gateway for ten minutes: orders with an end in that time are over when it goes on."""
    desk = document_faults.make_document_signers(stand)
    for _ in range(rounds):
        await stand.pass_s(dice.uniform(5.0, 15.0))
        now_ms = stand.clock.utc_ms()
        body = bad_documents.make_envelope_body(
            desk, stand.recorder.next_seq(), now_ms, LIMIT_W, for_ms=int(FROZEN_S * 500)
        )
        body["default"]["import_max_w"] = DEFAULT_LIMIT_W
        stand.recorder.say(desk.topic, bad_documents.encode_body(body))
        await stand.until("the cap is in force", lambda: document_faults.is_limit_in_force(stand, LIMIT_W))
        stood = _list_standstills_s(stand)
        stand.daemon.freeze()
        await stand.pass_s(FROZEN_S)
        stand.daemon.thaw()
        await stand.until("the gateway goes on", lambda: _is_answering(stand))
        if await document_faults.is_limit_in_force(stand, LIMIT_W):
            raise StateNotReached(f"a cap of {LIMIT_W:g} W acts {FROZEN_S / 2:g} s after its end")
        await stand.until("the gap is recorded", partial(_is_recorded, stand, len(stood)))
    stand.figures["gaps_s"] = max(_list_standstills_s(stand))


def _list_standstills_s(stand: FaultBench) -> list[float]:
    """Return the duration of each standstill that the gateway reported, s."""
    return [
        event["data"]["for_s"] for event in stand.recorder.told.events if event["code"] == STANDSTILL_EVENT
    ]


def _is_recorded(stand: FaultBench, before: int) -> bool:
    return any(for_s >= FROZEN_S for for_s in _list_standstills_s(stand)[before:])


async def _is_answering(stand: FaultBench) -> bool:
    return await stand.status() is not None


async def _wait_until_controlled(stand: FaultBench) -> str:
    """Wait for a document in force and a heartbeat of the district; return the link state."""
    await document_faults.send_good_document(stand, document_faults.make_document_signers(stand), LIMIT_W)

    async def is_controlled() -> bool:
        return await _read_link_state(stand) == CONTROLLED

    await stand.until("the district is heard", is_controlled)
    return CONTROLLED


async def _read_link_state(stand: FaultBench) -> str:
    status = await stand.status()
    return "none" if status is None else str(status["control"]["mode"])


_AWAY_S = 120.0
_DAY = dt.timedelta(days=1)
# The site is two days ahead of the machine, and OpenSSL uses the machine's clock.
AHEAD_S = 2 * 86_400.0
_LOST_CLOCK_SETTING = "no -315576000\n"


async def remove_district_name(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """The district's name leads nowhere while the connection is lost; polling and history go on."""
    if stand.hosts is None:
        raise StateNotReached("a name server of its own needs root")
    for _ in range(rounds):
        stand.hosts.set_known(False)
        stand.wire.cut()
        served = stand.meters[0].served
        await stand.pass_s(_AWAY_S + dice.uniform(0.0, 30.0))
        if stand.meters[0].served == served:
            raise StateNotReached("without a name server no meter was asked")
        stand.hosts.set_known(True)
        await stand.wait_for_birth()


async def expire_certificate(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """Our certificate is over and the broker lets us in no more; a renewed one is taken without a restart."""
    if stand.authority is None:
        raise StateNotReached("this stand has no certificates")
    name = stand.recorder.names.gateway
    for _ in range(rounds):
        stand.authority.issue_expired(name)
        await stand.until("the broker lets nobody in whose time is over", lambda: _is_lost(stand), 60.0)
        await stand.pass_s(dice.uniform(20.0, 60.0))
        stand.authority.issue(name)
        await stand.wait_for_birth()


async def boot_before_certificate(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """Boots without time, years before the broker's certificate begins: it is judged by the time floor.

    By the machine's own clock it has not begun either.  One from beyond the floor is let in by nobody.
    """
    for _ in range(rounds):
        await stand.pass_s(dice.uniform(20.0, 60.0))
        await stand.daemon.kill()
        await _restart_broker_with_certificate(stand, 3 * _DAY)
        stand.daemon.word.write_text(_LOST_CLOCK_SETTING)
        stand.daemon.reboot()
        births = stand.recorder.told.session.births_count
        await stand.daemon.start()
        await stand.until("a certificate from beyond the floor is refused", lambda: _is_refused(stand))
        await _restart_broker_with_certificate(stand, _DAY)
        await stand.wait_for_birth(since=births)
        status = await stand.status()
        if status is None or status["gateway"]["synced"]:
            raise StateNotReached("the gateway trusts a clock that is ten years behind")
        await stand.pass_s(dice.uniform(20.0, 60.0))
        births = stand.recorder.told.session.births_count
        await _restart_broker_with_certificate(stand, -3 * _DAY)
        stand.daemon.word.write_text("yes 0\n")
        await stand.wait_for_birth(since=births)


async def _restart_broker_with_certificate(stand: FaultBench, begins_in: dt.timedelta) -> None:
    """The broker comes back with a certificate that begins then, by the machine's clock.

    The district is there first: three minutes of a fast house after a birth it takes what older boots sent to
    nobody for lost, as other faults have it.
    """
    if stand.authority is None:
        raise StateNotReached("this stand has no certificates")
    await stand.wire.stop()
    await stand.kill_broker()
    stand.authority.issue(BROKER_NAME, begins_in=begins_in, ends_in=20 * _DAY)
    await stand.broker.start()
    await stand.until("the district is there", lambda: stand.recorder.is_connected)
    await stand.wire.start()


async def _is_refused(stand: FaultBench) -> bool:
    status = await stand.status()
    return status is not None and "certificate" in status["district"]["data_fault"].lower()


async def _is_lost(stand: FaultBench) -> bool:
    status = await stand.status()
    return status is not None and not status["district"]["data_on"]


_SUPERSEDED_EVENT = "district.superseded"


async def replace_gateway(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """Backup, restore elsewhere, start; then the old one is plugged in once more."""
    for number in range(rounds):
        await stand.pass_s(dice.uniform(20.0, 60.0))
        old = stand.daemon
        await old.stop()
        new = await _restore_on_new_machine(stand, old, number)
        births = stand.recorder.told.session.births_count
        await new.start()
        stand.take(new)
        await stand.wait_for_birth(since=births)
        # The district is sure only after a while that nothing of the old boot is still to come.
        await stand.pass_s(dice.uniform(240.0, 300.0))
        await old.start()
        await stand.until("the old one gives way", partial(_is_superseded, old), 120.0)
        await old.stop()
        await stand.until("the new one is there", lambda: _is_data_on(stand), 120.0)
        live = len(stand.recorder.told.live_age_s)
        await stand.until("live samples come", partial(_is_live, stand, live))
        # Started again before it delivered: a mark of the old one's boot, which stands above, covers nothing.
        await new.stop()
        await new.start()
        await stand.pass_s(20.0)


async def _restore_on_new_machine(stand: FaultBench, old: DaemonProcess, number: int) -> DaemonProcess:
    file, folder = stand.folder / f"b012-{number}.qbk", stand.folder / f"machine{number}"
    folder.mkdir()
    new = DaemonProcess(folder / "site.toml", folder, stand.clock)
    text = await _run_command(old, "backup", str(file))
    key = text.partition("signed with key ")[2].partition(":")[0]  # as a person notes it
    await _run_command(new, "restore", str(file), "--yes", "--key", key)
    return new


async def _run_command(daemon: DaemonProcess, *words: str) -> str:
    code, text = await daemon.command(*words, "--config", str(daemon.site_file))
    if code:
        raise StateNotReached(f"quartier {words[0]} ended with {code}: {text[-300:]}")
    return text


def _is_superseded(daemon: DaemonProcess) -> bool:
    return _SUPERSEDED_EVENT in daemon.child.log.read_text(encoding="utf-8", errors="replace")


async def _is_data_on(stand: FaultBench) -> bool:
    status = await stand.status()
    return status is not None and bool(status["district"]["data_on"])


def _is_live(stand: FaultBench, before: int) -> bool:
    return len(stand.recorder.told.live_age_s) > before
