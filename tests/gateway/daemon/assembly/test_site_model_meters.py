"""Which meters say what time it is and which tariff counts, by what their devices serve."""

from types import SimpleNamespace

from quartier.daemon.assembly import site_model
from quartier.site.site_layout import ClockSource
from quartier_drivers.contract import PointInfo


def info(point, period_s):
    return PointInfo(point, "float", "", period_s, None, None)


def test_tariffs_are_heard_at_the_connection_and_clocks_everywhere_the_grid_operators_meter_first():
    site = SimpleNamespace(
        supplies={"linky": None}, nodes={"board": None, "shed": None}, grid=lambda: ("grid", None)
    )
    said = {
        "grid.tariff_index": 10.0,
        "grid.clock_offset_s": 1.0,
        "linky.tariff_index": 2.0,
        "board.tariff_index": 1.0,
        "board.clock_offset_s": 900.0,
        "shed.tariff_index": 1.0,
    }
    found = list(
        site_model.find_clock_sources(
            site, {point: info(point, period_s) for point, period_s in said.items()}
        )
    )

    assert [
        ClockSource(name="linky", tariff_s=2.0),
        ClockSource(name="grid", tariff_s=10.0, clock_s=1.0),
        ClockSource(name="board", clock_s=900.0),
    ] == found
