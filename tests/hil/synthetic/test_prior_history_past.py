import pytest

from quartier_hil.scenario.plant_assets import build_plant_spec
from quartier_hil.scenario.site import Boiler
from quartier_hil.synthetic.prior_history import simulate_prior_history


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A scenario at half past six on a June evening, and its house."""
    from quartier_hil.scenario.scenario_file import load_scenario  # noqa: PLC0415 - as the run

    path = tmp_path_factory.mktemp("past") / "scenario.toml"
    path.write_text('title = "short"\nstart = 2026-06-12T18:30:00\nduration_s = 300\n')
    scenario = load_scenario(path)
    return scenario, build_plant_spec(scenario)


def test_the_past_ends_where_the_scenario_begins(made):
    past = simulate_prior_history(*made, days=2).history

    assert (2 * 96 + 74, 900) == (len(past.load_w), past.step_s)
    assert made[1].start_utc_s == past.start_utc_s + past.step_s * len(past.load_w)
    day_wh = [sum(past.load_w[at : at + 96]) / 4 for at in (0, 96)]
    assert all(5_000 < energy_wh < 25_000 for energy_wh in day_wh)
    assert day_wh[0] != day_wh[1]


def test_the_sun_shines_by_day(made):
    past = simulate_prior_history(*made, days=1).history

    noon_w, midnight_w = past.generated_w[52], past.generated_w[0]
    assert 1_000 < noon_w < 6_000
    assert 0 == midnight_w


def test_a_factor_makes_it_another_house_and_the_same_seed_the_same(made):
    first, second = (
        simulate_prior_history(*made, days=1),
        simulate_prior_history(*made, days=1, load_factor=1.5, sun_factor=0.5),
    )
    past, other = first.history, second.history

    assert pytest.approx([1.5 * watts for watts in past.load_w]) == other.load_w
    assert pytest.approx([0.5 * watts for watts in past.generated_w]) == other.generated_w
    assert first.grid == second.grid, "what the meter showed is what it showed"
    assert first == simulate_prior_history(*made, days=1)


def test_the_connection_showed_all_of_it_and_what_is_planned_apart_is_no_load(made):
    scenario, spec = made
    boiler = Boiler(kind="boiler", name="boiler1", rated_w=3_000)
    house = scenario.house.model_copy(update={"assets": (boiler,)})
    scenario = scenario.model_copy(update={"house": house})
    whole, apart = (
        simulate_prior_history(scenario, spec, days=1, apart=names) for names in ((), ("boiler1",))
    )

    assert whole.grid == apart.grid
    assert simulate_prior_history(*made, days=1).history == apart.history
    net_w = [load - sun for load, sun in zip(whole.history.load_w, whole.history.generated_w, strict=True)]
    assert pytest.approx(net_w) == whole.grid.load_w
    heated_wh = sum(
        (one - other) / 4 for one, other in zip(whole.history.load_w, apart.history.load_w, strict=True)
    )
    assert 15_000 < heated_wh < 30_000
