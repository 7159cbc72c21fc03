"""Profiles are ranked by the maker and model that a meter states, and by what they read."""

from types import MappingProxyType

import pytest

from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.meter.discovery.recognition import (
    MarkMatch,
    MeterIdentity,
    ProfileReadings,
    find_fitting,
    match_marks,
    rank_profiles,
)
from quartier_drivers.meter.meaning import PointValue
from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.meter.schema import MeterMarks
from quartier_drivers.meter.telegrams import Group, Telegram
from quartier_drivers.readings import Quality


def who(*groups: Group, meter: str = "", head: str = "") -> MeterIdentity:
    found = MeterIdentity()
    found.take(Telegram(meter, groups), head)
    return found


def mbus(maker: str, medium: str, version: int) -> Group:
    more = MappingProxyType({"maker": maker, "medium": medium, "version": version})
    return Group("status", "0x00", "", "", more)


@pytest.mark.parametrize(
    ("maker", "said"),
    [
        ("DZG", who(Group("1-0:96.50.1*1", "DZG"))),
        ("EMH", who(Group("129-129:199.130.3", "EMH"))),
        ("EMH", who(meter="1EMH0012345678")),
        ("EMH", who(meter="06454d4801001d4615ca")),
        ("ISK", who(meter="090149534b000403df63")),
        ("KFM", who(Group("1-0:0.2.129", "KFM_001"), meter="7340157030732044")),
        ("KAM", who(Group("1-1:0.2.129", "Kamstrup_V0001"))),
        ("LGZ", who(Group("0-0:42.0.0", "LGZ1030655933512"))),
        ("KFM", who(head="KFM5KAIFA-METER")),
        ("ISK", who(head="ISk5\\2MT382-1000")),
        ("SAG", who(head="SAG1030002aca5")),
        ("ACW", who(mbus("ACW", "heat", 11))),
        ("", who(Group("1-0:1.8.0", 5), meter="080535342d510177")),
        ("", who(head="12")),
        ("", who(meter="0601020301001d4615ca")),
    ],
)
def test_the_maker_is_known_by_whatever_states_it(maker: str, said: MeterIdentity) -> None:
    assert maker == said.maker


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("KFM MA304H4", who(Group("1-0:0.2.129", "KFM_001"), Group("0-0:96.1.7", "MA304H4"))),
        ("ACW heat inlet version 11", who(mbus("ACW", "heat_inlet", 11))),
        ("KFM5KAIFA-METER", who(head="KFM5KAIFA-METER")),
        ("Linky (Landis+Gyr, 2019)", who(Group("ADSC", "041976000001"))),
        ("Linky (maker 31, 2021)", who(Group("ADCO", "312176000001"))),
        ("", who(Group("ADCO", "nonsense"))),
    ],
)
def test_a_person_reads_maker_and_model(text: str, said: MeterIdentity) -> None:
    assert text == said.text


def test_marks_fit_are_missing_or_are_contradicted() -> None:
    marks = MeterMarks.model_validate(
        {
            "makers": ["emh"],
            "head": "EMH5*",
            "states": {"1-0:96.50.1*1": "*", "1-0:0.2.0": ["1.?", "2"]},
            "lacks": "1-0:9*",
            "media": "heat",
            "versions": [1, 2],
        }
    )

    said = who(Group("1-0:0.2.0", "3"), mbus("EMH", "heat", 2), head="EMH5x")
    assert MarkMatch(
        ("maker is EMH", "identification is EMH5x", "medium is heat", "version is 2"),
        ("1-0:96.50.1*1",),
        ("1-0:0.2.0 is 3",),
    ) == match_marks(marks, said)
    other = who(Group("1-0:96.50.1*1", "DZG"))
    assert MarkMatch(
        ("states 1-0:96.50.1*1",),
        ("identification", "medium", "version", "1-0:0.2.0"),
        ("maker is DZG", "states 1-0:9*"),
    ) == match_marks(marks, other)
    assert MarkMatch() == match_marks(MeterMarks(), said)


