"""A house with a supply contract in one process; and what breaks where the gateway does not read it right."""

import pytest

from quartier.control.limits import supplies
from quartier_drivers.meter.device_readings import MeterReadings
from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.load_series.minute_series import LoadSeries
from quartier_sim.meters.tic.linky import Linky

SERIES = LoadSeries(base_w=(3_600.0,), solar_w_per_kw=(0.0,), price_eur_per_wh=(0.5,), origin="constant")
CHANGE = """
title = "short"
start = 2026-01-20T05:57:00
duration_s = 360
cycle_s = 5
[house]
meters = ["tic"]
soc_pct = 20
[house.tariff]
contract = "tempo"
colours = ["white", "red"]
{more}
[[checks]]
check = "tariff"
"""


@pytest.fixture
def change(tmp_path):
    """Six minutes around six o'clock, when a white day becomes a red one; not yet performed."""

    def make(more="", **changed):
        path = tmp_path / "scenario.toml"
        path.write_text(CHANGE.format(more=more))
        scenario = load_scenario(path).model_copy(update=changed)
        return SyntheticRun(RunOptions(scenario=scenario, series=SERIES, folder=tmp_path / "site"))

    return make


def _broken(done):
    return [one.promised for one in done.verdicts() if not one.holds]


def test_a_white_night_becomes_a_red_day_and_the_gateway_knows(change):
    done = change().perform()

    assert [] == _broken(done)
    shown = done.view["supplies"]["linky"]
    assert (6, "red", "") == (shown["tariff_index"], shown["today"], shown["tomorrow"])
    figures = done.figures
    assert pytest.approx(figures["import_wh"]) == sum(
        figures[f"import_{period}_wh"] for period in ("white_off_peak", "red_peak")
    )
    assert pytest.approx(0.7295 * figures["import_red_peak_wh"] / 1e3) == figures["cost_red_peak_eur"]
    assert "Tempo (white, red)" in done.facts["supply contract"]


def test_the_same_run_gives_the_same_to_the_bit(change):
    first, again = change().perform(), change().perform()

    assert first.record.columns["grid.power_w"] == again.record.columns["grid.power_w"]
    assert first.figures == again.figures
    assert first.ledger.rows == again.ledger.rows
    assert first.verdicts() == again.verdicts()


def test_a_historique_meter_tells_the_same(change):
    historique = change().scenario.house
    tariff = historique.tariff.model_copy(update={"mode": "historique"})
    done = change(house=historique.model_copy(update={"tariff": tariff})).perform()

    assert [] == _broken(done)
    assert "enedis/linky_historique" in (done.options.folder / "site.toml").read_text()


def _other_colours(patch):
    patch.setattr(supplies, "COLOURS", {1: "blue", 2: "red", 3: "white"})


def _stale(patch):
    """Nothing of the meter after the first two minutes."""
    told = MeterReadings.make_readings

    def silent(meter, telegrams, taken_ns):
        return told(meter, telegrams, taken_ns) if taken_ns < 180e9 else None

    patch.setattr(MeterReadings, "make_readings", silent)


def _frozen_counters(patch):
    """A counter stays at its first value."""
    plausible, first = MeterReadings._plausible, {}

    def stand(meter, name, one, now_ns):
        value, quality = plausible(meter, name, one, now_ns)
        return (first.setdefault(name, value) if name.endswith("_wh") else value), quality

    patch.setattr(MeterReadings, "_plausible", stand)


def _one_index(patch):
    """The meter counts all on the index in force at the start."""
    count = Linky._count
    patch.setattr(Linky, "_count", lambda linky, _: count(linky, 3))


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (_other_colours, "linky.today_colour_state is the contract's"),
        (_stale, "linky.tariff_index is the contract's"),
        (_frozen_counters, "each index of the meter"),
        (_one_index, "each index of the meter"),
    ],
)
def test_who_reads_the_contract_wrong_breaks_a_check(change, monkeypatch, breaks, words):
    breaks(monkeypatch)

    assert [one for one in _broken(change().perform()) if one.startswith(words)]


def test_a_silent_linky_is_unknown_and_its_cap_stays(change):
    silent = '[[events]]\nat_s = 60\ndo = "fault"\ndevice = "tic"\nkind = "off"\n'
    back = '[[events]]\nat_s = 200\ndo = "clear"\ndevice = "tic"\n'
    span = '[[checks]]\ncheck = "within"\npoint = "linky.tariff_index"\nfrom_s = {}\nuntil_s = {}\nlow = {}\nhigh = {}\n'
    done = change(silent + back + span.format(100, 199, -1, -1) + span.format(215, 355, 6, 6)).perform()

    assert [
        "linky.tariff_index is the contract's, 10 s after a change",
        "linky.today_colour_state is the contract's, 10 s after a change",
    ] == [one for one in _broken(done) if "tomorrow" not in one]
    assert 15_000 == done.view["supplies"]["linky"]["subscribed_va"]


def test_over_a_restart_and_a_blackout_the_counters_go_on(change):
    kill = '[[events]]\nat_s = 60\ndo = "kill"\ndown_s = 20\n'
    dark = '[[events]]\nat_s = 120\ndo = "blackout"\nfor_s = 20\nbacked = ["gateway"]\n'
    done = change(kill + dark).perform()

    assert not [one for one in _broken(done) if one.startswith("each index")]


def test_without_a_contract_the_price_is_the_series(day):
    done = day('[house]\nmeters = ["tic"]\n', duration_s=60, series=SERIES).perform()

    assert pytest.approx(0.5 * done.figures["import_wh"]) == done.figures["cost_eur"]
    assert ["import_wh", "import_max_w"] == [name for name in done.figures if name.startswith("import_")]
    assert 1 == done.view["supplies"]["linky"]["tariff_index"]
