"""Groups of a meter become points of the house, and only those that are stated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.meaning import TelegramMeaning, list_labels
from quartier_drivers.meter.p1.lines import render_iso_time as p1
from quartier_drivers.meter.schema import MeterPoint
from quartier_drivers.meter.telegrams import Group, Telegram
from quartier_drivers.meter.tic.groups import render_iso_time
from quartier_drivers.readings import Quality


def meaning(utc_s=lambda: None, /, **points):
    statements = {name: (name, MeterPoint.model_validate(keys)) for name, keys in points.items()}
    return TelegramMeaning(statements, utc_s)


def told(of, *groups, meter="", **more):
    return of.convert(Telegram(meter, tuple(groups), **more))


def values(of, *groups, **more):
    return {name: meant.value for name, meant in told(of, *groups, **more).items()}


def test_a_label_is_a_point_in_the_houses_unit():
    of = meaning(energy_import_wh={"group": "1-0:1.8.0"}, apparent_power_va={"group": "PREF", "unit": "kVA"})

    assert {"energy_import_wh": 2130115.0, "apparent_power_va": 6000.0} == values(
        of, Group("1-0:1.8.0", 2130.115, "kWh"), Group("PREF", "06")
    )


def test_the_groups_own_unit_counts_before_the_profiles():
    assert {"power_w": 5.0} == values(meaning(power_w={"group": "P", "unit": "kW"}), Group("P", 5, "W"))


def test_a_unit_of_another_quantity_is_bad_not_scaled():
    found = told(meaning(power_w={"group": "P"}), Group("P", 5, "VA"))

    assert (None, Quality.BAD, "5 VA") == (
        found["power_w"].value,
        found["power_w"].quality,
        found["power_w"].raw,
    )


def test_the_first_alternative_that_is_stated_counts_and_sums_need_all_their_parts():
    of = meaning(energy_import_wh={"group": ["BASE", ["HCHC", "HCHP"]], "unit": "Wh"})

    assert {"energy_import_wh": 7.0} == values(of, Group("BASE", "007"), Group("HCHC", "001"))
    assert {"energy_import_wh": 3.0} == values(of, Group("HCHC", "001"), Group("HCHP", "002"))
    assert {} == values(of, Group("HCHC", "001"))


def test_what_is_taken_off_counts_nothing_only_where_the_meter_never_states_it():
    keys = {"group": "IN", "minus": "OUT", "unit": "W"}
    one_way, two_way = meaning(power_w=keys), meaning(power_w=keys)

    assert {"power_w": 5.0} == values(one_way, Group("IN", 5))
    assert {} == values(one_way, Group("IN", 5), bad_count=1), "the damaged one may have been it"
    assert {"power_w": -2.0} == values(two_way, Group("IN", 5), Group("OUT", 7))
    assert {} == values(two_way, Group("IN", 5)), "it states both; this time one is missing"


def test_an_import_of_zero_without_its_export_is_no_power_until_none_has_come_for_a_while():
    of = meaning(power_w={"group": "IN", "minus": "OUT", "unit": "W"})

    assert [{}] * 8 == [values(of, Group("IN", 0)) for _ in range(8)]
    assert {"power_w": 0.0} == values(of, Group("IN", 0)), "a meter without a counter of export"
    assert {"power_w": -7.0} == values(of, Group("IN", 0), Group("OUT", 7))
    assert {} == values(of, Group("IN", 0)), "it has one"


def test_each_alternative_has_its_own_opposite_and_signed_power_has_none():
    of = meaning(power_w={"group": ["NET", "IN"], "minus": ["", "OUT"], "unit": "W"})

    assert {"power_w": -3.0} == values(of, Group("NET", -3), Group("IN", 0), Group("OUT", 3))
    assert {"power_w": -3.0} == values(of, Group("IN", 0), Group("OUT", 3))
    assert {"power_w": -3.0} == values(of, Group("IN", -3), Group("OUT", 3)), "signed, though called import"


def test_patterns_have_opposites_too():
    of = meaning(power_w={"group": ["1-?:16.7.0", "1-?:1.7.0"], "minus": ["", "1-?:2.7.0"], "unit": "W"})

    assert {"power_w": -3.0} == values(of, Group("1-1:1.7.0", 0), Group("1-1:2.7.0", 3))
    assert {"power_w": 4.0} == values(of, Group("1-1:16.7.0", 4), Group("1-1:2.7.0", 3))


def test_what_was_told_with_its_time_is_told_again_on_request():
    of = meaning(volume_m3={"group": "GAS", "unit": "m3"})
    group = Group("GAS", 5, time="2026-01-01T00:00:00+01:00")

    assert [{"volume_m3": 5.0}, {}] == [values(of, group), values(of, group)]
    of.repeat()
    assert {"volume_m3": 5.0} == values(of, group)


def test_patterns_and_selections_find_the_right_record():
    of = meaning(
        volume_m3={"group": "0-?:24.2.*", "select": {"medium": "gas"}},
        heat_energy_wh={"select": [{"quantity": "energy", "storage": 0, "unit": ["kWh", "MJ"]}]},
    )

    assert {"volume_m3": 2.5, "heat_energy_wh": 1000.0} == values(
        of,
        Group("0-1:24.2.1", 9, "m3", more={"medium": "water"}),
        Group("0-2:24.2.1", 2.5, "m3", more={"medium": "gas"}),
        Group("0", 5, "kWh", more={"quantity": "energy", "storage": 1}),
        Group("1", 3.6, "MJ", more={"quantity": "energy", "storage": 0}),
    )


def test_bits_of_a_status_word_become_switches_and_indexes():
    of = meaning(
        over_power_on={"group": "STGE", "form": "hex", "bit": 7},
        tariff_index={"group": "STGE", "form": "hex", "bits": [10, 13], "offset": 1},
        colour_text={"group": "STGE", "form": "hex", "bits": [24, 25], "values": {1: "blue", 2: "white"}},
    )

    assert {"over_power_on": True, "tariff_index": 2, "colour_text": "white"} == values(
        of, Group("STGE", f"{1 << 7 | 1 << 10 | 2 << 24:08X}")
    )
    assert Quality.BAD is told(of, Group("STGE", "00"))["colour_text"].quality


def test_codes_as_sent_become_numbers_and_names():
    of = meaning(
        tariff_index={"group": "PTEC", "form": "text", "values": {"TH..": 1, "HC..": 2}},
        tariff_text={"group": "PTEC"},
        relay_on={"group": "RELAIS", "bit": 0},
    )
    of_text = {"group": "PTEC", "form": "text"}
    assert {"tariff_text": "HC.."} == values(meaning(tariff_text=of_text), Group("PTEC", " HC.. "))
    assert 2 == values(of, Group("PTEC", "HC.."))["tariff_index"]
    assert values(of, Group("RELAIS", "001"))["relay_on"]
    assert not values(of, Group("RELAIS", "254"))["relay_on"]


def test_a_group_that_only_comes_when_something_is_wrong_is_off_in_a_whole_telegram_without_it():
    of = meaning(over_current_on={"group": "ADPS", "unstated": 0})

    assert {"over_current_on": True} == values(of, Group("ADPS", "031"))
    assert {"over_current_on": False} == values(of, Group("PAPP", "1"))
    assert {} == values(of, Group("PAPP", "1"), bad_count=1)
    assert {"over_current_on": False} == values(of, Group("PAPP", "1"), bad_count=1, is_proven=True)
    assert {} == values(of, Group("PAPP", "1"), is_whole=False)


def test_a_short_telegram_that_never_states_a_group_tells_nothing_of_it():
    of = meaning(peak_notice_s={"group": "PEJP", "unstated": 0, "unstated_beside": ["PTEC", "NTARF"]})

    assert {"peak_notice_s": 1800.0} == values(of, Group("PEJP", "30", "min"), Group("PTEC", "HN.."))
    assert {"peak_notice_s": 0.0} == values(of, Group("NTARF", "01"))
    assert {"peak_notice_s": 0.0} == values(of, Group("PTEC", "HN.."))
    assert {} == values(of, Group("ADIR1", "061"), Group("ADCO", "041876097319"))


def test_a_value_with_a_time_of_its_own_is_told_once():
    of = meaning(volume_m3={"group": "G"})

    assert {"volume_m3": 1.0} == values(of, Group("G", 1, "m3", "2026-11-25T19:00:00"))
    assert {} == values(of, Group("G", 1, "m3", "2026-11-25T19:00:00"))
    assert {"volume_m3": 1.0} == values(of, Group("G", 1, "m3", "2026-11-25T20:00:00"))
    of.forget()
    assert {"volume_m3": 1.0} == values(of, Group("G", 1, "m3", "2026-11-25T20:00:00"))


def test_the_meters_clock_is_compared_with_ours():
    of = meaning(lambda: 1_764_097_260.0, clock_offset_s={"group": "DATE", "form": "clock"})

    assert {"clock_offset_s": 60.0} == values(of, Group("DATE", "", time="2025-11-25T20:00:00+01:00"))
    assert {"clock_offset_s": None} == values(of, Group("DATE", "", time="2025-11-25T20:00:01"))


@pytest.mark.parametrize("more", [{"season": "h"}, {"season": "e"}, {"summer": 1, "doubtful": 1}])
def test_a_clock_that_its_meter_calls_degraded_or_doubtful_is_not_compared(more):
    of = meaning(lambda: 1_764_097_260.0, clock_offset_s={"group": "DATE", "form": "clock"})
    then = "2025-11-25T20:00:00+01:00"

    assert {"clock_offset_s": None} == values(of, Group("DATE", "", time=then, more=more))
    then = "2025-11-25T20:00:01+01:00"
    assert {"clock_offset_s": 59.0} == values(of, Group("DATE", "", time=then, more={"season": "H"}))


CHANGES = [
    # Enedis-NOI-CPT_54E, DATE: E summer, H winter
    (
        render_iso_time,
        [
            ("E261025025959", 1_792_889_999),
            ("H261025020000", 1_792_890_000),
            ("H261025030000", 1_792_893_600),
        ],
    ),
    (render_iso_time, [("H260329015959", 1_774_745_999), ("E260329030000", 1_774_746_000)]),
    # P1 companion standard 5.0.2, 0-0:1.0.0: S summer, W winter
    (
        p1,
        [
            ("261025025959S", 1_792_889_999),
            ("261025020000W", 1_792_890_000),
            ("261025030000W", 1_792_893_600),
        ],
    ),
    (p1, [("260329015959W", 1_774_745_999), ("260329030000S", 1_774_746_000)]),
]


@pytest.mark.parametrize(("read", "stamps"), CHANGES)
def test_neither_day_on_which_clocks_change_is_a_difference(read, stamps):
    for said, utc_s in stamps:
        of = meaning(lambda: utc_s + 2.0, clock_offset_s={"group": "DATE", "form": "clock"})  # noqa: B023 - used at once
        assert {"clock_offset_s": 2.0} == values(of, Group("DATE", "", time=read(said)))


def test_what_a_meter_announces_is_told_as_the_time_until_then_each_time_anew():
    now_s = iter([1_764_086_460.0, 1_764_086_470.0, 1_764_097_320.0, 0.0])
    of = meaning(lambda: next(now_s), peak_1_begin_in_s={"group": "DPM1", "form": "countdown"})
    said = Group("DPM1", "01", time="2025-11-25T20:00:00+01:00", more={"season": "H"})

    assert [10_740.0, 10_730.0, -120.0] == [values(of, said)["peak_1_begin_in_s"] for _ in range(3)]
    assert {"peak_1_begin_in_s": None} == values(of, Group("DPM1", "01", time=""))


@pytest.mark.parametrize(
    "value", ["", "12A", "1_000", "nan", "inf", "٣", "1e9", float("nan"), float("inf"), 1.8e308]
)
def test_what_is_no_number_is_bad(value):
    found = told(meaning(energy_import_wh={"group": "E", "unit": "MWh"}), Group("E", value))

    assert (None, Quality.BAD) == (found["energy_import_wh"].value, found["energy_import_wh"].quality)


def test_implausible_and_absent_values_are_bad():
    of = meaning(voltage_l1_v={"group": "U", "unit": "V", "low": 100, "high": 300, "absent": [0]})

    beyond = told(of, Group("U", 999))["voltage_l1_v"]
    assert (999.0, Quality.BAD) == (beyond.value, beyond.quality)
    assert told(of, Group("U", "000"))["voltage_l1_v"].value is None


def test_a_child_is_known_by_its_own_serial():
    of = meaning(volume_m3={"group": "G"}, energy_import_wh={"group": "E"})

    found = told(of, Group("G", 1, "m3", more={"meter": "G1"}), Group("E", 1, "Wh"), meter="E1")

    assert ("G1", "E1") == (found["volume_m3"].meter, found["energy_import_wh"].meter)


def test_a_reader_is_told_every_label():
    one = MeterPoint.model_validate({"group": ["A", ["B", "C"], "0-?:*"], "minus": "D"})

    assert ("A", "B", "C", "D") == list_labels([one])


@given(
    st.integers(-(10**20), 10**20)
    | st.floats()
    | st.from_regex(r"[+-]?[0-9]{1,20}(\.[0-9]{0,10})?", fullmatch=True)
    | st.sampled_from([" 5 ", "", "x", "1e5", "0x1F", "-0.0", 1.5e308]),
    st.sampled_from(["", "Wh", "kWh", "kcal", "VA", "GJ"]),
    st.sampled_from(["", "kWh", "Q"]),
    st.sampled_from([1.0, 0.1, 3.0, 1e-3]),
    st.sampled_from([0.0, -2.5, 1e9]),
    st.sampled_from([1, -1]),
)
def test_one_group_is_worth_to_the_last_bit_what_a_sum_of_one_is(value, unit, own, scale, offset, sign):
    keys = {"group": "E", "unit": own, "scale": scale, "offset": offset, "sign": sign}
    plain, summed = meaning(energy_import_wh=keys), meaning(energy_import_wh=keys)
    summed._rules[0]._is_plain = False

    assert repr(told(summed, Group("E", value, unit))) == repr(told(plain, Group("E", value, unit)))
