"""Every row of the table just before and just after its time, with synthetic time."""

from dataclasses import dataclass, field, replace
from functools import partial
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.control.events import effects
from quartier.control.events.detection import ActiveRow, GridEvents, is_dark, update_events
from quartier.control.observe.observations import LastGood
from quartier.site.process_image import ProcessImage
from quartier.site.site_layout import Site
from quartier_drivers.readings import Quality, Reading, make_readings


@dataclass
class Mains:
    """The public grid through a meter that is read every ``period_s``; ``t`` in s, ``volts`` in V by phase."""

    house: Site
    period_s: float = 0.2
    hz: float | None = 50.0
    volts: tuple[float, ...] = (230.0, 230.0, 230.0)
    t: float = 0.0
    events: GridEvents = field(default_factory=GridEvents)
    power_w: float = 1_000.0
    _image: ProcessImage = field(default_factory=ProcessImage)

    def __post_init__(self) -> None:
        measured = None if self.hz is None else self.period_s
        grid = replace(self.house.grid, frequency_period_s=measured, voltage_period_s=self.period_s)
        self.house = replace(self.house, grid=grid)

    @property
    def ns(self) -> int:
        return round(self.t * 1e9)

    def read(self) -> "Mains":
        """One reading and one look."""
        self.t = round(self.t + self.period_s, 6)
        seen = {f"grid.voltage_l{n}_v": value for n, value in enumerate(self.volts, 1)}
        seen["grid.power_w"] = self.power_w
        if self.hz is not None:
            seen["grid.frequency_hz"] = self.hz
        said = (Reading(point, value, Quality.GOOD, self.ns) for point, value in seen.items())
        self._image.put(make_readings(said, self.ns))
        return self.look()

    def look(self) -> "Mains":
        self.events = update_events(self.events, self._image.freeze(self.ns), self.house, self.ns)
        return self

    def run(self, seconds: float, **changes: object) -> "Mains":
        """So many seconds of readings after ``changes``."""
        for name, value in changes.items():
            setattr(self, name, value)
        for _ in range(round(seconds / self.period_s)):
            self.read()
        return self

    def silent(self, seconds: float) -> "Mains":
        """So many seconds without a reading; a look each second."""
        for _ in range(round(seconds)):
            self.t = round(self.t + 1.0, 6)
            self.look()
        return self

    def slide(self, to_hz: float, hz_per_s: float) -> "Mains":
        """The frequency moves to ``to_hz``."""
        step = hz_per_s * self.period_s * (1 if to_hz > self.hz else -1)
        while abs(to_hz - self.hz) > abs(step):
            self.hz = round(self.hz + step, 6)
            self.read()
        self.hz = to_hz
        return self.read()


@pytest.fixture(scope="module")
def mains(house):
    return partial(Mains, house)


def low(m):
    return m.events.low.level


def off(m):
    return sorted(effects.find_grid_effects(m.events, 10_000, m.ns).off)


# --- low frequency -----------------------------------------------------------------------------


@pytest.mark.parametrize(("hz", "short_s", "level"), [(49.8, 2.0, 1), (49.5, 1.0, 2), (49.2, 0.6, 3)])
def test_a_low_row_acts_when_its_time_is_over_and_not_before(mains, hz, short_s, level):
    m = mains(hz=49.81).run(5).slide(hz + 0.001, 2.0).run(short_s, hz=hz)
    assert level - 1 >= low(m)

    assert level == low(m.run(0.2))


@pytest.mark.parametrize(
    ("hz", "level"), [(49.81, 0), (49.8, 1), (49.51, 1), (49.5, 2), (49.21, 2), (49.2, 3)]
)
def test_a_row_begins_at_its_limit(mains, hz, level):
    assert level == low(mains().run(5).run(20, hz=hz))


@pytest.mark.parametrize("period_s", [2.0, 5.0, 60.0])
def test_of_slow_readings_one_far_down_acts_on_the_first_two_rows_and_the_event_ends_as_ever(mains, period_s):
    m = mains(period_s=period_s).run(3 * period_s).run(period_s, hz=49.0)
    assert (2, ["C", "D"]) == (low(m), off(m))

    m.run(61 + period_s, hz=49.99)
    assert m.events.low.ends_ns is not None
    assert 0 == low(m.run(301 + period_s, hz=50.0))