def profile(name: str, marks: str = "", decoder: str = "") -> MeterProfile:
    text = (
        '[profile]\nprotocol = "sml"\nmaker = "A"\nmodel = "B"\nsource = "made for this test"\n'
        f'[decoder]\n{decoder}\n[recognise]\n{marks}\n[points.power_w]\ngroup = "1-0:16.7.0"\n'
    )
    found = parse_profile(text, name, "test.toml")
    assert isinstance(found, MeterProfile)
    return found


def reading(one: MeterProfile, **told: float | None) -> ProfileReadings:
    def meant(value: float | None) -> PointValue:
        return PointValue(value, Quality.BAD if value in (None, 9e9) else Quality.GOOD, "")

    return ProfileReadings(one, {name: meant(value) for name, value in told.items()})


EMH = who(Group("1-0:96.50.1*1", "EMH"))
PLAIN = profile("a/any")
OTHER = profile("b/other", 'makers = "DZG"')
OWN = profile("c/own", 'makers = "EMH"')
MENDING = profile("d/mending", 'makers = "EMH"', 'defects = ["unsigned-power"]')
MODEL = profile("e/model", 'makers = "EMH"\nstates = { "1-0:96.50.1*1" = "*" }')


def names(*readings: ProfileReadings, said: MeterIdentity = EMH) -> list[str]:
    return [one.profile for one in rank_profiles(readings, said)]


def test_a_profile_that_corrects_the_makers_defect_comes_before_one_that_does_not() -> None:
    told = [reading(one, power_w=5.0, frequency_hz=50.0) for one in (PLAIN, OTHER, OWN)]
    first, second = rank_profiles([*told, reading(MENDING, power_w=-5.0)], EMH)

    assert ("d/mending", "sure", True, {"power_w": -5.0}) == (
        first.profile,
        first.sure,
        first.corrects,
        first.points,
    )
    assert "maker is EMH; corrects a known defect (unsigned-power)" == first.why
    assert ("c/own", "maker is EMH") == (second.profile, second.why)


def test_what_another_maker_contradicts_is_never_suggested() -> None:
    assert [] == names(reading(OTHER, power_w=5.0))
    assert ["a/any"] == names(reading(OTHER, power_w=5.0), reading(PLAIN, power_w=5.0))


def test_a_mark_that_is_not_stated_takes_certainty() -> None:
    told = [reading(one, power_w=5.0) for one in (MODEL, OWN)]

    assert ["c/own", "e/model"] == names(*told, said=who(meter="1EMH0012345678"))
    assert ["likely"] == [one.sure for one in rank_profiles(told[:1], who(meter="1EMH0012345678"))]
    assert ["e/model", "c/own"] == names(*told), "the model is a mark more"


def test_where_nothing_is_stated_a_profile_for_all_makers_is_possible() -> None:
    told = [reading(one, power_w=5.0) for one in (MENDING, OWN, PLAIN)]
    first, *_ = rank_profiles(told, MeterIdentity())

    assert ("a/any", "possible", "no mark contradicts it") == (first.profile, first.sure, first.why)


def test_what_reads_nothing_is_not_suggested_and_of_equals_the_one_that_reads_more_comes_first() -> None:
    more = profile("z/more")

    assert ["z/more", "a/any"] == names(
        reading(PLAIN, power_w=5.0), reading(more, power_w=5.0, frequency_hz=50.0)
    )
    assert [] == names(reading(PLAIN))
    bad = ProfileReadings(
        PLAIN,
        {
            "power_w": PointValue(5.0, Quality.BAD, ""),
            "x_on": PointValue(0, Quality.GOOD, "", is_stated=False),
        },
    )
    assert [] == names(bad)


def test_a_wrong_scale_shows_in_the_voltages() -> None:
    tenths, whole = profile("a/tenths"), profile("b/whole")

    assert ["b/whole"] == names(
        reading(tenths, voltage_l1_v=23.0, power_w=1.0), reading(whole, voltage_l1_v=230.0)
    )
    assert ["b/whole"] == names(reading(whole, voltage_l1_v=230.0, voltage_l2_v=0.0)), (
        "an absent phase is none"
    )
    assert ["a/tenths"] == names(reading(tenths, voltage_l1_v=57.7)), (
        "medium voltage: nothing better is there"
    )


