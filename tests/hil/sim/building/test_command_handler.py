"""Events of a served building, and how they are judged."""

import pytest


@pytest.fixture
async def desk(serve):
    return (await serve(rate=20.0)).desk


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("fault toaster off", "there is no device or bus 'toaster' here; expected one of meter, relays"),
        ("fault meter tired", "'tired' is no fault; expected one of off, unplugged, silent"),
        ("fault meter slow", "seconds: is missing: how long, for slow"),
        ("fault relays stuck", "relays cannot be stuck: it measures nothing"),
        ("fault meter bent factor=2", "meter cannot be bent: it takes no orders"),
        ("fault linky bent factor=2", "it cannot be bent: a meter takes no orders"),
        ("fault linky slow seconds=1", "it cannot be slow: it speaks by itself"),
        ("plug bat1", "there is no such asset 'bat1'; expected one of ev1"),
        ("soc ev1 50", "there is no such asset 'ev1'; expected one of bat1"),
        ("contact door closed", "there is no contact 'door'; expected one of dso"),
        ("contact dso ajar", "'ajar' is no state of a contact; expected closed or open"),
        ("pull lan", "there is no serial port 'lan'; expected one of rs485, tic"),
        ("show weather.*", "nothing here is called 'weather.*'"),
        ("expect grid.watts > 0", "nothing here is called 'grid.watts'"),
        ("expect grid.power_w =< 0", "'=<' compares nothing; expected one of <= >= < > == !="),
    ],
)
async def test_a_line_that_cannot_be_done_says_why_and_is_no_failure(line, why, desk):
    answer = await desk.obey(line)

    assert (False, False) == (answer.ok, answer.failed)
    assert why in answer.text


@pytest.mark.parametrize(
    ("line", "point", "low", "high"),
    [
        ("load 3000", "base.power_w", 3000, 3000),
        ("sun 900", "pv1.power_w", -5400, -5400),
        ("soc bat1 20", "bat1.soc_pct", 19.9, 20),
        ("plug ev1 9000", "ev1.power_w", 11_040, 11_040),
        ("contact dso closed", "dso.input_on", 1, 1),
        ("frequency 49.5", "grid.frequency_hz", 49.4, 49.6),
        ("voltage 207", "grid.voltage_l1_v", 205, 209),
    ],
)
async def test_event_of_the_building_is_seen(line, point, low, high, desk):
    assert (await desk.obey(line)).ok
    assert (await desk.obey(f"expect {point} >= {low} within=60")).ok
    assert (await desk.obey(f"expect {point} <= {high} within=60")).ok


async def test_an_expectation_is_met_in_time_broken_later_or_never(desk):
    assert "yes, 50" in (await desk.obey("expect bat1.soc_pct == 50 for=5")).text

    late = await desk.obey("expect grid.power_w > 99999 within=3")
    assert late.failed
    assert "NO, it is" in late.text


async def test_an_expectation_may_fail_at_first_but_must_come_true_in_time_and_stay(desk):
    """The sun comes up by its ramp: below -4 kW after two seconds, and then it stays."""
    await desk.obey("sun 900")
    assert (await desk.obey("expect pv1.power_w < -4000 within=30 for=10")).ok

    await desk.obey("sun 0")
    gone = await desk.obey("expect pv1.power_w < -4000 for=10")
    assert gone.failed


async def test_a_fault_on_a_bus_falls_on_all_of_its_devices_which_live_on(desk):
    assert (await desk.obey("fault rs485 off")).ok
    devices = desk._served.assignment.devices

    assert [True] * 3 == ["unplugged" in devices[name].faults for name in ("meter", "relays", "inputs")]
    await desk.obey("clear all")
    assert not any(device.faults for device in devices.values())


async def test_a_current_transformer_is_reversed_by_the_phases_that_are_named(desk):
    assert (await desk.obey("fault meter clamps factor=-1 phases=1,3")).ok
    assert (-1, (1, 3)) == _clamps(desk)

    assert (await desk.obey("fault meter swapped what=clamps")).ok
    assert not (await desk.obey("fault meter clamps")).ok


def _clamps(desk):
    fault = desk._served.assignment.devices["meter"].faults["clamps"]
    return fault.factor, fault.phases


async def test_a_meter_falls_silent_and_speaks_again(desk):
    push = desk._served.wires.meters["linky"]._wire
    await desk.obey("fault linky off")
    assert push.silent

    await desk.obey("fault linky garbage")
    await desk.obey("clear linky")
    assert (False, None) == (push.silent, push.noise)


async def test_what_stands_now_is_shown_by_a_pattern(desk):
    answer = await desk.obey("show *.soc_pct")

    assert ["bat1.soc_pct"] == list(answer.values)
    assert "bat1.soc_pct" in answer.text
    assert "quit" in (await desk.obey("help")).text