def test_of_slow_readings_one_far_down_needs_sound_voltage_and_another_before_it(mains):
    assert 0 == low(mains(period_s=2.0, hz=49.0).run(2))
    m = mains(period_s=2.0).run(10).run(4, volts=(190.0, 230.0, 230.0)).run(2, hz=49.0)

    assert 0 == low(m)


@pytest.mark.parametrize(("period_s", "level"), [(0.2, 3), (1.0, 2), (2.0, 0), (5.0, 0)])
def test_slow_readings_serve_only_the_rows_that_have_time_for_them(mains, period_s, level):
    assert level == low(mains(period_s=period_s).run(20).run(30, hz=49.1))


def test_one_reading_far_past_all_rows_counts_as_their_time(mains):
    m = mains().run(5).slide(49.01, 2.0)
    before = low(m)

    assert (True, 3) == (before < 3, low(m.run(0.2, hz=48.99)))


def test_one_far_reading_counts_only_with_sound_voltage(mains):
    m = mains().run(5).run(1, volts=(190.0, 230.0, 230.0)).run(0.4, hz=49.0)

    assert 0 == low(m)
    assert 3 == low(m.run(2))


def test_a_return_by_less_than_the_slack_does_not_begin_a_row_anew(mains):
    m = mains().run(5).run(1.6, hz=49.8).run(0.4, hz=49.805)

    assert 1 == low(m.run(0.2))


def test_a_recovery_before_its_time_begins_a_row_anew(mains):
    m = mains().run(5).run(1.8, hz=49.75).run(0.4, hz=49.9).run(1.8, hz=49.75)

    assert 0 == low(m)


@pytest.mark.parametrize("hz_per_s", [0.1, 0.5, 2.0])
def test_a_fall_sheds_in_order_and_a_rise_returns_after_60_s_and_a_random_while(mains, hz_per_s):
    m = mains().run(5).slide(48.9, hz_per_s)
    assert ["B", "C", "D"] == off(m)

    m.slide(50.0, hz_per_s).run(58)
    assert (3, None) == (low(m), m.events.low.ends_ns)
    m.run(3)
    assert 0 <= (m.events.low.ends_ns - m.ns) / 1e9 <= 300
    assert 0 == low(m.run(301))


def test_each_row_acts_as_the_fall_passes_it(mains):
    m = mains().run(5)
    fall = (49.85, 49.75, 49.65, 49.55, 49.45, 49.35, 49.25, 49.15)

    assert [0, 1, 1, 1, 2, 2, 2, 3] == [low(m.run(2.4, hz=hz)) for hz in fall]


@pytest.mark.long
def test_buildings_return_at_different_times_and_the_same_one_always_at_the_same(house):
    def ends(seed):
        m = Mains(replace(house, seed=seed)).run(5).run(3, hz=49.7).run(62, hz=50.0)
        return m.events.low.ends_ns

    assert ends(1) == ends(1)
    assert 10 == len({ends(seed) for seed in range(10)})


def test_a_relapse_while_it_waits_at_random_waits_anew(mains):
    m = mains().run(5).run(3, hz=49.7).run(61, hz=50.0)
    assert m.events.low.ends_ns is not None

    m.run(1, hz=49.85)
    assert (1, None) == (low(m), m.events.low.ends_ns)


def test_only_what_begins_to_act_runs_the_whole_cycle_at_once():
    calm, low_d, low_c = (GridEvents(low=ActiveRow(level=level)) for level in (0, 1, 2))
    gone = GridEvents(is_grid_lost=True)

    assert [True, True, True] == [
        after.find_rise_start(before) for before, after in ((calm, low_d), (low_d, low_c), (calm, gone))
    ]
    assert [False, False, False] == [
        after.find_rise_start(before) for before, after in ((low_d, low_d), (low_c, low_d), (gone, calm))
    ]


# --- lost and bad readings ---------------------------------------------------------------------


def test_a_frequency_lost_during_an_event_ends_it_after_15_min_staged(mains):
    m = mains().run(5).run(3, hz=49.7).silent(3 + 899)
    assert (1, None) == (low(m), m.events.low.ends_ns)

    m.silent(3)
    assert m.events.low.ends_ns is not None
    assert 0 == low(m.silent(301))


def test_without_frequency_nothing_begins(mains):
    assert 0 == low(mains(hz=None).run(60))


@pytest.mark.parametrize("bad", [0.0, 500.0, nan, 44.0, -1.0, 1e30])
def test_a_bad_reading_neither_begins_an_event_nor_hides_one(mains, bad):
    m = mains().run(5).run(60, hz=bad)
    assert 0 == low(m)

    m = mains().run(5)
    for _ in range(3):
        m.run(0.6, hz=49.7).run(0.2, hz=bad)
    assert 1 == low(m)


