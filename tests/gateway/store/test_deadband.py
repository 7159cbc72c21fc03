import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from quartier.site.records import Now
from quartier.store.deadband import NO_DEADBAND, Deadband, Deadbands
from quartier.store.ingest import Ingest
from quartier_drivers.readings import Quality, Reading, Value, make_readings

GOOD, BAD, STALE = Quality.GOOD, Quality.BAD, Quality.STALE


class Gate:
    """One point at the ingest of a store."""

    def __init__(self, folder: Path, deadband: Deadband) -> None:
        self.ingest = Ingest(folder / "journal", Deadbands({"x.y_w": deadband}), [], 1000)
        self.ingest.start(1)

    def passes(self, value: Value, quality: Quality, taken_ns: int) -> bool:
        readings = make_readings([Reading("x.y_w", value, quality, taken_ns)], taken_ns)
        return bool(self.ingest.record(readings, Now(taken_ns, 0, synced=True)))


@pytest.fixture
def gate_of(tmp_path: Path) -> Callable[[Deadband], Gate]:
    return partial(Gate, tmp_path)


@pytest.fixture
def passed(gate_of: Callable[[Deadband], Gate]) -> Callable[..., list[Value]]:
    def passing(point: str, *readings: tuple[float, Value]) -> list[Value]:
        gate = gate_of(Deadbands().of(point))
        return [value for second, value in readings if gate.passes(value, GOOD, int(second * 1e9))]

    return passing


@pytest.mark.parametrize(
    ("point", "stopped", "moved"),
    [
        ("grid.power_w", 149.9, 150.0),
        ("grid.power_l1_w", 149.9, 150.0),
        ("grid.reactive_power_var", 149.9, 150.0),
        ("grid.voltage_l1_v", 100.9, 101.0),
        ("grid.frequency_hz", 100.009, 100.011),
        ("tank.supply_c", 100.19, 100.21),
        ("bat1.soc_pct", 100.4, 100.5),
    ],
)
def test_a_value_passes_once_it_moved_by_the_width_of_its_quantity(
    passed: Callable[..., list[Value]], point: str, stopped: float, moved: float
) -> None:
    assert [100.0, moved] == passed(point, (0, 100.0), (60, stopped), (120, moved))


def test_large_powers_pass_by_their_share(passed: Callable[..., list[Value]]) -> None:
    assert [20_000.0, 20_200.0] == passed(
        "grid.power_w", (0, 20_000.0), (5, 20_199.0), (10, 20_200.0), (15, 20_000.5)
    )


def test_a_power_passes_at_most_once_a_second_on_average_and_an_early_poll_costs_no_second(
    passed: Callable[..., list[Value]],
) -> None:
    every_100_ms = [(step / 10, 1000.0 * step) for step in range(101)]
    every_second_jittered = [(second + 0.1 * (-1) ** second, 1000.0 * second) for second in range(1, 11)]

    assert 12 >= len(passed("grid.power_w", *every_100_ms))
    assert 10 == len(passed("grid.power_w", *every_second_jittered))


def test_counters_pass_each_minute_if_they_changed(passed: Callable[..., list[Value]]) -> None:
    readings = [(second, 1000.0 + (second >= 200)) for second in range(0, 600, 10)]

    assert [1000.0, 1001.0] == passed("grid.energy_import_wh", *readings)
    assert 10 >= len(
        passed("grid.energy_import_wh", *[(second, float(second)) for second in range(0, 600, 10)])
    )


@pytest.mark.parametrize(
    ("point", "values"), [("ev1.plugged_on", (True, False)), ("ev1.charge_state", (2, 3))]
)
def test_states_pass_on_every_change_and_only_then(
    passed: Callable[..., list[Value]], point: str, values: tuple[Value, Value]
) -> None:
    first, second = values

    assert [first, second, first] == passed(
        point, (0, first), (1, first), (1.1, second), (1.2, second), (1.3, first)
    )


def test_a_change_of_quality_passes_at_once_and_a_value_that_is_not_good_passes_once(
    gate_of: Callable[[Deadband], Gate],
) -> None:
    gate = gate_of(Deadbands().of("grid.power_w"))
    readings = [(100.0, GOOD), (100.0, STALE), (900.0, STALE), (100.0, BAD), (100.0, GOOD), (100.0, GOOD)]

    assert [True, True, False, True, True, False] == [gate.passes(*reading, 0) for reading in readings]


def test_nan_never_silences_a_point(gate_of: Callable[[Deadband], Gate]) -> None:
    gate = gate_of(Deadbands().of("grid.voltage_l1_v"))

    assert [True, True, True, False] == [gate.passes(value, GOOD, 0) for value in (1.0, math.nan, 1.0, 1.0)]


def test_a_text_at_a_numeric_point_counts_as_a_change(gate_of: Callable[[Deadband], Gate]) -> None:
    gate = gate_of(Deadbands().of("grid.voltage_l1_v"))

    assert [True, True, False, True] == [gate.passes(value, GOOD, 0) for value in (1.0, "off", "off", 1.0)]


def test_a_share_of_zero_still_stops_what_did_not_change(gate_of: Callable[[Deadband], Gate]) -> None:
    gate = gate_of(Deadband(share_pct=5.0))

    assert [True, False, True] == [gate.passes(value, GOOD, 0) for value in (0.0, 0.0, 0.1)]


def test_every_figure_can_be_set_by_point_quantity_or_unit() -> None:
    table = Deadbands({"v": Deadband(5.0), "voltage_l2_v": Deadband(6.0), "grid.voltage_l3_v": Deadband(7.0)})

    assert [5.0, 6.0, 7.0] == [table.of(f"grid.voltage_l{phase}_v").width for phase in (1, 2, 3)]
    assert NO_DEADBAND == table.of("event.device.silent")
