import datetime as dt

import pytest

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.meter.bus_section import MeterBus
from quartier_drivers.meter.driver import FACTORY
from quartier_hil.scenario.site import SiteSpec
from quartier_hil.scenario.supply_contract import ContractCalendar, Tariff
from quartier_hil.synthetic.supply import ManualClock, SimulatedLinky

START = dt.datetime(2026, 1, 19, 12)  # noqa: DTZ001 - legal time of the place
UTC = dt.datetime(2026, 1, 19, 11, tzinfo=dt.UTC)
NIGHT = Tariff(contract="tempo", colours=("white", "red"))


class Heard:
    """A Linky and its driver, second by second; what is heard of it lately, by quantity."""

    def __init__(self, tariff, step_s=1.0):
        clock = ManualClock()
        line = FACTORY.line("tic", MeterBus(kind="tic", port="/dev/null"), clock)
        line.why = ""
        spec = DeviceSpec("linky_tic", 0, {"": "linky"})
        driver = FACTORY.driver(line, spec, loading.load_profile(f"enedis/linky_{tariff.mode}"), clock)
        calendar = ContractCalendar(tariff, START)
        self.linky = SimulatedLinky(driver, clock, SiteSpec(), calendar, 1)
        self.clock, self.step_s, self.now_s, self.energy_wh = clock, step_s, 0.0, 0.0
        self.values, self.counts = {}, []

    def go(self, seconds, power_w=3_600.0, utc=UTC):
        """Let time pass at a power of import."""
        for _ in range(round(seconds / self.step_s)):
            self.now_s += self.step_s
            self.energy_wh += power_w * self.step_s / 3600
            self.clock.ns = round(self.now_s * 1e9)
            moment = utc + dt.timedelta(seconds=self.now_s)
            self.clock.utc = int(moment.timestamp() * 1000)
            shown = {"grid.power_w": power_w, "grid.energy_import_wh": self.energy_wh, "hp1.power_w": 1.0}
            told = list(self.linky.turn(shown, self.now_s, moment))
            self.counts.append(len(told))
            for readings in told:
                for place, point in enumerate(readings.layout.points):
                    self.values[point.removeprefix("linky.")] = readings.value(place)
        return self


@pytest.mark.parametrize("mode", ["standard", "historique"])
def test_telegrams_become_readings_by_the_gateways_own_decoder(mode):
    heard = Heard(Tariff(**{**NIGHT.model_dump(), "mode": mode})).go(20)

    assert (4, 3_600) == (heard.values["tariff_index"], heard.values["apparent_power_va"])
    assert 2 == heard.values["today_colour_state"]
    assert 0 < heard.energy_wh - heard.values["energy_import_t4_wh"] <= 4


def test_a_frame_is_heard_when_its_last_byte_is_over():
    heard = Heard(NIGHT).go(60)

    # Some 1,200 bytes of ten bits at 9600 baud: a frame lasts more than a second, and less than two.
    assert 29 <= sum(count > 0 for count in heard.counts) <= 59
    assert [0] == heard.counts[:1]


def test_colours_and_periods_follow_the_house_time():
    heard = Heard(NIGHT)
    seen = []
    for hours in (7.9, 8.1, 10.1, 18.1):
        heard.go(10, utc=UTC + dt.timedelta(hours=hours))
        names = ("tariff_index", "today_colour_state", "tomorrow_colour_state")
        seen.append(tuple(heard.values[name] for name in names))

    assert [(4, 2, 0), (4, 2, 3), (3, 2, 3), (6, 3, 0)] == seen


def test_a_mute_meter_says_nothing_and_one_that_stands_says_the_same():
    heard = Heard(NIGHT).go(10)
    heard.linky.fault("stuck")
    heard.go(10, power_w=6_000.0)
    assert 3_600 == heard.values["apparent_power_va"]
    heard.linky.fault("off")
    heard.values.clear()
    heard.go(4)
    heard.values.clear()
    assert {} == heard.go(30).values
    heard.linky.clear()

    assert 3_600 == heard.go(10).values["apparent_power_va"]


def test_nothing_is_made_of_garbage():
    heard = Heard(NIGHT).go(10)
    heard.linky.fault("garbage")
    heard.go(4)
    heard.values.clear()
    heard.go(20, power_w=6_000.0)

    assert "apparent_power_va" not in heard.values
    heard.linky.clear()
    assert 6_000 == heard.go(10, power_w=6_000.0).values["apparent_power_va"]


def test_while_the_gateway_is_gone_nothing_is_heard_and_counters_go_on_after_it():
    heard = Heard(NIGHT).go(10)
    heard.linky.close()
    heard.values.clear()
    assert {} == heard.go(30).values
    heard.linky.open()

    heard.go(10)
    assert 0 < heard.energy_wh - heard.values["energy_import_t4_wh"] <= 4
