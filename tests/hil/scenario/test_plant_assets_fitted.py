import datetime as dt

from quartier_hil.scenario import plant_assets
from quartier_hil.scenario.scenario_file import Scenario

HOUSE = {
    "boards": [{"name": "park", "fuse_a": 63}],
    "assets": [
        {"kind": "cars", "name": "ev", "board": "park", "count": 3, "arrive_from_s": 60, "arrive_to_s": 600},
        {"kind": "waste", "name": "waste1", "rated_w": 20_000, "batches_s": [30], "deadline": "18:00"},
        *(
            {"kind": kind, "name": f"{kind}1", "rated_w": 1_000}
            for kind in ("lights", "heat", "boiler", "cooling", "substation", "chp", "ventilation", "load")
        ),
    ],
}
SCENARIO = Scenario.model_validate(
    {"title": "x", "start": dt.datetime(2026, 6, 12, 15), "duration_s": 100, "house": HOUSE}  # noqa: DTZ001 - the house's local time
)


def test_every_class_becomes_a_piece_of_the_plant():
    names = [piece.name for piece in plant_assets.build_pieces(SCENARIO)]

    assert ["ev01", "ev02", "ev03", "waste1", "lights1"] == names[:5]
    assert 12 == len(names)


def test_cars_come_when_the_seed_says_and_always_the_same():
    first, again = (plant_assets.build_pieces(SCENARIO)[:3] for _ in range(2))

    assert first == again
    assert all(60 <= point.visits[0].from_s <= 600 for point in first)
    assert 3 == len({point.visits[0].from_s for point in first})


def test_a_deadline_of_the_day_is_a_second_of_the_scenario():
    (waste,) = [piece for piece in plant_assets.build_pieces(SCENARIO) if piece.name == "waste1"]

    assert 3 * 3600 == waste.deadline_s


def test_a_load_with_a_run_is_a_machine_that_is_loaded():
    kiln = {
        "kind": "load",
        "name": "kiln",
        "rated_w": 9,
        "run_w": [9, 1],
        "loaded_s": [7],
        "deadline": "18:00",
    }
    house = {"assets": [kiln, {**kiln, "name": "oven", "deadline": None}]}
    scenario = Scenario.model_validate({**SCENARIO.model_dump(), "house": house})
    first, second = plant_assets.build_pieces(scenario)

    assert ((9.0, 1.0), (7.0,), 3 * 3600) == (first.run_w, first.loaded_s, first.deadline_s)
    assert 9 * 3600 == second.deadline_s


def test_boards_and_homes_are_those_of_the_file():
    assert ["park"] == [board.name for board in plant_assets.build_boards(SCENARIO)]
    assert ("park", "grid") == (
        plant_assets.map_assets_to_boards(SCENARIO)["ev02"],
        plant_assets.map_assets_to_boards(SCENARIO)["lights1"],
    )


def test_a_report_draws_what_this_house_alone_has():
    points = plant_assets.list_asset_points(SCENARIO)

    assert {"ev03.power_w", "heat1.tank_c", "park.current_l3_a"} <= set(points)
    assert 12 + 5 + 3 == len(points)
