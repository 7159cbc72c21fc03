from quartier_hil.synthetic import reference_runs


def test_each_fault_of_a_run_is_a_cell_by_its_device_and_verb(day):
    done = day(
        '[[events]]\nat_s = 60\ndo = "fault"\ndevice = "charger"\nkind = "stuck"\n'
        '[[events]]\nat_s = 120\ndo = "clear"\ndevice = "charger"\n[[checks]]\ncheck = "faults"\n'
    ).perform()

    assert {("x", "charger", "stuck"): "no loss, 0%"}.keys() == reference_runs.make_matrix_cells(
        "x", done
    ).keys()
    assert reference_runs.make_matrix_cells("x", done)["x", "charger", "stuck"].startswith("no loss, ")
