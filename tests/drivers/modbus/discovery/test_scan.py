"""A scan finds who is there whatever they answer, asks politely and writes nothing."""

from collections.abc import Sequence

import pytest
from tests.drivers.builtin_profiles import list_names, load_builtin

from quartier_drivers.device_profile import loading
from quartier_drivers.device_profile.loading import Profile, ProfileMatch, parse_profile
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.discovery.scan import (
    FoundDevice,
    ScannedBus,
    ScanResult,
    merge_units,
    scan_buses,
)
from quartier_drivers.transport.event_loop import LoopClock
from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.modbus.quirk_servers import QuirkyRtuSlave, QuirkyTcpServer
from quartier_sim.modbus.quirks import QuirkyDevice, make_plain_unit, make_quirk
from quartier_sim.modbus.unit import Unit

HEAD = '[profile]\nprotocol = "modbus"\nmaker = "ACME"\nmodel = "AM300"\nsource = "s"\n'
POINTS = '[points.power_w]\nregister = "input:0"\n'
KNOWN = parse_profile(
    HEAD + '[recognise.code]\nregister = "input:11"\nequals = 1011\n' + POINTS, "acme/am300", "a.toml"
)
OTHER = parse_profile(
    HEAD + '[recognise.code]\nregister = "holding:11"\nequals = 77\n' + POINTS, "acme/am77", "b.toml"
)


def bus_of(server: QuirkyDevice, **keys: object) -> ScannedBus:
    quick = {"timeout_s": 0.5, "retries_count": 0} | keys
    if isinstance(server, QuirkyTcpServer):
        place = {"kind": "modbus-tcp", "host": server.host, "port": server.port}
        return TcpBus.model_validate(place | quick)
    assert isinstance(server, QuirkyRtuSlave)
    return RtuBus.model_validate({"kind": "modbus-rtu", "port": server.path, "baud": 19200} | quick)


async def survey(
    server: QuirkyDevice,
    units: Sequence[int],
    profiles: Sequence[Profile] = (KNOWN, OTHER),
    *,
    thorough: bool = False,
    **keys: object,
) -> ScanResult:
    told: list[int] = []
    found = await scan_buses(
        [bus_of(server, **keys)],
        units,
        profiles,
        LoopClock(),
        lambda _bus, unit, _place, _count, _found: told.append(unit),
        thorough=thorough,
    )
    assert list(units) == told[: len(units)]
    return found


async def test_units_are_found_and_recognised_by_their_marks() -> None:
    async with QuirkyTcpServer({2: make_plain_unit(), 5: make_plain_unit(8)}) as server:
        found = await survey(server, [1, 2, 3, 5])

    assert [(2, "reads 0"), (5, "reads 0")] == [(one.unit, one.answer) for one in found.found]
    assert [("acme/am300", "sure")] == [(one.profile, one.sure) for one in found.found[0].guesses]
    assert [] == found.found[1].guesses
    assert (4, "", []) == (found.asked_count, found.end_reason, found.notes)


async def test_a_scan_asks_one_at_a_time_and_never_writes() -> None:
    async with QuirkyTcpServer({2: make_plain_unit()}) as server:
        await survey(server, range(1, 6), thorough=True)
        functions = {pdu[0] for _, pdu in server.asked}

    assert not functions & {5, 6, 15, 16, 22, 23}


async def test_who_refuses_or_is_busy_is_there_all_the_same() -> None:
    for name, said in (
        ("busy", "answers; it is busy, scan it again (device busy)"),
        ("fails", "answers; it reports a failure of its own (device failure)"),
    ):
        async with QuirkyTcpServer({2: make_plain_unit()}, make_quirk(name)) as server:
            assert [(2, said)] == [(one.unit, one.answer) for one in (await survey(server, [1, 2])).found]
    async with QuirkyTcpServer({2: Unit()}) as server:
        found = (await survey(server, [2])).found
        assert ["answers; it has no holding:0 (illegal data address)"] == [one.answer for one in found]


async def test_a_device_that_is_known_is_not_blamed_for_a_register_that_it_lacks() -> None:
    endpoint = await serve_tcp([catalog.make_device("keba/p30")], "127.0.0.1", 0)
    try:
        bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=endpoint.port)
        keba = load_builtin("keba/p30")
        found = await scan_buses([bus], [255], [keba], LoopClock(), lambda *_: None)
    finally:
        await endpoint.close()
    assert [("answers", "keba/p30")] == [(one.answer, one.guesses[0].profile) for one in found.found]


async def test_units_that_only_a_gateway_speaks_for_are_not_there() -> None:
    async with QuirkyTcpServer({2: make_plain_unit()}, make_quirk("absent-answered")) as server:
        found = await survey(server, range(1, 12))

    assert [2] == [one.unit for one in found.found]
    assert ["a gateway answered for 10 units that are not there"] == found.notes


