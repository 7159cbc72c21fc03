"""The compiled step of a fleet and its twin agree to the last bit, cycle after cycle, also in what they refuse."""

import random
import threading
from array import array
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier_native import fleet as kernel
from quartier_native.reference import fleet as twin
from quartier_native.reference.fleet_columns import (
    BATTERY,
    DIVISIBLE,
    EV,
    LOAD,
    LONG_AGO_NS,
    MODED,
    NONE_W,
    PV_LIMIT,
    PV_RELAY,
    TIER_A,
    TIER_B,
    TIER_C,
    TIER_D,
    Building,
    Unit,
)

SEEDS = examples(60, deep=2_000)
S = 1_000_000_000
KINDS = (LOAD, LOAD, DIVISIBLE, EV, EV, BATTERY, PV_LIMIT, PV_RELAY, MODED)
GAPS_S = (1, 1, 4, 70, 400, 3600, 72_000)


def unit(source: random.Random, nodes: int) -> Unit:
    kind = source.choice(KINDS)
    modes_w: list[float] = []
    if kind == MODED:
        least_w = -3000.0 if source.random() < 0.2 else 0.0
        modes_w = sorted((source.uniform(least_w, 8000) for _ in range(source.randint(1, 5))), reverse=True)
    return Unit(
        kind=kind,
        home=source.randrange(nodes),
        share=source.choice([(1 / 3, 1 / 3, 1 / 3), (1.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.2, 0.3, 0.5)]),
        tier=source.randrange(4),
        comfort_cost=source.choice([0.0, 1.0, 2.0]),
        rated_w=source.choice([11_040.0, 3680.0, 5000.0]),
        floor_w=source.choice([1380.0, 4140.0]) if kind == EV else 0.0,
        ampere_w=source.choice([230.0, 690.0]),
        pool=source.choice([-1, -1, 0, 1]),
        min_on_s=source.choice([0.0, 60.0, 300.0]),
        min_off_s=source.choice([0.0, 180.0]),
        charge_max_w=5000.0,
        discharge_max_w=4000.0,
        ramp_max_w_per_s=source.choice([500.0, 1e5]),
        soc_floor_pct=20.0,
        soc_max_pct=95.0,
        modes_w=tuple(modes_w),
        normal=source.randrange(max(1, len(modes_w))),
    )


def fleet(source: random.Random, count: int = 6, units_max: int = 20) -> list[Building]:
    """Buildings of any kinds of units under up to five nodes."""
    made = []
    for _ in range(count):
        nodes = source.randint(1, 5)
        under = [-1] + [source.randrange(node) for node in range(1, nodes)]
        made.append(Building(under, [unit(source, nodes) for _ in range(source.randint(0, units_max))]))
    return made


def told(source: random.Random, made: Any) -> Any:
    """Inputs of one cycle: most buildings near their caps, some far."""
    inputs = made.columns().inputs()
    for at, one in enumerate(made.units):
        inputs.present_w[at] = source.choice([0.0, one.rated_w, source.uniform(-9000, 11_000)])
        inputs.soc_pct[at] = source.choice([source.uniform(0, 100), 20.5, 94.7])
        inputs.plugged[at] = source.randrange(2)
        inputs.tier[at] = source.choice([one.tier, source.randrange(4)])
        for column in (inputs.wanted, inputs.highest, inputs.lowest):
            column[at] = source.randrange(one.mode_count)
    for building in range(made.building_count):
        inputs.rest_w[building] = source.uniform(-5000, 9000)
        inputs.target_w[building] = source.choice([0.0, 500.0])
        for row in range(made.row_starts[building], made.row_starts[building + 1]):
            inputs.high_w[row] = inputs.rest_w[building]
            inputs.low_w[row] = inputs.rest_w[building] - source.choice([0.0, 200.0])
            inputs.import_max_w[row] = source.choice([1e11, source.uniform(0, 2e4)])
            inputs.export_max_w[row] = source.choice([1e11, source.uniform(0, 1e4)])
    return inputs


def bytes_of(*parts: Any) -> dict[str, object]:
    columns = {column.name: getattr(part, column.name) for part in parts for column in fields(part)}
    return {
        name: getattr(column, "tobytes", lambda column=column: column)() for name, column in columns.items()
    }


def one_building(*units: Unit) -> list[Building]:
    return [Building([-1], units)]


