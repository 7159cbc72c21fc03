"""Keys of planning: each contract has its prices, in the order in which a Linky counts them."""

import pytest

from quartier.config.sections.planning_sections import PRICES_BY_CONTRACT, PlanningSection, TariffSection


@pytest.mark.parametrize("contract", list(PRICES_BY_CONTRACT))
def test_each_contract_gives_its_prices_in_the_meters_order(contract: str) -> None:
    said = {name: (number + 1) / 10_000 for number, name in enumerate(PRICES_BY_CONTRACT[contract])}

    assert (
        tuple(said.values()) == TariffSection.model_validate({"contract": contract, **said}).prices_eur_per_wh
    )


def test_tempo_counts_blue_white_red_off_peak_first() -> None:
    assert (
        "blue_off_peak",
        "blue_peak",
        "white_off_peak",
        "white_peak",
        "red_off_peak",
        "red_peak",
    ) == tuple(name.removesuffix("_eur_per_wh") for name in PRICES_BY_CONTRACT["tempo"])


def test_nobody_need_say_anything_of_planning() -> None:
    assert (900, 90.0, 259_200.0) == (
        PlanningSection().step_s,
        PlanningSection().round_trip_pct,
        PlanningSection().history_min_s,
    )
