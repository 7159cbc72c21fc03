import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from quartier.control.limits import Force
from quartier.control.scene import Scene
from quartier.control.state import State
from quartier.control.wishes import Wishes
from quartier.house.now import Now


@pytest.fixture
def at_hour(drive, house):
    """A scene at a local hour of a winter day in Paris."""

    def made(hour: float, *, synced: bool = True, **more: object) -> Scene:
        midnight = dt.datetime(2026, 1, 15, tzinfo=ZoneInfo("Europe/Paris"))
        utc_ms = round((midnight.timestamp() + hour * 3600) * 1000)
        plain = {
            "state": State.fresh(house),
            "wishes": Wishes(caps=drive().start().caps),
            "force": Force(import_w=1e6, export_w=1e6),
            "grid_w": 0.0,
            "grid_age_s": 0.0,
            "lost": False,
            "dt_s": 1.0,
            "running_s": 60.0,
            "now": Now(3_600_000_000_000, utc_ms, synced),
            "common": False,
        }
        return Scene(**(plain | more))

    return made