def stepped(module: Any, units: list[Unit], told_w: list[float], **caps_w: float) -> tuple[Any, Any, Any]:
    """A building of one node after one cycle, from rest, and the inputs it had."""
    made = module.Fleet(one_building(*units))
    columns = made.columns()
    state, inputs, result = columns.state(), columns.inputs(), columns.result()
    inputs.present_w[:] = array("d", told_w)
    inputs.rest_w[0] = inputs.high_w[0] = inputs.low_w[0] = caps_w.pop("rest_w", 0.0)
    for name, watts in caps_w.items():
        getattr(inputs, name)[0] = watts
    module.step_many(made, state, inputs, result, 0, 1.0)
    return state, inputs, result


@SEEDS
@given(st.integers(0, 2**32))
def test_kernel_and_twin_agree_to_the_last_bit_for_many_cycles(seed: int) -> None:
    source = random.Random(seed)
    buildings = fleet(source)
    ours, theirs = kernel.Fleet(buildings), twin.Fleet(buildings)
    room = source.choice([3, 4, 8])
    state, result = ours.columns(room).state(), ours.columns().result()
    wanted_state, wanted = theirs.columns(room).state(), theirs.columns().result()
    now_ns = 0
    for _ in range(10):
        now_ns += source.choice(GAPS_S) * S
        dt_s = source.choice([0.0, 0.1, 1.0, 10.0])
        inputs = told(source, ours)
        before = bytes_of(inputs)
        twin.step_many(theirs, wanted_state, inputs, wanted, now_ns, dt_s)
        kernel.step_many(ours, state, inputs, result, now_ns, dt_s)
        assert bytes_of(wanted_state, wanted) == bytes_of(state, result)
        assert before == bytes_of(inputs)


