from quartier_hil.street import street_scenario
from quartier_hil.street.street_scenario import (
    StreetSample,
    build_scenarios,
    compute_limit_w,
    evaluate_street,
)

TITLES = {"b001": "Lilac house", "b002": "Corner house", "b003": "Garden house"}


def moments(before_w=11_000.0, led_w=8_600.0, lost_w=8_400.0, lost_mode="FAILSAFE"):
    found = []
    for second in range(0, int(street_scenario.ENDS_AT_S), 5):
        led = street_scenario.DISTRICT_AT_S + 100 < second < street_scenario.DIES_AT_S + 121
        lost = street_scenario.DIES_AT_S + 200 < second < street_scenario.BACK_AT_S + 60
        watts = led_w if led else lost_w if lost else before_w
        mode = lost_mode if lost else "CONTROLLED"
        found.append(StreetSample(float(second), dict.fromkeys(TITLES, watts), dict.fromkeys(TITLES, mode)))
    return found


SHARES = dict.fromkeys(TITLES, street_scenario.SHARE_W)


def test_a_street_that_was_overloaded_is_led_and_keeps_its_shares_when_its_district_dies():
    assert [True] * 8 == [one.holds for one in evaluate_street(moments(), SHARES, street_scenario.LIMIT_W)]


def test_each_promise_is_broken_by_its_own_figure_alone():
    def broken(**what):
        return {
            one.check
            for one in evaluate_street(moments(**what), SHARES, street_scenario.LIMIT_W)
            if not one.holds
        }

    assert {"overload"} == broken(before_w=8_600.0)
    assert {"within"} == broken(led_w=9_000.0)
    assert {"share"} == broken(lost_w=8_750.0)
    assert {"share", "lost"} == broken(lost_w=9_000.0)
    assert {"mode"} == broken(lost_mode="AUTONOMOUS")


def test_nothing_measured_is_a_promise_that_was_not_kept():
    assert not any(one.is_kept for one in evaluate_street([], SHARES, street_scenario.LIMIT_W))


def test_a_share_that_nobody_wanted_is_not_shown_though_it_was_not_exceeded():
    found = evaluate_street(moments(lost_w=640.0), SHARES, street_scenario.LIMIT_W)

    assert {"share", "lost"} == {one.check for one in found if one.result == "not shown"}
    assert "only 8% of the limit: too far below to show that it is kept" in {one.unshown for one in found}


def _said(found):
    narration = street_scenario.build_narration(TITLES, street_scenario.LIMIT_W)
    return [text for one in found for text in narration.step(one.at_s, one.values)]


def test_the_narration_tells_what_the_meters_show():
    text = " ".join(_said(moments()))

    assert (
        "Without a district Lilac house takes 11.0 kW (contract 18 kW), Corner house takes 11.0 kW (contract "
        "18 kW), Garden house takes 11.0 kW (contract 18 kW); the transformer carries 33.0 kW of 26 kW."
    ) in text
    assert (
        "Each house has detected the loss, and is limited to its own share: the transformer carries" in text
    )
    assert "The district controls each house again" in text


def test_a_street_that_draws_little_and_notices_nothing_is_told_so():
    text = " ".join(_said(moments(before_w=600.0, lost_mode="AUTONOMOUS")))

    assert "The cars did not overload the street: the transformer carries 1.8 kW of 26 kW." in text
    assert "0 of 3 houses have detected the loss" in text


def test_the_shares_of_the_street_fit_its_transformer_and_its_contracts_do_not():
    for with_public in (False, True):
        homes = [made.house for _, made in build_scenarios(with_public=with_public)]
        limit = compute_limit_w(with_public=with_public)
        assert sum(home.failsafe_import_w for home in homes) <= limit
        # On its own a building takes 80 % of its contract.
        assert sum(home.contract_import_w for home in homes) * 0.8 > limit
    assert {"lights", "substation", "chp", "waste"} == {asset.kind for asset in homes[-1].assets}


def test_each_building_is_told_with_its_own_power_and_its_own_contract():
    powers_w = {"b001": 11_600.0, "b004": 16_000.0}
    moment = StreetSample(street_scenario.PLUGGED_AT_S + 1.0, powers_w, dict.fromkeys(powers_w, "AUTONOMOUS"))
    narration = street_scenario.build_narration(
        {"b001": "Lilac house", "b004": "Town hall"}, street_scenario.LIMIT_W
    )

    assert (
        "Without a district Lilac house takes 11.6 kW (contract 18 kW), Town hall takes 16.0 kW (contract 20 kW); "
        "the transformer carries 27.6 kW of 26 kW."
    ) == list(narration.step(moment.at_s, moment.values))[-1]
