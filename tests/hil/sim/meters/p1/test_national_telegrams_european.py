import datetime as dt
from random import Random

import pytest

from quartier_sim.meters.p1.national_telegrams import COUNTRIES
from quartier_sim.meters.p1.p1_meters import generate_household
from quartier_sim.meters.p1.telegrams import ChildMeter, Household

NOW = dt.datetime(2020, 5, 12, 11, 54, 9, tzinfo=dt.UTC)
CHILDREN = tuple(
    ChildMeter(channel=channel, kind=kind, serial=f"{channel:017d}", moment=NOW, value=872.234)
    for channel, kind in ((1, 3), (2, 7))
)
HOUSE = Household(
    moment=NOW, serial="1SAG1100021605", import_kwh=(0.034, 15.758), import_kw=(0.4,), amps=(1.85,), children=CHILDREN,
    peak_kw=2.589, peak_moment=NOW,
)  # fmt: skip


@pytest.mark.parametrize(
    ("country", "lines"),
    [
        ("belgium", ("1-0:1.6.0(200512135409S)(02.589*kW)", "0-1:24.2.3(200512135409S)(00872.234*m3)", "0-2:24.2.1(200512135409S)(00872.234*m3)", "1-0:31.7.0(001.85*A)")),
        ("luxembourg", ("0-0:42.0.0(3153414731313030303231363035)", "1-0:1.8.0(000015.792*kWh)", "0-0:17.0.0(027.6*kVA)")),
        ("sweden", ("1-0:1.8.0(00000015.792*kWh)", "1-0:1.7.0(0000.400*kW)", "1-0:31.7.0(001.9*A)")),
        ("hungary", ("1-0:14.7.0(50.00*Hz)", "1-0:1.8.0(000015.792*kWh)", "0-0:96.1.0(1SAG1100021605)")),
        ("austria", ("1-0:1.8.0(000015792*Wh)", "1-0:1.8.1(000000034*Wh)", "1-0:1.7.0(000000400*W)")),
    ],
)  # fmt: skip
def test_each_country_has_its_lines(country, lines):
    text = COUNTRIES[country](HOUSE, "full").data.decode()

    for line in lines:
        assert f"\r\n{line}\r\n" in text


@pytest.mark.parametrize("country", COUNTRIES)
def test_no_object_comes_twice_and_lines_are_short_enough(country):
    random = Random(2)
    for _ in range(50):
        telegram = COUNTRIES[country](generate_household(random), "full")
        labels = [said.label for said in telegram.statements]
        assert len(labels) == len(set(labels))
        assert max(map(len, telegram.data.split(b"\r\n"))) <= 1024
