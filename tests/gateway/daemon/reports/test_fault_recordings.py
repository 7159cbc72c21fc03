"""Around a fault the frames of its bus are kept by themselves, in few files, and log and history name them."""

import asyncio
import os
from datetime import UTC, datetime

import pytest
from structlog.testing import CapturingLogger
from tests.gateway.daemon.conftest import SITE

from quartier.config import loading
from quartier.daemon.reports import fault_recordings
from quartier.daemon.reports.fault_recordings import RECORDED_CODES, FaultRecorder, find_bus_of_alarm
from quartier.runtime.service_context import ServiceContext
from quartier.site.alarm_catalogue import ALARM_KINDS_BY_CODE
from quartier.site.alarm_types import AlarmRecord

POINTS = [
    ("loss.bus_down", "lan", "lan"),
    ("device.silent", "meter", "board"),
    ("loss.load_silent", "boiler", "board"),
    ("output.refused", "bat1.setpoint_w", "lan"),
    ("loss.grid_meter_lost", "", "lan"),
    ("loss.bus_down", "gone", None),
]


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(SITE.format(gx=5020, board=5021))
    return loading.load_site_leniently(path).site


@pytest.mark.parametrize(("code", "of", "bus"), POINTS)
def test_what_an_alarm_is_about_stands_on_a_bus(site, code, of, bus):
    assert bus == find_bus_of_alarm(site, code, of)


def test_each_code_is_one_of_the_list_of_alarms():
    assert RECORDED_CODES <= ALARM_KINDS_BY_CODE.keys()


def alarm(code="device.silent", of="meter", number=1):
    never = dict.fromkeys(("first_utc_ms", "since_utc_ms", "last_utc_ms"), 0)
    return AlarmRecord(number=number, code=code, of=of, words="words", **never)


async def kept(yard, folder, *alarms, most=20, masked=False, garbled=(), fault_utc_ms=None):
    """The files after these alarms, and what was told."""
    loaded = await yard.follow()
    yard.fleet.share(loaded.site)
    await yard.until(lambda: yard.seen("boiler.power_w") is not None)
    setting = loaded.site.recording.model_copy(
        update={"files_max_count": most, "after_s": 0.0, "anonymise": masked}
    )
    site = loaded.site.model_copy(update={"recording": setting})
    told, log = [], CapturingLogger()

    def event(code, text, data, _now):
        told.append((code, text, data))

    out = FaultRecorder(
        folder, yard.fleet, lambda: site, ServiceContext(clock=yard.clock, event=event, log=log)
    )
    for one in alarms:
        out.note_alarm(one, yard.clock.now())
    if fault_utc_ms is not None:
        out.note_alarm(alarm(), yard.clock.now()._replace(utc_ms=fault_utc_ms))
    for count in garbled:
        out.look(yard.clock.now())
        yard.buses["lan"].line.count("rubbish_count", count)
    out.look(yard.clock.now())
    running = asyncio.ensure_future(out.run())
    await yard.until(lambda: not out._waiting and not out._called.is_set())
    running.cancel()
    await asyncio.wait([running])
    return sorted(path.name for path in folder.glob("*")), told, log


async def test_a_fault_leaves_one_file_a_bus_and_says_its_name(yard, tmp_path):
    folder = tmp_path / "records"
    async with yard() as (one, _):
        files, told, log = await kept(one, folder, alarm(), alarm(number=2), alarm("loss.bus_down", "lan"))

    assert ["board", "lan"] == [name.partition("-")[0] for name in files]
    assert files[0].endswith("-device.silent.pcapng")
    assert [("record.kept", "board", files[0])] == [
        (code, data["bus"], data["file"]) for code, _, data in told if data["bus"] == "board"
    ]
    assert f"records/{files[0]}" in told[0][1]
    assert "record.kept" == log.calls[0].args[0]
    assert 0o640 == (folder / files[0]).stat().st_mode & 0o777


@pytest.mark.parametrize(("garbled", "files_count"), [((10,), 1), ((9, 9, 9), 0), ((9, 40, 40), 1)])
async def test_a_storm_of_answers_without_sense_leaves_one_though_nobody_is_silent(
    yard, tmp_path, garbled, files_count
):
    async with yard() as (one, _):
        files, _, _ = await kept(one, tmp_path / "records", garbled=garbled)

    assert files_count == len(files)
    assert all(name.startswith("lan-") and "-bus.garbled." in name for name in files)


async def test_a_file_is_named_by_the_time_of_the_fault_not_of_the_opening_of_the_bus(yard, tmp_path):
    async with yard() as (one, _):
        fault_utc_ms = one.clock.utc_ms() + 3_600_000
        await kept(one, tmp_path, fault_utc_ms=fault_utc_ms)
    when = datetime.fromtimestamp(fault_utc_ms / 1000, UTC)

    assert [f"board-{when:%Y%m%dT%H%M%S}Z-device.silent.pcapng"] == [
        path.name for path in tmp_path.glob("board-*")
    ]


async def test_an_alarm_that_no_bus_explains_leaves_none(yard, tmp_path):
    folder = tmp_path / "records"
    async with yard() as (one, _):
        files, told, _ = await kept(one, folder, alarm("cap.unmet", "import"))

    assert ([], []) == (files, told)


async def test_the_oldest_file_goes_first(yard, tmp_path):
    folder = tmp_path / "records"
    folder.mkdir()
    for age in range(3):
        (folder / f"old{age}.txt").write_text("")
        os.utime(folder / f"old{age}.txt", (1000 - age, 1000 - age))
    async with yard() as (one, _):
        files, _, _ = await kept(one, folder, alarm(), most=2)

    assert ["board", "old0.txt"] == [files[0].partition("-")[0], files[1]]


async def test_where_the_site_file_says_so_it_names_neither_device_nor_address(yard, tmp_path):
    folder = tmp_path / "records"
    async with yard() as (one, _):
        (plain,), _, _ = await kept(one, folder, alarm())
        named = (folder / plain).read_bytes()
        (folder / plain).unlink()
        (name,), _, _ = await kept(one, folder, alarm(), masked=True)

    assert b"127.0.0.1" in named
    assert b"127.0.0.1" not in (folder / name).read_bytes()
    assert b"anonymised" in (folder / name).read_bytes()


async def test_a_disk_that_refuses_is_told_and_ends_nothing(yard, tmp_path):
    folder = tmp_path / "records"
    folder.write_text("a file stands here")
    async with yard() as (one, _):
        _, told, log = await kept(one, folder, alarm())

    assert [] == told
    assert ["record.not_kept"] == [call.args[0] for call in log.calls]


def test_its_folder_lies_in_the_state_directory():
    assert "records" == fault_recordings.RECORDINGS_FOLDER
