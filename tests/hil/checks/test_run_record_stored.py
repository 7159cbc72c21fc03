from quartier_hil.checks import run_record
from quartier_hil.scenario.builtin_scenarios import list_builtin
from quartier_hil.scenario.scenario_file import load_scenario

PRINTED = """\
time,point,value,unit,quality,count
2026-10-25 02:45:00+02:00,grid.energy_import_wh,1200.5,Wh,good,15
2026-10-25 02:00:00+01:00,grid.energy_import_wh,1300.0,Wh,good,0
2026-10-25 02:00:00+01:00,grid.power_w,-40,W,good,3
"""


def test_what_the_command_prints_is_read_by_point_and_in_its_order():
    assert {
        "grid.energy_import_wh": [
            ("2026-10-25 02:45:00+02:00", 1200.5),
            ("2026-10-25 02:00:00+01:00", 1300.0),
        ],
        "grid.power_w": [("2026-10-25 02:00:00+01:00", -40.0)],
    } == run_record.parse_history(PRINTED.splitlines())


def test_only_what_a_check_judges_is_asked_for():
    assert run_record.list_stored_points(load_scenario(list_builtin()["cap-kept"])) == ()
    assert run_record.list_stored_points(load_scenario(list_builtin()["midnight"])) == (
        "grid.energy_import_wh",
        "grid.energy_export_wh",
        "grid.power_w",
    )
