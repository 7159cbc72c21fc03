"""A small site for the tests of joint plans: four hours, and what may stand in them."""

from collections.abc import Sequence
from math import inf

from quartier.planning.horizon import Battery, Contract, Outlook
from quartier.planning.site import Batch, Car, Site, Tank

BATTERY = Battery(10_000.0, 0.0, 0.0, 5000.0, 5000.0, 1.0, 1.0)
CAR = Car(need_wh=6210.0, room_wh=9e3, from_step=0, until_step=4, current_max_a=16.0, phases=1)
"""Five hours at 6 A are 6,210 Wh in it; 16 A bring 3,312 Wh an hour."""
TANK = Tank(4000.0, 2000.0, 6000.0, 2000.0, [0.0] * 4, time_constant_h=50.0)
BATCH = Batch([1000.0, 2000.0], 0, 4)


def outlook(
    prices: Sequence[float] = (0.1, 0.2, 0.3, 0.2),
    *,
    load_w: float = 0.0,
    pv_w: float = 0.0,
    import_max_w: float = inf,
    export_max_w: float = inf,
) -> Outlook:
    """Steps of an hour, import prices in EUR/kWh, and nothing for an export."""
    count = len(prices)
    return Outlook(
        step_s=3600,
        load_w=[load_w] * count,
        pv_w=[pv_w] * count,
        import_eur_per_wh=[price / 1000.0 for price in prices],
        export_eur_per_wh=[0.0] * count,
        import_max_w=[import_max_w] * count,
        export_max_w=[export_max_w] * count,
    )


def site(contract: Contract | None = None, **parts: object) -> Site:
    """A site with one of each that is named; ``ahead`` is its outlook."""
    ahead = parts.pop("ahead", None)
    if not isinstance(ahead, Outlook):
        ahead = outlook()
    kinds = {"battery": "batteries", "car": "cars", "tank": "tanks", "batch": "batches"}
    given = {kinds[name]: {name: part} for name, part in parts.items()}
    return Site(ahead, contract or Contract(), **given)  # type: ignore[arg-type]  # each kind by its name
