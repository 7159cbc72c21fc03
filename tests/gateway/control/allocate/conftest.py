import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from quartier.control.inputs import CycleInputs
from quartier.control.limits.active import ActiveLimits
from quartier.control.observe.observations import LastGood
from quartier.control.records import OrderBook
from quartier.control.requests import Requests
from quartier.control.state import ControlState
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import Asset, OperationModeAsset
from quartier.site.records import Now


@pytest.fixture
def at_hour(drive, house):
    """A scene at a local hour of a winter day in Paris."""

    def made(hour: float, *, synced: bool = True, **more: object) -> CycleInputs:
        midnight = dt.datetime(2026, 1, 15, tzinfo=ZoneInfo("Europe/Paris"))
        utc_ms = round((midnight.timestamp() + hour * 3600) * 1000)
        plain = {
            "state": ControlState.fresh(house),
            "requests": Requests(caps=drive().start().caps),
            "active_limits": ActiveLimits(import_w=1e6, export_w=1e6),
            "grid_w": 0.0,
            "grid_age_s": 0.0,
            "is_meter_lost": False,
            "dt_s": 1.0,
            "running_s": 60.0,
            "now": Now(3_600_000_000_000, utc_ms, synced),
            "common": False,
        }
        return CycleInputs(**(plain | more))

    return made


@pytest.fixture
def seen(at_hour, house):
    """A scene in which points of one asset, the grid's power and its last mode are known."""

    def made(
        asset: OperationModeAsset,
        hour: float = 12.0,
        *,
        grid_w: float | None = 0.0,
        mode: int | None = None,
        others: tuple[Asset, ...] = (),
        released: tuple[str, ...] = (),
        synced: bool = True,
        **points: float,
    ) -> CycleInputs:
        ns = at_hour(hour).now.ns
        known = {f"{asset.name}.{name}": LastGood(float(value), ns) for name, value in points.items()}
        known |= {f"{one.name}.power_w": LastGood(one.rated_w, ns) for one in others}
        state = replace(
            ControlState.fresh(replace(house, assets=(asset, *others))),
            last_good=known,
            switch_states={asset.name: SwitchState(mode=mode, since_ns=0)},
            book=OrderBook({}, frozenset(released)),
        )
        return at_hour(hour, state=state, grid_w=grid_w, synced=synced)

    return made