def test_a_single_wrong_reading_far_down_sheds_nothing(mains):
    assert 0 == low(mains().run(5).run(0.2, hz=48.5).run(5, hz=50.0))


def test_the_first_reading_of_all_sheds_nothing_by_itself(mains):
    assert 0 == low(mains(hz=48.5).run(0.2))
    assert 3 == low(mains(hz=48.5).run(0.4))


def test_a_frequency_that_sticks_while_it_sheds_counts_as_lost(mains):
    m = mains(period_s=1.0).run(1, hz=50.01).run(5, hz=50.0).run(70, hz=49.7)
    assert (1, None, True) == (low(m), m.events.hz, m.events.is_stuck)

    assert 0 == low(m.run(900 + 300))


def test_a_meter_of_tenths_may_show_a_low_one_for_minutes(mains):
    m = mains(period_s=1.0).run(5).run(590, hz=49.7)

    assert (1, 49.7, False) == (low(m), m.events.hz, m.events.is_stuck)


def test_a_frequency_that_stuck_at_well_is_told_and_one_that_moves_again_counts(mains):
    m = mains(period_s=1.0)
    m.run(1, hz=50.01).run(1, hz=50.0).run(605)
    assert m.events.is_stuck
    assert "does not change" in " ".join(effects.find_grid_alarms(m.events, effects.GridEffects(), m.ns))

    assert 1 == low(m.run(4, hz=49.7))


# --- high frequency ----------------------------------------------------------------------------


def test_a_high_frequency_acts_at_once_and_until_it_was_calm_for_600_s(mains):
    m = mains(period_s=1.0).run(5)
    assert 0 == m.events.high.level
    m.run(1, hz=50.19)
    assert 0 == m.events.high.level
    m.run(1, hz=50.2)
    assert 1 == m.events.high.level

    m.run(900, hz=50.11)
    assert 1 == m.events.high.level
    for n in range(600):
        m.run(1, hz=50.1 - 0.001 * (n % 2))
    assert 1 == m.events.high.level
    assert 0 == m.run(1, hz=50.05).events.high.level


def test_a_high_frequency_ends_what_a_low_one_asked_of_batteries_but_not_the_sheds(mains):
    m = mains().run(5).run(3, hz=49.4).slide(50.25, 2.0)
    found = effects.find_grid_effects(m.events, 10_000, m.ns)

    assert (None, False, ["C", "D"]) == (found.discharges, found.no_grid_charge, off(m))


# --- voltage -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("volts", "name"), [((206.9, 230.0, 230.0), "low_u"), ((230.0, 230.0, 253.1), "high_u")]
)
def test_a_phase_past_its_voltage_row_for_60_s_acts(mains, volts, name):
    m = mains(period_s=1.0).run(5).run(60, volts=volts)
    assert 0 == getattr(m.events, name).level

    assert 1 == getattr(m.run(1).events, name).level


def test_while_nothing_acts_nothing_waits_to_end(mains):
    m = mains(period_s=1.0).run(200)

    assert (None, None) == (m.events.low.ends_ns, m.events.low_u.ends_ns)


@pytest.mark.parametrize("volts", [(207.1, 230.0, 230.0), (230.0, 252.9, 230.0)])
def test_a_voltage_inside_its_band_never_acts(mains, volts):
    m = mains(period_s=1.0).run(5).run(300, volts=volts)

    assert (0, 0) == (m.events.low_u.level, m.events.high_u.level)


def test_a_voltage_row_ends_after_60_s_inside_and_a_random_while(mains):
    m = mains(period_s=1.0).run(5).run(70, volts=(200.0, 230.0, 230.0)).run(60, volts=(230.0,) * 3)
    assert (1, None) == (m.events.low_u.level, m.events.low_u.ends_ns)
    m.run(3)
    assert m.events.low_u.ends_ns is not None

    assert 0 == m.run(301).events.low_u.level


def test_voltage_gone_is_every_phase_below_half_and_needs_two_readings(mains):
    m = mains(period_s=1.0).run(5).run(1, volts=(0.0, 0.0, 0.0))
    assert not m.events.is_grid_lost
    assert m.run(1).events.is_grid_lost
    assert m.run(1, volts=(0.0, 0.0, 230.0)).events.is_grid_lost
    assert not m.run(1).events.is_grid_lost


