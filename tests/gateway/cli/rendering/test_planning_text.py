"""What a plan is made from, in a line each: what is expected, peaks, carbon."""

from quartier.cli.rendering import planning_text


def test_what_is_expected_stands_in_a_line_with_its_error():
    told = {f"{name}_1h_w": watts for name, watts in (("load", 412.3), ("sun", 1900.0), ("net", -1487.7))}
    told |= {f"{name}_24h_wh": 8_149.0 for name in ("load", "sun", "net")}
    told |= {"net_1h_low_w": -1900.2, "net_1h_high_w": -600.0, "error_w": None}
    (line,) = planning_text.describe_forecast(told)

    assert (
        "expected without battery and cars: next hour load 412 W, sun 1,900 W, net -1,488 W (-1,900 W to -600 W "
        "in 8 of 10); 24 h load 8.1 kWh, sun 8.1 kWh, net 8.1 kWh; not held against anything yet"
    ) == line.plain
    (line,) = planning_text.describe_forecast(told | {"error_w": 321.4})
    assert line.plain.endswith("; error 321 W")
    assert [] == [*planning_text.describe_forecast(None)]


def test_the_days_peak_says_what_is_reached_and_from_where_on_an_import_costs_more():
    peak = {"today_w": 4_190.0, "days_count": 28, "above_w": [4_190.0, 4_190.0, 5_200.0]}
    peak |= {"eur_per_w": 1e-4, "eur_per_wh": [3e-5, 4e-5, 3e-5]}
    (line,) = planning_text.describe_surcharges({"day_peak": peak, "co2": None})

    assert (
        "the peak of today so far 4.2 kW: an hour's import costs more, above 4.2 kW 0.030, above 4.2 kW 0.070, "
        "above 5.2 kW 0.100 EUR/kWh, by the last 28 days"
    ) == line.plain
    (line,) = planning_text.describe_surcharges({"day_peak": peak | {"above_w": []}})
    assert line.plain.endswith("so far 4.2 kW: no day is known yet, no import costs more for it")
    assert (
        []
        == [*planning_text.describe_surcharges(None)]
        == [*planning_text.describe_surcharges({"day_peak": None, "co2": None})]
    )


def test_carbon_says_how_far_it_is_signalled_and_what_counts_beyond():
    co2 = {"eur_per_g": 1e-4, "signalled_s": 7_200.0, "is_forecast": True, "days_count": 7}
    lines = [*planning_text.describe_surcharges({"co2": co2})]
    lines += planning_text.describe_surcharges({"co2": co2 | {"signalled_s": 0.0, "is_forecast": False}})

    assert [
        "CO2 counts 100 EUR a ton: signalled for 2 h, beyond that forecast from 7 days",
        "CO2 counts 100 EUR a ton: not signalled, beyond that not known",
    ] == [line.plain for line in lines]


def test_what_is_held_to_the_rule_says_how_far_it_is_behind_and_how_much_it_counts():
    held = {
        "co2": {"behind_days": 0.069, "factor": 1.512},
        "day_peak": {"behind_days": -0.3, "factor": 1.0},
    }
    (line,) = planning_text.describe_surcharges({"held": held})
    assert (
        "held to self-consumption: CO2 0.07 days behind, counts 1.51 times, "
        "the day's peak 0.30 days ahead, counts 1.00 times"
    ) == line.plain


def test_the_months_peak_says_what_is_reached_and_what_is_free():
    month = {"eur_per_w": 0.008, "month_w": 4_240.0, "free_w": 5_000.0}
    assert ["the peak of this month so far 4.2 kW: an import above 5.0 kW costs 8 EUR a kW"] == [
        line.plain for line in planning_text.describe_surcharges({"month_peak": month})
    ]
