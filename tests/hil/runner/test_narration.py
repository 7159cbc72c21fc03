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


def test_the_demonstration_gives_current_back_only_to_a_car_that_is_still_limited():
    (line,) = (
        one
        for one in load_scenario(find_scenario("demo")).events
        if isinstance(one, StoryLine) and "gets its current" in one.text
    )

    def said(car_w):
        values = {"ev1.power_w": car_w, "grid.power_w": 2_900.0}
        told = Narration([line])
        return [*told.step(line.at_s, values), *told.step(line.until_s, values)]

    assert ["The limit has ended; the car takes 7.6 kW and gets its current back in stages."] == said(7_590.0)
    for car_w in (0.0, 11_040.0):
        assert [f"The limit has ended; the car takes {car_w / 1e3:.1f} kW, the meter shows 2.9 kW."] == said(
            car_w
        )
