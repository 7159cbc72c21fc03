"""Which meters say what is subscribed, which tariff counts and what time it is (pure)."""

from collections.abc import Iterator, Mapping

from quartier.app import offers
from quartier.config import capping, model
from quartier.config.supplies import SUBSCRIBED
from quartier.control.observe.meter_clocks import CLOCK_OFFSET
from quartier.house import assets
from quartier_drivers.contract import PointInfo


def supplies(site: model.Site, points: Mapping[str, PointInfo]) -> tuple[assets.Supply, ...]:
    """Those of the site file, and the grid meter itself where it says what is subscribed."""
    grid, _ = site.grid()
    said = {name: supply.release_s for name, supply in site.supplies.items()}
    if any(f"{grid}.{quantity}" in points for quantity in SUBSCRIBED):
        said[grid] = capping.Supply.model_fields["release_s"].default
    return tuple(
        assets.Supply(
            name=name,
            release_s=release_s,
            period_s=offers.period_s(points, f"{name}.apparent_power_va"),
            is_grid=name == grid,
        )
        for name, release_s in said.items()
    )


def heard(site: model.Site, points: Mapping[str, PointInfo]) -> Iterator[assets.Witness]:
    """Meters that say what time it is, or, at the connection, which tariff counts; supplies first."""
    at_the_connection = (*site.supplies, site.grid()[0])
    for name in dict.fromkeys((*at_the_connection, *site.nodes)):
        tariff_s = offers.measured_s(points, f"{name}.tariff_index") if name in at_the_connection else None
        clock_s = offers.measured_s(points, f"{name}.{CLOCK_OFFSET}")
        if tariff_s is not None or clock_s is not None:
            yield assets.Witness(name=name, tariff_s=tariff_s, clock_s=clock_s)
