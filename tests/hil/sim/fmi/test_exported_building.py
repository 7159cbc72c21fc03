"""The command that writes a building as an FMU, and the orders that the building takes."""

import ast
from pathlib import Path

from quartier_hil.cli import main
from quartier_sim.fmi import exported_building

PLANT = Path(__file__).parents[4] / "hil/quartier_sim/plant"
SITE = """
site = { id = "shop", district = "test" }
limits = { contract_import_w = 9000, contract_export_w = 3000 }
assets.grid = { role = "grid", device = "meter" }
assets.bat1 = { role = "battery", device = "gx", part = "battery", rated_w = 5000, capacity_wh = 10000 }
assets.pv1 = { role = "pv", device = "gx", part = "pv", rated_w = 6000 }
assets.ev1 = { role = "ev", device = "charger", accept_no_fallback = "only the rig's station, in a test" }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
devices.meter = { bus = "lan", profile = "eastron/sdm630", unit = 1 }
devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }
devices.charger = { bus = "lan", profile = "keba/p30", unit = 255 }
"""


def test_every_order_that_an_asset_obeys_is_an_input():
    """The table of orders against the plant's own code."""
    obeyed = {
        node.args[0].value
        for path in PLANT.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "orders"
        and isinstance(node.args[0], ast.Constant)
    }
    assert obeyed == {name for orders in exported_building._ORDERS.values() for name in orders}


def test_a_site_file_with_faults_is_78_and_another_name_is_2(tmp_path, capsys):
    (tmp_path / "shop.toml").write_text("site = [")
    assert 78 == main(["fmu", str(tmp_path / "shop.toml"), str(tmp_path / "shop.fmu")])
    assert "shop.toml: file: is not valid TOML" in capsys.readouterr().err
    assert 2 == main(["fmu", str(tmp_path / "shop.toml"), str(tmp_path / "shop.zip")])
    assert "expected a name that ends in .fmu" in capsys.readouterr().err
    (tmp_path / "shop.toml").write_text(SITE)
    assert 2 == main(["fmu", str(tmp_path / "shop.toml"), str(tmp_path / "nowhere" / "shop.fmu")])
    assert "No such file" in capsys.readouterr().err
