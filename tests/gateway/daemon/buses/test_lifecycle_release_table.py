"""The table of safe values on its place, whatever happens to the place."""

import json
import shutil
from types import SimpleNamespace

import structlog

from quartier.daemon.buses.lifecycle import ReleaseFile
from quartier.runtime import release

WIRE = release.BusRelease("lan", {"kind": "modbus-tcp"}, [{"point": "bat1.setpoint_w"}])


def _made(folder, writes=WIRE.writes):
    log = structlog.testing.CapturingLogger()
    fleet = SimpleNamespace(find_reachability=lambda: [(True, None)], wires=[WIRE])
    fleet.make_release_table = lambda: [release.BusRelease(WIRE.bus, WIRE.section, writes)]
    return ReleaseFile(folder, log), fleet, log


def test_the_table_is_written_and_not_again_while_it_stands(tmp_path):
    table, fleet, _ = _made(tmp_path)
    table.keep(fleet)
    before = release.find_stamps(tmp_path)
    table.keep(fleet)

    assert [WIRE] == release.load_release(tmp_path)
    assert before == release.find_stamps(tmp_path)


def test_a_table_that_somebody_deleted_or_altered_is_written_anew(tmp_path):
    table, fleet, _ = _made(tmp_path / "run")
    table.keep(fleet)
    shutil.rmtree(tmp_path / "run")
    table.keep(fleet)
    deleted = release.load_release(tmp_path / "run")
    (tmp_path / "run" / release.RELEASE_FILE).write_text("{}")
    table.keep(fleet)

    assert [WIRE] == deleted
    assert json.loads((tmp_path / "run" / release.RELEASE_FILE).read_text())["table"]


def test_a_place_that_cannot_be_written_is_said_once_and_tried_again(tmp_path):
    place = tmp_path / "run"
    place.write_text("a file where a folder should be")
    table, fleet, log = _made(place)
    table.keep(fleet)
    table.keep(fleet)
    said = [call.args[0] for call in log.calls]
    place.unlink()
    table.keep(fleet)

    assert ["release.not_kept"] == said
    assert [WIRE] == release.load_release(place)


def test_it_follows_devices_that_come_and_go(tmp_path):
    table, fleet, _ = _made(tmp_path)
    table.follow(fleet)
    first = release.load_release(tmp_path)
    fleet.make_release_table = lambda: [release.BusRelease("lan", WIRE.section, [])]
    table.follow(fleet)
    same = release.load_release(tmp_path)
    fleet.find_reachability = lambda: [(False, None)]
    table.follow(fleet)

    assert (1, 1, 0) == (
        len(first[0].writes),
        len(same[0].writes),
        len(release.load_release(tmp_path)[0].writes),
    )