def test_a_hint_of_the_profile_is_said() -> None:
    one = profile("a/b", 'makers = "EMH"\nhint = "compare the display"')

    (first,) = rank_profiles([reading(one, power_w=1.0)], EMH)
    assert ("likely", "maker is EMH; compare the display") == (first.sure, first.why)


def test_a_meter_that_only_a_scan_has_found_is_ranked_by_its_marks() -> None:
    heat = profile("generic/heat", 'media = ["heat", "heat_inlet"]')
    own = profile("acme/heat", 'makers = "ACW"\nmedia = ["heat", "heat_inlet"]')

    assert [("acme/heat", "likely"), ("generic/heat", "likely")] == [
        (one.profile, one.sure) for one in find_fitting([heat, own, PLAIN], who(mbus("ACW", "heat_inlet", 1)))
    ]
    assert ["generic/heat"] == [one.profile for one in find_fitting([heat, own], who(mbus("", "heat", 1)))]
    assert [] == find_fitting([heat, own], who(mbus("ACW", "gas", 1)))


def of_mbus(marks: str) -> MeterProfile:
    text = (
        '[profile]\nprotocol = "mbus"\nmaker = "A"\nmodel = "B"\nsource = "made for this test"\n'
        f"[recognise]\n{marks}\n"
        '[points.heat_energy_wh]\nselect = { quantity = "energy" }\n'
        '[points.heat_power_w]\nselect = { quantity = "power" }\nabsent = [99]\nhigh = 1000\n'
        '[points.flow_temperature_c]\nselect = { quantity = "flow temperature" }\n'
    )
    found = parse_profile(text, "a/heat", "test.toml")
    assert isinstance(found, MeterProfile)
    return found


@pytest.mark.parametrize(
    ("told", "sure", "why"),
    [
        ({"heat_energy_wh": 5_000.0, "heat_power_w": 0.0}, "sure", "2 values in range"),
        ({"heat_energy_wh": 5_000.0}, "likely", "reads 1 of its 3 values"),
        ({"heat_energy_wh": 0.0, "heat_power_w": 0.0}, "likely", "all values are 0"),
        (
            {"heat_energy_wh": 5_000.0, "heat_power_w": 9e9, "flow_temperature_c": None},
            "likely",
            "out of range, or in another unit: heat_power_w, flow_temperature_c",
        ),
        ({"heat_energy_wh": 5_000.0, "heat_power_w": None, "flow_temperature_c": 60.0}, "sure", "in range"),
    ],
)
def test_maker_and_medium_are_of_many_models_so_that_values_must_confirm_a_profile(told, sure, why) -> None:
    own = reading(of_mbus('makers = "ACW"\nmedia = "heat"'), **told)
    (found,) = rank_profiles([own], who(mbus("ACW", "heat", 1)))

    assert sure == found.sure
    assert found.why.startswith("maker is ACW; medium is heat; ")
    assert found.why.endswith(why)


def test_a_wrong_value_takes_certainty_from_a_profile_whose_model_is_named() -> None:
    own = of_mbus('makers = "ACW"\nversions = [1]')
    told = {"heat_energy_wh": 5_000.0}

    (found,) = rank_profiles([reading(own, **told)], who(mbus("ACW", "heat", 1)))
    assert ("sure", "maker is ACW; version is 1") == (found.sure, found.why)
    (found,) = rank_profiles([reading(own, **told, heat_power_w=9e9)], who(mbus("ACW", "heat", 1)))
    assert ("likely", True) == (found.sure, "heat_power_w" in found.why)
    (found,) = rank_profiles(
        [reading(of_mbus('media = "heat"'), heat_energy_wh=1.0, heat_power_w=9e9)], who(mbus("X", "heat", 1))
    )
    assert "possible" == found.sure
