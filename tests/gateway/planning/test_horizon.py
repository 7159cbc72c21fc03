"""Numbers that no plan can be made from are refused by their name."""

from dataclasses import replace
from math import inf, nan

import pytest
from tests.gateway.planning.sites import PLAIN, outlook

from quartier.planning.horizon import Contract, RefusedError, Scenario, Surcharge, check_horizon


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"step_s": 60}, "step_s 60: expected one of (300, 900, 3600)"),
        ({"load_w": []}, "0 steps: expected 1 to 672"),
        ({"pv_w": [0.0]}, "pv_w: 1 numbers, expected 2"),
        ({"import_g_per_wh": [0.0]}, "import_g_per_wh: 1 numbers, expected 2"),
        ({"load_w": [0.0, nan]}, "load_w nan: expected"),
        ({"pv_w": [0.0, -1.0]}, "pv_w -1.0: expected 0 to 1e9"),
        ({"import_max_w": [inf, -1.0]}, "import_max_w: a cap is below 0"),
        ({"export_max_w": [inf, nan]}, "export_max_w: a cap is below 0 or no number"),
        ({"samples": [[]]}, "samples: of 1 steps, expected 2"),
        ({"samples": [[], [Scenario(nan, 0.0)]]}, "samples (nan, 0.0, 1.0): expected"),
        ({"samples": [[], [Scenario(1.0, -1.0)]]}, "samples (1.0, -1.0, 1.0): expected"),
        ({"samples": [[], [Scenario(1.0, 0.0, 0.0)]]}, "samples (1.0, 0.0, 0.0): expected"),
        ({"samples": [[], [Scenario(1.0, 0.0)] * 65]}, "samples: 65 in a step, 66 in all: expected 64"),
    ],
)
def test_an_outlook_that_does_not_fit_is_named(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_horizon(PLAIN, replace(outlook([1.0, 2.0]), **wrong), Contract())

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"capacity_wh": 500.0, "reserve_wh": 600.0}, "capacity_wh 500.0: expected 600"),
        ({"energy_wh": nan}, "energy_wh nan"),
        ({"charge_efficiency": 0.0}, "charge_efficiency 0.0: expected 0.001 to 1"),
        ({"discharge_efficiency": 5e-324}, "discharge_efficiency 5e-324: expected 0.001 to 1"),
        ({"wear_eur_per_wh": -1.0}, "wear_eur_per_wh -1.0"),
    ],
)
def test_a_battery_that_cannot_be_is_named(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(RefusedError, match=message.replace("(", r"\(")):
        check_horizon(replace(PLAIN, **wrong), outlook([1.0]), Contract())


def test_carbon_that_makes_an_import_priceless_is_named() -> None:
    there = replace(outlook([1.0, 2.0]), import_g_per_wh=[0.0, 1e9])

    with pytest.raises(
        RefusedError, match=r"import_g_per_wh 1000000000\.0: with co2_eur_per_g 2\.0 an import has no price"
    ):
        check_horizon(PLAIN, there, Contract(co2_eur_per_g=2.0))


def test_a_contract_that_pays_for_peaks_is_refused() -> None:
    for wrong in (Contract(peak_eur_per_w=-1.0), Contract(contract_w=nan), Contract(co2_eur_per_g=inf)):
        with pytest.raises(RefusedError):
            check_horizon(PLAIN, outlook([1.0]), wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([Surcharge([1.0], 0.0)] * 7, "surcharges: 7, expected 6 at most"),
        ([Surcharge([1.0], -1.0)], "surcharges eur_per_wh -1.0: expected 0"),
        ([Surcharge([1.0, 1.0], 0.0)], "surcharges above_w: 2 numbers, expected 1"),
        ([Surcharge([nan], 0.0)], "surcharges above_w: a level is below 0 or no number"),
    ],
)
def test_a_surcharge_that_cannot_be_is_named(wrong: list[Surcharge], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        check_horizon(PLAIN, outlook([1.0]), Contract(surcharges=wrong))


def test_too_many_samples_in_all_are_refused() -> None:
    there = outlook([1.0] * 672, samples=[[Scenario(1.0, 0.0)] * 49] * 672)

    with pytest.raises(RefusedError, match="49 in a step, 32928 in all: expected 64 and 32256 at most"):
        check_horizon(PLAIN, there, Contract())


def test_what_is_well_passes() -> None:
    check_horizon(PLAIN, outlook([1.0, 2.0], import_g_per_wh=[0.1, 0.2]), Contract(contract_w=3000.0))
