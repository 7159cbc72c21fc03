"""A fault is recorded by a running daemon and served back: a fresh driver reads the same, and fails the same."""

import contextlib
import json
import re

import pytest
from tests.gateway.commissioning.wire_record.judge import fields
from tests.gateway.daemon.conftest import SITE, Gateway, simulated
from tests.gateway.daemon.test_meters import house as linked
from tests.gateway.daemon.test_meters import points, reads_well

from quartier.config import loading
from quartier.daemon.assembly import bus_specs
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_drivers.errors import NoReply
from quartier_drivers.registry import load_factory
from quartier_hil.replay.playback import PtyReplay, TcpReplay
from quartier_hil.replay.recording import read_recording
from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.modbus.quirk_servers import QuirkyRtuSlave, QuirkyTcpServer
from quartier_sim.modbus.quirks import make_quirk

VIRTUAL_TIME = True

RECORDING = "recording = {{ buffer_s = 600, after_s = 0 }}\n"
READS_MAX = 400
ENERGY = ("grid.energy_import_wh",)

__all__ = ["linked"]


@pytest.fixture
async def ailing(tmp_path):
    """(gateway, the board it reads its meter from, which is well yet)."""
    devices = simulated()
    units = devices["meter"].units | devices["relays"].units
    async with (
        await serve_tcp(devices["gx"]) as gx,
        QuirkyTcpServer(units, make_quirk("short-answer"), left=0) as board,
    ):
        site = (SITE + RECORDING).format(gx=gx.port, board=board.port)
        gateway = Gateway(tmp_path, site, rate=10.0)
        await gateway.start()
        try:
            yield gateway, board
        finally:
            if gateway.process.returncode is None:
                gateway.process.kill()
                await gateway.process.wait()


def meter(status):
    (board,) = [bus for bus in status["buses"] if bus["name"] == "board"]
    return next(device for device in board["devices"] if device["name"] == "meter")


async def failed(gateway, board):
    """A meter that was well, at 1500 W, and answers wrongly from now on; the daemon's word for it."""
    well = await gateway.until(lambda s: s["control"]["assets"]["boiler"]["quality"] == "good")
    assert 1500.0 == well["control"]["assets"]["boiler"]["power_w"]
    board.left = None
    status = await gateway.until(lambda s: "rubbish" in meter(s)["why"])
    return meter(status)["why"]


async def recorded(gateway, name, bus="board", *more):
    path = gateway.folder / name
    code, _, errors = await gateway.call(
        "record", bus, "--out", str(path), "--runtime-dir", str(gateway.runtime_dir), *more
    )
    assert (0, "") == (code, errors)
    return path


def kept(gateway, bus):
    """The files that the daemon wrote by itself of this bus."""
    lines = [json.loads(line) for line in gateway.log().splitlines() if '"record.kept"' in line]
    return [line["file"] for line in lines if line["bus"] == bus]


def missing_bytes(why):
    """How many bytes an answer had too few, by the driver's word; which of the requests fails first is chance."""
    came, wanted = re.fullmatch(r"unit 1 answered rubbish: (\d+) bytes, expected (\d+)", why).groups()
    return int(wanted) - int(came)


async def read_anew(config, was, now, bus="board", device="meter", enough=()):
    """What a fresh driver reads by the same site file with another place, and how it fails at last."""
    config.write_text(config.read_text().replace(was, now))
    clock = SiteClock(ClockSetting(rate=60.0))
    (wire,) = [
        one for one in bus_specs.make_bus_specs(loading.load_site_leniently(config)) if one.name == bus
    ]
    spec, profile = next(one for one in wire.devices if one[0].name == device)
    opened = load_factory(wire.section.kind)
    line = opened.line(wire.name, wire.section, clock)
    driver = opened.driver(line, spec, profile, clock)
    values = {}
    try:
        await line.open()
        with contextlib.suppress(NoReply):  # who speaks by himself is known once he has spoken
            await driver.open()
        for _ in range(READS_MAX):
            values |= {one.point: one.value for one in await driver.read()}
            if enough and values.keys() >= set(enough):
                break
            await clock.sleep(min(max(0.0, (driver.due_ns - clock.now_ns()) / 1e9), 1.0))
    except NoReply as silence:
        return values, str(silence)
    finally:
        await line.close()
    return values, ""