def test_a_lost_phase_is_no_outage_but_low_voltage_and_told(mains):
    m = mains(period_s=1.0).run(5).run(63, volts=(230.0, 0.0, 230.0))

    assert (False, 1) == (m.events.is_grid_lost, m.events.low_u.level)
    assert "no voltage on L2" in effects.find_grid_alarms(m.events, effects.GridEffects(), m.ns)


def test_a_phase_that_never_had_voltage_is_not_connected(mains):
    m = mains(period_s=1.0, volts=(230.0, 0.0, 0.0)).run(200)

    assert (0, {"l1"}) == (m.events.low_u.level, m.events.live)


def test_a_voltage_that_no_grid_shows_is_none(mains):
    m = mains(period_s=1.0, volts=(230.0, 400.0, -1.0)).run(200)

    assert (0, {"l1"}) == (m.events.low_u.level, set(m.events.volts))


def test_the_frequency_is_void_while_the_voltage_is_gone(mains):
    m = mains().run(5).run(1, volts=(0.0, 0.0, 0.0)).run(5, hz=49.0)

    assert (None, 0, []) == (m.events.hz, low(m), off(m))


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ({"hz": 48.56}, "low"),
        ({"hz": 50.3}, "high"),
        ({"volts": (230.0, 200.0, 230.0)}, "low_u"),
        ({"volts": (230.0, 255.0, 230.0)}, "high_u"),
    ],
)
def test_an_outage_ends_what_readings_from_before_it_began(mains, before, name):
    m = mains(period_s=1.0).run(5).run(70, **before)
    assert getattr(m.events, name).level

    m.run(3, volts=(0.0, 0.0, 0.0))
    assert (0, 0, 0, 0, True) == m.events.levels
    waits = effects.find_grid_effects(m.run(5, volts=(230.0,) * 3, hz=50.0).events, 10_000, m.ns)
    assert ({}, True) == (waits.off, waits.holds), "what was off comes back by the outage's own rule"
    assert ["after an outage: nothing is raised until the grid is normal"] == effects.find_grid_alarms(
        m.events, waits, m.ns
    )


def test_voltage_alone_decides_where_no_frequency_is_measured(mains):
    m = mains(period_s=1.0, hz=None).run(5).run(62, volts=(200.0, 200.0, 200.0))

    assert ["D"] == off(m)


@pytest.mark.parametrize(
    ("gone", "read_s", "watts", "dark"),
    [
        (True, 0, 0.0, True),
        (True, 0, -200.0, True),
        (True, 0, -201.0, False),  # it is the meter that lies
        (True, 3, 201.0, False),
        (True, 4, 201.0, True),  # who fell silent may have no power
        (True, None, 0.0, True),
        (False, 0, 0.0, False),
    ],
)
def test_it_is_dark_where_no_voltage_is_and_nothing_runs(house, gone, read_s, watts, dark):
    memories = {} if read_s is None else {"pv1.power_w": LastGood(watts, -read_s * 10**9)}

    assert dark is is_dark(GridEvents(is_grid_lost=gone), house, memories, 0)


# --- property ----------------------------------------------------------------------------------

moves = st.one_of(
    st.tuples(st.just("hz"), st.sampled_from([0.0, nan, 48.0, 49.1, 49.4, 49.79, 49.95, 50.0, 50.3, 500.0])),
    st.tuples(
        st.just("volts"), st.sampled_from([(230.0,) * 3, (0.0,) * 3, (200.0, 230.0, 0.0), (270.0,) * 3])
    ),
    st.tuples(st.just("run"), st.sampled_from([1, 3, 70, 400])),
    st.tuples(st.just("silent"), st.sampled_from([2, 20, 1000])),
)


@examples(20)
@given(st.lists(moves, max_size=12))
def test_after_any_sequence_a_grid_that_is_well_again_frees_everything(mains, sequence):
    m = mains(period_s=1.0).run(2)
    for kind, value in sequence:
        if kind in {"hz", "volts"}:
            setattr(m, kind, value)
            m.read()
        else:
            getattr(m, kind)(value)
    m.volts = (230.0,) * 3
    for n in range(62 + 301 + 602):
        m.run(1, hz=50.0 + 0.01 * (n % 2))

    found = effects.find_grid_effects(m.events, 10_000, m.ns)
    assert ({}, False, None, False) == (found.off, found.no_grid_charge, found.discharges, found.pv_holds)
