"""Planning and tariff in the site file: what misses, strays or contradicts is said."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from quartier.config.loading import check_site_file, load_site_leniently
from quartier_drivers.errors import ConfigError

Written = Callable[[str], Path]
PLANNING = "[planning]\nwear_eur_per_wh = 0.00002\n"
HCHP = '[tariff]\ncontract = "hchp"\noff_peak_eur_per_wh = 0.0002\npeak_eur_per_wh = 0.00027\n'


def told(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        check_site_file(path)
    return [f"{fault.key}: {fault.what}" for fault in raised.value.faults]


def test_a_house_plans_when_it_says_what_energy_costs(written: Written, site_text: str) -> None:
    site = check_site_file(written(site_text + PLANNING + HCHP)).site

    assert site.planning is not None
    assert site.tariff is not None
    assert (0.0002, 0.00027) == site.tariff.prices_eur_per_wh
    assert (129_600.0, 900, 0.00002) == (
        site.planning.horizon_s,
        site.planning.step_s,
        site.planning.wear_eur_per_wh,
    )
    assert ("22:00-06:00",) == site.tariff.off_peak


CASES = [
    (PLANNING, "planning: needs prices; expected a section [tariff]"),
    (
        HCHP.replace("peak_eur_per_wh = 0.00027\n", ""),
        'tariff.peak_eur_per_wh: is missing; contract = "hchp" needs it',
    ),
    (
        HCHP + "red_peak_eur_per_wh = 0.0007\n",
        'tariff.red_peak_eur_per_wh: cannot be used with contract = "hchp"; expected no such key',
    ),
    (
        HCHP + "off_peak_index = 2\n",
        'tariff.off_peak_index: cannot be used with contract = "hchp"; expected no such key',
    ),
    (HCHP.replace("hchp", "two_rates") + "off_peak_index = 3\n", "tariff.off_peak_index"),
    (
        '[tariff]\ncontract = "signal"\n',
        "tariff.contract: the prices come from the signal of the district; expected a section [district_link]",
    ),
    (HCHP.replace("0.00027", "0.27"), "tariff.peak_eur_per_wh: 0.27 is outside -0.01..0.01"),
    (HCHP + 'off_peak = ["22-6"]\n', "tariff.off_peak"),
    (
        PLANNING + "peak_by_month = true\n" + HCHP,
        "planning.peak_by_month: the peak of a month has no price; expected peak_eur_per_w above 0 as well",
    ),
    (
        PLANNING + "day_peak_eur_per_w = 0.1\n" + HCHP,
        "planning.day_peak_eur_per_w: 0.1 is outside 0..0.01",
    ),
    (
        PLANNING + "day_peak_eur_per_w = 0.0001\npeak_eur_per_w = 0.01\n" + HCHP,
        "planning.day_peak_eur_per_w: peak_eur_per_w prices the largest import too; expected only one",
    ),
    (
        PLANNING + "rule_bound = true\n" + HCHP,
        "planning.rule_bound: has no cost to limit; expected co2_eur_per_g or day_peak_eur_per_w",
    ),
]


@pytest.mark.parametrize(("text", "fault"), CASES)
def test_what_is_wrong_is_said(written: Written, site_text: str, text: str, fault: str) -> None:
    found = told(written(site_text + text))

    assert any(one.startswith(fault) for one in found), found


def test_two_rates_name_their_hours_their_weekend_and_the_meters_index(
    written: Written, site_text: str
) -> None:
    text = HCHP.replace("hchp", "two_rates") + "off_peak_weekend = true\noff_peak_index = 2\n"
    found = check_site_file(written(site_text + text + 'off_peak = ["21:00-07:00"]\n')).site.tariff

    assert found is not None
    assert ("two_rates", True, 2) == (found.contract, found.off_peak_weekend, found.off_peak_index)
    assert ((0.0002, 0.00027), ("21:00-07:00",)) == (found.prices_eur_per_wh, found.off_peak)


def test_a_faulty_tariff_stops_planning_and_nothing_else(written: Written, site_text: str) -> None:
    loaded = load_site_leniently(written(site_text + PLANNING + HCHP.replace("0.00027", "0.27")))

    assert "tariff" in loaded.disabled
    assert loaded.site.tariff is None
    assert set(loaded.disabled) <= {"tariff", "planning"}


def test_planning_without_prices_is_disabled_and_the_house_runs(written: Written, site_text: str) -> None:
    assert ["planning"] == list(load_site_leniently(written(site_text + PLANNING)).disabled)


def test_a_plan_needs_a_battery_or_a_charging_point(written: Written, site_text: str) -> None:
    sections = re.split(r"(?m)^(?=\[)", site_text + PLANNING + HCHP)
    without = [one for one in sections if 'role = "battery"' not in one and 'role = "ev"' not in one]
    why = "planning: has nothing to plan; expected a battery or a charge point"

    assert len(without) < len(sections)
    assert why in told(written("".join(without)))
    load, car = 'role = "load"', 'role = "ev"'
    assert not any(one.startswith("planning") for one in told(written("".join(without).replace(load, car))))
