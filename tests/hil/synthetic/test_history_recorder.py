"""Stored quarter hours of the days on which the clock is changed, and what is seen where the gateway does them wrong."""

import datetime as dt
from itertools import pairwise

import pytest

from quartier.cli.rendering import time_text
from quartier.daemon.assembly import site_settings
from quartier.store import history_reader, ingest
from quartier.store.deadband import Deadband
from quartier_hil.checks.run_record import list_stored_points
from quartier_hil.scenario import preparation
from quartier_hil.scenario.builtin_scenarios import list_builtin
from quartier_hil.scenario.scenario_file import load_scenario
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.load_series import standard_load

JUDGED = {"quarters", "counters", "quarters-power"}


def _day(folder, duration_s=4_500.0, start="2026-10-25T02:30:00", events=()):
    """75 minutes of the night in which the clock goes back, a car charging, in steps of 5 s."""
    night = load_scenario(list_builtin()["clock-change-night"])
    plug = next(event for event in night.events if event.do == "plug")
    changed = {
        "start": dt.datetime.fromisoformat(start),
        "duration_s": duration_s,
        "cycle_s": 5.0,
        "events": (plug, *events),
    }
    scenario = night.model_copy(
        update=changed | {"checks": tuple(check for check in night.checks if check.check == "quarters")}
    )
    series = standard_load.build_standard_series(scenario.start.date(), 2, scenario.seed)
    return SyntheticRun(RunOptions(scenario=scenario, series=series, folder=folder)).perform()


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """The night in which nothing goes wrong, performed once."""
    return _day(tmp_path_factory.mktemp("night"))


def _holds(done):
    verdicts = done.verdicts()
    return {name: all(one.holds for one in verdicts if one.check == name) for name in JUDGED}


def test_the_doubled_hour_stands_in_the_history_twice_and_counters_go_on(night):
    labels = [label[11:] for label, _ in night.stored.quarters["grid.power_w"]]
    assert labels == [
        "02:30:00+02:00",
        "02:45:00+02:00",
        "02:00:00+01:00",
        "02:15:00+01:00",
        "02:30:00+01:00",
    ]
    assert dict.fromkeys(JUDGED, True) == _holds(night)
    counted = [value for _, value in night.stored.quarters["grid.energy_import_wh"]]
    assert all(late - early > 1_000 for early, late in pairwise(counted))


def test_the_skipped_hour_is_not_in_the_history(tmp_path):
    done = _day(tmp_path, 1_800.0, "2026-03-29T01:45:00")

    labels = [label[11:] for label, _ in done.stored.quarters["grid.power_w"]]
    assert labels == ["01:45:00+01:00", "03:00:00+02:00"]
    assert dict.fromkeys(JUDGED, True) == _holds(done)


@pytest.mark.parametrize("do", ["kill", "stop"])
def test_a_process_that_ends_loses_no_quarter_and_no_sample_that_it_kept(tmp_path, do):
    kill = next(
        event for event in load_scenario(list_builtin()["clock-change-night"]).events if event.do == "kill"
    )
    done = _day(tmp_path, events=(kill.model_copy(update={"at_s": 2_000.0, "do": do}),))

    assert dict.fromkeys(JUDGED, True) == _holds(done)


def test_without_power_the_journal_is_lost_and_what_was_on_disk_is_not(tmp_path):
    dark = load_scenario(list_builtin()["blackout-restart"]).events
    blackout = next(event for event in dark if event.do == "blackout")
    events = (blackout.model_copy(update={"at_s": 2_000.0, "for_s": 60.0}),)
    done = _day(tmp_path, events=events)

    found = _holds(done)
    assert found["quarters"]
    assert found["counters"]


# The gateway put out of order: each is seen by the check that is named.


