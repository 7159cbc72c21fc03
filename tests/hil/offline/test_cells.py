from quartier_hil.offline import cells


def test_each_fault_of_a_run_is_a_cell_by_its_device_and_verb(day):
    done = day(
        '[[events]]\nat_s = 60\ndo = "fault"\ndevice = "charger"\nkind = "stuck"\n'
        '[[events]]\nat_s = 120\ndo = "clear"\ndevice = "charger"\n[[checks]]\ncheck = "faults"\n'
    ).perform()

    assert {("x", "charger", "stuck"): "no loss, 0%"}.keys() == cells.told("x", done).keys()
    assert cells.told("x", done)["x", "charger", "stuck"].startswith("no loss, ")
