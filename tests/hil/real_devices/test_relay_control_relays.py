"""Relays of a board that is not ours: each is told, read back, and at its rest in the end."""

import pytest

from quartier_hil.real_devices import bench_file
from quartier_hil.real_devices.relay_control import (
    Relays,
    SwitchError,
    find_owed_state,
    open_lines,
    write_owed_states,
)

pytestmark = pytest.mark.peer


def _relays(bench, lines, owe=lambda _: None):
    return Relays(bench, lines, ["charger"], owe)


async def test_what_is_owed_in_the_end_is_told_before_anything_is_switched(bench, things, lines):
    told = []
    relays = _relays(bench, lines, lambda debts: told.append((debts, list(things.switched))))
    await relays.begin()

    (debts, switched) = told[0]
    assert [] == switched
    assert [(0, False), (1, False), (2, False)] == [(one.coil, one.on) for one in debts]


async def test_supply_and_cable_are_connected_at_first_and_no_car_is_there(bench, things, lines):
    relays = _relays(bench, lines)
    await relays.begin()

    assert {"0": 1, "1": 0, "2": 0} == things.coils
    assert {
        ("charger", "power"): "connected",
        ("charger", "cable"): "connected",
        ("charger", "car"): "cut",
    } == relays.states
    assert things.has_station


async def test_a_station_that_lost_its_supply_starts_anew(bench, things, lines):
    relays = _relays(bench, lines)
    await relays.begin()
    pid = things.station_pid
    await relays.set("charger", "power", connected=False)
    await relays.set("charger", "power", connected=True)

    assert pid != things.station_pid
    assert {("charger", "power"): "connected"}.items() <= relays.states.items()


async def test_all_relays_are_at_their_rest_in_the_end_and_nothing_is_owed_then(bench, things, lines):
    owes = []
    relays = _relays(bench, lines, owes.append)
    await relays.begin()
    await relays.set("charger", "car", connected=True)

    assert [] == await relays.rest()
    assert {"0": 0, "1": 0, "2": 0} == things.coils
    assert [] == owes[-1]


async def test_a_relay_that_does_not_obey_is_told_by_its_name_and_place(things, lines):
    bench = _with(things, "car", relay=8)
    relays = _relays(bench, lines)
    await relays.begin()

    with pytest.raises(
        SwitchError, match=r"charger car \(coil 7 .* is not connected: the board shows coil 7 as 0"
    ):
        await relays.set("charger", "car", connected=True)
    assert ("charger", "car") not in relays.states


async def test_a_board_that_is_gone_is_tried_for_a_while_and_what_is_left_is_told(bench, things):
    things.stop()
    debt = find_owed_state(bench, "charger power", bench.devices["charger"].power, connected=False)
    lines = open_lines([debt])

    (text,) = await write_owed_states([debt], lines, 0.5)
    assert text.startswith("charger power (coil 0 at 127.0.0.1:")
    await lines.close()


def _with(things, wire, relay):
    text = things.file.read_text().replace(
        f'{wire} = {{ board = "power", relay = 3', f'{wire} = {{ board = "power", relay = {relay}'
    )
    things.file.write_text(text)
    return bench_file.load_bench(things.file)
