"""What a site may be made of, and what is refused before anything is planned."""

from dataclasses import fields, replace
from math import inf, nan
from typing import Any

import pytest
from tests.gateway.planning.estates import BATCH, BATTERY, CAR, TANK, outlook, site

from quartier.planning.horizon import BatteryModel, RefusedError
from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel, TankModel, check_site


def test_a_car_takes_nothing_or_whole_amperes_from_its_least_current_on() -> None:
    assert [0.0, 1380.0, 1610.0, 1840.0] == replace(CAR, current_max_a=8.0).powers_w
    assert [0.0, 3 * 1380.0, 3 * 1840.0] == replace(
        CAR, current_max_a=9.9, current_step_a=2.0, phases=3
    ).powers_w


def test_a_batch_may_begin_as_late_as_it_still_ends_in_time() -> None:
    assert [0, 1, 2] == list(BATCH.starts)


def test_a_site_of_everything_is_taken() -> None:
    check_site(site(battery=BATTERY, car=CAR, tank=TANK, batch=BATCH))
    check_site(site())


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"battery": replace(BATTERY, charge_efficiency=1.1)}, "charge_efficiency"),
        ({"car": replace(CAR, need_wh=nan)}, "car.need_wh"),
        ({"car": replace(CAR, room_wh=10.0)}, "expected at least need_wh"),
        ({"car": replace(CAR, from_step=5)}, "from_step <= until_step"),
        ({"car": replace(CAR, current_min_a=6.3)}, "whole current_step_a"),
        ({"car": replace(CAR, current_max_a=5.0)}, "current_min_a <= current_max_a"),
        ({"car": replace(CAR, current_step_a=0.1)}, "current_step_a"),
        ({"car": replace(CAR, phases=4)}, "1 to 3 phases"),
        ({"car": replace(CAR, efficiency=0.0)}, "efficiency"),
        ({"tank": replace(TANK, high_wh=1.0)}, "tank.high_wh"),
        ({"tank": replace(TANK, draw_w=[0.0])}, "expected 4"),
        ({"tank": replace(TANK, draw_w=[-1.0] * 4)}, "tank.draw_w"),
        ({"tank": replace(TANK, time_constant_h=0.5)}, "time_constant_h"),
        ({"tank": replace(TANK, heat_per_wh=0.0)}, "heat_per_wh"),
        ({"tank": replace(TANK, worth_eur_per_wh=inf)}, "worth_eur_per_wh"),
        ({"batch": replace(BATCH, powers_w=[])}, "do not fit"),
        ({"batch": replace(BATCH, until_step=1)}, "do not fit"),
        ({"batch": replace(BATCH, until_step=5)}, "until_step <= 4"),
        ({"batch": replace(BATCH, powers_w=[-1.0])}, "batch.powers_w"),
        ({"ahead": replace(outlook(), step_s=60)}, "step_s"),
        ({"ahead": replace(outlook(), samples=[[(100.0, 0.0, 1.0)]] * 4)}, "a battery alone"),
    ],
)
def test_what_no_plan_can_be_made_from_is_refused_by_its_name(part: dict[str, object], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        check_site(site(**part))


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(RefusedError, match="9 batteries: expected at most 8"):
        check_site(SiteModel(outlook(), batteries={str(number): BATTERY for number in range(9)}))


@pytest.mark.parametrize("value", [nan, inf, -inf, 1e300])
@pytest.mark.parametrize("part", [BATTERY, CAR, TANK, BATCH], ids=["battery", "car", "tank", "batch"])
def test_a_number_that_is_none_is_refused_by_the_name_of_its_part_and_field(part: Any, value: float) -> None:
    for each in fields(part):
        old = getattr(part, each.name)
        if isinstance(old, list):
            with pytest.raises(RefusedError, match=f"one.{each.name}"):
                check_site(of(replace(part, **{each.name: [value, *old[1:]]})))
        elif each.name not in {"phases", "voltage_v", "current_min_a", "current_max_a", "room_wh"}:
            with pytest.raises(RefusedError, match=f"one.{each.name}"):
                check_site(of(replace(part, **{each.name: value})))
        else:
            with pytest.raises(RefusedError, match=r"one[.:]"):
                check_site(of(replace(part, **{each.name: value})))


def of(part: Any) -> SiteModel:
    kinds = {BatteryModel: "batteries", CarModel: "cars", TankModel: "tanks", BatchModel: "batches"}
    return SiteModel(outlook(), **{kinds[type(part)]: {"one": part}})


def test_an_efficiency_near_nothing_and_half_a_step_are_refused() -> None:
    with pytest.raises(RefusedError, match=r"one.charge_efficiency 0.01: expected 0.1 to 1"):
        check_site(of(replace(BATTERY, charge_efficiency=0.01)))
    with pytest.raises(RefusedError, match=r"one.until_step 3.5: expected a whole number"):
        check_site(of(replace(CAR, until_step=3.5)))
