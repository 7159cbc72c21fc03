"""Who answers at a place: by the bench file, by the profile, by itself; a stranger is told."""

import pytest

from quartier_hil.rig import loading, who
from quartier_hil.rig.bench import Device, Meter, Place
from quartier_hil.rig.register import Register

POWER = {"register": "input:52"}


def test_where_a_device_says_who_it_is_stands_in_the_bench_file_else_in_its_profile():
    own = {"register": "holding:7"}

    assert "holding:7" == who.identity(Device(host="h", profile="keba/p30", identity=own)).where
    station = who.identity(Device(host="h", profile="keba/p30"))
    assert ("holding:1014", "uint32") == (station.where, station.type)
    assert None is who.identity(Device(host="h", profile="sunspec/battery"))
    assert None is who.identity(Meter(host="h", power_w=POWER))
    assert None is who.identity(Place(host="h"))


@pytest.mark.peer
async def test_one_who_is_expected_is_told_by_its_number(lines, bench):
    meter = bench.meters["clamp"]
    found = await who.asked(meter, lines.to(meter))

    assert (True, "4711", "") == (found.answers, found.words, found.wrong)


@pytest.mark.peer
async def test_a_stranger_at_the_place_is_told_with_both_numbers(things, lines):
    things.file.write_text(things.file.read_text().replace('"4711"', '"4712"'))
    meter = loading.load(things.file).meters["clamp"]

    assert "says 4711, expected 4712" == (await who.asked(meter, lines.to(meter))).wrong


@pytest.mark.peer
async def test_one_without_a_name_is_asked_for_something_that_it_has(lines, bench):
    board = bench.boards["power"]
    found = await who.asked(board, lines.to(board), Register(register="coil:0", type="bool"))

    assert (True, "answers", "") == (found.answers, found.words, found.wrong)


async def test_one_who_is_not_there_is_told_with_the_place(lines, free_port):
    place = Meter(host="127.0.0.1", port=free_port, power_w=POWER)
    found = await who.asked(place, lines.to(place))

    assert not found.answers
    assert f"127.0.0.1:{free_port}" in found.wrong