def _by_the_clock_on_the_wall(patch):
    """The middle of a history is stamped by local time: after the change an hour is told twice."""
    record, told = ingest.Ingest.record, ingest.Ingest.record_text

    def local(now):
        changed = now.utc_ms >= dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC).timestamp() * 1e3
        return type(now)(now.ns, now.utc_ms - 3_600_000 * changed, synced=now.synced)

    patch.setattr(ingest.Ingest, "record", lambda self, readings, now: record(self, readings, local(now)))
    patch.setattr(ingest.Ingest, "record_text", lambda self, *what: told(self, *what[:-1], local(what[-1])))


def _with_a_fixed_offset(patch):
    """A time of the house is taken for one of summer all year."""
    summer = dt.timezone(dt.timedelta(hours=2))
    whole = time_text.format_stamp
    patch.setattr(time_text, "format_stamp", lambda utc_ms, _=None: whole(utc_ms, summer))


def _seldom(patch):
    """Counters are sampled each ten minutes."""
    whole = site_settings.make_deadbands
    patch.setattr(
        site_settings, "make_deadbands", lambda site: whole(site) | {"wh": Deadband(period_s=600.0)}
    )


def _coarse(patch):
    """Powers pass their deadband after 2 kW."""
    whole = site_settings.make_deadbands
    patch.setattr(site_settings, "make_deadbands", lambda site: whole(site) | {"w": Deadband(2_000.0)})


def _spans(changes):
    """The rows of an answer by spans are others."""

    def breaks(patch):
        whole = history_reader._make_spans
        patch.setattr(history_reader, "_make_spans", lambda *asked: changes(list(whole(*asked))))

    return breaks


def _first_of_span(patch):
    """A counter's value of a span is the first in it, not the last."""
    whole = history_reader._Grid.add_sample

    def meet(self, trace, sample):
        before = {index: span.last for index, span in trace.spans.items() if span.count}
        whole(self, trace, sample)
        for index, last in before.items():
            trace.spans[index].last = last

    patch.setattr(history_reader._Grid, "add_sample", meet)
    patch.setattr(history_reader._Grid, "hold", lambda *_: None)


def _resets(patch):
    """A counter begins anew after its hundredth sample: what is recorded of it falls."""
    whole = history_reader.HistoryReader.samples

    def samples(self, stream):
        for sample in whole(self, stream):
            old = sample.metric == "energy_import_wh" and sample.seq < 200
            yield type(sample)(**{**_fields(sample), "value": sample.value + 1e6}) if old else sample

    patch.setattr(history_reader.HistoryReader, "samples", samples)


def _fields(sample):
    return {name: getattr(sample, name) for name in type(sample).__dataclass_fields__}


@pytest.mark.parametrize(
    ("breaks", "check"),
    [(_by_the_clock_on_the_wall, "quarters"), (_seldom, "counters"), (_coarse, "quarters-power")],
    ids=["local", "seldom", "coarse"],
)
def test_a_gateway_that_keeps_its_quarters_wrong_breaks_a_check(monkeypatch, tmp_path, breaks, check):
    breaks(monkeypatch)

    assert not _holds(_day(tmp_path))[check]


@pytest.mark.parametrize(
    ("breaks", "check"),
    [
        (_with_a_fixed_offset, "quarters"),
        (_spans(lambda rows: rows[:-1]), "quarters"),
        (_spans(lambda rows: [*rows, *rows[-1:]]), "quarters"),
        (_spans(lambda rows: rows[::-1]), "quarters"),
        (_first_of_span, "counters"),
        (_resets, "counters"),
    ],
    ids=["summer", "missing", "doubled", "backwards", "first", "reset"],
)
def test_a_gateway_that_answers_wrong_from_what_it_kept_well_breaks_a_check(
    monkeypatch, night, breaks, check
):
    def answer():
        asked = (
            list_stored_points(night.scenario),
            *preparation.make_quarter_span(night.scenario).local_times,
            preparation.SITE_ZONE,
        )
        monkeypatch.setattr(night, "stored", night.history_recorder.tells(*asked))
        return _holds(night)

    assert answer()[check]
    breaks(monkeypatch)
    assert not answer()[check]
