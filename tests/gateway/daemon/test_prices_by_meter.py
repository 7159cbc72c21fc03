"""From the bytes of a meter to the price of an hour: Dutch and Belgian telegrams, and a Linky's frame."""

import tomllib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from quartier.control.observe import meter_clocks, observations
from quartier.control.state import ControlState
from quartier.planning.service.planner_inputs import read_meter_tariff
from quartier.planning.tariffs.energy_prices import Tariff, find_prices
from quartier.site.asset_types import GridMeter
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier.site.site_layout import ClockSource, Site, SiteLimits, SupplyMeter
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.meter.device_readings import MeterReadings
from quartier_drivers.meter.protocols import make_decoder

VIRTUAL_TIME = True

VECTORS = Path(__file__).parents[2] / "drivers" / "vectors"
S = 1_000_000_000
LIMITS = SiteLimits(
    import_hard_w=9_000,
    export_hard_w=0,
    import_failsafe_w=0,
    export_failsafe_w=0,
    import_autonomous_w=0,
    export_autonomous_w=0,
)
HOUSE = Site(
    name="b1",
    grid=GridMeter(name="grid", rated_w=9_000),
    assets=(),
    limits=LIMITS,
    clock_sources=(ClockSource(name="grid", tariff_s=1.0, clock_s=1.0),),
)
TWO = Tariff(
    kind="two_rates", zone="Europe/Brussels", prices_eur_per_wh=(2.0, 3.0), off_peak=((22 * 60, 7 * 60),)
)


def utc_s(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def heard(name, case, clock_s, house=HOUSE):
    """What the planner would be told and the clocks that it saw, had the meter just said its capture."""
    said = tomllib.loads((VECTORS / f"{name}.toml").read_text("utf-8"))["case"][case]["text"].encode(
        "latin-1"
    )
    loaded = loading.load_profile(name)
    meter = MeterReadings(DeviceSpec("meter", 1, {"": "grid"}), loaded, lambda: clock_s)
    parser = make_decoder(loaded.protocol, loaded.decoder)
    image = ProcessImage()
    for telegram in (*parser.feed(said), *parser.end()):
        readings = meter.make_readings((telegram,), S)
        if readings is not None:
            image.put(readings)
    now = Now(2 * S, round(clock_s * 1000) + 1_000, synced=True)
    frozen = image.freeze(now.ns)
    state = replace(ControlState.fresh(house), last_good=observations.update_last_good(frozen, house, {}))
    text = lambda point: str(frozen[point].value) if point in frozen else ""  # noqa: E731 - it is handed on
    return read_meter_tariff(state, now, text), meter_clocks.compare_clocks(house, {}, state.last_good, now)


DAL, NORMAL = 2.0, 3.0
TELEGRAMS = [
    ("dsmr/p1", 0, 1, DAL),
    ("dsmr/p1", 1, 1, NORMAL),
    ("fluvius/p1", 0, 2, NORMAL),
]


@pytest.mark.parametrize(("name", "case", "off_peak_index", "price"), TELEGRAMS)
def test_the_index_of_a_p1_telegram_is_the_price_of_now_and_the_file_says_the_rest(
    name, case, off_peak_index, price
):
    noon = utc_s("2026-05-13T12:00", TWO.zone)
    word, _ = heard(name, case, noon)
    found = find_prices(replace(TWO, off_peak_index=off_peak_index), word, (), noon, 3600, 12)

    assert [price, *[NORMAL] * 9, DAL, DAL] == list(found.import_eur_per_wh)


def test_the_stamp_of_a_p1_telegram_is_held_against_our_clock():
    said_s = utc_s("2026-05-12T13:54:09", TWO.zone)

    assert {"grid": meter_clocks.ClockComparison(2.0)} == heard("fluvius/p1", 0, said_s + 2.0)[1]
    assert {"grid": meter_clocks.ClockComparison(7_200.0, 2 * S)} == heard("fluvius/p1", 0, said_s + 7_200.0)[
        1
    ]
    assert {} == heard("dsmr/p1", 1, said_s)[1], "version 3 tells no time"


def test_a_linkys_announced_peaks_its_notice_and_its_calendar_are_in_its_frame():
    house = replace(HOUSE, supplies=(SupplyMeter(name="grid", period_s=2.0),), clock_sources=())
    word, _ = heard("enedis/linky_standard", 0, utc_s("2026-11-30T20:00", "Europe/Paris"), house)
    days = [
        (utc_s(f"2026-12-0{day}T08:00", "Europe/Paris"), utc_s(f"2026-12-0{day}T20:00", "Europe/Paris"))
        for day in (1, 2, 3)
    ]

    assert (6, 3, 1, True) == (word.index, word.today, word.tomorrow, word.notice)
    assert days == list(word.peaks)
    assert ((0, 1), (360, 2), (1_320, 1)) == word.profile
    assert 1 == word.profile_from