@pytest.mark.daemon
@pytest.mark.peer
async def test_a_fault_that_was_recorded_comes_out_again_with_the_readings_before_it(ailing):
    gateway, board = ailing
    why = await failed(gateway, board)
    path = await recorded(gateway, "fault.pcapng")
    async with TcpReplay(read_recording(path), fast=True) as served:
        values, silence = await read_anew(gateway.config, str(board.port), str(served.port))

    assert missing_bytes(why) == missing_bytes(silence) == 2
    assert 1500.0 == values["boiler.power_w"]
    assert 0 == served.answers.strangers_count
    await gateway.until(lambda _: kept(gateway, "board"))
    file = gateway.state_dir / kept(gateway, "board")[0]
    assert file.name.startswith("board-")
    # A machine that stood still may have brought the one sooner than the other.
    ours, theirs = ([(event.way, event.data) for event in read_recording(one).events] for one in (path, file))
    both = min(len(ours), len(theirs))
    assert both > 0
    assert ours[:both] == theirs[:both]
    codes = {row[0] for row in fields(path, "modbus.func_code", wanted="modbus")}
    assert "4" in codes


@pytest.fixture
async def serial(tmp_path):
    """The same with the meter on a serial line, whose checksums will be wrong."""
    devices = simulated()
    units = devices["meter"].units | devices["relays"].units
    async with (
        await serve_tcp(devices["gx"]) as gx,
        QuirkyRtuSlave(units, make_quirk("wrong-checksum"), left=0) as board,
    ):
        rtu = f'buses.board = {{{{ kind = "modbus-rtu", port = "{board.path}", timeout_s = 1.0 }}}}'
        lines = [rtu if line.startswith("buses.board") else line for line in SITE.splitlines()]
        gateway = Gateway(tmp_path, "\n".join([*lines, RECORDING]).format(gx=gx.port), rate=10.0)
        await gateway.start()
        try:
            yield gateway, board
        finally:
            if gateway.process.returncode is None:
                gateway.process.kill()
                await gateway.process.wait()


@pytest.mark.daemon
async def test_a_fault_of_a_serial_line_comes_out_again_on_another_pty(serial):
    gateway, board = serial
    why = await failed(gateway, board)
    path = await recorded(gateway, "fault.pcapng")
    async with PtyReplay(read_recording(path), fast=True) as served:
        values, silence = await read_anew(gateway.config, board.path, served.path)

    assert why == silence
    assert 1500.0 == values["boiler.power_w"]
    assert 0 == served.answers.strangers_count


@pytest.mark.daemon
async def test_what_a_linky_said_is_read_again_and_masked_again(linked):
    gateway, linky = linked
    await gateway.start()
    await points(gateway, reads_well)
    where = str(linky.path)
    path = await recorded(gateway, "linky.txt", "tic0")
    masked = await recorded(gateway, "masked.txt", "tic0", "--anonymise")
    async with TcpReplay(read_recording(path), fast=True) as served:
        values, _ = await read_anew(gateway.config, where, served.url, "tic0", "linky", ENERGY)
    url = served.url
    async with TcpReplay(read_recording(masked), fast=True) as served:
        others, _ = await read_anew(gateway.config, url, served.url, "tic0", "linky", ENERGY)

    assert 3_519_702.0 == values["grid.energy_import_wh"] == others["grid.energy_import_wh"]
    assert "0123456" in path.read_text()
    assert "0123456" not in masked.read_text()


@pytest.mark.daemon
async def test_nothing_is_recorded_where_the_site_file_says_so(house):
    gateway, _ = house
    gateway.config.write_text(gateway.config.read_text() + "recording = { buffer_max_bytes = 0 }\n")
    await gateway.start()
    await gateway.until(lambda s: s["control"]["assets"]["boiler"]["quality"] == "good")
    code, _, errors = await gateway.call("record", "board", "--runtime-dir", str(gateway.runtime_dir))

    assert 1 == code
    assert "recording.buffer_max_bytes is 0" in errors


async def test_a_tape_goes_on_through_a_new_site_file_and_is_new_where_its_bounds_changed(yard):
    async with yard() as (one, _):
        loaded = await one.follow()
        one.fleet.share(loaded.site)
        await one.until(lambda: one.seen("grid.power_w") is not None)
        before = list(one.fleet.recorder.open_record("lan")[1])
        one.fleet.share(loaded.site)
        kept = list(one.fleet.recorder.open_record("lan")[1])
        small = loaded.site.model_copy(
            update={"recording": loaded.site.recording.model_copy(update={"buffer_max_bytes": 1000})}
        )
        one.fleet.share(small)
        anew = list(one.fleet.recorder.open_record("lan")[1])
        none = loaded.site.model_copy(
            update={"recording": loaded.site.recording.model_copy(update={"buffer_max_bytes": 0})}
        )
        one.fleet.share(none)

        assert before[0] == kept[0]
        assert "opened" == before[0].way
        assert len(anew) < len(kept)
        assert one.fleet.recorder.open_record("lan") is None
        assert one.fleet.recorder.answer_question("nix") is None
        assert one.fleet.recorder.answer_question("lan@x") is None
        assert "is not recorded" in one.fleet.recorder.answer_question("lan")["error"]