@pytest.mark.parametrize("seed", range(20))
def test_a_range_touches_its_buildings_alone_and_two_threads_do_what_one_does(seed: int) -> None:
    source = random.Random(seed)
    made = kernel.Fleet(fleet(source, 40))
    columns = made.columns(4)
    state, result = columns.state(), columns.result()
    wanted_state, wanted = columns.state(), columns.result()
    inputs = told(source, made)
    kernel.step_many(made, wanted_state, inputs, wanted, S, 1.0)

    halves = [(0, 17), (17, 40)]
    threads = [
        threading.Thread(target=kernel.step_many, args=(made, state, inputs, result, S, 1.0, *half))
        for half in halves
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bytes_of(wanted_state, wanted) == bytes_of(state, result)

    kernel.step_many(made, state, inputs, result, 2 * S, 1.0, 5, 9)
    first, end = made.unit_starts[5], made.unit_starts[9]
    assert wanted_state.setpoint_w[:first] == state.setpoint_w[:first]
    assert wanted_state.setpoint_w[end:] == state.setpoint_w[end:]


def changed(source: random.Random, column: Any) -> None:
    """One number of a column becomes one that it must not be, or may be."""
    if len(column):
        bad = (
            [float("nan"), float("inf"), -1.0, 1.0000001e12, 101.0]
            if column.typecode == "d"
            else [-1, 7, 2**62, -(2**63)]
        )
        value = source.choice(bad)
        try:
            column[source.randrange(len(column))] = value
        except OverflowError:
            column[source.randrange(len(column))] = 2


@SEEDS
@given(st.integers(0, 2**32))
def test_kernel_and_twin_refuse_the_same_before_anything_is_decided(seed: int) -> None:
    source = random.Random(seed)
    buildings = fleet(source, 3, 4)
    ours, theirs = kernel.Fleet(buildings), twin.Fleet(buildings)
    columns, inputs = ours.columns(3), told(source, ours)
    state, result, spare = columns.state(), columns.result(), columns.state()
    part = source.choice([state, inputs])
    name = source.choice([column.name for column in fields(part) if column.name != "sheds_room"])
    changed(source, getattr(part, name))
    if source.random() < 0.1:
        getattr(part, name).append(0)
    for column in fields(state):
        setattr(spare, column.name, getattr(state, column.name)[:] if column.name != "sheds_room" else 3)
    before = bytes_of(state, result)
    said = []
    for module, made, own in ((kernel, ours, state), (twin, theirs, spare)):
        try:
            module.step_many(made, own, inputs, columns.result(), S, 1.0)
            said.append("")
        except ValueError as error:
            said.append(str(error))
    assert said[0] == said[1]
    if said[0]:
        assert before == bytes_of(state, result)


@pytest.mark.parametrize("module", [kernel, twin])
def test_import_takes_the_one_order(module: Any) -> None:
    """Battery charging stops, the EV slows, the battery discharges, the EV pauses, D, C and B follow."""
    units = [
        Unit(kind=LOAD, tier=TIER_B, rated_w=1000),
        Unit(kind=LOAD, tier=TIER_C, rated_w=1000),
        Unit(kind=LOAD, tier=TIER_D, rated_w=1000),
        Unit(kind=EV, tier=TIER_D, rated_w=11_040, floor_w=4140, ampere_w=690),
        Unit(kind=BATTERY, rated_w=3000, charge_max_w=3000, discharge_max_w=3000, ramp_max_w_per_s=1e6),
        Unit(kind=LOAD, tier=TIER_A, rated_w=1000),
    ]
    told_w = [1000, 1000, 1000, 8000, 2000, 1000]
    expected = {
        12_000: [1000, 1000, 1000, 8000, 0, 1000],
        9000: [1000, 1000, 1000, 5000, 0, 1000],
        7000: [1000, 1000, 1000, 4140, -1140, 1000],
        5140: [1000, 1000, 1000, 4140, -3000, 1000],
        5000: [1000, 1000, 1000, 0, -3000, 1000],
        500: [1000, 1000, 0, 0, -3000, 1000],
        -500: [1000, 0, 0, 0, -3000, 1000],
        -2000: [0, 0, 0, 0, -3000, 1000],
    }
    for cap_w, wanted in expected.items():
        state, _, result = stepped(
            module, units, told_w, import_max_w=cap_w, export_max_w=1e6, target_w=14_000.0, rest_w=0.0
        )
        assert (wanted, 1) == (list(state.setpoint_w), result.met[0])


@pytest.mark.parametrize("module", [kernel, twin])
def test_export_charges_then_brings_back_then_curtails(module: Any) -> None:
    units = [
        Unit(kind=PV_LIMIT, rated_w=9000),
        Unit(kind=BATTERY, rated_w=3000, charge_max_w=3000, discharge_max_w=3000, ramp_max_w_per_s=0.0),
    ]
    charged, _, _ = stepped(module, units, [-9000, 0], export_max_w=7000)
    curtailed, _, _ = stepped(module, units, [-9000, 0], export_max_w=4000)
    assert [-9000.0, 2000.0, NONE_W] == [*charged.setpoint_w, charged.limit_w[0]]
    assert [-7000.0, 3000.0, 7000.0] == [*curtailed.setpoint_w, curtailed.limit_w[0]]


@pytest.mark.parametrize("module", [kernel, twin])
@pytest.mark.parametrize("kind", [EV, DIVISIBLE])
@pytest.mark.parametrize(
    ("takes_w", "raised_ns", "setpoints_w"),
    [
        (4_000.0, LONG_AGO_NS, [5_000.0, -5_000.0]),  # at its limit: it takes more
        (2_000.0, LONG_AGO_NS, [2_000.0, -2_000.0]),  # below it: PV is curtailed
        (2_000.0, -3_999_999_999, [5_000.0, -5_000.0]),  # raised just now, and on its way
        (2_000.0, -4_000_000_000, [2_000.0, -2_000.0]),
    ],
)
def test_what_takes_less_than_it_may_keeps_no_export_cap(
    module: Any, kind: int, takes_w: float, raised_ns: int, setpoints_w: list[float]
) -> None:
    units = [Unit(kind=kind, rated_w=11_000, ampere_w=690), Unit(kind=PV_LIMIT, rated_w=9000)]
    made = module.Fleet(one_building(*units))
    columns = made.columns()
    state, inputs, result = columns.state(), columns.inputs(), columns.result()
    inputs.present_w[:] = array("d", [takes_w, -5000.0])
    state.limit_w[0], state.raised_ns[0] = 4_000.0, raised_ns
    inputs.export_max_w[0] = 0.0
    module.step_many(made, state, inputs, result, 0, 1.0)

    assert setpoints_w == list(state.setpoint_w)
    assert (0 if takes_w == 4_000 else raised_ns) == state.raised_ns[0]


@pytest.mark.parametrize("module", [kernel, twin])
def test_a_shed_is_counted_for_a_day_and_the_next_takes_its_turn(module: Any) -> None:
    made = module.Fleet(one_building(*(Unit(kind=LOAD, rated_w=1000) for _ in range(2))))
    columns = made.columns(4)
    state, inputs, result = columns.state(), columns.inputs(), columns.result()
    shed = []
    for day_s in (0, 3600, 7200, 200_000):
        state.on[:] = array("B", [1, 1])
        inputs.present_w[:] = array("d", [1000, 1000])
        inputs.import_max_w[0] = 1000
        module.step_many(made, state, inputs, result, day_s * S, 1.0)
        shed.append(list(state.on).index(0))
    assert [0, 1, 0, 0] == shed
    assert [1, 1] == list(state.shed_count)


@pytest.mark.parametrize("module", [kernel, twin])
def test_minimum_times_are_kept(module: Any) -> None:
    made = module.Fleet(one_building(Unit(kind=LOAD, rated_w=1000, min_on_s=300, min_off_s=180)))
    columns = made.columns()
    state, inputs, result = columns.state(), columns.inputs(), columns.result()
    state.since_ns[0] = 0
    inputs.import_max_w[0] = 0
    found = []
    for at_s, takes_w in ((299, 1000), (300, 1000), (400, 0)):
        inputs.present_w[0] = takes_w
        module.step_many(made, state, inputs, result, at_s * S, 1.0)
        found.append((state.on[0], result.met[0]))
    inputs.present_w[0], inputs.rest_w[0], inputs.high_w[0], inputs.low_w[0] = 0, -5000, -5000, -5000
    inputs.export_max_w[0] = 4500
    for at_s in (479, 480):
        module.step_many(made, state, inputs, result, at_s * S, 1.0)
        found.append((state.on[0], result.met[0]))
    assert [(1, 0), (0, 1), (0, 1), (0, 0), (1, 1)] == found


@pytest.mark.parametrize("module", [kernel, twin])
@pytest.mark.parametrize(
    ("started_s", "pv_w", "on", "setpoint_w"),
    [
        (701, -5000.0, [1, 0, 0], -1000.0),  # the first machine is in its minimum time: PV is curtailed
        (700, -5000.0, [1, 0, 1], -2000.0),  # its time is over: one machine comes back, and PV is curtailed
        (701, 0.0, [1, 1, 1], 0.0),  # nothing but both machines keeps the limit
    ],
)
def test_machines_come_back_one_minimum_time_apart_unless_a_limit_needs_more(
    module: Any, started_s: int, pv_w: float, on: list[int], setpoint_w: float
) -> None:
    load = Unit(kind=LOAD, rated_w=1000, min_on_s=300)
    made = module.Fleet(one_building(load, load, load, Unit(kind=PV_LIMIT, rated_w=5000)))
    columns = made.columns()
    state, inputs, result = columns.state(), columns.inputs(), columns.result()
    state.on[:3], state.since_ns[0] = array("B", [1, 0, 0]), started_s * S
    inputs.present_w[:] = array("d", [1000, 0, 0, pv_w])
    inputs.rest_w[0] = inputs.high_w[0] = inputs.low_w[0] = -5000.0 - pv_w
    inputs.export_max_w[0] = 0.0 if pv_w else 2000.0
    module.step_many(made, state, inputs, result, 1000 * S, 1.0)

    assert (on, setpoint_w, 1) == (list(state.on[:3]), state.setpoint_w[3], result.met[0])


@pytest.mark.parametrize("module", [kernel, twin])
def test_a_machine_in_modes_waits_while_another_one_starts(module: Any) -> None:
    moded = Unit(kind=MODED, modes_w=(2000.0, 0.0), min_on_s=300)
    chp = Unit(kind=MODED, modes_w=(0.0, -4000.0), min_on_s=900)
    units = [Unit(kind=LOAD, rated_w=1000, min_on_s=300), moded, moded, chp, replace(moded, min_on_s=0.0)]
    made = module.Fleet(one_building(*units))
    found = []
    for started_s in (701, 700):
        columns = made.columns()
        state, inputs = columns.state(), columns.inputs()
        state.since_ns[0] = started_s * S
        state.mode[:] = array("i", [0, 1, 1, 1, 1])
        module.step_many(made, state, inputs, columns.result(), 1000 * S, 1.0)
        found.append(list(state.mode[1:]))

    assert [[1, 1, 0, 0], [0, 1, 0, 0]] == found


@pytest.mark.parametrize("module", [kernel, twin])
@pytest.mark.parametrize(
    ("at_node_w", "ramp_w", "setpoint_w"),
    [(1e6, 1e6, 0.0), (1e6, 100.0, -900.0), (1500.0, 1e6, -150.0), (500.0, 1e6, -1050.0)],
)
def test_a_battery_does_not_discharge_for_what_a_limit_keeps_from_its_mode(
    module: Any, at_node_w: float, ramp_w: float, setpoint_w: float
) -> None:
    """A node keeps the heat pump off that the battery at another node would serve."""
    battery = Unit(
        kind=BATTERY,
        home=1,
        rated_w=5000,
        charge_max_w=5000,
        discharge_max_w=5000,
        ramp_max_w_per_s=ramp_w,
    )
    made = module.Fleet([Building([-1, 0, 0], [battery, Unit(kind=MODED, home=2, modes_w=(3000.0, 0.0))])])
    columns = made.columns()
    state, inputs, result = columns.state(), columns.inputs(), columns.result()
    state.mode[1], state.setpoint_w[0] = 1, -1000.0
    inputs.present_w[0] = -1000.0
    inputs.high_w[4] = inputs.low_w[4] = 1000.0
    inputs.import_max_w[4], inputs.import_max_w[8] = at_node_w, 0.0
    module.step_many(made, state, inputs, result, 0, 1.0)

    assert pytest.approx(setpoint_w) == state.setpoint_w[0]
    assert 1 == state.mode[1]


@pytest.mark.parametrize("module", [kernel, twin])
def test_a_relay_comes_back_only_while_it_stays_within_six_switchings_an_hour(module: Any) -> None:
    made = module.Fleet(one_building(Unit(kind=LOAD, rated_w=1000)))
    columns = made.columns(3)
    state, inputs, result = columns.state(), columns.inputs(), columns.result()
    state.on[0], state.shed_count[0] = 0, 3
    state.sheds_ns[:] = array("q", [0, 1000 * S, 2000 * S])
    inputs.rest_w[0] = inputs.high_w[0] = inputs.low_w[0] = -5000
    inputs.export_max_w[0] = 4500
    found = []
    for at_s in (3599, 3600):
        module.step_many(made, state, inputs, result, at_s * S, 1.0)
        found.append(state.on[0])
    assert [0, 1] == found
    with pytest.raises(ValueError, match="sheds_room is outside its range"):
        module.step_many(made, replace(state, sheds_room=2), inputs, result, 3600 * S, 1.0)


def test_columns_may_be_any_buffers() -> None:
    source = random.Random(3)
    made = kernel.Fleet(fleet(source, 4))
    columns, inputs = made.columns(3), told(source, made)
    plain, viewed = columns.state(), columns.state()
    kernel.step_many(made, plain, inputs, columns.result(), S, 1.0)
    views = replace(
        viewed,
        **{c.name: memoryview(getattr(viewed, c.name)) for c in fields(viewed) if c.name != "sheds_room"},
    )
    kernel.step_many(made, views, inputs, columns.result(), S, 1.0)
    assert bytes_of(plain) == bytes_of(viewed)


@pytest.mark.parametrize(
    ("column", "error"),
    [
        (array("f", [0.0] * 2), TypeError),
        (array("d", [0.0] * 3), ValueError),
        (memoryview(array("d", [0.0] * 4))[::2], BufferError),
        (memoryview(b"\0" * 16).cast("d"), BufferError),
        ([0.0, 0.0], TypeError),
    ],
)
def test_a_column_of_another_type_is_refused(column: Any, error: type[Exception]) -> None:
    made = kernel.Fleet(one_building(Unit(kind=LOAD), Unit(kind=LOAD)))
    columns = made.columns()
    with pytest.raises(error):
        kernel.step_many(
            made, replace(columns.state(), limit_w=column), columns.inputs(), columns.result(), S, 1.0
        )


@pytest.mark.parametrize("module", [kernel, twin])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((S, 1.0, 1, 0), "begin and end"),
        ((S, 1.0, -1), "begin and end"),
        ((S, 1.0, 0, 2), "begin and end"),
        ((-1, 1.0), "now_ns"),
        ((2**62, 1.0), "now_ns"),
        ((S, -1.0), "dt_s"),
        ((S, float("nan")), "dt_s"),
    ],
)
def test_a_range_or_a_time_that_is_none_is_refused(
    module: Any, arguments: tuple[Any, ...], words: str
) -> None:
    made = module.Fleet(one_building(Unit(kind=LOAD)))
    columns = made.columns()
    with pytest.raises(ValueError, match=words):
        module.step_many(made, columns.state(), columns.inputs(), columns.result(), *arguments)


def test_a_fleet_stays_as_it_was_made() -> None:
    made = kernel.Fleet(one_building(Unit(kind=LOAD)))
    with pytest.raises(TypeError, match="stays as it was made"):
        made.__init__([])  # type: ignore[misc] - made anew on purpose
