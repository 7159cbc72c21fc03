import pytest

from quartier_bench.fleet import events
from quartier_bench.fleet.events import FleetEvent
from quartier_drivers.errors import ConfigError

NOON_S = 43_200


def test_words_become_events_in_their_order():
    words = ["restart@19:00", "cap@18:00-20:00=0.6", "optimiser-lost@18:30", "outage@11:00-11:20"]
    found = events.parse_events(words, NOON_S)

    assert [
        FleetEvent("cap", 21_600, 28_800, 0.6),
        FleetEvent("optimiser-lost", 23_400, 23_400 + 86_400),
        FleetEvent("restart", 25_200, 25_230),
        FleetEvent("outage", 82_800, 84_000),
    ] == found


def test_a_cap_without_an_end_lasts_two_hours():
    assert [FleetEvent("cap", 21_600, 28_800, 0.4)] == events.parse_events(["cap@18:00=0.4"], NOON_S)


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("flood@18:00", "is no event"),
        ("cap@18:00", "has a share"),
        ("restart@18:00=0.4", "has a share"),
        ("cap@18:00-20:00=1.4", "outside 0..1"),
        ("cap@18:00-20:00=1.2.3", "outside 0..1"),
        ("cap@11:00-13:00=0.5", "from noon to noon"),
        ("restart@18:00-19:00", "no end of its own"),
    ],
)
def test_a_word_that_is_none_is_refused_with_what_was_expected(word, what):
    with pytest.raises(ConfigError) as refused:
        events.parse_events([word], NOON_S)

    assert what in str(refused.value.faults[0])


def test_all_faults_are_told_at_once_and_two_caps_may_not_be_on_together():
    with pytest.raises(ConfigError) as refused:
        events.parse_events(["x", "cap@18:00-20:00=0.5", "cap@19:00-21:00=0.5"], NOON_S)

    assert ["x", "cap"] == [fault.key for fault in refused.value.faults]


def test_a_file_holds_the_same_words(tmp_path):
    path = tmp_path / "events.toml"
    path.write_text('events = ["cap@18:00=0.4"]')
    assert ["cap@18:00=0.4"] == events.read_event_file(path)

    path.write_text("events = [7]")
    with pytest.raises(ConfigError):
        events.read_event_file(path)
    with pytest.raises(ConfigError):
        events.read_event_file(tmp_path / "absent.toml")


def test_caps_are_shares_over_the_day():
    found = events.parse_events(["cap@18:00-19:00=0.6", "cap@19:00-20:00=0.3"], NOON_S)

    assert [(0, 1.0), (21_600, 0.6), (25_200, 0.3), (28_800, 1.0)] == events.list_limit_shares(found)


def test_an_event_runs_from_its_second_to_before_its_end():
    found = events.parse_events(["outage@18:00-18:01"], NOON_S)

    assert [False, True, True, False] == [
        events.is_running(found, "outage", s) for s in (21_599, 21_600, 21_659, 21_660)
    ]
