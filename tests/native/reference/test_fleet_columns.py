"""What a fleet is made of is checked when it is made; its columns begin where nothing happened."""

from typing import Any

import pytest

from quartier_native.reference.fleet import Fleet
from quartier_native.reference.fleet_columns import (
    BATTERY,
    LOAD,
    LONG_AGO_NS,
    MODED,
    NONE_W,
    TIER_C,
    Building,
    Columns,
    Unit,
    tree_of,
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", 7),
        ("tier", 4),
        ("pool", -2),
        ("comfort_cost", float("nan")),
        ("rated_w", -1.0),
        ("ampere_w", 0.0),
        ("charge_max_w", 2e12),
        ("ramp_max_w_per_s", float("inf")),
        ("min_on_s", -1.0),
        ("soc_floor_pct", 101.0),
        ("modes_w", (5.0,)),
        ("normal", 1),
    ],
)
def test_a_unit_outside_its_range_is_refused_with_its_place(field: str, value: Any) -> None:
    bad = Unit(**{"kind": LOAD, field: value})
    with pytest.raises(ValueError, match=rf"^units\[1\]\.{field} is outside its range$"):
        tree_of(Building([-1], [Unit(kind=LOAD), bad]))


@pytest.mark.parametrize("modes_w", [(), (1.0,) * 65, (float("nan"),), (2e12,)])
def test_a_unit_in_modes_needs_some(modes_w: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"modes_w is outside its range"):
        tree_of(Building([-1], [Unit(kind=MODED, modes_w=modes_w)]))


def test_a_building_beyond_what_one_walk_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 256 assets"):
        tree_of(Building([-1], [Unit(kind=LOAD)] * 257))
    with pytest.raises(ValueError, match="more than 1024 steps"):
        tree_of(Building([-1], [Unit(kind=MODED, modes_w=(1.0,) * 64)] * 17))
    with pytest.raises(ValueError, match=r"buildings\[1\]: an asset stands at a node that is not there"):
        Fleet([Building([-1], []), Building([-1], [Unit(kind=LOAD, home=1)])])


def test_a_fleet_lays_its_buildings_one_behind_the_other() -> None:
    made = Fleet([Building([-1, 0], [Unit(kind=LOAD)] * 3), Building([-1], [Unit(kind=LOAD)])])
    assert ((0, 3, 4), (0, 8, 12), 2) == (made.unit_starts, made.row_starts, made.building_count)


def test_columns_begin_where_nothing_happened() -> None:
    units = [Unit(kind=BATTERY), Unit(kind=MODED, modes_w=(5.0, 3.0, 0.0), normal=1, tier=TIER_C)]
    columns = Columns(units, 1, 4, 3)
    state, inputs, result = columns.state(), columns.inputs(), columns.result()
    assert ([1, 1], [0, 1], [NONE_W] * 2, [LONG_AGO_NS] * 2) == (
        list(state.on),
        list(state.mode),
        list(state.limit_w),
        list(state.since_ns),
    )
    assert (6, 12) == (len(state.sheds_ns), len(state.veers_ns))
    assert ([0, 2], [0, 1], [0, 1]) == (list(inputs.lowest), list(inputs.wanted), list(inputs.tier))
    assert ([-1, -1], [1]) == (list(result.cap_row), list(result.met))
