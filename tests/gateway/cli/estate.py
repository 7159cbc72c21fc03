"""A site with one of each that can be planned, and a day, for the tests of this room."""

from argparse import Namespace
from pathlib import Path

from quartier.cli.plan.command import run_plan
from quartier.cli.plan.site_plan import SitePlanResult

SITE = """\
site = { id = "b1", district = "issy" }
limits = { contract_import_w = 12000 }
buses.rs1 = { kind = "modbus-rtu", port = "/dev/ttyS0", baud = 19200 }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
devices.m1 = { bus = "rs1", profile = "eastron/sdm630", unit = 1 }
devices.hp = { bus = "rs1", profile = "quartier/heat_pump", unit = 2 }
devices.relays = { bus = "rs1", profile = "waveshare/relay8", unit = 3 }
devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }
devices.box1 = { bus = "lan", profile = "keba/p30", unit = 10 }
assets.grid = { role = "grid", device = "m1" }
assets.bat1 = { role = "battery", device = "gx", part = "battery", rated_w = 1000, capacity_wh = 4000 }
assets.ev1 = { role = "ev", device = "box1", phases_count = 1, energy_wanted_wh = 5000 }
assets.boiler = { role = "heat", device = "hp", rated_w = 2000, comfort_min_c = 45, comfort_max_c = 60, tank_m3 = 0.3 }
assets.washer = { role = "load", device = "relays", part = "relay1", rated_w = 2000, run_w = [2000, 500] }
"""
HEAD = "time,load_w,pv_w,import_eur_per_kwh,export_eur_per_kwh,ev1.plugged_on,boiler.draw_w"
ROWS = (
    "2026-06-12T12:00,1000,0,0.30,0,1,500",
    "2026-06-12T13:00,1000,0,0.10,0,1,500",
    "2026-06-12T14:00,1000,0,0.20,0,1,500",
    "2026-06-12T15:00,1000,0,0.40,0,0,500",
    "2026-06-12T16:00,1000,0,0.40,0,0,500",
)
SERIES = "\n".join([HEAD, *ROWS])
WARM = "boiler.tank_c=50"
EXAMPLE = Path(__file__).parents[3] / "gateway/docs/plan"
"""The worked example of planning.md."""


def outcome(
    monkeypatch, folder: Path, *, site: str = SITE, series: str = SERIES, **said: object
) -> SitePlanResult:
    """What is told of the estate's plan."""
    (folder / "site.toml").write_text(site)
    (folder / "day.csv").write_text(series)
    kept: list[SitePlanResult] = []
    monkeypatch.setattr("quartier.cli.plan.command.show_site_plan", lambda found, _: kept.append(found) or 0)
    options = {
        "config": folder / "site.toml",
        "series": folder / "day.csv",
        "with_": [WARM],
        "battery": None,
        "soc": 50.0,
        "target": 0.0,
        "worth": 0.0,
        "engine": "own",
        "html": None,
        "json": False,
        **dict.fromkeys(("efficiency", "wear", "peak", "peak_free", "co2")),
    }
    assert run_plan(Namespace(**{**options, **said})) == 0
    return kept[0]
