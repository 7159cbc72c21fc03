import pytest

from quartier.control import measures


@pytest.mark.parametrize(("sun_w", "load_w"), [(0, 0), (4_000, 0), (4_000, 2_500)])
def test_consumption_is_what_runs_and_what_is_charged_whatever_is_generated(plant, sun_w, load_w):
    p = plant(base_w=700, sun_w=sun_w, loads_w={"pump": load_w})
    seen = []
    judge = measures.consumed_w

    def noted(scene, players):
        seen.append(judge(scene, players))
        return seen[-1]

    p.run(60)
    p.cap(consumption_max_w=50_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measures, "consumed_w", noted)
        p.run(20)

    assert pytest.approx(700 + load_w + max(0.0, p.bat_w), abs=60) == seen[-1]