async def test_a_gateway_that_says_failure_for_all_that_is_not_there_is_seen_through() -> None:
    async with QuirkyTcpServer({2: make_plain_unit()}, make_quirk("absent-answered", code=4)) as server:
        found = await survey(server, range(1, 12))

    assert [2] == [one.unit for one in found.found]
    assert ["10 units answer nothing but device failure: a gateway speaks for them"] == found.notes


async def test_a_device_that_ignores_the_unit_number_is_shown_once() -> None:
    async with QuirkyTcpServer({1: make_plain_unit()}, make_quirk("every-unit")) as server:
        found = await survey(server, range(1, 12))

    assert [1] == [one.unit for one in found.found]
    assert ["it answers the same under each of the 11 unit numbers: one device, shown as 1"] == found.notes


@pytest.mark.parametrize("kind", [QuirkyTcpServer, QuirkyRtuSlave])
async def test_units_that_nothing_tells_apart_may_be_one_device_on_a_network(
    kind: type[QuirkyTcpServer | QuirkyRtuSlave],
) -> None:
    async with kind({2: make_plain_unit(), 3: make_plain_unit(), 5: make_plain_unit()}) as server:
        found = await survey(server, [2, 3, 5])

    note = "units 2, 3, 5 answer alike and tell no serial number: if this is one device, take unit 2"
    assert [note] * (kind is QuirkyTcpServer) == found.notes
    assert [2, 3, 5] == [one.unit for one in found.found]


async def test_a_serial_line_is_tried_at_each_setting_until_somebody_answers() -> None:
    async with QuirkyRtuSlave({3: make_plain_unit()}, baud=19200) as server:
        buses = [bus_of(server, baud=baud) for baud in (9600, 19200, 38400)]
        asked: list[int] = []

        def progress(bus: ScannedBus, *_: int) -> None:
            assert isinstance(bus, RtuBus)
            asked.append(bus.baud)

        found = await scan_buses(buses, [3], [KNOWN], LoopClock(), progress)

    assert [9600, 19200] == asked
    (one,) = found.found
    assert isinstance(one.bus, RtuBus)
    assert (3, 19200, "acme/am300") == (one.unit, one.bus.baud, one.guesses[0].profile)


async def test_what_cannot_be_opened_is_said() -> None:
    bus = RtuBus(kind="modbus-rtu", port="/dev/nowhere")

    found = await scan_buses([bus], [1], [], LoopClock(), lambda *_: None)

    assert "/dev/nowhere is not there" in found.end_reason
    assert [] == found.found


async def test_an_endpoint_that_hangs_up_again_and_again_ends_the_scan() -> None:
    async with QuirkyTcpServer({1: make_plain_unit()}, make_quirk("accepts-and-closes")) as server:
        found = await scan_buses([bus_of(server)], range(1, 248), [], LoopClock(), lambda *_: None)

    assert "closed the connection" in found.end_reason
    assert found.asked_count <= 3
    assert server.connections_count <= 6


@pytest.mark.parametrize("name", ["closes-after-answer", "single-kicks", "byte-by-byte", "noise", "twice"])
async def test_quirks_do_not_hide_a_device(name: str) -> None:
    habit = make_quirk(name, seconds=0.001)
    kind = QuirkyTcpServer if "tcp" in habit.wires else QuirkyRtuSlave
    async with kind({2: make_plain_unit()}, habit) as server:
        found = await survey(server, [1, 2, 3], timeout_s=0.5)

    assert [(2, "acme/am300")] == [(one.unit, one.guesses[0].profile) for one in found.found]


async def test_a_mark_may_stand_in_another_unit_of_the_same_device() -> None:
    far = parse_profile(
        HEAD + '[recognise.code]\nregister = "input:11"\nunit = 200\nequals = 1011\n' + POINTS,
        "acme/am9",
        "c.toml",
    )
    async with QuirkyTcpServer({1: make_plain_unit(4), 200: make_plain_unit()}) as server:
        found = await survey(server, [1], [far])

    assert [("acme/am9", "sure")] == [(one.profile, one.sure) for one in found.found[0].guesses]


