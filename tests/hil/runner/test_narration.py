from quartier_hil.runner.narration import Narration, fill_values
from quartier_hil.scenario.builtin_scenarios import find_scenario
from quartier_hil.scenario.events import StoryLine
from quartier_hil.scenario.scenario_file import load_scenario


def _told(says, *steps):
    narration = Narration(StoryLine.model_validate({"do": "say", **one}) for one in says)
    return [
        (now_s, text) for now_s, watts in steps for text in narration.step(now_s, {"grid.power_w": watts})
    ]


def test_a_line_is_said_when_what_it_tells_is_measured_and_once():
    line = {
        "at_s": 10,
        "until_s": 60,
        "point": "grid.power_w",
        "high": 4_000,
        "text": "It shows {grid.power_w}.",
    }

    assert [(30, "It shows 3.9 kW.")] == _told([line], (5, 0), (20, 7_000), (30, 3_930), (40, 3_000))


def test_where_it_is_never_measured_something_else_is_said_or_nothing():
    line = {"at_s": 10, "until_s": 60, "point": "grid.power_w", "high": 4_000, "text": "kept"}

    assert [(60, "still 7.0 kW")] == _told(
        [{**line, "otherwise": "still {grid.power_w}"}], (20, 7_000), (60, 7_000)
    )
    assert [] == _told([line], (20, 7_000), (60, 7_000), (70, 1_000))


def test_a_line_without_a_quantity_is_said_at_its_second():
    assert [(10, "a"), (20, "b")] == _told(
        [{"at_s": 20, "text": "b"}, {"at_s": 10, "text": "a"}], (10, 0), (20, 0)
    )


def test_values_are_told_as_people_read_them():
    values = {"a.soc_pct": 41.6, "b.power_w": -3.0, "c.lost_count": 2.0, "d.current_max_a": 10.0}

    assert "42 %, 0.0 kW, 2, 10 A, an unknown value" == fill_values(
        "{a.soc_pct}, {b.power_w}, {c.lost_count}, {d.current_max_a}, {e.power_w}", values
    )


def test_the_demonstration_says_of_the_current_what_is_measured():
    lines = [
        one
        for one in load_scenario(find_scenario("demo")).events
        if isinstance(one, StoryLine) and 1500 <= one.at_s < 1680
    ]

    def said(*car_w):
        told = Narration(lines)
        return [
            text
            for at_s, watts in zip((1500, 1502, 1660), car_w, strict=True)
            for text in told.step(at_s, {"ev1.power_w": watts, "grid.power_w": 2_900.0})
        ]

    ended = "The limit has ended; the car takes 7.6 kW, the meter shows 2.9 kW."
    again = "The car has its full current again: it takes 11.0 kW, the meter shows 2.9 kW."
    assert [ended, again] == said(7_590.0, 7_590.0, 11_040.0)
    assert [ended, again] == said(7_590.0, 11_040.0, 11_040.0)
    assert [ended, "The car does not have its full current yet: it takes 8.3 kW."] == said(
        7_590.0, 8_280.0, 8_280.0
    )
