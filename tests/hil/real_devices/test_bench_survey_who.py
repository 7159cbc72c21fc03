"""Who answers at a place: by the bench file, by the profile, by itself; a stranger is told."""

import pytest

from quartier_hil.real_devices import bench_file, bench_survey
from quartier_hil.real_devices.bench_model import DevicePlace, RealDevice, ReferenceMeter, Register

POWER = {"register": "input:52"}


def test_where_a_device_says_who_it_is_stands_in_the_bench_file_else_in_its_profile():
    own = {"register": "holding:7"}

    assert (
        "holding:7"
        == bench_survey.find_identity_register(RealDevice(host="h", profile="keba/p30", identity=own)).where
    )
    station = bench_survey.find_identity_register(RealDevice(host="h", profile="keba/p30"))
    assert ("holding:1014", "uint32") == (station.where, station.type)
    assert None is bench_survey.find_identity_register(RealDevice(host="h", profile="sunspec/battery"))
    assert None is bench_survey.find_identity_register(ReferenceMeter(host="h", power_w=POWER))
    assert None is bench_survey.find_identity_register(DevicePlace(host="h"))


@pytest.mark.peer
async def test_one_who_is_expected_is_told_by_its_number(lines, bench):
    meter = bench.meters["clamp"]
    found = await bench_survey.identify_device(meter, lines.to(meter))

    assert (True, "4711", "") == (found.answers, found.words, found.wrong)


@pytest.mark.peer
async def test_a_stranger_at_the_place_is_told_with_both_numbers(things, lines):
    things.file.write_text(things.file.read_text().replace('"4711"', '"4712"'))
    meter = bench_file.load_bench(things.file).meters["clamp"]

    assert "says 4711, expected 4712" == (await bench_survey.identify_device(meter, lines.to(meter))).wrong


@pytest.mark.peer
async def test_one_without_a_name_is_asked_for_something_that_it_has(lines, bench):
    board = bench.boards["power"]
    found = await bench_survey.identify_device(
        board, lines.to(board), Register(register="coil:0", type="bool")
    )

    assert (True, "answers", "") == (found.answers, found.words, found.wrong)


async def test_one_who_is_not_there_is_told_with_the_place(lines, free_port):
    place = ReferenceMeter(host="127.0.0.1", port=free_port, power_w=POWER)
    found = await bench_survey.identify_device(place, lines.to(place))

    assert not found.answers
    assert f"127.0.0.1:{free_port}" in found.wrong