@pytest.mark.parametrize(
    ("name", "sure"),
    [
        ("carlo-gavazzi/em24", "sure"),
        ("eastron/sdm630", "possible"),
        ("keba/p30", "possible"),
        ("victron/gx", "sure"),
        ("waveshare/relay8", "possible"),
    ],
)
async def test_simulated_devices_are_recognised_by_the_built_in_profiles(name: str, sure: str) -> None:
    device = catalog.make_device(name)
    profiles = [load_builtin(one) for one in list_names(loading.RegisterProfile)]
    async with await serve_tcp(device) as endpoint:
        bus = TcpBus(
            kind="modbus-tcp", host=endpoint.host, port=endpoint.port, timeout_s=0.5, retries_count=0
        )
        found = await scan_buses([bus], sorted(device.units), profiles, LoopClock(), lambda *_: None)

    first = [one.guesses[0] for one in found.found if one.guesses]
    assert (name, sure) in [(one.profile, one.sure) for one in first]


async def test_the_many_units_of_a_gx_are_one_device_with_the_unit_that_is_steered() -> None:
    device = catalog.make_device("victron/gx")
    profiles = [load_builtin(one) for one in list_names(loading.RegisterProfile)]
    async with await serve_tcp(device) as endpoint:
        bus = TcpBus(
            kind="modbus-tcp", host=endpoint.host, port=endpoint.port, timeout_s=0.5, retries_count=0
        )
        (found,) = (
            await scan_buses([bus], sorted(device.units), profiles, LoopClock(), lambda *_: None)
        ).found

    assert len(device.units) > 2
    assert ("victron/gx", "sure") == (found.guesses[0].profile, found.guesses[0].sure)
    assert 100 != found.unit
    assert sorted(device.units) == sorted([found.unit, *found.also])


BUS = TcpBus(kind="modbus-tcp", host="192.0.2.1")


def met(unit: int, *guesses: ProfileMatch) -> FoundDevice:
    return FoundDevice(unit, BUS, "reads 0", {}, guesses)


def test_units_with_one_serial_number_are_one_device_and_the_surest_profile_names_the_unit() -> None:
    own = ProfileMatch("acme/own", "sure", "", 2, "A1")
    general = ProfileMatch("sunspec/pv", "likely", "it is ACME X", 3, "A1")
    other = ProfileMatch("sunspec/pv", "likely", "it is ACME X", 3, "A2")
    found = merge_units([met(126, general), met(3, own), met(4, general), met(5, other), met(9)])

    assert [(3, {4: "sunspec/pv", 126: "sunspec/pv"}), (5, {}), (9, {})] == [
        (one.unit, dict(one.also)) for one in found
    ]
    assert [(1, {2: ""})] == [
        (one.unit, dict(one.also)) for one in merge_units([met(2, general), met(1, general)])
    ]


def test_a_device_whose_profile_names_a_unit_is_shown_as_that_where_nothing_is_surer() -> None:
    far = parse_profile(
        HEAD + '[recognise.code]\nregister = "input:11"\nunit = 200\nequals = 1011\n' + POINTS,
        "a/b",
        "c.toml",
    )
    guess = ProfileMatch("a/b", "likely", "", 1)
    (found,) = merge_units(
        [met(1, guess), met(200, guess), met(7, ProfileMatch("x/y", "sure", ""), guess)], [far]
    )

    assert (200, "a/b", {1: "", 7: "x/y"}) == (found.unit, found.guesses[0].profile, dict(found.also))


async def test_the_serial_number_is_read_where_the_profile_knows_it() -> None:
    known = parse_profile(
        HEAD
        + '[identity]\nserial = { register = "input:11" }\n'
        + '[recognise.code]\nregister = "input:11"\nequals = 1011\n'
        + POINTS,
        "acme/am300",
        "a.toml",
    )
    async with QuirkyTcpServer({2: make_plain_unit(), 5: make_plain_unit(), 6: make_plain_unit(3)}) as server:
        found = await survey(server, [2, 5, 6], [known])

    assert [(2, {5: ""}), (6, {})] == [(one.unit, dict(one.also)) for one in found.found]
    assert "1011" == found.found[0].guesses[0].serial


@pytest.mark.parametrize("kind", [QuirkyTcpServer, QuirkyRtuSlave])
async def test_a_device_may_tell_by_function_43_who_it_is(
    kind: type[QuirkyTcpServer | QuirkyRtuSlave],
) -> None:
    known = parse_profile(
        HEAD + '[recognise.vendor]\ndevice_id = "vendor"\nlike = "acme"\n' + POINTS, "acme/am43", "d.toml"
    )
    async with kind(
        {1: make_plain_unit(identity={0: "ACME", 1: "AM43", 2: "2.11"}), 2: make_plain_unit()}
    ) as server:
        found = await survey(server, [1, 2], [known])

    assert {0: "ACME", 1: "AM43", 2: "2.11"} == found.found[0].objects
    assert [("acme/am43", "sure")] == [(one.profile, one.sure) for one in found.found[0].guesses]
    assert ({}, []) == (found.found[1].objects, found.found[1].guesses)
