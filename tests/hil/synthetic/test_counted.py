"""What the history has of a Linky's counter that rolls over, is set to nothing or is another meter's, at midnight."""

from itertools import pairwise

import pytest

from quartier_drivers.meter import counters
from quartier_drivers.readings import Quality
from quartier_hil.scenario import preparation
from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.load_series.minute_series import LoadSeries
from quartier_sim.meters.tic.linky import Linky

SERIES = LoadSeries(base_w=(3_600.0,), solar_w_per_kw=(0.0,), origin="constant")  # a watt-hour a second
POINT = "linky.energy_import_wh"
OWN = "grid.energy_import_wh"
MIDNIGHT_S = 900.0
LATE_WH = 200.0
"""More is not drawn since the last sample of a quarter, and while a telegram is on its way or a meter is changed."""
NIGHT = """
title = "over midnight"
start = 2026-12-31T23:45:00
duration_s = 2700
cycle_s = 5
[house]
meters = ["tic"]
soc_pct = 10
[[checks]]
check = "quarters"
"""


class _Night(SyntheticRun):
    """Three quarters around midnight; ``first`` hangs there at their begin, ``then`` from midnight on."""

    first: Linky
    then: Linky | None = None

    def _step(self):
        changed = self.then is not None and self.now_s >= MIDNIGHT_S
        self.supply._linky._meter = self.then if changed else self.first
        super()._step()


def _performed(folder, first_wh, then=None):
    """The counter's stored quarters and samples, and how much was drawn after the first quarter."""
    path = folder / "night.toml"
    path.write_text(NIGHT)
    scenario = load_scenario(path)
    night = _Night(RunOptions(scenario=scenario, series=SERIES, folder=folder / "site"))
    night.first, night.then = Linky(phases=3, start_wh=first_wh), then
    done = night.perform()
    assert all(one.holds for one in done.verdicts())
    told = done.history_recorder.tells(
        [POINT], *preparation.make_quarter_span(scenario).local_times, preparation.SITE_ZONE
    )
    own = [value for _, value in done.stored.quarters[OWN]]
    return told.quarters[POINT], told.samples[POINT], own[-1] - own[0]


def _sound(quarters, samples, drawn_wh):
    """Whether it never shrinks and has counted what was drawn."""
    rises = all(late[1] >= early[1] for early, late in pairwise(samples))
    counted_wh = quarters[-1][1] - quarters[0][1]
    return rises and len(quarters) == 3 and abs(counted_wh - drawn_wh) <= LATE_WH


CHANGES = {
    "roll-over": (1e9 - 1_300.0, None),
    "reset": (12_345_678.0, lambda: Linky(phases=3, start_wh=0.0)),
    "swap": (12_345_678.0, lambda: Linky(phases=3, start_wh=98_765_432.0, address="041976000002")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_counter_goes_on_in_the_history_whatever_its_meter_does(tmp_path, change):
    first_wh, then = CHANGES[change]
    quarters, samples, drawn_wh = _performed(tmp_path, first_wh, then and then())

    assert drawn_wh > 1_500
    assert _sound(quarters, samples, drawn_wh)
    assert ["23:45:00+01:00", "00:00:00+01:00", "00:15:00+01:00"] == [label[11:] for label, _ in quarters]


def _believes_all(patch):
    """Whatever the meter says is taken."""

    def judge(_self, raw, _meter, _now_ns):
        return counters.CheckedValue(raw, Quality.GOOD)

    patch.setattr(counters.CounterCheck, "judge", judge)


def _forgets_the_shift(patch):
    """After a reset it goes on from what the new meter shows."""
    whole = counters.CounterCheck._accept_suspect

    def believed(self, good, suspect):
        whole(self, good, suspect)
        self._shift, self._reported_value = 0.0, suspect.raw
        return counters.CheckedValue(suspect.raw, Quality.GOOD)

    patch.setattr(counters.CounterCheck, "_accept_suspect", believed)


def _holds_for_ever(patch):
    """What fell is never believed."""
    patch.setattr(counters.CounterCheck, "_is_confirmed", lambda *_: False)


@pytest.mark.parametrize(
    ("breaks", "change"),
    [
        (_believes_all, "roll-over"),
        (_believes_all, "reset"),
        (_forgets_the_shift, "swap"),
        (_holds_for_ever, "reset"),
    ],
)
def test_a_gateway_that_takes_a_meter_at_its_word_is_seen(monkeypatch, tmp_path, breaks, change):
    breaks(monkeypatch)
    first_wh, then = CHANGES[change]

    assert not _sound(*_performed(tmp_path, first_wh, then and then()))
