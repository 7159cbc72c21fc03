"""What a site may be made of, and what is refused before anything is planned."""

from dataclasses import replace
from math import inf, nan

import pytest
from tests.gateway.planning.estates import BATCH, BATTERY, CAR, TANK, outlook, site

from quartier.planning.horizon import RefusedError
from quartier.planning.site import Site, check_site


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
        check_site(Site(outlook(), batteries={str(number): BATTERY for number in range(9)}))
